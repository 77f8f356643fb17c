/* What a kind of hypernetwork has to give; hypernet.c and gradients.c dispatch to it. */
#ifndef FNAS_SEARCH_HYPERNET_KINDS_H
#define FNAS_SEARCH_HYPERNET_KINDS_H

#include "search/hypernet/hypernet.h"

/* One item: preference [objectives], embedding [embedding], workspace [workspace_floats] kept from forward to backward, logits [outputs].
 * twin: the workspace of an item with the same embedding whose forward is done, or NULL; with it and without it the bits are the same.
 *
 * A sum holds the gradient of items that share one embedding, in the form whose products cost least: sum_bytes of memory, 0 at first. What
 * is added counts once it is settled. */
typedef struct fnas_hypernet_ops {
    const char *name;
    int64_t (*parameter_count)(const fnas_hypernet_shape *shape);
    int64_t (*workspace_floats)(const fnas_hypernet_shape *shape);
    void (*randomise)(const fnas_hypernet_shape *shape, uint64_t seed, float *parameters);
    /* From the random start to (nearly) uniform distributions. */
    fnas_status (*flatten)(fnas_context *context, const fnas_hypernet_shape *shape, uint64_t seed, int64_t device_count,
                           const double *embeddings, float *parameters);
    void (*forward)(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const double *embedding,
                    const float *twin, float *workspace, double *logits);
    void (*backward)(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const double *embedding,
                     const float *workspace, const double *diff_logits, float *gradient);

    int64_t (*sum_bytes)(const fnas_hypernet_shape *shape);
    void (*sum_begin)(const fnas_hypernet_shape *shape, const double *embedding, void *sum);
    void (*sum_add)(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const float *workspace,
                    const double *diff_logits, void *sum);
    void (*sum_settle)(const fnas_hypernet_shape *shape, const float *parameters, void *sum);
    double (*sum_product)(const fnas_hypernet_shape *shape, const void *a, const void *b); /* <a, b> */
    /* direction [parameter_count] += weight * sum. */
    void (*sum_spread)(const fnas_hypernet_shape *shape, double weight, const void *sum, float *direction);
    /* Sets to 0 what sum_spread of this sum has added to. */
    void (*sum_wipe)(const fnas_hypernet_shape *shape, const void *sum, float *direction);
} fnas_hypernet_ops;

extern const fnas_hypernet_ops fnas_hypernet_table_ops;
extern const fnas_hypernet_ops fnas_hypernet_continuous_ops;
const fnas_hypernet_ops *fnas_hypernet_ops_of(const fnas_hypernet_shape *shape);

/* Random draws of a hypernetwork, each purpose with its own stream. */
enum { FNAS_HYPERNET_DRAW_WEIGHTS = 0, FNAS_HYPERNET_DRAW_DEVICES = 1, FNAS_HYPERNET_DRAW_PROBES = 2 };

#endif
