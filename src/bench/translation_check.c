#include <math.h>

#include "base/memory.h"
#include "bench/translation.h"

#define SENTENCES 2
#define WORDS 4
/* Relative to the largest logit: some 40 sums of up to 3,072 products lie behind one another, with norms between. Should the rounding of
 * each, sqrt(3072) 2^-24, add up, it is 1.4e-4; it does not. */
#define LOGITS_BOUND 1e-4
#define LOSS_BOUND 1e-5  /* relative: a mean over words */
#define SCORE_BOUND 1e-4 /* of a sum over words, relative to one and it */
/* Some 20 products with rounded weights lie behind one another, each off by 2^-9 of its size at most: sqrt(20) 2^-9 of the largest logit,
 * which is half as large as a word's -log p. */
#define ROUNDED_SCORE_BOUND 5e-3

static double worse(double error, double other) {
    return isnan(other) ? (double)INFINITY : fmax(error, other);
}

/* ---- training ---- */

typedef struct reference_values {
    double *parameters, *logits, loss;
} reference_values;

static fnas_status reference_run(fnas_context *context, const fnas_translation *t, reference_values *reference) {
    int64_t floats = t->parameters.float_count, logits = t->start[t->batch.n] * t->setup.vocabulary;
    reference->parameters = fnas_allocate((size_t)floats, sizeof(double));
    reference->logits = fnas_allocate((size_t)logits, sizeof(double));
    if (!reference->parameters || !reference->logits) return fnas_fail_memory(context, "the check of a sub-transformer");
    for (int64_t i = 0; i < floats; i++) reference->parameters[i] = (double)t->parameters.values[i];
    fnas_translator_request request = {.shape = &t->shape,
                                       .largest = &t->largest,
                                       .parameters = &t->parameters,
                                       .batch = &t->batch,
                                       .dropout = t->setup.dropout ? &t->dropout : NULL,
                                       .label_smoothing = FNAS_TRANSLATION_SMOOTHING};
    return fnas_translator_run_reference(context, &request, reference->parameters, NULL, reference->logits, &reference->loss);
}

static double training_error(const fnas_translation *t, const reference_values *reference) {
    double most = 0, difference = 0, loss = reference->loss;
    for (int64_t i = 0; i < t->start[t->batch.n] * t->setup.vocabulary; i++) {
        difference = worse(difference, fabs((double)t->logits[i] - reference->logits[i]));
        most = fmax(most, fabs(reference->logits[i]));
    }
    return worse(difference / most / LOGITS_BOUND, fabs(t->result.loss - loss) / fabs(loss) / LOSS_BOUND);
}

static fnas_status check_training(fnas_context *context, fnas_translation *t, double *error) {
    reference_values reference = {0};
    t->logits = fnas_allocate((size_t)(t->start[t->batch.n] * t->setup.vocabulary), sizeof(float));
    fnas_status status = t->logits ? fnas_translation_run(context, t) : fnas_fail_memory(context, "the check of a sub-transformer");
    if (status == FNAS_OK) status = reference_run(context, t, &reference);
    if (status == FNAS_OK) *error = training_error(t, &reference);
    fnas_free(reference.parameters);
    fnas_free(reference.logits);
    return status;
}

/* ---- decoding: what is said has the score that the naive network gives it ---- */

static void put_words(fnas_translation *t) {
    int64_t words = t->setup.words;
    for (int64_t i = 0; i < t->batch.n; i++)
        for (int64_t k = 0; k < words; k++) {
            t->label[i * words + k] = k < t->said_count[i] ? t->said[i * words + k] : FNAS_TRANSLATION_END;
            t->input[i * words + k] = k ? t->label[i * words + k - 1] : FNAS_TRANSLATION_BEGIN;
        }
}

static double score_of(const fnas_translation *t, const double *logits, int64_t sentence) {
    int64_t vocabulary = t->setup.vocabulary;
    double score = 0;
    for (int64_t k = 0; k <= t->said_count[sentence]; k++) {
        int64_t token = sentence * t->setup.words + k;
        const double *row = logits + token * vocabulary;
        double most = row[0], sum = 0;
        for (int64_t w = 1; w < vocabulary; w++) most = fmax(most, row[w]);
        for (int64_t w = 0; w < vocabulary; w++) sum += exp(row[w] - most);
        score += row[t->label[token]] - most - log(sum);
    }
    return score;
}

static fnas_status check_decoding(fnas_context *context, fnas_translation *t, double *error) {
    reference_values reference = {0};
    FNAS_TRY(fnas_translation_run(context, t));
    put_words(t);
    fnas_status status = reference_run(context, t, &reference);
    for (int64_t i = 0; status == FNAS_OK && i < t->batch.n; i++) {
        double score = score_of(t, reference.logits, i);
        *error = worse(*error, fabs(score - t->score[i]) / (1 + fabs(score)) / (t->setup.rounded ? ROUNDED_SCORE_BOUND : SCORE_BOUND));
    }
    fnas_free(reference.parameters);
    fnas_free(reference.logits);
    return status;
}

fnas_status fnas_translation_bench_check(fnas_context *context, const fnas_translation_setup *setup, double *error) {
    fnas_translation_setup few = *setup;
    fnas_translation translation;
    few.sentences = setup->sentences < SENTENCES ? setup->sentences : SENTENCES;
    few.words = setup->words < WORDS ? setup->words : WORDS;
    few.dropout = setup->dropout && !setup->decoding;
    *error = 0;
    fnas_status status = fnas_translation_create(context, &few, &translation);
    if (status == FNAS_OK)
        status = setup->decoding ? check_decoding(context, &translation, error) : check_training(context, &translation, error);
    fnas_translation_free(&translation);
    FNAS_TRY(status);
    if (*error <= 1) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_NUMERIC, "arch %s: a sub-transformer differs from the naive one by %.3g times what is allowed",
                     setup->arch, *error);
}
