/* Whole benchmarks, quick ones: what they report, what they write, what they notice. Times are not looked at. */
#include "base/support.h"

#include <jansson.h>
#include <math.h>

#include "base/memory.h"
#include "bench/drill.h"
#include "bench/dump.h"
#include "bench/pass.h"
#include "bench/translation.h"
#include "compute/check/operands_bounds.h"
#include "compute/check/operands_run.h"
#include "export/safetensors.h"
#include "fleetnas/bench.h"
#include "space/mobilenetv3/mobilenetv3.h"

static fnas_bench_report *report_of(fnas_test_place *place, fnas_bench_options options, const char *const *problems, int64_t count) {
    fnas_bench_report *report;
    options.problems = problems;
    options.problem_count = count;
    options.quick = true;
    fnas_context_set_threads(place->context, 2);
    if (fnas_bench_run(place->context, &options, &report) != FNAS_OK) fail_msg("%s", fnas_context_message(place->context));
    return report;
}

static json_t *json_of(const fnas_bench_report *report) {
    json_error_t error;
    json_t *root = json_loads(fnas_bench_report_json(report), JSON_REJECT_DUPLICATES, &error);
    if (!root) fail_msg("%s", error.text);
    return root;
}

static json_t *run(fnas_test_place *place, fnas_bench_options options, const char *const *problems, int64_t count) {
    fnas_bench_report *report = report_of(place, options, problems, count);
    for (int64_t i = 0; i < count; i++) assert_non_null(strstr(fnas_bench_report_text(report), problems[i]));
    json_t *root = json_of(report);
    fnas_bench_report_free(report);
    return root;
}

static json_t *row(json_t *root, size_t index) {
    return json_array_get(json_object_get(root, "problems"), index);
}

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) fail_msg("\"%s\" is no number", key);
    return json_number_value(value);
}

/* Every operator once: none may differ from its twin, and each is timed. */
static void test_operators(void **state) {
    static const char *const problems[] = {"conv:images=2,in=16,out=24",
                                           "conv:images=2,in=16,out=24,size=32,kernel=3,stride=1,padding=half,groups=1,direction=data",
                                           "pool:images=2",
                                           "global-pool:images=2",
                                           "norm:images=2",
                                           "relu:images=2",
                                           "gate:images=2",
                                           "add:images=2",
                                           "dot:images=2",
                                           "sum:images=2",
                                           "linear:images=2",
                                           "cross-entropy:images=2",
                                           "case:norm_backward n2 c16 8x8"};
    const int64_t count = sizeof problems / sizeof *problems;
    json_t *root = run(*state, (fnas_bench_options){0}, problems, count);
    const json_t *peak = json_object_get(json_object_get(root, "machine"), "peak_one_thread");
    assert_true(number(peak, "f32_gflops") > 0 && number(peak, "copy_memory_gbps") > 0);
    assert_int_equal(count, json_array_size(json_object_get(root, "problems")));
    for (int64_t i = 0; i < count; i++) {
        double error = number(row(root, (size_t)i), "error");
        assert_true(error >= 0 && error <= 1);
        assert_true(number(json_object_get(row(root, (size_t)i), "wall_ms"), "median") > 0);
        assert_true(number(row(root, (size_t)i), "bytes") > 0);
    }
    /* 2 images, 24 x 16 channels, 9 taps, 32 x 32 places; 2 operations a product */
    assert_true(number(row(root, 0), "flops") == 2.0 * 2 * 24 * 16 * 9 * 1024);
    json_decref(root);
}

static void test_families_run(void **state) {
    static const char *const problems[] = {
        "step:devices=2",
        "step:devices=2,preferences=2,predictor=own",
        "fronts:preferences=3,devices=2",
        "fronts:preferences=3,devices=2,predictor=own",
        "hypervolume:points=300,objectives=3",
        "predictor-training:batch=8,devices=2",
        "iteration:cells=drawn,devices=2,preferences=1,images=4,batch=shared,precision=f32,channels=8,depth=1",
        "iteration:cells=drawn,devices=cells,preferences=1,images=26,batch=shared,precision=f32,channels=4,depth=1"};
    const int64_t count = sizeof problems / sizeof *problems;
    json_t *root = run(*state, (fnas_bench_options){.repeats = 2}, problems, count);
    for (int64_t i = 0; i < count; i++) assert_true(number(row(root, (size_t)i), "repeats") == 2);
    assert_true(number(row(root, 4), "error") <= 1);
    assert_true(number(row(root, 6), "images") == 8);
    assert_true(number(row(root, 7), "paths") == 2 * 13); /* both updates */
    json_decref(root);
}

static void test_growth(void **state) {
    fnas_test_place *place = *state;
    static const char *const problems[] = {"growth:axis=devices,of=step,from=1,to=4"};
    const char *path = fnas_test_path(place, "growth.svg");
    json_t *root = run(place, (fnas_bench_options){.svg = path}, problems, 1);
    assert_int_equal(4, json_array_size(json_object_get(root, "problems"))); /* three sizes, and the line */
    assert_true(number(row(root, 3), "points") == 3);
    assert_true(isfinite(number(row(root, 3), "time_exponent")));
    json_decref(root);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char text[20000] = "";
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    assert_true(size > 100 && strstr(text, "exponent") && strstr(text, "</svg>"));
}

/* Slowest first, by the medians that are shown. */
static void test_nodes_are_sorted(void **state) {
    static const char *const problems[] = {"nodes:cell=mixed,images=2,gradient=both,precision=f32,channels=4,cells=1"};
    json_t *root = run(*state, (fnas_bench_options){.repeats = 5}, problems, 1);
    size_t count = json_array_size(json_object_get(root, "problems"));
    double before = INFINITY;
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++) {
        double median = number(json_object_get(row(root, i), "cpu_ms"), "median");
        assert_true(median <= before);
        assert_true(number(row(root, i), "nodes") >= 1);
        before = median;
    }
    json_decref(root);
}

static const char *word(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    if (!text) fail_msg("\"%s\" is no text", key);
    return text;
}

/* Where in its line a text stands that must be there. */
static long column_of(const char *text, const char *part) {
    const char *found = strstr(text, part), *begin = found;
    if (!found) fail_msg("%s is missing", part);
    while (begin > text && begin[-1] != '\n') begin--;
    return found - begin;
}

/* Rows of one problem are told apart by what stands first in the last column: all else may lie beyond the terminal's edge. */
static void test_parts_stand_first(void **state) {
    static const char *const problems[] = {"nodes:cell=mixed,images=2,gradient=weights,precision=f32,channels=4,cells=1,edges=needed"};
    fnas_bench_report *report = report_of(*state, (fnas_bench_options){.repeats = 1}, problems, 1);
    json_t *root = json_of(report);
    const char *text = fnas_bench_report_text(report);
    size_t count = json_array_size(json_object_get(root, "problems"));
    bool convolution = false;
    for (size_t i = 0; i < count; i++) {
        char begin[200];
        const char *part = word(row(root, i), "part");
        snprintf(begin, sizeof begin, "%s of %s", part, problems[0]);
        assert_int_equal(column_of(text, begin), column_of(text, "problem\n"));
        assert_string_equal(word(row(root, i), "problem"), problems[0]);
        convolution |= strcmp(part, "conv+norm 3x3 4 to 4 32x32 backward") == 0;
        for (size_t j = 0; j < i; j++) assert_string_not_equal(part, word(row(root, j), "part"));
    }
    assert_true(convolution);
    json_decref(root);
    fnas_bench_report_free(report);
}

/* However short they are. */
static void test_runs_of_nodes_are_counted(void **state) {
    fnas_test_place *place = *state;
    fnas_pass_setup setup = {.cell = "mixed", .images = 1, .channels = 4, .cells = 1, .weights = true, .gates = true};
    fnas_pass pass;
    assert_int_equal(FNAS_OK, fnas_pass_create(place->context, &setup, &pass));
    int64_t entries = pass.net->node_count * FNAS_NODE_DIRECTIONS, convolutions = 0;
    fnas_node_profile *profile = fnas_allocate((size_t)entries, sizeof *profile);
    assert_non_null(profile);
    pass.profile = profile;
    for (int i = 0; i < 3; i++) assert_int_equal(FNAS_OK, fnas_pass_run(place->context, &pass));
    for (int64_t i = 0; i < entries; i++) {
        bool is_convolution = pass.net->nodes[i / FNAS_NODE_DIRECTIONS].kind == FNAS_NODE_CONV;
        assert_true(profile[i].calls == 3 || (profile[i].calls == 0 && !is_convolution)); /* ReLUs that convolutions took over: 0 */
        convolutions += is_convolution;
    }
    assert_true(convolutions > 0);
    fnas_pass_free(&pass);
    fnas_free(profile);
}

/* What stands in the file is enough to compute the same again. */
static void test_dump(void **state) {
    fnas_test_place *place = *state;
    static const char *const problems[] = {"pass:cell=mixed,images=3,gradient=both,precision=f32,channels=4,cells=1"};
    const char *path = fnas_test_path(place, "pass.safetensors");
    json_t *root = run(place, (fnas_bench_options){.dump = path, .seed = 5}, problems, 1);
    fnas_safetensors *file;
    assert_int_equal(FNAS_OK, fnas_safetensors_read(place->context, path, (size_t)1 << 24, &file));
    const fnas_safetensors_tensor *loss = fnas_safetensors_find(file, "loss"), *gates = fnas_safetensors_find(file, "gate_gradient");
    assert_true(loss && gates && gates->shape[0] == 30);
    assert_true(*(const double *)loss->data == number(row(root, 0), "loss"));
    assert_non_null(fnas_safetensors_find(file, "parameter/stage0.cell0.edge1_0.weight"));
    assert_non_null(fnas_safetensors_find(file, "gradient/head.bias"));

    fnas_pass_setup setup = {.cell = "mixed", .images = 3, .channels = 4, .cells = 1, .weights = true, .gates = true, .seed = 5};
    fnas_pass pass;
    assert_int_equal(FNAS_OK, fnas_pass_create(place->context, &setup, &pass));
    assert_int_equal(FNAS_OK, fnas_pass_run(place->context, &pass));
    assert_true(pass.result.loss == *(const double *)loss->data);
    assert_memory_equal(gates->data, pass.gate_gradient, 30 * sizeof(double));
    int32_t bias = fnas_parameters_find(&pass.subject.parameters, "head.bias");
    const float *gradient = pass.weight_gradient + pass.subject.parameters.items[bias].offset;
    assert_memory_equal(fnas_safetensors_find(file, "gradient/head.bias")->data, gradient, 10 * sizeof(float));
    fnas_pass_free(&pass);
    fnas_safetensors_free(file);
    json_decref(root);
}

/* An element that is off by more than allowed, one that is NaN, and padding that is not zero are all seen. */
static void test_errors_are_seen(void **state) {
    fnas_test_place *place = *state;
    fnas_engine *engine;
    fnas_operands all;
    fnas_operator_case c = {.kind = FNAS_OPERATOR_NORM_FORWARD, .plane = {2, 20, 3, 5}};
    assert_int_equal(FNAS_OK, fnas_engine_create(place->context, FNAS_COMPUTE_F32, &engine));
    fnas_operands_declare(&all, &c, fnas_engine_block(engine));
    assert_true(fnas_operands_allocate(&all));
    fnas_operands_fill(&all, 0);
    assert_int_equal(FNAS_OK, fnas_operands_run_fast(place->context, engine, &all));
    fnas_operands_compute(&all);
    fnas_operand *result = &all.list[5];
    assert_true(fnas_operand_error(&all, result) <= 1);
    float kept = result->fast[0];
    result->fast[0] += 1e-3f;
    assert_true(fnas_operand_error(&all, result) > 1);
    result->fast[0] = NAN;
    assert_true(isinf(fnas_operand_error(&all, result)));
    result->fast[0] = kept;
    if (fnas_engine_block(engine) == 16) { /* channels 20 to 31 are padding */
        result->fast[16 * 15 + 10] = 1;
        assert_true(isinf(fnas_operand_error(&all, result)));
    }
    fnas_operands_free(&all);
    fnas_engine_destroy(engine);
}

/* Of a cell that leads nowhere only the classifier is computed: what it is held to is no division by a number of convolutions. */
static void test_dead_cell(void **state) {
    static const char *const problems[] = {
        "pass:cell=|none~0|+|none~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|skip_connect~2|,images=4,gradient=weights,precision=f32,"
        "channels=4,cells=1,edges=needed",
        "pass:cell=|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,images=4,gradient=gates,precision=f32,channels=4,cells=1,edges=needed"};
    json_t *root = run(*state, (fnas_bench_options){.repeats = 1}, problems, 2);
    assert_int_equal(json_array_size(json_object_get(root, "problems")), 2);
    json_decref(root);
}

/* Given cells take the place of drawn ones, in both updates, and both updates change what they train. */
static void test_given_cells(void **state) {
    fnas_test_place *place = *state;
    static const int32_t cells[2][6] = {{1, 0, 0, 1, 0, 1}, {3, 3, 3, 3, 3, 3}};
    fnas_drill_setup setup = {
        .devices = 2, .preferences = 1, .channels = 4, .cells = 1, .images = 4, .supernet = true, .cells_given = cells[0]};
    fnas_drill drill;
    assert_int_equal(FNAS_OK, fnas_drill_create(place->context, &setup, &drill));
    fnas_search_state *kept = drill.searcher.state;
    float weight = kept->weights.values[0];
    double hypernet = 0, after = 0;
    for (int64_t i = 0; i < kept->hypernet_count; i++) hypernet += (double)kept->hypernet[i];
    assert_int_equal(FNAS_OK, fnas_drill_hypernet(place->context, &drill));
    assert_memory_equal(cells, drill.searcher.paths.choices, sizeof cells);
    for (int64_t i = 0; i < kept->hypernet_count; i++) after += (double)kept->hypernet[i];
    assert_true(hypernet != after && weight == kept->weights.values[0]);
    assert_int_equal(FNAS_OK, fnas_drill_weights(place->context, &drill));
    assert_memory_equal(cells, drill.searcher.paths.choices, sizeof cells);
    assert_true(weight != kept->weights.values[0]);
    fnas_drill_free(&drill);
}

#define CONV "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|\n"
#define SKIP "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|\n"

/* A cell that stands there again is a path more and no work more, unless the images are shared out. */
static void test_repeated_cells(void **state) {
    fnas_test_place *place = *state;
    static const char once[] = CONV SKIP, again[] = CONV SKIP CONV;
    static const char *const batches[] = {"full", "full", "shared"};
    static const double paths[] = {2, 3, 3}, distinct[] = {2, 2, 3}, images[] = {12, 18, 6};
    char texts[3][400];
    const char *problems[3], *files[] = {fnas_test_write(place, "once.txt", once, sizeof once - 1),
                                         fnas_test_write(place, "again.txt", again, sizeof again - 1), NULL};
    files[2] = files[1];
    for (int i = 0; i < 3; i++) {
        snprintf(texts[i], sizeof texts[i],
                 "iteration:cells=%s,devices=cells,preferences=1,images=6,batch=%s,precision=f32,channels=4,depth=1", files[i], batches[i]);
        problems[i] = texts[i];
    }
    json_t *root = run(place, (fnas_bench_options){.repeats = 1}, problems, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(number(row(root, i), "paths") == 2 * paths[i]); /* both updates */
        assert_true(number(row(root, i), "distinct_paths") == 2 * distinct[i]);
        assert_true(number(row(root, i), "images") == 2 * images[i]);
    }
    assert_true(number(row(root, 1), "flops") == number(row(root, 0), "flops"));
    json_decref(root);
}

/* Two operations a product; once forward, once for each gradient: by hand for a cell of skips, which leaves the skeleton. */
static void test_flops(void **state) {
    fnas_test_place *place = *state;
    fnas_subject subject;
    fnas_net *net;
    int32_t choices[6];
    assert_int_equal(FNAS_OK, fnas_subject_create(place->context, "nb201:channels=4,cells=1,classes=10,input=3x32x32", 1, 0, &subject));
    assert_int_equal(FNAS_OK, fnas_subject_cell(place->context, subject.space, "skip", choices));
    assert_int_equal(FNAS_OK, fnas_space_record(place->context, subject.space, choices, &net));
    double stem = 2.0 * 4 * 3 * 9 * 1024, head = 2.0 * 10 * 16, reductions = 0;
    for (int64_t out = 8, places = 256; out <= 16; out *= 2, places /= 4)
        reductions += 2.0 * (double)(places * out) * (double)(out / 2 * 9 + out * 9 + out / 2);
    assert_true(fnas_net_flops(net, false, false) == stem + reductions + head);
    assert_true(fnas_net_flops(net, true, false) == 2 * stem + 3 * (reductions + head)); /* no gradient of the images */
    assert_true(fnas_net_flops(net, false, true) == stem + 2 * (reductions + head));
    fnas_net_destroy(net);
    fnas_subject_free(&subject);
}

/* MobileNetV3's own count of products, once forward and once a gradient, but for that of the images. */
static void test_subnet(void **state) {
    static const char *const problems[] = {"subnet:arch=smallest,resolution=128,images=2,gradient=weights,precision=f32,width=1.0",
                                           "subnet-nodes:arch=smallest,resolution=128,images=1,gradient=gates,precision=f32,width=1.0"};
    fnas_test_place *place = *state;
    fnas_space *space;
    int32_t choices[64] = {0}; /* the first of each decision */
    assert_int_equal(FNAS_OK, fnas_space_open(place->context, "mobilenetv3:width=1.0,classes=1000", &space));
    fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX];
    double products = (double)fnas_space_macs(space, choices) - 1000, stem = 64.0 * 64 * 16 * 27; /* which count biases, too */
    for (int64_t i = fnas_mbv3_blocks(fnas_mbv3_of(space), choices, blocks); i-- > 0;)
        if (blocks[i].squeeze) products -= (double)(blocks[i].middle + fnas_mbv3_squeezed(blocks[i].middle));
    fnas_space_close(space);
    json_t *root = run(place, (fnas_bench_options){.repeats = 1}, problems, 2);
    assert_true(number(row(root, 0), "error") <= 1);
    assert_true(number(row(root, 0), "flops") == 2 * 2 * (3 * products - stem));
    bool depthwise = false;
    for (size_t i = 1; i < json_array_size(json_object_get(root, "problems")); i++)
        depthwise |= strcmp(word(row(root, i), "part"), "conv+norm 3x3 1 to 48 32x32 backward") == 0;
    assert_true(depthwise);
    json_decref(root);
}

#define SMALLEST "arch=smallest,sentences=3,words=4,vocabulary=50,dropout=yes,weights=own,precision="

/* HAT's own count of products, which counts biases too, and the words' logits: once forward, twice backward. In decoding a word sees those
 * before it and itself alone. */
static void test_translator(void **state) {
    static const char *const problems[] = {"translator:task=training," SMALLEST "f32", "translator:task=decoding," SMALLEST "f32",
                                           "translator:task=decoding," SMALLEST "bf16", "translator:task=steps," SMALLEST "f32",
                                           "translator:task=steps," SMALLEST "bf16"};
    fnas_test_place *place = *state;
    fnas_space *space;
    int32_t choices[64];
    assert_int_equal(FNAS_OK, fnas_space_open(place->context, "transformer:length=4", &space));
    for (int64_t d = 0; d < fnas_space_decision_count(space); d++) /* lists begin with the largest, but for spans */
        choices[d] = strncmp(fnas_space_decision_name(space, d), "ende-attn", 9) == 0 ? 0 : (int32_t)fnas_space_choice_count(space, d) - 1;
    double words = 4, encoder_biases = 6 * (4 * 512 + 1024 + 512), decoder_biases = 6 * 512 + 1024 + 512 + 2 * 512;
    double products = (double)fnas_space_macs(space, choices) - words * (encoder_biases + decoder_biases) + words * 512 * 50;
    fnas_space_close(space);
    json_t *root = run(place, (fnas_bench_options){.repeats = 1}, problems, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(number(row(root, i), "error") <= 1);
        assert_true(number(row(root, i), "tokens_per_s") > 0);
    }
    assert_true(number(row(root, 2), "error") > 1e-3 && number(row(root, 4), "error") > 1e-3); /* the weights are rounded */
    assert_true(number(row(root, 0), "flops") == 6 * 3 * products);
    assert_true(number(row(root, 1), "flops") == 2 * 3 * (products - words * 2 * 512 * (words - (1 + 2 + 3 + 4) / 4.0)));
    /* One layer, whose words see 2.5 words of their own on average and 4 of the source; 50 words are chosen from. */
    double step = 512 * (3 * 512 + 512 + 512 + 512 + 2 * 1024) + 2 * (2.5 + 4) * 512 + 512 * 50;
    assert_true(number(row(root, 3), "flops") == 2 * 3 * words * step);
    json_decref(root);
}

/* What stands in the file is what a step without dropout gives. */
static void test_translator_dump(void **state) {
    fnas_test_place *place = *state;
    static const char *const problems[] = {"translator:task=training," SMALLEST "f32"};
    const char *path = fnas_test_path(place, "translator.safetensors");
    fnas_safetensors *file;
    fnas_translation translation;
    json_decref(run(place, (fnas_bench_options){.dump = path, .seed = 5}, problems, 1));
    assert_int_equal(FNAS_OK, fnas_safetensors_read(place->context, path, (size_t)1 << 28, &file));
    fnas_translation_setup setup = {.arch = "smallest", .sentences = 3, .words = 4, .vocabulary = 50, .seed = 5};
    assert_int_equal(FNAS_OK, fnas_translation_create(place->context, &setup, &translation));
    assert_int_equal(FNAS_OK, fnas_translation_run(place->context, &translation));
    assert_true(*(const double *)fnas_safetensors_find(file, "loss")->data == translation.result.loss);
    const fnas_parameters *parameters = &translation.parameters;
    for (int64_t i = 0; i < parameters->item_count; i++) {
        char name[FNAS_DUMP_NAME_BYTES];
        snprintf(name, sizeof name, "gradient/%s", parameters->items[i].name);
        const fnas_safetensors_tensor *tensor = fnas_safetensors_find(file, name);
        assert_non_null(tensor);
        assert_memory_equal(tensor->data, translation.weight_gradient + parameters->items[i].offset,
                            (size_t)parameters->items[i].count * sizeof(float));
    }
    assert_true(fnas_safetensors_find(file, "logits")->shape[0] == 12 && fnas_safetensors_find(file, "logits")->shape[1] == 50);
    fnas_translation_free(&translation);
    fnas_safetensors_free(file);
}

static void test_refusals(void **state) {
    fnas_test_place *place = *state;
    fnas_bench_report *report;
    const char *const problems[] = {"conv", "pass"};
    fnas_bench_options options = {.problem_count = 2, .problems = problems, .quick = true, .dump = "/nowhere/x.safetensors"};
    assert_int_equal(FNAS_ERR_USAGE, fnas_bench_run(place->context, &options, &report));
    assert_null(report);
    options = (fnas_bench_options){.problem_count = 1, .problems = (const char *const[]){"subnet:resolution=130"}, .quick = true};
    assert_int_equal(FNAS_ERR_USAGE, fnas_bench_run(place->context, &options, &report));
    assert_message("resolution=130: possible are 128, 132, ... 224");
    options.problems = (const char *const[]){"translator:task=training,precision=bf16"};
    assert_int_equal(FNAS_ERR_USAGE, fnas_bench_run(place->context, &options, &report));
    assert_message("a training step is f32: leave out precision=bf16, or give task=decoding or task=steps");
    options.problem_count = 0;
    assert_int_equal(FNAS_ERR_USAGE, fnas_bench_run(place->context, &options, &report));
    fnas_context_request_stop(place->context);
    options = (fnas_bench_options){.problem_count = 1, .problems = (const char *const[]){"sum:images=1"}, .quick = true};
    assert_int_equal(FNAS_INTERRUPTED, fnas_bench_run(place->context, &options, &report));
}

static void test_list(void **state) {
    fnas_test_place *place = *state;
    fnas_bench_report *report;
    assert_int_equal(FNAS_OK, fnas_bench_list(place->context, &report));
    json_t *root = json_loads(fnas_bench_report_json(report), JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_array_size(json_object_get(root, "families")) >= 15);
    assert_non_null(strstr(fnas_bench_report_text(report), "padding=half|0..64"));
    json_decref(root);
    fnas_bench_report_free(report);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fnas_test_setup, fnas_test_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_operators),
                                       TEST(test_families_run),
                                       TEST(test_growth),
                                       TEST(test_nodes_are_sorted),
                                       TEST(test_parts_stand_first),
                                       TEST(test_runs_of_nodes_are_counted),
                                       TEST(test_dump),
                                       TEST(test_errors_are_seen),
                                       TEST(test_dead_cell),
                                       TEST(test_given_cells),
                                       TEST(test_repeated_cells),
                                       TEST(test_flops),
                                       TEST(test_subnet),
                                       TEST(test_translator),
                                       TEST(test_translator_dump),
                                       TEST(test_refusals),
                                       TEST(test_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
