/* Cost features of a network. A unit's time depends on its shape, which follows from its stage and whether it is the first there, on its
 * kernel and on its expansion; it has a part for each unit, however small the image is, and one for each pixel. So the features are, for
 * each of these 5 x 2 x 3 x 3 kinds of units,
 *
 *     count_g = sum over the slots of g of active(slot) * D_kernel * D_expansion,     active = sum of D_depth over the depths beyond it,
 *
 * then all count_g * area_s, with the stage's pixels in relation to those at the largest resolution, area_s = sum over r of D_r * pixels;
 * at last the area of the stem, for what every network has. Polynomials in D, exact where it is one-hot. */
#include <string.h>

#include "space/mobilenetv3/mobilenetv3.h"

#define PAIRS (FNAS_MBV3_CHOICES * FNAS_MBV3_CHOICES)
#define KINDS (FNAS_MBV3_STAGES * 2 * PAIRS)
#define FEATURES (2 * KINDS + 1)

int64_t fnas_mbv3_cost_feature_count(const fnas_space *space) {
    (void)space;
    return FEATURES;
}

/* Stage -1 is the stem. */
static int64_t fnas_mbv3_side(int64_t resolution, int64_t stage) {
    static const int64_t halvings[FNAS_MBV3_STAGES] = {2, 3, 4, 4, 5};
    int64_t side = resolution;
    for (int64_t i = 0; i < (stage < 0 ? 1 : halvings[stage]); i++) side = (side + 1) / 2;
    return side;
}

static double fnas_mbv3_pixels(const fnas_mbv3 *mbv3, int32_t resolution, int64_t stage) {
    double side = (double)fnas_mbv3_side(fnas_mbv3_resolution(mbv3, resolution), stage),
           most = (double)fnas_mbv3_side(fnas_mbv3_largest_resolution(mbv3), stage);
    return side * side / (most * most);
}

static double fnas_mbv3_area(const fnas_mbv3 *mbv3, const double *onehot, int64_t stage) {
    double area = 0;
    for (int32_t r = 0; r < mbv3->resolution_count; r++) area += onehot[r] * fnas_mbv3_pixels(mbv3, r, stage);
    return area;
}

static void fnas_mbv3_areas(const fnas_mbv3 *mbv3, const double *onehot, double areas[FNAS_MBV3_STAGES]) {
    for (int64_t stage = 0; stage < FNAS_MBV3_STAGES; stage++) areas[stage] = fnas_mbv3_area(mbv3, onehot, stage);
}

double fnas_mbv3_activity(const double *rows, int64_t slot) {
    double activity = 0;
    for (int64_t k = 0; k < FNAS_MBV3_CHOICES; k++)
        if (slot % FNAS_MBV3_STAGE_SLOTS < fnas_mbv3_depths[k]) activity += rows[FNAS_MBV3_DEPTH_ROW(slot / FNAS_MBV3_STAGE_SLOTS) + k];
    return activity;
}

void fnas_mbv3_activity_vjp(int64_t slot, double diff_activity, double *diff_rows) {
    for (int64_t k = 0; k < FNAS_MBV3_CHOICES; k++)
        if (slot % FNAS_MBV3_STAGE_SLOTS < fnas_mbv3_depths[k])
            diff_rows[FNAS_MBV3_DEPTH_ROW(slot / FNAS_MBV3_STAGE_SLOTS) + k] += diff_activity;
}

/* The first kind of a slot's stage and place. */
static int64_t fnas_mbv3_kinds_of(int64_t slot) {
    return (slot / FNAS_MBV3_STAGE_SLOTS * 2 + (slot % FNAS_MBV3_STAGE_SLOTS > 0)) * PAIRS;
}

static void fnas_mbv3_unit_counts(const double *rows, double counts[KINDS]) {
    memset(counts, 0, KINDS * sizeof *counts);
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++) {
        const double *kernel = rows + FNAS_MBV3_KERNEL_ROW(slot), *expansion = rows + FNAS_MBV3_EXPANSION_ROW(slot);
        double activity = fnas_mbv3_activity(rows, slot), *of = counts + fnas_mbv3_kinds_of(slot);
        for (int64_t pair = 0; pair < PAIRS; pair++)
            of[pair] += activity * kernel[pair / FNAS_MBV3_CHOICES] * expansion[pair % FNAS_MBV3_CHOICES];
    }
}

void fnas_mbv3_cost_features(const fnas_space *space, const double *onehot, double *features) {
    const fnas_mbv3 *mbv3 = space->detail;
    double areas[FNAS_MBV3_STAGES];
    fnas_mbv3_unit_counts(onehot + mbv3->resolution_count, features);
    fnas_mbv3_areas(mbv3, onehot, areas);
    for (int64_t g = 0; g < KINDS; g++) features[KINDS + g] = features[g] * areas[g / (2 * PAIRS)];
    features[2 * KINDS] = fnas_mbv3_area(mbv3, onehot, -1);
}

/* slope: of the unit counts. */
static void fnas_mbv3_unit_counts_vjp(const double *rows, const double slope[KINDS], double *diff_rows) {
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++) {
        const double *kernel = rows + FNAS_MBV3_KERNEL_ROW(slot), *expansion = rows + FNAS_MBV3_EXPANSION_ROW(slot);
        const double *of = slope + fnas_mbv3_kinds_of(slot);
        double activity = fnas_mbv3_activity(rows, slot), diff_activity = 0;
        for (int64_t pair = 0; pair < PAIRS; pair++) {
            int64_t k = pair / FNAS_MBV3_CHOICES, e = pair % FNAS_MBV3_CHOICES;
            diff_activity += of[pair] * kernel[k] * expansion[e];
            diff_rows[FNAS_MBV3_KERNEL_ROW(slot) + k] += of[pair] * activity * expansion[e];
            diff_rows[FNAS_MBV3_EXPANSION_ROW(slot) + e] += of[pair] * activity * kernel[k];
        }
        fnas_mbv3_activity_vjp(slot, diff_activity, diff_rows);
    }
}

void fnas_mbv3_cost_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot) {
    const fnas_mbv3 *mbv3 = space->detail;
    double counts[KINDS], slope[KINDS], areas[FNAS_MBV3_STAGES], diff_area[FNAS_MBV3_STAGES] = {0};
    fnas_mbv3_unit_counts(onehot + mbv3->resolution_count, counts);
    fnas_mbv3_areas(mbv3, onehot, areas);
    for (int64_t g = 0; g < KINDS; g++) {
        int64_t stage = g / (2 * PAIRS);
        slope[g] = diff_features[g] + diff_features[KINDS + g] * areas[stage];
        diff_area[stage] += diff_features[KINDS + g] * counts[g];
    }
    fnas_mbv3_unit_counts_vjp(onehot + mbv3->resolution_count, slope, diff_onehot + mbv3->resolution_count);
    for (int32_t r = 0; r < mbv3->resolution_count; r++) {
        diff_onehot[r] += diff_features[2 * KINDS] * fnas_mbv3_pixels(mbv3, r, -1);
        for (int64_t stage = 0; stage < FNAS_MBV3_STAGES; stage++) diff_onehot[r] += diff_area[stage] * fnas_mbv3_pixels(mbv3, r, stage);
    }
}
