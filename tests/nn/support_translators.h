/* Random small Transformers with sentences, for the tests of this folder. */
#ifndef FNAS_TESTS_NN_SUPPORT_TRANSLATORS_H
#define FNAS_TESTS_NN_SUPPORT_TRANSLATORS_H

#include "base/support.h"

#include "base/random.h"
#include "nn/translator/translator.h"

typedef struct test_translator {
    fnas_translator largest, shape;
    fnas_parameters parameters; /* norms and biases are drawn, too */
    fnas_translator_batch batch;
    int32_t ids[3][200];
    int64_t start[2][8];
    int64_t gates;
    fnas_translator_dropout dropout;
    float soft[45 * 30]; /* what a teacher says of the target */
    bool taught;         /* by it: every third seed */
} test_translator;

test_translator *test_translator_create(fnas_test_place *place, uint64_t seed, bool dropout);
void test_translator_destroy(test_translator *test);
fnas_translator_request test_translator_request(const test_translator *test);

#endif
