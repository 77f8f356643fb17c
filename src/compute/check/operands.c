#include "compute/check/operands.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/reference.h"

/* ---- declaring ---- */

bool fnas_operands_are_bf16(const fnas_operands *all) {
    return all->engine && fnas_engine_element_bytes(all->engine) == 2;
}

int64_t fnas_operand_size(const fnas_operand *o) {
    return fnas_shape_elements(o->shape);
}

size_t fnas_operand_floats(const fnas_operands *all, const fnas_operand *o) {
    return fnas_shape_floats(o->shape, o->blocked ? all->block : 1);
}

static void operand_add(fnas_operands *all, const char *name, fnas_operand_role role, bool blocked, fnas_shape shape) {
    all->list[all->count++] = (fnas_operand){.name = name, .role = role, .blocked = blocked, .shape = shape};
}

static void optional_vector(fnas_operands *all, const char *name, fnas_operand_role role, int64_t count, bool present) {
    operand_add(all, name, role, false, (fnas_shape){1, count, 1, 1});
    all->list[all->count - 1].absent = !present;
}

static void declare_conv(fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    const fnas_conv_shape *s = &c->conv;
    fnas_shape in = {s->n, s->in_channels, s->in_h, s->in_w}, out = {s->n, s->out_channels, fnas_conv_out_h(s), fnas_conv_out_w(s)};
    fnas_shape weights = {s->out_channels, s->in_channels / s->groups, s->kernel_h, s->kernel_w};
    bool data = c->kind == FNAS_OPERATOR_CONV_BACKWARD_DATA, gradient = c->kind == FNAS_OPERATOR_CONV_BACKWARD_WEIGHTS;
    operand_add(all, "src", !data ? FNAS_OPERAND_INPUT : c->accumulate ? FNAS_OPERAND_ADDED : FNAS_OPERAND_RESULT, !s->image_source, in);
    operand_add(all, "weights", gradient ? FNAS_OPERAND_ADDED : FNAS_OPERAND_INPUT, false, weights);
    optional_vector(all, "bias", gradient ? FNAS_OPERAND_ADDED : FNAS_OPERAND_INPUT, s->out_channels, c->bias);
    operand_add(all, "dst", c->kind == FNAS_OPERATOR_CONV_FORWARD ? FNAS_OPERAND_RESULT : FNAS_OPERAND_INPUT, true, out);
}

static void declare_norm(fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    bool statistics = c->kind == FNAS_OPERATOR_NORM_STATISTICS, backward = c->kind == FNAS_OPERATOR_NORM_BACKWARD;
    operand_add(all, "src", FNAS_OPERAND_INPUT, true, c->plane);
    optional_vector(all, "mean", statistics ? FNAS_OPERAND_RESULT : FNAS_OPERAND_INPUT, c->plane.c, true);
    optional_vector(all, "variance", statistics ? FNAS_OPERAND_RESULT : FNAS_OPERAND_INPUT, c->plane.c, true);
    if (statistics) return;
    optional_vector(all, "gamma", FNAS_OPERAND_INPUT, c->plane.c, c->bias);
    optional_vector(all, "beta", FNAS_OPERAND_INPUT, c->plane.c, c->bias);
    operand_add(all, "dst", backward ? FNAS_OPERAND_INPUT : c->accumulate ? FNAS_OPERAND_ADDED : FNAS_OPERAND_RESULT, true, c->plane);
    if (!backward) return;
    operand_add(all, "diff_src", FNAS_OPERAND_RESULT, true, c->plane);
    operand_add(all, "sums", FNAS_OPERAND_RESULT, false, (fnas_shape){1, 2 * c->plane.c + 2, 1, 1}); /* diff_gamma, diff_beta, dot, total */
}

static void declare_elementwise(fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    fnas_operand_role role = c->accumulate ? FNAS_OPERAND_ADDED : FNAS_OPERAND_RESULT;
    operand_add(all, "src", FNAS_OPERAND_INPUT, true, c->plane);
    if (c->kind == FNAS_OPERATOR_RELU_BACKWARD || c->kind == FNAS_OPERATOR_HARD_SWISH_BACKWARD || c->kind == FNAS_OPERATOR_GATE_BACKWARD ||
        c->kind == FNAS_OPERATOR_DOT)
        operand_add(all, "diff_dst", FNAS_OPERAND_INPUT, true, c->plane);
    if (c->kind != FNAS_OPERATOR_DOT && c->kind != FNAS_OPERATOR_SUM) operand_add(all, "result", role, true, c->plane);
    if (c->kind == FNAS_OPERATOR_GATE_BACKWARD || c->kind == FNAS_OPERATOR_DOT || c->kind == FNAS_OPERATOR_SUM)
        operand_add(all, "sum", FNAS_OPERAND_RESULT, false, (fnas_shape){1, 1, 1, 1});
}

/* One factor an image and channel. */
static void declare_channel_scale(fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    fnas_operand_role role = c->accumulate ? FNAS_OPERAND_ADDED : FNAS_OPERAND_RESULT;
    fnas_shape factors = {c->plane.n, c->plane.c, 1, 1};
    bool backward = c->kind == FNAS_OPERATOR_CHANNEL_SCALE_BACKWARD;
    operand_add(all, "src", FNAS_OPERAND_INPUT, true, c->plane);
    operand_add(all, "factors", FNAS_OPERAND_INPUT, false, factors);
    operand_add(all, "dst", backward ? FNAS_OPERAND_INPUT : role, true, c->plane);
    if (!backward) return;
    operand_add(all, "diff_src", role, true, c->plane);
    operand_add(all, "diff_factors", role, false, factors);
}

static void declare_pool(fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    const fnas_pool_shape *s = &c->pool;
    bool window = fnas_case_is_pool(c);
    fnas_shape in = window ? (fnas_shape){s->n, s->channels, s->in_h, s->in_w} : c->plane;
    fnas_shape out = window ? (fnas_shape){s->n, s->channels, fnas_pool_out_h(s), fnas_pool_out_w(s)} : (fnas_shape){in.n, in.c, 1, 1};
    bool forward = c->kind == FNAS_OPERATOR_POOL_FORWARD || c->kind == FNAS_OPERATOR_GLOBAL_POOL_FORWARD;
    fnas_operand_role role = c->accumulate ? FNAS_OPERAND_ADDED : FNAS_OPERAND_RESULT;
    operand_add(all, "src", forward ? FNAS_OPERAND_INPUT : role, true, in);
    operand_add(all, "dst", forward ? role : FNAS_OPERAND_INPUT, window, out);
}

static void declare_matrix(fnas_operands *all) {
    const fnas_operator_case *c = all->c;
    const fnas_matrix_shape *s = &c->matrix;
    if (c->kind == FNAS_OPERATOR_CROSS_ENTROPY) {
        operand_add(all, "logits", FNAS_OPERAND_INPUT, false, (fnas_shape){s->n, s->out, 1, 1});
        operand_add(all, "diff_logits", FNAS_OPERAND_RESULT, false, (fnas_shape){s->n, s->out, 1, 1});
        operand_add(all, "loss", FNAS_OPERAND_RESULT, false, (fnas_shape){1, 2, 1, 1}); /* and correct */
        return;
    }
    bool forward = c->kind == FNAS_OPERATOR_LINEAR_FORWARD;
    operand_add(all, "src", FNAS_OPERAND_INPUT, false, (fnas_shape){s->n, s->in, 1, 1});
    operand_add(all, "weights", FNAS_OPERAND_INPUT, false, (fnas_shape){s->out, s->in, 1, 1});
    optional_vector(all, "bias", forward ? FNAS_OPERAND_INPUT : FNAS_OPERAND_ADDED, s->out, c->bias);
    operand_add(all, "dst", forward ? FNAS_OPERAND_RESULT : FNAS_OPERAND_INPUT, false, (fnas_shape){s->n, s->out, 1, 1});
    if (forward) return;
    operand_add(all, "diff_src", FNAS_OPERAND_RESULT, false, (fnas_shape){s->n, s->in, 1, 1});
    operand_add(all, "diff_weights", FNAS_OPERAND_ADDED, false, (fnas_shape){s->out, s->in, 1, 1});
}

void fnas_operands_declare(fnas_operands *all, const fnas_operator_case *c, int64_t block) {
    *all = (fnas_operands){.c = c, .block = block};
    if (fnas_case_is_conv(c))
        declare_conv(all);
    else if (c->kind <= FNAS_OPERATOR_NORM_BACKWARD)
        declare_norm(all);
    else if (fnas_case_is_channel_scale(c))
        declare_channel_scale(all);
    else if (c->kind <= FNAS_OPERATOR_SUM)
        declare_elementwise(all);
    else if (c->kind <= FNAS_OPERATOR_GLOBAL_POOL_BACKWARD)
        declare_pool(all);
    else
        declare_matrix(all);
}

void fnas_operands_declare_on(fnas_operands *all, const fnas_operator_case *c, const fnas_engine *engine) {
    fnas_operands_declare(all, c, fnas_engine_block(engine));
    all->engine = engine;
}

/* ---- memory and values ---- */

size_t fnas_operand_bytes(const fnas_operands *all, const fnas_operand *o) {
    return fnas_operand_floats(all, o) * (o->blocked && fnas_operands_are_bf16(all) ? 2 : sizeof(float));
}

void fnas_operands_free(fnas_operands *all) {
    for (int i = 0; i < all->count; i++) {
        fnas_free(all->list[i].fast);
        fnas_free(all->list[i].exact);
        fnas_free(all->list[i].allowed);
    }
    fnas_free(all->labels);
    fnas_free(all->plain);
    fnas_free(all->floats);
}

bool fnas_operands_allocate(fnas_operands *all) {
    size_t largest = 0;
    bool complete = true;
    for (int i = 0; i < all->count; i++) {
        fnas_operand *o = &all->list[i];
        size_t size = fnas_operand_floats(all, o);
        o->fast = fnas_allocate(fnas_operand_bytes(all, o), 1);
        o->exact = fnas_allocate(size, sizeof(double));
        o->allowed = fnas_allocate(size, sizeof(double));
        complete = complete && o->fast && o->exact && o->allowed;
        largest = size > largest ? size : largest;
    }
    all->plain = fnas_allocate(largest, sizeof(float));
    all->floats = fnas_allocate(largest, sizeof(float));
    all->labels = fnas_allocate((size_t)all->c->matrix.n, sizeof(int32_t));
    return complete && all->plain && all->floats && all->labels;
}

/* Activations of a norm lie far from zero, which finds cancellation; those of a ReLU hold exact zeros, those of a hard swish both corners.
 */
static float draw_value(const fnas_operands *all, const fnas_operand *o, int64_t index, fnas_random *random) {
    double value = 2 * fnas_random_uniform(random) - 1;
    int64_t channel = index / (o->shape.h * o->shape.w) % o->shape.c;
    fnas_operator_kind kind = all->c->kind;
    if (kind >= FNAS_OPERATOR_NORM_STATISTICS && kind <= FNAS_OPERATOR_NORM_BACKWARD && strcmp(o->name, "src") == 0)
        value += 20.0 * (double)(channel % 5);
    if (kind == FNAS_OPERATOR_RELU_BACKWARD && index % 7 == 0 && strcmp(o->name, "src") == 0) value = 0;
    if ((kind == FNAS_OPERATOR_HARD_SWISH_FORWARD || kind == FNAS_OPERATOR_HARD_SWISH_BACKWARD) && strcmp(o->name, "src") == 0)
        value = index % 11 == 0 ? 3 : index % 13 == 0 ? -3 : 5 * value;
    if (kind == FNAS_OPERATOR_CROSS_ENTROPY) value *= 5;
    return (float)value;
}

/* Between the floats and the operand's own memory. */
static void operand_store(fnas_operands *all, fnas_operand *o) {
    if (o->blocked && all->engine)
        fnas_engine_from_floats(all->engine, fnas_operand_floats(all, o), all->floats, o->fast);
    else
        memcpy(o->fast, all->floats, fnas_operand_bytes(all, o));
}

void fnas_operand_load(fnas_operands *all, const fnas_operand *o) {
    if (o->blocked && all->engine)
        fnas_engine_to_floats(all->engine, fnas_operand_floats(all, o), o->fast, all->floats);
    else
        memcpy(all->floats, o->fast, fnas_operand_bytes(all, o));
}

void fnas_operand_unpack(fnas_operands *all, const fnas_operand *o) {
    fnas_operand_load(all, o);
    if (o->blocked)
        fnas_layout_unpack(all->block, o->shape, all->floats, all->plain);
    else
        memcpy(all->plain, all->floats, (size_t)fnas_operand_size(o) * sizeof(float));
}

static void pack_operand(fnas_operands *all, fnas_operand *o) {
    for (int64_t i = 0; i < fnas_operand_size(o); i++) all->plain[i] = (float)o->exact[i];
    if (o->blocked)
        fnas_layout_pack(all->block, o->shape, all->plain, all->floats);
    else
        memcpy(all->floats, all->plain, (size_t)fnas_operand_size(o) * sizeof(float));
    operand_store(all, o);
}

/* What a kernel of bf16 sees of an operand: activations, and the weights of a convolution, which it rounds itself. */
static void round_operand(fnas_operands *all, fnas_operand *o) {
    bool weights = fnas_case_is_conv(all->c) && strcmp(o->name, "weights") == 0 && o->role == FNAS_OPERAND_INPUT;
    bool image = fnas_case_is_conv(all->c) && all->c->conv.image_source && strcmp(o->name, "src") == 0 && o->role == FNAS_OPERAND_INPUT;
    if (!fnas_operands_are_bf16(all) || !(o->blocked || weights || image)) return;
    size_t whole = (size_t)(fnas_operand_size(o) + 15) / 16 * 16;
    for (size_t i = 0; i < whole; i++) all->plain[i] = i < (size_t)fnas_operand_size(o) ? (float)o->exact[i] : 0.0f;
    fnas_engine_from_floats(all->engine, whole, all->plain, all->floats);
    fnas_engine_to_floats(all->engine, whole, all->floats, all->plain);
    for (int64_t i = 0; i < fnas_operand_size(o); i++) o->exact[i] = (double)all->plain[i];
}

/* Statistics that norms are given are those of their source, rounded to f32 as the fast operator has them. */
static void fill_norm_statistics(fnas_operands *all) {
    fnas_operand *mean = &all->list[1], *variance = &all->list[2];
    fnas_ref_norm_statistics(all->c->plane, all->list[0].exact, mean->exact, variance->exact);
    for (int64_t c = 0; c < all->c->plane.c; c++) {
        mean->exact[c] = (double)(float)mean->exact[c];
        variance->exact[c] = (double)(float)variance->exact[c];
    }
}

/* Results begin as NaN: what an operator leaves out is seen. */
static void fill_results(fnas_operands *all, fnas_operand *o) {
    if (o->role != FNAS_OPERAND_RESULT) return;
    for (size_t i = 0; i < fnas_operand_floats(all, o); i++) all->floats[i] = NAN;
    operand_store(all, o);
    for (int64_t i = 0; i < fnas_operand_size(o); i++) o->exact[i] = (double)NAN;
}

void fnas_operands_fill(fnas_operands *all, int64_t case_index) {
    fnas_random random = fnas_random_begin(FNAS_OPERANDS_SEED, FNAS_STREAM_TEST, case_index, 0);
    for (int i = 0; i < all->count; i++)
        for (int64_t k = 0; k < fnas_operand_size(&all->list[i]); k++)
            all->list[i].exact[k] = (double)draw_value(all, &all->list[i], k, &random);
    for (int i = 0; i < all->count; i++) round_operand(all, &all->list[i]);
    for (int64_t i = 0; i < all->c->matrix.n; i++) all->labels[i] = (int32_t)fnas_random_below(&random, all->c->matrix.out);
    if (all->c->kind == FNAS_OPERATOR_NORM_FORWARD || all->c->kind == FNAS_OPERATOR_NORM_BACKWARD) fill_norm_statistics(all);
    for (int i = 0; i < all->count; i++) {
        pack_operand(all, &all->list[i]);
        fill_results(all, &all->list[i]);
    }
}
