/* A truth table in memory, or what computes objectives in its place (models.c). */
#ifndef FNAS_SEARCH_TRUTH_TRUTH_H
#define FNAS_SEARCH_TRUTH_TRUTH_H

#include "fleetnas/truth.h"
#include "space/arch_set.h"

typedef struct fnas_truth_models fnas_truth_models;

struct fnas_truth {
    const fnas_space *space;
    fnas_truth_models *models; /* compute objectives, owned; NULL: the table has them. With models there are no rows, and no front */
    fnas_arch_set archs;       /* those that have all objectives */
    int64_t objective_count;
    char *cost_names[FNAS_TRUTH_OBJECTIVES_MAX];
    double *values;                                                         /* [archs.count][objective_count] */
    double low[FNAS_TRUTH_OBJECTIVES_MAX], high[FNAS_TRUTH_OBJECTIVES_MAX]; /* over errors under 90 % */
    double *front;                                                          /* normalised [front_count][objective_count] */
    int64_t front_count;
    double hypervolume; /* of the front */
};

#define FNAS_TRUTH_ERROR_LIMIT_PCT 90.0 /* errors from here on are those of networks that guess */
#define FNAS_TRUTH_POINTS 24            /* of a front, so that all are compared by as many */

/* The reference point of hypervolumes: in normalised coordinates the worst of everything, 1. */
extern const double fnas_truth_reference[FNAS_TRUTH_OBJECTIVES_MAX];

/* The architecture as it counts, into known [decisions]: as the table writes it or one that computes the same, or as its native string says
 * where objectives are computed. False: the table has it not. */
bool fnas_truth_identify(const fnas_truth *truth, const int32_t *choices, int32_t *known);
/* Values [objective_count] of one that is identified, written. Errors: FNAS_ERR_NUMERIC (not finite), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_truth_evaluate(fnas_context *context, const fnas_truth *truth, const int32_t *known, double *values);
FNAS_NODISCARD fnas_status fnas_models_evaluate(fnas_context *context, const fnas_truth_models *models, const int32_t *choices,
                                                double *values);
void fnas_models_free(fnas_truth_models *models); /* NULL is allowed */

/* Widens a scale [objective_count] by a row of values, unless that guesses. */
void fnas_truth_widen(int64_t objectives, const double *values, double *low, double *high);

/* Coordinates between 0 and 1 within the table's range (of computed ones, beyond it too). normalised [objective_count]. */
void fnas_truth_normalise(const fnas_truth *truth, const double *values, double *normalised);

#endif
