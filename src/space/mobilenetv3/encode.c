/* What networks that predict accuracies take. "ofa" is the input of Once-for-All's accuracy predictor (Cai et al. 2020): a row of three for
 * each slot's kernel, one for each slot's expansion, and a row of eight for the resolution, in steps of 16 pixels from 112 on, so that what
 * lies between two steps is the same. "onehot" is D. In both, rows of slots beyond the depth are 0: a kernel's row is
 * active(slot) * D_kernel, and what it is worth to be active reaches the depths. */
#include <inttypes.h>
#include <string.h>

#include "space/mobilenetv3/mobilenetv3.h"

#define RESOLUTION_FIRST 112
#define RESOLUTION_STEP 16
#define RESOLUTION_STEPS 8
#define RESOLUTION_LAST (RESOLUTION_FIRST + RESOLUTION_STEPS * RESOLUTION_STEP - 1)
#define SLOT_CHOICES (FNAS_MBV3_SLOTS * FNAS_MBV3_CHOICES)

/* ---- rows of slots: kernels, then expansions ---- */

/* rows: of the one-hot, behind that of the resolution; input [2 SLOT_CHOICES], written. */
static void fnas_mbv3_encode_slots(const double *rows, double *input) {
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++) {
        double activity = fnas_mbv3_activity(rows, slot);
        for (int64_t k = 0; k < FNAS_MBV3_CHOICES; k++) {
            input[slot * FNAS_MBV3_CHOICES + k] = activity * rows[FNAS_MBV3_KERNEL_ROW(slot) + k];
            input[SLOT_CHOICES + slot * FNAS_MBV3_CHOICES + k] = activity * rows[FNAS_MBV3_EXPANSION_ROW(slot) + k];
        }
    }
}

static void fnas_mbv3_encode_slots_vjp(const double *rows, const double *diff_input, double *diff_rows) {
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++) {
        const double *kernel = diff_input + slot * FNAS_MBV3_CHOICES, *expansion = kernel + SLOT_CHOICES;
        double activity = fnas_mbv3_activity(rows, slot), diff_activity = 0;
        for (int64_t k = 0; k < FNAS_MBV3_CHOICES; k++) {
            int64_t at_kernel = FNAS_MBV3_KERNEL_ROW(slot) + k, at_expansion = FNAS_MBV3_EXPANSION_ROW(slot) + k;
            diff_rows[at_kernel] += activity * kernel[k];
            diff_rows[at_expansion] += activity * expansion[k];
            diff_activity += rows[at_kernel] * kernel[k] + rows[at_expansion] * expansion[k];
        }
        fnas_mbv3_activity_vjp(slot, diff_activity, diff_rows);
    }
}

/* ---- ofa ---- */

static int64_t fnas_mbv3_ofa_size(const fnas_space *space) {
    (void)space;
    return 2 * SLOT_CHOICES + RESOLUTION_STEPS;
}

static fnas_status fnas_mbv3_ofa_check(fnas_context *context, const char *where, const fnas_space *space) {
    const fnas_mbv3 *mbv3 = space->detail;
    int64_t first = mbv3->resolution_first, last = fnas_mbv3_largest_resolution(mbv3);
    if (first >= RESOLUTION_FIRST && last <= RESOLUTION_LAST) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: input \"ofa\" tells resolutions from %d to %d pixels, the space %s has them from %" PRId64 " to %" PRId64
                     ": use a network with the input \"onehot\", or other resolutions",
                     where, RESOLUTION_FIRST, RESOLUTION_LAST, space->spec, first, last);
}

static int64_t fnas_mbv3_ofa_step(const fnas_mbv3 *mbv3, int32_t choice) {
    return (fnas_mbv3_resolution(mbv3, choice) - RESOLUTION_FIRST) / RESOLUTION_STEP;
}

static void fnas_mbv3_ofa_encode(const fnas_space *space, const double *onehot, double *input) {
    const fnas_mbv3 *mbv3 = space->detail;
    fnas_mbv3_encode_slots(onehot + mbv3->resolution_count, input);
    double *steps = input + 2 * SLOT_CHOICES;
    memset(steps, 0, RESOLUTION_STEPS * sizeof *steps);
    for (int32_t r = 0; r < mbv3->resolution_count; r++) steps[fnas_mbv3_ofa_step(mbv3, r)] += onehot[r];
}

static void fnas_mbv3_ofa_encode_vjp(const fnas_space *space, const double *onehot, const double *diff_input, double *diff_onehot) {
    const fnas_mbv3 *mbv3 = space->detail;
    fnas_mbv3_encode_slots_vjp(onehot + mbv3->resolution_count, diff_input, diff_onehot + mbv3->resolution_count);
    for (int32_t r = 0; r < mbv3->resolution_count; r++) diff_onehot[r] += diff_input[2 * SLOT_CHOICES + fnas_mbv3_ofa_step(mbv3, r)];
}

/* ---- onehot ---- */

/* Entries of resolution and depths, before those of the slots. */
static int64_t fnas_mbv3_onehot_head(const fnas_mbv3 *mbv3) {
    return mbv3->resolution_count + FNAS_MBV3_KERNEL_ROW(0);
}

static void fnas_mbv3_onehot_encode(const fnas_space *space, const double *onehot, double *input) {
    const fnas_mbv3 *mbv3 = space->detail;
    int64_t head = fnas_mbv3_onehot_head(mbv3);
    memcpy(input, onehot, (size_t)head * sizeof *input);
    fnas_mbv3_encode_slots(onehot + mbv3->resolution_count, input + head);
}

static void fnas_mbv3_onehot_encode_vjp(const fnas_space *space, const double *onehot, const double *diff_input, double *diff_onehot) {
    const fnas_mbv3 *mbv3 = space->detail;
    int64_t head = fnas_mbv3_onehot_head(mbv3);
    for (int64_t i = 0; i < head; i++) diff_onehot[i] += diff_input[i];
    fnas_mbv3_encode_slots_vjp(onehot + mbv3->resolution_count, diff_input + head, diff_onehot + mbv3->resolution_count);
}

const fnas_space_encoding fnas_mbv3_encodings[] = {
    {"ofa", "accuracy", fnas_mbv3_ofa_check, fnas_mbv3_ofa_size, fnas_mbv3_ofa_encode, fnas_mbv3_ofa_encode_vjp},
    {"onehot", NULL, NULL, fnas_space_onehot_size, fnas_mbv3_onehot_encode, fnas_mbv3_onehot_encode_vjp},
    {.name = NULL}};
