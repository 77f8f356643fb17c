/* MACs of one image and parameters, of the network alone (without the supernet's kernel transforms): convolutions and the linear layer with
 * their biases, which the convolutions of squeeze-and-excitation and the classifier have; norms count two parameters a channel. */
#include "space/mobilenetv3/mobilenetv3.h"

typedef struct fnas_mbv3_count {
    int64_t macs, params;
} fnas_mbv3_count;

static int64_t fnas_mbv3_pixels(fnas_value_shape shape) {
    return shape.h * shape.w;
}

/* in: of a group. */
static void fnas_mbv3_count_conv(fnas_mbv3_count *count, int64_t in, int64_t out, int64_t kernel, int64_t pixels, bool norm, bool bias) {
    int64_t weights = in * out * kernel * kernel;
    count->macs += (weights + (bias ? out : 0)) * pixels;
    count->params += weights + (norm ? 2 * out : 0) + (bias ? out : 0);
}

static void fnas_mbv3_count_unit(fnas_mbv3_count *count, const fnas_mbv3_block *block) {
    int64_t squeezed = fnas_mbv3_squeezed(block->middle);
    if (block->middle != block->in.c) fnas_mbv3_count_conv(count, block->in.c, block->middle, 1, fnas_mbv3_pixels(block->in), true, false);
    fnas_mbv3_count_conv(count, 1, block->middle, block->kernel, fnas_mbv3_pixels(block->out), true, false);
    if (block->squeeze) fnas_mbv3_count_conv(count, block->middle, squeezed, 1, 1, false, true);
    if (block->squeeze) fnas_mbv3_count_conv(count, squeezed, block->middle, 1, 1, false, true);
    fnas_mbv3_count_conv(count, block->middle, block->out.c, 1, fnas_mbv3_pixels(block->out), true, false);
}

static void fnas_mbv3_count_block(fnas_mbv3_count *count, const fnas_mbv3_block *block) {
    switch (block->kind) {
    case FNAS_MBV3_STEM:
        fnas_mbv3_count_conv(count, block->in.c, block->out.c, 3, fnas_mbv3_pixels(block->out), true, false);
        break;
    case FNAS_MBV3_UNIT:
        fnas_mbv3_count_unit(count, block);
        break;
    case FNAS_MBV3_LAST:
        fnas_mbv3_count_conv(count, block->in.c, block->out.c, 1, fnas_mbv3_pixels(block->out), true, false);
        break;
    case FNAS_MBV3_POOL:
        break;
    case FNAS_MBV3_MIX:
        fnas_mbv3_count_conv(count, block->in.c, block->out.c, 1, 1, false, false);
        break;
    case FNAS_MBV3_CLASSIFIER:
        fnas_mbv3_count_conv(count, block->in.c, block->out.c, 1, 1, false, true);
        break;
    }
}

static fnas_mbv3_count fnas_mbv3_count_net(const fnas_space *space, const int32_t *choices) {
    fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX];
    fnas_mbv3_count count = {0, 0};
    int64_t block_count = fnas_mbv3_blocks(space->detail, choices, blocks);
    for (int64_t i = 0; i < block_count; i++) fnas_mbv3_count_block(&count, &blocks[i]);
    return count;
}

int64_t fnas_mbv3_macs(const fnas_space *space, const int32_t *choices) {
    return fnas_mbv3_count_net(space, choices).macs;
}

int64_t fnas_mbv3_params(const fnas_space *space, const int32_t *choices) {
    return fnas_mbv3_count_net(space, choices).params;
}
