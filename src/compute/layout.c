#include <string.h>

#include "compute/engine.h"

static int64_t blocks_of(int64_t channels, int64_t block) {
    return (channels + block - 1) / block;
}

int64_t fnas_shape_elements(fnas_shape shape) {
    return shape.n * shape.c * shape.h * shape.w;
}

size_t fnas_shape_blocked_elements(fnas_shape shape, int64_t block) {
    return (size_t)(shape.n * blocks_of(shape.c, block) * block * shape.h * shape.w);
}

size_t fnas_shape_floats(fnas_shape shape, int64_t block) {
    return (fnas_shape_blocked_elements(shape, block) + 15) / 16 * 16;
}

void fnas_layout_pack(int64_t block, fnas_shape shape, const float *nchw, float *blocked) {
    int64_t plane = shape.h * shape.w, blocks = blocks_of(shape.c, block);
    if (shape.c % block != 0) memset(blocked, 0, (size_t)(shape.n * blocks * block * plane) * sizeof *blocked);
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t c = 0; c < shape.c; c++) {
            const float *from = nchw + (n * shape.c + c) * plane;
            float *to = blocked + (n * blocks + c / block) * plane * block + c % block;
            for (int64_t i = 0; i < plane; i++) to[i * block] = from[i];
        }
}

void fnas_layout_unpack(int64_t block, fnas_shape shape, const float *blocked, float *nchw) {
    int64_t plane = shape.h * shape.w, blocks = blocks_of(shape.c, block);
    for (int64_t n = 0; n < shape.n; n++)
        for (int64_t c = 0; c < shape.c; c++) {
            const float *from = blocked + (n * blocks + c / block) * plane * block + c % block;
            float *to = nchw + (n * shape.c + c) * plane;
            for (int64_t i = 0; i < plane; i++) to[i] = from[i * block];
        }
}
