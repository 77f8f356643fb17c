/* Latency tables of Once-for-All (Cai et al. 2020, github.com/mit-han-lab/once-for-all: latency_lookup_table.py): YAML, one file a
 * resolution, one entry a block of the network:
 *
 *     expanded_conv-input:7x7x192-output:7x7x320-expand:6-kernel:5-stride:1-idskip:0:
 *       count: 61
 *       mean: 3.86
 *       std: 0.05
 *
 * A network's latency is the sum of the means of its blocks. Tables of MobileNetV3 have "-se:0-hs:1" behind idskip, and the expanded
 * channels where the others have the ratio. */
#ifndef FNAS_EXPORT_OFA_TABLE_H
#define FNAS_EXPORT_OFA_TABLE_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_OFA_ENTRIES_MAX 200000
#define FNAS_OFA_TYPE_BYTES 32 /* "expanded_conv", with its 0 */
#define FNAS_OFA_KEY_BYTES 256 /* enough for every key, with its 0 */

/* What a key says. */
typedef struct fnas_ofa_block {
    char type[FNAS_OFA_TYPE_BYTES]; /* Conv, Conv_1, Conv_2, AvgPool2D, Logits, expanded_conv: letters, digits and '_' */
    int64_t input[3], output[3];    /* height, width, channels */
    int64_t output_rank;            /* 3, or 1: features alone, in output[0] */
    int64_t expand, kernel, stride; /* of an expanded_conv; else 0 */
    int64_t skip;                   /* 0 or 1, of an expanded_conv; else -1 */
    int64_t squeeze, hard_swish;    /* 0 or 1 where the key has them (MobileNetV3); else -1 */
} fnas_ofa_block;

typedef struct fnas_ofa_entry {
    fnas_ofa_block block;
    int64_t count;          /* of measurements, from 1 */
    double mean_ms, std_ms; /* finite; above 0, and from 0 */
} fnas_ofa_entry;

/* Entries in the order of the file. Owned: fnas_ofa_table_free. */
typedef struct fnas_ofa_table {
    fnas_ofa_entry *entries; /* [count], distinct blocks */
    int64_t count;
} fnas_ofa_table;

/* Reads size_bytes bytes of YAML; `where` names them. Aliases, anchors, tags, sequences, several documents, other fields, a key or field
 * twice and anything deeper are refused. O(n log n). Errors: FNAS_ERR_INPUT "WHERE:LINE: ...", FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_ofa_table_parse(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                                fnas_ofa_table *table);
/* The same of a file of at most 32 MB. Errors also FNAS_ERR_IO. */
FNAS_NODISCARD fnas_status fnas_ofa_table_read(fnas_context *context, const char *path, fnas_ofa_table *table);

/* Writes a table atomically. Numbers are the shortest that read back the same, in the form that YAML 1.1 takes for a number; a table that
 * was written, read and written again has the same bytes. Errors: FNAS_ERR_INPUT (a block or a number that could not be read again, two
 * equal blocks: named), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_ofa_table_write(fnas_context *context, const char *path, const fnas_ofa_table *table);
void fnas_ofa_table_free(fnas_ofa_table *table); /* leaves it empty */

/* Whether two blocks have the same key. */
bool fnas_ofa_block_equal(const fnas_ofa_block *a, const fnas_ofa_block *b);

/* The entry of a block, or NULL. O(entries). */
const fnas_ofa_entry *fnas_ofa_table_find(const fnas_ofa_table *table, const fnas_ofa_block *block);

/* Key to block and back. parse: FNAS_ERR_INPUT "WHERE: ..." where the key is no such, or not in the one form that format gives it. */
FNAS_NODISCARD fnas_status fnas_ofa_block_parse(fnas_context *context, const char *where, const char *key, fnas_ofa_block *block);
void fnas_ofa_block_format(const fnas_ofa_block *block, char key[FNAS_OFA_KEY_BYTES]);

#endif
