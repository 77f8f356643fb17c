/* A device from its ten reference latencies: maximum a posteriori coefficients under a mixture of normal priors, one around each training
 * device.
 *
 * Normalised latencies of the references: y = R c + e, with R their basis, c ~ N(m_t, S) for the prior around training device t, and e_i ~
 * N(0, (rho mu_i)^2): noise is relative to the latency. S = SPREAD / T sum_u (m_u - m)(m_u - m)^T + size^2 diag(s_j^2): what training
 * devices differ by among each other, and a little of everything. Which training device is near, how near, and how noisy the references are
 * is decided by the evidence N(y; R m_t, R S R^T + E) (MacKay 1992), over all t and a grid of size and rho; the posterior mean is the
 * average of the components' by their evidence. Where the device has references of its own, one of them may be off as a whole, which is a
 * further dimension of the grid. A hierarchical prior with one normal would have to bridge the kinds of runtime (those that drop dead
 * operations, those that do not); a mixture keeps them apart. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "device/predictor_internal.h"
#include "device/predictor_linear.h"
#include "space/space.h"

#define FNAS_CALIBRATION_SPREAD 0.1
#define FNAS_CALIBRATION_TERM 0.15       /* deviation of the trunk's terms, relative to that of a pooled cost */
#define FNAS_CALIBRATION_BELIEF_MIN 1e-4 /* components that are believed less do not widen the covariance */
#define FNAS_CALIBRATION_NOISES 7
#define FNAS_CALIBRATION_SIZES 5
#define FNAS_CALIBRATION_SIZES_MOST 7 /* where no kind of operation is pooled: few costs, of which ten latencies may tell more */
#define FNAS_CALIBRATION_SPEED                                                                                                             \
    0.3 /* relative deviation of a device's speed from what its references' mean says, where they are its own                              \
         */
/* Where a device has references of its own, out of a table that somebody else made, one of them may be off as a whole: measured while the
 * machine was busy, say. How probable that is, and how far off relative to the latency (deviation). */
#define FNAS_CALIBRATION_OFF 0.3
#define FNAS_CALIBRATION_OFF_DEVIATION 0.5
static const double fnas_calibration_noise[FNAS_CALIBRATION_NOISES] = {0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32};
/* Of a pooled cost's contribution to normalised latency. */
static const double fnas_calibration_size[FNAS_CALIBRATION_SIZES_MOST] = {0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32};

typedef struct fnas_calibration {
    const fnas_predictor *predictor;
    const int32_t *choices;  /* [n][decisions] */
    const double *reference; /* [n] */
    int64_t n, k, devices;
    int64_t sizes;        /* of the grid */
    int64_t off_count;    /* hypotheses: no reference is off, or the first, the second, ... is; 1: they are not considered */
    int64_t grid;         /* components of one training device: off_count * sizes * NOISES */
    double speed;         /* variance of the device's relative speed; 0 where the references' mean tells it exactly */
    const double **known; /* [devices][k]: coefficients of the training devices that the prior is made of */
    double *basis;        /* [n][k] */
    double *centred;      /* [devices][n]: basis . (m_u - m) */
    double *mean;         /* [k] */
    double *between;      /* [n][n]: R S R^T of the first part of S */
    double *around;       /* [n][n]: of its second part, size 1 */
    double *variance;     /* [k]: s_j^2 */
    double *centre;       /* [devices][n]: basis . m_t */
    double *unit;         /* [devices]: how many times as slow as training device t this one seems */
    double *evidence;     /* [devices][GRID]: logarithms, then weights that sum to 1 */
    double *dual;         /* [devices][GRID][n]: (R S R^T + E)^-1 (y - R m_t) */
    double *memory;
} fnas_calibration;

static fnas_status fnas_calibration_allocate(fnas_context *context, fnas_calibration *c) {
    int64_t parts[] = {c->n * c->k, c->devices * c->n, c->k,       c->n * c->n,          c->n * c->n,
                       c->k,        c->devices * c->n, c->devices, c->devices * c->grid, c->devices * c->grid * c->n};
    enum { PARTS = sizeof parts / sizeof *parts };
    double **pointers[PARTS] = {&c->basis,    &c->centred, &c->mean, &c->between,  &c->around,
                                &c->variance, &c->centre,  &c->unit, &c->evidence, &c->dual};
    int64_t total = 0;
    for (int i = 0; i < PARTS; i++) total += parts[i];
    c->memory = fnas_allocate((size_t)total, sizeof(double));
    if (!c->memory) return fnas_fail_memory(context, "calibration");
    double *next = c->memory;
    for (int i = 0; i < PARTS; i++) {
        *pointers[i] = next;
        next += parts[i];
    }
    return FNAS_OK;
}

static fnas_status fnas_calibration_basis(fnas_context *context, fnas_calibration *c) {
    const fnas_predictor *predictor = c->predictor;
    double *onehot = fnas_allocate((size_t)fnas_space_onehot_size(predictor->space), sizeof(double));
    double *features = fnas_allocate((size_t)predictor->map.feature_count, sizeof(double));
    fnas_status status = onehot && features ? FNAS_OK : fnas_fail_memory(context, "calibration");
    for (int64_t i = 0; i < c->n && status == FNAS_OK; i++) {
        fnas_space_measured_features(predictor->space, c->choices + i * predictor->decision_count, onehot, features);
        fnas_predictor_basis(predictor, features, c->basis + i * c->k);
    }
    fnas_free(onehot);
    fnas_free(features);
    return status;
}

static double fnas_calibration_dot(int64_t n, const double *a, const double *b) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void fnas_calibration_prior(fnas_calibration *c) {
    const fnas_feature_map *map = &c->predictor->map;
    for (int64_t j = 0; j < c->k; j++) {
        double size = j >= map->linear_count ? FNAS_CALIBRATION_TERM : fnas_feature_map_is_kind(map, j) ? 1.0 : FNAS_CALIBRATION_PLACE;
        double scale = j >= map->linear_count ? 1.0 : map->scale[j];
        c->variance[j] = scale > 0.0 ? size * size / (scale * scale) : 0.0;
        for (int64_t t = 0; t < c->devices; t++) c->mean[j] += c->known[t][j] / (double)c->devices;
    }
    for (int64_t t = 0; t < c->devices; t++)
        for (int64_t i = 0; i < c->n; i++) {
            c->centre[t * c->n + i] = fnas_calibration_dot(c->k, c->basis + i * c->k, c->known[t]);
            c->centred[t * c->n + i] = c->centre[t * c->n + i] - fnas_calibration_dot(c->k, c->basis + i * c->k, c->mean);
        }
}

/* With references of its own, a device is compared with each training device as that would have done on them. */
static void fnas_calibration_units(fnas_calibration *c) {
    for (int64_t t = 0; t < c->devices; t++) {
        double expected = 0.0, seen = 0.0;
        for (int64_t i = 0; i < c->n; i++) {
            expected += c->centre[t * c->n + i];
            seen += c->reference[i];
        }
        c->unit[t] = c->speed > 0.0 && expected > 0.0 ? seen / expected : 1.0;
    }
}

static void fnas_calibration_spread(fnas_calibration *c) {
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t j = 0; j < c->n; j++) {
            double between = 0.0, around = 0.0;
            for (int64_t t = 0; t < c->devices; t++)
                between += FNAS_CALIBRATION_SPREAD / (double)c->devices * c->centred[t * c->n + i] * c->centred[t * c->n + j];
            for (int64_t l = 0; l < c->k; l++) around += c->variance[l] * c->basis[i * c->k + l] * c->basis[j * c->k + l];
            c->between[i * c->n + j] = between;
            c->around[i * c->n + j] = around;
        }
}

static double fnas_calibration_component_size(const fnas_calibration *c, int64_t component) {
    return fnas_calibration_size[component / FNAS_CALIBRATION_NOISES % c->sizes];
}

/* Which reference is off in a component; -1: none. */
static int64_t fnas_calibration_off(const fnas_calibration *c, int64_t component) {
    return component % c->grid / (c->sizes * FNAS_CALIBRATION_NOISES) - 1;
}

/* Logarithm of the component's probability before the references are looked at, up to what all have in common. */
static double fnas_calibration_chance(const fnas_calibration *c, int64_t component) {
    if (c->off_count == 1) return 0.0;
    return fnas_calibration_off(c, component) < 0 ? log(1.0 - FNAS_CALIBRATION_OFF) : log(FNAS_CALIBRATION_OFF / (double)c->n);
}

/* R S R^T + E of one component. */
static void fnas_calibration_system(const fnas_calibration *c, int64_t component, double *system) {
    double size = fnas_calibration_component_size(c, component), noise = fnas_calibration_noise[component % FNAS_CALIBRATION_NOISES];
    int64_t t = component / c->grid;
    const double *centre = c->centre + t * c->n;
    for (int64_t i = 0; i < c->n * c->n; i++) system[i] = c->between[i] + size * size * c->around[i];
    for (int64_t i = 0; i < c->n * c->n && c->speed > 0.0; i++) system[i] += c->speed * centre[i / c->n] * centre[i % c->n];
    for (int64_t i = 0; i < c->n; i++) {
        double deviation = noise * fmax(FNAS_CALIBRATION_FLOOR, fmax(centre[i], 0.3 * c->reference[i] / c->unit[t]));
        system[i * c->n + i] += deviation * deviation;
    }
    int64_t off = fnas_calibration_off(c, component);
    if (off < 0) return;
    double deviation = FNAS_CALIBRATION_OFF_DEVIATION * c->reference[off] / c->unit[t];
    system[off * c->n + off] += deviation * deviation;
}

/* One component: its evidence, and the dual solution from which its coefficients follow. */
static bool fnas_calibration_component(fnas_calibration *c, int64_t component) {
    int64_t t = component / c->grid;
    double factor[FNAS_PREDICTOR_MAX_REFERENCES * FNAS_PREDICTOR_MAX_REFERENCES], error[FNAS_PREDICTOR_MAX_REFERENCES];
    fnas_calibration_system(c, component, factor);
    for (int64_t i = 0; i < c->n; i++) error[i] = c->reference[i] / c->unit[t] - c->centre[t * c->n + i];
    if (!fnas_cholesky(c->n, factor)) return false;
    fnas_cholesky_forward(c->n, factor, error);
    c->evidence[component] = fnas_calibration_chance(c, component) - 0.5 * fnas_calibration_dot(c->n, error, error) -
                             0.5 * fnas_cholesky_log_determinant(c->n, factor) - (double)c->n * log(c->unit[t]);
    fnas_cholesky_backward(c->n, factor, error);
    memcpy(c->dual + component * c->n, error, (size_t)c->n * sizeof *error);
    return true;
}

/* coefficients += weight unit_t (m_t + S R^T dual). */
static void fnas_calibration_add(const fnas_calibration *c, int64_t component, double weight, double *coefficients) {
    int64_t t = component / c->grid;
    const double *dual = c->dual + component * c->n;
    double size = fnas_calibration_component_size(c, component);
    weight *= c->unit[t];
    for (int64_t j = 0; j < c->k; j++) {
        double back = 0.0;
        for (int64_t i = 0; i < c->n; i++) back += c->basis[i * c->k + j] * dual[i];
        coefficients[j] += weight * (c->known[t][j] + size * size * c->variance[j] * back);
    }
    for (int64_t u = 0; u < c->devices; u++) {
        double along = weight * FNAS_CALIBRATION_SPREAD / (double)c->devices * fnas_calibration_dot(c->n, c->centred + u * c->n, dual);
        for (int64_t j = 0; j < c->k; j++) coefficients[j] += along * (c->known[u][j] - c->mean[j]);
    }
    double faster = weight * c->speed * fnas_calibration_dot(c->n, c->centre + t * c->n, dual);
    for (int64_t j = 0; j < c->k && c->speed > 0.0; j++) coefficients[j] += faster * c->known[t][j];
}

/* From logarithms of evidence to weights that sum to 1, in place. */
static void fnas_calibration_believe(fnas_calibration *c) {
    int64_t count = c->devices * c->grid;
    double largest = c->evidence[0], total = 0.0;
    for (int64_t i = 1; i < count; i++) largest = fmax(largest, c->evidence[i]);
    for (int64_t i = 0; i < count; i++) total += exp(c->evidence[i] - largest);
    for (int64_t i = 0; i < count; i++) c->evidence[i] = exp(c->evidence[i] - largest) / total;
}

static void fnas_calibration_average(const fnas_calibration *c, fnas_calibrated *made) {
    memset(made->coefficients, 0, (size_t)c->k * sizeof(double));
    made->noise = 0.0;
    for (int64_t i = 0; i < c->devices * c->grid; i++) {
        made->noise += c->evidence[i] * fnas_calibration_noise[i % FNAS_CALIBRATION_NOISES];
        if (c->evidence[i] > 1e-12) fnas_calibration_add(c, i, c->evidence[i], made->coefficients);
    }
}

/* Adds weight times the posterior covariance [k][k] of one component: S - S R^T (R S R^T + E)^-1 R S. across: [n][k], scratch. */
static bool fnas_calibration_covariance(const fnas_calibration *c, int64_t component, double weight, double *across, double *covariance) {
    double factor[FNAS_PREDICTOR_MAX_REFERENCES * FNAS_PREDICTOR_MAX_REFERENCES], column[FNAS_PREDICTOR_MAX_REFERENCES];
    double size = fnas_calibration_component_size(c, component), share = FNAS_CALIBRATION_SPREAD / (double)c->devices;
    int64_t t = component / c->grid;
    weight *= c->unit[t] * c->unit[t];
    fnas_calibration_system(c, component, factor);
    if (!fnas_cholesky(c->n, factor)) return false;
    for (int64_t j = 0; j < c->k; j++) covariance[j * c->k + j] += weight * size * size * c->variance[j];
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t j = 0; j < c->k; j++) across[i * c->k + j] = size * size * c->variance[j] * c->basis[i * c->k + j];
    for (int64_t u = 0; u < c->devices; u++)
        for (int64_t j = 0; j < c->k; j++) {
            double off = share * (c->known[u][j] - c->mean[j]);
            for (int64_t l = 0; l < c->k; l++) covariance[j * c->k + l] += weight * off * (c->known[u][l] - c->mean[l]);
            for (int64_t i = 0; i < c->n; i++) across[i * c->k + j] += off * c->centred[u * c->n + i];
        }
    for (int64_t j = 0; j < c->k && c->speed > 0.0; j++) {
        double off = c->speed * c->known[t][j];
        for (int64_t l = 0; l < c->k; l++) covariance[j * c->k + l] += weight * off * c->known[t][l];
        for (int64_t i = 0; i < c->n; i++) across[i * c->k + j] += off * c->centre[t * c->n + i];
    }
    for (int64_t j = 0; j < c->k; j++) { /* across <- L^-1 R S */
        for (int64_t i = 0; i < c->n; i++) column[i] = across[i * c->k + j];
        fnas_cholesky_forward(c->n, factor, column);
        for (int64_t i = 0; i < c->n; i++) across[i * c->k + j] = column[i];
    }
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t j = 0; j < c->k; j++) {
            double scaled = weight * across[i * c->k + j];
            for (int64_t l = 0; l < c->k; l++) covariance[j * c->k + l] -= scaled * across[i * c->k + l];
        }
    return true;
}

/* Covariance [k][k] of the whole mixture: what its components say, and where they stand around the mean. */
static bool fnas_calibration_mixture_covariance(const fnas_calibration *c, const double *mean, double *across, double *own,
                                                double *covariance) {
    memset(covariance, 0, (size_t)(c->k * c->k) * sizeof *covariance);
    for (int64_t i = 0; i < c->devices * c->grid; i++) {
        double weight = c->evidence[i];
        if (weight < FNAS_CALIBRATION_BELIEF_MIN) continue;
        if (!fnas_calibration_covariance(c, i, weight, across, covariance)) return false;
        memset(own, 0, (size_t)c->k * sizeof *own);
        fnas_calibration_add(c, i, 1.0, own);
        for (int64_t j = 0; j < c->k; j++) {
            double off = weight * (own[j] - mean[j]);
            for (int64_t l = 0; l < c->k; l++) covariance[j * c->k + l] += off * (own[l] - mean[l]);
        }
    }
    return true;
}

/* An operation never makes a network faster: the coefficients move to where no cost is negative, as the most believed component lets them
 * move. scratch: fnas_calibration_scratch doubles. */
static bool fnas_calibration_forbid_negative(const fnas_calibration *c, double *scratch, double *coefficients) {
    const fnas_feature_map *map = &c->predictor->map;
    int64_t best = 0, count = c->devices * c->grid;
    double *across = scratch + c->k * c->k;
    for (int64_t i = 1; i < count; i++)
        if (c->evidence[i] > c->evidence[best]) best = i;
    memset(scratch, 0, (size_t)(c->k * c->k) * sizeof *scratch);
    if (!fnas_calibration_covariance(c, best, 1.0, across, scratch)) return false;
    fnas_project_bounds(c->k, scratch, map->bound_count, (const int32_t(*)[2])map->bounds, across + c->n * c->k, coefficients);
    return true;
}

static int64_t fnas_calibration_scratch(const fnas_calibration *c) {
    int64_t bounds = c->predictor->map.bound_count;
    return c->k * c->k + c->n * c->k + bounds * (bounds + 2);
}

/* Noise that is relative to the latency is skewed: what it leaves as the mean lies exp(noise^2 / 2) above its median (as of a log-normal
 * distribution), and relative errors are smallest there. */
static bool fnas_calibration_finish(const fnas_calibration *c, double *scratch, fnas_calibrated *made) {
    fnas_calibration_average(c, made);
    if (made->covariance && !fnas_calibration_mixture_covariance(c, made->coefficients, scratch, scratch + c->n * c->k, made->covariance))
        return false;
    if (!fnas_calibration_forbid_negative(c, scratch, made->coefficients)) return false;
    double median = exp(-0.5 * made->noise * made->noise);
    for (int64_t j = 0; j < c->k; j++) {
        made->coefficients[j] *= median;
        if (!isfinite(made->coefficients[j])) return false;
    }
    return true;
}

static fnas_status fnas_calibration_solve(fnas_context *context, fnas_calibration *c, fnas_calibrated *made) {
    FNAS_TRY(fnas_calibration_basis(context, c));
    fnas_calibration_prior(c);
    fnas_calibration_units(c);
    fnas_calibration_spread(c);
    bool stable = true;
    for (int64_t i = 0; i < c->devices * c->grid; i++) stable = stable && fnas_calibration_component(c, i);
    double *scratch = fnas_allocate((size_t)fnas_calibration_scratch(c), sizeof(double));
    if (!scratch) return fnas_fail_memory(context, "calibration");
    if (stable) fnas_calibration_believe(c);
    stable = stable && fnas_calibration_finish(c, scratch, made);
    fnas_free(scratch);
    return stable ? FNAS_OK : fnas_fail(context, FNAS_ERR_NUMERIC, "the reference latencies give no stable calibration");
}

fnas_status fnas_predictor_calibrate(fnas_context *context, const fnas_predictor *predictor, int64_t without, const int32_t *choices,
                                     const double *reference, fnas_calibrated *made) {
    int64_t entries = predictor->reference_count * predictor->decision_count;
    bool shared = predictor->reference_sets == 1 && memcmp(choices, predictor->reference_choices, (size_t)entries * sizeof *choices) == 0;
    int64_t sizes = predictor->map.pools ? FNAS_CALIBRATION_SIZES : FNAS_CALIBRATION_SIZES_MOST;
    fnas_calibration c = {.predictor = predictor,
                          .choices = choices,
                          .reference = reference,
                          .n = predictor->reference_count,
                          .k = predictor->basis_count,
                          .sizes = sizes,
                          .off_count = shared ? 1 : predictor->reference_count + 1,
                          .speed = shared ? 0.0 : FNAS_CALIBRATION_SPEED * FNAS_CALIBRATION_SPEED};
    c.grid = c.off_count * sizes * FNAS_CALIBRATION_NOISES;
    c.known = fnas_allocate((size_t)predictor->device_count, sizeof *c.known);
    if (!c.known) return fnas_fail_memory(context, "calibration");
    for (int64_t t = 0; t < predictor->device_count; t++)
        if (t != without) c.known[c.devices++] = predictor->devices[t].coefficients;
    fnas_status status = fnas_calibration_allocate(context, &c);
    if (status == FNAS_OK) status = fnas_calibration_solve(context, &c, made);
    fnas_free(c.memory);
    fnas_free(c.known);
    return status;
}
