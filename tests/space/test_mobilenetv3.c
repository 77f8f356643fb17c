/* MobileNetV3: OFA's JSON both ways, counts against the recorded network's own, cost features, covering and reference architectures. */
#include "base/support.h"

#include <math.h>

#include "base/csv.h"
#include "base/random.h"
#include "space/mobilenetv3/mobilenetv3.h"

#define RESOLUTIONS 25
#define ONEHOT (RESOLUTIONS + FNAS_MBV3_CHOICES * (FNAS_MBV3_DECISIONS - 1))

static fnas_space *open_space(fnas_test_place *place, const char *spec) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, spec, &space));
    return space;
}

/* ---- the space ---- */

static void test_parameters(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3");
    assert_string_equal(fnas_space_spec(space), "mobilenetv3:width=1.2,classes=1000");
    assert_int_equal(fnas_space_decision_count(space), 46);
    assert_int_equal(fnas_space_onehot_size(space), ONEHOT);
    assert_true(fnas_space_has_supernet(space));
    /* Widths as published: 1.2 and 1.0. */
    const fnas_mbv3 *wide = fnas_mbv3_of(space);
    static const int64_t stages[2][5] = {{32, 48, 96, 136, 192}, {24, 40, 80, 112, 160}};
    assert_memory_equal(wide->stages, stages[0], sizeof stages[0]);
    assert_int_equal(wide->stem, 24);
    assert_int_equal(wide->last, 1152);
    assert_int_equal(wide->mixed, 1536);
    fnas_space *narrow = open_space(place, "mobilenetv3:width=1,classes=10");
    assert_string_equal(fnas_space_spec(narrow), "mobilenetv3:width=1.0,classes=10");
    assert_memory_equal(fnas_mbv3_of(narrow)->stages, stages[1], sizeof stages[1]);
    assert_int_equal(fnas_mbv3_of(narrow)->stem, 16);
    assert_int_equal(fnas_mbv3_of(narrow)->mixed, 1280);
    /* 9^2 + 9^3 + 9^4 = 7371 ways a stage. */
    double count = 25.0 * pow(7371, 5);
    assert_true(fabs(fnas_space_settled_count(space) / count - 1) < 1e-12);
    static const char *const wrong[][2] = {{"mobilenetv3:width=0.05", "width=0.05 must be a number from 0.1 to 2"},
                                           {"mobilenetv3:width=0.355", "at most two decimals"},
                                           {"mobilenetv3:width=nan", "width=nan must be a number"},
                                           {"mobilenetv3:resolutions=128-224", "must be FROM-TO-STEP"},
                                           {"mobilenetv3:resolutions=128-224-4x", "must be FROM-TO-STEP"},
                                           {"mobilenetv3:resolutions=64-32-4", "must be FROM-TO-STEP"},
                                           {"mobilenetv3:resolutions=32-64-5", "no whole number of steps of 5 goes from 32 to 64"},
                                           {"mobilenetv3:resolutions=32-224-2", "are 97, at most 64"},
                                           {"mobilenetv3:classes=1", "classes=1 must be"},
                                           {"mobilenetv3:clases=10", "did you mean \"classes\"?"},
                                           {"mobilnetv3", "did you mean \"mobilenetv3\"?"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        fnas_space *none;
        assert_status(FNAS_ERR_INPUT, fnas_space_open(place->context, wrong[i][0], &none));
        assert_message(wrong[i][1]);
    }
    fnas_space_close(space);
    fnas_space_close(narrow);
}

/* A small one, for small images: channels by OFA's rounding, resolutions of its own, references at the same places among these. */
static void test_small(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3:width=0.35,classes=10,resolutions=32-64-8"), *wider;
    const fnas_mbv3 *mbv3 = fnas_mbv3_of(space);
    static const int64_t stages[5] = {8, 16, 32, 40, 56};
    assert_string_equal(fnas_space_spec(space), "mobilenetv3:width=0.35,classes=10,resolutions=32-64-8");
    assert_int_equal(fnas_space_onehot_size(space), ONEHOT - RESOLUTIONS + 5);
    assert_memory_equal(mbv3->stages, stages, sizeof stages);
    assert_int_equal(mbv3->last, 336);
    assert_true(fabs(fnas_space_settled_count(space) / (5.0 * pow(7371, 5)) - 1) < 1e-12);
    /* 196, 172, 204, 200, 136, 224, 132, 152, 152, 200 of 128 to 224. */
    static const int resolutions[10] = {56, 48, 56, 56, 32, 64, 32, 40, 40, 56};
    assert_int_equal(fnas_space_reference_count(space), 10);
    for (int64_t i = 0; i < 10; i++) {
        int32_t choices[FNAS_MBV3_DECISIONS];
        int64_t image[3];
        fnas_space_reference(space, i, choices);
        assert_int_equal(fnas_mbv3_resolution(mbv3, choices[FNAS_MBV3_RESOLUTION]), resolutions[i]);
        fnas_space_image_of(space, choices, image);
        assert_int_equal(image[1], resolutions[i]);
    }
    /* The spec says all of it. */
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_space_spec(space), &wider));
    fnas_space_close(space);
    assert_string_equal(fnas_space_choice_name(wider, FNAS_MBV3_RESOLUTION, 4), "64");
    fnas_space_close(wider);
}

/* ---- native strings ---- */

#define KS "\"ks\":[7,5,3,3,3,3,3,3,7,7,3,3,5,5,3,3,7,7,7,3]"
#define E "\"e\":[4,4,3,3,4,4,3,3,6,3,3,3,3,6,3,3,3,6,4,3]"
#define D "\"d\":[2,2,2,2,3]"

static void test_strings(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3");
    int32_t choices[FNAS_MBV3_DECISIONS], again[FNAS_MBV3_DECISIONS];
    char text[FNAS_ARCH_TEXT_BYTES];
    /* In any order, with blanks, the resolution in a list, and slots beyond the depth filled as their writer liked. */
    static const char loose[] =
        "{ \"r\" : [204], \"wid\": null, \"d\": [2, 2, 2, 2, 3], \"ks\": [7,5,7,5, 3,3,7,7, 7,7,5,5, 5,5,7,7, 7,7,7,5], "
        "\"e\": [4,4,6,6, 4,4,6,6, 6,3,6,6, 3,6,6,6, 3,6,4,6]}";
    assert_status(FNAS_OK, fnas_space_parse(place->context, space, loose, choices));
    assert_int_equal(choices[FNAS_MBV3_RESOLUTION], (204 - 128) / 4);
    assert_int_equal(choices[FNAS_MBV3_DEPTH + 4], 1);
    assert_int_equal(choices[FNAS_MBV3_KERNEL], 2);
    assert_int_equal(choices[FNAS_MBV3_KERNEL + 2], 0); /* beyond the depth */
    assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
    assert_string_equal(text, "{\"wid\":null," KS "," E "," D ",\"r\":204}");
    for (int64_t i = 0; i < 500; i++) {
        fnas_space_random(space, 4, i, choices);
        assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
        assert_status(FNAS_OK, fnas_space_parse(place->context, space, text, again));
        fnas_space_settle(space, choices);
        assert_memory_equal(choices, again, sizeof choices);
        assert_true(fnas_space_macs(space, choices) == fnas_space_macs(space, again));
    }
    char small[100];
    assert_status(FNAS_ERR_INTERNAL, fnas_space_format(place->context, space, choices, small, sizeof small));
    fnas_space_close(space);
}

static void test_wrong_strings(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3");
    static const char *const cases[][2] = {
        {"{\"wid\":null,\"ks\":[7,5,3,3,3,3,3,3,7,7,3,3]," E "," D ",\"r\":204}", "\"ks\" has 12 entries, it must have 20"},
        {"{\"wid\":null," KS "," E ",\"d\":[2,2,5,2,3],\"r\":204}", "entry 2 of \"d\" is 5, it must be 2, 3 or 4"},
        {"{\"wid\":null," KS "," E "," D ",\"r\":130}", "\"r\" is 130, a resolution of this space is 128 to 224 in steps of 4"},
        {"{\"wid\":null," KS "," E "," D ",\"r\":228}", "\"r\" is 228"},
        {"{\"wid\":null," KS "," E "," D ",\"r\":\"204\"}", "\"r\" must be the resolution"},
        {"{\"wid\":null," KS "," E "," D "}", "\"r\" must be the resolution"},
        {"{\"wid\":0," KS "," E "," D ",\"r\":204}", "\"wid\" must be null"},
        {"{" KS "," E ",\"d\":[2,2,2,3],\"r\":204}", "\"d\" has 4 entries, it must have 5"},
        {"{" KS "," D ",\"r\":204}", "\"e\""},
        {"{" KS "," E "," D ",\"r\":204,\"w\":1}", "unknown member \"w\""},
        {"{" KS "," E "," D ",\"r\":204,\"r\":208}", "duplicate"},
        {"{" KS "," E "," D ",\"r\":204} x", "architecture:1:"},
        {"{" KS ",\"e\":[5,4,3,3,4,4,3,3,6,3,3,3,3,6,3,3,3,6,4,3]," D ",\"r\":204}", "entry 0 of \"e\" is 5, it must be 3, 4 or 6"},
        {"{" KS ",\"e\":[3.0,4,3,3,4,4,3,3,6,3,3,3,3,6,3,3,3,6,4,3]," D ",\"r\":204}", "entry 0 of \"e\" is 3.0"},
        {"[]", "no JSON object"},
        {"", "architecture:1:"},
        {"|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "architecture:1:"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t choices[FNAS_MBV3_DECISIONS];
        for (int d = 0; d < FNAS_MBV3_DECISIONS; d++) choices[d] = -7;
        if (fnas_space_parse(place->context, space, cases[i][0], choices) != FNAS_ERR_INPUT) fail_msg("%s was not refused", cases[i][0]);
        assert_message(cases[i][1]);
        for (int d = 0; d < FNAS_MBV3_DECISIONS; d++) assert_int_equal(choices[d], -7);
    }
    fnas_space_close(space);
}

static void test_settled_random(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3");
    int64_t deep = 0;
    enum { DRAWS = 2000 };
    for (int64_t i = 0; i < DRAWS; i++) {
        int32_t choices[FNAS_MBV3_DECISIONS], settled[FNAS_MBV3_DECISIONS];
        fnas_random random = fnas_random_begin(6, FNAS_STREAM_ARCH, i, 1);
        fnas_mbv3_settled_random(space, &random, choices);
        memcpy(settled, choices, sizeof settled);
        fnas_space_settle(space, settled);
        assert_memory_equal(choices, settled, sizeof settled);
        for (int d = 0; d < FNAS_MBV3_DECISIONS; d++) assert_true(choices[d] >= 0 && choices[d] < fnas_space_choice_count(space, d));
        deep += choices[FNAS_MBV3_DEPTH] == 2;
    }
    /* 6561 of 7371 ways are of depth 4; five standard deviations of 2,000 draws are 0.035. */
    assert_true(fabs((double)deep / DRAWS - 6561.0 / 7371) < 0.035);
    fnas_space_close(space);
}

/* ---- counts ---- */

/* What a recorded network says of itself. */
static void count_net(const fnas_net *net, int64_t *macs, int64_t *params) {
    *macs = *params = 0;
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        fnas_value_shape out = net->values[node->result];
        if (node->kind != FNAS_NODE_CONV && node->kind != FNAS_NODE_LINEAR) continue;
        int64_t bias = node->conv.bias == FNAS_PARAMETER_NONE ? 0 : node->conv.out;
        *macs += (int64_t)fnas_net_products(net, i) + bias * out.h * out.w;
        *params += node->conv.out * node->conv.in * node->conv.kernel * node->conv.kernel + bias + (node->norm.present ? 2 * out.c : 0);
    }
}

static void check_counts(fnas_test_place *place, const fnas_space *space, const int32_t *choices) {
    fnas_net *net;
    int64_t macs, params, image[3];
    assert_status(FNAS_OK, fnas_space_record(place->context, space, choices, &net));
    count_net(net, &macs, &params);
    assert_int_equal(fnas_space_macs(space, choices), macs);
    assert_int_equal(fnas_space_params(space, choices), params);
    fnas_space_image_of(space, choices, image);
    assert_true(net->values[0].c == 3 && net->values[0].h == image[1] && net->values[0].w == image[2]);
    assert_int_equal(net->values[net->logits].c, space->classes);
    fnas_net_destroy(net);
}

/* ---- training in phases ---- */

/* As Once-for-All opens them: kernels, then depths, then expansions, from the largest on; resolutions at once. */
static void test_phases(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3"), *cells = open_space(place, "nb201");
    static const char *const names[] = {"full", "kernel", "depth", "expansion"};
    static const int64_t decisions[4] = {FNAS_MBV3_RESOLUTION, FNAS_MBV3_KERNEL + 7, FNAS_MBV3_DEPTH + 4, FNAS_MBV3_EXPANSION + 19};
    int32_t first, last;
    assert_int_equal(fnas_space_phase_count(space), 4);
    for (int64_t phase = 0; phase < 4; phase++) {
        assert_string_equal(fnas_space_phase_name(space, phase), names[phase]);
        for (int64_t d = 0; d < 4; d++) {
            fnas_space_phase_choices(space, phase, decisions[d], &first, &last);
            assert_int_equal(last, fnas_space_choice_count(space, decisions[d]) - 1);
            assert_int_equal(first, phase >= d ? 0 : last);
        }
    }
    fnas_space_phase_choices(space, FNAS_SPACE_ALL_OPEN, FNAS_MBV3_EXPANSION, &first, &last);
    assert_int_equal(first, 0);
    assert_int_equal(fnas_space_phase_count(cells), 0);
    fnas_space_phase_choices(cells, 0, 2, &first, &last);
    assert_true(first == 0 && last == 4);
    fnas_space_close(space);
    fnas_space_close(cells);
}

static void test_counts(void **state) {
    fnas_test_place *place = *state;
    static const char *const specs[] = {"mobilenetv3", "mobilenetv3:width=1.0,classes=10"};
    for (int s = 0; s < 2; s++) {
        fnas_space *space = open_space(place, specs[s]);
        for (int64_t i = 0; i < 100; i++) {
            int32_t choices[FNAS_MBV3_DECISIONS];
            fnas_space_random(space, 9, i, choices);
            check_counts(place, space, choices);
        }
        fnas_space_close(space);
    }
}

/* The recording uses parameters that the declaration has, and those of its own unit. */
static void test_declaration(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3:width=1.0,classes=10");
    fnas_parameters parameters = {0};
    assert_status(FNAS_OK, fnas_space_declare(place->context, space, &parameters));
    for (int64_t index = 0; index < FNAS_MBV3_COVERING; index++) {
        int32_t choices[FNAS_MBV3_DECISIONS];
        fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX];
        fnas_net *net;
        fnas_mbv3_covering(0, index, choices);
        fnas_mbv3_blocks(fnas_mbv3_of(space), choices, blocks);
        assert_status(FNAS_OK, fnas_space_record(place->context, space, choices, &net));
        for (int64_t i = 0; i < net->node_count; i++) {
            const fnas_node *node = &net->nodes[i];
            const fnas_mbv3_block *block = &blocks[node->part];
            char prefix[32] = "";
            if (node->kind != FNAS_NODE_CONV && node->kind != FNAS_NODE_LINEAR) continue;
            const fnas_parameter *item = &parameters.items[node->conv.weight];
            assert_true(node->conv.out <= item->shape[0] && node->conv.in <= item->shape[1]);
            if (block->kind == FNAS_MBV3_UNIT && block->slot >= 0)
                snprintf(prefix, sizeof prefix, "stage%d.unit%d.", (int)block->slot / 4, (int)block->slot % 4);
            else if (block->kind == FNAS_MBV3_UNIT)
                snprintf(prefix, sizeof prefix, "first.");
            else
                snprintf(prefix, sizeof prefix, block->kind == FNAS_MBV3_STEM ? "stem." : "head.");
            if (strncmp(item->name, prefix, strlen(prefix)) != 0) fail_msg("node %d of %s uses %s", (int)i, prefix, item->name);
            if (!node->norm.present) continue;
            char gamma[96];
            snprintf(gamma, sizeof gamma, "%s.gamma", item->name);
            assert_string_equal(parameters.items[node->norm.gamma].name, gamma);
        }
        fnas_net_destroy(net);
    }
    fnas_parameters_free(&parameters);
    fnas_space_close(space);
}

/* Every pair of kernel and expansion stands once in each slot. */
static void test_covering(void **state) {
    (void)state;
    for (int slot = 0; slot < FNAS_MBV3_SLOTS; slot++) {
        bool seen[9] = {false};
        for (int64_t index = 0; index < FNAS_MBV3_COVERING; index++) {
            int32_t choices[FNAS_MBV3_DECISIONS];
            fnas_mbv3_covering(24, index, choices);
            seen[3 * choices[FNAS_MBV3_KERNEL + slot] + choices[FNAS_MBV3_EXPANSION + slot]] = true;
        }
        for (int pair = 0; pair < 9; pair++) assert_true(seen[pair]);
    }
}

/* ---- cost features ---- */

static void test_features(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3");
    enum { FEATURES = 181 };
    assert_int_equal(fnas_space_cost_feature_count(space), FEATURES);
    for (int64_t i = 0; i < 40; i++) {
        int32_t choices[FNAS_MBV3_DECISIONS];
        double onehot[ONEHOT], features[FEATURES], expected[FEATURES] = {0};
        fnas_space_random(space, 2, i, choices);
        fnas_space_to_onehot(space, choices, onehot);
        fnas_space_cost_features(space, onehot, features);
        fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX], largest[FNAS_MBV3_BLOCKS_MAX];
        int64_t count = fnas_mbv3_blocks(fnas_mbv3_of(space), choices, blocks);
        choices[FNAS_MBV3_RESOLUTION] = RESOLUTIONS - 1;
        assert_int_equal(fnas_mbv3_blocks(fnas_mbv3_of(space), choices, largest), count);
        for (int64_t b = 0; b < count; b++) {
            double area = (double)(blocks[b].out.h * blocks[b].out.w) / (double)(largest[b].out.h * largest[b].out.w);
            if (blocks[b].kind == FNAS_MBV3_STEM) expected[180] = area;
            if (blocks[b].kind != FNAS_MBV3_UNIT || blocks[b].slot < 0) continue;
            int64_t slot = blocks[b].slot, kind = (slot / 4 * 2 + (slot % 4 > 0)) * 9;
            kind += 3 * choices[FNAS_MBV3_KERNEL + slot] + choices[FNAS_MBV3_EXPANSION + slot];
            expected[kind] += 1;
            expected[90 + kind] += area;
        }
        for (int f = 0; f < FEATURES; f++) assert_true(fabs(features[f] - expected[f]) < 1e-12);
    }
    fnas_space_close(space);
}

static void test_feature_derivative(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3");
    enum { FEATURES = 181 };
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, 0, 0);
    for (int round = 0; round < 6; round++) {
        double onehot[ONEHOT], direction[FEATURES], above[FEATURES], below[FEATURES], gradient[ONEHOT];
        int32_t choices[FNAS_MBV3_DECISIONS];
        fnas_space_random(space, 3, round, choices);
        fnas_space_to_onehot(space, choices, onehot);
        for (int i = 0; i < ONEHOT; i++) {
            if (round % 2) onehot[i] = 0.7 * onehot[i] + 0.2 * fnas_random_uniform(&random);
            gradient[i] = 0.25; /* is added to */
        }
        for (int f = 0; f < FEATURES; f++) direction[f] = fnas_random_normal(&random);
        fnas_space_cost_features_vjp(space, onehot, direction, gradient);
        for (int i = 0; i < ONEHOT; i++) {
            const double h = 1e-5, kept = onehot[i];
            double difference = 0.25;
            onehot[i] = kept + h;
            fnas_space_cost_features(space, onehot, above);
            onehot[i] = kept - h;
            fnas_space_cost_features(space, onehot, below);
            onehot[i] = kept;
            for (int f = 0; f < FEATURES; f++) difference += direction[f] * (above[f] - below[f]) / (2.0 * h);
            assert_true(fabs(difference - gradient[i]) < 1e-8 * (1 + fabs(gradient[i])));
        }
    }
    fnas_space_close(space);
}

/* ---- published ---- */

static const char *table_path(char *path, size_t size_bytes, const char *name) {
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    if (!folder) {
        print_message("skipped: set FLEETNAS_TEST_DATA to the folder that holds ofa/%s\n", name);
        skip();
    }
    snprintf(path, size_bytes, "%s/ofa/%s", folder, name);
    return path;
}

static void test_references(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3");
    static const int resolutions[10] = {196, 172, 204, 200, 136, 224, 132, 152, 152, 200};
    assert_int_equal(fnas_space_reference_count(space), 10);
    for (int64_t i = 0; i < 10; i++) {
        int32_t choices[FNAS_MBV3_DECISIONS];
        char text[FNAS_ARCH_TEXT_BYTES];
        fnas_space_reference(space, i, choices);
        assert_int_equal(fnas_mbv3_resolution(fnas_mbv3_of(space), choices[FNAS_MBV3_RESOLUTION]), resolutions[i]);
        assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
        assert_string_equal(text, fnas_space_mobilenetv3.reference_archs[i]);
    }
    fnas_space_close(space);
}

/* They are the rows of HELP's table that they are said to be. */
static void test_references_of_table(void **state) {
    fnas_test_place *place = *state;
    static const int rows[10] = {1316, 1587, 1621, 1636, 1980, 2329, 2487, 3355, 3740, 4948};
    char path[512];
    fnas_csv *table;
    table_path(path, sizeof path, "architectures_latency_ms.csv");
    fnas_space *space = open_space(place, "mobilenetv3");
    assert_status(FNAS_OK, fnas_csv_read(place->context, path, 1 << 24, &table));
    for (int i = 0; i < 10; i++) {
        int32_t choices[FNAS_MBV3_DECISIONS], row[FNAS_MBV3_DECISIONS];
        fnas_space_reference(space, i, choices);
        for (int64_t d = 0; d < FNAS_MBV3_DECISIONS; d++) {
            int64_t column = fnas_csv_find_column(table, fnas_space_decision_name(space, d));
            assert_true(column >= 0);
            row[d] = -1;
            for (int32_t k = 0; k < fnas_space_choice_count(space, d); k++)
                if (strcmp(fnas_csv_cell(table, rows[i], column), fnas_space_choice_name(space, d, k)) == 0) row[d] = k;
        }
        fnas_space_settle(space, row);
        assert_memory_equal(row, choices, sizeof row);
    }
    fnas_csv_free(table);
    fnas_space_close(space);
}

/* All that the table of published nets allows: its JSON is read, the networks can be built with the counts of the closed form, and among
 * those for one device the more accurate one has more MACs. */
static void test_published_nets(void **state) {
    fnas_test_place *place = *state;
    char path[512];
    fnas_csv *table;
    int64_t config, device, accuracy;
    table_path(path, sizeof path, "published_nets.csv");
    fnas_space *space = open_space(place, "mobilenetv3");
    assert_status(FNAS_OK, fnas_csv_read(place->context, path, 1 << 20, &table));
    assert_status(FNAS_OK, fnas_csv_column(place->context, table, "config", &config));
    assert_status(FNAS_OK, fnas_csv_column(place->context, table, "device", &device));
    assert_status(FNAS_OK, fnas_csv_column(place->context, table, "top1_published", &accuracy));
    assert_int_equal(fnas_csv_rows(table), 7);
    double top1_before = 0;
    int64_t macs_before = 0;
    for (int64_t row = 0; row < 7; row++) {
        int32_t choices[FNAS_MBV3_DECISIONS];
        double top1;
        assert_status(FNAS_OK, fnas_space_parse(place->context, space, fnas_csv_cell(table, row, config), choices));
        assert_status(FNAS_OK, fnas_csv_number(place->context, table, row, accuracy, &top1));
        check_counts(place, space, choices);
        int64_t macs = fnas_space_macs(space, choices);
        print_message("%s, top-1 %.1f %%: %.1f million MACs, %.2f million parameters\n", fnas_csv_cell(table, row, device), top1,
                      (double)macs / 1e6, (double)fnas_space_params(space, choices) / 1e6);
        if (row && strcmp(fnas_csv_cell(table, row, device), fnas_csv_cell(table, row - 1, device)) == 0)
            assert_true((macs > macs_before) == (top1 > top1_before));
        top1_before = top1;
        macs_before = macs;
    }
    fnas_csv_free(table);
    fnas_space_close(space);
}

/* ---- names of the published supernets ---- */

static void assert_published(const char *published, fnas_published kind, const char *ours) {
    char name[96];
    assert_int_equal(fnas_mbv3_from_published(published, name, sizeof name), kind);
    if (ours) assert_string_equal(name, ours);
}

static void test_published_names(void **state) {
    (void)state;
    assert_published("first_conv.conv.weight", FNAS_PUBLISHED_WEIGHT, "stem.conv");
    assert_published("first_conv.bn.weight", FNAS_PUBLISHED_WEIGHT, "stem.conv.gamma");
    assert_published("blocks.0.mobile_inverted_conv.depth_conv.conv.weight", FNAS_PUBLISHED_WEIGHT, "first.depthwise");
    assert_published("blocks.0.mobile_inverted_conv.point_linear.bn.bias", FNAS_PUBLISHED_WEIGHT, "first.project.beta");
    assert_published("blocks.1.mobile_inverted_conv.inverted_bottleneck.conv.conv.weight", FNAS_PUBLISHED_WEIGHT, "stage0.unit0.expand");
    assert_published("blocks.7.mobile_inverted_conv.depth_conv.bn.bn.weight", FNAS_PUBLISHED_WEIGHT, "stage1.unit2.depthwise.gamma");
    assert_published("blocks.8.mobile_inverted_conv.depth_conv.se.fc.reduce.bias", FNAS_PUBLISHED_WEIGHT, "stage1.unit3.reduce.bias");
    assert_published("blocks.20.conv.depth_conv.se.fc.expand.weight", FNAS_PUBLISHED_WEIGHT, "stage4.unit3.excite");
    assert_published("module.blocks.20.conv.point_linear.conv.conv.weight", FNAS_PUBLISHED_WEIGHT, "stage4.unit3.project");
    assert_published("classifier.linear.weight", FNAS_PUBLISHED_WEIGHT, "head.classifier");
    assert_published("classifier.linear.linear.bias", FNAS_PUBLISHED_WEIGHT, "head.classifier.bias");
    assert_published("feature_mix_layer.conv.weight", FNAS_PUBLISHED_WEIGHT, "head.mix");
    assert_published("blocks.3.mobile_inverted_conv.depth_conv.conv.7to5_matrix", FNAS_PUBLISHED_TRANSFORM,
                     "stage0.unit2.depthwise.transform5");
    assert_published("blocks.3.conv.depth_conv.conv.5to3_matrix", FNAS_PUBLISHED_TRANSFORM, "stage0.unit2.depthwise.transform3");
    assert_published("first_conv.bn.running_mean", FNAS_PUBLISHED_STATISTIC, NULL);
    assert_published("blocks.5.mobile_inverted_conv.point_linear.bn.bn.running_var", FNAS_PUBLISHED_STATISTIC, NULL);
    assert_published("blocks.0.mobile_inverted_conv.depth_conv.bn.num_batches_tracked", FNAS_PUBLISHED_STATISTIC, NULL);
    static const char *const others[] = {"",
                                         "module.",
                                         "blocks.",
                                         "stem.conv",
                                         "features.0.weight",
                                         "first_conv.conv.bias",
                                         "first_conv.conv.running_mean",
                                         "other.bn.running_mean",
                                         "blocks.21.conv.depth_conv.conv.weight",
                                         "blocks.01.conv.depth_conv.conv.weight",
                                         "blocks.-1.conv.depth_conv.conv.weight",
                                         "blocks.18446744073709551617.conv.depth_conv.conv.weight",
                                         "blocks.1.depth_conv.conv.weight",
                                         "blocks.1.conv.depth_conv.conv.weight.x",
                                         "module.module.first_conv.conv.weight"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_published(others[i], FNAS_PUBLISHED_OTHER, NULL);
    char longest[400];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_published(longest, FNAS_PUBLISHED_OTHER, NULL);
}

/* Every shared weight has a name there that leads back to it, and no two have the same. */
static void test_published_names_of_all(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "mobilenetv3");
    fnas_parameters parameters = {0};
    assert_status(FNAS_OK, fnas_space_declare(place->context, space, &parameters));
    for (int64_t i = 0; i < parameters.item_count; i++) {
        char published[200], name[96];
        assert_true(fnas_mbv3_to_published(parameters.items[i].name, published, sizeof published));
        assert_true(fnas_mbv3_from_published(published, name, sizeof name) != FNAS_PUBLISHED_OTHER);
        assert_string_equal(name, parameters.items[i].name);
    }
    char published[200];
    assert_true(fnas_mbv3_to_published("stage3.unit1.depthwise.transform5", published, sizeof published));
    assert_string_equal(published, "blocks.14.conv.depth_conv.conv.7to5_matrix");
    assert_true(fnas_mbv3_to_published("first.depthwise", published, sizeof published));
    assert_string_equal(published, "blocks.0.conv.depth_conv.conv.weight");
    assert_false(fnas_mbv3_to_published("stage3.unit1.other", published, sizeof published));
    assert_false(fnas_mbv3_to_published("other", published, sizeof published));
    assert_false(fnas_mbv3_to_published("stage3.unit1.depthwise", published, 8));
    fnas_parameters_free(&parameters);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_parameters),
                                       fnas_test(test_small),
                                       fnas_test(test_strings),
                                       fnas_test(test_wrong_strings),
                                       fnas_test(test_settled_random),
                                       fnas_test(test_phases),
                                       fnas_test(test_counts),
                                       fnas_test(test_declaration),
                                       fnas_test(test_covering),
                                       fnas_test(test_features),
                                       fnas_test(test_feature_derivative),
                                       fnas_test(test_references),
                                       fnas_test(test_references_of_table),
                                       fnas_test(test_published_nets),
                                       fnas_test(test_published_names),
                                       fnas_test(test_published_names_of_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
