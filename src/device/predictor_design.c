/* Which architectures to measure: those from which the predictor learns most about a device that it never saw.
 *
 * Relative to the mean latency of the training devices, the latency of a new device is g_a . z with z ~ N(0, I): g_a holds how the training
 * devices differ there (a random mixture of them, and as much again in any direction of the basis), and the device's speed. A measurement
 * adds noise, part of it relative to the latency, part of it the same for all: latencies that are small against the clock's steps and the
 * costs of a call tell less of their kind. What n measurements tell is log det(I + sum g g^T / noise^2) / 2, and their posterior covariance
 * P is the inverse; the largest is sought (D-optimal: Fedorov 1972; Chaloner and Verdinelli 1995), greedily and then by exchange until no
 * exchange of one helps. P and the variance g_a^T P g_a of every candidate follow each pick by a rank-one update, and its withdrawal by the
 * opposite one. Choosing by the mean predictive variance instead (I-optimal) was about as good with families of devices left out
 * (docs/predictor.md), for D^2 instead of D operations a candidate. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "compute/vector.h"
#include "device/predictor_internal.h"
#include "space/arch_set.h"
#include "space/space.h"

#define FNAS_DESIGN_CANDIDATES 4000
#define FNAS_DESIGN_SEED UINT64_C(0x64657369676e)
/* Calibration weighs noises of 0.5 to 32 % and sizes of 0.5 to 8 % of a pooled cost's contribution by evidence (predictor_calibration.c).
 * Here nothing is measured yet, so that one of each has to do: noise from the middle of the grid (its geometric mean is 4 %), and size from
 * its upper half, since a size too small asks nothing that the training devices did not differ in. */
#define FNAS_DESIGN_NOISE 0.05
#define FNAS_DESIGN_SIZE 0.04
/* The part of the noise that does not shrink with the latency, in means of the reference latencies. Chosen with families of training
 * devices left out (docs/predictor.md). */
#define FNAS_DESIGN_NOISE_FIXED 0.2
#define FNAS_DESIGN_SWEEPS 10 /* exchange passes at most */
#define FNAS_DESIGN_MOST 1000
#define FNAS_DESIGN_GAIN 1e-9 /* of a variance: smaller ones are rounding, and could be exchanged for ever */

typedef struct fnas_design {
    fnas_context *context;
    const fnas_predictor *predictor;
    fnas_arch_set archs;                     /* settled and distinct: those measured before, then the candidates */
    int64_t given, count, wanted, dimension; /* measured; candidates; to pick; D = devices + basis_count + 1 */
    double *factors;                         /* [given + count][D] */
    double *noise_squared;                   /* [given + count]: of a measurement */
    double *prior, *prior_variance;          /* [D][D], [count]: covariance and variances given what was measured before */
    double *covariance, *variance;           /* [D][D], [count]: given what was picked as well */
    double *row;                             /* [D] scratch */
    bool *taken;                             /* [count] */
    int64_t *picked;                         /* [wanted] */
    const int32_t *among;                    /* [among_count][decisions], borrowed; NULL: the space's */
    int64_t among_count;
    double begin_ms;
} fnas_design;

static void fnas_design_release(fnas_design *design) {
    fnas_arch_set_free(&design->archs);
    fnas_free(design->factors);
    fnas_free(design->taken);
    fnas_free(design->picked);
}

/* done of at most wanted x (1 + SWEEPS) picks. */
static fnas_status fnas_design_step(const fnas_design *design, int64_t done) {
    fnas_progress progress = {.stage = "references",
                              .done = done,
                              .total = design->wanted * (1 + FNAS_DESIGN_SWEEPS),
                              .elapsed_s = (fnas_wall_ms() - design->begin_ms) / 1000.0,
                              .text = ""};
    fnas_report_progress(design->context, &progress);
    return fnas_context_stop_requested(design->context) ? fnas_fail(design->context, FNAS_INTERRUPTED, "interrupted") : FNAS_OK;
}

/* ---- what there is to choose from ---- */

/* As its native string says it: choices that are inactive make no architecture of their own. */
static fnas_status fnas_design_add(fnas_design *design, const int32_t *choices) {
    const fnas_space *space = design->predictor->space;
    int64_t index;
    size_t bytes = (size_t)design->archs.decisions * sizeof(int32_t);
    int32_t *settled = fnas_allocate(bytes, 1);
    if (!settled) return fnas_fail_memory(design->context, "choice of architectures");
    memcpy(settled, choices, bytes);
    fnas_space_settle(space, settled);
    fnas_status status = fnas_arch_set_add(design->context, &design->archs, settled, &index);
    fnas_free(settled);
    return status;
}

/* Networks whose output depends on nothing are not asked about: runtimes may fold them away, and tell nothing of others then. */
static fnas_status fnas_design_add_candidate(fnas_design *design, const int32_t *choices) {
    return fnas_space_connected(design->predictor->space, choices) ? fnas_design_add(design, choices) : FNAS_OK;
}

static fnas_status fnas_design_add_every(fnas_design *design) {
    const fnas_space *space = design->predictor->space;
    int64_t decisions = design->archs.decisions, count = (int64_t)fnas_space_cardinality(space);
    int32_t *choices = fnas_allocate((size_t)decisions, sizeof *choices);
    fnas_status status = choices ? FNAS_OK : fnas_fail_memory(design->context, "choice of architectures");
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        int64_t index = i;
        for (int64_t e = decisions - 1; e >= 0; e--) {
            choices[e] = (int32_t)(index % fnas_space_choice_count(space, e));
            index /= fnas_space_choice_count(space, e);
        }
        status = fnas_design_add_candidate(design, choices);
    }
    fnas_free(choices);
    return status;
}

static fnas_status fnas_design_add_random(fnas_design *design) {
    fnas_arch_set drawn = {.decisions = design->archs.decisions};
    int64_t count = (int64_t)fmin(fnas_space_settled_count(design->predictor->space), FNAS_DESIGN_CANDIDATES);
    fnas_status status = fnas_space_random_distinct(design->context, design->predictor->space, FNAS_DESIGN_SEED, count, &drawn);
    for (int64_t i = 0; i < drawn.count && status == FNAS_OK; i++) status = fnas_design_add_candidate(design, fnas_arch_set_at(&drawn, i));
    fnas_arch_set_free(&drawn);
    return status;
}

static fnas_status fnas_design_add_candidates(fnas_design *design) {
    for (int64_t i = 0; i < design->among_count; i++)
        FNAS_TRY(fnas_design_add_candidate(design, design->among + i * design->archs.decisions));
    if (design->among) return FNAS_OK;
    bool all = fnas_space_cardinality(design->predictor->space) <= FNAS_DESIGN_CANDIDATES;
    return all ? fnas_design_add_every(design) : fnas_design_add_random(design);
}

/* The candidates are every architecture of a small space, distinct random ones of a large one, but none that was measured before: at most
 * the noise is left of its variance, which is more than many another has. */
static fnas_status fnas_design_gather(fnas_design *design, int64_t given_count, const int32_t *given) {
    int64_t decisions = design->predictor->decision_count;
    design->archs.decisions = decisions;
    for (int64_t i = 0; i < given_count; i++) FNAS_TRY(fnas_design_add(design, given + i * decisions));
    design->given = design->archs.count;
    FNAS_TRY(fnas_design_add_candidates(design));
    design->count = design->archs.count - design->given;
    if (design->wanted <= design->count) return FNAS_OK;
    return fnas_fail(design->context, FNAS_ERR_INPUT, "%lld architectures are more than the %lld to choose from that were not measured yet",
                     (long long)design->wanted, (long long)design->count);
}

static fnas_status fnas_design_allocate(fnas_design *design) {
    design->dimension = design->predictor->device_count + design->predictor->basis_count + 1;
    size_t d = (size_t)design->dimension, n = (size_t)design->count, all = (size_t)design->archs.count;
    design->picked = fnas_allocate((size_t)design->wanted, sizeof *design->picked);
    design->taken = fnas_allocate(n, sizeof *design->taken);
    design->factors = fnas_allocate(all * (d + 1) + 2 * d * d + 2 * n + d, sizeof *design->factors);
    if (!design->picked || !design->taken || !design->factors) return fnas_fail_memory(design->context, "choice of architectures");
    design->noise_squared = design->factors + all * d;
    design->prior = design->noise_squared + all;
    design->covariance = design->prior + d * d;
    design->prior_variance = design->covariance + d * d;
    design->variance = design->prior_variance + n;
    design->row = design->variance + n;
    return FNAS_OK;
}

/* ---- what each of them says ---- */

/* factors [D] of one architecture; returns its mean latency on the training devices, by which they are divided. basis [basis_count] is
 * scratch. */
static double fnas_design_factor(const fnas_predictor *predictor, const double *features, double *basis, double *factors) {
    int64_t devices = predictor->device_count;
    double mean = 0.0, share = 1.0 / sqrt((double)devices);
    const fnas_feature_map *map = &predictor->map;
    fnas_predictor_basis(predictor, features, basis);
    for (int64_t t = 0; t < devices; t++) {
        factors[t] = fnas_predictor_combine(predictor, predictor->devices[t].coefficients, basis);
        mean += factors[t] / (double)devices;
    }
    double unit = fmax(mean, FNAS_CALIBRATION_FLOOR);
    for (int64_t t = 0; t < devices; t++) factors[t] = share * (factors[t] - mean) / unit;
    for (int64_t j = 0; j < predictor->basis_count; j++) {
        bool wide = fnas_feature_map_is_kind(map, j);
        double scale = j >= map->linear_count ? 1.0 : map->scale[j];
        factors[devices + j] = scale > 0.0 ? FNAS_DESIGN_SIZE * (wide ? 1.0 : FNAS_CALIBRATION_PLACE) * basis[j] / scale / unit : 0.0;
    }
    factors[devices + predictor->basis_count] = mean / unit; /* how fast the device is */
    return unit;
}

static fnas_status fnas_design_factors(const fnas_design *design) {
    const fnas_predictor *predictor = design->predictor;
    double features[FNAS_PREDICTOR_MAX_FEATURES];
    double *onehot = fnas_allocate((size_t)(fnas_space_onehot_size(predictor->space) + predictor->basis_count), sizeof(double));
    if (!onehot) return fnas_fail_memory(design->context, "choice of architectures");
    for (int64_t i = 0; i < design->archs.count; i++) {
        fnas_space_measured_features(predictor->space, fnas_arch_set_at(&design->archs, i), onehot, features);
        double unit = fnas_design_factor(predictor, features, onehot + fnas_space_onehot_size(predictor->space),
                                         design->factors + i * design->dimension);
        double fixed = FNAS_DESIGN_NOISE_FIXED / unit;
        design->noise_squared[i] = FNAS_DESIGN_NOISE * FNAS_DESIGN_NOISE + fixed * fixed;
    }
    fnas_free(onehot);
    return FNAS_OK;
}

static const double *fnas_design_candidate(const fnas_design *design, int64_t candidate) {
    return design->factors + (design->given + candidate) * design->dimension;
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

/* covariance <- covariance - P g g^T P / (g^T P g + noise^2), row <- P g; returns 1 / (g^T P g + noise^2). A noise^2 below 0 takes back an
 * observation with as much noise (Woodbury's identity holds for either sign): g^T P g stays below that noise. */
FNAS_MULTIVERSION
static double fnas_design_observe(int64_t d, const double *factor, double noise_squared, double *row, double *covariance) {
    fnas_design_multiply(d, covariance, factor, row);
    double share = 1.0 / (fnas_design_dot(d, row, factor) + noise_squared);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) covariance[i * d + j] -= share * row[i] * row[j];
    return share;
}

/* ---- choosing ---- */

/* Observes a candidate (or takes its observation back), and what that makes of all the others' variances. */
static void fnas_design_take(fnas_design *design, int64_t candidate, bool take) {
    int64_t d = design->dimension;
    double noise_squared = design->noise_squared[design->given + candidate];
    double share = fnas_design_observe(d, fnas_design_candidate(design, candidate), take ? noise_squared : -noise_squared, design->row,
                                       design->covariance);
    for (int64_t i = 0; i < design->count; i++) {
        double common = fnas_design_dot(d, design->row, fnas_design_candidate(design, i));
        design->variance[i] -= share * common * common;
    }
    design->taken[candidate] = take;
}

/* By how much a candidate's measurement makes the determinant grow, less 1: g^T P g, relative to its noise. */
static double fnas_design_gain(const fnas_design *design, int64_t candidate) {
    return design->variance[candidate] / design->noise_squared[design->given + candidate];
}

/* The candidate by which the determinant grows most; -1 where none says anything. */
static int64_t fnas_design_best(const fnas_design *design) {
    int64_t best = -1;
    for (int64_t i = 0; i < design->count; i++)
        if (!design->taken[i] && fnas_design_gain(design, i) > (best >= 0 ? fnas_design_gain(design, best) : 0.0)) best = i;
    return best;
}

/* What was measured before, without any pick. */
static fnas_status fnas_design_measured(fnas_design *design) {
    int64_t d = design->dimension;
    for (int64_t i = 0; i < d; i++) design->prior[i * d + i] = 1.0;
    for (int64_t i = 0; i < design->given; i++) {
        FNAS_TRY(fnas_design_step(design, 0));
        (void)fnas_design_observe(d, design->factors + i * d, design->noise_squared[i], design->row, design->prior);
    }
    for (int64_t i = 0; i < design->count; i++) {
        if (i % 100 == 0) FNAS_TRY(fnas_design_step(design, 0));
        fnas_design_multiply(d, design->prior, fnas_design_candidate(design, i), design->row);
        design->prior_variance[i] = fnas_design_dot(d, design->row, fnas_design_candidate(design, i));
    }
    return FNAS_OK;
}

/* Begins anew from what was measured, with the first `picked` choices: no rounding of more than one sweep adds up. */
static void fnas_design_begin(fnas_design *design, int64_t picked) {
    int64_t d = design->dimension;
    memcpy(design->covariance, design->prior, (size_t)(d * d) * sizeof *design->covariance);
    memcpy(design->variance, design->prior_variance, (size_t)design->count * sizeof *design->variance);
    for (int64_t i = 0; i < picked; i++) fnas_design_take(design, design->picked[i], true);
}

static fnas_status fnas_design_greedy(fnas_design *design) {
    fnas_design_begin(design, 0);
    for (int64_t i = 0; i < design->wanted; i++) {
        FNAS_TRY(fnas_design_step(design, i));
        design->picked[i] = fnas_design_best(design);
        if (design->picked[i] < 0)
            return fnas_fail(design->context, FNAS_ERR_INPUT, "space %s has only %lld architectures that say anything new, not %lld",
                             fnas_space_spec(design->predictor->space), (long long)i, (long long)design->wanted);
        fnas_design_take(design, design->picked[i], true);
    }
    return FNAS_OK;
}

/* Each choice in turn gives way to the best in its place; *moved when any did. */
static fnas_status fnas_design_exchange(fnas_design *design, int64_t sweep, bool *moved) {
    *moved = false;
    fnas_design_begin(design, design->wanted);
    for (int64_t i = 0; i < design->wanted; i++) {
        FNAS_TRY(fnas_design_step(design, (1 + sweep) * design->wanted + i));
        int64_t kept = design->picked[i];
        fnas_design_take(design, kept, false);
        int64_t best = fnas_design_best(design);
        if (best >= 0 && fnas_design_gain(design, best) > fnas_design_gain(design, kept) * (1.0 + FNAS_DESIGN_GAIN)) {
            design->picked[i] = best;
            *moved = true;
        }
        fnas_design_take(design, design->picked[i], true);
    }
    return FNAS_OK;
}

static fnas_status fnas_design_run(fnas_design *design, int64_t given_count, const int32_t *given, int32_t *choices) {
    int64_t decisions = design->predictor->decision_count;
    FNAS_TRY(fnas_design_gather(design, given_count, given));
    FNAS_TRY(fnas_design_allocate(design));
    FNAS_TRY(fnas_design_factors(design));
    FNAS_TRY(fnas_design_measured(design));
    FNAS_TRY(fnas_design_greedy(design));
    bool moved = design->wanted > 1;
    for (int64_t sweep = 0; sweep < FNAS_DESIGN_SWEEPS && moved; sweep++) FNAS_TRY(fnas_design_exchange(design, sweep, &moved));
    for (int64_t i = 0; i < design->wanted; i++)
        memcpy(choices + i * decisions, fnas_arch_set_at(&design->archs, design->given + design->picked[i]),
               (size_t)decisions * sizeof *choices);
    return FNAS_OK;
}

fnas_status fnas_predictor_choose(fnas_context *context, const fnas_predictor *predictor, int64_t given_count, const int32_t *given,
                                  int64_t count, int32_t *choices) {
    return fnas_predictor_choose_among(context, predictor, given_count, given, 0, NULL, count, choices);
}

fnas_status fnas_predictor_choose_among(fnas_context *context, const fnas_predictor *predictor, int64_t given_count, const int32_t *given,
                                        int64_t candidate_count, const int32_t *candidates, int64_t count, int32_t *choices) {
    fnas_design design = {.context = context,
                          .predictor = predictor,
                          .among = candidates,
                          .among_count = candidate_count,
                          .wanted = count,
                          .begin_ms = fnas_wall_ms()};
    if (count < 1 || count > FNAS_DESIGN_MOST)
        return fnas_fail(context, FNAS_ERR_INPUT, "%lld architectures to choose: 1 to %d can be asked for", (long long)count,
                         FNAS_DESIGN_MOST);
    fnas_status status = fnas_design_run(&design, given_count, given, choices);
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
