/* Latency predictor: one network over (one-hot architecture, reference latencies of a device), trained on all search devices together
 * (docs/predictor.md). */
#ifndef FLEETNAS_PREDICTOR_H
#define FLEETNAS_PREDICTOR_H

#include "fleetnas/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A trained predictor. Immutable: thread-safe to read. */
typedef struct fnas_predictor fnas_predictor;

/* What is predicted. The rest of this page speaks of latencies in milliseconds; of a predictor of energy all of it holds for millijoules.
 */
typedef enum fnas_quantity { FNAS_QUANTITY_LATENCY, FNAS_QUANTITY_ENERGY } fnas_quantity;
FNAS_API const char *fnas_quantity_name(fnas_quantity quantity); /* "latency_ms", "energy_mj"; static */
FNAS_API const char *fnas_quantity_unit(fnas_quantity quantity); /* "ms", "mJ"; static */

typedef struct fnas_predictor_options {
    fnas_quantity quantity;  /* which of the cards' numbers [latency] */
    int64_t steps;           /* training steps of the network, 0..10,000,000 [1500 when 0] */
    double holdout_fraction; /* of each card's measurements, 0..0.9, kept out of training and recorded for eval [0.1 when 0]; the same
                                architectures on every device */
    int64_t holdout_least;   /* fewer of a card kept out are refused before anything is trained; fnas_predictor_evaluate needs 2 [0] */
    uint64_t seed;
} fnas_predictor_options;

/* Trains on the measurements of count cards [count] of this space (each needs measurements; their reference architectures may differ).
 * options: NULL for the defaults. *predictor is owned by the caller. Deterministic in seed, whatever the threads. Errors: FNAS_ERR_INPUT
 * (card of another space, no measurements or none of the quantity, same device name twice, another number of references, too few kept
 * out, option out of range), FNAS_ERR_NUMERIC (no stable fit), FNAS_ERR_MEMORY, FNAS_INTERRUPTED. Reports progress "predictor". */
FNAS_API FNAS_NODISCARD fnas_status fnas_predictor_fit(fnas_context *context, const fnas_space *space, int64_t count,
                                                       const fnas_card *const *cards, const fnas_predictor_options *options,
                                                       fnas_predictor **predictor);

/* A predictor's file (safetensors; docs/predictor.md). save is atomic, and equal predictors give equal bytes. load checks everything;
 * *predictor is owned by the caller (fnas_predictor_free). Errors: FNAS_ERR_INPUT "PATH: what is wrong" (no predictor file, damaged,
 * another version of the space's features), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_predictor_save(fnas_context *context, const fnas_predictor *predictor, const char *path);
FNAS_API FNAS_NODISCARD fnas_status fnas_predictor_load(fnas_context *context, const char *path, fnas_predictor **predictor);
FNAS_API void fnas_predictor_free(fnas_predictor *predictor);
FNAS_API const char *fnas_predictor_space(const fnas_predictor *predictor);      /* canonical spec */
FNAS_API fnas_quantity fnas_predictor_quantity(const fnas_predictor *predictor); /* cannot fail */

/* The predictor for one device: its embedding, and its calibration to milliseconds on the card's reference measurements alone. Owned;
 * immutable. Errors: FNAS_ERR_INPUT (predictor or card of another space, a card without the quantity), FNAS_ERR_NUMERIC (reference
 * latencies out of any proportion), FNAS_ERR_MEMORY. */
typedef struct fnas_latency_model fnas_latency_model;
FNAS_API FNAS_NODISCARD fnas_status fnas_latency_model_create(fnas_context *context, const fnas_predictor *predictor,
                                                              const fnas_space *space, const fnas_card *card, fnas_latency_model **model);
FNAS_API void fnas_latency_model_free(fnas_latency_model *model);

/* Predicted latency of count architectures [count][decisions]: latency_ms [count] (> 0). Thread-safe. Errors: FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_latency_model_predict(fnas_context *context, const fnas_latency_model *model, int64_t count,
                                                               const int32_t *choices, double *latency_ms);

/* As fnas_latency_model_predict, with the 90 % interval of every latency beside it: low_ms, latency_ms, high_ms [count], written. Conformal
 * (docs/predictor.md): nine of ten measurements of architectures like those measured lie in theirs; of a device that the predictor was not
 * trained on, on average over devices, if it differs from those trained on as they differ among each other. 0 and infinity where the
 * predictor knows too little to say: fewer than two training devices, or fewer than some 60 measurements of the one trained on. Costs
 * about F^2 operations an architecture, F being the space's cost features. Thread-safe, deterministic. Errors: FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_latency_model_predict_interval(fnas_context *context, const fnas_latency_model *model,
                                                                        int64_t count, const int32_t *choices, double *low_ms,
                                                                        double *latency_ms, double *high_ms);

/* Latency of count architectures [count][decisions] on every one of a predictor's models [models] (devices): latency_ms [count][models],
 * written. What devices share is computed once an architecture, so that many devices cost little more than one. Equals
 * fnas_latency_model_predict up to rounding. Thread-safe. Errors: FNAS_ERR_INPUT (models of different predictors), FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_latency_model_predict_many(fnas_context *context, int64_t models,
                                                                    const fnas_latency_model *const *list, int64_t count,
                                                                    const int32_t *choices, double *latency_ms);

/* Value and gradient for one one-hot D [onehot_size] (any real numbers near a one-hot): gradient [onehot_size] = d latency_ms / d D,
 * written. Thread-safe, no allocation. */
FNAS_API double fnas_latency_model_gradient(const fnas_latency_model *model, const double *onehot, double *gradient);

/* Smallest and largest predicted latency over the space (exact when it has at most 20,000 architectures, else over 5,000 random ones). */
FNAS_API void fnas_latency_model_range_ms(const fnas_latency_model *model, double *minimum_ms, double *maximum_ms);

/* Chooses the architectures from whose latencies the predictor learns most about a device that it never saw: choices [count][decisions],
 * written, distinct, count 1 to 1,000. given [given_count][decisions] (NULL with 0) were measured already: the next most useful ones
 * follow, none of them among the given. Maximises what their latencies tell (D-optimal design; Fedorov 1972) under the normal prior that
 * the training devices give, greedily, then by exchange; among all architectures of a space that has at most 4,000, else among 4,000
 * random ones, but none whose output depends on nothing. Costs at most 31 count n D operations for n candidates and
 * D = training devices + basis functions + 1, and (n + given_count) D^2 before: below a second for ten, seconds for 1,000. Deterministic,
 * thread-safe with a context each. Reports progress "references". Errors: FNAS_ERR_INPUT (count out of range, or more than the space has to
 * say), FNAS_ERR_MEMORY, FNAS_INTERRUPTED. */
FNAS_API FNAS_NODISCARD fnas_status fnas_predictor_choose(fnas_context *context, const fnas_predictor *predictor, int64_t given_count,
                                                          const int32_t *given, int64_t count, int32_t *choices);

/* As fnas_predictor_choose, among candidates [candidate_count][decisions] alone (NULL: those of the space): for a device of which a table
 * exists, or that can run only some. Errors: as there. */
FNAS_API FNAS_NODISCARD fnas_status fnas_predictor_choose_among(fnas_context *context, const fnas_predictor *predictor, int64_t given_count,
                                                                const int32_t *given, int64_t candidate_count, const int32_t *candidates,
                                                                int64_t count, int32_t *choices);

/* Writes architectures [count][decisions] as the JSON object that --references reads: {"space", "reference_archs": [native strings]}.
 * Atomic. Errors: FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_references_save(fnas_context *context, const fnas_space *space, int64_t count,
                                                         const int32_t *choices, const char *path);

typedef struct fnas_predictor_score {
    int64_t count; /* architectures scored: never trained on, never used to calibrate */
    double spearman, kendall, median_ape_pct, mean_ape_pct;
    double coverage90_pct;     /* of the measurements that lie in their 90 % interval; NaN where intervals are unknown */
    double width90_median_pct; /* median width of the intervals in percent of the prediction; NaN where unknown */
    bool trained_on;           /* the card's device was one of the training devices: scored on its held-out architectures */
} fnas_predictor_score;
/* Adapts on the card's reference measurements alone and scores on its (held-out) measurements.
 * Errors: as fnas_latency_model_create, and FNAS_ERR_INPUT where no measurement is left to score on. */
FNAS_API FNAS_NODISCARD fnas_status fnas_predictor_evaluate(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space,
                                                            const fnas_card *card, fnas_predictor_score *score);

#ifdef __cplusplus
}
#endif
#endif
