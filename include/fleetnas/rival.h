/* Rival methods: other ways to find a front, on a truth table, or on models that compute, which answer what an architecture's objectives
 * are, at a counted price. */
#ifndef FLEETNAS_RIVAL_H
#define FLEETNAS_RIVAL_H

#include "fleetnas/truth.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Names of the methods, index 0..count-1, and what each is, with its paper; NULL behind the last. Static. */
FNAS_API const char *fnas_rival_name(int64_t index);
FNAS_API const char *fnas_rival_summary(int64_t index);

/* Whether the method looks at no true objective to choose what it answers ("macs", "naswot", "synflow"): what it evaluates is its answer.
 * False for an unknown name. */
FNAS_API bool fnas_rival_needs_no_evaluations(const char *name);

typedef struct fnas_rival_options {
    const char *method;  /* one of the names */
    int64_t evaluations; /* distinct architectures whose objectives are looked up, 1 to the table's count; what is known costs nothing */
    int64_t points;      /* of the front at most, 1 to the table's count [24, or the count where that is less] */
    uint64_t seed;
    const char *data;  /* "naswot" only, which needs it: data set spec of its images */
    const char *proxy; /* "naswot" and "synflow": parameters of the smaller networks that they score, "channels=16,cells=1,input=3x16x16"
                          [NULL: the space's own] */
} fnas_rival_options;

/* A rival's answer. */
typedef struct fnas_rival_front {
    int64_t count;       /* 0 where all that it saw guesses */
    int64_t evaluations; /* that were made: fewer than allowed only where the method had nothing more to ask */
    int32_t *choices;    /* [count][decisions], owned */
    double *values;      /* [count][objectives], owned: error in %, costs in their units */
} fnas_rival_front;

/* Runs a method. Of all architectures that it evaluated, those that guess (90 % error and more) are dropped, then the dominated ones, then
 * the least contributors to the hypervolume in the table's normalised coordinates with reference point 1, until `points` are left; where
 * objectives are computed, on the scale of fnas_truth_open_models joined with the front of all that it evaluated, with reference
 * point 1.05, as fronts of a run are chosen. The order is by contribution. Deterministic in the seed, for any number of threads. Release
 * with fnas_rival_front_free. "naswot" and "synflow" run each architecture's network once, in parallel on the context's threads, with
 * progress stages of their names. Methods by Bayesian optimisation choose among the table's architectures alone; they take O(evaluations)
 * time an architecture at each evaluation, 8 bytes an architecture and evaluation for each of their Gaussian processes, and at most 4,096
 * evaluations; they report progress. Where objectives are computed they choose among some 1,000 architectures that are bred towards what
 * promises most, at O(evaluations^2) each. "macs", "naswot" and "synflow" need a table. Errors: FNAS_ERR_USAGE (unknown method, with a
 * suggestion; data or proxy missing or without a use; a number out of range), FNAS_ERR_INPUT (an architecture of the space that the table
 * has not, MACs asked of a space that does not know them, scores of one without networks, a proxy that the space has not, images of another
 * shape or too few), FNAS_ERR_UNSUPPORTED (too many evaluations for Bayesian optimisation, or objectives for ehvi; no table for what needs
 * one), FNAS_ERR_NUMERIC, FNAS_ERR_IO, FNAS_ERR_MEMORY, FNAS_INTERRUPTED while scoring or optimising. */
FNAS_API FNAS_NODISCARD fnas_status fnas_rival_run(fnas_context *context, const fnas_truth *truth, const fnas_rival_options *options,
                                                   fnas_rival_front *front);
FNAS_API void fnas_rival_front_free(fnas_rival_front *front);

/* CSV: arch, error, then the costs by their names. Atomic. Errors: FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_rival_front_write(fnas_context *context, const fnas_truth *truth, const fnas_rival_front *front,
                                                           const char *path);

#ifdef __cplusplus
}
#endif
#endif
