/* One step of the bilevel search: supernet weights, then the hypernetwork (MODNAS, Sukthanker et al. 2025, algorithm 1). */
#include <math.h>
#include <string.h>

#include "nn/optimiser.h"
#include "search/minnorm.h"
#include "search/searcher.h"
#include "space/space.h"

/* ---- supernet ---- */

static void record_weight_losses(fnas_searcher *searcher) {
    const fnas_paths *paths = &searcher->paths;
    double loss = 0;
    int64_t correct = 0, examples = 0;
    for (int64_t p = 0; p < paths->count; p++) {
        loss += paths->cross_entropy[p];
        correct += paths->correct[p];
        examples += paths->examples[p];
    }
    searcher->step_cross_entropy = loss / (double)paths->count;
    searcher->step_correct_pct = 100.0 * (double)correct / (double)examples;
}

static bool decays(const fnas_parameter *item) {
    const char *last = strrchr(item->name, '.');
    return item->initialiser == FNAS_INIT_FAN_IN_UNIFORM && !(last && strcmp(last, ".bias") == 0);
}

/* Where there are phases, as Once-for-All trains (Cai et al. 2020): Nesterov's momentum, and neither norms nor biases decay; nor do kernel
 * transforms here, which begin as identities. Else plain momentum on everything, as MODNAS has it. */
static void step_sgd(fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    fnas_search_state *state = searcher->state;
    const float *gradient = searcher->group_gradient[0];
    bool phased = fnas_space_phase_count(searcher->run->supernet) > 0;
    fnas_sgd sgd = {.rate = fnas_schedule_weight_rate(config, state->step, state->total_steps),
                    .momentum = config->weight_momentum,
                    .weight_decay = config->weight_decay,
                    .nesterov = phased};
    if (!phased) fnas_sgd_step(&sgd, state->weights.float_count, gradient, state->weight_moment, state->weights.values);
    for (int64_t i = 0; phased && i < state->weights.item_count; i++) {
        const fnas_parameter *item = &state->weights.items[i];
        sgd.weight_decay = decays(item) ? config->weight_decay : 0;
        fnas_sgd_step(&sgd, item->count, gradient + item->offset, state->weight_moment + item->offset,
                      state->weights.values + item->offset);
    }
}

/* Transformers, as they are trained everywhere. Weights that are trained at all are trained in every step so far. */
static void step_adam(fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    fnas_search_state *state = searcher->state;
    fnas_adam adam = {.rate = fnas_schedule_weight_rate(config, state->step, state->total_steps),
                      .beta1 = config->weight_beta1,
                      .beta2 = config->weight_beta2,
                      .epsilon = 1e-8,
                      .weight_decay = config->weight_decay};
    fnas_adam_step(&adam, state->step + 1, state->weights.float_count, searcher->group_gradient[0], state->weight_moment,
                   state->weight_moment2, state->weights.values);
}

fnas_status fnas_update_weights(fnas_context *context, fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    const fnas_search_state *state = searcher->state;
    int64_t count = fnas_schedule_weight_paths(config, state->step, state->total_steps);
    if (fnas_schedule_shrinks(config, state->step, state->total_steps))
        fnas_sandwich_draw(searcher);
    else
        fnas_paths_draw(searcher, FNAS_PURPOSE_WEIGHTS, count, 0, config->device_count);
    return fnas_train_weights(context, searcher);
}

fnas_status fnas_train_weights(fnas_context *context, fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    fnas_search_state *state = searcher->state;
    FNAS_TRY(searcher->runner->load(context, searcher, FNAS_PURPOSE_WEIGHTS));
    FNAS_TRY(fnas_paths_run(context, searcher, FNAS_PURPOSE_WEIGHTS));
    record_weight_losses(searcher);
    float *gradient = searcher->group_gradient[0];
    searcher->weight_gradient_norm = fnas_clip_global_norm(state->weights.float_count, config->weight_clip, gradient);
    if (!isfinite(searcher->weight_gradient_norm)) {
        return fnas_fail(context, FNAS_ERR_NUMERIC, "step %lld: the gradient of the supernet is not finite", (long long)state->step);
    }
    if (fnas_search_translates(config))
        step_adam(searcher);
    else
        step_sgd(searcher);
    return FNAS_OK;
}

/* ---- what the error model knows ---- */

/* The losses of the paths that were run are a round of observations. */
static fnas_status learn_error(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose) {
    fnas_error_model *model = &searcher->state->error_model;
    const fnas_space *space = searcher->run->space;
    if (searcher->config->shared_weights == FNAS_WEIGHTS_MOVING) fnas_error_model_discount(model); /* else what was seen stays true */
    bool same_images = purpose == FNAS_PURPOSE_OBSERVE;
    fnas_error_model_observe(model, space, same_images, searcher->paths.count, searcher->paths.onehot, searcher->paths.cross_entropy);
    FNAS_TRY(fnas_error_model_fit(context, model));
    fnas_error_model_range(model, space, searcher->scale_count, searcher->scale_onehot, searcher->scale_losses, &searcher->state->error_low,
                           &searcher->state->error_high);
    return FNAS_OK;
}

/* A few architectures on the same examples of the search's part. */
static fnas_status observe_errors(fnas_context *context, fnas_searcher *searcher) {
    fnas_paths_draw(searcher, FNAS_PURPOSE_OBSERVE, searcher->config->observed_paths, 0, searcher->config->device_count);
    FNAS_TRY(searcher->runner->load(context, searcher, FNAS_PURPOSE_OBSERVE));
    FNAS_TRY(fnas_paths_run(context, searcher, FNAS_PURPOSE_OBSERVE));
    return learn_error(context, searcher, FNAS_PURPOSE_OBSERVE);
}

/* ---- hypernetwork ---- */

/* dL/dD of one path from all objectives, scalarised by its preference. */
static void path_loss_gradient(fnas_searcher *searcher, int64_t path, double *diff_onehot) {
    const fnas_search_config *config = searcher->config;
    const fnas_paths *paths = &searcher->paths;
    int64_t onehot = searcher->onehot, count = config->objective_count;
    fnas_path_facts facts = {.choices = paths->choices + path * searcher->decisions,
                             .onehot = paths->onehot + path * onehot,
                             .cross_entropy = paths->cross_entropy[path],
                             .cross_entropy_gradient = paths->gate_gradient + path * onehot};
    double normalised[FNAS_OBJECTIVES_MAX] = {0}, weights[FNAS_OBJECTIVES_MAX] = {0};
    double *gradients = diff_onehot + onehot; /* [count][onehot] behind the sum */
    for (int64_t m = 0; m < count; m++) {
        double value = 0;
        fnas_objective_evaluate(&searcher->objectives, searcher->state, m, paths->device[path], &facts, &value, &normalised[m],
                                gradients + m * onehot);
        searcher->step_objectives[m] += value / (double)(config->paths * (1 + config->judged_paths));
    }
    fnas_scalarise(config->scalarise, count, paths->preference + path * count, normalised, weights);
    memset(diff_onehot, 0, (size_t)onehot * sizeof *diff_onehot);
    for (int64_t m = 0; m < count; m++) {
        for (int64_t i = 0; i < onehot; i++) diff_onehot[i] += weights[m] * gradients[m * onehot + i];
    }
}

/* Each device's gradient: the sum of its paths'. */
static void device_gradients(fnas_searcher *searcher, int64_t first_device, int64_t device_count) {
    fnas_paths *paths = &searcher->paths;
    fnas_gradients *gradients = &searcher->gradients;
    const fnas_search_state *state = searcher->state;
    const fnas_search_config *config = searcher->config;
    int64_t onehot = searcher->onehot, workspace_floats = fnas_hypernet_workspace_floats(&state->shape, 1);
    double *scratch = searcher->gradient_scratch, *diff_logits = scratch + onehot * (config->objective_count + 1);
    double entropy = fnas_schedule_entropy_weight(config, state->step, state->total_steps);
    double temperature = fnas_schedule_temperature(config, state->step, state->total_steps);
    for (int64_t t = first_device; t < first_device + device_count; t++)
        fnas_gradients_begin(gradients, t, searcher->run->embeddings + t * searcher->embedding);
    for (int64_t p = 0; p < paths->count; p++) {
        path_loss_gradient(searcher, p, scratch);
        fnas_sample_backward(config->sampler, searcher->run->space, temperature, paths->logits + p * onehot,
                             paths->choices + p * searcher->decisions, paths->soft + p * onehot, scratch, diff_logits);
        fnas_entropy_bonus_backward(searcher->run->space, entropy, paths->logits + p * onehot, diff_logits);
        fnas_gradients_add(gradients, paths->device[p], state->hypernet, paths->preference + p * config->objective_count,
                           paths->workspace + p * workspace_floats, diff_logits);
    }
    for (int64_t t = first_device; t < first_device + device_count; t++) fnas_gradients_settle(gradients, t, state->hypernet);
}

/* Of unit gradients: gram[i][j] / (|g_i| |g_j|). lengths [count]: |g_i|. A gradient of 0 stays one. */
static void normalise_gram(int64_t count, double *gram, double *lengths) {
    for (int64_t i = 0; i < count; i++) lengths[i] = sqrt(gram[i * count + i]);
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = 0; j < count; j++) {
            double scale = lengths[i] * lengths[j];
            if (scale != 0) gram[i * count + j] /= scale;
        }
    }
}

/* Each device's gradient at unit length, so that none rules by its scale; then the min-norm point (Sener and Koltun 2018). */
static const float *minnorm_direction(fnas_searcher *searcher, int64_t first_device, int64_t count) {
    double *weights = searcher->minnorm_weights, *lengths = searcher->minnorm_workspace;
    fnas_gradients_gram(&searcher->gradients, first_device, count, searcher->gram);
    normalise_gram(count, searcher->gram, lengths);
    double cost = fnas_minnorm_solve(count, searcher->gram, lengths + count, weights);
    searcher->step_norm = cost < 0 ? 0 : sqrt(cost); /* below 0 by rounding alone; a NaN stays one, and is reported */
    for (int64_t t = 0; t < count; t++) weights[t] = lengths[t] != 0 ? weights[t] / lengths[t] : 0;
    return fnas_gradients_combine(&searcher->gradients, first_device, count, weights);
}

static const float *mean_direction(fnas_searcher *searcher, int64_t first_device, int64_t count) {
    double *weights = searcher->minnorm_weights, square = 0;
    for (int64_t t = 0; t < count; t++) weights[t] = 1.0 / (double)count;
    fnas_gradients_gram(&searcher->gradients, first_device, count, searcher->gram);
    for (int64_t i = 0; i < count * count; i++) square += searcher->gram[i] / (double)(count * count);
    searcher->step_norm = square < 0 ? 0 : sqrt(square);
    return fnas_gradients_combine(&searcher->gradients, first_device, count, weights);
}

/* With gates the supernet judges the paths that the hypernetwork's update takes, and their losses set the scale of the error. */
static fnas_status run_on_supernet(fnas_context *context, fnas_searcher *searcher) {
    FNAS_TRY(fnas_paths_run(context, searcher, FNAS_PURPOSE_HYPERNET));
    return learn_error(context, searcher, FNAS_PURPOSE_HYPERNET);
}

static fnas_status adam_step_for(fnas_context *context, fnas_searcher *searcher, int64_t paths, int64_t first_device,
                                 int64_t device_count) {
    int64_t judged = paths * (1 + searcher->config->judged_paths);
    fnas_paths_draw(searcher, FNAS_PURPOSE_HYPERNET, judged, first_device, device_count);
    return fnas_train_hypernet(context, searcher, first_device, device_count);
}

fnas_status fnas_step_hypernet(fnas_context *context, fnas_searcher *searcher, int64_t first_device, int64_t device_count) {
    const fnas_search_config *config = searcher->config;
    fnas_search_state *state = searcher->state;
    const float *direction = config->update == FNAS_UPDATE_MGD ? minnorm_direction(searcher, first_device, device_count)
                                                               : mean_direction(searcher, first_device, device_count);
    if (!isfinite(searcher->step_norm)) {
        return fnas_fail(context, FNAS_ERR_NUMERIC, "step %lld: the gradient of the hypernetwork is not finite", (long long)state->step);
    }
    fnas_adam adam = {.rate = config->hypernet_rate,
                      .beta1 = config->hypernet_beta1,
                      .beta2 = config->hypernet_beta2,
                      .epsilon = 1e-8,
                      .weight_decay = config->hypernet_decay};
    fnas_adam_step(&adam, ++state->hypernet_steps, state->hypernet_count, direction, state->hypernet_moment1, state->hypernet_moment2,
                   state->hypernet);
    return FNAS_OK;
}

fnas_status fnas_train_hypernet(fnas_context *context, fnas_searcher *searcher, int64_t first_device, int64_t device_count) {
    if (searcher->config->error_gradient == FNAS_ERROR_GRADIENT_GATES) FNAS_TRY(run_on_supernet(context, searcher));
    device_gradients(searcher, first_device, device_count);
    return fnas_step_hypernet(context, searcher, first_device, device_count);
}

static fnas_status update_as_asked(fnas_context *context, fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    int64_t devices = config->device_count;
    memset(searcher->step_objectives, 0, sizeof searcher->step_objectives);
    switch (config->update) {
    case FNAS_UPDATE_MGD:
    case FNAS_UPDATE_MEAN:
        return adam_step_for(context, searcher, config->paths, 0, devices);
    case FNAS_UPDATE_SEQUENTIAL:
        for (int64_t t = 0; t < devices; t++) FNAS_TRY(adam_step_for(context, searcher, config->paths / devices, t, 1));
        return FNAS_OK;
    case FNAS_UPDATE_SAMPLE: {
        fnas_random random = fnas_random_begin(config->seed, FNAS_STREAM_DEVICE, searcher->state->step, searcher->round);
        return adam_step_for(context, searcher, config->paths, fnas_random_below(&random, devices), 1);
    }
    }
    return FNAS_OK;
}

/* What the supernet says of errors in this step. */
static fnas_status prepare_errors(fnas_context *context, fnas_searcher *searcher) {
    if (searcher->config->error_gradient == FNAS_ERROR_GRADIENT_MODEL) return observe_errors(context, searcher);
    return searcher->runner->load(context, searcher, FNAS_PURPOSE_HYPERNET);
}

fnas_status fnas_update_hypernet(fnas_context *context, fnas_searcher *searcher) {
    if (fnas_search_has_supernet(searcher->config)) FNAS_TRY(prepare_errors(context, searcher));
    int64_t rounds = fnas_schedule_hypernet_rounds(searcher->config, searcher->state->step, searcher->state->total_steps);
    for (searcher->round = 0; searcher->round < rounds; searcher->round++) FNAS_TRY(update_as_asked(context, searcher));
    searcher->round = 0;
    return FNAS_OK;
}

/* Phases that this step is the first of, or that were too short for a step. Weights that a search begins with are as they were given. */
static fnas_status begin_phases(fnas_context *context, fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    fnas_search_state *state = searcher->state;
    if (state->step == 0) return FNAS_OK;
    int64_t before = fnas_schedule_phase_reached(config, state->step - 1, state->total_steps),
            reached = fnas_schedule_phase_reached(config, state->step, state->total_steps);
    for (int64_t phase = before + 1; phase <= reached; phase++)
        FNAS_TRY(fnas_space_begin_phase(context, searcher->run->supernet, phase, &state->weights, state->weight_moment));
    return FNAS_OK;
}

fnas_status fnas_search_step(fnas_context *context, fnas_searcher *searcher) {
    fnas_search_state *state = searcher->state;
    FNAS_TRY(begin_phases(context, searcher));
    searcher->stage = fnas_schedule_stage(searcher->config, state->step, state->total_steps);
    searcher->trains_weights = fnas_search_has_supernet(searcher->config) &&
                               fnas_schedule_trains_weights(searcher->config, state->step, state->total_steps);
    if (searcher->trains_weights) FNAS_TRY(fnas_update_weights(context, searcher));
    if (fnas_stage_searches(searcher->stage)) FNAS_TRY(fnas_update_hypernet(context, searcher));
    state->step++;
    return FNAS_OK;
}
