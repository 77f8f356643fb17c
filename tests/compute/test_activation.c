/* Activations and the channel scale against their formulas, in blocked and in plain memory. */
#include "base/support.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/engine.h"
#include "compute/reference.h"

static void draw(int64_t stream, int64_t count, float *values) {
    fnas_random random = fnas_random_begin(21, FNAS_STREAM_TEST, stream, 0);
    for (int64_t i = 0; i < count; i++) values[i] = (float)fnas_random_normal(&random) * 3; /* both corners of the hard sigmoid */
}

/* Channels that fill a block, that do not, and a plane that no vector fills. */
static const fnas_shape shapes[] = {{2, 16, 5, 5}, {3, 12, 7, 3}, {1, 40, 1, 1}, {2, 3, 9, 9}};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

typedef struct operands {
    fnas_engine *engine;
    fnas_shape shape;
    int64_t count;
    float *plain, *packed, *result, *unpacked;
    double *wide, *expected;
} operands;

static void begin(fnas_test_place *place, operands *o, fnas_shape shape) {
    int64_t padded;
    memset(o, 0, sizeof *o);
    assert_status(FNAS_OK, fnas_engine_create(place->context, FNAS_COMPUTE_F32, &o->engine));
    o->shape = shape;
    o->count = fnas_shape_elements(shape);
    padded = (int64_t)fnas_shape_floats(shape, fnas_engine_block(o->engine));
    o->plain = fnas_allocate((size_t)o->count, sizeof(float));
    o->packed = fnas_allocate((size_t)padded, sizeof(float));
    o->result = fnas_allocate((size_t)padded, sizeof(float));
    o->unpacked = fnas_allocate((size_t)o->count, sizeof(float));
    o->wide = fnas_allocate((size_t)o->count, sizeof(double));
    o->expected = fnas_allocate((size_t)o->count, sizeof(double));
    assert_true(o->plain && o->packed && o->result && o->unpacked && o->wide && o->expected);
    draw(0, o->count, o->plain);
    for (int64_t i = 0; i < o->count; i++) o->wide[i] = o->plain[i];
    fnas_layout_pack(fnas_engine_block(o->engine), shape, o->plain, o->packed);
}

static void end(operands *o) {
    fnas_free(o->plain);
    fnas_free(o->packed);
    fnas_free(o->result);
    fnas_free(o->unpacked);
    fnas_free(o->wide);
    fnas_free(o->expected);
    fnas_engine_destroy(o->engine);
}

/* Three roundings of numbers that are no larger than the result, or 2^-24 of the sum x + 3 times x. */
static void compare(const float *ours, const double *expected, const double *source, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        double bound = 4e-7 * (fabs(expected[i]) + fabs(source[i]) + 1);
        if (!(fabs((double)ours[i] - expected[i]) <= bound))
            fail_msg("at %d: f(%g) is %g, expected %g", (int)i, source[i], (double)ours[i], expected[i]);
    }
}

/* What lies beyond the real channels of each block must stay zero: operators run over it. */
static void check_padding(const operands *o) {
    int64_t block = fnas_engine_block(o->engine), blocks = (o->shape.c + block - 1) / block, plane = o->shape.h * o->shape.w;
    for (int64_t n = 0; n < o->shape.n; n++)
        for (int64_t c = o->shape.c; c < blocks * block; c++)
            for (int64_t i = 0; i < plane; i++) assert_true(o->result[((n * blocks + c / block) * plane + i) * block + c % block] == 0);
}

static void test_hard_swish(void **state) {
    fnas_test_place *place = *state;
    for (int s = 0; s < SHAPES; s++) {
        operands o;
        begin(place, &o, shapes[s]);
        fnas_hard_swish_forward(o.engine, o.shape, o.packed, o.result);
        check_padding(&o);
        fnas_layout_unpack(fnas_engine_block(o.engine), o.shape, o.result, o.unpacked);
        fnas_ref_activation_forward(FNAS_ACTIVATION_HARD_SWISH, o.count, o.wide, o.expected);
        compare(o.unpacked, o.expected, o.wide, o.count);
        end(&o);
    }
}

static void test_channel_scale(void **state) {
    fnas_test_place *place = *state;
    for (int s = 0; s < SHAPES; s++) {
        operands o;
        float factors[128];
        double wide[128];
        begin(place, &o, shapes[s]);
        assert_true(o.shape.n * o.shape.c <= 128);
        draw(1, o.shape.n * o.shape.c, factors);
        for (int64_t i = 0; i < o.shape.n * o.shape.c; i++) wide[i] = factors[i];
        fnas_channel_scale_forward(o.engine, o.shape, o.packed, factors, o.result);
        check_padding(&o);
        fnas_layout_unpack(fnas_engine_block(o.engine), o.shape, o.result, o.unpacked);
        fnas_ref_channel_scale_forward(o.shape, o.wide, wide, o.expected);
        for (int64_t i = 0; i < o.count; i++) assert_true(fabs((double)o.unpacked[i] - o.expected[i]) <= 1e-7 * fabs(o.expected[i]));
        end(&o);
    }
}

static void test_plain(void **state) {
    fnas_test_place *place = *state;
    static const fnas_activation all[] = {FNAS_ACTIVATION_NONE, FNAS_ACTIVATION_RELU, FNAS_ACTIVATION_HARD_SWISH,
                                          FNAS_ACTIVATION_HARD_SIGMOID};
    for (int a = 0; a < 4; a++) {
        operands o;
        begin(place, &o, shapes[1]);
        fnas_activation_forward_plain(all[a], o.count, o.plain, o.unpacked);
        fnas_ref_activation_forward(all[a], o.count, o.wide, o.expected);
        compare(o.unpacked, o.expected, o.wide, o.count);
        o.plain[5] = NAN; /* is not hidden */
        fnas_activation_forward_plain(all[a], o.count, o.plain, o.unpacked);
        assert_true(isnan(o.unpacked[5]));
        end(&o);
    }
}

/* The formulas, at numbers for which they can be done by heart. */
static void test_formulas(void **state) {
    (void)state;
    static const double x[] = {-4, -3, -1.5, 0, 1.5, 3, 5}, swish[] = {0, 0, -0.375, 0, 1.125, 3, 5},
                        sigmoid[] = {0, 0, 0.25, 0.5, 0.75, 1, 1};
    double found[7];
    fnas_ref_activation_forward(FNAS_ACTIVATION_HARD_SWISH, 7, x, found);
    for (int i = 0; i < 7; i++) assert_true(found[i] == swish[i]);
    fnas_ref_activation_forward(FNAS_ACTIVATION_HARD_SIGMOID, 7, x, found);
    for (int i = 0; i < 7; i++) assert_true(found[i] == sigmoid[i]);
}

/* Plain gradients, written and added to, against the double ones; these against central differences, away from the corners. */
static void test_plain_gradients(void **state) {
    (void)state;
    static const fnas_activation all[] = {FNAS_ACTIVATION_NONE, FNAS_ACTIVATION_RELU, FNAS_ACTIVATION_HARD_SWISH,
                                          FNAS_ACTIVATION_HARD_SIGMOID};
    enum { COUNT = 37 };
    const double step = 1e-4;
    float src[COUNT], diff_dst[COUNT], diff_src[COUNT];
    double wide[COUNT], wide_diff[COUNT], expected[COUNT], above[COUNT], below[COUNT];
    draw(3, COUNT, src);
    draw(4, COUNT, diff_dst);
    for (int a = 0; a < 4; a++) {
        for (int i = 0; i < COUNT; i++) {
            wide[i] = src[i];
            wide_diff[i] = diff_dst[i];
        }
        fnas_ref_activation_backward(all[a], COUNT, wide, wide_diff, false, expected);
        for (int i = 0; i < COUNT; i++) wide[i] += step;
        fnas_ref_activation_forward(all[a], COUNT, wide, above);
        for (int i = 0; i < COUNT; i++) wide[i] -= 2 * step;
        fnas_ref_activation_forward(all[a], COUNT, wide, below);
        for (int i = 0; i < COUNT; i++) {
            assert_true(fabs(fabs((double)src[i]) - 3) > step && fabs((double)src[i]) > step); /* no corner within a step */
            assert_true(fabs((above[i] - below[i]) / (2 * step) * wide_diff[i] - expected[i]) < 1e-9);
        }
        for (int accumulate = 0; accumulate < 2; accumulate++) {
            for (int i = 0; i < COUNT; i++) diff_src[i] = accumulate ? 10.0f : NAN;
            fnas_activation_backward_plain(all[a], COUNT, src, diff_dst, accumulate, diff_src);
            for (int i = 0; i < COUNT; i++)
                assert_true(fabs((double)diff_src[i] - (accumulate ? 10 : 0) - expected[i]) <= 4e-7 * (fabs(expected[i]) + 10));
        }
    }
}

/* At a corner the slope is that beyond it. */
static void test_corners(void **state) {
    (void)state;
    const float src[] = {-3, 3, 0}, ones[] = {1, 1, 1};
    float found[3];
    fnas_activation_backward_plain(FNAS_ACTIVATION_HARD_SWISH, 3, src, ones, false, found);
    assert_true(found[0] == 0 && found[1] == 1 && found[2] == 0.5f);
    fnas_activation_backward_plain(FNAS_ACTIVATION_HARD_SIGMOID, 3, src, ones, false, found);
    assert_true(found[0] == 0 && found[1] == 0 && found[2] == 1.0f / 6);
    fnas_activation_backward_plain(FNAS_ACTIVATION_RELU, 3, src, ones, false, found);
    assert_true(found[0] == 0 && found[1] == 1 && found[2] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_hard_swish), fnas_test(test_channel_scale),   fnas_test(test_plain),
                                       fnas_test(test_formulas),   fnas_test(test_plain_gradients), fnas_test(test_corners)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
