/* The paper's hypernetwork: B = 50 banks ("random devices"), each a table with one row of logits for every percent of a preference, mixed
 * by attention of the device's embedding over a key matrix: logits = sum_b p_b h_b(r), p = softmax(E d / sqrt(embedding)). */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/vector.h"
#include "search/hypernet/kinds.h"

enum { BANKS = 50, ROWS = 101, LANES = 8 };

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
    return BANKS * (int64_t)(sizeof(double) / sizeof(float)); /* the mixing weights p, in double precision */
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
FNAS_MULTIVERSION
static void add_mixture(int64_t outputs, const float *restrict row, const double *mix, double share, double *restrict logits) {
    for (int64_t bank = 0; bank < BANKS; bank++) {
        double weight = mix[bank] * share;
        for (int64_t o = 0; o < outputs; o++) logits[o] += weight * row[bank * outputs + o];
    }
}

static void table_forward(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const double *embedding,
                          const float *twin, float *workspace, double *logits) {
    double mix[BANKS];
    if (twin)
        memcpy(mix, twin, sizeof mix);
    else
        mixing_weights(shape, parameters, embedding, mix);
    memcpy(workspace, mix, sizeof mix);
    for (int64_t o = 0; o < shape->outputs; o++) logits[o] = 0;
    for (int64_t table = 0; table < table_count(shape); table++) {
        row_position at = find_row(preference[table]);
        if (at.upper_share != 1) add_mixture(shape->outputs, row_of(shape, parameters, table, at.lower), mix, 1 - at.upper_share, logits);
        if (at.upper_share != 0) add_mixture(shape->outputs, row_of(shape, parameters, table, at.lower + 1), mix, at.upper_share, logits);
    }
}

/* diff_mix_b += <row[b], diff_logits>: eight lanes, a fixed order of summation that vectorises. */
FNAS_MULTIVERSION
static void add_row_products(int64_t outputs, const float *restrict row, const double *restrict diff_logits, double *restrict diff_mix) {
    for (int64_t bank = 0; bank < BANKS; bank++, row += outputs) {
        double lanes[LANES] = {0};
        int64_t o = 0;
        for (; o + LANES <= outputs; o += LANES)
            for (int64_t l = 0; l < LANES; l++) lanes[l] += row[o + l] * diff_logits[o + l];
        for (int64_t l = 0; o + l < outputs; l++) lanes[l] += row[o + l] * diff_logits[o + l];
        diff_mix[bank] += ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    }
}

/* row[b] += weight * mix_b * logits */
FNAS_MULTIVERSION
static void add_outer_product(int64_t outputs, double weight, const double *mix, const double *restrict logits, float *restrict row) {
    for (int64_t bank = 0; bank < BANKS; bank++)
        for (int64_t o = 0; o < outputs; o++) row[bank * outputs + o] += (float)(weight * mix[bank] * logits[o]);
}

/* From diff_mix to the gradient of the scores <key, embedding>, in place. */
static void softmax_backward(const fnas_hypernet_shape *shape, const double *mix, double *diff) {
    double mean = 0, scale = 1 / sqrt((double)shape->embedding);
    for (int64_t bank = 0; bank < BANKS; bank++) mean += mix[bank] * diff[bank];
    for (int64_t bank = 0; bank < BANKS; bank++) diff[bank] = mix[bank] * (diff[bank] - mean) * scale;
}

static void add_key_gradient(int64_t embedding_length, double weight, const double *diff_scores, const double *embedding,
                             float *diff_keys) {
    for (int64_t bank = 0; bank < BANKS; bank++)
        for (int64_t e = 0; e < embedding_length; e++)
            diff_keys[bank * embedding_length + e] += (float)(weight * diff_scores[bank] * embedding[e]);
}

static void table_backward(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const double *embedding,
                           const float *workspace, const double *diff_logits, float *gradient) {
    double mix[BANKS], diff[BANKS] = {0};
    memcpy(mix, workspace, sizeof mix);
    for (int64_t table = 0; table < table_count(shape); table++) {
        row_position at = find_row(preference[table]);
        for (int64_t side = 0; side < 2; side++) {
            const float *row = row_of(shape, parameters, table, at.lower + side);
            double share = side ? at.upper_share : 1 - at.upper_share, along[BANKS] = {0};
            if (share == 0) continue;
            add_row_products(shape->outputs, row, diff_logits, along);
            for (int64_t bank = 0; bank < BANKS; bank++) diff[bank] += share * along[bank];
            add_outer_product(shape->outputs, share, mix, diff_logits, gradient + (row - parameters));
        }
    }
    softmax_backward(shape, mix, diff);
    add_key_gradient(shape->embedding, 1, diff, embedding, gradient);
}

/* ---- sums: the gradient of items that share one embedding ----
 *
 * They share p and the embedding d, so that with v_r, the sum of the items' diff_logits by their share in row r, the gradient is p v_r' in
 * each row r that was looked up, and s d' in the keys, s being that of the scores: products take sums of some hundred numbers,
 *     <a, b> = <p_a, p_b> sum_r <v_a,r, v_b,r> + <s_a, s_b> <d_a, d_b>. */
typedef struct table_sum {
    double *mix;         /* [BANKS] p */
    double *diff_scores; /* [BANKS] s, once settled */
    double *embedding;   /* [embedding] d */
    double *diff_logits; /* [table_count * ROWS][outputs]: v_r of the rows looked up */
    int64_t *rows;       /* [table_count * ROWS]: those, in the order in which they came */
    int64_t *place;      /* [table_count * ROWS]: 1 + where a row stands among them, 0: not looked up */
    int64_t *row_count;  /* [1] */
} table_sum;

static int64_t table_sum_bytes(const fnas_hypernet_shape *shape) {
    int64_t rows = table_count(shape) * ROWS;
    return 8 * (2 * BANKS + shape->embedding + rows * (shape->outputs + 2) + 1);
}

static table_sum table_sum_over(const fnas_hypernet_shape *shape, const void *memory) {
    int64_t rows = table_count(shape) * ROWS;
    table_sum sum = {.mix = (double *)memory}; /* whether it may be written is for the caller to know */
    sum.diff_scores = sum.mix + BANKS;
    sum.embedding = sum.diff_scores + BANKS;
    sum.diff_logits = sum.embedding + shape->embedding;
    sum.rows = (int64_t *)(void *)(sum.diff_logits + rows * shape->outputs);
    sum.place = sum.rows + rows;
    sum.row_count = sum.place + rows;
    return sum;
}

static void table_sum_begin(const fnas_hypernet_shape *shape, const double *embedding, void *memory) {
    table_sum sum = table_sum_over(shape, memory);
    for (int64_t i = 0; i < *sum.row_count; i++) sum.place[sum.rows[i]] = 0;
    *sum.row_count = 0;
    memset(sum.mix, 0, BANKS * sizeof *sum.mix);
    memset(sum.diff_scores, 0, BANKS * sizeof *sum.diff_scores);
    memcpy(sum.embedding, embedding, (size_t)shape->embedding * sizeof *embedding);
}

static void add_to_row(const fnas_hypernet_shape *shape, int64_t row, double share, const double *diff_logits, table_sum *sum) {
    double *restrict into = sum->diff_logits + row * shape->outputs;
    if (share == 0) return;
    if (!sum->place[row]) {
        sum->rows[*sum->row_count] = row;
        sum->place[row] = ++*sum->row_count;
        memset(into, 0, (size_t)shape->outputs * sizeof *into);
    }
    for (int64_t o = 0; o < shape->outputs; o++) into[o] += share * diff_logits[o];
}

static void table_sum_add(const fnas_hypernet_shape *shape, const float *parameters, const double *preference, const float *workspace,
                          const double *diff_logits, void *memory) {
    (void)parameters;
    table_sum sum = table_sum_over(shape, memory);
    memcpy(sum.mix, workspace, BANKS * sizeof *sum.mix);
    for (int64_t table = 0; table < table_count(shape); table++) {
        row_position at = find_row(preference[table]);
        add_to_row(shape, table * ROWS + at.lower, 1 - at.upper_share, diff_logits, &sum);
        add_to_row(shape, table * ROWS + at.lower + 1, at.upper_share, diff_logits, &sum);
    }
}

static void table_sum_settle(const fnas_hypernet_shape *shape, const float *parameters, void *memory) {
    table_sum sum = table_sum_over(shape, memory);
    memset(sum.diff_scores, 0, BANKS * sizeof *sum.diff_scores);
    for (int64_t i = 0; i < *sum.row_count; i++)
        add_row_products(shape->outputs, row_of(shape, parameters, 0, sum.rows[i]), sum.diff_logits + sum.rows[i] * shape->outputs,
                         sum.diff_scores);
    softmax_backward(shape, sum.mix, sum.diff_scores);
}

static double inner_product(int64_t count, const double *a, const double *b) {
    double lanes[4] = {0};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int64_t l = 0; l < 4; l++) lanes[l] += a[i + l] * b[i + l];
    for (int64_t l = 0; i + l < count; l++) lanes[l] += a[i + l] * b[i + l];
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

static double table_sum_product(const fnas_hypernet_shape *shape, const void *memory_a, const void *memory_b) {
    table_sum a = table_sum_over(shape, memory_a), b = table_sum_over(shape, memory_b);
    double rows = 0;
    for (int64_t i = 0; i < *a.row_count; i++) {
        int64_t at = a.rows[i] * shape->outputs;
        if (b.place[a.rows[i]]) rows += inner_product(shape->outputs, a.diff_logits + at, b.diff_logits + at);
    }
    double keys = inner_product(BANKS, a.diff_scores, b.diff_scores) * inner_product(shape->embedding, a.embedding, b.embedding);
    return inner_product(BANKS, a.mix, b.mix) * rows + keys;
}

static void table_sum_spread(const fnas_hypernet_shape *shape, double weight, const void *memory, float *direction) {
    table_sum sum = table_sum_over(shape, memory);
    add_key_gradient(shape->embedding, weight, sum.diff_scores, sum.embedding, direction);
    for (int64_t i = 0; i < *sum.row_count; i++)
        add_outer_product(shape->outputs, weight, sum.mix, sum.diff_logits + sum.rows[i] * shape->outputs,
                          direction + key_floats(shape) + sum.rows[i] * row_floats(shape));
}

static void table_sum_wipe(const fnas_hypernet_shape *shape, const void *memory, float *direction) {
    table_sum sum = table_sum_over(shape, memory);
    memset(direction, 0, (size_t)key_floats(shape) * sizeof *direction);
    for (int64_t i = 0; i < *sum.row_count; i++)
        memset(direction + key_floats(shape) + sum.rows[i] * row_floats(shape), 0, (size_t)row_floats(shape) * sizeof *direction);
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
    .sum_bytes = table_sum_bytes,
    .sum_begin = table_sum_begin,
    .sum_add = table_sum_add,
    .sum_settle = table_sum_settle,
    .sum_product = table_sum_product,
    .sum_spread = table_sum_spread,
    .sum_wipe = table_sum_wipe,
};
