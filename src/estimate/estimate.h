/* An estimate of errors under way: what the files estimate*.c share. */
#ifndef FNAS_ESTIMATE_ESTIMATE_H
#define FNAS_ESTIMATE_ESTIMATE_H

#include "base/threads.h"
#include "estimate/candidates.h"
#include "estimate/ingredients.h"
#include "estimate/trainings.h"
#include "fleetnas/estimate.h"

#define FNAS_ESTIMATE_ROUND                                                                                                                \
    16 /* architectures trained between two regressions: a number of its own, so that the outcome knows no threads */
#define FNAS_ESTIMATE_TRAININGS_LEAST FNAS_ESTIMATE_ROUND /* fewer say too little, five folds of them nothing */

typedef struct fnas_estimate {
    fnas_context *context;
    const fnas_estimate_options *options;
    double begin_ms;
    fnas_space *space, *proxy, *score_proxy;
    fnas_dataset *dataset;
    fnas_split *split;
    fnas_card **cards;
    fnas_predictor *predictor;
    fnas_estimate_candidates candidates;
    fnas_training_plan plan;
    fnas_trainings trainings;
    fnas_ingredients ingredients;
    int64_t trainings_most, resumed, score_images;
    double earlier_s, kept_ms; /* seconds of earlier calls; when this call's were last kept */
    /* regression */
    int64_t *rows;            /* [candidates] of the trained: their place among the candidates */
    double *values;           /* [candidates] of the trained: their errors */
    bool *trained;            /* [candidates] */
    double *mean, *deviation; /* [candidates] */
    double *scores;           /* [FNAS_MERIT_SCORES][candidates] of untrained networks */
    /* training */
    fnas_team *team;
    fnas_trainer *trainers; /* [threads] */
    int64_t threads;
    int32_t round_choices[FNAS_ESTIMATE_ROUND * FNAS_ESTIMATE_DECISIONS_MAX];
    fnas_training_curve round_curves[FNAS_ESTIMATE_ROUND];
} fnas_estimate;

/* The error of guessing, in %. */
double fnas_estimate_guessing_pct(const fnas_estimate *state);
/* One number of a training: the mean error over its last steps, in %. */
double fnas_estimate_error_of(const fnas_training_curve *curve);
/* Marks the candidates that are trained; fills in their rows and values. Returns how many: trainings may be of others, too. */
int64_t fnas_estimate_collect(fnas_estimate *state);

/* The errors that trainings make expected, and what they and the untrained networks say together: mean and deviation. Errors:
 * FNAS_ERR_NUMERIC, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_estimate_judge(fnas_estimate *state);
/* kendall and rms_pct of the summary; overwrites mean and deviation. Errors: those, and FNAS_INTERRUPTED. */
FNAS_NODISCARD fnas_status fnas_estimate_judge_regression(fnas_estimate *state, fnas_estimate_summary *summary);

/* Keeps the seconds since they were last kept, with trainings of the round [count]. Errors: FNAS_ERR_IO. */
FNAS_NODISCARD fnas_status fnas_estimate_keep_seconds(fnas_estimate *state, int64_t count);
/* Trains round after round, as many architectures as there is room and time for. Errors: those of trainings, FNAS_INTERRUPTED. */
FNAS_NODISCARD fnas_status fnas_estimate_train(fnas_estimate *state);

#endif
