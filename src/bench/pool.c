/* Pooling: over windows, and over whole maps. */
#include "bench/families.h"
#include "bench/operator.h"

static fnas_operator_case pool_case(const fnas_problem *problem) {
    int64_t size = fnas_problem_count(problem, "size");
    return (fnas_operator_case){.kind = fnas_problem_is(problem, "direction", "forward") ? FNAS_OPERATOR_POOL_FORWARD
                                                                                         : FNAS_OPERATOR_POOL_BACKWARD,
                                .accumulate = fnas_problem_is(problem, "add", "yes"),
                                .pool = {.n = fnas_problem_count(problem, "images"),
                                         .channels = fnas_problem_count(problem, "channels"),
                                         .in_h = size,
                                         .in_w = size,
                                         .kernel = fnas_problem_count(problem, "kernel"),
                                         .stride = fnas_problem_count(problem, "stride"),
                                         .padding = fnas_problem_padding(problem)}};
}

static fnas_status pool_check(fnas_context *context, const fnas_problem *problem) {
    FNAS_TRY(fnas_problem_check_type(context, problem));
    fnas_operator_case which = pool_case(problem);
    const fnas_pool_shape *s = &which.pool;
    if (s->padding >= s->kernel)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "problem pool: padding=%lld must be less than kernel=%lld: a window of nothing has no mean", (long long)s->padding,
                         (long long)s->kernel);
    bool fits = s->in_h + 2 * s->padding >= s->kernel && (fnas_pool_out_h(s) - 1) * s->stride - s->padding < s->in_h;
    if (fits) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "problem pool: windows of kernel=%lld, stride=%lld, padding=%lld do not all lie in size=%lld: use a smaller kernel",
                     (long long)s->kernel, (long long)s->stride, (long long)s->padding, (long long)s->in_h);
}

static fnas_status pool_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_operator_case which = pool_case(problem);
    return fnas_bench_operator(bench, problem, &which);
}

static const fnas_problem_key pool_keys[] = {
    {"images", FNAS_KEY_COUNT, "256", 1, 4096, NULL, "in the batch"},
    {"channels", FNAS_KEY_COUNT, "16", 1, 4096, NULL, "of the maps"},
    {"size", FNAS_KEY_COUNT, "32", 1, 1024, NULL, "height and width of the source"},
    {"kernel", FNAS_KEY_COUNT, "3", 1, 63, NULL, "height and width"},
    {"stride", FNAS_KEY_COUNT, "1", 1, 64, NULL, "both ways"},
    FNAS_PADDING_KEY,
    {"direction", FNAS_KEY_CHOICE, "forward", 0, 0, "forward|backward", "forward, or the gradient of the source"},
    FNAS_ADD_KEY,
    FNAS_PRECISIONS_KEY,
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_pool = {
    .name = "pool", .summary = "average pooling; padding does not count", .keys = pool_keys, .check = pool_check, .run = pool_run};

/* ---- whole maps ---- */

static fnas_status global_run(fnas_bench *bench, const fnas_problem *problem) {
    int64_t size = fnas_problem_count(problem, "size");
    bool backward = fnas_problem_is(problem, "direction", "backward");
    fnas_operator_case which = {.kind = backward ? FNAS_OPERATOR_GLOBAL_POOL_BACKWARD : FNAS_OPERATOR_GLOBAL_POOL_FORWARD,
                                .accumulate = backward && fnas_problem_is(problem, "add", "yes"),
                                .plane = {fnas_problem_count(problem, "images"), fnas_problem_count(problem, "channels"), size, size}};
    return fnas_bench_operator(bench, problem, &which);
}

static fnas_status global_check(fnas_context *context, const fnas_problem *problem) {
    FNAS_TRY(fnas_problem_check_type(context, problem));
    if (fnas_problem_is(problem, "direction", "backward") || fnas_problem_is(problem, "add", "no")) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "problem global-pool: add=yes is for direction=backward");
}

static const fnas_problem_key global_keys[] = {
    {"images", FNAS_KEY_COUNT, "256", 1, 4096, NULL, "in the batch"},
    {"channels", FNAS_KEY_COUNT, "64", 1, 4096, NULL, "of the maps"},
    {"size", FNAS_KEY_COUNT, "8", 1, 1024, NULL, "height and width of the source"},
    {"direction", FNAS_KEY_CHOICE, "forward", 0, 0, "forward|backward", "forward, or the gradient of the source"},
    FNAS_ADD_KEY,
    FNAS_PRECISIONS_KEY,
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_global_pool = {
    .name = "global-pool", .summary = "the mean of each map", .keys = global_keys, .check = global_check, .run = global_run};
