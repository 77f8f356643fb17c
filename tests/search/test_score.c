/* The error of architectures by the shared weights. */
#include "search/support_query.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "search/score/file.h"
#include "search/score/score.h"
#include "space/space.h"

#define COUNT 7

typedef struct scored {
    fnas_run *run;
    fnas_examples examples;
    int32_t choices[COUNT][6];
} scored;

static scored scored_create(fnas_test_place *place) {
    scored s = {.run = test_run(place, "error,latency_ms", 11)};
    test_check(place, fnas_run_open_data(place->context, s.run, NULL, &s.examples));
    for (int64_t i = 0; i < COUNT; i++) fnas_space_random(s.run->space, 12, i, s.choices[i]);
    return s;
}

static void scored_free(scored *s) {
    fnas_examples_close(&s->examples);
    fnas_run_close(s->run);
}

static void score(fnas_test_place *place, const scored *s, int64_t threads, fnas_score_part part, int64_t images, int64_t first,
                  int64_t count, fnas_score *scores) {
    fnas_context_set_threads(place->context, threads);
    test_check(place, fnas_score_archs(place->context, s->run, &s->examples, part, images, "score", count, s->choices[first], scores));
}

static void test_threads_and_company(void **state) {
    fnas_test_place *place = *state;
    scored s = scored_create(place);
    fnas_score one[COUNT], three[COUNT], alone;
    score(place, &s, 1, FNAS_SCORE_VALIDATION, 0, 0, COUNT, one);
    score(place, &s, 3, FNAS_SCORE_VALIDATION, 0, 0, COUNT, three);
    assert_memory_equal(one, three, sizeof one);
    for (int64_t i = 0; i < COUNT; i++) {
        score(place, &s, 1, FNAS_SCORE_VALIDATION, 0, i, 1, &alone);
        assert_memory_equal(&alone, &one[i], sizeof alone);
        double wrong = one[i].error_pct * 60 / 100;
        assert_true(fabs(wrong - round(wrong)) < 1e-9); /* whole images of 60 */
    }
    scored_free(&s);
}

/* The same by the double-precision reference: recalibration in one chunk is the batch statistics of a layer's own input. */
static void reference_score(fnas_test_place *place, const scored *s, int64_t index, fnas_score *score) {
    const fnas_run *run = s->run;
    fnas_context *context = place->context;
    int64_t recalibration_count = run->config.recalibration_images, count = run->config.validation_images, ignored;
    fnas_split *split;
    test_check(place, fnas_split_create(context, s->examples.images, run->config.seed, run->config.weight_fraction,
                                        run->config.search_fraction, &split));
    float *images = fnas_allocate((size_t)(count + recalibration_count) * 64, sizeof *images);
    int32_t *labels = fnas_allocate((size_t)(count + recalibration_count), sizeof *labels);
    test_check(place, fnas_batch_fill(context, s->examples.images, NULL, recalibration_count,
                                      fnas_split_part(split, FNAS_SPLIT_WEIGHTS, &ignored), NULL, images, labels));
    test_check(place, fnas_batch_fill(context, s->examples.images, NULL, count, fnas_split_part(split, FNAS_SPLIT_VALIDATION, &ignored),
                                      NULL, images + recalibration_count * 64, labels + recalibration_count));
    fnas_net *net;
    test_check(place, fnas_space_record(context, run->supernet, s->choices[index], &net));
    fnas_worker worker;
    test_check(place, fnas_worker_create(context, FNAS_COMPUTE_F32, &worker));
    float *statistics = fnas_allocate(2 * (size_t)net->norm_channels, sizeof *statistics);
    fnas_norm_state norms = {.mean = statistics, .variance = statistics + net->norm_channels};
    fnas_path_request request = {
        .net = net, .parameters = &run->state.weights, .n = recalibration_count, .images = images, .batch_statistics = &norms};
    fnas_path_result result;
    test_check(place, fnas_path_run(context, &worker, &request, &result));

    double *doubles = fnas_allocate((size_t)count * 64, sizeof *doubles);
    double *weights = fnas_allocate((size_t)run->state.weights.float_count, sizeof *weights);
    for (int64_t i = 0; i < count * 64; i++) doubles[i] = images[recalibration_count * 64 + i];
    for (int64_t i = 0; i < run->state.weights.float_count; i++) weights[i] = run->state.weights.values[i];
    fnas_reference_request reference = {.net = net,
                                        .layout = &run->state.weights,
                                        .parameters = weights,
                                        .images = doubles,
                                        .labels = labels + recalibration_count,
                                        .n = count,
                                        .statistics = &norms};
    test_check(place, fnas_path_run_reference(context, &reference, &result));
    *score = (fnas_score){.error_pct = 100 * (double)(count - result.correct) / (double)count, .cross_entropy = result.loss};
    fnas_free(doubles);
    fnas_free(weights);
    fnas_free(statistics);
    fnas_worker_destroy(&worker);
    fnas_net_destroy(net);
    fnas_free(images);
    fnas_free(labels);
    fnas_split_free(split);
}

static void test_against_reference(void **state) {
    fnas_test_place *place = *state;
    scored s = scored_create(place);
    fnas_score scores[COUNT], expected;
    score(place, &s, 2, FNAS_SCORE_VALIDATION, 0, 0, COUNT, scores);
    bool varies = false;
    for (int64_t i = 0; i < COUNT; i++) {
        reference_score(place, &s, i, &expected);
        assert_true(fabs(scores[i].error_pct - expected.error_pct) <=
                    100.0 / 60 + 1e-9); /* at most one image whose two best classes are equal in single precision */
        assert_float_equal(scores[i].cross_entropy, expected.cross_entropy, 1e-4 * expected.cross_entropy);
        varies |= scores[i].error_pct != scores[0].error_pct;
    }
    assert_true(varies); /* else the comparison says little */
    scored_free(&s);
}

static void test_parts(void **state) {
    fnas_test_place *place = *state;
    scored s = scored_create(place);
    fnas_score few[COUNT], all[COUNT], more[COUNT], validation[COUNT];
    score(place, &s, 2, FNAS_SCORE_TEST, 30, 0, COUNT, few);
    score(place, &s, 2, FNAS_SCORE_TEST, 80, 0, COUNT, all); /* a fifth of 400 */
    score(place, &s, 2, FNAS_SCORE_TEST, 5000, 0, COUNT, more);
    score(place, &s, 2, FNAS_SCORE_VALIDATION, 80, 0, COUNT, validation);
    assert_memory_equal(all, more, sizeof all);
    assert_memory_not_equal(all, validation, sizeof all);
    for (int64_t i = 0; i < COUNT; i++) {
        double wrong = few[i].error_pct * 30 / 100;
        assert_true(fabs(wrong - round(wrong)) < 1e-9);
        assert_true(round(all[i].error_pct * 80 / 100) >= round(wrong)); /* the first 30 are among the 80 */
    }
    scored_free(&s);
}

/* What was asked once is not computed again; another number of images is another question. */
static void test_cache(void **state) {
    fnas_test_place *place = *state;
    scored s = scored_create(place);
    fnas_score plain[COUNT], cached[COUNT], known[COUNT];
    score(place, &s, 2, FNAS_SCORE_TEST, 30, 0, COUNT, plain);
    assert_false(fnas_score_known(s.run, FNAS_SCORE_TEST, 30, COUNT, s.choices[0], known)); /* a run without a cache */
    test_check(place, fnas_score_cache_create(place->context, 6, &s.run->scores));
    score(place, &s, 2, FNAS_SCORE_TEST, 30, 2, 3, cached);
    assert_memory_equal(cached, plain + 2, 3 * sizeof *plain);
    assert_false(fnas_score_known(s.run, FNAS_SCORE_TEST, 30, COUNT, s.choices[0], known));
    for (int64_t i = 0; i < COUNT; i++)
        assert_true(i >= 2 && i < 5 ? !memcmp(&known[i], &plain[i], sizeof plain[i]) : isnan(known[i].error_pct));
    score(place, &s, 2, FNAS_SCORE_TEST, 30, 0, COUNT, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    s.run->state.weights.values[0] += 1000; /* the answer comes from memory: the weights of an open run do not change */
    score(place, &s, 2, FNAS_SCORE_TEST, 30, 0, COUNT, cached);
    assert_memory_equal(cached, plain, sizeof plain);
    assert_true(fnas_score_known(s.run, FNAS_SCORE_TEST, 30, COUNT, s.choices[0], known));
    assert_false(fnas_score_known(s.run, FNAS_SCORE_VALIDATION, 30, COUNT, s.choices[0], known));
    assert_false(fnas_score_known(s.run, FNAS_SCORE_TEST, 31, COUNT, s.choices[0], known));
    scored_free(&s);
}

typedef struct reports {
    int64_t count, last, total;
} reports;

static void on_progress(void *user, const fnas_progress *progress) {
    reports *seen = user;
    assert_string_equal(progress->stage, "score");
    assert_true(progress->done >= seen->last);
    seen->last = progress->done;
    seen->total = progress->total;
    seen->count++;
}

static void test_progress(void **state) {
    fnas_test_place *place = *state;
    scored s = scored_create(place);
    reports seen = {0};
    fnas_score scores[COUNT];
    fnas_context_set_progress(place->context, on_progress, &seen);
    score(place, &s, 2, FNAS_SCORE_VALIDATION, 0, 0, COUNT, scores);
    assert_true(seen.count >= 1);
    assert_int_equal(seen.last, COUNT);
    assert_int_equal(seen.total, COUNT);
    fnas_context_set_progress(place->context, NULL, NULL);
    scored_free(&s);
}

/* ---- RUN/scores.csv ---- */

/* How many of the architectures are known to whoever opens the run next. */
static int64_t known_count(fnas_test_place *place, const scored *s) {
    fnas_score known[COUNT];
    fnas_score_cache_clear(s->run->scores);
    test_check(place, fnas_score_file_load(place->context, s->run));
    return COUNT - fnas_score_cache_lookup(s->run->scores, FNAS_SCORE_VALIDATION, 40, COUNT, s->choices[0], known);
}

static void write_text(fnas_test_place *place, const char *path, const char *text) {
    test_check(place, fnas_file_write_atomic(place->context, path, text, strlen(text)));
}

static void test_scores_are_kept(void **state) {
    fnas_test_place *place = *state;
    scored s = scored_create(place);
    const char *file = fnas_test_path(place, "scores.csv");
    test_check(place, fnas_score_cache_create(place->context, 6, &s.run->scores));
    fnas_score scores[COUNT], kept[COUNT];
    assert_int_equal(known_count(place, &s), 0);
    score(place, &s, 1, FNAS_SCORE_VALIDATION, 40, 0, 3, scores);
    assert_int_equal(known_count(place, &s), 3);
    score(place, &s, 1, FNAS_SCORE_VALIDATION, 40, 2, COUNT - 2, scores + 2);
    assert_int_equal(known_count(place, &s), COUNT);
    assert_true(fnas_score_known(s.run, FNAS_SCORE_VALIDATION, 40, COUNT, s.choices[0], kept));
    assert_memory_equal(kept, scores, sizeof kept); /* to the last bit */

    unsigned char *data = NULL;
    size_t size = 0;
    test_check(place, fnas_file_read(place->context, file, 1 << 20, &data, &size));
    const char *damaged[] = {"", "state,part,images,arch\n", "state,part,images,arch,error_pct,cross_entropy\nx,y\n"};
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) { /* ignored with a warning, then written anew */
        write_text(place, file, damaged[i]);
        assert_int_equal(known_count(place, &s), 0);
    }
    char *row = strchr((char *)data, '\n') + 1;
    *strrchr(row, ',') = 0;
    *strrchr(row, ',') = 0; /* the last row gets a score that cannot be */
    fnas_text text = {0};
    const char *impossible[] = {"101,1", "50,-1", "50,nan", "50,inf", "50"};
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        fnas_text_append(&text, "%s,%s\n", (char *)data, impossible[i]);
        write_text(place, file, text.data);
        assert_int_equal(known_count(place, &s), 0);
        fnas_text_free(&text);
    }
    row[1] ^= 1; /* of another state of the run: not used, and no fault */
    fnas_text_append(&text, "%s,50,1\n", (char *)data);
    write_text(place, file, text.data);
    assert_int_equal(known_count(place, &s), COUNT - 1);
    s.run->state.weights.values[0] += 1; /* the supernet went on learning: nothing is known of it, though no file changed */
    assert_int_equal(known_count(place, &s), 0);
    fnas_text_free(&text);
    fnas_free(data);
    scored_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(test_threads_and_company), fnas_test(test_against_reference), fnas_test(test_parts), fnas_test(test_cache),
        fnas_test(test_scores_are_kept),     fnas_test(test_progress),
    };
    return cmocka_run_group_tests_name("score", tests, NULL, NULL);
}
