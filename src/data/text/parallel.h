/* Which files parallel text lies in, and which part a pair of lines belongs to. */
#ifndef FNAS_DATA_TEXT_PARALLEL_H
#define FNAS_DATA_TEXT_PARALLEL_H

#include "data/text/lines.h"
#include "fleetnas/text.h"

/* Two files. All pairs are of the part; those of FNAS_TEXT_TRAIN are drawn among the parts that have no files. */
typedef struct fnas_parallel_set {
    char *paths[FNAS_TEXT_SIDES];
    fnas_text_part part;
} fnas_parallel_set;

/* Zero-initialise; fnas_parallel_free. */
typedef struct fnas_parallel {
    fnas_parallel_set sets[3]; /* [count], the train set first */
    int count;
    bool has_files[FNAS_TEXT_PARTS];     /* of its own */
    char languages[FNAS_TEXT_SIDES][32]; /* what the names end with */
} fnas_parallel;

/* spec: text:SOURCE,TARGET (fleetnas/text.h). Errors: FNAS_ERR_USAGE, FNAS_ERR_INPUT (a file that is missing, of one language alone among
 * them), FNAS_ERR_MEMORY. To be freed also after a failure. */
FNAS_NODISCARD fnas_status fnas_parallel_find(fnas_context *context, const char *spec, fnas_parallel *parallel);
void fnas_parallel_free(fnas_parallel *parallel);

/* FNAS_ERR_USAGE where the path is one of the files. */
FNAS_NODISCARD fnas_status fnas_parallel_check_output(fnas_context *context, const fnas_parallel *parallel, const char *path);

/* The part of a pair of the train set. fractions as in fnas_text_request, all set. Equal sources get equal parts. */
fnas_text_part fnas_parallel_draw(const fnas_parallel *parallel, const double fractions[FNAS_TEXT_PARTS], uint64_t seed,
                                  const fnas_line *source);

/* A number of 64 bits for a text, of many to be told apart (FNV-1a). begin: 0, or of what stands before it. */
uint64_t fnas_line_hash(uint64_t begin, const fnas_line *line);

/* Pairs of lines met so far, by their hashes. Zero-initialise; fnas_seen_free. */
typedef struct fnas_seen {
    uint64_t *slots; /* [capacity], 0: empty */
    size_t capacity, count;
} fnas_seen;
/* *again: it was there. Errors: FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_seen_add(fnas_context *context, fnas_seen *seen, uint64_t hash, bool *again);
void fnas_seen_free(fnas_seen *seen);

#endif
