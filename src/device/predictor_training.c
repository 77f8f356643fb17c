/* Fitting: a linear part for each device, then the shared trunk on what the linear parts leave, then every device's coefficients anew over
 * both. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "device/predictor_internal.h"
#include "device/predictor_linear.h"
#include "space/space.h"

#define FNAS_TRAINING_STEPS 1500
#define FNAS_TRAINING_BATCH 64
#define FNAS_TRAINING_RATE 5e-3
#define FNAS_TRAINING_DECAY 0.3
#define FNAS_TRAINING_REPORT 100      /* steps between two looks at the validation part */
#define FNAS_TRAINING_VALIDATION 0.15 /* of the training architectures, to choose how long the trunk trains */
/* The terms serve a device only where they take off its validation loss what chance would hardly: 2 / sqrt(architectures there) of it. */
#define FNAS_TRAINING_CHANCE 2.0
#define FNAS_TRAINING_HUBER 2.5
#define FNAS_TRAINING_FLOOR 0.03 /* normalised latency under which errors count as if it were this */
#define FNAS_TRAINING_MEASUREMENTS_MAX 10000000
/* Prior deviations of coefficients, as contributions to normalised latency (mean of the references: 1). */
#define FNAS_TRAINING_PRIOR_POOLED 1.0
#define FNAS_TRAINING_PRIOR_PLACE 0.02
#define FNAS_TRAINING_PRIOR_FURTHER                                                                                                        \
    0.002 /* one place, further features of an entry: dead operations, where live ones say it all for some */
#define FNAS_TRAINING_PRIOR_TERM 0.3

typedef struct fnas_sample {
    const int32_t *choices;
    double latency; /* normalised */
    int64_t device;
} fnas_sample;

typedef struct fnas_training {
    fnas_context *context;
    fnas_predictor *predictor;
    int64_t holdout_least; /* of each device */
    fnas_sample *samples;
    int64_t sample_count;
    int64_t arch_count;        /* distinct */
    double *features;          /* [arch][F] */
    double *latency;           /* [arch][device], 0 where not measured */
    double *linear;            /* [arch][device]: the linear part's prediction */
    bool *validation;          /* [arch] */
    double *delta;             /* [device]: where Huber's loss turns linear */
    double *first_loss, *loss; /* [device]: on the validation part, of the linear part alone and with the terms */
    bool *uses_terms;          /* [device]: the terms help it on the validation part */
    double *values, *gradient, *moment1, *moment2, *best; /* [value_count]: trunk, then its weights [device][TERMS] */
    int64_t value_count;
    double *basis, *target, *deviation, *workspace; /* of one regression */
    int64_t *order;                                 /* [arch]: training architectures in the order of an epoch */
    int64_t order_count, cursor, epoch;
} fnas_training;

/* ---- Collecting ---- */

static int64_t fnas_training_device_samples(const fnas_card_view *view) {
    return view->measurement_count + view->reference_count;
}

static int fnas_training_compare_choices(const int32_t *a, const int32_t *b, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int fnas_training_compare(const void *a, const void *b, void *user) {
    const fnas_sample *x = a, *y = b;
    int order = fnas_training_compare_choices(x->choices, y->choices, *(const int64_t *)user);
    if (order != 0) return order;
    return x->device != y->device ? (x->device < y->device ? -1 : 1) : (x->latency > y->latency) - (x->latency < y->latency);
}

static bool fnas_training_is_reference(const fnas_predictor *predictor, const int32_t *choices) {
    for (int64_t r = 0; r < predictor->reference_sets * predictor->reference_count; r++)
        if (fnas_training_compare_choices(choices, predictor->reference_choices + r * predictor->decision_count,
                                          predictor->decision_count) == 0)
            return true;
    return false;
}

/* The same architectures are kept out on every device: one that the trunk has seen elsewhere is not unseen. */
static bool fnas_training_is_held_out(const fnas_predictor *predictor, const int32_t *choices) {
    uint64_t hash = UINT64_C(1469598103934665603);
    for (int64_t i = 0; i < predictor->decision_count; i++) hash = (hash ^ (uint64_t)(uint32_t)choices[i]) * UINT64_C(1099511628211);
    fnas_random random = fnas_random_begin(predictor->seed, FNAS_STREAM_PREDICTOR, (int64_t)(hash >> 16), 1);
    return fnas_random_uniform(&random) < predictor->holdout_fraction && !fnas_training_is_reference(predictor, choices);
}

static fnas_status fnas_training_check_view(fnas_context *context, const fnas_card_view *view) {
    if (view->measurement_count < 1)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "device %s has no measurements beside its references: a device to train the predictor on needs some (measure it "
                         "with --archs 300, or search with a trained one: --predictor FILE)",
                         view->name);
    for (int64_t i = 0; i < view->measurement_count; i++)
        if (!(view->measurement_latency_ms[i] > 0.0) || !isfinite(view->measurement_latency_ms[i]))
            return fnas_fail(context, FNAS_ERR_INPUT, "device %s: measurement %lld has latency %g ms, which must be positive and finite",
                             view->name, (long long)i, view->measurement_latency_ms[i]);
    return FNAS_OK;
}

static fnas_status fnas_training_take_holdout(fnas_training *training, const fnas_card_view *view, fnas_known_device *device) {
    int64_t decisions = training->predictor->decision_count;
    device->holdout_choices = fnas_allocate((size_t)(view->measurement_count * decisions), sizeof(int32_t));
    if (!device->holdout_choices) return fnas_fail_memory(training->context, "held-out architectures");
    for (int64_t i = 0; i < view->measurement_count; i++) {
        const int32_t *choices = view->measurement_choices + i * decisions;
        if (!fnas_training_is_held_out(training->predictor, choices)) continue;
        memcpy(device->holdout_choices + device->holdout_count++ * decisions, choices, (size_t)decisions * sizeof *choices);
    }
    return FNAS_OK;
}

static void fnas_training_take_samples(fnas_training *training, const fnas_card_view *view, int64_t t) {
    fnas_predictor *predictor = training->predictor;
    const fnas_known_device *device = &predictor->devices[t];
    const int32_t *references = fnas_predictor_references(predictor, t);
    for (int64_t r = 0; r < predictor->reference_count; r++)
        training->samples[training->sample_count++] = (fnas_sample){references + r * predictor->decision_count, device->reference[r], t};
    for (int64_t i = 0; i < view->measurement_count; i++) {
        const int32_t *choices = view->measurement_choices + i * predictor->decision_count;
        if (fnas_training_is_reference(predictor, choices) || fnas_training_is_held_out(predictor, choices)) continue;
        training->samples[training->sample_count++] = (fnas_sample){choices, view->measurement_latency_ms[i] / device->scale_ms, t};
    }
}

static fnas_status fnas_training_take_device(fnas_training *training, const fnas_card_view *view, int64_t t) {
    fnas_predictor *predictor = training->predictor;
    fnas_known_device *device = &predictor->devices[t];
    for (int64_t i = 0; i < t; i++)
        if (strcmp(predictor->devices[i].name, view->name) == 0)
            return fnas_fail(training->context, FNAS_ERR_INPUT, "device %s is given twice: name every device once", view->name);
    device->name = fnas_strdup(view->name);
    if (!device->name) return fnas_fail_memory(training->context, "device name");
    FNAS_TRY(fnas_training_check_view(training->context, view));
    for (int64_t r = 0; r < predictor->reference_count; r++)
        device->scale_ms += view->reference_latency_ms[r] / (double)predictor->reference_count;
    for (int64_t r = 0; r < predictor->reference_count; r++) device->reference[r] = view->reference_latency_ms[r] / device->scale_ms;
    FNAS_TRY(fnas_training_take_holdout(training, view, device));
    if (device->holdout_count < training->holdout_least)
        return fnas_fail(
            training->context, FNAS_ERR_INPUT,
            "device %s: %lld of its %lld measurements are kept out of training, %lld are needed to score it: measure more of them, "
            "or keep a larger part out (--holdout)",
            view->name, (long long)device->holdout_count, (long long)view->measurement_count, (long long)training->holdout_least);
    fnas_training_take_samples(training, view, t);
    return FNAS_OK;
}

/* ---- Tables by distinct architecture ---- */

static bool fnas_training_new_arch(const fnas_training *training, int64_t i) {
    return i == 0 || fnas_training_compare_choices(training->samples[i - 1].choices, training->samples[i].choices,
                                                   training->predictor->decision_count) != 0;
}

static fnas_status fnas_training_allocate_tables(fnas_training *training) {
    fnas_predictor *predictor = training->predictor;
    size_t archs = (size_t)training->arch_count, devices = (size_t)predictor->device_count, k = (size_t)predictor->basis_count;
    training->value_count = predictor->trunk.value_count + predictor->device_count * FNAS_TRUNK_TERMS;
    training->features = fnas_allocate(archs * (size_t)predictor->map.feature_count, sizeof(double));
    training->latency = fnas_allocate(archs * devices, sizeof(double));
    training->linear = fnas_allocate(archs * devices, sizeof(double));
    training->validation = fnas_allocate(archs, sizeof(bool));
    training->order = fnas_allocate(archs * 2, sizeof(int64_t));
    training->delta = fnas_allocate(devices, 3 * sizeof(double));
    training->uses_terms = fnas_allocate(devices, sizeof(bool));
    training->values = fnas_allocate((size_t)training->value_count * 5, sizeof(double));
    training->basis = fnas_allocate(archs * k, sizeof(double));
    training->target = fnas_allocate(archs, sizeof(double));
    training->deviation = fnas_allocate(k, sizeof(double));
    training->workspace = fnas_allocate((size_t)fnas_regression_workspace((int64_t)archs, (int64_t)k, predictor->map.bound_count),
                                        sizeof(double));
    if (!training->features || !training->latency || !training->linear || !training->validation || !training->order || !training->delta ||
        !training->uses_terms || !training->values || !training->basis || !training->target || !training->deviation || !training->workspace)
        return fnas_fail_memory(training->context, "training the predictor");
    training->first_loss = training->delta + devices;
    training->loss = training->first_loss + devices;
    training->gradient = training->values + training->value_count;
    training->moment1 = training->gradient + training->value_count;
    training->moment2 = training->moment1 + training->value_count;
    training->best = training->moment2 + training->value_count;
    return FNAS_OK;
}

/* An architecture measured twice on one device counts with its mean. */
static void fnas_training_fill_latency(fnas_training *training) {
    int64_t arch = -1, devices = training->predictor->device_count, repeats = 0;
    for (int64_t i = 0; i < training->sample_count; i++) {
        const fnas_sample *sample = &training->samples[i];
        bool fresh = fnas_training_new_arch(training, i);
        arch += fresh;
        repeats = fresh || training->samples[i - 1].device != sample->device ? 1 : repeats + 1;
        double *cell = &training->latency[arch * devices + sample->device];
        *cell += (sample->latency - *cell) / (double)repeats;
    }
}

static fnas_status fnas_training_fill_features(fnas_training *training) {
    const fnas_space *space = training->predictor->space;
    double *onehot = fnas_allocate((size_t)fnas_space_onehot_size(space), sizeof(double));
    if (!onehot) return fnas_fail_memory(training->context, "one-hot");
    int64_t arch = -1;
    for (int64_t i = 0; i < training->sample_count; i++) {
        if (!fnas_training_new_arch(training, i)) continue;
        arch++;
        double *features = training->features + arch * training->predictor->map.feature_count;
        fnas_space_measured_features(space, training->samples[i].choices, onehot, features);
        fnas_random random = fnas_random_begin(training->predictor->seed, FNAS_STREAM_PREDICTOR, arch, 2);
        training->validation[arch] = fnas_random_uniform(&random) < FNAS_TRAINING_VALIDATION &&
                                     !fnas_training_is_reference(training->predictor, training->samples[i].choices);
        if (!training->validation[arch]) training->order[training->order_count++] = arch;
    }
    fnas_free(onehot);
    return FNAS_OK;
}

static fnas_status fnas_training_tabulate(fnas_training *training) {
    int64_t decisions = training->predictor->decision_count;
    qsort_r(training->samples, (size_t)training->sample_count, sizeof *training->samples, fnas_training_compare, &decisions);
    for (int64_t i = 0; i < training->sample_count; i++) training->arch_count += fnas_training_new_arch(training, i);
    FNAS_TRY(fnas_training_allocate_tables(training));
    fnas_training_fill_latency(training);
    return fnas_training_fill_features(training);
}

/* ---- Regression of one device ---- */

static void fnas_training_prior(fnas_training *training, bool terms) {
    const fnas_feature_map *map = &training->predictor->map;
    for (int64_t j = 0; j < map->linear_count; j++) {
        double contribution = j <= map->group_count ? FNAS_TRAINING_PRIOR_POOLED : FNAS_TRAINING_PRIOR_PLACE;
        if (j > map->group_count && map->is_further[j - 1 - map->group_count]) contribution = FNAS_TRAINING_PRIOR_FURTHER;
        training->deviation[j] = map->scale[j] > 0.0 ? contribution / map->scale[j] : 1e-6;
    }
    for (int64_t j = map->linear_count; j < training->predictor->basis_count; j++)
        training->deviation[j] = terms ? FNAS_TRAINING_PRIOR_TERM : 1e-6;
}

static fnas_status fnas_training_regress(fnas_training *training, int64_t t, bool with_validation) {
    fnas_predictor *predictor = training->predictor;
    fnas_known_device *device = &predictor->devices[t];
    fnas_regression regression = {.columns = predictor->basis_count,
                                  .basis = training->basis,
                                  .target = training->target,
                                  .prior_deviation = training->deviation,
                                  .floor = FNAS_TRAINING_FLOOR,
                                  .bound_count = predictor->map.bound_count,
                                  .bounds = (const int32_t(*)[2])predictor->map.bounds};
    for (int64_t a = 0; a < training->arch_count; a++) {
        double latency = training->latency[a * predictor->device_count + t];
        if (latency == 0.0 || (training->validation[a] && !with_validation)) continue;
        fnas_predictor_basis(predictor, training->features + a * predictor->map.feature_count,
                             training->basis + regression.rows * regression.columns);
        training->target[regression.rows++] = latency;
    }
    fnas_training_prior(training, training->uses_terms[t]);
    if (!fnas_regression_solve(&regression, training->workspace, device->coefficients, &device->noise))
        return fnas_fail(training->context, FNAS_ERR_NUMERIC, "device %s: its latencies give no stable fit: are they all of one unit?",
                         device->name);
    return FNAS_OK;
}

static fnas_status fnas_training_fit_linear(fnas_training *training) {
    fnas_predictor *predictor = training->predictor;
    double *basis = training->workspace;
    for (int64_t t = 0; t < predictor->device_count; t++) {
        FNAS_TRY(fnas_training_regress(training, t, false));
        training->delta[t] = FNAS_TRAINING_HUBER * predictor->devices[t].noise;
        for (int64_t a = 0; a < training->arch_count; a++) {
            fnas_predictor_basis(predictor, training->features + a * predictor->map.feature_count, basis);
            double sum = 0.0;
            for (int64_t j = 0; j < predictor->map.linear_count; j++) sum += basis[j] * predictor->devices[t].coefficients[j];
            training->linear[a * predictor->device_count + t] = sum;
        }
    }
    return FNAS_OK;
}

/* Where devices have references of their own, the means of these say nothing of who is faster: from here on, a device's unit is the mean
 * latency that its own linear part gives fixed architectures. */
static fnas_status fnas_training_find_scales(fnas_training *training) {
    fnas_predictor *predictor = training->predictor;
    if (predictor->reference_sets == 1) return FNAS_OK;
    int64_t k = predictor->map.linear_count, devices = predictor->device_count;
    double *mean = fnas_allocate((size_t)k, sizeof *mean);
    if (!mean) return fnas_fail_memory(training->context, "training the predictor");
    fnas_status status = fnas_feature_map_mean(training->context, predictor->space, &predictor->map, mean);
    for (int64_t t = 0; t < devices && status == FNAS_OK; t++) {
        fnas_known_device *device = &predictor->devices[t];
        double scale = 0.0;
        status = fnas_training_regress(training, t, false);
        for (int64_t j = 0; j < k; j++) scale += mean[j] * device->coefficients[j];
        if (status == FNAS_OK && !(isfinite(scale) && scale > 1e-6))
            status = fnas_fail(training->context, FNAS_ERR_NUMERIC,
                               "device %s: its latencies give no stable fit: are they all of one unit?", device->name);
        if (status != FNAS_OK) break;
        device->scale_ms *= scale;
        for (int64_t r = 0; r < predictor->reference_count; r++) device->reference[r] /= scale;
        for (int64_t a = 0; a < training->arch_count; a++) training->latency[a * devices + t] /= scale;
    }
    fnas_free(mean);
    return status;
}

/* ---- The trunk ---- */

static void fnas_training_initialise(fnas_training *training) {
    fnas_predictor *predictor = training->predictor;
    const double *scale = predictor->map.scale + 1 + predictor->map.group_count;
    fnas_random random = fnas_random_begin(predictor->seed, FNAS_STREAM_PREDICTOR, 0, 3);
    fnas_trunk trunk = fnas_trunk_over(predictor->map.feature_count, training->values);
    double first = 1.0 / sqrt((double)trunk.feature_count), inner = 1.0 / sqrt((double)FNAS_TRUNK_HIDDEN);
    for (int64_t i = 0; i < trunk.feature_count * FNAS_TRUNK_HIDDEN; i++) {
        double draw = fnas_random_normal(&random);
        trunk.w1[i] = scale[i / FNAS_TRUNK_HIDDEN] > 0.0 ? draw * first / scale[i / FNAS_TRUNK_HIDDEN] : 0.0;
    }
    for (int64_t i = 0; i < FNAS_TRUNK_HIDDEN; i++) trunk.b1[i] = 0.5 * fnas_random_normal(&random);
    for (int64_t i = 0; i < FNAS_TRUNK_HIDDEN * FNAS_TRUNK_HIDDEN; i++) trunk.w2[i] = inner * fnas_random_normal(&random);
    for (int64_t i = 0; i < FNAS_TRUNK_HIDDEN; i++) trunk.b2[i] = 0.1 * fnas_random_normal(&random);
    for (int64_t i = 0; i < FNAS_TRUNK_TERMS * FNAS_TRUNK_HIDDEN; i++) trunk.w3[i] = inner * fnas_random_normal(&random);
}

/* Huber's loss of one architecture, relative to each device's noise, added to losses [device] (NULL: not wanted); gradients are added
 * unless gradient is NULL. */
static void fnas_training_loss(fnas_training *training, int64_t arch, const fnas_trunk *trunk, double *losses, fnas_trunk *gradient,
                               double weight) {
    int64_t devices = training->predictor->device_count;
    const double *features = training->features + arch * trunk->feature_count, *mixing = training->values + trunk->value_count;
    double terms[FNAS_TRUNK_TERMS], diff_terms[FNAS_TRUNK_TERMS] = {0};
    fnas_trunk_state state;
    fnas_trunk_forward(trunk, features, &state);
    fnas_trunk_terms(trunk, &state, terms);
    for (int64_t t = 0; t < devices; t++) {
        double latency = training->latency[arch * devices + t], unit = fmax(latency, FNAS_TRAINING_FLOOR), delta = training->delta[t];
        if (latency == 0.0) continue;
        double predicted = training->linear[arch * devices + t];
        for (int i = 0; i < FNAS_TRUNK_TERMS; i++) predicted += mixing[t * FNAS_TRUNK_TERMS + i] * terms[i];
        double error = (predicted - latency) / unit, size = fabs(error);
        if (losses) losses[t] += size <= delta ? 0.5 * error * error / delta : size - 0.5 * delta;
        if (!gradient) continue;
        double slope = weight * fmax(-1.0, fmin(1.0, error / delta)) / unit;
        double *diff_mixing = training->gradient + trunk->value_count + t * FNAS_TRUNK_TERMS;
        for (int i = 0; i < FNAS_TRUNK_TERMS; i++) {
            diff_mixing[i] += slope * terms[i];
            diff_terms[i] += slope * mixing[t * FNAS_TRUNK_TERMS + i];
        }
    }
    if (gradient) fnas_trunk_backward_values(trunk, features, &state, diff_terms, gradient);
}

static int64_t fnas_training_next(fnas_training *training) {
    if (training->cursor == 0) {
        int64_t *permutation = training->order + training->arch_count;
        fnas_random random = fnas_random_begin(training->predictor->seed, FNAS_STREAM_PREDICTOR, training->epoch++, 4);
        fnas_random_permutation(&random, training->order_count, permutation);
    }
    int64_t arch = training->order[training->order[training->arch_count + training->cursor]];
    training->cursor = (training->cursor + 1) % training->order_count;
    return arch;
}

/* AdamW (Loshchilov and Hutter 2019) in double precision, with half a cosine. */
static void fnas_training_update(fnas_training *training, int64_t step, int64_t steps) {
    double rate = FNAS_TRAINING_RATE * 0.5 * (1.0 + cos(3.14159265358979323846 * (double)(step - 1) / (double)steps));
    double correction1 = 1.0 - pow(0.9, (double)step), correction2 = 1.0 - pow(0.99, (double)step);
    for (int64_t i = 0; i < training->value_count; i++) {
        double g = training->gradient[i];
        training->moment1[i] += 0.1 * (g - training->moment1[i]);
        training->moment2[i] += 0.01 * (g * g - training->moment2[i]);
        training->values[i] -= rate * (training->moment1[i] / correction1 / (sqrt(training->moment2[i] / correction2) + 1e-10) +
                                       FNAS_TRAINING_DECAY * training->values[i]);
    }
}

static void fnas_training_step(fnas_training *training, int64_t step, int64_t steps) {
    int64_t features = training->predictor->map.feature_count;
    fnas_trunk trunk = fnas_trunk_over(features, training->values), gradient = fnas_trunk_over(features, training->gradient);
    memset(training->gradient, 0, (size_t)training->value_count * sizeof(double));
    for (int64_t i = 0; i < FNAS_TRAINING_BATCH; i++)
        fnas_training_loss(training, fnas_training_next(training), &trunk, NULL, &gradient, 1.0 / FNAS_TRAINING_BATCH);
    fnas_training_update(training, step, steps);
}

static void fnas_training_validate(fnas_training *training, double *losses) {
    fnas_trunk trunk = fnas_trunk_over(training->predictor->map.feature_count, training->values);
    memset(losses, 0, (size_t)training->predictor->device_count * sizeof *losses);
    for (int64_t a = 0; a < training->arch_count; a++)
        if (training->validation[a]) fnas_training_loss(training, a, &trunk, losses, NULL, 0.0);
}

static void fnas_training_report(fnas_training *training, int64_t step, int64_t steps, double start_ms, double ratio) {
    char text[64];
    snprintf(text, sizeof text, "validation loss %.4f of the linear part's", ratio);
    fnas_progress progress = {
        .stage = "predictor", .done = step, .total = steps, .elapsed_s = (fnas_wall_ms() - start_ms) / 1000.0, .text = text};
    fnas_report_progress(training->context, &progress);
}

/* The validation loss that the terms have to stay below to serve a device. */
static double fnas_training_bar(const fnas_training *training, int64_t t) {
    int64_t count = 0, devices = training->predictor->device_count;
    for (int64_t a = 0; a < training->arch_count; a++) count += training->validation[a] && training->latency[a * devices + t] > 0.0;
    return count > 0 ? training->first_loss[t] * fmax(0.0, 1.0 - FNAS_TRAINING_CHANCE / sqrt((double)count)) : 0.0;
}

/* Total validation loss when every device takes the terms only where they help it. */
static double fnas_training_gated_loss(const fnas_training *training) {
    double total = 0.0;
    for (int64_t t = 0; t < training->predictor->device_count; t++) total += fmin(training->loss[t], fnas_training_bar(training, t));
    return total;
}

static void fnas_training_keep(fnas_training *training, int64_t step) {
    training->predictor->steps = step;
    memcpy(training->best, training->values, (size_t)training->value_count * sizeof(double));
    for (int64_t t = 0; t < training->predictor->device_count; t++)
        training->uses_terms[t] = training->loss[t] < fnas_training_bar(training, t);
}

static fnas_status fnas_training_heed_stop(fnas_training *training) {
    if (!fnas_context_stop_requested(training->context)) return FNAS_OK;
    return fnas_fail(training->context, FNAS_INTERRUPTED, "training of the predictor was interrupted: nothing was saved");
}

/* Keeps the values that did best on the validation part; those of step 0, where the terms have no weight, are the linear part alone. */
static fnas_status fnas_training_fit_trunk(fnas_training *training, int64_t steps) {
    double start_ms = fnas_wall_ms(), first = 0.0, smallest;
    FNAS_TRY(fnas_training_heed_stop(training));
    fnas_training_initialise(training);
    fnas_training_validate(training, training->first_loss);
    for (int64_t t = 0; t < training->predictor->device_count; t++) first += fnas_training_bar(training, t);
    smallest = first;
    for (int64_t step = 1; step <= steps && first > 0.0; step++) {
        fnas_training_step(training, step, steps);
        if (step % FNAS_TRAINING_REPORT != 0 && step != steps) continue;
        FNAS_TRY(fnas_training_heed_stop(training));
        fnas_training_validate(training, training->loss);
        double loss = fnas_training_gated_loss(training);
        if (loss < smallest) fnas_training_keep(training, step);
        smallest = fmin(loss, smallest);
        fnas_training_report(training, step, steps, start_ms, smallest / first);
    }
    if (training->predictor->steps > 0)
        memcpy(training->predictor->trunk_values, training->best, (size_t)training->predictor->trunk.value_count * sizeof(double));
    return FNAS_OK;
}

/* Gives every term mean square 1 over the training architectures, so that one prior fits all of them. */
static void fnas_training_normalise_terms(fnas_training *training) {
    fnas_trunk *trunk = &training->predictor->trunk;
    double square[FNAS_TRUNK_TERMS] = {0}, terms[FNAS_TRUNK_TERMS];
    for (int64_t a = 0; a < training->arch_count; a++) {
        fnas_trunk_state state;
        fnas_trunk_forward(trunk, training->features + a * trunk->feature_count, &state);
        fnas_trunk_terms(trunk, &state, terms);
        for (int i = 0; i < FNAS_TRUNK_TERMS; i++) square[i] += terms[i] * terms[i] / (double)training->arch_count;
    }
    for (int i = 0; i < FNAS_TRUNK_TERMS; i++)
        for (int h = 0; h < FNAS_TRUNK_HIDDEN; h++) trunk->w3[i * FNAS_TRUNK_HIDDEN + h] *= square[i] > 0.0 ? 1.0 / sqrt(square[i]) : 0.0;
}

/* ---- Intervals ---- */

/* From coefficients that the validation part had no share in. */
static fnas_status fnas_training_fit_interval(fnas_training *training, int64_t t) {
    fnas_predictor *predictor = training->predictor;
    fnas_known_device *device = &predictor->devices[t];
    double *basis = training->workspace, *scores = training->target;
    int64_t count = 0;
    FNAS_TRY(fnas_training_regress(training, t, false));
    for (int64_t a = 0; a < training->arch_count; a++) {
        double latency = training->latency[a * predictor->device_count + t];
        if (latency == 0.0 || !training->validation[a]) continue;
        fnas_predictor_basis(predictor, training->features + a * predictor->map.feature_count, basis);
        scores[count++] = fabs(log(latency / fnas_predictor_combine(predictor, device->coefficients, basis)));
    }
    device->quantile = fnas_interval_quantile(scores, count);
    return FNAS_OK;
}

/* ---- All of it ---- */

static fnas_status fnas_training_run(fnas_training *training, int64_t count, const fnas_card_view *views, int64_t steps) {
    int64_t most = 0;
    for (int64_t t = 0; t < count; t++) most += fnas_training_device_samples(&views[t]);
    if (most > FNAS_TRAINING_MEASUREMENTS_MAX)
        return fnas_fail(training->context, FNAS_ERR_INPUT, "%lld measurements are more than the predictor takes (%d)", (long long)most,
                         FNAS_TRAINING_MEASUREMENTS_MAX);
    training->samples = fnas_allocate((size_t)most, sizeof *training->samples);
    if (!training->samples) return fnas_fail_memory(training->context, "measurements");
    for (int64_t t = 0; t < count; t++) FNAS_TRY(fnas_training_take_device(training, &views[t], t));
    FNAS_TRY(fnas_training_tabulate(training));
    FNAS_TRY(fnas_training_find_scales(training));
    FNAS_TRY(fnas_training_fit_linear(training));
    FNAS_TRY(fnas_training_fit_trunk(training, steps));
    fnas_training_normalise_terms(training);
    for (int64_t t = 0; t < count; t++) FNAS_TRY(fnas_training_fit_interval(training, t));
    for (int64_t t = 0; t < count; t++) FNAS_TRY(fnas_training_regress(training, t, true));
    const fnas_interval_data data = {training->arch_count, training->features, training->latency};
    return fnas_interval_fit_new(training->context, training->predictor, &data);
}

static void fnas_training_release(fnas_training *training) {
    fnas_free(training->samples);
    fnas_free(training->features);
    fnas_free(training->latency);
    fnas_free(training->linear);
    fnas_free(training->validation);
    fnas_free(training->order);
    fnas_free(training->delta);
    fnas_free(training->uses_terms);
    fnas_free(training->values);
    fnas_free(training->basis);
    fnas_free(training->target);
    fnas_free(training->deviation);
    fnas_free(training->workspace);
}

static fnas_status fnas_training_check_options(fnas_context *context, const fnas_predictor_options *options,
                                               fnas_predictor_options *resolved) {
    *resolved = options ? *options : (fnas_predictor_options){0};
    if (resolved->steps < 0 || resolved->steps > 10000000)
        return fnas_fail(context, FNAS_ERR_INPUT, "steps must be 0 to 10000000, not %lld", (long long)resolved->steps);
    if (!(resolved->holdout_fraction >= 0.0 && resolved->holdout_fraction <= 0.9))
        return fnas_fail(context, FNAS_ERR_INPUT, "holdout_fraction must be 0 to 0.9, not %g", resolved->holdout_fraction);
    if (resolved->holdout_least < 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "holdout_least must not be negative, as %lld is", (long long)resolved->holdout_least);
    if (resolved->steps == 0) resolved->steps = FNAS_TRAINING_STEPS;
    if (resolved->holdout_fraction == 0.0) resolved->holdout_fraction = 0.1;
    return FNAS_OK;
}

static bool fnas_training_references_differ(int64_t count, const fnas_card_view *views) {
    size_t bytes = (size_t)(views[0].reference_count * views[0].decision_count) * sizeof(int32_t);
    for (int64_t t = 1; t < count; t++) {
        bool same_size = views[t].reference_count == views[0].reference_count && views[t].decision_count == views[0].decision_count;
        if (!same_size || memcmp(views[t].reference_choices, views[0].reference_choices, bytes) != 0) return true;
    }
    return false;
}

static fnas_status fnas_training_take_references(fnas_context *context, const fnas_predictor *predictor, int64_t count,
                                                 const fnas_card_view *views) {
    for (int64_t t = 0; t < count; t++) {
        FNAS_TRY(fnas_predictor_check_references(context, predictor, &views[t]));
        memcpy(fnas_predictor_references(predictor, t), views[t].reference_choices,
               (size_t)(predictor->reference_count * predictor->decision_count) * sizeof(int32_t));
    }
    return FNAS_OK;
}

fnas_status fnas_predictor_fit_views(fnas_context *context, const fnas_space *space, int64_t count, const fnas_card_view *views,
                                     const fnas_predictor_options *options, fnas_predictor **predictor) {
    fnas_predictor_options resolved;
    *predictor = NULL;
    if (count < 1 || count > FNAS_PREDICTOR_MAX_DEVICES)
        return fnas_fail(context, FNAS_ERR_INPUT, "a predictor trains on 1 to %d devices, not %lld", FNAS_PREDICTOR_MAX_DEVICES,
                         (long long)count);
    FNAS_TRY(fnas_training_check_options(context, options, &resolved));
    bool own_references = fnas_training_references_differ(count, views);
    FNAS_TRY(fnas_predictor_allocate(context, fnas_space_spec(space), count, views[0].reference_count, own_references, predictor));
    (*predictor)->seed = resolved.seed;
    (*predictor)->holdout_fraction = resolved.holdout_fraction;
    fnas_training training = {.context = context, .predictor = *predictor, .holdout_least = resolved.holdout_least};
    fnas_status status = fnas_training_take_references(context, *predictor, count, views);
    if (status == FNAS_OK) status = fnas_training_run(&training, count, views, resolved.steps);
    fnas_training_release(&training);
    if (status != FNAS_OK) {
        fnas_predictor_free(*predictor);
        *predictor = NULL;
    }
    return status;
}
