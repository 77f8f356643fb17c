#include "estimate/training.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "nn/optimiser.h"

#define WARM_UP 0.1 /* of the steps */

/* ---- images ---- */

/* The step's images: others each step until all have been seen. */
static fnas_status load_batch(fnas_context *context, const fnas_training_plan *plan, fnas_trainer *trainer, int64_t step) {
    for (int64_t i = 0; i < plan->batch; i++)
        trainer->indices[i] = plan->images[fnas_epoch_order_at(trainer->order, step * plan->batch + i)];
    fnas_augment augment = {.seed = plan->seed, .step = step};
    return fnas_batch_fill(context, plan->dataset, plan->space->image, plan->batch, trainer->indices, &augment, trainer->images,
                           trainer->labels);
}

/* ---- one thread's ---- */

static fnas_status allocate(fnas_context *context, const fnas_training_plan *plan, fnas_trainer *trainer) {
    const int64_t *image = plan->space->image;
    size_t batch = (size_t)plan->batch, floats = (size_t)trainer->parameters.float_count;
    trainer->gradient = fnas_allocate(floats, sizeof(float));
    trainer->moment = fnas_allocate(floats, sizeof(float));
    trainer->images = fnas_allocate(batch * (size_t)(image[0] * image[1] * image[2]), sizeof(float));
    trainer->labels = fnas_allocate(batch, sizeof *trainer->labels);
    trainer->indices = fnas_allocate(batch, sizeof *trainer->indices);
    bool good = trainer->gradient && trainer->moment && trainer->images && trainer->labels && trainer->indices;
    return good ? FNAS_OK : fnas_fail_memory(context, "training");
}

fnas_status fnas_trainer_create(fnas_context *context, const fnas_training_plan *plan, fnas_trainer *trainer) {
    *trainer = (fnas_trainer){0};
    fnas_status status = fnas_worker_create(context, FNAS_COMPUTE_F32, &trainer->worker);
    if (status == FNAS_OK) status = fnas_space_declare(context, plan->space, &trainer->parameters);
    if (status == FNAS_OK) status = fnas_parameters_allocate(context, &trainer->parameters);
    if (status == FNAS_OK) status = allocate(context, plan, trainer);
    if (status == FNAS_OK) status = fnas_epoch_order_create(context, plan->seed, 0, plan->image_count, &trainer->order);
    if (status != FNAS_OK) fnas_trainer_destroy(trainer);
    return status;
}

void fnas_trainer_destroy(fnas_trainer *trainer) {
    if (trainer->worker.engine) fnas_worker_destroy(&trainer->worker);
    fnas_parameters_free(&trainer->parameters);
    fnas_free(trainer->gradient);
    fnas_free(trainer->moment);
    fnas_free(trainer->images);
    fnas_free(trainer->labels);
    fnas_free(trainer->indices);
    fnas_epoch_order_free(trainer->order);
    *trainer = (fnas_trainer){0};
}

/* ---- training ---- */

static double rate_at(const fnas_training_plan *plan, int64_t step) {
    double warm_up = WARM_UP * (double)plan->steps;
    return plan->rate * fmin(1, (double)(step + 1) / fmax(1, warm_up));
}

static fnas_status train_step(fnas_context *context, const fnas_training_plan *plan, fnas_trainer *trainer, const fnas_net *net,
                              int64_t step, fnas_path_result *result) {
    fnas_parameters *parameters = &trainer->parameters;
    FNAS_TRY(load_batch(context, plan, trainer, step));
    memset(trainer->gradient, 0, (size_t)parameters->float_count * sizeof(float));
    fnas_path_request request = {.net = net,
                                 .parameters = parameters,
                                 .n = plan->batch,
                                 .images = trainer->images,
                                 .labels = trainer->labels,
                                 .scale = 1,
                                 .weight_gradient = trainer->gradient};
    FNAS_TRY(fnas_path_run(context, &trainer->worker, &request, result));
    fnas_clip_global_norm(parameters->float_count, plan->clip, trainer->gradient);
    fnas_sgd sgd = {.rate = rate_at(plan, step), .momentum = plan->momentum, .weight_decay = plan->weight_decay, .nesterov = 1};
    fnas_sgd_step(&sgd, parameters->float_count, trainer->gradient, trainer->moment, parameters->values);
    return FNAS_OK;
}

/* What a network made of one step's images. */
typedef struct outcome {
    double loss, error_pct;
} outcome;

/* What a network that guesses gives. */
static outcome guess(const fnas_training_plan *plan) {
    double classes = (double)plan->space->classes;
    return (outcome){log(classes), 100 - 100 / classes};
}

/* A network whose loss is not finite learns nothing any more: from then on it guesses. */
static fnas_status take_step(fnas_context *context, const fnas_training_plan *plan, fnas_trainer *trainer, const fnas_net *net,
                             int64_t step, bool *diverged, outcome *seen) {
    fnas_path_result result;
    *seen = guess(plan);
    if (*diverged) return FNAS_OK;
    fnas_status status = train_step(context, plan, trainer, net, step, &result);
    *diverged = status == FNAS_ERR_NUMERIC;
    if (status == FNAS_OK) *seen = (outcome){result.loss, 100 - 100 * (double)result.correct / (double)plan->batch};
    return *diverged ? FNAS_OK : status;
}

static fnas_status train_net(fnas_context *context, const fnas_training_plan *plan, fnas_trainer *trainer, const fnas_net *net,
                             fnas_training_curve *curve) {
    int64_t counts[FNAS_TRAINING_PARTS] = {0};
    bool diverged = false;
    for (int64_t step = 0; step < plan->steps; step++) {
        outcome seen;
        int64_t part = step * FNAS_TRAINING_PARTS / plan->steps;
        if (fnas_context_stop_requested(context)) return fnas_fail(context, FNAS_INTERRUPTED, "a training was stopped");
        FNAS_TRY(take_step(context, plan, trainer, net, step, &diverged, &seen));
        curve->loss[part] += seen.loss;
        curve->error_pct[part] += seen.error_pct;
        counts[part]++;
    }
    for (int64_t i = 0; i < FNAS_TRAINING_PARTS; i++) {
        curve->loss[i] /= (double)counts[i];
        curve->error_pct[i] /= (double)counts[i];
    }
    return FNAS_OK;
}

fnas_status fnas_trainer_run(fnas_context *context, const fnas_training_plan *plan, fnas_trainer *trainer, const int32_t *choices,
                             fnas_training_curve *curve) {
    *curve = (fnas_training_curve){0};
    fnas_parameters_initialise(&trainer->parameters, plan->seed);
    memset(trainer->moment, 0, (size_t)trainer->parameters.float_count * sizeof(float));
    fnas_net *net;
    FNAS_TRY(fnas_space_record(context, plan->space, choices, &net));
    fnas_status status = train_net(context, plan, trainer, net, curve);
    fnas_net_destroy(net);
    return status;
}
