/* Running a recorded network on a batch: forward, loss, backward. */
#ifndef FNAS_NN_PATH_H
#define FNAS_NN_PATH_H

#include "base/memory.h"
#include "compute/engine.h"
#include "nn/net.h"
#include "nn/profile.h"

/* What one worker thread needs to run paths: its engine and its step arenas, which each run resets. Plain memory: may be zeroed. */
typedef struct fnas_worker {
    fnas_engine *engine;
    fnas_arena *plan;        /* what a path decides before it runs */
    fnas_arena *activations; /* one piece a run, so that a larger run takes the place of a smaller one */
} fnas_worker;
FNAS_NODISCARD fnas_status fnas_worker_create(fnas_context *context, fnas_compute_type type, fnas_worker *worker);
void fnas_worker_destroy(fnas_worker *worker);

/* Statistics of every norm of a net, one after the other in the order of norm_index, each [C]: mean, variance [norm_channels]. */
typedef struct fnas_norm_state {
    float *mean, *variance;
} fnas_norm_state;

/* Cross entropy is of the labels; the other is log(sum of all logits), for networks whose logits are positive (linear_net.h). */
typedef enum fnas_path_loss_kind { FNAS_PATH_CROSS_ENTROPY, FNAS_PATH_LOG_SUM } fnas_path_loss_kind;

/* Sees what each node reads, in the order of the nodes, but images and what lies plain (net.h): source [n][floats] of an engine in f32, in
 * its layout (padded channels are 0), and perhaps rectified already: only its positive part means something. A failure ends the run. */
typedef fnas_status fnas_source_observer(fnas_context *context, void *user, int64_t node, int64_t floats, const float *source);

typedef struct fnas_path_request {
    const fnas_net *net;
    const fnas_parameters *parameters;
    int64_t n;           /* images */
    const float *images; /* [n, C, H, W] plain, normalised */
    /* Of the images, where they are of another size than the network's: they are resized, bilinearly with the corners aligned
     * (data/resize.h), in the path's own memory. All 0: the network's. */
    fnas_value_shape image_shape;
    fnas_path_loss_kind loss;
    const int32_t *labels; /* [n]; NULL: no cross entropy, logits only (then no gradients) */
    float label_smoothing;
    /* What a teacher says of the images, [n, classes] probabilities: a part soft_weight of the target, 0 to 1, in the place of as much of
     * the labels' (Hinton et al. 2015). NULL: the labels alone. No gradient goes to the teacher. */
    const float *soft_targets;
    float soft_weight;
    float scale;                          /* gradients are those of scale * loss */
    float *weight_gradient;               /* [parameters->float_count], added to; NULL: not wanted (not computed) */
    double *gate_gradient;                /* [one-hot size], added to; NULL: not wanted */
    const fnas_norm_state *statistics;    /* given: norms use these (inference); NULL: batch statistics */
    fnas_norm_state *batch_statistics;    /* where the batch statistics of this run are written; may be NULL */
    float *logits;                        /* [n, classes]; may be NULL */
    fnas_node_profile *profile;           /* [node_count][FNAS_NODE_DIRECTIONS], added to; NULL: not wanted */
    fnas_source_observer *observe_source; /* NULL: not wanted */
    void *observer;                       /* handed to it */
} fnas_path_request;

typedef struct fnas_path_result {
    double loss;     /* mean cross entropy with the target, or log of the sum; NaN where there is none */
    int64_t correct; /* images with argmax == label */
} fnas_path_result;

/* Memory is planned by liveness from net, n and what is wanted, and taken from the worker's arenas: no malloc after the first run of a
 * shape. Gradients need batch statistics. Fails with FNAS_ERR_NUMERIC, naming the node, on a non-finite loss. */
FNAS_NODISCARD fnas_status fnas_path_run(fnas_context *context, fnas_worker *worker, const fnas_path_request *request,
                                         fnas_path_result *result);

/* The same by the naive operators in double precision, for tests. parameters and their gradient have parameters->float_count doubles;
 * onehot [size] may be any real numbers (the full formula of net.h), NULL: the selected one-hot. Gradients are added to; each may be NULL.
 * statistics as above. */
typedef struct fnas_reference_request {
    const fnas_net *net;
    const fnas_parameters *layout;
    const double *parameters, *onehot, *images;
    fnas_path_loss_kind loss;
    const int32_t *labels;
    int64_t n;
    double label_smoothing;
    double *weight_gradient, *gate_gradient, *logits;
    const fnas_norm_state *statistics;
    void (*observe_source)(void *user, int64_t node, const double *source); /* source [n, C, H, W] as it is; may be NULL */
    void *observer;
} fnas_reference_request;
FNAS_NODISCARD fnas_status fnas_path_run_reference(fnas_context *context, const fnas_reference_request *request, fnas_path_result *result);

/* Batch statistics of a net recalibrated on n images (Yu and Huang 2019): run in chunks of at most chunk images, statistics pooled exactly
 * (mean of means, mean of variances plus variance of means). image_shape: of the images, as in a request. state arrays [norm_channels] are
 * the caller's. */
FNAS_NODISCARD fnas_status fnas_path_recalibrate(fnas_context *context, fnas_worker *worker, const fnas_net *net,
                                                 const fnas_parameters *parameters, int64_t n, int64_t chunk, fnas_value_shape image_shape,
                                                 const float *images, fnas_norm_state *state);

#endif
