#include "compute/kernels.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>

typedef float v16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t v16i __attribute__((vector_size(64)));
typedef uint32_t v16u __attribute__((vector_size(64)));
typedef uint16_t v16h __attribute__((vector_size(32), aligned(2), may_alias));

static inline float bf16_to_float(uint16_t bits) {
    union {
        uint32_t u;
        float f;
    } x = {.u = (uint32_t)bits << 16};
    return x.f;
}

/* bf16 is the upper half of an f32; the instruction that rounds (to nearest even, denormals to zero) is there wherever bf16 is used. */
#define REAL uint16_t
#define V v16
#define VI v16i
#define W 16
#define LOAD(pointer) ((v16)(__builtin_convertvector(*(const v16h *)(pointer), v16u) << 16))
#define LOAD1(pointer) bf16_to_float(*(pointer))
#define STORE(pointer, value) (*(v16h *)(pointer) = (v16h)_mm512_cvtneps_pbh((__m512)(value)))
#define STORE1(pointer, value) (*(pointer) = (uint16_t)_mm_extract_epi16((__m128i)_mm_cvtneps_pbh(_mm_set_ss(value)), 0))
#define LOAD_FLOATS(pointer) (*(const v16 *)(pointer))
#define STORE_FLOATS(pointer, value) (*(v16 *)(pointer) = (value))
#define KERNEL __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

#include "compute/kernels.inc"

static const fnas_kernels kernels = KERNEL_TABLE;

const fnas_kernels *fnas_kernels_bf16(void) {
    return fnas_backend_has_bf16() ? &kernels : NULL;
}

#else

const fnas_kernels *fnas_kernels_bf16(void) {
    return NULL;
}

#endif
