/* The paper's hypernetwork: B = 50 banks ("random devices"), each a table with one row of logits for every percent of a preference, mixed
 * by attention of the device's embedding over a key matrix: logits = sum_b p_b h_b(r), p = softmax(E d / sqrt(embedding)). */
#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "search/hypernet_kinds.h"

enum { BANKS = 50, ROWS = 101 };

/* Parameters: keys [BANKS][embedding], then tables [table_count][ROWS][BANKS][outputs]: what one lookup reads lies together. */
static int64_t table_count(const fnas_hypernet_shape *shape) {
    return shape->objectives == 2 ? 1 : shape->objectives; /* with two objectives the first weight tells the second */
}

static int64_t key_floats(const fnas_hypernet_shape *shape) {
    return BANKS * shape->embedding;
}

static int64_t row_floats(const fnas_hypernet_shape *shape) {
    return BANKS * shape->outputs;
}

static int64_t table_parameter_count(const fnas_hypernet_shape *shape) {
    return key_floats(shape) + table_count(shape) * ROWS * row_floats(shape);
}

static int64_t table_workspace_floats(const fnas_hypernet_shape *shape) {
    (void)shape;
    return BANKS; /* the mixing weights p */
}

static void table_randomise(const fnas_hypernet_shape *shape, uint64_t seed, float *parameters) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_HYPERNET, 0, FNAS_HYPERNET_DRAW_WEIGHTS);
    int64_t count = table_parameter_count(shape);
    for (int64_t i = 0; i < count; i++) parameters[i] = (float)fnas_random_normal(&random);
}

/* Where a weight of the preference falls between two rows; interpolation removes the 1 % steps and lets neighbours learn from each other.
 */
typedef struct row_position {
    int64_t lower;
    double upper_share;
} row_position;

static row_position find_row(double weight) {
    double position = weight * (ROWS - 1);
    if (!(position > 0)) return (row_position){0, 0};
    if (position >= ROWS - 1) return (row_position){ROWS - 2, 1};
    double lower = floor(position);
    return (row_position){(int64_t)lower, position - lower};
}

static const float *row_of(const fnas_hypernet_shape *shape, const float *parameters, int64_t table, int64_t row) {
    return parameters + key_floats(shape) + (table * ROWS + row) * row_floats(shape);
}

static void mixing_weights(const fnas_hypernet_shape *shape, const float *keys, const double *embedding, double *mix) {
    double largest = -INFINITY, sum = 0, scale = 1 / sqrt((double)shape->embedding);
    for (int64_t bank = 0; bank < BANKS; bank++) {
        double score = 0;
        for (int64_t e = 0; e < shape->embedding; e++) score += embedding[e] * keys[bank * shape->embedding + e];
        mix[bank] = score * scale;
        if (mix[bank] > largest) largest = mix[bank];
    }
    for (int64_t bank = 0; bank < BANKS; bank++) sum += mix[bank] = exp(mix[bank] - largest);
    for (int64_t bank = 0; bank < BANKS; bank++) mix[bank] /= sum;
}

/* logits += share * sum_b mix_b row[b] */
static void add_mixture(int64_t outputs, const float *restrict row, const double *mix, double share, double *restrict logits) {
    for (int64_t bank = 0; bank < BANKS; bank++) {
        double weight = mix[bank] * share;
        for (int64_t o = 0; o < outputs; o++) logits[o] += weight * row[bank * outputs + o];
    }
}

static void table_forward(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const double *embedding,
                          float *workspace, double *logits) {
    double mix[BANKS];
    mixing_weights(shape, parameters, embedding, mix);
    for (int64_t bank = 0; bank < BANKS; bank++) workspace[bank] = (float)mix[bank];
    for (int64_t o = 0; o < shape->outputs; o++) logits[o] = 0;
    for (int64_t table = 0; table < table_count(shape); table++) {
        row_position at = find_row(preference[table]);
        add_mixture(shape->outputs, row_of(shape, parameters, table, at.lower), mix, 1 - at.upper_share, logits);
        add_mixture(shape->outputs, row_of(shape, parameters, table, at.lower + 1), mix, at.upper_share, logits);
    }
}

/* Gradient of add_mixture by the row and, into diff_mix, by the mixing weights. */
static void add_mixture_backward(int64_t outputs, const float *restrict row, const float *mix, double share,
                                 const double *restrict diff_logits, float *restrict diff_row, double *diff_mix) {
    if (share == 0) return;
    for (int64_t bank = 0; bank < BANKS; bank++) {
        double weight = mix[bank] * share, along = 0;
        for (int64_t o = 0; o < outputs; o++) {
            diff_row[bank * outputs + o] += (float)(weight * diff_logits[o]);
            along += row[bank * outputs + o] * diff_logits[o];
        }
        diff_mix[bank] += share * along;
    }
}

static void mixing_weights_backward(const fnas_hypernet_shape *shape, const double *embedding, const float *mix, const double *diff_mix,
                                    float *diff_keys) {
    double mean = 0, scale = 1 / sqrt((double)shape->embedding);
    for (int64_t bank = 0; bank < BANKS; bank++) mean += mix[bank] * diff_mix[bank];
    for (int64_t bank = 0; bank < BANKS; bank++) {
        double diff_score = mix[bank] * (diff_mix[bank] - mean) * scale;
        for (int64_t e = 0; e < shape->embedding; e++) diff_keys[bank * shape->embedding + e] += (float)(diff_score * embedding[e]);
    }
}

static void table_backward(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const double *embedding,
                           const float *workspace, const double *diff_logits, float *gradient) {
    double diff_mix[BANKS] = {0};
    for (int64_t table = 0; table < table_count(shape); table++) {
        row_position at = find_row(preference[table]);
        for (int64_t side = 0; side < 2; side++) {
            const float *row = row_of(shape, parameters, table, at.lower + side);
            add_mixture_backward(shape->outputs, row, workspace, side ? at.upper_share : 1 - at.upper_share, diff_logits,
                                 gradient + (row - parameters), diff_mix);
        }
    }
    mixing_weights_backward(shape, embedding, workspace, diff_mix, gradient);
}

/* ---- blocks: the keys, then a row of all banks each ---- */

static int64_t table_block_count(const fnas_hypernet_shape *shape) {
    return 1 + table_count(shape) * ROWS;
}

static fnas_hypernet_block table_block_at(const fnas_hypernet_shape *shape, int64_t block) {
    if (block == 0) return (fnas_hypernet_block){0, key_floats(shape)};
    return (fnas_hypernet_block){key_floats(shape) + (block - 1) * row_floats(shape), row_floats(shape)};
}

static void table_touch(const fnas_hypernet_shape *shape, const double *preference, uint8_t *touched) {
    touched[0] = 1;
    for (int64_t table = 0; table < table_count(shape); table++) {
        row_position at = find_row(preference[table]);
        if (at.upper_share != 1) touched[1 + table * ROWS + at.lower] = 1;
        if (at.upper_share != 0) touched[1 + table * ROWS + at.lower + 1] = 1;
    }
}

/* ---- pre-training: only the mixture is brought to zero, the tables stay spread out so that every bank can become its own device ----
 *
 * The goal is the least-squares one, min_H mean_d |p(d)' H(r)|^2 for every row r, from the random tables H0. Its proximal step
 *     H = argmin_H |H - H0|^2 + time * mean_d |p(d)' H|^2 = (I + time * C)^-1 H0,   C = mean_d p(d) p(d)'
 * is gradient descent run for `time` in one implicit Euler step, and C is one 50 x 50 matrix for all rows and outputs: no epochs are
 * needed. */
enum { RANDOM_DEVICES = 256, PROBE_DEVICES = 64 };
static const double logit_limit = 0.08; /* of any row, for the devices given and for devices never used in the fit */

typedef struct flatten_task {
    const fnas_hypernet_shape *shape;
    float *parameters;
    double *mixes;  /* [mix_count][BANKS]: of the devices fitted */
    double *probes; /* [probe_count][BANKS]: of the devices that the outcome is judged on */
    int64_t mix_count, probe_count;
} flatten_task;

/* p of a device that could be, by latencies min-max normalised to [0, 1]. Conditioned embeddings (embedding.h) lie wider; those of the
 * search are fitted themselves, and to flatten for all others like them would cost the tables their spread. */
static void random_device_mix(const flatten_task *task, fnas_random *random, double *embedding, double *mix) {
    for (int64_t e = 0; e < task->shape->embedding; e++) embedding[e] = fnas_random_uniform(random);
    mixing_weights(task->shape, task->parameters, embedding, mix);
}

static void collect_mixes(flatten_task *task, uint64_t seed, int64_t device_count, const double *embeddings, double *scratch) {
    fnas_random fitted = fnas_random_begin(seed, FNAS_STREAM_HYPERNET, 0, FNAS_HYPERNET_DRAW_DEVICES);
    fnas_random judged = fnas_random_begin(seed, FNAS_STREAM_HYPERNET, 0, FNAS_HYPERNET_DRAW_PROBES);
    for (int64_t d = 0; d < device_count; d++) {
        mixing_weights(task->shape, task->parameters, embeddings + d * task->shape->embedding, task->mixes + d * BANKS);
        for (int64_t bank = 0; bank < BANKS; bank++) task->probes[d * BANKS + bank] = task->mixes[d * BANKS + bank];
    }
    for (int64_t d = device_count; d < task->mix_count; d++) random_device_mix(task, &fitted, scratch, task->mixes + d * BANKS);
    for (int64_t d = device_count; d < task->probe_count; d++) random_device_mix(task, &judged, scratch, task->probes + d * BANKS);
}

/* factor = Cholesky factor L (lower) of I + time * C. Positive definite whatever the devices are. */
static void factor_system(const flatten_task *task, double time, double factor[BANKS][BANKS]) {
    for (int64_t i = 0; i < BANKS; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int64_t d = 0; d < task->mix_count; d++) sum += task->mixes[d * BANKS + i] * task->mixes[d * BANKS + j];
            factor[i][j] = (i == j) + time * sum / (double)task->mix_count;
        }
    }
    for (int64_t i = 0; i < BANKS; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double rest = factor[i][j];
            for (int64_t k = 0; k < j; k++) rest -= factor[i][k] * factor[j][k];
            factor[i][j] = i == j ? sqrt(rest) : rest / factor[j][j];
        }
    }
}

/* inverse = (L L')^-1, a column at a time. */
static void invert_system(double factor[BANKS][BANKS], double inverse[BANKS][BANKS]) {
    for (int64_t column = 0; column < BANKS; column++) {
        double x[BANKS];
        for (int64_t i = 0; i < BANKS; i++) {
            x[i] = i == column;
            for (int64_t k = 0; k < i; k++) x[i] -= factor[i][k] * x[k];
            x[i] /= factor[i][i];
        }
        for (int64_t i = BANKS - 1; i >= 0; i--) {
            for (int64_t k = i + 1; k < BANKS; k++) x[i] -= factor[k][i] * x[k];
            x[i] /= factor[i][i];
        }
        for (int64_t i = 0; i < BANKS; i++) inverse[i][column] = x[i];
    }
}

/* row <- inverse * row, row [BANKS][outputs]. */
static void transform_row(int64_t outputs, double inverse[BANKS][BANKS], float *row, double *scratch) {
    for (int64_t i = 0; i < BANKS * outputs; i++) scratch[i] = 0;
    for (int64_t i = 0; i < BANKS; i++)
        for (int64_t k = 0; k < BANKS; k++)
            for (int64_t o = 0; o < outputs; o++) scratch[i * outputs + o] += inverse[i][k] * row[k * outputs + o];
    for (int64_t i = 0; i < BANKS * outputs; i++) row[i] = (float)scratch[i];
}

static void take_step(const flatten_task *task, double time, double *scratch) {
    double factor[BANKS][BANKS], inverse[BANKS][BANKS];
    factor_system(task, time, factor);
    invert_system(factor, inverse);
    for (int64_t row = 0; row < table_count(task->shape) * ROWS; row++)
        transform_row(task->shape->outputs, inverse, task->parameters + key_floats(task->shape) + row * row_floats(task->shape), scratch);
}

/* A bound of |logit| over all preferences: tables add up, interpolation lies between its rows. */
static double largest_logit(const flatten_task *task, double *scratch) {
    double bound = 0;
    int64_t outputs = task->shape->outputs;
    for (int64_t table = 0; table < table_count(task->shape); table++) {
        double largest = 0;
        for (int64_t row = 0; row < ROWS; row++) {
            for (int64_t probe = 0; probe < task->probe_count; probe++) {
                for (int64_t o = 0; o < outputs; o++) scratch[o] = 0;
                add_mixture(outputs, row_of(task->shape, task->parameters, table, row), task->probes + probe * BANKS, 1, scratch);
                for (int64_t o = 0; o < outputs; o++) largest = fmax(largest, fabs(scratch[o]));
            }
        }
        bound += largest;
    }
    return bound;
}

static void flatten_tables(const flatten_task *task, double *scratch) {
    /* 1e3 is far for the directions in which devices differ most and nothing for the rest; more steps are needed only where
     * many tables add up. The random devices span all banks, so that the tables go to zero in the limit and the loop ends. */
    for (double time = 1e3; largest_logit(task, scratch) > logit_limit && time < 1e15; time *= 4) take_step(task, time, scratch);
}

static fnas_status table_flatten(fnas_context *context, const fnas_hypernet_shape *shape, uint64_t seed, int64_t device_count,
                                 const double *embeddings, float *parameters) {
    flatten_task task = {
        .shape = shape, .parameters = parameters, .mix_count = device_count + RANDOM_DEVICES, .probe_count = device_count + PROBE_DEVICES};
    task.mixes = fnas_allocate((size_t)task.mix_count * BANKS, sizeof(double));
    task.probes = fnas_allocate((size_t)task.probe_count * BANKS, sizeof(double));
    double *scratch = fnas_allocate((size_t)(row_floats(shape) + shape->embedding), sizeof(double));
    fnas_status status = task.mixes && task.probes && scratch ? FNAS_OK : fnas_fail_memory(context, "pre-training the hypernetwork");
    if (status == FNAS_OK) {
        collect_mixes(&task, seed, device_count, embeddings, scratch);
        flatten_tables(&task, scratch);
    }
    fnas_free(task.mixes);
    fnas_free(task.probes);
    fnas_free(scratch);
    return status;
}

const fnas_hypernet_ops fnas_hypernet_table_ops = {
    .name = "table",
    .parameter_count = table_parameter_count,
    .workspace_floats = table_workspace_floats,
    .randomise = table_randomise,
    .flatten = table_flatten,
    .forward = table_forward,
    .backward = table_backward,
    .block_count = table_block_count,
    .block_at = table_block_at,
    .touch = table_touch,
};
