/* What networks that predict accuracies take. "ofa" is the input of Once-for-All's accuracy predictor (Cai et al. 2020): a row of three for
 * each slot's kernel, one for each slot's expansion, and a row of eight for the resolution, in steps of 16 pixels from 112 on, so that what
 * lies between two steps is the same. "onehot" is D. In both, rows of slots beyond the depth are 0: a kernel's row is
 * active(slot) * D_kernel, and what it is worth to be active reaches the depths. */
#include <string.h>

#include "space/mobilenetv3/mobilenetv3.h"

#define RESOLUTION_FIRST 112
#define RESOLUTION_STEP 16
#define RESOLUTION_STEPS 8
#define SLOT_CHOICES (FNAS_MBV3_SLOTS * FNAS_MBV3_CHOICES)

/* ---- rows of slots: kernels, then expansions ---- */

/* rows [2 SLOT_CHOICES], written. */
static void fnas_mbv3_encode_slots(const double *onehot, double *rows) {
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++) {
        double activity = fnas_mbv3_activity(onehot, slot);
        for (int64_t k = 0; k < FNAS_MBV3_CHOICES; k++) {
            rows[slot * FNAS_MBV3_CHOICES + k] = activity * onehot[FNAS_MBV3_KERNEL_ROW(slot) + k];
            rows[SLOT_CHOICES + slot * FNAS_MBV3_CHOICES + k] = activity * onehot[FNAS_MBV3_EXPANSION_ROW(slot) + k];
        }
    }
}

static void fnas_mbv3_encode_slots_vjp(const double *onehot, const double *diff_rows, double *diff_onehot) {
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++) {
        const double *kernel = diff_rows + slot * FNAS_MBV3_CHOICES, *expansion = kernel + SLOT_CHOICES;
        double activity = fnas_mbv3_activity(onehot, slot), diff_activity = 0;
        for (int64_t k = 0; k < FNAS_MBV3_CHOICES; k++) {
            int64_t at_kernel = FNAS_MBV3_KERNEL_ROW(slot) + k, at_expansion = FNAS_MBV3_EXPANSION_ROW(slot) + k;
            diff_onehot[at_kernel] += activity * kernel[k];
            diff_onehot[at_expansion] += activity * expansion[k];
            diff_activity += onehot[at_kernel] * kernel[k] + onehot[at_expansion] * expansion[k];
        }
        fnas_mbv3_activity_vjp(slot, diff_activity, diff_onehot);
    }
}

/* ---- ofa ---- */

static int64_t fnas_mbv3_ofa_size(const fnas_space *space) {
    (void)space;
    return 2 * SLOT_CHOICES + RESOLUTION_STEPS;
}

static int64_t fnas_mbv3_ofa_step(int32_t resolution) {
    return (fnas_mbv3_resolution(resolution) - RESOLUTION_FIRST) / RESOLUTION_STEP;
}

static void fnas_mbv3_ofa_encode(const fnas_space *space, const double *onehot, double *input) {
    (void)space;
    fnas_mbv3_encode_slots(onehot, input);
    double *steps = input + 2 * SLOT_CHOICES;
    memset(steps, 0, RESOLUTION_STEPS * sizeof *steps);
    for (int32_t r = 0; r < FNAS_MBV3_RESOLUTIONS; r++) steps[fnas_mbv3_ofa_step(r)] += onehot[r];
}

static void fnas_mbv3_ofa_encode_vjp(const fnas_space *space, const double *onehot, const double *diff_input, double *diff_onehot) {
    (void)space;
    fnas_mbv3_encode_slots_vjp(onehot, diff_input, diff_onehot);
    for (int32_t r = 0; r < FNAS_MBV3_RESOLUTIONS; r++) diff_onehot[r] += diff_input[2 * SLOT_CHOICES + fnas_mbv3_ofa_step(r)];
}

/* ---- onehot ---- */

/* Rows of resolution and depths, before those of the slots. */
#define HEAD FNAS_MBV3_KERNEL_ROW(0)

static void fnas_mbv3_onehot_encode(const fnas_space *space, const double *onehot, double *input) {
    (void)space;
    memcpy(input, onehot, HEAD * sizeof *input);
    fnas_mbv3_encode_slots(onehot, input + HEAD);
}

static void fnas_mbv3_onehot_encode_vjp(const fnas_space *space, const double *onehot, const double *diff_input, double *diff_onehot) {
    (void)space;
    for (int64_t i = 0; i < HEAD; i++) diff_onehot[i] += diff_input[i];
    fnas_mbv3_encode_slots_vjp(onehot, diff_input + HEAD, diff_onehot);
}

const fnas_space_encoding fnas_mbv3_encodings[] = {
    {"ofa", "accuracy", fnas_mbv3_ofa_size, fnas_mbv3_ofa_encode, fnas_mbv3_ofa_encode_vjp},
    {"onehot", NULL, fnas_space_onehot_size, fnas_mbv3_onehot_encode, fnas_mbv3_onehot_encode_vjp},
    {.name = NULL}};
