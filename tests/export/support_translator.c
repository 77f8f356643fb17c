#include "export/support_translator.h"

#include "base/memory.h"
#include "base/random.h"

static void shape_side(fnas_translator_side *largest, fnas_translator_side *side, int64_t width, int64_t narrow, int64_t layers) {
    *largest = (fnas_translator_side){.width = width, .layer_count = 4, .width_gate = -1, .layers_gate = -1};
    for (int64_t l = 0; l < 4; l++) largest->layers[l] = (fnas_translator_layer){48, 8, 8, 3, -1, -1, -1, -1};
    *side = *largest;
    side->width = narrow;
    side->layer_count = layers;
    for (int64_t l = 0; l < layers; l++) {
        side->layers[l].feed_forward = 16 * (1 + l % 3);
        side->layers[l].heads = l % 2 ? 4 : 8;
        side->layers[l].cross_heads = l % 2 ? 8 : 2;
        side->layers[l].cross_sources = 1 + l % 3;
    }
}

/* Ids below the vocabulary; sentences of different lengths. */
static void draw_sentences(fnas_random *random, test_translator *f) {
    for (int i = 0; i < TRANSLATOR_SENTENCES; i++) {
        f->source_start[i + 1] = f->source_start[i] + 3 + 4 * i;
        f->target_start[i + 1] = f->target_start[i] + 9 - 3 * i;
    }
    for (int i = 0; i < TRANSLATOR_TOKENS_MOST; i++) {
        f->source[i] = (int32_t)fnas_random_below(random, TRANSLATOR_VOCABULARY);
        f->input[i] = (int32_t)fnas_random_below(random, TRANSLATOR_VOCABULARY);
        f->label[i] = (int32_t)fnas_random_below(random, TRANSLATOR_VOCABULARY);
    }
}

void test_translator_begin(fnas_test_place *place, test_translator *f) {
    fnas_random random = fnas_random_begin(21, FNAS_STREAM_TEST, 0, 0);
    memset(f, 0, sizeof *f);
    f->largest = f->shape = (fnas_translator){.vocabulary = TRANSLATOR_VOCABULARY, .attention_width = 32};
    shape_side(&f->largest.encoder, &f->shape.encoder, 40, 24, 4);
    shape_side(&f->largest.decoder, &f->shape.decoder, 36, 28, 3);
    draw_sentences(&random, f);
    assert_status(FNAS_OK, fnas_translator_declare(place->context, &f->largest, &f->parameters));
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &f->parameters));
    fnas_parameters_initialise(&f->parameters, 21);
    for (int64_t i = 0; i < f->parameters.item_count; i++) {
        const fnas_parameter *item = &f->parameters.items[i];
        for (int64_t k = 0; item->rank == 1 && k < item->count; k++)
            f->parameters.values[item->offset + k] += 0.2f * (float)fnas_random_normal(&random);
    }
    f->gradient = fnas_allocate((size_t)f->parameters.float_count, sizeof *f->gradient);
    f->logits = fnas_allocate((size_t)f->target_start[TRANSLATOR_SENTENCES] * TRANSLATOR_VOCABULARY, sizeof *f->logits);
    assert_true(f->gradient && f->logits);
}

void test_translator_end(test_translator *f) {
    fnas_parameters_free(&f->parameters);
    fnas_free(f->gradient);
    fnas_free(f->logits);
}

void test_translator_run(fnas_test_place *place, test_translator *f) {
    fnas_translator_batch batch = {TRANSLATOR_SENTENCES, f->source, f->source_start, f->input, f->label, f->target_start};
    fnas_translator_request request = {.shape = &f->shape,
                                       .largest = &f->largest,
                                       .parameters = &f->parameters,
                                       .batch = &batch,
                                       .label_smoothing = TRANSLATOR_SMOOTHING,
                                       .scale = 1,
                                       .weight_gradient = f->gradient,
                                       .logits = f->logits};
    fnas_translator_result result;
    fnas_worker worker;
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    assert_status(FNAS_OK, fnas_translator_run(place->context, &worker, &request, &result));
    fnas_worker_destroy(&worker);
}
