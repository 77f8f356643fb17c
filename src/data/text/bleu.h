/* BLEU of a whole test set (Papineni et al. 2002, "BLEU: a method for automatic evaluation of machine translation"), number for number as
 * sacreBLEU 2 computes it by default (Post 2018, "A call for clarity in reporting BLEU scores"): one reference, case as it is, the
 * tokenisation of mteval-v13a, n-grams to 4, exponential smoothing (Chen and Cherry 2014, method 3), no effective order:
 * nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp. */
#ifndef FNAS_DATA_TEXT_BLEU_H
#define FNAS_DATA_TEXT_BLEU_H

#include "base/text.h"

#define FNAS_BLEU_ORDER 4
#define FNAS_BLEU_BYTES_MAX (1 << 24) /* of a segment */

/* What is counted over all segments. Zero-initialise; sums of two parts of a set, added member by member, are those of the set. */
typedef struct fnas_bleu_counts {
    int64_t correct[FNAS_BLEU_ORDER]; /* n-grams, n = 1.., that stand in the reference, each at most as often as there */
    int64_t total[FNAS_BLEU_ORDER];   /* n-grams */
    int64_t length, reference_length; /* tokens */
} fnas_bleu_counts;

typedef struct fnas_bleu {
    double score;                       /* 0..100 */
    double precisions[FNAS_BLEU_ORDER]; /* smoothed, 0..100 */
    double brevity_penalty;             /* 0..1 */
} fnas_bleu;

/* Adds a segment: a translation and its reference, bytes in UTF-8. Errors: FNAS_ERR_INPUT (beyond FNAS_BLEU_BYTES_MAX), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_bleu_add(fnas_context *context, fnas_bleu_counts *counts, const char *translation, size_t size,
                                         const char *reference, size_t reference_size);

fnas_bleu fnas_bleu_score(const fnas_bleu_counts *counts);

/* Appends the segment as mteval-v13a splits it, one space between tokens. Errors as above. */
FNAS_NODISCARD fnas_status fnas_bleu_tokenise(fnas_context *context, const char *segment, size_t size, fnas_text *tokens);

#endif
