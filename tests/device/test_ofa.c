/* OFA's latency tables and HELP's OFA devices as cards. */
#include "base/support.h"

#include <math.h>

#include "device/card.h"
#include "device/import.h"
#include "device/ofa.h"
#include "fleetnas/device_export.h"
#include "fleetnas/device_import.h"

static fnas_space *open_space(fnas_test_place *place, const char *spec) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, spec, &space));
    return space;
}

/* ---- keys ---- */

static void keys_are_those_of_ofa(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3");
    static const char *const expected[] = {
        "Conv-input:224x224x3-output:112x112x24",
        "expanded_conv-input:112x112x24-output:112x112x24-expand:24-kernel:3-stride:1-idskip:1-se:0-hs:0",
        "expanded_conv-input:112x112x24-output:56x56x32-expand:72-kernel:3-stride:2-idskip:0-se:0-hs:0",
        "expanded_conv-input:56x56x32-output:56x56x32-expand:128-kernel:5-stride:1-idskip:1-se:0-hs:0",
        "expanded_conv-input:56x56x32-output:28x28x48-expand:192-kernel:7-stride:2-idskip:0-se:1-hs:0",
        "expanded_conv-input:14x14x96-output:14x14x136-expand:384-kernel:3-stride:1-idskip:0-se:1-hs:1",
        "Conv_1-input:7x7x192-output:7x7x1152",
        "AvgPool2D-input:7x7x1152-output:1x1x1152",
        "Conv_2-input:1x1x1152-output:1x1x1536",
        "Logits-input:1x1x1536-output:1000"};
    fnas_ofa_block blocks[FNAS_OFA_BLOCKS_MAX];
    int64_t count = fnas_ofa_all_blocks(fnas_mbv3_of(space), (int32_t)fnas_mbv3_of(space)->resolution_count - 1, blocks);
    assert_int_equal(count, 6 + 5 * 2 * 9); /* of a stage the first unit and the others, nine choices each */
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        fnas_ofa_block block;
        assert_status(FNAS_OK, fnas_ofa_block_parse(place->context, "test", expected[i], &block));
        if (fnas_ofa_find_block(count, blocks, &block) < 0) fail_msg("no block %s", expected[i]);
    }
    fnas_space_close(space);
}

/* ---- tables made up: a block's latency follows from its shape ---- */

static double made_up_ms(const fnas_ofa_block *block) {
    return 0.01 + 1e-6 * (double)(block->input[0] * block->input[2]) + 1e-4 * (double)(block->kernel + block->expand) +
           1e-3 * (double)(block->squeeze + block->hard_swish + block->stride);
}

enum { WHOLE, WITHOUT_ONE = 1, WITH_ONE_MORE = 2 };

static const char *write_table(fnas_test_place *place, const fnas_space *space, int64_t resolution, const char *name, int how) {
    fnas_ofa_block blocks[FNAS_OFA_BLOCKS_MAX];
    fnas_ofa_entry entries[FNAS_OFA_BLOCKS_MAX + 1];
    int64_t count = fnas_ofa_all_blocks(fnas_mbv3_of(space), fnas_mbv3_resolution_choice(fnas_mbv3_of(space), resolution), blocks);
    for (int64_t i = 0; i < count; i++) entries[i] = (fnas_ofa_entry){blocks[i], 10, made_up_ms(&blocks[i]), 0.001};
    if (how == WITHOUT_ONE) entries[5] = entries[--count];
    if (how == WITH_ONE_MORE) {
        entries[count] = entries[5];
        entries[count++].block.kernel = 9;
    }
    fnas_ofa_table table = {entries, count};
    const char *path = fnas_test_path(place, name);
    assert_status(FNAS_OK, fnas_ofa_table_write(place->context, path, &table));
    return path;
}

static double expected_ms(const fnas_space *space, const int32_t *choices) {
    fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX];
    int64_t count = fnas_mbv3_blocks(fnas_mbv3_of(space), choices, blocks);
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        fnas_ofa_block block = fnas_ofa_block_of(&blocks[i]);
        sum += made_up_ms(&block);
    }
    return sum;
}

static void a_card_has_the_sums(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3:width=1.0");
    const char *tables[2];
    char first[512];
    snprintf(first, sizeof first, "%s", write_table(place, space, 160, "a.yaml", WHOLE));
    tables[0] = first;
    tables[1] = write_table(place, space, 224, "b.yaml", WITH_ONE_MORE); /* a warning */
    fnas_import_ofa options = {.references_from_table = true, .arch_count = 40, .seed = 3};
    fnas_import *import;
    fnas_card *card;
    assert_status(FNAS_OK, fnas_import_open_ofa(place->context, space, 2, tables, &options, &import));
    assert_int_equal(fnas_import_arch_count(import), 40);
    assert_int_equal(fnas_import_column_count(import), 1);
    fnas_import_device device = {.name = "phone", .latency_column = fnas_import_column(import, 0), .references_from_table = true};
    assert_status(FNAS_OK, fnas_import_card(place->context, import, &device, &card));
    fnas_card_view view = fnas_card_get(card);
    assert_int_equal(view.measurement_count, 40);
    int64_t large = 0;
    for (int64_t i = 0; i < view.measurement_count; i++) {
        const int32_t *choices = view.measurement_choices + i * view.decision_count;
        int64_t resolution = fnas_mbv3_resolution(fnas_mbv3_of(space), choices[FNAS_MBV3_RESOLUTION]);
        assert_true(resolution == 160 || resolution == 224);
        large += resolution == 224;
        assert_true(fabs(view.measurement_latency_ms[i] / expected_ms(space, choices) - 1) < 1e-12);
    }
    assert_true(large > 5 && large < 35);
    fnas_card_free(card);
    fnas_import_free(import);
    fnas_space_close(space);
}

static void refuse(fnas_test_place *place, const fnas_space *space, int64_t count, const char *const *tables,
                   const fnas_import_ofa *options, fnas_status status, const char *words) {
    fnas_import *import;
    assert_status(status, fnas_import_open_ofa(place->context, space, count, tables, options, &import));
    assert_null(import);
    assert_message(words);
}

static void what_cannot_be_summed_is_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3"), *narrow = open_space(place, "mobilenetv3:width=1.0"),
               *other = open_space(place, "nb201");
    char whole[512], again[512], less[512];
    snprintf(whole, sizeof whole, "%s", write_table(place, space, 160, "whole.yaml", WHOLE));
    snprintf(again, sizeof again, "%s", write_table(place, space, 160, "again.yaml", WHOLE));
    snprintf(less, sizeof less, "%s", write_table(place, space, 176, "less.yaml", WITHOUT_ONE));
    fnas_import_ofa own = {0}, from_table = {.references_from_table = true};
    refuse(place, space, 1, (const char *[]){whole}, &own, FNAS_ERR_INPUT,
           "no table is of resolution 196, which reference architecture 0 has");
    refuse(place, space, 2, (const char *[]){whole, again}, &from_table, FNAS_ERR_INPUT, "are both of resolution 160");
    refuse(place, space, 1, (const char *[]){less}, &from_table, FNAS_ERR_INPUT, "less.yaml has no block expanded_conv-input:");
    assert_message("(1 of the 96 that mobilenetv3:width=1.2,classes=1000 has at resolution 176 are missing)");
    refuse(place, narrow, 1, (const char *[]){whole}, &from_table, FNAS_ERR_INPUT, "has no block Conv-input:RxRx3-output:...x16");
    refuse(place, other, 1, (const char *[]){whole}, &from_table, FNAS_ERR_UNSUPPORTED, "use mobilenetv3");
    refuse(place, space, 1, (const char *[]){"nowhere.yaml"}, &from_table, FNAS_ERR_INPUT, "nowhere.yaml");
    fnas_space_close(space);
    fnas_space_close(narrow);
    fnas_space_close(other);
}

/* ---- exporting: what is wrong is said before anything is measured ---- */

static void what_cannot_be_exported_is_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3");
    char path[512];
    snprintf(path, sizeof path, "%s", write_table(place, space, 160, "t.yaml", WHOLE));
    fnas_import_ofa options = {.references_from_table = true, .arch_count = 20};
    fnas_import *import;
    fnas_card *card;
    assert_status(FNAS_OK, fnas_import_open_ofa(place->context, space, 1, (const char *[]){path}, &options, &import));
    fnas_import_device device = {.name = "phone", .latency_column = "latency_ms", .references_from_table = true};
    assert_status(FNAS_OK, fnas_import_card(place->context, import, &device, &card));
    const char *out = fnas_test_path(place, "tables");
    static const int64_t odd[] = {130}, twice[] = {128, 128}, two[] = {128, 132};
    fnas_export_ofa wrong = {.resolutions = odd, .resolution_count = 1};
    assert_status(FNAS_ERR_INPUT, fnas_device_export_ofa(place->context, space, card, &wrong, out, NULL));
    assert_message("resolution 130 is none of the space's");
    wrong = (fnas_export_ofa){.resolutions = twice, .resolution_count = 2};
    assert_status(FNAS_ERR_INPUT, fnas_device_export_ofa(place->context, space, card, &wrong, out, NULL));
    assert_message("resolution 128 is given twice");
    wrong.resolutions = two;
    assert_status(FNAS_ERR_INPUT, fnas_device_export_ofa(place->context, space, card, &wrong, "x.yaml", NULL));
    assert_message("x.yaml: tables of 2 resolutions need a folder");
    assert_status(FNAS_ERR_UNSUPPORTED, fnas_device_export_ofa(place->context, space, card, &wrong, out, NULL));
    assert_message("device phone was imported, this machine cannot measure on it");
    fnas_card_free(card);
    fnas_import_free(import);
    fnas_space_close(space);
}

/* ---- HELP's twelve devices ---- */

static const char *const help_devices[] = {"2080ti_1",   "2080ti_32",   "2080ti_64",   "titan_rtx_1", "titan_rtx_32", "titan_rtx_64",
                                           "titan_xp_1", "titan_xp_32", "titan_xp_64", "v100_1",      "v100_32",      "v100_64"};

static void help_devices_are_cards(void **state) {
    fnas_test_place *place = *state;
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    char path[512];
    if (!folder) {
        print_message("skipped: set FLEETNAS_TEST_DATA to the folder that holds ofa/architectures_latency_ms.csv\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/ofa/architectures_latency_ms.csv", folder);
    fnas_space *space = open_space(place, "mobilenetv3");
    fnas_import *import;
    assert_status(FNAS_OK, fnas_import_open_csv(place->context, space, 1, (const char *[]){path}, NULL, &import));
    assert_int_equal(fnas_import_arch_count(import), 5000);
    for (int d = 0; d < 12; d++) {
        char column[64];
        fnas_card *card;
        double embedding[10];
        snprintf(column, sizeof column, "%s_ms", help_devices[d]);
        fnas_import_device device = {.latency_column = column, .batch = 1};
        assert_status(FNAS_OK, fnas_import_card(place->context, import, &device, &card));
        fnas_card_view view = fnas_card_get(card);
        assert_string_equal(view.name, help_devices[d]);
        assert_int_equal(view.measurement_count, 5000);
        fnas_card_embedding(card, embedding);
        /* As the reference implementation of MODNAS has them; the table has six digits of a latency. */
        static const double ti[10] = {.393374, .014150, 0, 1, .143006, .324596, .156315, .291969, .306120, .284202},
                            rtx[10] = {.572087, .177560, .276756, .691845, 0, 1, .007320, .114651, .133347, .632969};
        const double *expected = d == 0 ? ti : d == 5 ? rtx : NULL;
        for (int i = 0; expected && i < 10; i++) assert_true(fabs(embedding[i] - expected[i]) < 1e-5);
        fnas_card_free(card);
    }
    fnas_import_free(import);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(keys_are_those_of_ofa), fnas_test(a_card_has_the_sums),
                                       fnas_test(what_cannot_be_summed_is_refused), fnas_test(what_cannot_be_exported_is_refused),
                                       fnas_test(help_devices_are_cards)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
