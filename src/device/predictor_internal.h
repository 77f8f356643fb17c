/* What a predictor is made of. Files: predictor_features (what is looked at), predictor_network (shared non-linear terms), predictor_linear
 * (algebra), predictor_training (fit), predictor_calibration (a device from its references), predictor_evaluation, predictor_file (save and
 * load), predictor (public calls). */
#ifndef FNAS_DEVICE_PREDICTOR_INTERNAL_H
#define FNAS_DEVICE_PREDICTOR_INTERNAL_H

#include "device/predictor_features.h"
#include "device/predictor_network.h"
#include "fleetnas/predictor.h"

#define FNAS_PREDICTOR_MAX_DEVICES 4096
#define FNAS_PREDICTOR_MAX_REFERENCES 64

/* A device that was trained on. Latencies are in units of `scale_ms`: the mean of its reference latencies; where devices have references of
 * their own, the mean latency that its measurements say of fixed architectures of the space. */
typedef struct fnas_known_device {
    char *name;
    double scale_ms;
    double noise;         /* relative deviation of its measurements from the model */
    double quantile;      /* of |log(measured / predicted)|: half the width of its 90 % intervals; infinite: unknown */
    double *reference;    /* [reference_count]: reference latencies / scale_ms */
    double *coefficients; /* [basis_count] */
    int64_t holdout_count;
    int32_t *holdout_choices; /* [holdout_count][decisions] */
} fnas_known_device;

/* Normalised latency of architecture a on device t: coefficients_t . [linear basis of a; trunk terms of a]. */
struct fnas_predictor {
    fnas_space *space; /* its own */
    fnas_quantity quantity;
    fnas_feature_map map;
    int64_t basis_count; /* map.linear_count + FNAS_TRUNK_TERMS */
    int64_t decision_count, reference_count;
    int64_t reference_sets;     /* 1: all devices share their references; else device_count: each has its own */
    int32_t *reference_choices; /* [reference_sets][reference_count][decisions] */
    fnas_trunk trunk;
    double *trunk_values;
    int64_t device_count;
    fnas_known_device *devices;
    double holdout_fraction;
    uint64_t seed;
    double new_quantile; /* of a device that was never seen: half the width of a 90 % interval in deviations; infinite: unknown */
    int64_t steps;       /* trained; 0 where the linear part alone was better */
};

/* One device's predictor, collapsed: latency = scale_ms * positive(bias + weights . features + output . hidden2(features)). */
struct fnas_latency_model {
    fnas_space *space; /* its own */
    int64_t decision_count, onehot_size;
    fnas_trunk trunk;
    double *values; /* of the trunk, then weights [F] */
    double *weights;
    double output[FNAS_TRUNK_HIDDEN];
    double bias, scale_ms;
    double noise; /* relative deviation of the references from the model, as calibration believes */
    double minimum_ms, maximum_ms;
    double quantile; /* of the intervals; infinite: unknown */
    double *spread;  /* [S][S], S = 1 + F + TERMS: covariance of bias, weights and terms; NULL for a device that was trained on, whose
                        quantile  is the logarithm itself */
};

FNAS_NODISCARD fnas_status fnas_predictor_allocate(fnas_context *context, const char *space_spec, int64_t device_count,
                                                   int64_t reference_count, bool own_references, fnas_predictor **predictor);
/* [reference_count][decisions] of training device t. */
int32_t *fnas_predictor_references(const fnas_predictor *predictor, int64_t t);

/* Basis [basis_count] of one architecture by its features, and the normalised latency with these coefficients [basis_count]. */
void fnas_predictor_basis(const fnas_predictor *predictor, const double *features, double *basis);
double fnas_predictor_combine(const fnas_predictor *predictor, const double *coefficients, const double *basis);

/* The public calls, on what a card shows. */
FNAS_NODISCARD fnas_status fnas_predictor_fit_views(fnas_context *context, const fnas_space *space, int64_t count,
                                                    const fnas_card_view *views, const fnas_predictor_options *options,
                                                    fnas_predictor **predictor);
FNAS_NODISCARD fnas_status fnas_latency_model_create_view(fnas_context *context, const fnas_predictor *predictor,
                                                          const fnas_card_view *view, fnas_latency_model **model);
FNAS_NODISCARD fnas_status fnas_predictor_ask_view(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                                   int64_t count, const int32_t *choices, double *latency_ms);
FNAS_NODISCARD fnas_status fnas_predictor_ask_interval_view(fnas_context *context, const fnas_predictor *predictor,
                                                            const fnas_card_view *view, int64_t count, const int32_t *choices,
                                                            double *low_ms, double *latency_ms, double *high_ms);
FNAS_NODISCARD fnas_status fnas_predictor_evaluate_view(fnas_context *context, const fnas_predictor *predictor, const fnas_card_view *view,
                                                        fnas_predictor_score *score);

/* Fails unless every latency is finite and positive, and the references are as many as the predictor's. */
FNAS_NODISCARD fnas_status fnas_predictor_check_references(fnas_context *context, const fnas_predictor *predictor,
                                                           const fnas_card_view *view);

/* The training device of this name, or NULL. */
const fnas_known_device *fnas_predictor_find_device(const fnas_predictor *predictor, const char *name);

/* What the reference latencies of a device say of it. */
typedef struct fnas_calibrated {
    double *coefficients; /* [basis_count] */
    double *covariance;   /* [basis_count][basis_count] of the coefficients, before the bounds; NULL: not wanted */
    double noise;         /* believed relative deviation of the references */
} fnas_calibrated;

/* Calibrates on the latencies of reference architectures choices [reference_count][decisions], in units of about their mean; the training
 * device `without` (-1: none) has no part in the prior. At least one other is needed. Into made's arrays, which are the caller's. */
FNAS_NODISCARD fnas_status fnas_predictor_calibrate(fnas_context *context, const fnas_predictor *predictor, int64_t without,
                                                    const int32_t *choices, const double *reference, fnas_calibrated *made);

/* ---- Intervals (predictor_interval.c) ---- */

/* Half the width of an interval of an unseen device, as the logarithm of a factor, is new_quantile times this: the deviation of the
 * normalised latency of an architecture relative to the latency itself, as the calibration believes. covariance [count][count] is that of
 * the coefficients of basis [count]. */
double fnas_interval_scale(int64_t count, const double *covariance, const double *basis, double noise, double latency);

/* Measurements to calibrate intervals on. */
typedef struct fnas_interval_data {
    int64_t count;
    const double *features; /* [count][F] */
    const double *latency;  /* [count][devices], normalised; 0: not measured */
} fnas_interval_data;

/* Conformal quantile for devices that were never seen: every training device in turn is calibrated on its references without itself, and
 * its measurements say how wide the intervals should have been. Into predictor->new_quantile; infinite with fewer than two devices. */
FNAS_NODISCARD fnas_status fnas_interval_fit_new(fnas_context *context, fnas_predictor *predictor, const fnas_interval_data *data);

/* The smallest value that at least the conformal share of the scores do not exceed: the ceil((count + 1) * 0.9)-th smallest; infinite where
 * there are too few. scores are sorted. */
double fnas_interval_quantile(double *scores, int64_t count);

/* ---- What is believed of a new device before it is measured (predictor_calibration.c, predictor_design.c) ---- */

#define FNAS_CALIBRATION_PLACE 0.15 /* deviation of one place's cost, relative to that of a pooled cost */
#define FNAS_CALIBRATION_FLOOR 0.05 /* normalised latency below which noise shrinks no further */

/* The trunk's terms may take off at most this part of what the costs sum up to. */
#define FNAS_PREDICTOR_DISCOUNT 0.8
/* A latency has to be positive: smooth max(z, 0), off by less than FLOOR^2 / 4 at z = 1. */
#define FNAS_PREDICTOR_FLOOR 0.002
double fnas_predictor_positive(double z, double *slope);

#endif
