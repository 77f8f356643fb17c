/* Networks as files: what is written is what was scored, in the network's own size. */
#include "search/support_query.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/resize.h"
#include "export/safetensors.h"
#include "graph/graph.h"
#include "search/score/score.h"
#include "space/mobilenetv3/mobilenetv3.h"

enum { IMAGES = 60, DATA_SIDE = 12, OWN = 16, CLASSES = 4 };

/* The smallest image, short stages, kernels and expansions of all sizes. */
static const char ARCH[] = "{\"wid\":null,\"ks\":[3,5,3,3,7,3,5,3,3,7,3,3,5,3,3,3,7,5,3,3],\"e\":[3,6,3,3,4,3,6,3,3,4,3,3,6,3,3,3,4,3,3,3],"
                           "\"d\":[2,3,2,2,2],\"r\":16}";

typedef struct exporting {
    fnas_run *run;
    fnas_examples examples;
    fnas_net *net;
    float *memory;
    fnas_norm_state statistics;
    int32_t choices[FNAS_MBV3_DECISIONS];
} exporting;

static void exporting_open(fnas_test_place *place, exporting *e) {
    *e = (exporting){.run = test_run_in(place, TEST_PHASED_SPACE, TEST_PHASED_DATA, "error,latency_ms", 3)};
    test_check(place, fnas_run_open_data(place->context, e->run, NULL, &e->examples));
    test_check(place, fnas_space_parse(place->context, e->run->space, ARCH, e->choices));
    test_check(place, fnas_space_record(place->context, e->run->supernet, e->choices, &e->net));
    e->memory = fnas_allocate(2 * (size_t)e->net->norm_channels, sizeof *e->memory);
    e->statistics = (fnas_norm_state){e->memory, e->memory + e->net->norm_channels};
    test_check(place, fnas_score_statistics(place->context, e->run, &e->examples, e->net, &e->statistics));
}

static void exporting_close(exporting *e) {
    fnas_free(e->memory);
    fnas_net_destroy(e->net);
    fnas_examples_close(&e->examples);
    fnas_run_close(e->run);
}

/* Validation images in the data set's own size, resized by hand, in double precision. */
static void resized_images(fnas_test_place *place, const exporting *e, double *images, int32_t *labels) {
    const fnas_search_config *config = &e->run->config;
    int64_t count;
    fnas_split *split;
    float *plain = fnas_allocate((size_t)IMAGES * 3 * DATA_SIDE * DATA_SIDE, sizeof *plain),
          *own = fnas_allocate((size_t)IMAGES * 3 * OWN * OWN, sizeof *own);
    test_check(place, fnas_split_create(place->context, e->examples.images, config->seed, config->weight_fraction, config->search_fraction,
                                        &split));
    const int64_t *indices = fnas_split_part(split, FNAS_SPLIT_VALIDATION, &count);
    assert_true(count >= IMAGES);
    test_check(place, fnas_batch_fill(place->context, e->examples.images, NULL, IMAGES, indices, NULL, plain, labels));
    fnas_resize_aligned(3 * IMAGES, DATA_SIDE, DATA_SIDE, OWN, OWN, plain, own);
    for (int64_t i = 0; i < (int64_t)IMAGES * 3 * OWN * OWN; i++) images[i] = own[i];
    fnas_split_free(split);
    fnas_free(plain);
    fnas_free(own);
}

static int64_t count_wrong(const double *logits, const int32_t *labels) {
    int64_t wrong = 0;
    for (int64_t i = 0; i < IMAGES; i++) {
        int64_t best = 0;
        for (int64_t k = 1; k < CLASSES; k++)
            if (logits[i * CLASSES + k] > logits[i * CLASSES + best]) best = k;
        wrong += best != labels[i];
    }
    return wrong;
}

/* By the naive operators on images resized by hand the graph that is written errs as the score says: but for one image whose two best
 * classes are equal in single precision. */
static void test_the_file_errs_as_its_score(void **state) {
    fnas_test_place *place = *state;
    exporting e;
    exporting_open(place, &e);
    double *images = fnas_allocate((size_t)IMAGES * 3 * OWN * OWN, sizeof *images), logits[IMAGES * CLASSES];
    int32_t labels[IMAGES];
    fnas_graph *graph;
    fnas_score score;
    resized_images(place, &e, images, labels);
    test_check(place, fnas_graph_lower(place->context, e.net, &e.run->state.weights, &e.statistics, &graph));
    test_check(place, fnas_graph_run_reference(place->context, graph, IMAGES, images, logits));
    test_check(place, fnas_score_archs(place->context, e.run, &e.examples, FNAS_SCORE_VALIDATION, IMAGES, "score", 1, e.choices, &score));
    assert_int_equal(graph->nodes[0].shape.h, OWN);
    assert_true(fabs((double)count_wrong(logits, labels) - score.error_pct * IMAGES / 100) <= 1);
    double loss = 0;
    for (int64_t i = 0; i < IMAGES; i++) {
        double sum = 0;
        for (int64_t k = 0; k < CLASSES; k++) sum += exp(logits[i * CLASSES + k] - logits[i * CLASSES + labels[i]]);
        loss += log(sum) / IMAGES;
    }
    assert_float_equal(loss, score.cross_entropy, 1e-4 * loss);
    fnas_graph_destroy(graph);
    fnas_free(images);
    exporting_close(&e);
}

static const float *tensor(fnas_test_place *place, const fnas_safetensors *file, const char *name, int64_t rank, const int64_t *shape) {
    const void *data = NULL;
    test_check(place, fnas_safetensors_get(place->context, file, name, FNAS_SAFETENSORS_F32, rank, shape, &data));
    return data;
}

/* The first channels of the shared weights, by their names; units that the network has not are not there. */
static void test_safetensors(void **state) {
    fnas_test_place *place = *state;
    exporting e;
    exporting_open(place, &e);
    const char *path = fnas_test_path(place, "net.safetensors");
    const fnas_export_options options = {.arch = ARCH, .format = "safetensors"};
    test_check(place, fnas_run_export(place->context, e.run, &options, path));
    fnas_safetensors *file;
    test_check(place, fnas_safetensors_read(place->context, path, 1 << 24, &file));
    assert_string_equal(fnas_safetensors_metadata(file, "format"), "fleetnas-network/1");
    assert_string_equal(fnas_safetensors_metadata(file, "arch"), ARCH);
    assert_string_equal(fnas_safetensors_metadata(file, "space"), fnas_space_spec(e.run->supernet));
    const fnas_parameters *weights = &e.run->state.weights;
    const fnas_parameter *expand = &weights->items[fnas_parameters_find(weights, "stage1.unit0.expand")];
    int64_t in = expand->shape[1], middle = 4 * in, shape[4] = {middle, in, 1, 1}, taps[4] = {middle, 1, 7, 7};
    const float *slice = tensor(place, file, expand->name, 4, shape);
    assert_memory_equal(slice, weights->values + expand->offset, (size_t)(middle * in) * sizeof(float));
    (void)tensor(place, file, "stage1.unit0.depthwise", 4, taps);
    (void)tensor(place, file, "stage1.unit0.depthwise.gamma", 1, &middle);
    (void)tensor(place, file, "stage1.unit0.depthwise.variance", 1, &middle);
    const fnas_parameter *stem = &weights->items[fnas_parameters_find(weights, "stem.conv")];
    const float *mean = tensor(place, file, "stem.conv.mean", 1, stem->shape);
    assert_memory_equal(mean, e.statistics.mean, (size_t)stem->shape[0] * sizeof *mean);
    assert_non_null(fnas_safetensors_find(file, "stage1.unit2.project"));
    assert_null(fnas_safetensors_find(file, "stage1.unit3.project"));
    fnas_safetensors_free(file);
    exporting_close(&e);
}

static void refuse(fnas_test_place *place, const exporting *e, fnas_export_options options, fnas_status status, const char *message) {
    const char *path = fnas_test_path(place, "refused");
    assert_status(status, fnas_run_export(place->context, e->run, &options, path));
    assert_message(message);
    assert_false(fnas_file_exists(path));
}

static void test_ofa_and_wrong_options(void **state) {
    fnas_test_place *place = *state;
    exporting e;
    exporting_open(place, &e);
    const char *path = fnas_test_path(place, "arch.json");
    unsigned char *data;
    size_t size;
    test_check(place, fnas_run_export(place->context, e.run, &(fnas_export_options){.arch = ARCH, .format = "ofa"}, path));
    test_check(place, fnas_file_read(place->context, path, 4096, &data, &size));
    assert_int_equal(size, strlen(ARCH) + 1);
    assert_memory_equal(data, ARCH, strlen(ARCH));
    fnas_free(data);
    refuse(place, &e, (fnas_export_options){.arch = ARCH, .format = "onxx"}, FNAS_ERR_USAGE, "did you mean \"onnx\"?");
    refuse(place, &e, (fnas_export_options){.arch = "{}", .format = "onnx"}, FNAS_ERR_INPUT, "--arch");
    refuse(place, &e, (fnas_export_options){.arch = ARCH, .format = "ofa", .batch = 2}, FNAS_ERR_USAGE, "of an ONNX model");
    refuse(place, &e, (fnas_export_options){.format = "onnx"}, FNAS_ERR_USAGE, "are needed");
    refuse(place, &e, (fnas_export_options){.arch = ARCH, .format = "onnx", .data = TEST_DATA}, FNAS_ERR_INPUT, "--data gives");
    exporting_close(&e);
    fnas_run *cells = test_run(place, "error,latency_ms", 3);
    e.run = cells;
    refuse(place, &e, (fnas_export_options){.arch = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", .format = "ofa"}, FNAS_ERR_USAGE,
           "in the space nb201: unknown format \"ofa\": use one of onnx, safetensors");
    fnas_run_close(cells);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_the_file_errs_as_its_score), fnas_test(test_safetensors),
                                       fnas_test(test_ofa_and_wrong_options)};
    return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
