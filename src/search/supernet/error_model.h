/* What the supernet's losses say about an architecture's error: a regression over the space's structure features, kept up to date as the
 * supernet learns.
 *
 * The gates of one path give the derivative of its loss on a handful of images, blind to what an unselected operation would have computed
 * (net.h). Architectures that are observed on the same images say far more: the differences of their losses are observations of one
 * function of D. It is fitted by ridge regression with exponential forgetting (recursive least squares, Haykin 2002, chapter 10), with
 * penalties that follow the slopes (MacKay 1992), and its gradient with respect to D, through the features' own, takes the place of the
 * gates'. With gates the losses of the paths, each on its own images, set the scale of the error. */
#ifndef FNAS_SEARCH_SUPERNET_ERROR_MODEL_H
#define FNAS_SEARCH_SUPERNET_ERROR_MODEL_H

#include <stdbool.h>

#include "fleetnas/space.h"

/* Arrays are owned; features counts the space's and a constant 1 behind them. */
typedef struct fnas_error_model {
    int64_t features;
    double *gram;         /* [features][features]: discounted sums, of products within rounds, and plain ones in the constant's row */
    double *moment;       /* [features]: discounted sums of f * loss within rounds, and of the loss */
    double *coefficients; /* [features], of the last fit */
    double *scratch;      /* [features * features] */
} fnas_error_model;

FNAS_NODISCARD fnas_status fnas_error_model_create(fnas_context *context, const fnas_space *space, fnas_error_model *model);
void fnas_error_model_free(fnas_error_model *model);

/* Before each round: what was seen before counts a little less. */
void fnas_error_model_discount(fnas_error_model *model);
/* Adds a round: onehot [count][onehot size] with their losses [count]. same_images: only differences within the round count for the slopes,
 * so that the images of the round, and how far the supernet has come, cancel; else differences from the mean of what was seen so far. */
void fnas_error_model_observe(fnas_error_model *model, const fnas_space *space, bool same_images, int64_t count, const double *onehot,
                              const double *losses);
/* Coefficients anew from gram and moment. FNAS_ERR_NUMERIC when they hold numbers that are not finite. */
FNAS_NODISCARD fnas_status fnas_error_model_fit(fnas_context *context, fnas_error_model *model);
/* The scale on which differences of error matter: the smallest and the upper quartile of the expected losses of count architectures (a
 * disconnected one's loss is several times the differences among the others). scratch [count]. */
void fnas_error_model_range(const fnas_error_model *model, const fnas_space *space, int64_t count, const double *onehot, double *scratch,
                            double *low, double *high);
/* Expected loss of D [onehot size], and its gradient (written). Thread-safe. */
double fnas_error_model_gradient(const fnas_error_model *model, const fnas_space *space, const double *onehot, double *gradient);

#endif
