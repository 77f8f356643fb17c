#include "bench/pass.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "bench/families.h"
#include "bench/measure.h"

/* ---- setting up ---- */

static fnas_status pass_arrays(fnas_context *context, fnas_pass *pass) {
    const fnas_subject *subject = &pass->subject;
    pass->logits = fnas_allocate((size_t)(subject->images * subject->classes), sizeof(float));
    if (pass->weights) pass->weight_gradient = fnas_allocate((size_t)subject->parameters.float_count, sizeof(float));
    if (pass->gates) pass->gate_gradient = fnas_allocate((size_t)fnas_space_onehot_size(subject->space), sizeof(double));
    bool complete = pass->logits && (!pass->weights || pass->weight_gradient) && (!pass->gates || pass->gate_gradient);
    return complete ? FNAS_OK : fnas_fail_memory(context, "a pass");
}

static fnas_status pass_create(fnas_bench *bench, const fnas_problem *problem, fnas_pass *pass) {
    fnas_context *context = bench->context;
    *pass = (fnas_pass){.weights = !fnas_problem_is(problem, "gradient", "gates"),
                        .gates = !fnas_problem_is(problem, "gradient", "weights")};
    FNAS_TRY(fnas_subject_create(context, fnas_problem_count(problem, "channels"), fnas_problem_count(problem, "cells"),
                                 fnas_problem_count(problem, "images"), bench->options->seed, &pass->subject));
    pass->choices = fnas_allocate((size_t)fnas_space_decision_count(pass->subject.space), sizeof *pass->choices);
    if (!pass->choices) return fnas_fail_memory(context, "a pass");
    FNAS_TRY(fnas_subject_cell(context, pass->subject.space, fnas_problem_word(problem, "cell"), pass->choices));
    FNAS_TRY(fnas_space_record(context, pass->subject.space, pass->choices, &pass->net));
    FNAS_TRY(pass_arrays(context, pass));
    return fnas_worker_create(context, &pass->worker);
}

static void pass_free(fnas_pass *pass) {
    fnas_worker_destroy(&pass->worker);
    if (pass->net) fnas_net_destroy(pass->net);
    fnas_free(pass->choices);
    fnas_free(pass->weight_gradient);
    fnas_free(pass->gate_gradient);
    fnas_free(pass->logits);
    fnas_subject_free(&pass->subject);
}

/* ---- running ---- */

fnas_status fnas_pass_run(fnas_context *context, fnas_pass *pass, int64_t images) {
    fnas_path_request request = {.net = pass->net,
                                 .parameters = &pass->subject.parameters,
                                 .n = images,
                                 .images = pass->subject.image_values,
                                 .labels = pass->subject.labels,
                                 .scale = 1.0f,
                                 .weight_gradient = pass->weight_gradient,
                                 .gate_gradient = pass->gate_gradient,
                                 .logits = pass->logits};
    return fnas_path_run(context, &pass->worker, &request, &pass->result);
}

void fnas_pass_clear(fnas_pass *pass) {
    if (pass->weights) memset(pass->weight_gradient, 0, (size_t)pass->subject.parameters.float_count * sizeof(float));
    if (pass->gates) memset(pass->gate_gradient, 0, (size_t)fnas_space_onehot_size(pass->subject.space) * sizeof(double));
}

/* ---- checking ---- */

#define CHECK_IMAGES 2
/* Of the loss, relative; of gradients, relative to their largest, for each convolution that lies behind one another: sums of some hundred
 * products, and a norm that divides by a deviation below one (tests/nn/test_path.c). */
#define LOSS_BOUND 2e-5
#define GRADIENT_BOUND 1.5e-5

typedef struct pass_reference {
    double *parameters, *images, *weight_gradient, *gate_gradient;
    fnas_path_result result;
} pass_reference;

static void reference_free(pass_reference *reference) {
    fnas_free(reference->parameters);
    fnas_free(reference->images);
    fnas_free(reference->weight_gradient);
    fnas_free(reference->gate_gradient);
}

static bool reference_allocate(const fnas_pass *pass, int64_t images, pass_reference *reference) {
    const fnas_subject *subject = &pass->subject;
    int64_t floats = subject->parameters.float_count, pixels = images * subject->image_floats;
    reference->parameters = fnas_allocate((size_t)floats, sizeof(double));
    reference->images = fnas_allocate((size_t)pixels, sizeof(double));
    reference->weight_gradient = fnas_allocate((size_t)floats, sizeof(double));
    reference->gate_gradient = fnas_allocate((size_t)fnas_space_onehot_size(subject->space), sizeof(double));
    if (!reference->parameters || !reference->images || !reference->weight_gradient || !reference->gate_gradient) return false;
    for (int64_t i = 0; i < floats; i++) reference->parameters[i] = (double)subject->parameters.values[i];
    for (int64_t i = 0; i < pixels; i++) reference->images[i] = (double)subject->image_values[i];
    return true;
}

static fnas_status reference_run(fnas_context *context, const fnas_pass *pass, int64_t images, pass_reference *reference) {
    if (!reference_allocate(pass, images, reference)) return fnas_fail_memory(context, "the check of a pass");
    fnas_reference_request request = {.net = pass->net,
                                      .layout = &pass->subject.parameters,
                                      .parameters = reference->parameters,
                                      .images = reference->images,
                                      .labels = pass->subject.labels,
                                      .n = images,
                                      .weight_gradient = pass->weights ? reference->weight_gradient : NULL,
                                      .gate_gradient = pass->gates ? reference->gate_gradient : NULL};
    return fnas_path_run_reference(context, &request, &reference->result);
}

static int64_t conv_count(const fnas_net *net) {
    int64_t count = 0;
    for (int64_t i = 0; i < net->node_count; i++) count += net->nodes[i].kind == FNAS_NODE_CONV;
    return count;
}

static double largest_difference(int64_t count, const float *values32, const double *values64, const double *reference) {
    double difference = 0, size = 1e-12;
    for (int64_t i = 0; i < count; i++) {
        difference = fmax(difference, fabs((values32 ? (double)values32[i] : values64[i]) - reference[i]));
        size = fmax(size, fabs(reference[i]));
    }
    return difference / size;
}

static double pass_error(const fnas_pass *pass, const pass_reference *reference) {
    const fnas_subject *subject = &pass->subject;
    double bound = GRADIENT_BOUND * (double)(conv_count(pass->net) + 1), loss = reference->result.loss;
    double error = fabs(pass->result.loss - loss) / fabs(loss) / LOSS_BOUND;
    if (pass->weights)
        error = fmax(error,
                     largest_difference(subject->parameters.float_count, pass->weight_gradient, NULL, reference->weight_gradient) / bound);
    if (pass->gates)
        error = fmax(
            error, largest_difference(fnas_space_onehot_size(subject->space), NULL, pass->gate_gradient, reference->gate_gradient) / bound);
    return error;
}

fnas_status fnas_pass_check(fnas_context *context, fnas_pass *pass, double *error) {
    pass_reference reference = {0};
    int64_t images = pass->subject.images < CHECK_IMAGES ? pass->subject.images : CHECK_IMAGES;
    fnas_pass_clear(pass);
    fnas_status status = fnas_pass_run(context, pass, images);
    if (status == FNAS_OK) status = reference_run(context, pass, images, &reference);
    if (status == FNAS_OK) *error = pass_error(pass, &reference);
    reference_free(&reference);
    fnas_pass_clear(pass);
    if (status != FNAS_OK || *error <= 1) return status;
    return fnas_fail(context, FNAS_ERR_NUMERIC, "a pass differs from the naive operators by %.3g times what is allowed", *error);
}

/* ---- the problem ---- */

static fnas_status pass_run_all(fnas_context *context, void *user) {
    fnas_pass *pass = user;
    return fnas_pass_run(context, pass, pass->subject.images);
}

static fnas_status pass_measure(fnas_bench *bench, fnas_pass *pass, fnas_row *row) {
    int64_t images = pass->subject.images;
    FNAS_TRY(fnas_pass_check(bench->context, pass, &row->error));
    fnas_memory_forget_peak();
    if (bench->options->dump) FNAS_TRY(fnas_pass_dump(bench->context, pass, bench->options->dump));
    FNAS_TRY(fnas_measure(bench, pass_run_all, pass, row));
    row->flops = (double)images * fnas_net_flops(pass->net, pass->weights, pass->gates);
    fnas_row_figure_add(row, "images_per_s", (double)images / fnas_row_ms(row) * 1e3);
    fnas_row_figure_add(row, "activations_mb", (double)fnas_arena_used_bytes(pass->worker.arena) / 1e6);
    fnas_row_figure_add(row, "peak_memory_mb", fnas_memory_peak_mb());
    fnas_row_figure_add(row, "loss", pass->result.loss);
    return FNAS_OK;
}

static fnas_status pass_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_pass pass;
    fnas_row row;
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    fnas_status status = pass_create(bench, problem, &pass);
    if (status == FNAS_OK) status = pass_measure(bench, &pass, &row);
    pass_free(&pass);
    if (status == FNAS_OK) return fnas_bench_add(bench, &row);
    fnas_row_free(&row);
    return status;
}

static fnas_status pass_check_problem(fnas_context *context, const fnas_problem *problem) {
    fnas_space *space;
    int32_t choices[16];
    FNAS_TRY(fnas_space_open(context, "nb201", &space));
    fnas_status status = fnas_subject_cell(context, space, fnas_problem_word(problem, "cell"), choices);
    fnas_space_close(space);
    return status;
}

static const fnas_problem_key pass_keys[] = {
    {"cell", FNAS_KEY_TEXT, "mixed", 0, 0, FNAS_SUBJECT_CELLS, "one cell everywhere: a mixture, all of one operation, or a native string"},
    {"images", FNAS_KEY_COUNT, "256", 1, 65536, NULL, "in the batch"},
    {"gradient", FNAS_KEY_CHOICE, "weights", 0, 0, "weights|gates|both", "weights: trains the supernet; gates: trains the hypernetwork"},
    {"precision", FNAS_KEY_CHOICE, "f32", 0, 0, "f32", "of activations"},
    {"channels", FNAS_KEY_COUNT, "16", 1, 256, NULL, "of the first stage"},
    {"cells", FNAS_KEY_COUNT, "5", 1, 32, NULL, "a stage"},
    {NULL, FNAS_KEY_COUNT, NULL, 0, 0, NULL, NULL},
};

const fnas_problem_family fnas_problem_pass = {
    .name = "pass",
    .summary = "one path of NAS-Bench-201's supernet on images of 3 x 32 x 32, forward and backward, on one thread",
    .keys = pass_keys,
    .check = pass_check_problem,
    .run = pass_run,
};
