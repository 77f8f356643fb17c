/* Cost features: exact on one-hots against a graph search, their derivative against central differences. */
#include <math.h>

#include "base/support.h"

#include "base/random.h"
#include "space/nb201/nb201.h"

enum { SUMS = 24 + 1 + 30, REACHING = SUMS + 4, FEATURES = REACHING + 24 };

/* Whether an operation chain without none leads from node `from` to node `to`. */
static bool is_path(const int32_t *choices, int from, int to) {
    if (from == to) return true;
    for (int e = 0; e < FNAS_NB201_EDGES; e++)
        if (fnas_nb201_source[e] == from && choices[e] != FNAS_NB201_NONE && is_path(choices, fnas_nb201_target[e], to)) return true;
    return false;
}

static bool is_live(const int32_t *choices, int e) {
    return choices[e] != FNAS_NB201_NONE && is_path(choices, 0, fnas_nb201_source[e]) && is_path(choices, fnas_nb201_target[e], 3);
}

/* Whether edge e delivers the result of a convolution that nothing else reads: its own, or through a skip. */
static bool delivers_convolution(const int32_t *choices, int e) {
    int inputs = 0, readers = 0, input = 0;
    if (choices[e] != FNAS_NB201_SKIP) return choices[e] == FNAS_NB201_CONV1 || choices[e] == FNAS_NB201_CONV3;
    for (int other = 0; other < FNAS_NB201_EDGES; other++) {
        if (!is_live(choices, other)) continue;
        readers += fnas_nb201_source[other] == fnas_nb201_source[e];
        if (fnas_nb201_target[other] != fnas_nb201_source[e]) continue;
        inputs++;
        input = other;
    }
    return inputs == 1 && readers == 1 && delivers_convolution(choices, input);
}

static fnas_space *open_space(fnas_test_place *place) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &space));
    return space;
}

static void test_exact_on_onehots(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    assert_int_equal(fnas_space_cost_feature_count(space), FEATURES);
    for (int64_t i = 0; i < 15625; i++) {
        int32_t choices[6];
        double onehot[30], features[FEATURES];
        for (int64_t d = 0, rest = i; d < 6; d++, rest /= 5) choices[d] = (int32_t)(rest % 5);
        fnas_space_to_onehot(space, choices, onehot);
        fnas_space_cost_features(space, onehot, features);
        int additions[4] = {0}, convolutions[4] = {0}; /* by node */
        for (int e = 0; e < 6; e++) {
            int target = fnas_nb201_target[e];
            bool live = is_path(choices, 0, fnas_nb201_source[e]) && is_path(choices, fnas_nb201_target[e], 3);
            for (int k = 1; k < 5; k++) {
                assert_true(features[4 * e + k - 1] == (live && choices[e] == k ? 1.0 : 0.0));
                assert_true(features[REACHING + 4 * e + k - 1] == (is_path(choices, target, 3) && choices[e] == k ? 1.0 : 0.0));
            }
            if (!live || choices[e] == FNAS_NB201_NONE) continue;
            additions[target]++;
            convolutions[target] += delivers_convolution(choices, e);
        }
        for (int node = 2; node < 4; node++) {
            bool mixed = convolutions[node] > 0 && convolutions[node] < additions[node];
            assert_true(features[SUMS + 2 * (node - 2)] == (additions[node] > 1 ? additions[node] - 1.0 : 0.0));
            assert_true(features[SUMS + 2 * (node - 2) + 1] == (mixed ? 1.0 : 0.0));
        }
        assert_true(features[24] == (is_path(choices, 0, 3) ? 1.0 : 0.0));
        assert_memory_equal(features + 25, onehot, sizeof onehot);
    }
    fnas_space_close(space);
}

static void test_derivative(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, 0, 0);
    for (int round = 0; round < 60; round++) {
        double onehot[30], direction[FEATURES], above[FEATURES], below[FEATURES], gradient[30];
        int32_t choices[6];
        fnas_space_random(space, 3, round, choices);
        fnas_space_to_onehot(space, choices, onehot);
        for (int i = 0; i < 30; i++) {
            if (round % 2) onehot[i] = 0.7 * onehot[i] + 0.2 * fnas_random_uniform(&random);
            gradient[i] = 0.25; /* is added to */
        }
        for (int i = 0; i < FEATURES; i++) direction[i] = fnas_random_normal(&random);
        fnas_space_cost_features_vjp(space, onehot, direction, gradient);
        for (int i = 0; i < 30; i++) {
            const double h = 1e-6, kept = onehot[i];
            double difference = 0.25;
            onehot[i] = kept + h;
            fnas_space_cost_features(space, onehot, above);
            onehot[i] = kept - h;
            fnas_space_cost_features(space, onehot, below);
            onehot[i] = kept;
            for (int f = 0; f < FEATURES; f++) difference += direction[f] * (above[f] - below[f]) / (2.0 * h);
            if (!(fabs(difference - gradient[i]) < 1e-8))
                fail_msg("round %d, entry %d: %.12g, difference %.12g", round, i, gradient[i], difference);
        }
    }
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_exact_on_onehots), fnas_test(test_derivative)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
