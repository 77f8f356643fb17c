/* Which architectures to measure: those from which the predictor learns most about a device that it never saw.
 *
 * Relative to the mean latency of the training devices, the latency of a new device is g_a . z with z ~ N(0, I): g_a holds how the training
 * devices differ there (a random mixture of them, and as much again in any direction of the basis), and the device's speed. A measurement
 * adds noise. What n measurements tell is log det(I + sum g g^T / noise^2) / 2, and their posterior covariance P is the inverse; the
 * largest is sought (D-optimal: Fedorov 1972; Chaloner and Verdinelli 1995), greedily and then by exchange until no exchange of one helps.
 * Choosing by the mean predictive variance instead (I-optimal) ranked families of devices left out less well (0.970 to 0.973 against 0.974)
 * and depended more on the sample. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "compute/vector.h"
#include "device/predictor_internal.h"
#include "space/arch_set.h"
#include "space/space.h"

#define FNAS_DESIGN_CANDIDATES 4000
#define FNAS_DESIGN_SEED UINT64_C(0x64657369676e)
#define FNAS_DESIGN_NOISE 0.05
#define FNAS_DESIGN_SIZE 0.04  /* of a pooled cost's contribution to normalised latency, beside what devices differ by */
#define FNAS_DESIGN_PLACE 0.15 /* of one place's, relative to that */
#define FNAS_DESIGN_FLOOR 0.05
#define FNAS_DESIGN_SWEEPS 10 /* exchange passes at most */
#define FNAS_DESIGN_MOST 1000

typedef struct fnas_design {
    fnas_context *context;
    const fnas_predictor *predictor;
    int64_t count, dimension; /* candidates; D = devices + basis_count + 1 */
    const int32_t *among;     /* [count][decisions], borrowed; NULL: the space's */
    int32_t *choices;         /* [count][decisions] */
    double *factors;          /* [count][D] */
    double *prior;            /* [D][D]: covariance given what was measured before */
    double *covariance;       /* [D][D]: given what was picked as well */
    double *row;              /* [D] scratch */
    int64_t *picked;
} fnas_design;

static void fnas_design_release(fnas_design *design) {
    fnas_free(design->choices);
    fnas_free(design->factors);
    fnas_free(design->picked);
}

/* Every architecture of a small space, distinct random ones of a large one. */
static fnas_status fnas_design_candidates(fnas_design *design) {
    const fnas_space *space = design->predictor->space;
    int64_t decisions = design->predictor->decision_count;
    bool all = fnas_space_cardinality(space) <= FNAS_DESIGN_CANDIDATES;
    fnas_arch_set set = {.decisions = decisions};
    if (design->among) {
        design->choices = fnas_allocate((size_t)(design->count * decisions), sizeof(int32_t));
        if (!design->choices) return fnas_fail_memory(design->context, "choice of architectures");
        memcpy(design->choices, design->among, (size_t)(design->count * decisions) * sizeof(int32_t));
        return FNAS_OK;
    }
    design->count = all ? (int64_t)fnas_space_cardinality(space) : FNAS_DESIGN_CANDIDATES;
    design->choices = fnas_allocate((size_t)(design->count * decisions), sizeof(int32_t));
    if (!design->choices) return fnas_fail_memory(design->context, "choice of architectures");
    for (int64_t i = 0; i < design->count && all; i++) {
        int64_t index = i;
        for (int64_t e = decisions - 1; e >= 0; e--) {
            design->choices[i * decisions + e] = (int32_t)(index % fnas_space_choice_count(space, e));
            index /= fnas_space_choice_count(space, e);
        }
    }
    fnas_status status = all ? FNAS_OK : fnas_space_random_distinct(design->context, space, FNAS_DESIGN_SEED, design->count, &set);
    if (status == FNAS_OK && !all)
        memcpy(design->choices, fnas_arch_set_at(&set, 0), (size_t)(design->count * decisions) * sizeof(int32_t));
    fnas_arch_set_free(&set);
    return status;
}

static fnas_status fnas_design_allocate(fnas_design *design, int64_t wanted) {
    FNAS_TRY(fnas_design_candidates(design));
    design->dimension = design->predictor->device_count + design->predictor->basis_count + 1;
    size_t d = (size_t)design->dimension, n = (size_t)design->count;
    design->picked = fnas_allocate((size_t)wanted, sizeof(int64_t));
    design->factors = fnas_allocate(n * d + 2 * d * d + d, sizeof(double));
    if (!design->picked || !design->factors) return fnas_fail_memory(design->context, "choice of architectures");
    design->prior = design->factors + n * d;
    design->covariance = design->prior + d * d;
    design->row = design->covariance + d * d;
    return FNAS_OK;
}

/* factors [D] of one architecture; basis [basis_count] is scratch. */
static void fnas_design_factor(const fnas_predictor *predictor, const double *features, double *basis, double *factors) {
    int64_t devices = predictor->device_count;
    double mean = 0.0, share = 1.0 / sqrt((double)devices);
    const fnas_feature_map *map = &predictor->map;
    fnas_predictor_basis(predictor, features, basis);
    for (int64_t t = 0; t < devices; t++) {
        factors[t] = fnas_predictor_combine(predictor, predictor->devices[t].coefficients, basis);
        mean += factors[t] / (double)devices;
    }
    double unit = fmax(mean, FNAS_DESIGN_FLOOR);
    for (int64_t t = 0; t < devices; t++) factors[t] = share * (factors[t] - mean) / unit;
    for (int64_t j = 0; j < predictor->basis_count; j++) {
        bool wide = fnas_feature_map_is_kind(map, j);
        double scale = j >= map->linear_count ? 1.0 : map->scale[j];
        factors[devices + j] = scale > 0.0 ? FNAS_DESIGN_SIZE * (wide ? 1.0 : FNAS_DESIGN_PLACE) * basis[j] / scale / unit : 0.0;
    }
    factors[devices + predictor->basis_count] = mean / unit; /* how fast the device is */
}

static fnas_status fnas_design_factors(const fnas_design *design, int64_t count, const int32_t *choices, double *factors) {
    const fnas_predictor *predictor = design->predictor;
    double features[FNAS_PREDICTOR_MAX_FEATURES];
    double *onehot = fnas_allocate((size_t)(fnas_space_onehot_size(predictor->space) + predictor->basis_count), sizeof(double));
    if (!onehot) return fnas_fail_memory(design->context, "choice of architectures");
    for (int64_t i = 0; i < count; i++) {
        fnas_space_to_onehot(predictor->space, choices + i * predictor->decision_count, onehot);
        fnas_space_cost_features(predictor->space, onehot, features);
        fnas_design_factor(predictor, features, onehot + fnas_space_onehot_size(predictor->space), factors + i * design->dimension);
    }
    fnas_free(onehot);
    return FNAS_OK;
}

FNAS_MULTIVERSION
static void fnas_design_multiply(int64_t d, const double *matrix, const double *vector, double *result) {
    memset(result, 0, (size_t)d * sizeof *result);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) result[j] += vector[i] * matrix[i * d + j]; /* symmetric */
}

static double fnas_design_dot(int64_t d, const double *a, const double *b) {
    double sum = 0.0;
    for (int64_t j = 0; j < d; j++) sum += a[j] * b[j];
    return sum;
}

/* covariance <- covariance - P g g^T P / (g^T P g + noise^2). */
FNAS_MULTIVERSION
static void fnas_design_observe(int64_t d, const double *factor, double *row, double *covariance) {
    fnas_design_multiply(d, covariance, factor, row);
    double share = 1.0 / (fnas_design_dot(d, row, factor) + FNAS_DESIGN_NOISE * FNAS_DESIGN_NOISE);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) covariance[i * d + j] -= share * row[i] * row[j];
}

/* Networks whose output depends on nothing are not asked about: runtimes may fold them away, and tell nothing of others then. */
static bool fnas_design_may_pick(const fnas_design *design, int64_t picked, int64_t candidate) {
    int64_t decisions = design->predictor->decision_count;
    const int32_t *choices = design->choices + candidate * decisions;
    for (int64_t i = 0; i < picked; i++)
        if (design->picked[i] >= 0 &&
            memcmp(design->choices + design->picked[i] * decisions, choices, (size_t)decisions * sizeof *choices) == 0)
            return false;
    return fnas_space_connected(design->predictor->space, choices);
}

/* The candidate whose latency is least known, given design->covariance: g^T P g, by which the determinant grows most. */
static int64_t fnas_design_best(fnas_design *design, int64_t picked) {
    int64_t d = design->dimension, best = -1;
    double most = 0.0;
    for (int64_t i = 0; i < design->count; i++) {
        const double *factor = design->factors + i * d;
        fnas_design_multiply(d, design->covariance, factor, design->row);
        double variance = fnas_design_dot(d, design->row, factor);
        if (variance <= most || !fnas_design_may_pick(design, picked, i)) continue;
        most = variance;
        best = i;
    }
    return best;
}

/* P given the measured and the first `picked` choices but `without` (-1: none). */
static void fnas_design_condition(fnas_design *design, int64_t picked, int64_t without) {
    int64_t d = design->dimension;
    memcpy(design->covariance, design->prior, (size_t)(d * d) * sizeof(double));
    for (int64_t i = 0; i < picked; i++)
        if (i != without) fnas_design_observe(d, design->factors + design->picked[i] * d, design->row, design->covariance);
}

static fnas_status fnas_design_greedy(fnas_design *design, int64_t wanted) {
    for (int64_t i = 0; i < wanted; i++) {
        fnas_design_condition(design, i, -1);
        design->picked[i] = fnas_design_best(design, i);
        if (design->picked[i] < 0)
            return fnas_fail(design->context, FNAS_ERR_INPUT, "space %s has only %lld architectures that say anything new, not %lld",
                             fnas_space_spec(design->predictor->space), (long long)i, (long long)wanted);
    }
    return FNAS_OK;
}

/* Each choice in turn gives way to the best in its place; true when any did. */
static bool fnas_design_exchange(fnas_design *design, int64_t wanted) {
    bool moved = false;
    for (int64_t i = 0; i < wanted; i++) {
        int64_t kept = design->picked[i];
        design->picked[i] = -1;
        fnas_design_condition(design, wanted, i);
        int64_t best = fnas_design_best(design, wanted);
        design->picked[i] = best >= 0 ? best : kept;
        moved = moved || design->picked[i] != kept;
    }
    return moved;
}

static fnas_status fnas_design_measured(fnas_design *design, int64_t count, const int32_t *choices) {
    int64_t d = design->dimension, decisions = design->predictor->decision_count;
    double *factor = fnas_allocate((size_t)d, sizeof *factor);
    if (!factor) return fnas_fail_memory(design->context, "choice of architectures");
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < d; i++) design->prior[i * d + i] = 1.0;
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        status = fnas_design_factors(design, 1, choices + i * decisions, factor);
        if (status == FNAS_OK) fnas_design_observe(d, factor, design->row, design->prior);
    }
    fnas_free(factor);
    return status;
}

static fnas_status fnas_design_run(fnas_design *design, int64_t given_count, const int32_t *given, int64_t wanted, int32_t *choices) {
    int64_t decisions = design->predictor->decision_count;
    FNAS_TRY(fnas_design_allocate(design, wanted));
    if (wanted > design->count)
        return fnas_fail(design->context, FNAS_ERR_INPUT, "%lld architectures are more than the %lld to choose from", (long long)wanted,
                         (long long)design->count);
    FNAS_TRY(fnas_design_factors(design, design->count, design->choices, design->factors));
    FNAS_TRY(fnas_design_measured(design, given_count, given));
    FNAS_TRY(fnas_design_greedy(design, wanted));
    for (int sweep = 0; sweep < FNAS_DESIGN_SWEEPS && wanted > 1 && fnas_design_exchange(design, wanted); sweep++) continue;
    for (int64_t i = 0; i < wanted; i++)
        memcpy(choices + i * decisions, design->choices + design->picked[i] * decisions, (size_t)decisions * sizeof *choices);
    return FNAS_OK;
}

fnas_status fnas_predictor_choose(fnas_context *context, const fnas_predictor *predictor, int64_t given_count, const int32_t *given,
                                  int64_t count, int32_t *choices) {
    return fnas_predictor_choose_among(context, predictor, given_count, given, 0, NULL, count, choices);
}

fnas_status fnas_predictor_choose_among(fnas_context *context, const fnas_predictor *predictor, int64_t given_count, const int32_t *given,
                                        int64_t candidate_count, const int32_t *candidates, int64_t count, int32_t *choices) {
    fnas_design design = {.context = context, .predictor = predictor, .count = candidate_count, .among = candidates};
    if (count < 1 || count > FNAS_DESIGN_MOST)
        return fnas_fail(context, FNAS_ERR_INPUT, "%lld architectures to choose: 1 to %d can be asked for", (long long)count,
                         FNAS_DESIGN_MOST);
    fnas_status status = fnas_design_run(&design, given_count, given, count, choices);
    fnas_design_release(&design);
    return status;
}

fnas_status fnas_references_save(fnas_context *context, const fnas_space *space, int64_t count, const int32_t *choices, const char *path) {
    char text[FNAS_ARCH_TEXT_BYTES];
    json_t *archs = json_array(), *root = json_pack("{s:s, s:o}", "space", fnas_space_spec(space), "reference_archs", archs);
    fnas_status status = root ? FNAS_OK : fnas_fail_memory(context, "references");
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        status = fnas_space_format(context, space, choices + i * fnas_space_decision_count(space), text, sizeof text);
        if (status == FNAS_OK && json_array_append_new(archs, json_string(text)) != 0) status = fnas_fail_memory(context, "references");
    }
    if (status == FNAS_OK) status = fnas_json_write_rows(context, path, root);
    json_decref(root);
    return status;
}
