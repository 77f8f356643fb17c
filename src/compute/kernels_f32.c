#include "compute/kernels.h"

typedef int32_t v8i __attribute__((vector_size(32)));

#define REAL float
#define V fnas_v8
#define VI v8i
#define W 8
#define LOAD(pointer) (*(const fnas_v8 *)(pointer))
#define LOAD1(pointer) (*(pointer))
#define STORE(pointer, value) (*(fnas_v8 *)(pointer) = (value))
#define STORE1(pointer, value) (*(pointer) = (value))
#define LOAD_FLOATS LOAD
#define STORE_FLOATS STORE
#define KERNEL FNAS_MULTIVERSION

#include "compute/kernels.inc"

const fnas_kernels fnas_kernels_f32 = KERNEL_TABLE;

double fnas_lanes_total(const double *sum) {
    double total = 0;
    for (int l = 0; l < FNAS_LANES; l++) total += sum[l];
    return total;
}

double fnas_floats_dot(int64_t count, const float *a, const float *b) {
    double sum[FNAS_LANES] = {0};
    fnas_kernels_f32.dot((size_t)count, a, b, sum);
    return fnas_lanes_total(sum);
}
