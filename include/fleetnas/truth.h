/* Truth tables: spaces small enough that every architecture's error and cost are known, and scores of fronts against them. In the place of
 * tables, a surrogate of the error and a latency predictor that say the objectives of any architecture of a space, however large. */
#ifndef FLEETNAS_TRUTH_H
#define FLEETNAS_TRUTH_H

#include "fleetnas/front.h"
#include "fleetnas/space.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Architectures with their error and costs. Immutable but for fnas_truth_join: thread-safe to read. Owned by the caller (fnas_truth_free).
 */
typedef struct fnas_truth fnas_truth;

#define FNAS_TRUTH_OBJECTIVES_MAX 8

typedef struct fnas_truth_options {
    int64_t table_count;
    const char *const *tables;   /* CSV files, joined by "arch" (native strings), or by "arch_index" through one that has both */
    const char *accuracy_column; /* per cent: the error is 100 less it [NULL: error_column] */
    const char *error_column;    /* per cent [NULL: "error_pct"] */
    int64_t cost_count;          /* 1 to 7 */
    const char *const *costs;    /* what the other objectives are called: "latency_ms", ... */
    const char *const *columns;  /* [cost_count] where they stand */
    bool partial; /* the tables are a sample: architectures that lack an objective are left out, the true front is that of the others */
} fnas_truth_options;

/* Objectives are the error, then the costs. What a row's architecture is, is told as in fnas_import_open_csv. Unless `partial`, every
 * architecture of the tables must have all objectives, and a space of at most 4,000,000 architectures must be there as a whole (each of
 * them, or what computes the same): a front is not compared with half of the truth. The space is borrowed and must outlive the table.
 * Errors: FNAS_ERR_INPUT naming file, line and column (a column that is missing, no number, an error outside 0 to 100, a cost that is
 * neither 0 nor from 1e-30 to 1e30, an architecture twice, or with an "arch_index" that another row contradicts) or the column and the
 * architecture (an architecture without a value), or the column (a cost that never changes), or saying which
 * architecture is missing, that no architecture has all objectives, or that the true front dominates nothing; FNAS_ERR_USAGE (no table, no
 * cost), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_truth_open(fnas_context *context, const fnas_space *space, const fnas_truth_options *options,
                                                    fnas_truth **truth);
FNAS_API void fnas_truth_free(fnas_truth *truth); /* NULL is allowed */

typedef struct fnas_models_options {
    const char *error;     /* "surrogate:FILE", "surrogate:FILE.npz...", "table:FILE.csv:COLUMN": as in fnas_search_options */
    const char *predictor; /* file of fnas_predictor_save, of latencies */
    const char *device;    /* device card */
} fnas_models_options;

/* Objectives that are computed: the error in % that a surrogate says, and the latency_ms that a predictor says for a device, by its
 * reference measurements alone. There is no true front. The scale is min-max over those of 1,000 fixed random architectures with errors
 * under 90 %, joined with the fronts of fnas_truth_join; normalised coordinates are clipped to [0, 1]. The space is borrowed and must
 * outlive it. Errors: those of fnas_search_run about these files; FNAS_ERR_INPUT (a predictor or a card of another space or quantity, an
 * error or a latency that is the same for all of the random architectures), FNAS_ERR_USAGE (supernet), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_truth_open_models(fnas_context *context, const fnas_space *space,
                                                           const fnas_models_options *options, fnas_truth **truth);
FNAS_API bool fnas_truth_is_computed(const fnas_truth *truth);

/* Widens the scale of objectives that are computed by a front's architectures [count][decisions] with errors under 90 %, so that what is
 * compared lies on one scale: join all fronts before any is scored. Of a table, whose scale is that of all architectures, nothing changes.
 * Errors: FNAS_ERR_NUMERIC, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_truth_join(fnas_context *context, fnas_truth *truth, int64_t count, const int32_t *choices);

/* Architectures (INT64_MAX where a space whose objectives are computed has more); objectives, 1 + cost_count. Cannot fail. */
FNAS_API int64_t fnas_truth_count(const fnas_truth *truth);
FNAS_API int64_t fnas_truth_objective_count(const fnas_truth *truth);

/* Values [objective_count] of an architecture [decisions], borrowed: error in %, costs in their own units. NULL where the table has
 * neither the architecture nor one that computes the same, or where values are computed. */
FNAS_API const double *fnas_truth_values(const fnas_truth *truth, const int32_t *choices);

/* The architectures of a front file: JSON as `front --json` writes it ("points", each with "arch"), or CSV with a column "arch". choices is
 * an owned array [count][decisions] (fnas_truth_free_choices). Errors: FNAS_ERR_INPUT naming file, line and field, FNAS_ERR_IO,
 * FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_truth_read_front(fnas_context *context, const fnas_space *space, const char *path, int64_t *count,
                                                          int32_t **choices);
FNAS_API void fnas_truth_free_choices(int32_t *choices);

/* How good a set of architectures is. Coordinates are min-max normalised over all architectures of the table with errors under 90 %; the
 * reference point of the hypervolume is 1 everywhere, the ideal point of r2 is 0. Where objectives are computed (fnas_truth_open_models),
 * what compares with the true front is NaN, its count 0. */
typedef struct fnas_truth_score {
    int64_t given, dropped;   /* architectures; of them with errors of 90 % and more, which do not count */
    int64_t front_count;      /* of the rest those that none of the rest dominates: indicators are of these */
    int64_t true_front_count; /* non-dominated architectures of the table */
    double hypervolume, true_hypervolume, ratio;
    fnas_indicators indicators; /* against the true front; all NaN where nothing is left of the front */
} fnas_truth_score;

/* choices: [count][decisions]. Deterministic. Errors: FNAS_ERR_INPUT (an architecture that the table has not), FNAS_ERR_NUMERIC (a computed
 * objective is not finite), FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_truth_score_front(fnas_context *context, const fnas_truth *truth, int64_t count,
                                                           const int32_t *choices, fnas_truth_score *score);

/* How well a table of estimated errors orders architectures, of which the truth tables know the errors. */
typedef struct fnas_truth_agreement {
    int64_t random_count;  /* architectures drawn at random that do not guess: at most 1,000 */
    double kendall_random; /* Kendall's tau-b of estimated and true errors over them */
    int64_t alike_pairs;   /* pairs of them whose first costs differ by at most 5 % */
    double kendall_alike;  /* share of these pairs that are ordered as in truth, less the share that are not: Kendall's tau-a */
    int64_t front_count;   /* architectures of the true front */
    double kendall_front;  /* tau-b over them */
    double ratio; /* of hypervolumes, of the 24 architectures that seem best by estimated error and true costs, to the true front's */
} fnas_truth_agreement;

/* column: of the CSV file `errors`, which is joined by "arch". Numbers that are not defined (too few architectures, all alike) are NaN.
 * Deterministic in seed. Errors: FNAS_ERR_INPUT (a file that is wrong: named with line and column; an architecture of the truth tables that
 * it lacks), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_truth_agree(fnas_context *context, const fnas_truth *truth, const char *errors, const char *column,
                                                     uint64_t seed, fnas_truth_agreement *agreement);

#ifdef __cplusplus
}
#endif
#endif
