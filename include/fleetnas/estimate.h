/* Errors of a space's architectures without training each of them: a few are trained shortly at a small scale, a regression tells the
 * others. */
#ifndef FLEETNAS_ESTIMATE_H
#define FLEETNAS_ESTIMATE_H

#include "fleetnas/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Names are those of the command's options. Zero or NULL means the default in brackets. */
typedef struct fnas_estimate_options {
    const char *space;          /* required: spec; it must have images */
    const char *data;           /* required: data set spec; of it only images of the train part are used */
    const char *proxy;          /* smaller macro that is trained: "channels=8,cells=1,input=3x16x16" [channels=8,cells=1]. Its image may be
                                   of another size than the data set's (data.h) */
    const char *score_proxy;    /* that of which untrained networks are scored, likewise [channels=16,cells=1] */
    int64_t score_images;       /* that they are scored on, 4 to 1,024 [64] */
    int64_t device_count;       /* 0: where the trade-off with the MACs lies is where errors are looked at most closely */
    const char *const *devices; /* paths of device cards: else where their fronts lie */
    const char *predictor;      /* file of fnas_predictor_save [trained at the start] */
    int64_t trainings;          /* architectures trained, 16 to 4,096; at most one of trainings and minutes [200] */
    double minutes;             /* as many trainings as that gives room for on this machine, all else counted */
    int64_t steps, batch;       /* of one training [6000, 16] */
    double rate;                /* learning rate [0.05] */
    const char *ingredients;    /* what errors are made of: some of "naswot,zico,meco,expressivity,trainings" [all]. Without "trainings"
                                   nothing is trained, and trainings and minutes are refused */
    uint64_t seed;
    const char *out; /* required: the CSV file. OUT.trainings beside it keeps each training as it ends */
} fnas_estimate_options;

typedef struct fnas_estimate_summary {
    int64_t architectures;      /* that compute something different */
    int64_t trainings, resumed; /* in all; of them those that an earlier call had made. 0 where trainings are no ingredient */
    double kendall, rms_pct;    /* of the regression alone, on trainings that it had not seen, five folds: Kendall's tau, root mean square;
                                   NaN where trainings are no ingredient */
} fnas_estimate_summary;

/* Scores untrained networks of all, trains some, fits, and writes a table with one row for each architecture of the space (at most 20,000
 * that differ once what has no effect is left out): arch, error_pct, deviation_pct, trained_error_pct (empty where it was not trained).
 * docs/error.md says how. error_pct orders architectures: it is on the scale of such trainings' errors, not of networks trained to their
 * end; deviation_pct is the regression's. `search --error table:FILE:error_pct` takes the table. The outcome depends on the options and the
 * number of trainings alone, not on threads; where earlier calls trained for other devices, of other ingredients, or another number that is
 * no multiple of 16, also on what these trained. A call that was interrupted or killed is taken up by calling it again with the same
 * options: scores and trainings are kept. Progress stages: the scores' names, "trainings". Errors: FNAS_ERR_USAGE (trainings with minutes,
 * a number out of range), FNAS_ERR_INPUT (a space without images or with too many architectures, images that do not fit the proxies,
 * OUT.trainings of other options), FNAS_ERR_NUMERIC (trainings that are all alike), FNAS_ERR_IO (OUT.trainings in use), FNAS_ERR_MEMORY,
 * FNAS_INTERRUPTED (what is kept stays). */
FNAS_API FNAS_NODISCARD fnas_status fnas_error_estimate(fnas_context *context, const fnas_estimate_options *options,
                                                        fnas_estimate_summary *summary);

#ifdef __cplusplus
}
#endif
#endif
