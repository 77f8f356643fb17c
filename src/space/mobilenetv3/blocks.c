#include "space/mobilenetv3/mobilenetv3.h"

/* By stage (Howard et al. 2019, MobileNetV3-Large). */
static const int64_t strides[FNAS_MBV3_STAGES] = {2, 2, 2, 1, 2};
static const bool squeezes[FNAS_MBV3_STAGES] = {false, true, false, true, true};
static const bool hard_swishes[FNAS_MBV3_STAGES] = {false, false, true, true, true};

const int64_t fnas_mbv3_depths[FNAS_MBV3_CHOICES] = {2, 3, 4}, fnas_mbv3_kernels[FNAS_MBV3_CHOICES] = {3, 5, 7},
              fnas_mbv3_expansions[FNAS_MBV3_CHOICES] = {3, 4, 6};

int64_t fnas_mbv3_resolution(const fnas_mbv3 *mbv3, int32_t choice) {
    return mbv3->resolution_first + mbv3->resolution_step * choice;
}

int64_t fnas_mbv3_largest_resolution(const fnas_mbv3 *mbv3) {
    return fnas_mbv3_resolution(mbv3, (int32_t)mbv3->resolution_count - 1);
}

int32_t fnas_mbv3_resolution_choice(const fnas_mbv3 *mbv3, int64_t resolution) {
    int64_t beyond = resolution - mbv3->resolution_first;
    if (beyond < 0 || resolution > fnas_mbv3_largest_resolution(mbv3) || beyond % mbv3->resolution_step != 0) return -1;
    return (int32_t)(beyond / mbv3->resolution_step);
}

int64_t fnas_mbv3_round_channels(int64_t hundredths) {
    int64_t rounded = (hundredths + 400) / 800 * 8;
    if (rounded < 8) rounded = 8;
    return 1000 * rounded < 9 * hundredths ? rounded + 8 : rounded;
}

int64_t fnas_mbv3_squeezed(int64_t channels) {
    return fnas_mbv3_round_channels(channels / 4 * 100);
}

bool fnas_mbv3_stage_squeezes(int64_t stage) {
    return squeezes[stage];
}

bool fnas_mbv3_is_active(const int32_t *choices, int64_t slot) {
    return slot % FNAS_MBV3_STAGE_SLOTS < fnas_mbv3_depths[choices[FNAS_MBV3_DEPTH + slot / FNAS_MBV3_STAGE_SLOTS]];
}

/* With the padding of half a kernel, whatever the kernel. */
static fnas_value_shape behind(fnas_value_shape in, int64_t channels, int64_t stride) {
    return (fnas_value_shape){channels, (in.h - 1) / stride + 1, (in.w - 1) / stride + 1};
}

static fnas_mbv3_block unit_of(const fnas_mbv3 *mbv3, const int32_t *choices, int64_t slot, fnas_value_shape in) {
    int64_t stage = slot / FNAS_MBV3_STAGE_SLOTS, stride = slot % FNAS_MBV3_STAGE_SLOTS ? 1 : strides[stage];
    return (fnas_mbv3_block){.kind = FNAS_MBV3_UNIT,
                             .in = in,
                             .out = behind(in, mbv3->stages[stage], stride),
                             .slot = slot,
                             .middle = in.c * fnas_mbv3_expansions[choices[FNAS_MBV3_EXPANSION + slot]],
                             .kernel = fnas_mbv3_kernels[choices[FNAS_MBV3_KERNEL + slot]],
                             .stride = stride,
                             .skip = stride == 1 && in.c == mbv3->stages[stage],
                             .squeeze = squeezes[stage],
                             .hard_swish = hard_swishes[stage]};
}

int64_t fnas_mbv3_blocks(const fnas_mbv3 *mbv3, const int32_t *choices, fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX]) {
    int64_t count = 0, side = fnas_mbv3_resolution(mbv3, choices[FNAS_MBV3_RESOLUTION]);
    fnas_value_shape at = {3, side, side}, next = behind(at, mbv3->stem, 2);
    blocks[count++] = (fnas_mbv3_block){.kind = FNAS_MBV3_STEM, .in = at, .out = next};
    at = next;
    next.c = mbv3->first;
    blocks[count++] = (fnas_mbv3_block){
        .kind = FNAS_MBV3_UNIT, .in = at, .out = next, .slot = -1, .middle = at.c, .kernel = 3, .stride = 1, .skip = at.c == next.c};
    at = next;
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++) {
        if (!fnas_mbv3_is_active(choices, slot)) continue;
        blocks[count] = unit_of(mbv3, choices, slot, at);
        at = blocks[count++].out;
    }
    fnas_value_shape wide = {mbv3->last, at.h, at.w}, pooled = {mbv3->last, 1, 1}, mixed = {mbv3->mixed, 1, 1},
                     logits = {mbv3->classes, 1, 1};
    blocks[count++] = (fnas_mbv3_block){.kind = FNAS_MBV3_LAST, .in = at, .out = wide};
    blocks[count++] = (fnas_mbv3_block){.kind = FNAS_MBV3_POOL, .in = wide, .out = pooled};
    blocks[count++] = (fnas_mbv3_block){.kind = FNAS_MBV3_MIX, .in = pooled, .out = mixed};
    blocks[count++] = (fnas_mbv3_block){.kind = FNAS_MBV3_CLASSIFIER, .in = mixed, .out = logits};
    return count;
}

/* Slots go through their nine pairs of kernel and expansion from places of their own, so that a network mixes them. */
void fnas_mbv3_covering(int32_t resolution, int64_t index, int32_t choices[FNAS_MBV3_DECISIONS]) {
    choices[FNAS_MBV3_RESOLUTION] = resolution;
    for (int64_t stage = 0; stage < FNAS_MBV3_STAGES; stage++) choices[FNAS_MBV3_DEPTH + stage] = FNAS_MBV3_CHOICES - 1;
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++) {
        int64_t pair = (index + 4 * slot) % FNAS_MBV3_COVERING;
        choices[FNAS_MBV3_KERNEL + slot] = (int32_t)(pair / FNAS_MBV3_CHOICES);
        choices[FNAS_MBV3_EXPANSION + slot] = (int32_t)(pair % FNAS_MBV3_CHOICES);
    }
}
