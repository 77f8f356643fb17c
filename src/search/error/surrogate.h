/* The error of an architecture without a supernet (docs/spaces.md). From a table: where it has every architecture of the space it is
 * looked up; else a function of the space's features is fitted to its rows: a ridge regression, with a small network on what that leaves
 * where cross-validation finds it better. Or from a network that a user brings (network.h). All are differentiable in D. Files: surrogate
 * (value and gradient), surrogate_rows (reading the table), surrogate_fit, surrogate_file. */
#ifndef FNAS_SEARCH_ERROR_SURROGATE_H
#define FNAS_SEARCH_ERROR_SURROGATE_H

#include "device/predictor_network.h"
#include "search/error/network.h"
#include "space/space.h"

#define FNAS_SURROGATE_FOLDS 5

typedef struct fnas_surrogate {
    fnas_space *space; /* its own */
    char *column;      /* of the table */
    int64_t row_count;
    fnas_arch_set rows; /* the table; emptied once a function is fitted to it */
    double *errors;     /* [row_count] in %, as long as there are rows */
    bool is_exact;      /* every architecture is in the table */
    bool is_fitted;
    /* Fitted: error = mean + weights . f + scale * (first term of the trunk), f the features. */
    int64_t feature_count;
    double mean, scale; /* scale 0: no network */
    double *weights;    /* [feature_count] */
    double *trunk_values;
    fnas_trunk trunk;
    double spearman, mean_error_pct; /* cross-validated: rank correlation, and mean absolute error in points of the error; NaN when exact */
    fnas_network *network;           /* a user's, owned; NULL: none. There is no table then, and mean_error_pct is not known */
    double low, high;                /* scale on which differences matter: see fnas_surrogate_find_range */
} fnas_surrogate;

/* "table:FILE.csv:COLUMN": reads and checks the rows; nothing is fitted yet. "surrogate:FILE": loads one that a search has left in its run.
 * "surrogate:FILE.npz...": a network (fnas_network_open). Errors:
 * FNAS_ERR_USAGE (another form), FNAS_ERR_INPUT (file, line and name), FNAS_ERR_IO, FNAS_ERR_MEMORY. Owned: fnas_surrogate_free. */
FNAS_NODISCARD fnas_status fnas_surrogate_open(fnas_context *context, const fnas_space *space, const char *option,
                                               fnas_surrogate **surrogate);
void fnas_surrogate_free(fnas_surrogate *surrogate);

/* Its parts: an empty one, and one from a table. */
FNAS_NODISCARD fnas_status fnas_surrogate_create(fnas_context *context, const fnas_space *space, fnas_surrogate **surrogate);
FNAS_NODISCARD fnas_status fnas_surrogate_read_rows(fnas_context *context, const char *path, const char *column, fnas_surrogate *surrogate);

/* Whether each architecture of the space is among the rows, as it is or in its canonical form. Stops at the first that is not. */
bool fnas_surrogate_covers_space(const fnas_surrogate *surrogate);

/* Fits it to its rows unless they are all there is (or it is fitted already, or a network). Deterministic in seed. Seconds for thousands of
 * rows. Errors: FNAS_ERR_INPUT (too few rows), FNAS_ERR_NUMERIC, FNAS_ERR_MEMORY, FNAS_INTERRUPTED. */
FNAS_NODISCARD fnas_status fnas_surrogate_fit(fnas_context *context, uint64_t seed, fnas_surrogate *surrogate);
/* The smallest and the upper quartile of the predictions of 2,000 fixed random architectures, as for the supernet's (error_model.h). */
FNAS_NODISCARD fnas_status fnas_surrogate_find_range(fnas_context *context, fnas_surrogate *surrogate);

/* Error in % of an architecture, from 0 to 100. Thread-safe. */
double fnas_surrogate_error(const fnas_surrogate *surrogate, const int32_t *choices);

/* What was fitted, or a network, knows no bounds: below 0 and above 100 its differences still tell what is better. What the search follows;
 * of a table the error itself. Thread-safe. */
double fnas_surrogate_prediction(const fnas_surrogate *surrogate, const int32_t *choices);
/* The error that a prediction stands for: the prediction itself, but for those nearer to 0 or 100 than the surrogate's mean absolute error
 * (mean_error_pct; of a network, which does not say it, 1 point): these are bent so that they stay between and keep their order. At most
 * 0.37 times that mean error off at 0 and 100. */
double fnas_surrogate_bounded(const fnas_surrogate *surrogate, double prediction);
/* The prediction and its gradient [onehot_size] (written) at the one-hot of `choices`; in a table the exact differences that other choices
 * would make. Thread-safe. */
double fnas_surrogate_gradient(const fnas_surrogate *surrogate, const int32_t *choices, const double *onehot, double *gradient);

/* error.safetensors: equal surrogates give equal bytes; atomic. load checks everything, and that the space is this one. */
FNAS_NODISCARD fnas_status fnas_surrogate_save(fnas_context *context, const fnas_surrogate *surrogate, const char *path);
FNAS_NODISCARD fnas_status fnas_surrogate_load(fnas_context *context, const fnas_space *space, const char *path,
                                               fnas_surrogate **surrogate);

#define FNAS_SURROGATE_FEATURES_MAX 1024
#define FNAS_SURROGATE_DECISIONS_MAX 256
/* mean + weights . f + scale * network, of features [feature_count]; *state is what the trunk's backward needs. */
double fnas_surrogate_value(const fnas_surrogate *surrogate, const double *features, fnas_trunk_state *state);

#endif
