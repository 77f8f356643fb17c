/* Random small Transformers with sentences, for the tests of this folder. */
#ifndef FNAS_TESTS_NN_SUPPORT_TRANSFORMERS_H
#define FNAS_TESTS_NN_SUPPORT_TRANSFORMERS_H

#include "base/support.h"

#include "base/random.h"
#include "nn/transformer/transformer.h"

typedef struct test_transformer {
    fnas_transformer largest, shape;
    fnas_parameters parameters; /* norms and biases are drawn, too */
    fnas_transformer_batch batch;
    int32_t ids[3][200];
    int64_t start[2][8];
    int64_t gates;
    fnas_transformer_dropout dropout;
} test_transformer;

test_transformer *test_transformer_create(fnas_test_place *place, uint64_t seed, bool dropout);
void test_transformer_destroy(test_transformer *test);
fnas_transformer_request test_transformer_request(const test_transformer *test);

#endif
