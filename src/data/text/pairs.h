/* Pairs of texts as ids of pieces, in four parts, with their vocabulary, in one file that is mapped into memory. The layout, all numbers
 * little-endian:
 *
 *   "fleetnas-pairs-1"         16 bytes
 *   the ids of every pair      source, then target; 2 bytes each where the vocabulary has at most 65,536 pieces, else 4
 *   an entry for each pair     of the train, search, validation and test part in turn: u64 number of its first id, counted from the first
 * of all, u32 source ids, u32 target ids an entry for each text     of the pairs of the validation and the test part: u64 offset in the
 * texts, u32 source bytes, u32 target bytes the texts                  source, then target, as they were before they were cut the model of
 * SentencePiece, as it was names                      of the two languages, each with a 0 the trailer                u64 each: bytes of an
 * id, ids, pairs of the four parts, bytes of the texts, of the model, of the names, seed, bytes of the whole file, CRC-32 of all before it
 *   "fleetnas-pairs-1"         16 bytes
 *
 * The trailer is written last: a file without its end is none. */
#ifndef FNAS_DATA_TEXT_PAIRS_H
#define FNAS_DATA_TEXT_PAIRS_H

#include "data/text/lines.h"
#include "data/text/vocabulary.h"
#include "fleetnas/text.h"

#define FNAS_PAIRS_MAX INT64_C(1000000000)

/* Immutable once open: any number of threads may read it. */
typedef struct fnas_pairs fnas_pairs;

typedef struct fnas_pairs_info {
    const char *name;                       /* which pairs, wherever they lie: "text:CRC,source=en,target=de,pairs=N,vocabulary=V" */
    const char *languages[FNAS_TEXT_SIDES]; /* by the names of the files */
    int64_t counts[FNAS_TEXT_PARTS];
    int64_t longest[FNAS_TEXT_SIDES]; /* ids of the longest text of a side */
    int64_t ids;                      /* of all */
    uint64_t seed;                    /* that drew the parts */
    const fnas_vocabulary *vocabulary;
} fnas_pairs_info;

/* Checks the whole file: afterwards every pair lies in it, is not empty and has ids of its vocabulary. name: for messages; bytes [size] are
 * borrowed until it is closed. *pairs is owned: fnas_pairs_close. Errors: FNAS_ERR_INPUT for what is no such file, truncated or damaged,
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_pairs_parse(fnas_context *context, const char *name, const unsigned char *bytes, size_t size,
                                            fnas_pairs **pairs);
/* Maps a file, and the same. Also FNAS_ERR_IO. */
FNAS_NODISCARD fnas_status fnas_pairs_open(fnas_context *context, const char *path, fnas_pairs **pairs);
void fnas_pairs_close(fnas_pairs *pairs); /* NULL is allowed */

fnas_pairs_info fnas_pairs_get(const fnas_pairs *pairs); /* borrows */

/* Of pair `index` of a part, in range: how many ids a side has (1..FNAS_PAIR_IDS_MAX), and the ids [that many], without marks. */
int64_t fnas_pairs_length(const fnas_pairs *pairs, fnas_text_part part, int64_t index, fnas_text_side side);
void fnas_pairs_ids(const fnas_pairs *pairs, fnas_text_part part, int64_t index, fnas_text_side side, int32_t *ids);

/* The text of a pair of the validation or the test part, as it was in its file: bytes [*size], borrowed. */
const char *fnas_pairs_text(const fnas_pairs *pairs, fnas_text_part part, int64_t index, fnas_text_side side, size_t *size);

/* ---- writing ---- */

/* Begin, one call a pair, perhaps mix, end; or abort. Nothing is at `path` before the end. Errors: FNAS_ERR_IO, FNAS_ERR_MEMORY,
 * FNAS_ERR_INPUT (too many). */
typedef struct fnas_pairs_writer fnas_pairs_writer;
FNAS_NODISCARD fnas_status fnas_pairs_writer_begin(fnas_context *context, const char *path, const fnas_vocabulary *vocabulary,
                                                   fnas_pairs_writer **writer);
/* ids [side][counts[side]], texts: of the validation and the test part. */
FNAS_NODISCARD fnas_status fnas_pairs_writer_add(fnas_context *context, fnas_pairs_writer *writer, fnas_text_part part,
                                                 const int32_t *const ids[FNAS_TEXT_SIDES], const int64_t counts[FNAS_TEXT_SIDES],
                                                 const fnas_line texts[FNAS_TEXT_SIDES]);
/* Puts the pairs of a part in an order drawn by (seed, FNAS_STREAM_SPLIT). */
FNAS_NODISCARD fnas_status fnas_pairs_writer_mix(fnas_context *context, fnas_pairs_writer *writer, fnas_text_part part, uint64_t seed);
int64_t fnas_pairs_writer_count(const fnas_pairs_writer *writer, fnas_text_part part);
/* Releases it, also after a failure. */
FNAS_NODISCARD fnas_status fnas_pairs_writer_end(fnas_context *context, fnas_pairs_writer *writer,
                                                 const char *const languages[FNAS_TEXT_SIDES], uint64_t seed, int64_t *size_bytes);
void fnas_pairs_writer_abort(fnas_pairs_writer *writer); /* NULL is allowed */

#endif
