/* Scores of architectures by untrained networks: a first guess at which is better. */
#ifndef FNAS_ESTIMATE_TRAINING_FREE_H
#define FNAS_ESTIMATE_TRAINING_FREE_H

#include "space/space.h"

typedef enum fnas_training_free_kind {
    FNAS_TRAINING_FREE_NASWOT,      /* naswot.h; looks at images */
    FNAS_TRAINING_FREE_SYNFLOW,     /* synflow.h; looks at none */
    FNAS_TRAINING_FREE_ZICO,        /* zico.h; looks at images and their labels */
    FNAS_TRAINING_FREE_MECO,        /* meco.h; looks at images */
    FNAS_TRAINING_FREE_EXPRESSIVITY /* expressivity.h; looks at images, best at noise */
} fnas_training_free_kind;
const char *fnas_training_free_name(fnas_training_free_kind kind); /* "naswot", ...: also the progress stage */

#define FNAS_TRAINING_FREE_REPEATS_MAX 100
#define FNAS_TRAINING_FREE_IMAGES_MAX 1024

typedef struct fnas_training_free_options {
    fnas_training_free_kind kind;
    uint64_t seed;
    int64_t repeats;       /* initialisations, 1 to 100, whose scores are averaged */
    int64_t image_count;   /* 2 (zico: 4) to 1024, no two of them equal; 0 for a kind that looks at none */
    const float *images;   /* [image_count, C, H, W] plain, normalised, of the space's shape; borrowed */
    const int32_t *labels; /* zico: [image_count], classes of the space; borrowed. NULL for others */
} fnas_training_free_options;

/* scores [count] of choices [count][decisions] of a space with images, as small as is wanted (fnas_space_derive), the higher, the better.
 * Weights are drawn as the supernet's are (nn/parameters.h), the same ones for every architecture, so that a score depends on nothing but
 * space, architecture, images and seed. -INFINITY for an architecture whose output does not depend on its input, and where NASWOT's
 * kernel is singular in any repeat; never NaN. What computes the same (fnas_space_canonical) is scored once. In parallel over
 * architectures on the context's threads; the outcome does not depend on them. Progress stage as the kind's name. scores are written on
 * success only. Errors: FNAS_ERR_INPUT (a space without networks, numbers out of range, a choice or a label out of range, images that are
 * equal or not finite, labels missing or without a use), FNAS_ERR_NUMERIC (a network whose numbers leave f32), FNAS_ERR_MEMORY,
 * FNAS_INTERRUPTED. */
FNAS_NODISCARD fnas_status fnas_training_free_scores(fnas_context *context, const fnas_space *space,
                                                     const fnas_training_free_options *options, int64_t count, const int32_t *choices,
                                                     double *scores);

#endif
