/* Fitting errors to the rows of a table. */
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/statistics.h"
#include "search/error/surrogate.h"

#define FOLDS FNAS_SURROGATE_FOLDS
#define ROWS_LEAST 50
#define BATCH 32
#define EPOCHS 40
#define STEPS_MAX 20000
#define RATE 5e-3
#define DECAY 0.02 /* of the network's weights, times the rate, a step */

enum { FOLDING, BEGINNING, BATCHES }; /* of the random stream */

static const double PENALTIES[] = {0.1, 1, 10, 100};
enum { PENALTY_COUNT = sizeof PENALTIES / sizeof *PENALTIES };

/* What one fit works with. Rows are numbered by a random order: fold f holds out order[i] with i % FOLDS == f; fold -1 holds out none. */
typedef struct fitting {
    fnas_context *context;
    fnas_surrogate *surrogate;
    uint64_t seed;
    double begin_ms;
    int64_t rows, features;
    int64_t *order;                          /* [rows] */
    double *gram, *moment, *sums;            /* [features][features] upper, [features], [features]: of the rows that are trained on */
    double *factor, *slopes;                 /* [features][features], [features] */
    double *onehot, *row;                    /* [onehot], [features]: of one architecture */
    double *gradient, *first, *second;       /* [trunk values] */
    double *linear[PENALTY_COUNT], *network; /* [rows]: predictions while held out */
} fitting;

static void release(fitting *fit) {
    void *owned[] = {fit->order,  fit->gram, fit->moment,   fit->sums,  fit->factor, fit->slopes,
                     fit->onehot, fit->row,  fit->gradient, fit->first, fit->second, fit->network};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) fnas_free(owned[i]);
    for (int i = 0; i < PENALTY_COUNT; i++) fnas_free(fit->linear[i]);
}

static double *room(bool *good, int64_t count) {
    double *memory = fnas_allocate((size_t)count, sizeof *memory);
    if (!memory) *good = false;
    return memory;
}

static fnas_status allocate(fitting *fit) {
    bool good = true;
    int64_t f = fit->features, values = fit->surrogate->trunk.value_count;
    fit->order = fnas_allocate((size_t)fit->rows, sizeof *fit->order);
    fit->gram = room(&good, f * f);
    fit->factor = room(&good, f * f);
    fit->moment = room(&good, f);
    fit->sums = room(&good, f);
    fit->slopes = room(&good, f);
    fit->onehot = room(&good, fnas_space_onehot_size(fit->surrogate->space));
    fit->row = room(&good, f);
    fit->gradient = room(&good, values);
    fit->first = room(&good, values);
    fit->second = room(&good, values);
    fit->network = room(&good, fit->rows);
    for (int i = 0; i < PENALTY_COUNT; i++) fit->linear[i] = room(&good, fit->rows);
    return good && fit->order ? FNAS_OK : fnas_fail_memory(fit->context, "fitting errors");
}

/* Fisher and Yates. */
static void shuffle(const fitting *fit) {
    fnas_random random = fnas_random_begin(fit->seed, FNAS_STREAM_SURROGATE, FOLDING, 0);
    for (int64_t i = 0; i < fit->rows; i++) fit->order[i] = i;
    for (int64_t i = fit->rows - 1; i > 0; i--) {
        int64_t k = fnas_random_below(&random, i + 1), kept = fit->order[i];
        fit->order[i] = fit->order[k];
        fit->order[k] = kept;
    }
}

static void features_of(const fitting *fit, int64_t row) {
    const fnas_surrogate *surrogate = fit->surrogate;
    fnas_space_to_onehot(surrogate->space, fnas_arch_set_at(&surrogate->rows, row), fit->onehot);
    fnas_space_error_features(surrogate->space, fit->onehot, fit->row);
}

static bool trains(int64_t place, int64_t fold) {
    return place % FOLDS != fold;
}

/* ---- ridge ---- */

static void add_products(fitting *fit, double error) {
    int64_t f = fit->features, used[FNAS_SURROGATE_FEATURES_MAX], count = 0;
    for (int64_t j = 0; j < f; j++)
        if (fit->row[j] != 0) used[count++] = j; /* few of a one-hot */
    for (int64_t a = 0; a < count; a++) {
        double value = fit->row[used[a]];
        fit->sums[used[a]] += value;
        fit->moment[used[a]] += value * error;
        for (int64_t b = a; b < count; b++) fit->gram[used[a] * f + used[b]] += value * fit->row[used[b]];
    }
}

/* Sums over the rows that a fold trains on; returns their number, *mean is that of their errors. */
static int64_t collect(fitting *fit, int64_t fold, double *mean) {
    int64_t f = fit->features, count = 0;
    double sum = 0;
    memset(fit->gram, 0, (size_t)(f * f) * sizeof(double));
    memset(fit->moment, 0, (size_t)f * sizeof(double));
    memset(fit->sums, 0, (size_t)f * sizeof(double));
    for (int64_t i = 0; i < fit->rows; i++) {
        if (!trains(i, fold)) continue;
        features_of(fit, fit->order[i]);
        add_products(fit, fit->surrogate->errors[fit->order[i]]);
        sum += fit->surrogate->errors[fit->order[i]];
        count++;
    }
    *mean = sum / (double)count;
    return count;
}

/* Slopes on centred features and errors, with the penalty on each slope; the mean is that of a feature of 0. */
static fnas_status solve(fitting *fit, int64_t count, double mean, double penalty) {
    int64_t f = fit->features;
    fnas_surrogate *surrogate = fit->surrogate;
    for (int64_t i = 0; i < f; i++) {
        for (int64_t j = i; j < f; j++) fit->factor[i * f + j] = fit->gram[i * f + j] - fit->sums[i] * fit->sums[j] / (double)count;
        fit->factor[i * f + i] += penalty;
        surrogate->weights[i] = fit->moment[i] - fit->sums[i] * mean;
    }
    if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', (lapack_int)f, 1, fit->factor, (lapack_int)f, surrogate->weights, 1) != 0)
        return fnas_fail(fit->context, FNAS_ERR_NUMERIC, "no stable fit to the column \"%s\"", surrogate->column);
    surrogate->mean = mean;
    for (int64_t i = 0; i < f; i++) surrogate->mean -= surrogate->weights[i] * fit->sums[i] / (double)count;
    return FNAS_OK;
}

/* ---- the network, on what the ridge leaves ---- */

static void initialise(const fitting *fit) {
    fnas_surrogate *surrogate = fit->surrogate;
    const fnas_trunk *trunk = &surrogate->trunk;
    fnas_random random = fnas_random_begin(fit->seed, FNAS_STREAM_SURROGATE, BEGINNING, 0);
    double first = 1 / sqrt((double)surrogate->rows.decisions), second = 1 / sqrt((double)FNAS_TRUNK_HIDDEN);
    memset(surrogate->trunk_values, 0, (size_t)trunk->value_count * sizeof(double));
    for (int64_t i = 0; i < trunk->feature_count * FNAS_TRUNK_HIDDEN; i++) trunk->w1[i] = first * fnas_random_normal(&random);
    for (int64_t i = 0; i < FNAS_TRUNK_HIDDEN; i++) trunk->b1[i] = first * fnas_random_normal(&random);
    for (int64_t i = 0; i < FNAS_TRUNK_HIDDEN * FNAS_TRUNK_HIDDEN; i++) trunk->w2[i] = second * fnas_random_normal(&random);
    /* the last layer begins at 0: a network that learns nothing says nothing */
    memset(fit->first, 0, (size_t)trunk->value_count * sizeof(double));
    memset(fit->second, 0, (size_t)trunk->value_count * sizeof(double));
}

/* Adam with decoupled decay (Loshchilov and Hutter 2019), the rate falling as a cosine. */
static void adam(const fitting *fit, int64_t step, int64_t steps) {
    const double beta1 = 0.9, beta2 = 0.99;
    int64_t count = fit->surrogate->trunk.value_count;
    double *values = fit->surrogate->trunk_values;
    double rate = 0.5 * RATE * (1 + cos(3.14159265358979323846 * (double)step / (double)steps));
    double bias1 = 1 - pow(beta1, (double)(step + 1)), bias2 = 1 - pow(beta2, (double)(step + 1));
    for (int64_t i = 0; i < count; i++) {
        fit->first[i] = beta1 * fit->first[i] + (1 - beta1) * fit->gradient[i];
        fit->second[i] = beta2 * fit->second[i] + (1 - beta2) * fit->gradient[i] * fit->gradient[i];
        values[i] -= rate * (fit->first[i] / bias1 / (sqrt(fit->second[i] / bias2) + 1e-8) + DECAY * values[i]);
    }
}

/* The root of the mean square of what the ridge leaves on the rows that are trained on. */
static double rest(fitting *fit, int64_t fold, int64_t count) {
    double squares = 0;
    fnas_trunk_state state;
    fit->surrogate->scale = 0;
    for (int64_t i = 0; i < fit->rows; i++) {
        if (!trains(i, fold)) continue;
        features_of(fit, fit->order[i]);
        squares += pow(fit->surrogate->errors[fit->order[i]] - fnas_surrogate_value(fit->surrogate, fit->row, &state), 2);
    }
    return sqrt(squares / (double)count);
}

static void add_gradient(const fitting *fit, int64_t row, fnas_trunk *gradient) {
    const fnas_surrogate *surrogate = fit->surrogate;
    fnas_trunk_state state;
    features_of(fit, row);
    double off = (fnas_surrogate_value(surrogate, fit->row, &state) - surrogate->errors[row]) / surrogate->scale;
    const double diff_terms[FNAS_TRUNK_TERMS] = {off / BATCH};
    fnas_trunk_backward_values(&surrogate->trunk, fit->row, &state, diff_terms, gradient);
}

/* count: rows that are trained on. */
static fnas_status train_network(fitting *fit, int64_t fold, int64_t count) {
    double deviation = rest(fit, fold, count);
    if (!(deviation > 1e-9)) return FNAS_OK; /* nothing is left: scale stays 0 */
    initialise(fit);
    fit->surrogate->scale = deviation;
    int64_t steps = EPOCHS * count / BATCH;
    if (steps > STEPS_MAX) steps = STEPS_MAX;
    fnas_trunk gradient = fnas_trunk_over(fit->features, fit->gradient);
    fnas_random random = fnas_random_begin(fit->seed, FNAS_STREAM_SURROGATE, BATCHES, 0);
    for (int64_t step = 0; step < steps; step++) {
        if (step % 64 == 0 && fnas_context_stop_requested(fit->context))
            return fnas_fail(fit->context, FNAS_INTERRUPTED, "stopped while errors were fitted: nothing was written");
        memset(fit->gradient, 0, (size_t)gradient.value_count * sizeof(double));
        for (int b = 0; b < BATCH; b++) {
            int64_t place = fnas_random_below(&random, fit->rows);
            while (!trains(place, fold)) place = fnas_random_below(&random, fit->rows);
            add_gradient(fit, fit->order[place], &gradient);
        }
        adam(fit, step, steps);
    }
    return FNAS_OK;
}

/* ---- cross-validation ---- */

static void predict_held_out(fitting *fit, int64_t fold, double *predictions) {
    fnas_trunk_state state;
    for (int64_t i = 0; i < fit->rows; i++) {
        if (trains(i, fold)) continue;
        features_of(fit, fit->order[i]);
        predictions[fit->order[i]] = fnas_surrogate_value(fit->surrogate, fit->row, &state);
    }
}

static double mean_square(const fitting *fit, const double *predictions) {
    double sum = 0;
    for (int64_t i = 0; i < fit->rows; i++) sum += pow(predictions[i] - fit->surrogate->errors[i], 2);
    return sum / (double)fit->rows;
}

static fnas_status validate_linear(fitting *fit, int *best) {
    double mean;
    fit->surrogate->scale = 0;
    for (int64_t fold = 0; fold < FOLDS; fold++) {
        int64_t count = collect(fit, fold, &mean);
        for (int i = 0; i < PENALTY_COUNT; i++) {
            FNAS_TRY(solve(fit, count, mean, PENALTIES[i]));
            predict_held_out(fit, fold, fit->linear[i]);
        }
    }
    *best = 0;
    for (int i = 1; i < PENALTY_COUNT; i++)
        if (mean_square(fit, fit->linear[i]) < mean_square(fit, fit->linear[*best])) *best = i;
    return FNAS_OK;
}

static void report(const fitting *fit, int64_t done) {
    double elapsed_s = (fnas_wall_ms() - fit->begin_ms) / 1e3;
    fnas_progress progress = {.stage = "errors", .done = done, .total = FOLDS + 1, .elapsed_s = elapsed_s, .text = ""};
    fnas_report_progress(fit->context, &progress);
}

static fnas_status validate_network(fitting *fit, double penalty) {
    double mean;
    for (int64_t fold = 0; fold < FOLDS; fold++) {
        int64_t count = collect(fit, fold, &mean);
        FNAS_TRY(solve(fit, count, mean, penalty));
        FNAS_TRY(train_network(fit, fold, count));
        predict_held_out(fit, fold, fit->network);
        report(fit, fold + 1);
    }
    return FNAS_OK;
}

static void record_scores(const fitting *fit, const double *predictions) {
    fnas_surrogate *surrogate = fit->surrogate;
    double sum = 0;
    for (int64_t i = 0; i < fit->rows; i++) sum += fabs(predictions[i] - surrogate->errors[i]);
    surrogate->mean_error_pct = sum / (double)fit->rows;
    double spearman = fnas_spearman(predictions, surrogate->errors, fit->rows);
    surrogate->spearman = isnan(spearman) ? 0 : spearman; /* equal predictions tell nothing apart */
}

static fnas_status fit_rows(fitting *fit) {
    int best;
    double mean;
    FNAS_TRY(allocate(fit));
    shuffle(fit);
    FNAS_TRY(validate_linear(fit, &best));
    FNAS_TRY(validate_network(fit, PENALTIES[best]));
    bool has_network = mean_square(fit, fit->network) < mean_square(fit, fit->linear[best]);
    record_scores(fit, has_network ? fit->network : fit->linear[best]);
    int64_t count = collect(fit, -1, &mean);
    FNAS_TRY(solve(fit, count, mean, PENALTIES[best]));
    fit->surrogate->scale = 0;
    if (has_network)
        FNAS_TRY(train_network(fit, -1, count));
    else
        memset(fit->surrogate->trunk_values, 0, (size_t)fit->surrogate->trunk.value_count * sizeof(double));
    report(fit, FOLDS + 1);
    return FNAS_OK;
}

static void drop_rows(fnas_surrogate *surrogate) {
    fnas_arch_set_free(&surrogate->rows);
    fnas_free(surrogate->errors);
    surrogate->errors = NULL;
    surrogate->rows.decisions = fnas_space_decision_count(surrogate->space);
}

fnas_status fnas_surrogate_fit(fnas_context *context, uint64_t seed, fnas_surrogate *surrogate) {
    if (surrogate->is_fitted) return FNAS_OK;
    if (!surrogate->is_exact && !surrogate->network) {
        if (surrogate->row_count < ROWS_LEAST)
            return fnas_fail(context, FNAS_ERR_INPUT, "the table has %lld rows: fitting errors to them needs at least %d",
                             (long long)surrogate->row_count, ROWS_LEAST);
        fitting fit = {.context = context,
                       .surrogate = surrogate,
                       .seed = seed,
                       .begin_ms = fnas_wall_ms(),
                       .rows = surrogate->row_count,
                       .features = surrogate->feature_count};
        fnas_status status = fit_rows(&fit);
        release(&fit);
        FNAS_TRY(status);
        drop_rows(surrogate);
    }
    surrogate->is_fitted = true;
    return fnas_surrogate_find_range(context, surrogate);
}
