/* Activation, convolution and batch normalisation as one operator. Images go through in chunks that stay in the L2 cache from one part to
 * the next: neither the activated source nor the convolution's gradient ever lies in memory. Only the normalisation itself has to wait for
 * all images, and so the convolution's output z is kept. */
#include <string.h>

#include "compute/depthwise.h"
#include "compute/norm_parts.h"
#include "compute/ops.h"

/* Of source and output together. */
#define CHUNK_BYTES ((size_t)512 * 1024)

/* A convolution prepared for a number of images, with its weights as its kernel wants them. */
typedef struct prepared {
    fnas_backend_conv *conv;
    size_t packed_bytes;
    void *packed;
} prepared;

/* All chunks have `images` images but perhaps the last one. */
typedef struct chunks {
    int64_t images, last, count;
} chunks;

typedef struct chunked {
    fnas_context *context;
    fnas_engine *engine;
    const fnas_conv_norm *op;
    chunks chunks;
    size_t in_elements, out_elements; /* of one image */
    size_t in_bytes, out_bytes;
    char *scratch; /* of the kernels */
} chunked;

/* An image is f32 whatever the activations are, is not rectified, and nobody wants its gradient. */
static fnas_status check_operator(fnas_context *context, const fnas_conv_norm *op, bool wants_source) {
    FNAS_TRY(fnas_conv_check(context, &op->conv));
    if (op->conv.image_source && (wants_source || op->state != FNAS_SOURCE_PLAIN || op->source_normed))
        return fnas_fail(context, FNAS_ERR_INTERNAL, "an image has neither a ReLU before it nor a gradient");
    return FNAS_OK;
}

/* ---- chunks ---- */

static fnas_shape out_shape(const fnas_conv_shape *conv, int64_t images) {
    return (fnas_shape){images, conv->out_channels, fnas_conv_out_h(conv), fnas_conv_out_w(conv)};
}

static chunks divide(int64_t n, size_t bytes_per_image) {
    int64_t most = (int64_t)(CHUNK_BYTES / bytes_per_image);
    if (most < 1) most = 1;
    chunks c = {.count = (n + most - 1) / most};
    c.images = (n + c.count - 1) / c.count;
    c.count = (n + c.images - 1) / c.images;
    c.last = n - (c.count - 1) * c.images;
    return c;
}

static chunked chunked_of(fnas_context *context, fnas_engine *engine, const fnas_conv_norm *op) {
    const fnas_conv_shape *s = &op->conv;
    chunked c = {.context = context, .engine = engine, .op = op};
    c.in_elements = fnas_conv_in_elements(engine, s);
    c.out_elements = fnas_conv_out_elements(engine, s);
    c.in_bytes = c.in_elements * (s->image_source ? sizeof(float) : engine->kernels->element_bytes);
    c.out_bytes = c.out_elements * engine->kernels->element_bytes;
    c.chunks = divide(s->n, c.in_bytes + c.out_bytes);
    return c;
}

static int64_t chunk_images(const chunked *c, int64_t chunk) {
    return chunk == c->chunks.count - 1 ? c->chunks.last : c->chunks.images;
}

static const void *source_at(const chunked *c, int64_t chunk) {
    return (const char *)c->op->src + (size_t)(chunk * c->chunks.images) * c->in_bytes;
}

static const void *out_at(const chunked *c, const void *activations, int64_t chunk) {
    return (const char *)activations + (size_t)(chunk * c->chunks.images) * c->out_bytes;
}

/* ---- preparation: one convolution for the chunks, one for the last chunk where it is smaller ---- */

static fnas_status prepare_kind(const chunked *c, fnas_conv_kind kind, prepared made[2], size_t *scratch_bytes, size_t *packed_bytes) {
    for (int last = 0; last < 2; last++) {
        fnas_conv_shape shape = c->op->conv;
        shape.n = last ? c->chunks.last : c->chunks.images;
        FNAS_TRY(fnas_backend_prepare(c->context, c->engine->backend, &shape, kind, false, &made[last].conv));
        made[last].packed_bytes = fnas_backend_conv_packed_bytes(made[last].conv);
        size_t needed = fnas_align_bytes(fnas_backend_conv_scratch_bytes(made[last].conv));
        if (needed > *scratch_bytes) *scratch_bytes = needed;
        *packed_bytes += fnas_align_bytes(made[last].packed_bytes);
    }
    return FNAS_OK;
}

static void *cut(char **memory, size_t bytes) {
    char *piece = *memory;
    *memory += fnas_align_bytes(bytes);
    return piece;
}

static fnas_status pack(const chunked *c, prepared both[2], char **memory) {
    for (int last = 0; last < 2; last++) {
        both[last].packed = cut(memory, both[last].packed_bytes);
        if (last && both[1].conv == both[0].conv)
            both[1].packed = both[0].packed;
        else
            FNAS_TRY(
                fnas_backend_conv_pack(c->context, c->engine->backend, both[last].conv, c->op->weights, both[last].packed, c->scratch));
    }
    return FNAS_OK;
}

static const prepared *prepared_for(const chunked *c, const prepared both[2], int64_t chunk) {
    return &both[chunk == c->chunks.count - 1];
}

static bool has_to_activate(const fnas_conv_norm *op) {
    return op->source_normed || op->state == FNAS_SOURCE_TO_RECTIFY || op->state == FNAS_SOURCE_TO_HARD_SWISH;
}

static void normalise(const chunked *c, int64_t chunk, bool rectified, void *normalised) {
    const fnas_conv_shape *s = &c->op->conv;
    const fnas_shape images = {chunk_images(c, chunk), s->in_channels, s->in_h, s->in_w};
    const fnas_norm_term term = {c->op->source_norm, source_at(c, chunk)};
    fnas_norm_apply_terms(c->engine, images, 1, &term, false, rectified, normalised);
}

/* The activated source of a chunk, in `activated`, or the source itself. */
static const void *activate(const chunked *c, int64_t chunk, void *activated) {
    const void *src = source_at(c, chunk);
    size_t count = (size_t)chunk_images(c, chunk) * c->in_elements;
    if (!has_to_activate(c->op)) return src;
    if (c->op->source_normed) {
        normalise(c, chunk, c->op->state == FNAS_SOURCE_TO_RECTIFY, activated);
        src = activated;
    }
    if (c->op->state == FNAS_SOURCE_TO_HARD_SWISH)
        c->engine->kernels->hard_swish(count, src, activated);
    else if (!c->op->source_normed)
        c->engine->kernels->relu(count, src, activated);
    return activated;
}

/* What the activation of a chunk reads, or, of a ReLU, something that is positive where that is. `activated` holds the chunk's activated
 * source, if there is one, and may be overwritten. */
static const void *before_activation(const chunked *c, int64_t chunk, void *activated) {
    if (!c->op->source_normed) return source_at(c, chunk);
    normalise(c, chunk, false, activated);
    return activated;
}

/* ---- forward ---- */

typedef struct forward_memory {
    prepared conv[2];
    void *activated;
    fnas_norm_moments *moments; /* NULL: statistics are given */
} forward_memory;

static fnas_status forward_reserve(chunked *c, bool statistics, forward_memory *m) {
    size_t scratch_bytes = 0, packed_bytes = 0, activated = has_to_activate(c->op) ? (size_t)c->chunks.images * c->in_bytes : 0;
    size_t moments = statistics ? (size_t)fnas_norm_blocks(c->engine, c->op->conv.out_channels) * sizeof *m->moments : 0;
    FNAS_TRY(prepare_kind(c, FNAS_CONV_FORWARD, m->conv, &scratch_bytes, &packed_bytes));
    void *memory;
    FNAS_TRY(fnas_engine_scratch(c->context, c->engine,
                                 scratch_bytes + packed_bytes + fnas_align_bytes(activated) + fnas_align_bytes(moments), &memory));
    char *rest = memory;
    c->scratch = cut(&rest, scratch_bytes);
    m->activated = cut(&rest, activated);
    m->moments = statistics ? cut(&rest, moments) : NULL;
    return pack(c, m->conv, &rest);
}

static fnas_status forward_chunk(const chunked *c, const forward_memory *m, int64_t chunk) {
    const prepared *p = prepared_for(c, m->conv, chunk);
    const void *src = activate(c, chunk, m->activated);
    void *z = (char *)c->op->z + (size_t)(chunk * c->chunks.images) * c->out_bytes;
    FNAS_TRY(fnas_backend_conv_run_packed(c->context, c->engine->backend, p->conv, src, p->packed, NULL, z, c->scratch));
    if (m->moments) fnas_norm_add_moments(c->engine, out_shape(&c->op->conv, chunk_images(c, chunk)), z, chunk == 0, m->moments);
    return FNAS_OK;
}

fnas_status fnas_conv_norm_forward(fnas_context *context, fnas_engine *engine, const fnas_conv_norm *op, bool statistics) {
    FNAS_TRY(check_operator(context, op, false));
    if (fnas_depthwise_supports(engine, &op->conv)) return fnas_depthwise_norm_forward(context, engine, op, statistics);
    chunked c = chunked_of(context, engine, op);
    forward_memory m = {0};
    FNAS_TRY(forward_reserve(&c, statistics, &m));
    for (int64_t chunk = 0; chunk < c.chunks.count; chunk++) FNAS_TRY(forward_chunk(&c, &m, chunk));
    if (statistics) fnas_norm_finish_moments(engine, out_shape(&op->conv, op->conv.n), m.moments, op->mean, op->variance);
    return FNAS_OK;
}

static fnas_norm_given given_of(const fnas_conv_norm *op) {
    return (fnas_norm_given){op->epsilon, op->mean, op->variance, op->gamma, op->beta};
}

void fnas_conv_norm_sum(fnas_engine *engine, int64_t count, const fnas_conv_norm *ops, bool accumulate, bool rectify, void *dst) {
    for (int64_t first = 0; first < count; first += FNAS_TERMS_MAX) {
        fnas_norm_term terms[FNAS_TERMS_MAX];
        int64_t here = count - first < FNAS_TERMS_MAX ? count - first : FNAS_TERMS_MAX;
        for (int64_t e = 0; e < here; e++) terms[e] = (fnas_norm_term){given_of(&ops[first + e]), ops[first + e].z};
        fnas_norm_apply_terms(engine, out_shape(&ops[0].conv, ops[0].conv.n), here, terms, accumulate || first > 0,
                              rectify && first + here == count, dst);
    }
}

/* ---- backward ---- */

typedef struct backward_memory {
    prepared weights[2], data[2];
    fnas_norm_slopes *slopes;
    void *activated, *diff_z, *diff_activated;
    float *part;      /* gradient of the weights from one chunk, packed */
    float *summed[2]; /* of all chunks of one size, packed */
    float *plain;     /* of these, plain */
} backward_memory;

static size_t weight_bytes(const fnas_conv_shape *s) {
    return (size_t)(s->out_channels * (s->in_channels / s->groups) * s->kernel_h * s->kernel_w) * sizeof(float);
}

static fnas_status backward_reserve(chunked *c, const fnas_conv_norm_gradients *wanted, backward_memory *m) {
    size_t scratch_bytes = 0, packed_bytes = 0, chunk = (size_t)c->chunks.images;
    size_t slopes = (size_t)fnas_norm_blocks(c->engine, c->op->conv.out_channels) * sizeof *m->slopes;
    if (wanted->weights) FNAS_TRY(prepare_kind(c, FNAS_CONV_BACKWARD_WEIGHTS, m->weights, &scratch_bytes, &packed_bytes));
    if (wanted->src) FNAS_TRY(prepare_kind(c, FNAS_CONV_BACKWARD_DATA, m->data, &scratch_bytes, &packed_bytes));
    size_t part = m->weights[0].packed_bytes > m->weights[1].packed_bytes ? m->weights[0].packed_bytes : m->weights[1].packed_bytes;
    size_t plain = wanted->weights ? weight_bytes(&c->op->conv) : 0;
    void *memory;
    FNAS_TRY(fnas_engine_scratch(c->context, c->engine,
                                 scratch_bytes + packed_bytes + fnas_align_bytes(slopes) + 2 * fnas_align_bytes(chunk * c->in_bytes) +
                                     fnas_align_bytes(chunk * c->out_bytes) + fnas_align_bytes(part) + fnas_align_bytes(plain),
                                 &memory));
    char *rest = memory;
    c->scratch = cut(&rest, scratch_bytes);
    m->slopes = cut(&rest, slopes);
    m->activated = cut(&rest, chunk * c->in_bytes);
    m->diff_activated = cut(&rest, chunk * c->in_bytes);
    m->diff_z = cut(&rest, chunk * c->out_bytes);
    m->part = cut(&rest, part);
    m->plain = cut(&rest, plain);
    for (int last = 0; last < 2 && wanted->weights; last++) {
        m->summed[last] = cut(&rest, m->weights[last].packed_bytes);
        memset(m->summed[last], 0, m->weights[last].packed_bytes);
    }
    return wanted->src ? pack(c, m->data, &rest) : FNAS_OK;
}

static fnas_status add_chunk_weights(const chunked *c, const backward_memory *m, int64_t chunk) {
    int last = chunk == c->chunks.count - 1 && m->weights[1].conv != m->weights[0].conv;
    const prepared *p = &m->weights[last];
    const void *src = activate(c, chunk, m->activated);
    FNAS_TRY(fnas_backend_conv_run_packed(c->context, c->engine->backend, p->conv, src, m->diff_z, NULL, m->part, c->scratch));
    fnas_kernels_f32.add(p->packed_bytes / sizeof(float), m->part, m->summed[last]);
    return FNAS_OK;
}

static fnas_status add_weights(const chunked *c, const backward_memory *m, float *diff_weights) {
    size_t count = weight_bytes(&c->op->conv) / sizeof(float);
    for (int last = 0; last < 2; last++) {
        if (last && m->weights[1].conv == m->weights[0].conv) break;
        FNAS_TRY(fnas_backend_conv_unpack(c->context, c->engine->backend, m->weights[last].conv, m->summed[last], m->plain, c->scratch));
        fnas_kernels_f32.add(count, m->plain, diff_weights);
    }
    return FNAS_OK;
}

static fnas_status propagate_chunk_data(const chunked *c, const backward_memory *m, const fnas_conv_norm_gradients *wanted, int64_t chunk) {
    const prepared *p = prepared_for(c, m->data, chunk);
    size_t count = (size_t)chunk_images(c, chunk) * c->in_elements;
    char *diff_src = (char *)wanted->src + (size_t)(chunk * c->chunks.images) * c->in_bytes;
    bool plain = c->op->state == FNAS_SOURCE_PLAIN, direct = plain && !wanted->accumulate;
    void *result = direct ? diff_src : m->diff_activated;
    FNAS_TRY(fnas_backend_conv_run_packed(c->context, c->engine->backend, p->conv, m->diff_z, p->packed, NULL, result, c->scratch));
    const void *before = plain ? NULL : before_activation(c, chunk, m->activated);
    if (c->op->state == FNAS_SOURCE_TO_HARD_SWISH)
        c->engine->kernels->hard_swish_gradient(count, before, result, wanted->accumulate, diff_src);
    else if (!plain)
        c->engine->kernels->relu_gradient(count, before, result, wanted->accumulate, diff_src);
    else if (!direct)
        c->engine->kernels->add(count, result, diff_src);
    return FNAS_OK;
}

fnas_status fnas_conv_norm_backward(fnas_context *context, fnas_engine *engine, const fnas_conv_norm *op, const void *diff_dst,
                                    fnas_conv_norm_gradients *wanted) {
    FNAS_TRY(check_operator(context, op, wanted->src != NULL));
    if (fnas_depthwise_supports(engine, &op->conv)) return fnas_depthwise_norm_backward(context, engine, op, diff_dst, wanted);
    chunked c = chunked_of(context, engine, op);
    backward_memory m = {0};
    FNAS_TRY(backward_reserve(&c, wanted, &m));
    const fnas_norm_given given = given_of(op);
    fnas_norm_sums sums = {.diff_gamma = wanted->gamma, .diff_beta = wanted->beta};
    fnas_norm_reduce(engine, out_shape(&op->conv, op->conv.n), &given, op->z, diff_dst, m.slopes, &sums);
    wanted->dot = sums.dot;
    wanted->total = sums.total;
    if (!wanted->weights && !wanted->src) return FNAS_OK;
    for (int64_t chunk = 0; chunk < c.chunks.count; chunk++) {
        fnas_norm_propagate(engine, out_shape(&op->conv, chunk_images(&c, chunk)), m.slopes, out_at(&c, op->z, chunk),
                            out_at(&c, diff_dst, chunk), m.diff_z);
        if (wanted->weights) FNAS_TRY(add_chunk_weights(&c, &m, chunk));
        if (wanted->src) FNAS_TRY(propagate_chunk_data(&c, &m, wanted, chunk));
    }
    return wanted->weights ? add_weights(&c, &m, wanted->weights) : FNAS_OK;
}
