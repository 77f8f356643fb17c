/* Objectives: what is minimised for an architecture on a device, with its gradient with respect to the one-hot D. All behind one interface.
 */
#ifndef FNAS_SEARCH_OBJECTIVE_H
#define FNAS_SEARCH_OBJECTIVE_H

#include "fleetnas/predictor.h"
#include "search/config/config.h"
#include "search/error/surrogate.h"
#include "search/run/state.h"

/* What there is to judge one path by. */
typedef struct fnas_path_facts {
    const int32_t *choices;
    const double *onehot;
    double cross_entropy;
    const double *cross_entropy_gradient; /* [onehot_size], from the supernet's gates; unused where the error model gives it */
} fnas_path_facts;

/* Judges of one device; immutable while a step runs. */
typedef struct fnas_objectives {
    const fnas_search_config *config;
    const fnas_space *space;         /* searched */
    const fnas_surrogate *surrogate; /* of the error, borrowed; NULL: the supernet's */
    int64_t device_count;
    fnas_latency_model **latency;                               /* [device_count], owned */
    fnas_latency_model **energy;                                /* the same; NULL where energy is no objective */
    double low[FNAS_OBJECTIVES_MAX], high[FNAS_OBJECTIVES_MAX]; /* closed-form objectives: range over the space */
} fnas_objectives;

FNAS_NODISCARD fnas_status fnas_objectives_create(fnas_context *context, const fnas_search_config *config, const fnas_space *space,
                                                  const fnas_predictor *predictor, const fnas_predictor *energy_predictor,
                                                  const fnas_surrogate *surrogate, fnas_card *const *cards, fnas_objectives *objectives);
void fnas_objectives_free(fnas_objectives *objectives);

/* Value in its own unit (of "error" the cross entropy, or without a supernet the error in %), the value normalised to about [0, 1], and the
 * gradient [onehot_size] of the normalised value. */
void fnas_objective_evaluate(const fnas_objectives *objectives, const fnas_search_state *state, int64_t objective, int64_t device,
                             const fnas_path_facts *facts, double *value, double *normalised, double *gradient);

/* The scale of an objective of one device: what becomes 0, and what becomes 1. */
void fnas_objective_range(const fnas_objectives *objectives, const fnas_search_state *state, int64_t objective, int64_t device, double *low,
                          double *high);
/* (value - low) / (high - low); 0 where the range is empty and nothing can be told apart. */
double fnas_objective_normalise(double low, double high, double value);

/* Closed-form value of any objective but error and latency. */
double fnas_objective_closed_form(fnas_objective_kind kind, const fnas_space *space, const int32_t *choices);

#endif
