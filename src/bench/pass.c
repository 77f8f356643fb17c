#include "bench/pass.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "bench/families.h"
#include "bench/measure.h"
#include "bench/operator.h"
#include "bench/subnet.h"
#include "space/nb201/nb201.h"

/* ---- setting up ---- */

static fnas_status pass_arrays(fnas_context *context, fnas_pass *pass) {
    const fnas_subject *subject = &pass->subject;
    bool weights = pass->setup.weights, gates = pass->setup.gates;
    pass->logits = fnas_allocate((size_t)(subject->images * subject->classes), sizeof(float));
    if (weights) pass->weight_gradient = fnas_allocate((size_t)subject->parameters.float_count, sizeof(float));
    if (gates) pass->gate_gradient = fnas_allocate((size_t)fnas_space_onehot_size(subject->space), sizeof(double));
    bool complete = pass->logits && (!weights || pass->weight_gradient) && (!gates || pass->gate_gradient);
    return complete ? FNAS_OK : fnas_fail_memory(context, "a pass");
}

static fnas_status pass_subject(fnas_context *context, const fnas_pass_setup *setup, fnas_subject *subject) {
    char spec[128];
    if (setup->cell)
        snprintf(spec, sizeof spec, "nb201:channels=%lld,cells=%lld,classes=10,input=3x32x32", (long long)setup->channels,
                 (long long)setup->cells);
    else
        snprintf(spec, sizeof spec, "mobilenetv3:width=%s,classes=1000", setup->width);
    return fnas_subject_create(context, spec, setup->images, setup->seed, subject);
}

static fnas_status pass_record(fnas_context *context, const fnas_pass_setup *setup, fnas_pass *pass) {
    if (setup->cell) {
        FNAS_TRY(fnas_subject_cell(context, pass->subject.space, setup->cell, pass->choices));
        return fnas_nb201_record_as(context, pass->subject.space, pass->choices, setup->all_edges, &pass->net);
    }
    FNAS_TRY(fnas_subnet_choose(context, setup->arch, setup->resolution, pass->choices));
    return fnas_space_record(context, pass->subject.space, pass->choices, &pass->net);
}

fnas_status fnas_pass_create(fnas_context *context, const fnas_pass_setup *setup, fnas_pass *pass) {
    *pass = (fnas_pass){.setup = *setup};
    FNAS_TRY(pass_subject(context, setup, &pass->subject));
    pass->choices = fnas_allocate((size_t)fnas_space_decision_count(pass->subject.space), sizeof *pass->choices);
    if (!pass->choices) return fnas_fail_memory(context, "a pass");
    FNAS_TRY(pass_record(context, setup, pass));
    FNAS_TRY(pass_arrays(context, pass));
    return fnas_worker_create(context, setup->type, &pass->worker);
}

void fnas_pass_free(fnas_pass *pass) {
    fnas_worker_destroy(&pass->worker);
    if (pass->net) fnas_net_destroy(pass->net);
    fnas_free(pass->choices);
    fnas_free(pass->weight_gradient);
    fnas_free(pass->gate_gradient);
    fnas_free(pass->logits);
    fnas_subject_free(&pass->subject);
}

/* ---- running ---- */

fnas_status fnas_pass_run(fnas_context *context, fnas_pass *pass) {
    fnas_path_request request = {.net = pass->net,
                                 .parameters = &pass->subject.parameters,
                                 .n = pass->subject.images,
                                 .images = pass->subject.image_values,
                                 .labels = pass->subject.labels,
                                 .scale = 1.0f,
                                 .weight_gradient = pass->weight_gradient,
                                 .gate_gradient = pass->gate_gradient,
                                 .logits = pass->logits,
                                 .profile = pass->profile};
    return fnas_path_run(context, &pass->worker, &request, &pass->result);
}

void fnas_pass_clear(fnas_pass *pass) {
    if (pass->weight_gradient) memset(pass->weight_gradient, 0, (size_t)pass->subject.parameters.float_count * sizeof(float));
    if (pass->gate_gradient) memset(pass->gate_gradient, 0, (size_t)fnas_space_onehot_size(pass->subject.space) * sizeof(double));
}

/* ---- the problem ---- */

static fnas_status run_again(fnas_context *context, void *pass) {
    return fnas_pass_run(context, pass);
}

static fnas_status pass_measure(fnas_bench *bench, fnas_pass *pass, fnas_row *row) {
    double images = (double)pass->subject.images;
    fnas_memory_begin();
    if (bench->options->dump) FNAS_TRY(fnas_pass_dump(bench->context, pass, bench->options->dump));
    FNAS_TRY(fnas_measure(bench, run_again, pass, row));
    row->flops = images * fnas_net_flops(pass->net, pass->setup.weights, pass->setup.gates);
    fnas_row_figure_add(row, "images_per_s", images / fnas_row_ms(row) * 1e3);
    fnas_row_figure_add(row, "activations_mb", (double)fnas_arena_used_bytes(pass->worker.activations) / 1e6);
    fnas_row_figure_add(row, "peak_memory_mb", fnas_memory_peak_mb());
    fnas_row_figure_add(row, "loss", pass->result.loss);
    return FNAS_OK;
}

fnas_pass_setup fnas_pass_setup_of(const fnas_bench *bench, const fnas_problem *problem) {
    fnas_pass_setup setup = {.images = fnas_problem_count(problem, "images"),
                             .weights = !fnas_problem_is(problem, "gradient", "gates"),
                             .gates = !fnas_problem_is(problem, "gradient", "weights"),
                             .type = fnas_problem_type(problem),
                             .seed = bench->options->seed};
    if (problem->family->keys == fnas_subnet_keys) {
        setup.arch = fnas_problem_word(problem, "arch");
        setup.resolution = fnas_problem_count(problem, "resolution");
        setup.width = fnas_problem_word(problem, "width");
    } else {
        setup.cell = fnas_problem_word(problem, "cell");
        setup.channels = fnas_problem_count(problem, "channels");
        setup.cells = fnas_problem_count(problem, "cells");
        setup.all_edges = fnas_problem_is(problem, "edges", "all");
    }
    return setup;
}

fnas_status fnas_pass_run_problem(fnas_bench *bench, const fnas_problem *problem) {
    fnas_pass pass = {0};
    fnas_row row;
    fnas_pass_setup setup = fnas_pass_setup_of(bench, problem);
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    row.precision = fnas_compute_type_name(setup.type);
    fnas_status status = fnas_pass_check(bench->context, &setup, &row.error);
    if (status == FNAS_OK) status = fnas_pass_create(bench->context, &setup, &pass);
    if (status == FNAS_OK) status = pass_measure(bench, &pass, &row);
    fnas_pass_free(&pass);
    return fnas_bench_end(bench, status, &row);
}

fnas_status fnas_pass_check_problem(fnas_context *context, const fnas_problem *problem) {
    fnas_space *space;
    FNAS_TRY(fnas_problem_check_type(context, problem));
    FNAS_TRY(fnas_space_open(context, "nb201", &space));
    int32_t *choices = fnas_allocate((size_t)fnas_space_decision_count(space), sizeof *choices);
    fnas_status status = choices ? fnas_subject_cell(context, space, fnas_problem_word(problem, "cell"), choices)
                                 : fnas_fail_memory(context, "the cell of a pass");
    fnas_free(choices);
    fnas_space_close(space);
    return status;
}

const fnas_problem_key fnas_pass_keys[] = {
    {"cell", FNAS_KEY_TEXT, "mixed", 0, 0, FNAS_SUBJECT_CELLS, "one cell everywhere: a mixture, all of one operation, or a native string"},
    {"images", FNAS_KEY_COUNT, "256", 1, 65536, NULL, "in the batch"},
    {"gradient", FNAS_KEY_CHOICE, "weights", 0, 0, "weights|gates|both", "weights: trains the supernet; gates: trains the hypernetwork"},
    FNAS_PRECISIONS_KEY,
    {"channels", FNAS_KEY_COUNT, "16", 1, 256, NULL, "of the first stage"},
    {"cells", FNAS_KEY_COUNT, "5", 1, 32, NULL, "a stage"},
    {"edges", FNAS_KEY_CHOICE, "needed", 0, 0, "needed|all", "all: those that cannot matter are computed as well"},
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_pass = {
    .name = "pass",
    .summary = "one path of NAS-Bench-201's supernet on images of 3 x 32 x 32, forward and backward, on one thread",
    .keys = fnas_pass_keys,
    .check = fnas_pass_check_problem,
    .run = fnas_pass_run_problem,
};

const fnas_problem_family fnas_problem_subnet = {
    .name = "subnet",
    .summary = "a sub-network of MobileNetV3's supernet, forward and backward, on one thread",
    .keys = fnas_subnet_keys,
    .check = fnas_subnet_check_problem,
    .run = fnas_pass_run_problem,
};
