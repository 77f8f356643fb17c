#include "search/hypernet.h"

#include "search/hypernet_kinds.h"

static const fnas_hypernet_ops *ops_of(const fnas_hypernet_shape *shape) {
    return shape->kind == FNAS_HYPERNET_TABLE ? &fnas_hypernet_table_ops : &fnas_hypernet_continuous_ops;
}

int64_t fnas_hypernet_parameter_count(const fnas_hypernet_shape *shape) {
    return ops_of(shape)->parameter_count(shape);
}

int64_t fnas_hypernet_workspace_floats(const fnas_hypernet_shape *shape, int64_t count) {
    return count * ops_of(shape)->workspace_floats(shape);
}

void fnas_hypernet_randomise(const fnas_hypernet_shape *shape, uint64_t seed, float *parameters) {
    ops_of(shape)->randomise(shape, seed, parameters);
}

static fnas_status check_shape(fnas_context *context, const fnas_hypernet_shape *shape) {
    if (shape->objectives < 2 || shape->objectives > FNAS_HYPERNET_OBJECTIVES_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "hypernetwork: %lld objectives, 2 to %d are possible", (long long)shape->objectives,
                         FNAS_HYPERNET_OBJECTIVES_MAX);
    if (shape->embedding < 1 || shape->embedding > FNAS_HYPERNET_EMBEDDING_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "hypernetwork: embeddings of %lld numbers, 1 to %d are possible",
                         (long long)shape->embedding, FNAS_HYPERNET_EMBEDDING_MAX);
    if (shape->outputs < 1) return fnas_fail(context, FNAS_ERR_INPUT, "hypernetwork: the space has no decisions");
    return FNAS_OK;
}

fnas_status fnas_hypernet_initialise(fnas_context *context, const fnas_hypernet_shape *shape, uint64_t seed, int64_t device_count,
                                     const double *embeddings, float *parameters) {
    const fnas_hypernet_ops *ops = ops_of(shape);
    FNAS_TRY(check_shape(context, shape));
    ops->randomise(shape, seed, parameters);
    return ops->flatten(context, shape, seed, device_count, embeddings, parameters);
}

void fnas_hypernet_forward(const fnas_hypernet_shape *shape, const float *parameters, int64_t count, const double *preferences,
                           const double *embeddings, float *workspace, double *logits) {
    const fnas_hypernet_ops *ops = ops_of(shape);
    int64_t workspace_floats = ops->workspace_floats(shape);
    for (int64_t i = 0; i < count; i++)
        ops->forward(shape, parameters, preferences + i * shape->objectives, embeddings + i * shape->embedding,
                     workspace + i * workspace_floats, logits + i * shape->outputs);
}

int64_t fnas_hypernet_block_count(const fnas_hypernet_shape *shape) {
    return ops_of(shape)->block_count(shape);
}

fnas_hypernet_block fnas_hypernet_block_at(const fnas_hypernet_shape *shape, int64_t block) {
    return ops_of(shape)->block_at(shape, block);
}

void fnas_hypernet_touch(const fnas_hypernet_shape *shape, const double *preference, uint8_t *touched) {
    ops_of(shape)->touch(shape, preference, touched);
}

void fnas_hypernet_backward(const fnas_hypernet_shape *shape, const float *parameters, int64_t item, const double *preferences,
                            const double *embeddings, const float *workspace, const double *diff_logits, float *gradient) {
    const fnas_hypernet_ops *ops = ops_of(shape);
    ops->backward(shape, parameters, preferences + item * shape->objectives, embeddings + item * shape->embedding,
                  workspace + item * ops->workspace_floats(shape), diff_logits, gradient);
}
