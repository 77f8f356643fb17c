/* What passes are run on: a supernet with its weights, and images. */
#ifndef FNAS_BENCH_SUBJECT_H
#define FNAS_BENCH_SUBJECT_H

#include "nn/path.h"
#include "space/space.h"

typedef struct fnas_subject {
    fnas_space *space;
    fnas_parameters parameters; /* drawn from the seed */
    int64_t images, classes, image_floats;
    float *image_values; /* [images][C * H * W], N(0, 1); where networks take smaller ones, these lie at the beginning */
    int32_t *labels;     /* [images] */
} fnas_subject;

/* A space with images. */
FNAS_NODISCARD fnas_status fnas_subject_create(fnas_context *context, const char *spec, int64_t images, uint64_t seed,
                                               fnas_subject *subject);
void fnas_subject_free(fnas_subject *subject);

/* An architecture from a word (mixed, conv3, conv1, pool, skip) or the space's native string. choices [decisions]. */
#define FNAS_SUBJECT_CELLS "mixed|conv3|conv1|pool|skip|ARCH"
FNAS_NODISCARD fnas_status fnas_subject_cell(fnas_context *context, const fnas_space *space, const char *word, int32_t *choices);

/* Multiplications and additions (two a product) of the convolutions and linear layers of one image, forward, and backward what the wanted
 * gradients need: of data where a wanted gradient lies before, of weights where those are wanted. Padding is counted as if it were
 * multiplied, as everybody does. */
double fnas_net_flops(const fnas_net *net, bool weights, bool gates);

#endif
