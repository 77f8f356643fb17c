/* A named set of float32 tensors in one flat array: weights, and in the same layout their gradients and moments, so that optimisers stream.
 */
#ifndef FNAS_NN_PARAMETERS_H
#define FNAS_NN_PARAMETERS_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_PARAMETER_NONE (-1)

typedef enum fnas_initialiser {
    FNAS_INIT_FAN_IN_UNIFORM, /* U(-1/sqrt(fan_in), 1/sqrt(fan_in)); fan_in = product of the shape behind its first axis, or given */
    FNAS_INIT_ZERO,
    FNAS_INIT_ONE,
    FNAS_INIT_IDENTITY /* of a square matrix */
} fnas_initialiser;

typedef struct fnas_parameter {
    char *name;
    int rank;         /* 1..4 */
    int64_t shape[4]; /* plain layout: OIHW for convolutions, [O][I] for linear layers, [C] for vectors */
    int64_t count;    /* product of shape */
    int64_t offset;   /* first float in the flat arrays, a multiple of 16 */
    fnas_initialiser initialiser;
    int64_t fan_in;
} fnas_parameter;

typedef struct fnas_parameters {
    fnas_parameter *items;
    int64_t item_count;
    int64_t float_count; /* of the flat array, with padding (padding stays 0) */
    float *values;       /* [float_count]; NULL until fnas_parameters_allocate */
    size_t item_capacity;
} fnas_parameters;

/* Adds a tensor; *index is its handle. fan_in 0: computed from the shape. */
FNAS_NODISCARD fnas_status fnas_parameters_add(fnas_context *context, fnas_parameters *parameters, const char *name, int rank,
                                               const int64_t *shape, fnas_initialiser initialiser, int64_t fan_in, int32_t *index);
FNAS_NODISCARD fnas_status fnas_parameters_allocate(fnas_context *context, fnas_parameters *parameters);
/* Draws every tensor from its own Philox stream (seed, FNAS_STREAM_INIT, item). */
void fnas_parameters_initialise(fnas_parameters *parameters, uint64_t seed);
int32_t fnas_parameters_find(const fnas_parameters *parameters, const char *name); /* FNAS_PARAMETER_NONE when absent */
void fnas_parameters_free(fnas_parameters *parameters);

#endif
