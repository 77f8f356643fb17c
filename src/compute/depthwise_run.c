/* Depthwise convolutions of whole batches: block of channels by block of channels, image by image. A plane's source comes from memory once
 * and its result goes there once, whatever is done in between. */
#include <string.h>

#include "compute/depthwise.h"
#include "compute/norm_parts.h"

typedef struct depthwise_run {
    fnas_engine *engine;
    fnas_depthwise_geometry g;
    fnas_source_state state;
    const fnas_norm_given *source_norm; /* NULL: none */
    fnas_norm_lanes source_lanes;       /* of the block that is at work */
    int64_t blocks;
    size_t in_elements, out_elements; /* of a plane in memory */
    float *src, *gradient;            /* planes with zeros beside their rows */
    float *row, *before, *packed;     /* rows: the longer of source and result */
    void *stored;                     /* a row of the result, of the engine's type */
    double *sums;
} depthwise_run;

/* ---- memory ---- */

static size_t larger_of(size_t a, size_t b) {
    return a > b ? a : b;
}

static void *cut(char **memory, size_t bytes) {
    char *piece = *memory;
    *memory += fnas_align_bytes(bytes);
    return piece;
}

static fnas_status run_begin(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, fnas_source_state state,
                             depthwise_run *run) {
    int64_t block = engine->block;
    depthwise_run r = {.engine = engine, .g = fnas_depthwise_geometry_of(block, shape), .state = state};
    r.blocks = fnas_norm_blocks(engine, shape->in_channels);
    r.in_elements = (size_t)(shape->in_h * shape->in_w * block);
    r.out_elements = (size_t)(r.g.out_h * r.g.out_w * block);
    size_t src = fnas_depthwise_src_floats(&r.g) * sizeof(float), gradient = fnas_depthwise_gradient_floats(&r.g) * sizeof(float);
    size_t row = larger_of((size_t)shape->in_w, (size_t)r.g.out_w) * (size_t)block * sizeof(float);
    size_t taps = (size_t)(shape->kernel_h * shape->kernel_w * block),
           stored = (size_t)(r.g.out_w * block) * engine->kernels->element_bytes;
    void *memory;
    FNAS_TRY(fnas_engine_scratch(context, engine,
                                 fnas_align_bytes(src) + fnas_align_bytes(gradient) + 2 * fnas_align_bytes(row) + fnas_align_bytes(stored) +
                                     fnas_align_bytes(taps * sizeof(float)) + fnas_align_bytes(taps * sizeof(double)),
                                 &memory));
    char *rest = memory;
    r.src = cut(&rest, src);
    r.gradient = cut(&rest, gradient);
    r.row = cut(&rest, row);
    r.before = cut(&rest, row);
    r.stored = cut(&rest, stored);
    r.packed = cut(&rest, taps * sizeof(float));
    r.sums = cut(&rest, taps * sizeof(double));
    memset(r.src, 0, src);
    memset(r.gradient, 0, gradient);
    *run = r;
    return FNAS_OK;
}

/* Offset in bytes of the plane of one image and block. */
static size_t plane_at(const depthwise_run *run, size_t elements, int64_t image, int64_t b) {
    return (size_t)(image * run->blocks + b) * elements * run->engine->kernels->element_bytes;
}

static size_t row_bytes(const depthwise_run *run, int64_t columns) {
    return (size_t)(columns * run->g.block) * run->engine->kernels->element_bytes;
}

/* ---- between memory and planes ---- */

static bool is_f32(const depthwise_run *run) {
    return run->engine->kernels == &fnas_kernels_f32;
}

/* A row as its activation reads it. */
static void load_before(const depthwise_run *run, const char *memory, float *row) {
    size_t count = (size_t)(run->g.shape.in_w * run->g.block);
    bool direct = is_f32(run) && run->source_norm;
    if (!direct) run->engine->kernels->to_floats(count, memory, row);
    if (!run->source_norm) return;
    const fnas_norm_lanes *lanes = &run->source_lanes;
    const fnas_affine_term term = {direct ? (const void *)memory : row, lanes->mean, lanes->scale, lanes->shift};
    fnas_kernels_f32.affine(count, 1, &term, false, run->state == FNAS_SOURCE_TO_RECTIFY, row);
}

static void load_src(const depthwise_run *run, const char *plane) {
    size_t count = (size_t)(run->g.shape.in_w * run->g.block), bytes = row_bytes(run, run->g.shape.in_w);
    for (int64_t h = 0; h < run->g.shape.in_h; h++) {
        float *row = fnas_depthwise_src_row(&run->g, run->src, h);
        load_before(run, plane + (size_t)h * bytes, row);
        if (run->state == FNAS_SOURCE_TO_RECTIFY && !run->source_norm) fnas_kernels_f32.relu(count, row, row);
        if (run->state == FNAS_SOURCE_TO_HARD_SWISH) fnas_kernels_f32.hard_swish(count, row, row);
    }
}

static void load_gradient(const depthwise_run *run, const char *plane) {
    size_t count = (size_t)(run->g.out_w * run->g.block), bytes = row_bytes(run, run->g.out_w);
    for (int64_t h = 0; h < run->g.out_h; h++)
        run->engine->kernels->to_floats(count, plane + (size_t)h * bytes, fnas_depthwise_gradient_row(&run->g, run->gradient, h));
}

/* Through the activation, in place. src: the row h of the source in memory; a ReLU's is in the plane that is loaded. */
static void pass_activation(const depthwise_run *run, int64_t h, const char *src, float *row) {
    size_t count = (size_t)(run->g.shape.in_w * run->g.block);
    if (run->state == FNAS_SOURCE_PLAIN) return;
    if (run->state == FNAS_SOURCE_TO_HARD_SWISH) {
        load_before(run, src, run->before);
        fnas_kernels_f32.hard_swish_gradient(count, run->before, row, false, row);
    } else {
        fnas_kernels_f32.relu_gradient(count, fnas_depthwise_src_row(&run->g, run->src, h), row, false, row);
    }
}

/* ---- planes ---- */

static void run_forward(const depthwise_run *run, const char *src, const float *bias_lanes, char *dst) {
    const fnas_kernels *kernels = run->engine->kernels;
    size_t count = (size_t)(run->g.out_w * run->g.block), bytes = row_bytes(run, run->g.out_w);
    bool direct = is_f32(run);
    load_src(run, src);
    for (int64_t h = 0; h < run->g.out_h; h++) {
        char *to = dst + (size_t)h * bytes;
        float *row = direct ? (float *)to : run->row;
        fnas_depthwise_result_row(&run->g, run->src, run->packed, h, row);
        if (bias_lanes) fnas_kernels_f32.add_lanes(count, bias_lanes, true, row);
        if (!direct) kernels->from_floats(count, row, to);
    }
}

/* src: in memory; of a ReLU it is loaded, too. */
static void run_data(const depthwise_run *run, const char *src, bool accumulate, char *diff_src) {
    const fnas_kernels *kernels = run->engine->kernels;
    size_t count = (size_t)(run->g.shape.in_w * run->g.block), bytes = row_bytes(run, run->g.shape.in_w);
    bool direct = is_f32(run) && !accumulate;
    for (int64_t h = 0; h < run->g.shape.in_h; h++) {
        char *to = diff_src + (size_t)h * bytes;
        float *row = direct ? (float *)to : run->row;
        fnas_depthwise_data_row(&run->g, run->gradient, run->packed, h, row);
        pass_activation(run, h, src + (size_t)h * bytes, row);
        if (!direct) kernels->row_stored(count, row, accumulate, to);
    }
}

static void clear_sums(const depthwise_run *run) {
    memset(run->sums, 0, (size_t)(run->g.shape.kernel_h * run->g.shape.kernel_w * run->g.block) * sizeof *run->sums);
}

/* ---- convolutions alone ---- */

static void bias_of_block(const depthwise_run *run, int64_t b, const float *bias, float *lanes) {
    for (int64_t l = 0; l < FNAS_LANES; l++) {
        int64_t c = b * run->g.block + l % run->g.block;
        lanes[l] = c < run->g.shape.out_channels ? bias[c] : 0.0f;
    }
}

fnas_status fnas_depthwise_forward(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, const void *src,
                                   const float *weights, const float *bias, void *dst) {
    depthwise_run run;
    float lanes[FNAS_LANES];
    FNAS_TRY(run_begin(context, engine, shape, FNAS_SOURCE_PLAIN, &run));
    for (int64_t b = 0; b < run.blocks; b++) {
        fnas_depthwise_pack(&run.g, b, weights, run.packed);
        if (bias) bias_of_block(&run, b, bias, lanes);
        for (int64_t n = 0; n < shape->n; n++)
            run_forward(&run, (const char *)src + plane_at(&run, run.in_elements, n, b), bias ? lanes : NULL,
                        (char *)dst + plane_at(&run, run.out_elements, n, b));
    }
    return FNAS_OK;
}

fnas_status fnas_depthwise_backward_data(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, const void *diff_dst,
                                         const float *weights, bool accumulate, void *diff_src) {
    depthwise_run run;
    FNAS_TRY(run_begin(context, engine, shape, FNAS_SOURCE_PLAIN, &run));
    for (int64_t b = 0; b < run.blocks; b++) {
        fnas_depthwise_pack(&run.g, b, weights, run.packed);
        for (int64_t n = 0; n < shape->n; n++) {
            load_gradient(&run, (const char *)diff_dst + plane_at(&run, run.out_elements, n, b));
            size_t at = plane_at(&run, run.in_elements, n, b);
            run_data(&run, (const char *)diff_src + at, accumulate, (char *)diff_src + at); /* no activation: of no source */
        }
    }
    return FNAS_OK;
}

static void add_bias_gradient(const depthwise_run *run, int64_t b, const double *lanes, float *diff_bias) {
    int64_t block = run->g.block;
    for (int64_t l = 0; l < block && b * block + l < run->g.shape.out_channels; l++) {
        double total = 0;
        for (int64_t lane = l; lane < FNAS_LANES; lane += block) total += lanes[lane];
        diff_bias[b * block + l] += (float)total;
    }
}

fnas_status fnas_depthwise_backward_weights(fnas_context *context, fnas_engine *engine, const fnas_conv_shape *shape, const void *src,
                                            const void *diff_dst, float *diff_weights, float *diff_bias) {
    depthwise_run run;
    FNAS_TRY(run_begin(context, engine, shape, FNAS_SOURCE_PLAIN, &run));
    for (int64_t b = 0; b < run.blocks; b++) {
        double bias_lanes[FNAS_LANES] = {0};
        clear_sums(&run);
        for (int64_t n = 0; n < shape->n; n++) {
            const char *gradient = (const char *)diff_dst + plane_at(&run, run.out_elements, n, b);
            load_src(&run, (const char *)src + plane_at(&run, run.in_elements, n, b));
            load_gradient(&run, gradient);
            fnas_depthwise_add_products(&run.g, run.src, run.gradient, run.sums);
            if (diff_bias) engine->kernels->sum(run.out_elements, gradient, bias_lanes);
        }
        fnas_depthwise_add_sums(&run.g, b, run.sums, diff_weights);
        if (diff_bias) add_bias_gradient(&run, b, bias_lanes, diff_bias);
    }
    return FNAS_OK;
}

/* ---- with activation and norm ---- */

static void begin_block(depthwise_run *run, const fnas_conv_norm *op, int64_t b) {
    run->source_norm = op->source_normed ? &op->source_norm : NULL;
    if (run->source_norm) fnas_norm_lanes_of(run->engine, op->conv.in_channels, b, run->source_norm, &run->source_lanes);
}

fnas_status fnas_depthwise_norm_forward(fnas_context *context, fnas_engine *engine, const fnas_conv_norm *op, bool statistics) {
    depthwise_run run;
    FNAS_TRY(run_begin(context, engine, &op->conv, op->state, &run));
    const fnas_shape shape = {op->conv.n, op->conv.out_channels, run.g.out_h, run.g.out_w};
    for (int64_t b = 0; b < run.blocks; b++) {
        fnas_norm_moments moments;
        begin_block(&run, op, b);
        fnas_depthwise_pack(&run.g, b, op->weights, run.packed);
        for (int64_t n = 0; n < shape.n; n++) {
            run_forward(&run, (const char *)op->src + plane_at(&run, run.in_elements, n, b), NULL,
                        (char *)op->z + plane_at(&run, run.out_elements, n, b));
            if (statistics) fnas_norm_add_plane_moments(engine, shape, b, n, op->z, &moments);
        }
        if (statistics) fnas_norm_finish_block(engine, shape, b, &moments, op->mean, op->variance);
    }
    return FNAS_OK;
}

/* What the norm passes back to a plane of the convolution's result. */
static void propagate_plane(const depthwise_run *run, const fnas_conv_norm *op, int64_t n, int64_t b, const fnas_norm_slopes *slopes,
                            const void *diff_dst) {
    const fnas_kernels *kernels = run->engine->kernels;
    size_t plane = plane_at(run, run->out_elements, n, b), bytes = row_bytes(run, run->g.out_w),
           count = (size_t)(run->g.out_w * run->g.block);
    for (int64_t h = 0; h < run->g.out_h; h++) {
        float *row = fnas_depthwise_gradient_row(&run->g, run->gradient, h);
        void *propagated = is_f32(run) ? (void *)row : run->stored;
        size_t at = plane + (size_t)h * bytes;
        kernels->propagate(count, (const char *)op->z + at, (const char *)diff_dst + at, slopes->mean, slopes->offset, slopes->slope,
                           slopes->scale, propagated);
        if (!is_f32(run)) kernels->to_floats(count, propagated, row);
    }
}

fnas_status fnas_depthwise_norm_backward(fnas_context *context, fnas_engine *engine, const fnas_conv_norm *op, const void *diff_dst,
                                         fnas_conv_norm_gradients *wanted) {
    depthwise_run run;
    FNAS_TRY(run_begin(context, engine, &op->conv, op->state, &run));
    const fnas_shape shape = {op->conv.n, op->conv.out_channels, run.g.out_h, run.g.out_w};
    const fnas_norm_given given = {op->epsilon, op->mean, op->variance, op->gamma, op->beta};
    fnas_norm_sums sums = {.diff_gamma = wanted->gamma, .diff_beta = wanted->beta};
    for (int64_t b = 0; b < run.blocks; b++) {
        fnas_norm_slopes slopes;
        fnas_norm_reduce_block(engine, shape, b, &given, op->z, diff_dst, &slopes, &sums);
        begin_block(&run, op, b);
        clear_sums(&run);
        if (wanted->src) fnas_depthwise_pack(&run.g, b, op->weights, run.packed);
        for (int64_t n = 0; n < shape.n && (wanted->weights || wanted->src); n++) {
            size_t at = plane_at(&run, run.in_elements, n, b);
            const char *src = (const char *)op->src + at;
            propagate_plane(&run, op, n, b, &slopes, diff_dst);
            load_src(&run, src);
            if (wanted->weights) fnas_depthwise_add_products(&run.g, run.src, run.gradient, run.sums);
            if (wanted->src) run_data(&run, src, wanted->accumulate, (char *)wanted->src + at);
        }
        if (wanted->weights) fnas_depthwise_add_sums(&run.g, b, run.sums, wanted->weights);
    }
    wanted->dot = sums.dot;
    wanted->total = sums.total;
    return FNAS_OK;
}
