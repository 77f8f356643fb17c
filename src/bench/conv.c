/* Convolutions. */
#include "bench/families.h"
#include "bench/operator.h"

static fnas_operator_case conv_case(const fnas_problem *problem) {
    int64_t size = fnas_problem_count(problem, "size"), kernel = fnas_problem_count(problem, "kernel");
    bool data = fnas_problem_is(problem, "direction", "data"), weights = fnas_problem_is(problem, "direction", "weights");
    return (fnas_operator_case){.kind = data      ? FNAS_OPERATOR_CONV_BACKWARD_DATA
                                        : weights ? FNAS_OPERATOR_CONV_BACKWARD_WEIGHTS
                                                  : FNAS_OPERATOR_CONV_FORWARD,
                                .accumulate = data && fnas_problem_is(problem, "add", "yes"),
                                .bias = !data && fnas_problem_is(problem, "bias", "yes"),
                                .conv = {.n = fnas_problem_count(problem, "images"),
                                         .in_channels = fnas_problem_count(problem, "in"),
                                         .in_h = size,
                                         .in_w = size,
                                         .out_channels = fnas_problem_count(problem, "out"),
                                         .kernel_h = kernel,
                                         .kernel_w = kernel,
                                         .stride = fnas_problem_count(problem, "stride"),
                                         .padding = fnas_problem_padding(problem),
                                         .groups = fnas_problem_count(problem, "groups"),
                                         .image_source = fnas_problem_is(problem, "source", "image")}};
}

static fnas_status conv_check(fnas_context *context, const fnas_problem *problem) {
    fnas_operator_case which = conv_case(problem);
    const fnas_conv_shape *s = &which.conv;
    FNAS_TRY(fnas_problem_check_type(context, problem));
    if (s->in_channels % s->groups != 0 || s->out_channels % s->groups != 0)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "problem conv: in=%lld and out=%lld must be multiples of groups=%lld; depthwise is in=C,out=C,groups=C",
                         (long long)s->in_channels, (long long)s->out_channels, (long long)s->groups);
    if (s->in_h + 2 * s->padding < s->kernel_h)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "problem conv: kernel=%lld does not fit size=%lld with padding=%lld: use a kernel of at most %lld",
                         (long long)s->kernel_h, (long long)s->in_h, (long long)s->padding, (long long)(s->in_h + 2 * s->padding));
    if (s->image_source && which.kind == FNAS_OPERATOR_CONV_BACKWARD_DATA)
        return fnas_fail(context, FNAS_ERR_INPUT, "problem conv: nobody wants the gradient of an image: leave out source=image");
    if (which.kind == FNAS_OPERATOR_CONV_BACKWARD_DATA ? fnas_problem_is(problem, "bias", "yes") : fnas_problem_is(problem, "add", "yes"))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "problem conv: add=yes is for direction=data, bias=yes for the others (weights' gradients are always added)");
    return FNAS_OK;
}

static fnas_status conv_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_operator_case which = conv_case(problem);
    return fnas_bench_operator(bench, problem, &which);
}

static const fnas_problem_key conv_keys[] = {
    {"images", FNAS_KEY_COUNT, "256", 1, 4096, NULL, "in the batch"},
    {"in", FNAS_KEY_COUNT, "16", 1, 4096, NULL, "channels"},
    {"out", FNAS_KEY_COUNT, "16", 1, 4096, NULL, "channels"},
    {"size", FNAS_KEY_COUNT, "32", 1, 1024, NULL, "height and width of the source"},
    {"kernel", FNAS_KEY_COUNT, "3", 1, 63, NULL, "height and width"},
    {"stride", FNAS_KEY_COUNT, "1", 1, 64, NULL, "both ways"},
    FNAS_PADDING_KEY,
    {"groups", FNAS_KEY_COUNT, "1", 1, 4096, NULL, "in=out=groups: depthwise"},
    {"direction", FNAS_KEY_CHOICE, "forward", 0, 0, "forward|data|weights", "forward, or the gradient of the source or of the weights"},
    {"bias", FNAS_KEY_CHOICE, "no", 0, 0, "no|yes", "whether there is one"},
    FNAS_ADD_KEY,
    {"source", FNAS_KEY_CHOICE, "activation", 0, 0, "activation|image", "in the engine's layout, or plain as images come"},
    FNAS_PRECISIONS_KEY,
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_conv = {
    .name = "conv", .summary = "a convolution", .keys = conv_keys, .check = conv_check, .run = conv_run};
