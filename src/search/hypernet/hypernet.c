#include "search/hypernet/hypernet.h"

#include <string.h>

#include "search/hypernet/kinds.h"

const fnas_hypernet_ops *fnas_hypernet_ops_of(const fnas_hypernet_shape *shape) {
    return shape->kind == FNAS_HYPERNET_TABLE ? &fnas_hypernet_table_ops : &fnas_hypernet_continuous_ops;
}

int64_t fnas_hypernet_parameter_count(const fnas_hypernet_shape *shape) {
    return fnas_hypernet_ops_of(shape)->parameter_count(shape);
}

int64_t fnas_hypernet_workspace_floats(const fnas_hypernet_shape *shape, int64_t count) {
    return count * fnas_hypernet_ops_of(shape)->workspace_floats(shape);
}

void fnas_hypernet_randomise(const fnas_hypernet_shape *shape, uint64_t seed, float *parameters) {
    fnas_hypernet_ops_of(shape)->randomise(shape, seed, parameters);
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

fnas_status fnas_hypernet_initialise(fnas_context *context, const fnas_hypernet_shape *shape, fnas_start_kind start, uint64_t seed,
                                     int64_t device_count, const double *embeddings, float *parameters) {
    const fnas_hypernet_ops *ops = fnas_hypernet_ops_of(shape);
    FNAS_TRY(check_shape(context, shape));
    ops->randomise(shape, seed, parameters);
    return start == FNAS_START_RANDOM ? FNAS_OK : ops->flatten(context, shape, seed, device_count, embeddings, parameters);
}

/* The item nearest before `item`, of the last TWINS, with the same embedding; -1: none. Tried first at the distance that served last time:
 * the devices of a search take turns. */
enum { TWINS = 64 };

static int64_t find_twin(int64_t length, const double *embeddings, int64_t item, int64_t *distance) {
    size_t bytes = (size_t)length * sizeof *embeddings;
    const double *own = embeddings + item * length;
    if (*distance > 0 && *distance <= item && memcmp(own - *distance * length, own, bytes) == 0) return item - *distance;
    for (*distance = 1; *distance <= item && *distance <= TWINS; ++*distance)
        if (memcmp(own - *distance * length, own, bytes) == 0) return item - *distance;
    *distance = 0;
    return -1;
}

void fnas_hypernet_forward(const fnas_hypernet_shape *shape, const float *parameters, int64_t count, const double *preferences,
                           const double *embeddings, float *workspace, double *logits) {
    const fnas_hypernet_ops *ops = fnas_hypernet_ops_of(shape);
    int64_t workspace_floats = ops->workspace_floats(shape), distance = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t twin = find_twin(shape->embedding, embeddings, i, &distance);
        ops->forward(shape, parameters, preferences + i * shape->objectives, embeddings + i * shape->embedding,
                     twin < 0 ? NULL : workspace + twin * workspace_floats, workspace + i * workspace_floats, logits + i * shape->outputs);
    }
}

void fnas_hypernet_backward(const fnas_hypernet_shape *shape, const float *parameters, int64_t item, const double *preferences,
                            const double *embeddings, const float *workspace, const double *diff_logits, float *gradient) {
    const fnas_hypernet_ops *ops = fnas_hypernet_ops_of(shape);
    ops->backward(shape, parameters, preferences + item * shape->objectives, embeddings + item * shape->embedding,
                  workspace + item * ops->workspace_floats(shape), diff_logits, gradient);
}
