/* What is measured: inference graphs of a space's architectures with initialised weights, and statistics calibrated on images. Latency
 * hardly depends on the numbers, but a network with statistics that do not fit overflows or denormalises, and int8 needs ranges. */
#ifndef FNAS_DEVICE_SUBJECT_H
#define FNAS_DEVICE_SUBJECT_H

#include "device/batches.h"
#include "graph/graph.h"
#include "nn/parameters.h"
#include "nn/path.h"
#include "space/space.h"

typedef struct fnas_subject_source {
    const fnas_space *space;
    fnas_parameters parameters;
    fnas_worker worker;
    fnas_batches images; /* all of them, in the sizes of the networks so far */
} fnas_subject_source;

/* Uses the compute engine on the calling thread. Release with fnas_subject_source_free, also after a failure. */
FNAS_NODISCARD fnas_status fnas_subject_source_create(fnas_context *context, const fnas_space *space, uint64_t seed, int64_t image_count,
                                                      const float *images, fnas_subject_source *source);
void fnas_subject_source_free(fnas_subject_source *source);
FNAS_NODISCARD fnas_status fnas_subject_graph(fnas_context *context, fnas_subject_source *source, const int32_t *choices,
                                              fnas_graph **graph);
/* The images [image_count, C, H, W] in the size that a graph takes. Borrowed from the source. */
FNAS_NODISCARD fnas_status fnas_subject_images(fnas_context *context, fnas_subject_source *source, const fnas_graph *graph,
                                               const float **images);

#endif
