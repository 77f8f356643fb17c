/* Translating with the shared weights of a run whose networks translate, and how good the translations are. */
#ifndef FLEETNAS_TRANSLATE_H
#define FLEETNAS_TRANSLATE_H

#include "fleetnas/search.h"
#include "fleetnas/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the run's networks translate sentences. Cannot fail. */
FNAS_API bool fnas_run_translates(const fnas_run *run);

/* How the words of a translation are found: beam search as fairseq's. A hypothesis of n words (its end included) is worth its log
 * probability / n^length_penalty (Wu et al. 2016, in fairseq's form). A translation has at most 1.5 m + 10 words, its end included, where m
 * is the sentence's pieces, its end included, rounded up to a multiple of 8: every one ends. Zeros and NULL stand for the values in
 * brackets. */
typedef struct fnas_beam_options {
    int64_t width;                /* hypotheses that are kept, 1 (greedy) to 16 [4] */
    const double *length_penalty; /* borrowed; finite [0.6] */
} fnas_beam_options;

/* ---- texts ---- */

typedef struct fnas_translate_options {
    const char *arch; /* required: what fnas_space_parse_given takes */
    fnas_beam_options beam;
    const char *name;   /* of where the texts come from, for messages: "FILE" as in "FILE:3: ..." ["sentence"] */
    int64_t first_line; /* number of the first text, for messages [1] */
} fnas_translate_options;

/* Immutable; owned: fnas_translations_free. */
typedef struct fnas_translations fnas_translations;

/* Translates texts [count], each of sizes [i] bytes of UTF-8 without a 0, with the run's shared weights and vocabulary. A text without a
 * piece (empty, or blank) becomes an empty one. Deterministic for any number of threads; texts are translated some at a time, those of like
 * lengths together, on the context's threads. Progress stage "translate". Errors: FNAS_ERR_USAGE (a run whose networks do not translate, or
 * without shared weights; a beam out of range), FNAS_ERR_INPUT (no architecture of the space; a text that is not UTF-8, has a 0 in it, is
 * of more than 65536 bytes or of more than FNAS_PAIR_IDS_MAX pieces: name and number say which), FNAS_ERR_NUMERIC (weights that give no
 * probabilities), FNAS_ERR_MEMORY, FNAS_INTERRUPTED. */
FNAS_API FNAS_NODISCARD fnas_status fnas_run_translate(fnas_context *context, const fnas_run *run, const fnas_translate_options *options,
                                                       int64_t count, const char *const *texts, const size_t *sizes_bytes,
                                                       fnas_translations **translations);
/* What text `index` (0 .. count - 1) became: UTF-8 in one line (a blank where a control character would be). Borrowed. Cannot fail. */
FNAS_API const char *fnas_translations_text(const fnas_translations *translations, int64_t index);
FNAS_API void fnas_translations_free(fnas_translations *translations); /* NULL is allowed */

/* ---- BLEU ---- */

typedef struct fnas_bleu_options {
    int64_t arch_count;
    const char *const *archs; /* [arch_count], borrowed: what fnas_space_parse_given takes */
    int64_t file_count;
    const char *const *files; /* [file_count], borrowed: CSV with a column "arch", or JSON: an array of native strings, or an object with
                                 such an array "reference_archs", with an "arch", or with "points" that have one each */
    fnas_text_part part;      /* FNAS_TEXT_TEST or FNAS_TEXT_VALIDATION [test] */
    int64_t pairs;            /* the first so many of the part, or all where there are fewer [all] */
    fnas_beam_options beam;
    const char *data;   /* where the pairs lie now [as the run knows] */
    const char *output; /* a file that is to be written with the outcome: refused where it is the pairs' [none] */
} fnas_bleu_options;

typedef struct fnas_bleu_row {
    const char *arch;         /* native string, borrowed */
    double bleu;              /* 0..100 */
    double precision[4];      /* of n-grams, n = 1.., smoothed, 0..100 */
    double brevity_penalty;   /* 0..1 */
    int64_t tokens;           /* of all translations, as BLEU counts them */
    int64_t reference_tokens; /* of their references */
    double error_pct;         /* of words foretold from those before them in the reference, as front and verify say it */
    double cross_entropy;     /* of the same, nats a word */
} fnas_bleu_row;

/* Immutable; owned: fnas_bleu_table_free. */
typedef struct fnas_bleu_table fnas_bleu_table;

/* Translates the pairs of a part with the run's shared weights by each architecture, and scores the translations against the texts of the
 * pairs, number for number as sacreBLEU 2 does by default (nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp). Architectures that are named
 * twice stand in the table once, in the order in which they came. Deterministic for any number of threads; in parallel over architectures
 * and sentences on the context's. Progress stages "translate" and "score"; errors are kept in RUN/scores.csv, as for fronts. Errors:
 * FNAS_ERR_USAGE (a run whose networks do not translate, or without shared weights; no architecture; a part without texts; a number out of
 * range), FNAS_ERR_INPUT (no architecture of the space, naming file and entry; pairs missing or not the run's), FNAS_ERR_NUMERIC (weights
 * that give no probabilities), FNAS_ERR_IO, FNAS_ERR_MEMORY, FNAS_INTERRUPTED. */
FNAS_API FNAS_NODISCARD fnas_status fnas_run_bleu(fnas_context *context, const fnas_run *run, const fnas_bleu_options *options,
                                                  fnas_bleu_table **table);
FNAS_API void fnas_bleu_table_free(fnas_bleu_table *table); /* NULL is allowed */
FNAS_API int64_t fnas_bleu_table_count(const fnas_bleu_table *table);
FNAS_API fnas_bleu_row fnas_bleu_table_row(const fnas_bleu_table *table, int64_t index); /* 0 .. count - 1 */
FNAS_API int64_t fnas_bleu_table_pairs(const fnas_bleu_table *table);                    /* that were translated */
/* Columns arch, bleu, brevity_penalty, precision1 .. precision4, tokens, reference_tokens, error_pct, cross_entropy. Atomic. Errors:
 * FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_bleu_table_write_csv(fnas_context *context, const fnas_bleu_table *table, const char *path);

#ifdef __cplusplus
}
#endif
#endif
