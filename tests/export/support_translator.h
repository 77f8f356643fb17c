/* A sub-network of a small Transformer with sentences, and what it computes of them: for the tests of this folder. */
#ifndef FNAS_TESTS_EXPORT_SUPPORT_TRANSLATOR_H
#define FNAS_TESTS_EXPORT_SUPPORT_TRANSLATOR_H

#include "base/support.h"

#include "nn/translator/translator.h"

#define TRANSLATOR_VOCABULARY 23
#define TRANSLATOR_SENTENCES 3
#define TRANSLATOR_TOKENS_MOST 40
#define TRANSLATOR_SMOOTHING 0.1f

typedef struct test_translator {
    fnas_translator largest, shape;
    fnas_parameters parameters;
    int32_t source[TRANSLATOR_TOKENS_MOST], input[TRANSLATOR_TOKENS_MOST], label[TRANSLATOR_TOKENS_MOST];
    int64_t source_start[TRANSLATOR_SENTENCES + 1], target_start[TRANSLATOR_SENTENCES + 1];
    float *gradient, *logits;
} test_translator;

void test_translator_begin(fnas_test_place *place, test_translator *f);
void test_translator_run(fnas_test_place *place, test_translator *f); /* logits and gradient */
void test_translator_end(test_translator *f);

#endif
