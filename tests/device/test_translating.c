/* Networks that translate: the same words whatever multiplies, cards of both runtimes, and what is refused. */
#include "base/support.h"

#include <math.h>

#include "base/file.h"
#include "base/memory.h"
#include "device/card.h"
#include "device/translating.h"
#include "space/space.h"

#define TINY                                                                                                                               \
    "transformer:encoder-embed=24+16,decoder-embed=16+12,encoder-layers=2+1,decoder-layers=3+2+1,encoder-ffn=40+24,decoder-ffn=40+24,"     \
    "encoder-heads=4+2,decoder-heads=4+2,ende-heads=4+2,ende-attn=-1,qkv=16,length=6"
enum { LENGTH = 6, VOCABULARY = 50, BATCH = 3, ARCHS = 12 };

static fnas_space *open_space(fnas_test_place *place, const char *spec) {
    fnas_space *space;
    assert_status(FNAS_OK, fnas_space_open(place->context, spec, &space));
    return space;
}

/* ---- the networks ---- */

static fnas_translating *create_in(fnas_test_place *place, const fnas_space *space, const fnas_runtime *runtime, fnas_precision precision,
                                   int64_t batch, int64_t threads, int64_t arch) {
    fnas_translating *made;
    fnas_runtime_options options = {.precision = precision, .batch = batch, .threads = threads};
    int32_t choices[128];
    assert_in_range(fnas_space_decision_count(space), 1, 128);
    fnas_space_random(space, 5, arch, choices);
    assert_status(FNAS_OK, fnas_translating_create(place->context, runtime, space, choices, VOCABULARY, 7, &options, &made));
    for (int run = 0; run < 2; run++) assert_status(FNAS_OK, fnas_translating_run(place->context, made));
    return made;
}

static fnas_translating *create(fnas_test_place *place, const fnas_space *space, const fnas_runtime *runtime, int64_t batch,
                                int64_t threads, int64_t arch) {
    return create_in(place, space, runtime, FNAS_PRECISION_F32, batch, threads, arch);
}

/* As many words a sentence as it has, whatever they are. */
static void check_words(const fnas_translating *made, int64_t batch) {
    const int32_t *words = made->words;
    for (int64_t i = 0; i < batch * LENGTH; i++)
        if (i % LENGTH < LENGTH - 1) assert_true(words[i] >= 1 && words[i] != 2 && words[i] < VOCABULARY);
}

static void runtimes_say_the_same(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, TINY);
    double least = INFINITY, most = -INFINITY;
    for (int64_t arch = 0; arch < 8; arch++) {
        int64_t threads = 1 + arch % 2;
        fnas_translating *ours = create(place, space, &fnas_runtime_onednn, BATCH, threads, arch),
                         *theirs = create(place, space, &fnas_runtime_blas, BATCH, threads, arch);
        check_words(ours, BATCH);
        assert_memory_equal(ours->words, theirs->words, BATCH * LENGTH * sizeof(int32_t));
        for (int64_t i = 0; i < BATCH; i++) {
            double score = ours->scores[i];
            assert_float_equal(score, theirs->scores[i], 1e-4 * fabs(score));
            least = fmin(least, score);
            most = fmax(most, score);
        }
        assert_true(fnas_translating_bytes(ours) > sizeof(float) * VOCABULARY * 16);
        fnas_translating_destroy(ours);
        fnas_translating_destroy(theirs);
    }
    assert_true(most - least > 0.01); /* networks and sentences differ */
    fnas_space_close(space);
}

/* Rounded weights give other scores, and not very different ones: a weight is off by 2^-9 of itself at most. */
static void bf16_rounds_the_weights(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, TINY);
    fnas_translating *exact = create(place, space, &fnas_runtime_onednn, BATCH, 1, 2),
                     *rounded = create_in(place, space, &fnas_runtime_onednn, FNAS_PRECISION_BF16, BATCH, 1, 2);
    check_words(rounded, BATCH);
    for (int64_t i = 0; i < BATCH; i++) {
        assert_true(rounded->scores[i] != exact->scores[i]);
        assert_float_equal(rounded->scores[i], exact->scores[i], 0.01 * fabs(exact->scores[i]));
    }
    fnas_translating_destroy(exact);
    fnas_translating_destroy(rounded);
    fnas_space_close(space);
}

/* A sentence is the same in every batch. */
static void batches_begin_alike(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, TINY);
    fnas_translating *one = create(place, space, &fnas_runtime_blas, 1, 1, 3),
                     *three = create(place, space, &fnas_runtime_blas, BATCH, 1, 3);
    assert_memory_equal(one->words, three->words, LENGTH * sizeof(int32_t));
    fnas_translating_destroy(one);
    fnas_translating_destroy(three);
    fnas_space_close(space);
}

/* ---- measuring ---- */

static fnas_measure_options tiny_options(void) {
    return (fnas_measure_options){.name = "tiny", .arch_count = ARCHS, .vocabulary_size = VOCABULARY};
}

/* A machine under load may drift: that is refused, rightly, and says nothing of the code. A few tries are given. */
static fnas_status measure_patiently(fnas_test_place *place, const fnas_space *space, const fnas_measure_options *options,
                                     fnas_card **card) {
    fnas_status status = FNAS_ERR_NUMERIC;
    for (int attempt = 0; attempt < 8 && status == FNAS_ERR_NUMERIC; attempt++)
        status = fnas_device_measure(place->context, space, options, card);
    return status;
}

static void check_card(const fnas_card *card, const char *runtime, int64_t batch, int64_t threads) {
    fnas_card_view view = fnas_card_get(card);
    const json_t *protocol = json_object_get(card->root, "protocol"), *sentences = json_object_get(protocol, "sentences");
    assert_string_equal(view.runtime, runtime);
    assert_string_equal(view.precision, "f32");
    assert_string_equal(view.statistic, threads == 1 ? "min_cpu_ms" : "median_wall_ms");
    assert_int_equal(view.batch, batch);
    assert_int_equal(view.threads, threads);
    assert_int_equal(view.measurement_count, ARCHS);
    for (int64_t i = 0; i < ARCHS; i++) assert_true(view.measurement_latency_ms[i] < 1000);
    assert_int_equal(json_integer_value(json_object_get(sentences, "vocabulary")), VOCABULARY);
    assert_int_equal(json_integer_value(json_object_get(sentences, "source_words")), LENGTH);
    assert_int_equal(json_integer_value(json_object_get(sentences, "target_words")), LENGTH);
    assert_null(json_object_get(protocol, "calibration"));
}

/* The first reference has the fewest layers in its decoder, the last the most. */
static void check_order(const fnas_card *card) {
    fnas_card_view view = fnas_card_get(card);
    assert_true(view.reference_latency_ms[9] > view.reference_latency_ms[0]);
}

static fnas_status remeasure_patiently(fnas_test_place *place, const fnas_space *space, const fnas_card *card, double *latency_ms) {
    fnas_status status = FNAS_ERR_NUMERIC;
    for (int attempt = 0; attempt < 8 && status == FNAS_ERR_NUMERIC; attempt++)
        status = fnas_device_remeasure(place->context, space, card, 2, fnas_card_get(card).measurement_choices, 0, latency_ms);
    return status;
}

/* What the card does not say cannot be measured again. */
static void check_card_without_sentences(fnas_test_place *place, const fnas_space *space, const char *path) {
    json_t *root;
    fnas_card *card;
    assert_status(FNAS_OK, fnas_json_read(place->context, path, 1 << 24, &root));
    json_object_del(json_object_get(root, "protocol"), "sentences");
    assert_status(FNAS_OK, fnas_card_from_json(place->context, "bare.json", root, &card));
    assert_status(FNAS_ERR_INPUT, fnas_device_check_here(place->context, space, card));
    assert_message("card of device tiny: \"protocol\"");
    assert_message("sentences");
    fnas_card_free(card);
}

static void check_other_vocabulary(fnas_test_place *place, const fnas_space *space, const fnas_card *card) {
    fnas_measure_options options = tiny_options();
    fnas_card *sum;
    options.add_to = card;
    options.vocabulary_size = VOCABULARY + 1;
    assert_status(FNAS_ERR_INPUT, fnas_device_measure(place->context, space, &options, &sum));
    assert_message("its vocabulary is of 50 words, this measurement's of 51");
}

static void cards_of_both_runtimes(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, TINY);
    fnas_measure_options options = tiny_options();
    fnas_card *card, *again;
    char path[256];
    double latency_ms[2] = {0};
    snprintf(path, sizeof path, "%s/card.json", place->folder);
    assert_status(FNAS_OK, measure_patiently(place, space, &options, &card));
    check_card(card, "onednn", 1, 1);
    check_order(card);
    assert_status(FNAS_OK, fnas_card_save(place->context, card, path));
    assert_status(FNAS_OK, fnas_card_load(place->context, path, &again));
    assert_status(FNAS_OK, fnas_device_check_here(place->context, space, again));
    assert_status(FNAS_OK, remeasure_patiently(place, space, again, latency_ms));
    assert_true(latency_ms[0] > 0 && latency_ms[1] > 0);
    check_other_vocabulary(place, space, again);
    check_card_without_sentences(place, space, path);
    fnas_card_free(again);
    fnas_card_free(card);
    options.runtime = "blas";
    options.batch = BATCH;
    options.threads = 2;
    assert_status(FNAS_OK, measure_patiently(place, space, &options, &card));
    check_card(card, "blas", BATCH, 2);
    fnas_card_free(card);
    fnas_space_close(space);
}

/* ---- what is refused ---- */

static void assert_bad(fnas_test_place *place, const char *spec, const fnas_measure_options *options, fnas_status expected,
                       const char *words) {
    fnas_space *space = open_space(place, spec);
    fnas_card *card;
    assert_status(expected, fnas_device_measure(place->context, space, options, &card));
    assert_null(card);
    assert_message(words);
    fnas_space_close(space);
}

static void bad_options_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_measure_options options;
#define CHECK(field, value, expected, words)                                                                                               \
    do {                                                                                                                                   \
        options = tiny_options();                                                                                                          \
        options.field = (value);                                                                                                           \
        assert_bad(place, TINY, &options, expected, words);                                                                                \
    } while (0)
    CHECK(runtime, "onednn-plain", FNAS_ERR_UNSUPPORTED, "networks of images only: for networks that translate there are onednn, blas");
    CHECK(precision, "int8", FNAS_ERR_UNSUPPORTED, "runtime onednn runs networks that translate in f32, bf16, not in int8");
    CHECK(vocabulary_size, 15, FNAS_ERR_INPUT, "the vocabulary size is 15");
    CHECK(vocabulary_size, 1000001, FNAS_ERR_INPUT, "the vocabulary size is 1000001");
    CHECK(data, "synthetic:3x8x8", FNAS_ERR_INPUT, "leave data out");
#undef CHECK
    options = tiny_options();
    options.runtime = "blas";
    options.precision = "bf16";
    assert_bad(place, TINY, &options, FNAS_ERR_UNSUPPORTED, "not in bf16");
    options = tiny_options();
    assert_bad(place, "nb201:channels=4,cells=1,classes=10,input=1x8x8", &options, FNAS_ERR_INPUT,
               "a vocabulary size is given, but the space's networks do not translate");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(runtimes_say_the_same),  fnas_test(bf16_rounds_the_weights), fnas_test(batches_begin_alike),
        fnas_test(cards_of_both_runtimes), fnas_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
