#include "nn/support_translators.h"

#include "base/memory.h"

/* ---- random networks and batches ---- */

static int64_t between(fnas_random *random, int64_t low, int64_t high) {
    return low + fnas_random_below(random, high - low + 1);
}

static void draw_side(fnas_random *random, test_translator *test, bool decoder) {
    fnas_translator_side *largest = decoder ? &test->largest.decoder : &test->largest.encoder,
                         *side = decoder ? &test->shape.decoder : &test->shape.encoder;
    largest->width = 2 * between(random, 6, 12);
    side->width = between(random, 0, 1) ? largest->width : 2 * between(random, 4, 6);
    largest->layer_count = 3;
    side->layer_count = between(random, 1, 3);
    side->width_gate = (int32_t)test->gates++;
    side->layers_gate = (int32_t)test->gates++;
    for (int64_t l = 0; l < 3; l++) {
        largest->layers[l] = (fnas_translator_layer){.feed_forward = 20, .heads = 4, .cross_heads = 4, .cross_sources = decoder ? 3 : 0};
        fnas_translator_layer *layer = &side->layers[l];
        layer->feed_forward = between(random, 1, 20);
        layer->heads = (int64_t)1 << between(random, 0, 2);
        layer->cross_heads = (int64_t)1 << between(random, 0, 2);
        layer->cross_sources = between(random, 1, test->shape.encoder.layer_count);
        layer->feed_forward_gate = (int32_t)test->gates++;
        layer->heads_gate = (int32_t)test->gates++;
        layer->cross_heads_gate = (int32_t)test->gates++;
        layer->cross_sources_gate = (int32_t)test->gates++;
    }
}

static void draw_sentences(fnas_random *random, test_translator *test) {
    test->batch.n = between(random, 1, 5);
    for (int64_t i = 0; i < test->batch.n; i++) {
        test->start[0][i + 1] = test->start[0][i] + between(random, 1, 9);
        test->start[1][i + 1] = test->start[1][i] + between(random, 1, 9);
    }
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < 200; i++) test->ids[k][i] = (int32_t)fnas_random_below(random, test->shape.vocabulary);
    test->batch.source = test->ids[0];
    test->batch.input = test->ids[1];
    test->batch.label = test->ids[2];
    test->batch.source_start = test->start[0];
    test->batch.target_start = test->start[1];
}

static void draw_teacher(uint64_t seed, test_translator *test) {
    int64_t tokens = test->start[1][test->batch.n], vocabulary = test->shape.vocabulary;
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 1, 0);
    test->taught = seed % 3 == 0;
    for (int64_t t = 0; t < tokens; t++) {
        double sum = 0;
        float *row = test->soft + t * vocabulary;
        for (int64_t k = 0; k < vocabulary; k++) sum += (double)(row[k] = (float)fnas_random_uniform(&random));
        for (int64_t k = 0; k < vocabulary; k++) row[k] /= (float)sum;
    }
}

test_translator *test_translator_create(fnas_test_place *place, uint64_t seed, bool dropout) {
    test_translator *test = fnas_allocate(1, sizeof *test);
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 0, 0);
    test->largest.vocabulary = test->shape.vocabulary = between(&random, 5, 30);
    test->largest.attention_width = test->shape.attention_width = 8;
    draw_side(&random, test, false);
    draw_side(&random, test, true);
    draw_sentences(&random, test);
    draw_teacher(seed, test);
    assert_status(FNAS_OK, fnas_translator_check(place->context, &test->shape));
    assert_status(FNAS_OK, fnas_translator_declare(place->context, &test->largest, &test->parameters));
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &test->parameters));
    fnas_parameters_initialise(&test->parameters, seed);
    /* Norms and biases begin as ones and zeros, which would hide what goes wrong with them. */
    for (int64_t k = 0; k < test->parameters.item_count; k++) {
        const fnas_parameter *item = &test->parameters.items[k];
        for (int64_t i = 0; item->rank == 1 && i < item->count; i++)
            test->parameters.values[item->offset + i] += (float)(0.3 * fnas_random_normal(&random));
    }
    test->dropout = (fnas_translator_dropout){
        .residual = dropout ? 0.3f : 0, .attention = dropout ? 0.2f : 0, .seed = seed, .step = 7, .path = 3};
    return test;
}

void test_translator_destroy(test_translator *test) {
    fnas_parameters_free(&test->parameters);
    fnas_free(test);
}

fnas_translator_request test_translator_request(const test_translator *test) {
    return (fnas_translator_request){.shape = &test->shape,
                                     .largest = &test->largest,
                                     .parameters = &test->parameters,
                                     .batch = &test->batch,
                                     .dropout = test->dropout.residual > 0 ? &test->dropout : NULL,
                                     .label_smoothing = 0.1f,
                                     .soft_targets = test->taught ? test->soft : NULL,
                                     .soft_weight = 0.4f,
                                     .scale = 1};
}
