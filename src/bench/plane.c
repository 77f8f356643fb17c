/* Operators that go once over maps: normalisation, ReLU, sums, gates. */
#include <string.h>

#include "bench/families.h"
#include "bench/operator.h"

static fnas_shape plane_of(const fnas_problem *problem) {
    int64_t size = fnas_problem_count(problem, "size");
    return (fnas_shape){fnas_problem_count(problem, "images"), fnas_problem_count(problem, "channels"), size, size};
}

#define PLANE_KEYS                                                                                                                         \
    {"images", FNAS_KEY_COUNT, "256", 1, 4096, NULL, "in the batch"}, {"channels", FNAS_KEY_COUNT, "16", 1, 4096, NULL, "of the maps"}, {  \
        "size", FNAS_KEY_COUNT, "32", 1, 1024, NULL, "height and width"                                                                    \
    }

/* ---- normalisation ---- */

static fnas_status norm_run(fnas_bench *bench, const fnas_problem *problem) {
    bool forward = fnas_problem_is(problem, "direction", "forward"), backward = fnas_problem_is(problem, "direction", "backward");
    fnas_operator_case which = {.kind = forward    ? FNAS_OPERATOR_NORM_FORWARD
                                        : backward ? FNAS_OPERATOR_NORM_BACKWARD
                                                   : FNAS_OPERATOR_NORM_STATISTICS,
                                .accumulate = fnas_problem_is(problem, "add", "yes"),
                                .bias = fnas_problem_is(problem, "affine", "yes"),
                                .plane = plane_of(problem)};
    return fnas_bench_operator(bench, problem, &which);
}

static fnas_status norm_check(fnas_context *context, const fnas_problem *problem) {
    FNAS_TRY(fnas_problem_check_type(context, problem));
    if (fnas_problem_is(problem, "add", "yes") && !fnas_problem_is(problem, "direction", "forward"))
        return fnas_fail(context, FNAS_ERR_INPUT, "problem norm: add=yes is for direction=forward");
    if (fnas_problem_is(problem, "affine", "yes") && fnas_problem_is(problem, "direction", "statistics"))
        return fnas_fail(context, FNAS_ERR_INPUT, "problem norm: affine=yes is for direction=forward and backward");
    return FNAS_OK;
}

static const fnas_problem_key norm_keys[] = {
    PLANE_KEYS,
    {"direction", FNAS_KEY_CHOICE, "forward", 0, 0, "statistics|forward|backward", "statistics of the batch, their use, the gradients"},
    {"affine", FNAS_KEY_CHOICE, "no", 0, 0, "no|yes", "whether there are a scale and a shift"},
    FNAS_ADD_KEY,
    FNAS_PRECISIONS_KEY,
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_norm = {
    .name = "norm", .summary = "batch normalisation", .keys = norm_keys, .check = norm_check, .run = norm_run};

/* ---- with a direction ---- */

static const fnas_problem_key directed_keys[] = {
    PLANE_KEYS,    {"direction", FNAS_KEY_CHOICE, "forward", 0, 0, "forward|backward", "forward, or the gradients"},
    FNAS_ADD_KEY,  FNAS_PRECISIONS_KEY,
    FNAS_KEYS_END,
};

static fnas_status relu_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_operator_case which = {.kind = fnas_problem_is(problem, "direction", "forward") ? FNAS_OPERATOR_RELU_FORWARD
                                                                                         : FNAS_OPERATOR_RELU_BACKWARD,
                                .accumulate = fnas_problem_is(problem, "add", "yes"),
                                .plane = plane_of(problem)};
    return fnas_bench_operator(bench, problem, &which);
}

static fnas_status relu_check(fnas_context *context, const fnas_problem *problem) {
    FNAS_TRY(fnas_problem_check_type(context, problem));
    if (fnas_problem_is(problem, "direction", "backward") || fnas_problem_is(problem, "add", "no")) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "problem relu: add=yes is for direction=backward");
}

const fnas_problem_family fnas_problem_relu = {
    .name = "relu", .summary = "the larger of the input and zero", .keys = directed_keys, .check = relu_check, .run = relu_run};

static fnas_status gate_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_operator_case which = {.kind = fnas_problem_is(problem, "direction", "forward") ? FNAS_OPERATOR_GATE_FORWARD
                                                                                         : FNAS_OPERATOR_GATE_BACKWARD,
                                .accumulate = fnas_problem_is(problem, "add", "yes"),
                                .plane = plane_of(problem)};
    return fnas_bench_operator(bench, problem, &which);
}

const fnas_problem_family fnas_problem_gate = {.name = "gate", .summary = "a map times a scalar", .keys = directed_keys, .run = gate_run};

/* ---- without ---- */

static fnas_status add_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_operator_case which = {
        .kind = FNAS_OPERATOR_ADD, .accumulate = fnas_problem_is(problem, "add", "yes"), .plane = plane_of(problem)};
    return fnas_bench_operator(bench, problem, &which);
}

static const fnas_problem_key add_keys[] = {
    PLANE_KEYS,
    {"add", FNAS_KEY_CHOICE, "yes", 0, 0, "no|yes", "no: a copy"},
    FNAS_PRECISIONS_KEY,
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_add = {.name = "add", .summary = "one map added to another", .keys = add_keys, .run = add_run};

static fnas_status reduce_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_operator_case which = {.kind = strcmp(problem->family->name, "dot") == 0 ? FNAS_OPERATOR_DOT : FNAS_OPERATOR_SUM,
                                .plane = plane_of(problem)};
    return fnas_bench_operator(bench, problem, &which);
}

static const fnas_problem_key reduce_keys[] = {PLANE_KEYS, FNAS_PRECISIONS_KEY, FNAS_KEYS_END};

const fnas_problem_family fnas_problem_dot = {
    .name = "dot", .summary = "the sum of the products of two maps", .keys = reduce_keys, .run = reduce_run};
const fnas_problem_family fnas_problem_sum = {.name = "sum", .summary = "the sum of a map", .keys = reduce_keys, .run = reduce_run};
