/* A space that is described by a file, without code (docs/spaces.md). Files: read (the description), identity (its checksum and its
 * text), read_references, references (chosen by rule), known (which ones a context has seen), features, settle (which decisions matter),
 * file (the space interface). */
#ifndef FNAS_SPACE_FILE_FILE_H
#define FNAS_SPACE_FILE_FILE_H

#include <stdatomic.h>

#include "space/space.h"

#define FNAS_FILE_SPACE_FORMAT "fleetnas-space/1"
#define FNAS_FILE_SPACE_DECISIONS_MAX 256
#define FNAS_FILE_SPACE_CHOICES_MAX 256
#define FNAS_FILE_SPACE_FEATURES_MAX 1000 /* the latency predictor takes 1024 */
#define FNAS_FILE_SPACE_FACTORS_MAX 4     /* of a cost */
#define FNAS_FILE_SPACE_NAME_MAX 64       /* bytes of a name */
#define FNAS_FILE_SPACE_REFERENCES 10
#define FNAS_FILE_SPACE_SEPARATOR '/' /* of choices in a native string */

typedef struct fnas_file_decision {
    char *name;
    int64_t choice_count;
    char **choice_names;
    double *values;    /* [choice_count], scaled to 0..1 over them; NULL: the choices are no numbers */
    double *ratios;    /* [choice_count], value / largest value, for costs; NULL without values, or where one is negative */
    int64_t parent;    /* the decision that says whether this one matters; -1: it always does */
    bool *active_with; /* [choice_count of the parent] */
} fnas_file_decision;

/* A product of decisions' values, of which latency is a sum. */
typedef struct fnas_file_cost {
    int64_t factor_count;
    int64_t factors[FNAS_FILE_SPACE_FACTORS_MAX]; /* decisions */
} fnas_file_cost;

/* What a file says. Immutable but for the count of its users; shared by all spaces opened from it. */
typedef struct fnas_file_space {
    atomic_int users;
    char *name, *spec, *description;
    int64_t decision_count, onehot_size, feature_count;
    fnas_file_decision *decisions;
    int64_t cost_count; /* 0: none are stated, and the features of choices and values are what costs */
    fnas_file_cost *costs;
    int64_t *order;  /* [decision_count]: each behind its parent */
    int64_t *offset; /* [decision_count] in the one-hot */
    int64_t reference_count;
    int32_t *references; /* [reference_count][decision_count], canonical */
} fnas_file_space;

/* From a text of size_bytes with a 0 behind it; `where` names it in messages, `folder` is where its table lies (NULL: a table is refused).
 * One user: the caller (fnas_file_space_release). */
FNAS_NODISCARD fnas_status fnas_file_space_parse(fnas_context *context, const char *where, const char *folder, const char *text,
                                                 size_t size_bytes, fnas_file_space **file);
void fnas_file_space_retain(fnas_file_space *file);
void fnas_file_space_release(fnas_file_space *file);

/* Reads a description (text NULL: the file `where`) and has the context know it. *spec is owned by the caller (fnas_free). */
FNAS_NODISCARD fnas_status fnas_file_space_learn(fnas_context *context, const char *where, const char *text, char **spec);
/* fnas_space_find_table of the file `where`. */
bool fnas_file_space_find_table(fnas_context *context, const char *where, char *path, size_t size_bytes);
/* The description that the context, or one that it works for, knows by this spec; NULL: none. Borrowed from the context. */
fnas_file_space *fnas_file_space_find(const fnas_context *context, const char *spec);

/* A space of it, one more user; released with fnas_space_close's parts also after a failure. */
FNAS_NODISCARD fnas_status fnas_file_space_fill(fnas_context *context, fnas_file_space *file, fnas_space *space);

/* Which decisions matter: active [decision_count]. */
void fnas_file_space_active(const fnas_file_space *file, const int32_t *choices, bool *active);
/* Inactive decisions become their first choice. */
void fnas_file_space_canonical(const fnas_file_space *file, int32_t *choices);
/* The space interface's settled_count and settled_random. */
double fnas_file_space_settled_count(const fnas_space *space);
void fnas_file_space_settled_random(const fnas_space *space, fnas_random *random, int32_t *choices);

FNAS_NODISCARD fnas_status fnas_file_space_parse_arch(fnas_context *context, const fnas_file_space *file, const char *text,
                                                      int32_t *choices);

/* Ten architectures that differ as much as possible among count candidates [count][decision_count]: the first of them, then each time the
 * one whose nearest among those taken is the farthest (Gonzalez 1985), by the number of decisions in which they differ; among equals the
 * one farther from all, then the earlier. Into file->references; none where the candidates hold fewer than ten different ones. */
FNAS_NODISCARD fnas_status fnas_file_space_choose_references(fnas_context *context, fnas_file_space *file, int64_t count,
                                                             const int32_t *candidates);

const char *fnas_file_space_description(const fnas_space *space); /* of a space of this type */

/* A feature a choice, 1 where it is chosen and its decision active, and behind those one a decision with values: the chosen one, scaled to
 * 0..1, 0 where the decision is inactive. */
int64_t fnas_file_space_feature_count(const fnas_space *space);
void fnas_file_space_features(const fnas_space *space, const double *onehot, double *features);
void fnas_file_space_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);

/* The first of these features, one a choice: what networks that give errors take. */
extern const fnas_space_encoding fnas_file_space_encodings[];

/* What latency is a sum of: the stated costs, each the product of value / largest value over its decisions, 0 where one of them is
 * inactive; the features above where none are stated. */
int64_t fnas_file_space_cost_count(const fnas_space *space);
void fnas_file_space_costs(const fnas_space *space, const double *onehot, double *costs);
void fnas_file_space_costs_vjp(const fnas_space *space, const double *onehot, const double *diff_costs, double *diff_onehot);

#endif
