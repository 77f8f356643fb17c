/* Asking a trained hypernetwork for a device's architectures: sweep preferences, decode, predict, choose. */
#ifndef FNAS_SEARCH_QUERY_QUERY_H
#define FNAS_SEARCH_QUERY_QUERY_H

#include "search/query/front_result.h"
#include "search/run/run.h"
#include "search/score/cache.h"

#define FNAS_FRONT_POINTS 24             /* of a front, unless asked otherwise */
#define FNAS_FRONT_CANDIDATES 48         /* distinct architectures scored for one front */
#define FNAS_FRONT_CANDIDATES_ALONE 1000 /* where no supernet scores them */
#define FNAS_PREFERENCES_MOST 512        /* of a sweep */

/* Distinct architectures that the hypernetwork offers for one device, in the order of the preferences that give them. */
typedef struct fnas_candidates {
    int64_t count, decisions, objectives;
    int64_t decoded;     /* the first `decoded` are the most probable of some preference; the others are near neighbours of those */
    int32_t *choices;    /* [count][decisions] */
    double *preferences; /* [count][objectives] */
    double *latency_ms;  /* [count] predicted, or measured */
    double *energy_mj;   /* the same; NaN where energy is no objective */
    bool *measured;      /* [count] the card's own measurement is there, in both */
    fnas_score *scores;  /* [count] NaN until scored */
} fnas_candidates;

/* Points on the simplex of `objectives` weights: for two, 201 values of r_1 from 1 to 0; for more, the lattice of Das and Dennis (1998)
 * with at most FNAS_PREFERENCES_MOST points. *preferences [count][objectives] is owned by the caller (fnas_free). */
FNAS_NODISCARD fnas_status fnas_query_preferences(fnas_context *context, int64_t objectives, int64_t *count, double **preferences);

/* FNAS_ERR_INPUT unless the weights [count] are finite, not negative, and sum to 1. */
FNAS_NODISCARD fnas_status fnas_query_check_preference(fnas_context *context, int64_t count, const double *preference);

FNAS_NODISCARD fnas_status fnas_query_check_options(fnas_context *context, const fnas_front_options *options);

/* Sweeps, decodes, thins, adds neighbours, predicts latency. `candidates` is overwritten; owned by the caller (fnas_candidates_free), also
 * after a failure. */
FNAS_NODISCARD fnas_status fnas_query_sweep(fnas_context *context, const fnas_run *run, const fnas_card *card,
                                            const fnas_front_options *options, fnas_candidates *candidates);
/* Room for `count` candidates in all; what is new is not yet filled in. */
FNAS_NODISCARD fnas_status fnas_candidates_grow(fnas_context *context, int64_t count, fnas_candidates *candidates);
/* Value of an objective of the run for one candidate; the error is that of its score. */
double fnas_candidates_value(const fnas_run *run, const fnas_candidates *candidates, int64_t index, fnas_objective_kind kind);

/* Each objective's scale: what becomes 0, and what becomes 1. */
typedef struct fnas_scales {
    double low[FNAS_OBJECTIVES_MAX], high[FNAS_OBJECTIVES_MAX];
} fnas_scales;

/* Those that the search had, for this device. Where shared weights judge, it minimised a cross entropy that changed with them, and an error
 * is on none of its scales: there each objective's is its range over the rows of values [count][objectives]. */
FNAS_NODISCARD fnas_status fnas_query_scales(fnas_context *context, const fnas_run *run, const fnas_card *card, int64_t count,
                                             const double *values, fnas_scales *scales);
/* Loss of a scored architecture with these values [objectives] under a preference [objectives], by the run's scalarisation. Of a
 * surrogate's error the one that the search followed is weighed, whose scale this is, not the one between 0 and 100 % among the values. */
double fnas_query_loss(const fnas_run *run, const fnas_scales *scales, const double *preference, const fnas_score *score,
                       const double *values);

/* Of what the hypernetwork offers, the candidate that costs most nearly as much, in ratio: its preference is that of what was not offered.
 */
int64_t fnas_candidates_find_like(const fnas_candidates *candidates, double latency_ms);

/* Where errors cost nothing, more join the candidates than the hypernetwork offers: in a space of at most `most` architectures all, also
 * those that compute the same as others but need not take as long. In a larger one what it offers is where a Pareto local search begins
 * (Paquete et al. 2004): as long as there is one, an architecture that no other known one dominates is taken, and all that differ from it
 * in one decision join, with its preference; at the latest with `most` candidates it ends. Where more than the points that are asked for
 * are not dominated, those are taken first that the answer would have. They must be scored; so are those that join.
 * Of the options: without predicted_only, with the card's measurements where there are some. prefer: before that the same of the one that
 * is best for this preference, until none of its neighbours is better; NULL: no such begin. limits, with prefer: the best is one within
 * them, where there is none that of the least excess; preferences that weigh the limited objectives more are climbed for too. */
#define FNAS_REFINED_MOST 20000
FNAS_NODISCARD fnas_status fnas_query_refine(fnas_context *context, const fnas_run *run, const fnas_card *card,
                                             const fnas_front_options *options, int64_t most, fnas_candidates *candidates);

/* For the candidates from `first` on: what the card has measured takes the place of what is predicted. */
FNAS_NODISCARD fnas_status fnas_query_take_measured(fnas_context *context, const fnas_card *card, int64_t first,
                                                    fnas_candidates *candidates);

/* Where errors cost nothing, every architecture that the card has measured is a candidate too, with the preference of what the hypernetwork
 * offers at nearly its latency. Candidates must be scored; so are those that join. */
FNAS_NODISCARD fnas_status fnas_query_join_measured(fnas_context *context, const fnas_run *run, const fnas_card *card,
                                                    fnas_candidates *candidates);

bool fnas_candidates_scored(const fnas_candidates *candidates); /* all of them, or none */
void fnas_candidates_free(fnas_candidates *candidates);

/* How a front is chosen among candidates. */
typedef struct fnas_choosing {
    const fnas_card *card;
    int64_t images;       /* that each error was scored on, for the level of guessing; 0: errors are exact */
    int64_t points;       /* at most */
    bool fill;            /* where there are fewer, layers of those that they dominate follow */
    const double *prefer; /* [objectives]: those of the least loss under this preference first; NULL: those that contribute most */
} fnas_choosing;

/* The front of scored candidates: those no better than guessing are dropped where others exist, then the dominated, then the last in the
 * order asked for until `points` are left. Where errors are not scored, all candidates count, ordered by latency and thinned evenly. */
FNAS_NODISCARD fnas_status fnas_query_choose(fnas_context *context, const fnas_run *run, const fnas_choosing *how,
                                             const fnas_candidates *candidates, fnas_front **front);

/* Indices of the `most` points that contribute most to the hypervolume, the best first, into order [most]: in the points' own range with
 * the reference point 5 % beyond the worst values. points [count][objectives] are normalised in place. Errors: FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_query_select(fnas_context *context, int64_t count, int64_t objectives, double *points, int64_t most,
                                             int64_t *order, int64_t *kept);

/* Leaves the best `most` of scored candidates (all, where they are not scored): without those that guess, unless all do, layer after layer
 * of non-dominated ones (Deb et al. 2002), with the cross entropy in the place of the error; the last layer by contribution. What is left
 * keeps its order; `decoded` counts those of its first that are left. images: as in fnas_query_choose. */
FNAS_NODISCARD fnas_status fnas_query_keep_best(fnas_context *context, const fnas_run *run, int64_t images, int64_t most,
                                                fnas_candidates *candidates);

/* Error in % above which an architecture may be guessing: three standard errors below the chance level of `classes` classes on `images`
 * images; infinite where there are no classes (fnas_run_class_count). */
double fnas_query_guessing_pct(int64_t classes, int64_t images);

/* count indices spread evenly over 0..total-1, both ends included; count <= total. */
void fnas_query_spread(int64_t total, int64_t count, int64_t *indices);

#endif
