/* 90 % intervals by conformal prediction (Vovk et al. 2005): how far off a prediction was, in units of what the model believes of itself
 * (normalised scores: Romano et al. 2019; Lei et al. 2018).
 *
 * A device that was trained on: the validation part of its own measurements, which the coefficients were fitted without. It chose the step
 * at which the trunk's training stopped, though, and which devices use its terms: a few choices of one number each, which make its scores
 * a little too small. The exact guarantee would take measurements that chose nothing. A device that was never seen: its architectures share
 * the errors of its calibration, so that the device, not the architecture, is what is exchangeable (Dunn, Wasserman and Ramdas 2022). Each
 * training device in turn is calibrated on its references under the prior of all others; the scores of every device weigh the same in one
 * distribution, whose quantile it is. The trunk, and which of its terms are used, were trained with the device that is left out: only a
 * study that leaves families out of the whole fit says what the intervals are worth (docs/predictor.md; bench_predictor). (Asked at 0.9 (1
 * + 1 / devices), as the bound for few devices has it, intervals covered 98 % of families of devices left out; asked at 0.9, 89 %.) */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/predictor_internal.h"

#define FNAS_INTERVAL_SHARE 0.9
/* Deviations are believed to this power: small ones are too small and large ones too large, since what is believed is a guess from ten
 * numbers. With families of devices left out, 1 covers 89.2 % at a median width of 27.1 %, 0.85 90.1 % at 24.4 %, 0.5 91.8 % at 24.0 %. */
#define FNAS_INTERVAL_TRUST 0.85
#define FNAS_INTERVAL_DEVICES_MOST 64 /* that are left out in turn: evenly spread over all, since each takes as long as a calibration */
#define FNAS_INTERVAL_MOST 1000       /* architectures of a device that are looked at: evenly spread over all */

double fnas_predictor_combine(const fnas_predictor *predictor, const double *coefficients, const double *basis) {
    double costs = 0.0, terms = 0.0, slope;
    for (int64_t j = 0; j < predictor->map.linear_count; j++) costs += coefficients[j] * basis[j];
    for (int64_t j = predictor->map.linear_count; j < predictor->basis_count; j++) terms += coefficients[j] * basis[j];
    double least = (1.0 - FNAS_PREDICTOR_DISCOUNT) * costs;
    return least + fnas_predictor_positive(costs - least + terms, &slope);
}

static int fnas_interval_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double fnas_interval_quantile(double *scores, int64_t count) {
    int64_t rank = (int64_t)ceil(FNAS_INTERVAL_SHARE * (double)(count + 1) - 1e-9);
    if (rank > count) return HUGE_VAL;
    qsort(scores, (size_t)count, sizeof *scores, fnas_interval_compare);
    return scores[rank - 1];
}

double fnas_interval_scale(int64_t count, const double *covariance, const double *basis, double noise, double latency) {
    double variance = 0.0;
    for (int64_t i = 0; i < count; i++) {
        if (basis[i] == 0.0) continue;
        double row = 0.0;
        for (int64_t j = 0; j < count; j++) row += covariance[i * count + j] * basis[j];
        variance += basis[i] * row;
    }
    return pow(fmax(variance, 0.0) / (latency * latency) + noise * noise, 0.5 * FNAS_INTERVAL_TRUST);
}

/* ---- Devices that were never seen ---- */

typedef struct fnas_interval_score {
    double score, weight;
} fnas_interval_score;

/* The scores of one training device under the prior of the others; returns how many. */
static fnas_status fnas_interval_score_device(fnas_context *context, const fnas_predictor *predictor, const fnas_interval_data *data,
                                              int64_t t, fnas_calibrated *made, double *basis, fnas_interval_score *scores,
                                              int64_t *count) {
    int64_t measured = 0, seen = 0, k = predictor->basis_count, first = *count;
    FNAS_TRY(
        fnas_predictor_calibrate(context, predictor, t, fnas_predictor_references(predictor, t), predictor->devices[t].reference, made));
    for (int64_t a = 0; a < data->count; a++) measured += data->latency[a * predictor->device_count + t] > 0.0;
    for (int64_t a = 0; a < data->count; a++) {
        double latency = data->latency[a * predictor->device_count + t];
        if (!(latency > 0.0)) continue;
        int64_t before = seen * FNAS_INTERVAL_MOST / measured;
        if (++seen * FNAS_INTERVAL_MOST / measured == before) continue;
        fnas_predictor_basis(predictor, data->features + a * predictor->map.feature_count, basis);
        double predicted = fnas_predictor_combine(predictor, made->coefficients, basis);
        scores[(*count)++].score = fabs(log(latency / predicted)) / fnas_interval_scale(k, made->covariance, basis, made->noise, predicted);
    }
    for (int64_t i = first; i < *count; i++) scores[i].weight = 1.0 / (double)(*count - first);
    return FNAS_OK;
}

static int fnas_interval_compare_scores(const void *a, const void *b) {
    const fnas_interval_score *x = a, *y = b;
    return (x->score > y->score) - (x->score < y->score);
}

static double fnas_interval_pooled(fnas_interval_score *scores, int64_t count, int64_t devices) {
    double sum = 0.0;
    qsort(scores, (size_t)count, sizeof *scores, fnas_interval_compare_scores);
    for (int64_t i = 0; i < count; i++) {
        sum += scores[i].weight / (double)devices;
        if (sum >= FNAS_INTERVAL_SHARE - 1e-9) return scores[i].score;
    }
    return HUGE_VAL;
}

fnas_status fnas_interval_fit_new(fnas_context *context, fnas_predictor *predictor, const fnas_interval_data *data) {
    int64_t k = predictor->basis_count, all = predictor->device_count, count = 0;
    int64_t devices = all < FNAS_INTERVAL_DEVICES_MOST ? all : FNAS_INTERVAL_DEVICES_MOST;
    predictor->new_quantile = HUGE_VAL;
    if (all < 2) return FNAS_OK;
    double *memory = fnas_allocate((size_t)(k * (k + 2)), sizeof *memory);
    fnas_interval_score *scores = fnas_allocate((size_t)(devices * FNAS_INTERVAL_MOST), sizeof *scores);
    fnas_calibrated made = {.coefficients = memory, .covariance = memory + 2 * k};
    fnas_status status = memory && scores ? FNAS_OK : fnas_fail_memory(context, "intervals");
    for (int64_t i = 0; i < devices && status == FNAS_OK; i++)
        status = fnas_interval_score_device(context, predictor, data, i * all / devices, &made, memory + k, scores, &count);
    if (status == FNAS_OK) predictor->new_quantile = fnas_interval_pooled(scores, count, devices);
    fnas_free(memory);
    fnas_free(scores);
    return status;
}
