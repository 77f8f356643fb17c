/* exp in f32 for loops that the compiler vectorises. */
#ifndef FNAS_COMPUTE_FAST_EXP_H
#define FNAS_COMPUTE_FAST_EXP_H

#include <math.h>
#include <stdint.h>

/* exp(x) of x <= 0, off by at most 2 units in the last place; below -87 it is exp(-87); NaN of NaN. Reduced by multiples of log 2 in two
 * parts (Cody and Waite 1980), then the polynomial of Cephes' expf (Moshier 1989). */
static inline float fnas_exp_of_negative(float x) {
    x = x < -87.0f ? -87.0f : x;
    float n = floorf(x * 1.44269504f + 0.5f), r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    float whole = n >= -126.0f ? n : 0.0f; /* no NaN becomes an integer */
    union {
        int32_t bits;
        float value;
    } power = {.bits = ((int32_t)whole + 127) << 23};
    return p * power.value;
}

#endif
