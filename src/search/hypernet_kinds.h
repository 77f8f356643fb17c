/* What a kind of hypernetwork has to give; hypernet.c dispatches to it. */
#ifndef FNAS_SEARCH_HYPERNET_KINDS_H
#define FNAS_SEARCH_HYPERNET_KINDS_H

#include "search/hypernet.h"

/* One item: preference [objectives], embedding [embedding], workspace [workspace_floats] kept from forward to backward, logits [outputs].
 */
typedef struct fnas_hypernet_ops {
    const char *name;
    int64_t (*parameter_count)(const fnas_hypernet_shape *shape);
    int64_t (*workspace_floats)(const fnas_hypernet_shape *shape);
    void (*randomise)(const fnas_hypernet_shape *shape, uint64_t seed, float *parameters);
    /* From the random start to (nearly) uniform distributions. */
    fnas_status (*flatten)(fnas_context *context, const fnas_hypernet_shape *shape, uint64_t seed, int64_t device_count,
                           const double *embeddings, float *parameters);
    void (*forward)(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const double *embedding,
                    float *workspace, double *logits);
    void (*backward)(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const double *embedding,
                     const float *workspace, const double *diff_logits, float *gradient);
    int64_t (*block_count)(const fnas_hypernet_shape *shape);
    fnas_hypernet_block (*block_at)(const fnas_hypernet_shape *shape, int64_t block);
    void (*touch)(const fnas_hypernet_shape *shape, const double *preference, uint8_t *touched);
} fnas_hypernet_ops;

extern const fnas_hypernet_ops fnas_hypernet_table_ops;
extern const fnas_hypernet_ops fnas_hypernet_continuous_ops;

/* Random draws of a hypernetwork, each purpose with its own stream. */
enum { FNAS_HYPERNET_DRAW_WEIGHTS = 0, FNAS_HYPERNET_DRAW_DEVICES = 1, FNAS_HYPERNET_DRAW_PROBES = 2 };

#endif
