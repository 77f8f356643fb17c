/* The MetaHypernetwork (MODNAS, Sukthanker et al. 2025, section 3): from a preference on the simplex and a device embedding to the logits
 * of every decision. */
#ifndef FNAS_SEARCH_HYPERNET_HYPERNET_H
#define FNAS_SEARCH_HYPERNET_HYPERNET_H

#include "base/error.h"

typedef enum fnas_hypernet_kind {
    FNAS_HYPERNET_TABLE, /* the paper's: 50 tables of 101 rows mixed by attention over a key matrix; rows interpolated; M = 2: one table on
                            r_1; M > 2: one an objective, summed */
    FNAS_HYPERNET_CONTINUOUS /* a small network on (r, d) */
} fnas_hypernet_kind;

#define FNAS_HYPERNET_OBJECTIVES_MAX 16
#define FNAS_HYPERNET_EMBEDDING_MAX 256

/* Within these limits; fnas_hypernet_initialise checks them. */
typedef struct fnas_hypernet_shape {
    fnas_hypernet_kind kind;
    int64_t objectives; /* M >= 2: length of a preference */
    int64_t embedding;  /* length of a device embedding */
    int64_t outputs;    /* length of the logits: the space's one-hot size */
} fnas_hypernet_shape;

/* Parameters are one flat array that the caller owns: [fnas_hypernet_parameter_count]. */
int64_t fnas_hypernet_parameter_count(const fnas_hypernet_shape *shape);

/* How a search's hypernetwork begins. */
typedef enum fnas_start_kind { FNAS_START_FLAT, FNAS_START_RANDOM } fnas_start_kind;

/* Random start (table: N(0, 1)); FNAS_START_FLAT: then pre-trained to uniform distributions (|logits| < 0.1) for the given devices
 * [device_count][embedding], for others like them, and for all preferences. device_count may be 0. Errors: FNAS_ERR_INPUT (shape out of its
 * limits), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_hypernet_initialise(fnas_context *context, const fnas_hypernet_shape *shape, fnas_start_kind start,
                                                    uint64_t seed, int64_t device_count, const double *embeddings, float *parameters);
/* The random start alone, never trained: the untrained hypernetwork that results are compared with. */
void fnas_hypernet_randomise(const fnas_hypernet_shape *shape, uint64_t seed, float *parameters);

/* Logits of a batch: preferences [count][objectives], embeddings [count][embedding] -> logits [count][outputs]. workspace:
 * fnas_hypernet_workspace_floats(shape, count) floats of the caller, kept for the backward. */
int64_t fnas_hypernet_workspace_floats(const fnas_hypernet_shape *shape, int64_t count);
void fnas_hypernet_forward(const fnas_hypernet_shape *shape, const float *parameters, int64_t count, const double *preferences,
                           const double *embeddings, float *workspace, double *logits);
/* Adds the gradient of item `item` alone to gradient [parameter_count]: per-device gradients are sums over a device's items. preferences,
 * embeddings and workspace are the whole batch's of the forward; diff_logits [outputs] is this item's alone. */
void fnas_hypernet_backward(const fnas_hypernet_shape *shape, const float *parameters, int64_t item, const double *preferences,
                            const double *embeddings, const float *workspace, const double *diff_logits, float *gradient);

#endif
