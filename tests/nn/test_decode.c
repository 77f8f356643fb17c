/* Decoding: with kept keys and values it says what the whole network says; beam search against all hypotheses. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "compute/backend.h"
#include "compute/multiply.h"
#include "compute/product.h"
#include "nn/support_translators.h"
#include "nn/translator/decode.h"

enum { BEGIN = 0, END = 1, WORDS = 6, NETS = 8 };

static fnas_worker worker;

static int start_worker(void **state) {
    (void)state;
    return fnas_worker_create(NULL, FNAS_COMPUTE_F32, &worker) == FNAS_OK ? 0 : -1;
}

static int stop_worker(void **state) {
    (void)state;
    fnas_worker_destroy(&worker);
    return 0;
}

typedef struct translation {
    int32_t words[8 * WORDS];
    int64_t counts[8];
    double scores[8];
} translation;

static fnas_decode_request decode_request(const test_translator *test, int64_t beam, double penalty, translation *into) {
    return (fnas_decode_request){.shape = &test->shape,
                                 .largest = &test->largest,
                                 .parameters = &test->parameters,
                                 .n = test->batch.n,
                                 .source = test->batch.source,
                                 .source_start = test->batch.source_start,
                                 .options = {.beam = beam, .length_penalty = penalty, .words_most = WORDS, .begin = BEGIN, .end = END},
                                 .words = into->words,
                                 .word_counts = into->counts,
                                 .scores = into->scores};
}

/* Log probability of words and then the end, by the whole network. */
static double log_probability(fnas_test_place *place, const test_translator *test, int64_t sentence, int64_t count, const int32_t *words) {
    int32_t input[WORDS + 1], label[WORDS + 1];
    int64_t source_start[2] = {0, test->batch.source_start[sentence + 1] - test->batch.source_start[sentence]},
            target_start[2] = {0, count + 1};
    for (int64_t i = 0; i <= count; i++) {
        input[i] = i ? words[i - 1] : BEGIN;
        label[i] = i < count ? words[i] : END;
    }
    fnas_translator_batch batch = {.n = 1,
                                   .source = test->batch.source + test->batch.source_start[sentence],
                                   .source_start = source_start,
                                   .input = input,
                                   .label = label,
                                   .target_start = target_start};
    fnas_translator_request request = test_translator_request(test);
    fnas_translator_result result;
    request.batch = &batch;
    assert_status(FNAS_OK, fnas_translator_run(place->context, &worker, &request, &result));
    return -result.log_loss;
}

/* What is said has the score that it is said to have. */
static void scores_are_those_of_the_network(void **state) {
    fnas_test_place *place = *state;
    for (uint64_t seed = 1; seed <= NETS; seed++) {
        test_translator *test = test_translator_create(place, seed, false);
        translation said;
        fnas_decode_request request = decode_request(test, 1 + (int64_t)seed % 4, 0.6, &said);
        assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
        for (int64_t i = 0; i < test->batch.n; i++) {
            assert_in_range(said.counts[i], 0, WORDS - 1);
            double score = log_probability(place, test, i, said.counts[i], said.words + i * WORDS) / pow((double)said.counts[i] + 1, 0.6);
            if (!(fabs(score - said.scores[i]) <= 1e-4 * (1 + fabs(score))))
                fail_msg("seed %d, sentence %d: %.9g, by the network %.9g", (int)seed, (int)i, said.scores[i], score);
        }
        test_translator_destroy(test);
    }
}

/* The best of all hypotheses of at most `most` words, by their whole log probability. */
static double best_of_all(fnas_test_place *place, const test_translator *test, int64_t sentence, int64_t count, int32_t *words,
                          int64_t most) {
    double best = log_probability(place, test, sentence, count, words);
    for (int32_t word = 0; count < most && word < test->shape.vocabulary; word++) {
        if (word == BEGIN || word == END) continue;
        words[count] = word;
        best = fmax(best, best_of_all(place, test, sentence, count + 1, words, most));
    }
    return best;
}

/* A beam as wide as what there is to say at two words misses nothing. */
static void a_wide_beam_finds_the_best(void **state) {
    fnas_test_place *place = *state;
    for (uint64_t seed = 31; seed <= 34; seed++) {
        test_translator *test = test_translator_create(place, seed, false);
        translation said;
        int32_t words[WORDS];
        test->shape.vocabulary = test->shape.vocabulary < 6 ? test->shape.vocabulary : 6; /* the first words of the embedding */
        for (int64_t i = 0; i < 200; i++) test->ids[0][i] %= (int32_t)test->shape.vocabulary;
        fnas_decode_request request = decode_request(test, FNAS_BEAM_MOST, 0, &said);
        request.options.words_most = 3; /* two and the end */
        assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
        for (int64_t i = 0; i < test->batch.n; i++) {
            double best = best_of_all(place, test, i, 0, words, 2);
            if (!(fabs(best - said.scores[i]) <= 1e-4 * (1 + fabs(best))))
                fail_msg("seed %d, sentence %d: %.9g, the best is %.9g", (int)seed, (int)i, said.scores[i], best);
        }
        test_translator_destroy(test);
    }
}

/* ---- weights in bf16 ---- */

/* All weights as they are when they have been rounded: then nothing is left to round. */
static void round_all(test_translator *test) {
    for (int64_t i = 0; i < test->parameters.float_count; i++) {
        uint16_t rounded;
        float value = test->parameters.values[i];
        fnas_product_round((fnas_corner){1, 1, 1}, &value, &rounded);
        uint32_t bits = (uint32_t)rounded << 16;
        memcpy(&test->parameters.values[i], &bits, sizeof bits);
        assert_true(fabsf(test->parameters.values[i] - value) <= fabsf(value) / 256);
    }
}

static double score_difference(fnas_test_place *place, const test_translator *test, int64_t beam, bool same_words) {
    translation plain, rounded;
    fnas_decode_request request = decode_request(test, beam, 1, &plain);
    double most = 0;
    assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
    request = decode_request(test, beam, 1, &rounded);
    request.weights = FNAS_COMPUTE_BF16;
    assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
    for (int64_t i = 0; i < test->batch.n; i++) {
        most = fmax(most, fabs(plain.scores[i] - rounded.scores[i]) / (1 + fabs(plain.scores[i])));
        if (!same_words) continue;
        assert_int_equal(plain.counts[i], rounded.counts[i]);
        assert_memory_equal(plain.words + i * WORDS, rounded.words + i * WORDS, (size_t)plain.counts[i] * sizeof(int32_t));
    }
    return most;
}

/* In bf16 it says what it says in f32 with rounded weights; these change the scores a little: some 20 products lie behind one another, each
 * off by 2^-9 of its size at most, which is sqrt(20) 2^-9 of the largest logit, and that is at most four times a word's score here. */
static void rounded_weights_are_multiplied(void **state) {
    fnas_test_place *place = *state;
    double changed = 0;
    for (uint64_t seed = 41; seed < 41 + NETS; seed++) {
        test_translator *test = test_translator_create(place, seed, false);
        int64_t beam = seed % 2 ? 2 : FNAS_BEAM_MOST; /* few rows; and more than a kernel of few takes */
        double difference = score_difference(place, test, beam, false);
        if (!(difference < 0.04)) fail_msg("seed %d: scores differ by %.3g", (int)seed, difference);
        changed = fmax(changed, difference);
        round_all(test);
        difference = score_difference(place, test, beam, true);
        if (!(difference < 1e-5)) fail_msg("seed %d: of rounded weights scores differ by %.3g", (int)seed, difference);
        test_translator_destroy(test);
    }
    assert_true(changed > 1e-5);
}

/* Sentences that are translated together do not see each other. */
static void sentences_are_apart(void **state) {
    fnas_test_place *place = *state;
    test_translator *test = test_translator_create(place, 3, false);
    translation together, alone;
    assert_true(test->batch.n > 1);
    fnas_decode_request request = decode_request(test, 3, 1, &together);
    assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
    for (int64_t i = 0; i < test->batch.n; i++) {
        int64_t start[2] = {0, test->batch.source_start[i + 1] - test->batch.source_start[i]};
        request = decode_request(test, 3, 1, &alone);
        request.n = 1;
        request.source = test->batch.source + test->batch.source_start[i];
        request.source_start = start;
        assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
        assert_int_equal(together.counts[i], alone.counts[0]);
        assert_memory_equal(together.words + i * WORDS, alone.words, (size_t)alone.counts[0] * sizeof(int32_t));
    }
    test_translator_destroy(test);
}

/* One word's logit is enough, wherever it stands. */
static void logits_that_are_not_finite_end_it(void **state) {
    fnas_test_place *place = *state;
    test_translator *test = test_translator_create(place, 3, false);
    translation said;
    fnas_parameter *embedding = &test->parameters.items[0];
    int64_t last = test->shape.vocabulary - 1;
    for (int64_t i = 0; i < 200; i++) test->ids[0][i] %= (int32_t)last;
    test->parameters.values[embedding->offset + last * embedding->shape[1]] = NAN;
    fnas_decode_request request = decode_request(test, 2, 1, &said);
    assert_status(FNAS_ERR_NUMERIC, fnas_translator_decode(place->context, &worker, &request));
    assert_message("not finite");
    test_translator_destroy(test);
}

/* The end is not said before, and what is said instead is scored as it should be. */
static void the_least_words_are_said(void **state) {
    fnas_test_place *place = *state;
    int64_t shorter = 0;
    for (uint64_t seed = 1; seed <= NETS; seed++) {
        test_translator *test = test_translator_create(place, seed, false);
        translation said;
        fnas_decode_request request = decode_request(test, 1 + (int64_t)seed % 3, 1, &said);
        request.options.words_least = seed % 2 ? WORDS : 3;
        assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
        for (int64_t i = 0; i < test->batch.n; i++) {
            assert_in_range(said.counts[i], request.options.words_least - 1, WORDS - 1);
            double score = log_probability(place, test, i, said.counts[i], said.words + i * WORDS) / ((double)said.counts[i] + 1);
            assert_float_equal(score, said.scores[i], 1e-4 * (1 + fabs(score)));
        }
        request.options.words_least = 0;
        assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
        for (int64_t i = 0; i < test->batch.n; i++) shorter += said.counts[i] < 2;
        test_translator_destroy(test);
    }
    assert_true(shorter > 0); /* left to themselves, some end at once */
}

static int64_t mallocs(void) {
    return fnas_arena_block_allocations(worker.plan) + fnas_arena_block_allocations(worker.activations) +
           fnas_engine_allocations(worker.engine);
}

/* Twice until the arenas are one block each. */
static void the_third_run_takes_no_memory(void **state) {
    fnas_test_place *place = *state;
    test_translator *test = test_translator_create(place, 5, false);
    translation said;
    fnas_decode_request request = decode_request(test, 2, 1, &said);
    for (int run = 0; run < 2; run++) assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
    int64_t before = mallocs();
    assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
    assert_int_equal(mallocs(), before);
    test_translator_destroy(test);
}

/* Encoded once, said three times without more memory: the same bits as of encoding and saying at once. */
static void what_is_begun_is_said_again(void **state) {
    fnas_test_place *place = *state;
    for (uint64_t seed = 11; seed <= 14; seed++) {
        test_translator *test = test_translator_create(place, seed, false);
        translation whole, again;
        fnas_decoding *begun;
        fnas_decode_request request = decode_request(test, 1 + (int64_t)seed % 4, 0.6, &whole);
        if (seed % 2) request.weights = FNAS_COMPUTE_BF16;
        assert_status(FNAS_OK, fnas_translator_decode(place->context, &worker, &request));
        fnas_compute_type weights = request.weights;
        request = decode_request(test, 1 + (int64_t)seed % 4, 0.6, &again);
        request.weights = weights;
        assert_status(FNAS_OK, fnas_decoding_begin(place->context, &worker, &request, &begun));
        for (int64_t i = 0; i < 200; i++) test->ids[0][i] = (int32_t)test->shape.vocabulary - 1; /* the source has been read */
        int64_t before = mallocs();
        for (int time = 0; time < 3; time++) {
            memset(&again, 0xFF, sizeof again);
            assert_status(FNAS_OK, fnas_decoding_say(place->context, begun));
            assert_int_equal(mallocs(), before);
            for (int64_t i = 0; i < test->batch.n; i++) {
                assert_true(again.scores[i] == whole.scores[i]);
                assert_int_equal(again.counts[i], whole.counts[i]);
                assert_memory_equal(again.words + i * WORDS, whole.words + i * WORDS, (size_t)whole.counts[i] * sizeof(int32_t));
            }
        }
        test_translator_destroy(test);
    }
}

static int64_t products;

static void counting_product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                             int64_t a_stride, const float *b, int64_t b_stride, float beta, float *c, int64_t c_stride) {
    products++;
    fnas_backend_product(transpose_a, transpose_b, m, n, k, alpha, a, a_stride, b, b_stride, beta, c, c_stride);
}

/* Of a forward pass of one sentence: linear layers, and two for each head and each layer of the encoder that it sees. */
static int64_t products_of(const fnas_translator *shape) {
    int64_t count = 1; /* the logits */
    for (int64_t l = 0; l < shape->encoder.layer_count; l++) count += 4 + 2 * shape->encoder.layers[l].heads;
    for (int64_t l = 0; l < shape->decoder.layer_count; l++) {
        const fnas_translator_layer *layer = &shape->decoder.layers[l];
        count += 6 + 2 * layer->heads + layer->cross_sources * (1 + 2 * layer->cross_heads);
    }
    return count;
}

/* All of them, and of nothing is anything left to the backend. */
static void another_library_multiplies(void **state) {
    fnas_test_place *place = *state;
    test_translator *test = test_translator_create(place, 6, false);
    fnas_translator_request request = test_translator_request(test);
    fnas_translator_result ours, theirs;
    test->batch.n = 1;
    assert_status(FNAS_OK, fnas_translator_run(place->context, &worker, &request, &ours));
    assert_int_equal(products, 0);
    fnas_engine_set_product(worker.engine, counting_product);
    assert_status(FNAS_OK, fnas_translator_run(place->context, &worker, &request, &theirs));
    fnas_engine_set_product(worker.engine, NULL);
    assert_int_equal(products, products_of(&test->shape));
    assert_true(fabs(ours.loss - theirs.loss) < 1e-5 * fabs(ours.loss)); /* the backend has a kernel of its own for few rows: other sums */
    assert_status(FNAS_OK, fnas_translator_run(place->context, &worker, &request, &ours));
    assert_int_equal(products, products_of(&test->shape));
    test_translator_destroy(test);
}

static void bad_options_are_refused(void **state) {
    fnas_test_place *place = *state;
    test_translator *test = test_translator_create(place, 3, false);
    translation said;
    fnas_decode_request request = decode_request(test, FNAS_BEAM_MOST + 1, 1, &said);
    assert_status(FNAS_ERR_USAGE, fnas_translator_decode(place->context, &worker, &request));
    assert_message("a beam of 17");
    request = decode_request(test, 1, 1, &said);
    request.options.words_least = WORDS + 1;
    assert_status(FNAS_ERR_USAGE, fnas_translator_decode(place->context, &worker, &request));
    assert_message("at least 7 words");
    request.options.words_least = 0;
    request.options.end = (int32_t)test->shape.vocabulary;
    assert_status(FNAS_ERR_INPUT, fnas_translator_decode(place->context, &worker, &request));
    assert_message("begin and end are 0 and");
    test_translator_destroy(test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(scores_are_those_of_the_network),   fnas_test(a_wide_beam_finds_the_best), fnas_test(sentences_are_apart),
        fnas_test(logits_that_are_not_finite_end_it), fnas_test(the_least_words_are_said),   fnas_test(the_third_run_takes_no_memory),
        fnas_test(another_library_multiplies),        fnas_test(bad_options_are_refused),    fnas_test(rounded_weights_are_multiplied),
        fnas_test(what_is_begun_is_said_again),
    };
    return cmocka_run_group_tests(tests, start_worker, stop_worker);
}
