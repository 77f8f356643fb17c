/* MACs of one image and parameters, as the benchmark counts them: convolutions and the linear layer with its bias (norms and pools are free
 * of MACs), parameters with affine norms and without convolution biases; every module of a cell counts, whether it reaches the output or
 * not. */
#include "space/nb201/nb201.h"

typedef struct fnas_nb201_count {
    int64_t macs, params;
} fnas_nb201_count;

static void fnas_nb201_count_conv(fnas_nb201_count *count, int64_t in, fnas_value_shape out, int64_t kernel, bool norm) {
    int64_t weights = in * out.c * kernel * kernel;
    count->macs += weights * out.h * out.w;
    count->params += weights + (norm ? 2 * out.c : 0);
}

static void fnas_nb201_count_reduction(fnas_nb201_count *count, fnas_value_shape out) {
    fnas_nb201_count_conv(count, out.c / 2, out, 3, true);
    fnas_nb201_count_conv(count, out.c, out, 3, true);
    fnas_nb201_count_conv(count, out.c / 2, out, 1, false);
}

static void fnas_nb201_count_cell(fnas_nb201_count *count, fnas_value_shape shape, const int32_t *choices) {
    for (int edge = 0; edge < FNAS_NB201_EDGES; edge++) {
        if (choices[edge] == FNAS_NB201_CONV1) fnas_nb201_count_conv(count, shape.c, shape, 1, true);
        if (choices[edge] == FNAS_NB201_CONV3) fnas_nb201_count_conv(count, shape.c, shape, 3, true);
    }
}

static fnas_nb201_count fnas_nb201_count_net(const fnas_nb201 *nb201, const int32_t *choices) {
    fnas_nb201_count count = {0, 0};
    fnas_nb201_count_conv(&count, nb201->image[0], fnas_nb201_stage_shape(nb201, 0), 3, true);
    for (int64_t stage = 0; stage < FNAS_NB201_STAGES; stage++) {
        fnas_value_shape shape = fnas_nb201_stage_shape(nb201, stage);
        if (stage > 0) fnas_nb201_count_reduction(&count, shape);
        for (int64_t cell = 0; cell < nb201->cells; cell++) fnas_nb201_count_cell(&count, shape, choices);
    }
    int64_t features = fnas_nb201_stage_shape(nb201, FNAS_NB201_STAGES - 1).c;
    count.macs += nb201->classes * (features + 1);
    count.params += 2 * features + nb201->classes * (features + 1);
    return count;
}

int64_t fnas_nb201_macs(const fnas_space *space, const int32_t *choices) {
    return fnas_nb201_count_net(space->detail, choices).macs;
}

int64_t fnas_nb201_params(const fnas_space *space, const int32_t *choices) {
    return fnas_nb201_count_net(space->detail, choices).params;
}
