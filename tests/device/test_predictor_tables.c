/* The predictor and the embedding on the shared tables of real devices; skipped where FLEETNAS_TEST_DATA does not name them. */
#include <math.h>

#include "base/support.h"

#include "device/embedding.h"
#include "device/predictor_internal.h"
#include "device/support_fleet.h"

#define SEED 1
#define SEARCHED 13 /* the first columns of the table are the devices to search on, as in splits.json */
#define DEVICES 19

/* Golden vectors, printed with six digits. */
static void embeddings_are_those_of_the_reference(void **state) {
    fnas_test_place *place = *state;
    static const struct {
        const char *name;
        double embedding[FLEET_REFERENCES];
    } golden[] = {
        {"1080ti_1", {.160842, .183739, 0, .223683, .725364, .497844, .378411, .670111, .211275, 1}},
        {"fpga", {.072197, .118834, 0, .176233, .335426, .263229, .305830, .600897, .129596, 1}},
        {"pixel2", {.114286, .142857, 0, .142857, .314286, .257143, .228571, .628571, .228571, 1}},
        {"eyeriss", {.033333, 0, 0, .2, .1, .066667, .433333, .633333, .233333, 1}},
    };
    test_fleet table;
    if (!fleet_read_tables(place->context, &table, 10, SEED)) skip();
    for (size_t n = 0; n < sizeof golden / sizeof *golden; n++) {
        double embedding[FLEET_REFERENCES];
        fnas_embedding_from_latency(FLEET_REFERENCES, fleet_find(&table, golden[n].name)->reference_ms, embedding);
        for (int r = 0; r < FLEET_REFERENCES; r++)
            if (fabs(embedding[r] - golden[n].embedding[r]) > 1e-5)
                fail_msg("%s: number %d is %g, not %g", golden[n].name, r, embedding[r], golden[n].embedding[r]);
    }
    fleet_free(&table);
}

/* Trained on 900 cells of each of the 13 devices, six unseen ones known by their references, scored on the whole table. Three seeds reached
 * 0.967 to 0.972 (docs/predictor.md); 0.96 leaves more than their spread below the least, and lies above the reference
 * implementation's 0.938 and the 0.95 that we promise. */
static void unseen_real_devices_are_predicted(void **state) {
    fnas_test_place *place = *state;
    test_fleet train, test;
    fnas_predictor *predictor;
    fnas_card_view views[SEARCHED];
    double spearman = 0.0;
    if (!fleet_read_tables(place->context, &train, 900, SEED)) skip();
    assert_true(fleet_read_tables(place->context, &test, 0, SEED));
    assert_int_equal(DEVICES, train.device_count);
    for (int d = 0; d < SEARCHED; d++) views[d] = train.devices[d].view;
    assert_status(FNAS_OK, fnas_predictor_fit_views(place->context, train.space, SEARCHED, views, &(fnas_predictor_options){.seed = SEED},
                                                    &predictor));
    for (int d = SEARCHED; d < DEVICES; d++) {
        fnas_predictor_score score;
        assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, predictor, &test.devices[d].view, &score));
        print_message("%s: Spearman %.4f, Kendall %.4f, median error %.2f %%, mean %.2f %%\n", test.devices[d].name, score.spearman,
                      score.kendall, score.median_ape_pct, score.mean_ape_pct);
        assert_true(!score.trained_on && score.count == test.arch_count - FLEET_REFERENCES);
        assert_true(score.median_ape_pct < 15.0);
        spearman += score.spearman / (DEVICES - SEARCHED);
    }
    print_message("mean Spearman %.4f\n", spearman);
    assert_true(spearman > 0.96);
    fnas_predictor_free(predictor);
    fleet_free(&train);
    fleet_free(&test);
}

/* As the demo: four devices with 300 cells each. */
static void four_devices_suffice(void **state) {
    fnas_test_place *place = *state;
    static const char *const searched[4] = {"1080ti_256", "silver_4114", "pixel3", "gold_6240"}, *const unseen[3] = {
                                                                                                     "fpga", "titan_rtx_256", "eyeriss"};
    test_fleet table;
    fnas_predictor *predictor;
    fnas_card_view views[4];
    if (!fleet_read_tables(place->context, &table, 300, SEED)) skip();
    for (int d = 0; d < 4; d++) views[d] = fleet_find(&table, searched[d])->view;
    assert_status(FNAS_OK,
                  fnas_predictor_fit_views(place->context, table.space, 4, views, &(fnas_predictor_options){.seed = SEED}, &predictor));
    for (int d = 0; d < 3; d++) {
        fnas_predictor_score score;
        assert_status(FNAS_OK, fnas_predictor_evaluate_view(place->context, predictor, &fleet_find(&table, unseen[d])->view, &score));
        print_message("%s: Spearman %.4f, median error %.2f %%\n", unseen[d], score.spearman, score.median_ape_pct);
        assert_true(score.spearman > 0.95 && score.median_ape_pct < 10.0);
    }
    fnas_predictor_free(predictor);
    fleet_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(embeddings_are_those_of_the_reference),
        fnas_test(unseen_real_devices_are_predicted),
        fnas_test(four_devices_suffice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
