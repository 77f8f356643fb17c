/* Linear layers and the loss. */
#include "bench/families.h"
#include "bench/operator.h"

static fnas_status linear_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_operator_case which = {
        .kind = fnas_problem_is(problem, "direction", "forward") ? FNAS_OPERATOR_LINEAR_FORWARD : FNAS_OPERATOR_LINEAR_BACKWARD,
        .bias = fnas_problem_is(problem, "bias", "yes"),
        .matrix = {fnas_problem_count(problem, "images"), fnas_problem_count(problem, "in"), fnas_problem_count(problem, "out")}};
    return fnas_bench_operator(bench, problem, &which);
}

static const fnas_problem_key linear_keys[] = {
    {"images", FNAS_KEY_COUNT, "256", 1, 65536, NULL, "rows of the source"},
    {"in", FNAS_KEY_COUNT, "64", 1, 16384, NULL, "columns of the source"},
    {"out", FNAS_KEY_COUNT, "10", 1, 65536, NULL, "columns of the result"},
    {"direction", FNAS_KEY_CHOICE, "forward", 0, 0, "forward|backward", "forward, or the gradients of source, weights and bias"},
    {"bias", FNAS_KEY_CHOICE, "yes", 0, 0, "no|yes", "whether there is one"},
    FNAS_PRECISION_KEY,
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_linear = {.name = "linear", .summary = "a linear layer", .keys = linear_keys, .run = linear_run};

static fnas_status loss_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_operator_case which = {.kind = FNAS_OPERATOR_CROSS_ENTROPY,
                                .bias = fnas_problem_is(problem, "smoothing", "yes"),
                                .matrix = {fnas_problem_count(problem, "images"), 1, fnas_problem_count(problem, "classes")}};
    return fnas_bench_operator(bench, problem, &which);
}

static const fnas_problem_key loss_keys[] = {
    {"images", FNAS_KEY_COUNT, "256", 1, 65536, NULL, "in the batch"},
    {"classes", FNAS_KEY_COUNT, "10", 1, 65536, NULL, "of the logits"},
    {"smoothing", FNAS_KEY_CHOICE, "no", 0, 0, "no|yes", "whether labels are smoothed"},
    FNAS_PRECISION_KEY,
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_cross_entropy = {
    .name = "cross-entropy", .summary = "the loss and its gradient", .keys = loss_keys, .run = loss_run};
