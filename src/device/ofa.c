#include "device/ofa.h"

#include <stdio.h>
#include <string.h>

fnas_status fnas_ofa_space(fnas_context *context, const fnas_space *space, const fnas_mbv3 **mbv3) {
    *mbv3 = fnas_mbv3_of(space);
    if (*mbv3) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "OFA's latency tables are of MobileNetV3's blocks, the space is %s: use mobilenetv3",
                     fnas_space_name(space));
}

static void set_shape(fnas_value_shape from, int64_t shape[3]) {
    shape[0] = from.h;
    shape[1] = from.w;
    shape[2] = from.c;
}

fnas_ofa_block fnas_ofa_block_of(const fnas_mbv3_block *block) {
    static const char *const types[] = {
        [FNAS_MBV3_STEM] = "Conv",      [FNAS_MBV3_UNIT] = "expanded_conv", [FNAS_MBV3_LAST] = "Conv_1",
        [FNAS_MBV3_POOL] = "AvgPool2D", [FNAS_MBV3_MIX] = "Conv_2",         [FNAS_MBV3_CLASSIFIER] = "Logits"};
    fnas_ofa_block made = {.output_rank = 3, .skip = -1, .squeeze = -1, .hard_swish = -1};
    snprintf(made.type, sizeof made.type, "%s", types[block->kind]);
    set_shape(block->in, made.input);
    set_shape(block->out, made.output);
    if (block->kind == FNAS_MBV3_CLASSIFIER) {
        made.output_rank = 1;
        made.output[0] = block->out.c;
    }
    if (block->kind != FNAS_MBV3_UNIT) return made;
    made.expand = block->middle; /* in channels, as OFA writes it for MobileNetV3 */
    made.kernel = block->kernel;
    made.stride = block->stride;
    made.skip = block->skip;
    made.squeeze = block->squeeze;
    made.hard_swish = block->hard_swish;
    return made;
}

int64_t fnas_ofa_find_block(int64_t count, const fnas_ofa_block *blocks, const fnas_ofa_block *block) {
    for (int64_t i = 0; i < count; i++)
        if (fnas_ofa_block_equal(&blocks[i], block)) return i;
    return -1;
}

int64_t fnas_ofa_all_blocks(const fnas_mbv3 *mbv3, int32_t resolution, fnas_ofa_block blocks[FNAS_OFA_BLOCKS_MAX]) {
    int64_t count = 0;
    for (int64_t index = 0; index < FNAS_MBV3_COVERING; index++) {
        int32_t choices[FNAS_MBV3_DECISIONS];
        fnas_mbv3_block own[FNAS_MBV3_BLOCKS_MAX];
        fnas_mbv3_covering(resolution, index, choices);
        int64_t own_count = fnas_mbv3_blocks(mbv3, choices, own);
        for (int64_t i = 0; i < own_count; i++) {
            fnas_ofa_block block = fnas_ofa_block_of(&own[i]);
            if (fnas_ofa_find_block(count, blocks, &block) < 0) blocks[count++] = block;
        }
    }
    return count;
}
