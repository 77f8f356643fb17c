/* Conditioning: what is common to a fleet goes, what tells its devices apart stays. */
#include "base/support.h"

#include <math.h>

#include "search/hypernet/embedding.h"

#define DEVICES 4

/* Entry i of device t: alike for all devices but for a part of its own, which entry 0 has not. */
static void fill(double *embeddings) {
    static const double part[DEVICES] = {-0.3, 0.1, 0.1, 0.1};
    for (int t = 0; t < DEVICES; t++)
        for (int i = 0; i < FNAS_EMBEDDING; i++) embeddings[t * FNAS_EMBEDDING + i] = 0.5 + (i ? part[t] * i / 10 : 0);
}

static void test_unknown_scale_changes_nothing(void **state) {
    (void)state;
    const fnas_embedding_scale scale = {0};
    double raw[FNAS_EMBEDDING], conditioned[FNAS_EMBEDDING];
    for (int i = 0; i < FNAS_EMBEDDING; i++) raw[i] = i / 9.0;
    fnas_embedding_condition(&scale, raw, conditioned);
    assert_memory_equal(raw, conditioned, sizeof raw);
}

/* Deviations by hand: parts -0.3, 0.1, 0.1, 0.1 have mean 0 and standard deviation sqrt(0.12 / 4) = 0.1732...; 0.02 is added to it. */
static void test_deviations(void **state) {
    (void)state;
    const fnas_hypernet_kind kinds[] = {FNAS_HYPERNET_TABLE, FNAS_HYPERNET_CONTINUOUS};
    const double centre[] = {0, 0.5}, width[] = {2, sqrt(1.0 / 12)};
    double embeddings[DEVICES * FNAS_EMBEDDING], conditioned[FNAS_EMBEDDING];
    fill(embeddings);
    for (int k = 0; k < 2; k++) {
        fnas_embedding_scale scale;
        fnas_embedding_scale_fit(kinds[k], DEVICES, embeddings, &scale);
        fnas_embedding_condition(&scale, embeddings, conditioned);
        assert_true(fabs(conditioned[0] - centre[k]) < 1e-12); /* where all agree there is nothing to tell */
        for (int i = 1; i < FNAS_EMBEDDING; i++) {
            double expected = centre[k] + width[k] * (-0.03 * i) / (sqrt(0.03) * i / 10 + 0.02);
            assert_true(fabs(conditioned[i] - expected) < 1e-12);
        }
        fnas_embedding_condition(&scale, embeddings, embeddings); /* in place is the same */
        assert_memory_equal(embeddings, conditioned, sizeof conditioned);
        fill(embeddings);
    }
}

/* A device beyond the fleet: three spreads, and not more. */
static void test_strangers_stay_at_the_edge(void **state) {
    (void)state;
    double embeddings[DEVICES * FNAS_EMBEDDING], stranger[FNAS_EMBEDDING], conditioned[FNAS_EMBEDDING];
    fill(embeddings);
    for (int i = 0; i < FNAS_EMBEDDING; i++) stranger[i] = i % 2 ? 100 : -100;
    fnas_embedding_scale scale;
    fnas_embedding_scale_fit(FNAS_HYPERNET_TABLE, DEVICES, embeddings, &scale);
    fnas_embedding_condition(&scale, stranger, conditioned);
    for (int i = 0; i < FNAS_EMBEDDING; i++) assert_true(conditioned[i] == (i % 2 ? 6 : -6));
    fnas_embedding_scale_fit(FNAS_HYPERNET_CONTINUOUS, DEVICES, embeddings, &scale);
    fnas_embedding_condition(&scale, stranger, conditioned);
    for (int i = 0; i < FNAS_EMBEDDING; i++) assert_true(fabs(conditioned[i] - 0.5 - (i % 2 ? 1 : -1) * 3 * sqrt(1.0 / 12)) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_scale_changes_nothing),
        cmocka_unit_test(test_deviations),
        cmocka_unit_test(test_strangers_stay_at_the_edge),
    };
    return cmocka_run_group_tests_name("embedding", tests, NULL, NULL);
}
