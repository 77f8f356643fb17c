#include "compute/lanes.h"

#define LOAD8(pointer) (*(const fnas_v8 *)(pointer))

/* Adds a vector of partial sums to eight double results; a macro, as vectors may not be passed to functions of other instruction sets. */
#define FLUSH8(vector, result)                                                                                                             \
    do {                                                                                                                                   \
        const fnas_v8 flush_ = (vector);                                                                                                   \
        for (int l_ = 0; l_ < 8; l_++) (result)[l_] += (double)flush_[l_];                                                                 \
    } while (0)

static size_t groups_at_once(size_t left) {
    size_t groups = left / FNAS_LANES;
    return groups < FNAS_LANE_GROUPS ? groups : FNAS_LANE_GROUPS;
}

FNAS_MULTIVERSION void fnas_lanes_sum(size_t count, const float *x, double *sum) {
    size_t i = 0;
    for (size_t groups; (groups = groups_at_once(count - i)) > 0;) {
        fnas_v8 s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (size_t g = 0; g < groups; g++, i += FNAS_LANES) {
            s0 += LOAD8(x + i);
            s1 += LOAD8(x + i + 8);
            s2 += LOAD8(x + i + 16);
            s3 += LOAD8(x + i + 24);
        }
        FLUSH8(s0, sum);
        FLUSH8(s1, sum + 8);
        FLUSH8(s2, sum + 16);
        FLUSH8(s3, sum + 24);
    }
    for (size_t l = 0; i < count; i++, l++) sum[l] += (double)x[i];
}

FNAS_MULTIVERSION void fnas_lanes_dot(size_t count, const float *a, const float *b, double *sum) {
    size_t i = 0;
    for (size_t groups; (groups = groups_at_once(count - i)) > 0;) {
        fnas_v8 s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (size_t g = 0; g < groups; g++, i += FNAS_LANES) {
            s0 += LOAD8(a + i) * LOAD8(b + i);
            s1 += LOAD8(a + i + 8) * LOAD8(b + i + 8);
            s2 += LOAD8(a + i + 16) * LOAD8(b + i + 16);
            s3 += LOAD8(a + i + 24) * LOAD8(b + i + 24);
        }
        FLUSH8(s0, sum);
        FLUSH8(s1, sum + 8);
        FLUSH8(s2, sum + 16);
        FLUSH8(s3, sum + 24);
    }
    for (size_t l = 0; i < count; i++, l++) sum[l] += (double)(a[i] * b[i]);
}

/* One of the four vectors of a group. */
#define MOMENTS8(s, q, p, offset)                                                                                                          \
    do {                                                                                                                                   \
        const fnas_v8 d_ = LOAD8(x + i + (offset)) - (p);                                                                                  \
        (s) += d_;                                                                                                                         \
        (q) += d_ * d_;                                                                                                                    \
    } while (0)

FNAS_MULTIVERSION void fnas_lanes_moments(size_t count, const float *x, const float *pivot, double *sum, double *square) {
    const fnas_v8 p0 = LOAD8(pivot), p1 = LOAD8(pivot + 8), p2 = LOAD8(pivot + 16), p3 = LOAD8(pivot + 24);
    size_t i = 0;
    for (size_t groups; (groups = groups_at_once(count - i)) > 0;) {
        fnas_v8 s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, q0 = {0}, q1 = {0}, q2 = {0}, q3 = {0};
        for (size_t g = 0; g < groups; g++, i += FNAS_LANES) {
            MOMENTS8(s0, q0, p0, 0);
            MOMENTS8(s1, q1, p1, 8);
            MOMENTS8(s2, q2, p2, 16);
            MOMENTS8(s3, q3, p3, 24);
        }
        FLUSH8(s0, sum);
        FLUSH8(s1, sum + 8);
        FLUSH8(s2, sum + 16);
        FLUSH8(s3, sum + 24);
        FLUSH8(q0, square);
        FLUSH8(q1, square + 8);
        FLUSH8(q2, square + 16);
        FLUSH8(q3, square + 24);
    }
    for (size_t l = 0; i < count; i++, l++) {
        float d = x[i] - pivot[l];
        sum[l] += (double)d;
        square[l] += (double)(d * d);
    }
}

#define PRODUCTS8(s, q, p, offset)                                                                                                         \
    do {                                                                                                                                   \
        const fnas_v8 d_ = LOAD8(d + i + (offset));                                                                                        \
        (s) += d_;                                                                                                                         \
        (q) += d_ * (LOAD8(x + i + (offset)) - (p));                                                                                       \
    } while (0)

FNAS_MULTIVERSION void fnas_lanes_products(size_t count, const float *d, const float *x, const float *pivot, double *sum, double *product) {
    const fnas_v8 p0 = LOAD8(pivot), p1 = LOAD8(pivot + 8), p2 = LOAD8(pivot + 16), p3 = LOAD8(pivot + 24);
    size_t i = 0;
    for (size_t groups; (groups = groups_at_once(count - i)) > 0;) {
        fnas_v8 s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, q0 = {0}, q1 = {0}, q2 = {0}, q3 = {0};
        for (size_t g = 0; g < groups; g++, i += FNAS_LANES) {
            PRODUCTS8(s0, q0, p0, 0);
            PRODUCTS8(s1, q1, p1, 8);
            PRODUCTS8(s2, q2, p2, 16);
            PRODUCTS8(s3, q3, p3, 24);
        }
        FLUSH8(s0, sum);
        FLUSH8(s1, sum + 8);
        FLUSH8(s2, sum + 16);
        FLUSH8(s3, sum + 24);
        FLUSH8(q0, product);
        FLUSH8(q1, product + 8);
        FLUSH8(q2, product + 16);
        FLUSH8(q3, product + 24);
    }
    for (size_t l = 0; i < count; i++, l++) {
        sum[l] += (double)d[i];
        product[l] += (double)(d[i] * (x[i] - pivot[l]));
    }
}

double fnas_lanes_total(const double *sum) {
    double total = 0;
    for (int l = 0; l < FNAS_LANES; l++) total += sum[l];
    return total;
}
