/* Bayesian optimisation: Gaussian processes of what was seen say which architecture to evaluate next, of the table, or, where objectives
 * are computed, of those that are bred towards what promises most (propose.h). */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "estimate/gaussian_process.h"
#include "front/lattice.h"
#include "search/rival/improvement.h"
#include "search/rival/propose.h"
#include "search/rival/rival.h"
#include "space/arch_find.h"
#include "space/space.h"

#define FIRST 10      /* random architectures, before there is anything to learn from */
#define REFIT_SHARE 5 /* lengths and noise are fitted anew whenever the observations have grown by 1 / REFIT_SHARE */

/* One Gaussian process, and what it says of all candidates. */
typedef struct model {
    fnas_gp *gp;
    fnas_gp_pool *pool;       /* NULL where candidates are bred */
    double *mean, *deviation; /* [candidates] of the output that was asked for last */
    double *bred;             /* [2][outputs][candidates]: means and variances of those that are bred */
} model;

/* Candidates are the rows of the table, or a generation that was bred. What computes the same has the same features, so that it is known
 * when its like is. */
typedef struct optimiser optimiser;

/* A way to choose. target: what output `index` of model `m` learns of a point. draw: what is drawn anew for each evaluation (NULL:
 * nothing). judge: how much each candidate promises, the more the better. */
typedef struct strategy {
    double (*target)(const optimiser *o, int64_t m, int64_t index, const double *point);
    void (*draw)(optimiser *o);
    fnas_status (*judge)(optimiser *o, double *promise);
} strategy;

struct optimiser {
    fnas_rival *rival;
    const strategy *strategy;
    int64_t candidates, features, model_count, outputs; /* outputs of each model */
    double *onehot;                                     /* [candidates][features] of a table's */
    const double *asked;                                /* [candidates][features]: of whom the models are asked */
    bool *taken;                                        /* [candidates] */
    double *promise;                                    /* [candidates] */
    double *weights;                                    /* [outputs][objectives] of scalarisations, where there are several */
    double *targets;                                    /* [outputs] */
    int64_t drawn_output;                               /* by the strategy */
    double drawn[FNAS_TRUTH_OBJECTIVES_MAX];
    int64_t fitted; /* observations at the last fit */
    double begin_ms;
    model models[FNAS_TRUTH_OBJECTIVES_MAX];
};

/* ---- scalarisations of a point ---- */

static double weighted_sum(int64_t objectives, const double *weights, const double *point) {
    double sum = 0;
    for (int64_t m = 0; m < objectives; m++) sum += weights[m] * point[m];
    return sum;
}

/* max_m weight_m point_m: the distance of Tchebycheff to the ideal point 0. */
static double weighted_max(int64_t objectives, const double *weights, const double *point) {
    double most = -INFINITY;
    for (int64_t m = 0; m < objectives; m++) most = fmax(most, weights[m] * point[m]);
    return most;
}

/* ---- what candidates promise ---- */

static fnas_status ask_bred(const optimiser *o, int64_t output, model *asked) {
    double *means = asked->bred, *variances = asked->bred + o->outputs * o->candidates;
    FNAS_TRY(fnas_gp_predict(o->rival->context, asked->gp, o->candidates, o->asked, means, variances));
    memcpy(asked->mean, means + output * o->candidates, (size_t)o->candidates * sizeof *means);
    memcpy(asked->deviation, variances + output * o->candidates, (size_t)o->candidates * sizeof *variances);
    return FNAS_OK;
}

/* The model's belief in one of its outputs. */
static fnas_status ask(optimiser *o, int64_t m, int64_t output) {
    model *asked = o->models + m;
    if (asked->pool)
        fnas_gp_pool_predict(asked->pool, output, asked->mean, asked->deviation);
    else
        FNAS_TRY(ask_bred(o, output, asked));
    for (int64_t i = 0; i < o->candidates; i++) asked->deviation[i] = sqrt(asked->deviation[i]);
    return FNAS_OK;
}

/* Expected improvement of one output of the first model on the least value that it has seen. */
static fnas_status judge_improvement(optimiser *o, int64_t output, double *promise) {
    const model *asked = o->models;
    const double *seen = asked->gp->y + output * asked->gp->capacity;
    double best = INFINITY;
    for (int64_t i = 0; i < asked->gp->count; i++) best = fmin(best, seen[i]);
    FNAS_TRY(ask(o, 0, output));
    for (int64_t i = 0; i < o->candidates; i++) promise[i] = fnas_expected_improvement(best, asked->mean[i], asked->deviation[i]);
    return FNAS_OK;
}

/* Linear scalarisation: one model of the objectives' mean. */
static double linear_target(const optimiser *o, int64_t m, int64_t index, const double *point) {
    (void)m, (void)index;
    int64_t objectives = o->rival->objectives;
    double sum = 0;
    for (int64_t k = 0; k < objectives; k++) sum += point[k];
    return sum / (double)objectives;
}

static fnas_status linear_judge(optimiser *o, double *promise) {
    return judge_improvement(o, 0, promise);
}

/* ParEGO: one model of the augmented Tchebycheff distance under each weight of a fixed lattice; each evaluation draws a weight. */
#define AUGMENTATION 0.05
#define PAREGO_WEIGHTS 15 /* at most: 11 for two objectives, 15 for three, as in the paper */
#define PAREGO_STEPS_OF_TWO 10

static double parego_target(const optimiser *o, int64_t m, int64_t index, const double *point) {
    (void)m;
    int64_t objectives = o->rival->objectives;
    const double *weights = o->weights + index * objectives;
    return weighted_max(objectives, weights, point) + AUGMENTATION * weighted_sum(objectives, weights, point);
}

static void parego_draw(optimiser *o) {
    o->drawn_output = fnas_random_below(&o->rival->random, o->outputs);
}

static fnas_status parego_judge(optimiser *o, double *promise) {
    return judge_improvement(o, o->drawn_output, promise);
}

/* One model an objective. */
static double objective_target(const optimiser *o, int64_t m, int64_t index, const double *point) {
    (void)o, (void)index;
    return point[m];
}

/* Random scalarisations: the Tchebycheff distance of the lower confidence bounds, under weights that are drawn anew. */
static void random_draw(optimiser *o) {
    fnas_random_simplex(&o->rival->random, o->rival->objectives, o->drawn);
}

static fnas_status random_judge(optimiser *o, double *promise) {
    int64_t objectives = o->rival->objectives;
    double bounds[FNAS_TRUTH_OBJECTIVES_MAX];
    double width = sqrt(0.125 * log(2 * (double)o->rival->archive.count + 1)); /* the paper's, section 5 */
    for (int64_t m = 0; m < objectives; m++) FNAS_TRY(ask(o, m, 0));
    for (int64_t i = 0; i < o->candidates; i++) {
        for (int64_t m = 0; m < objectives; m++) bounds[m] = o->models[m].mean[i] - width * o->models[m].deviation[i];
        promise[i] = -weighted_max(objectives, o->drawn, bounds);
    }
    return FNAS_OK;
}

static fnas_status hypervolume_judge(optimiser *o, double *promise) {
    const fnas_rival *rival = o->rival;
    double means[FNAS_EHVI_OBJECTIVES_MAX], deviations[FNAS_EHVI_OBJECTIVES_MAX];
    fnas_ehvi ehvi;
    fnas_status status = fnas_ehvi_open(rival->context, rival->archive.count, rival->objectives, rival->points, fnas_truth_reference,
                                        &ehvi);
    for (int64_t m = 0; m < rival->objectives && status == FNAS_OK; m++) status = ask(o, m, 0);
    for (int64_t i = 0; i < o->candidates && status == FNAS_OK; i++) {
        if (o->taken && o->taken[i]) continue;
        for (int64_t m = 0; m < rival->objectives; m++) {
            means[m] = o->models[m].mean[i];
            deviations[m] = o->models[m].deviation[i];
        }
        promise[i] = fnas_ehvi_of(&ehvi, means, deviations);
    }
    fnas_ehvi_close(&ehvi);
    return status;
}

/* ---- observing ---- */

/* Evaluates an architecture and tells the models. */
static fnas_status observe(optimiser *o, const int32_t *choices, const double *onehot) {
    fnas_rival *rival = o->rival;
    int64_t place;
    FNAS_TRY(fnas_rival_evaluate(rival, choices, &place));
    for (int64_t m = 0; m < o->model_count; m++) {
        for (int64_t k = 0; k < o->outputs; k++) o->targets[k] = o->strategy->target(o, m, k, fnas_rival_point(rival, place));
        FNAS_TRY(fnas_gp_add(rival->context, o->models[m].gp, onehot, o->targets));
    }
    return FNAS_OK;
}

/* ---- candidates of a table ---- */

static fnas_status observe_row(optimiser *o, int64_t candidate) {
    o->taken[candidate] = true;
    return observe(o, fnas_arch_set_at(&o->rival->truth->archs, candidate), o->onehot + candidate * o->features);
}

static int64_t draw_candidate(optimiser *o) {
    int64_t candidate;
    do candidate = fnas_random_below(&o->rival->random, o->candidates);
    while (o->taken[candidate]);
    return candidate;
}

/* The most promising candidate; one at random where none promises more than another. */
static int64_t best_candidate(optimiser *o) {
    int64_t best = -1;
    double least = INFINITY;
    for (int64_t i = 0; i < o->candidates; i++) {
        if (o->taken[i]) continue;
        if (best < 0 || o->promise[i] > o->promise[best]) best = i;
        least = fmin(least, o->promise[i]);
    }
    return o->promise[best] > least ? best : draw_candidate(o);
}

static fnas_status observe_best_row(optimiser *o) {
    if (o->rival->archive.count < FIRST) return observe_row(o, draw_candidate(o));
    FNAS_TRY(o->strategy->judge(o, o->promise));
    return observe_row(o, best_candidate(o));
}

/* ---- candidates that are bred ---- */

/* onehot [count][features]; count is at most FNAS_RIVAL_GENERATION. */
static fnas_status judge_bred(void *judging, int64_t count, const double *onehot, double *promise) {
    optimiser *o = judging;
    o->candidates = count;
    o->asked = onehot;
    return o->strategy->judge(o, promise);
}

static fnas_status observe_bred(optimiser *o) {
    int32_t choices[FNAS_ARCH_FIND_DECISIONS_MAX];
    bool has_seen = o->rival->archive.count >= FIRST;
    FNAS_TRY(fnas_rival_propose(o->rival, has_seen ? judge_bred : NULL, o, choices));
    fnas_rival_features(o->rival, choices, o->onehot);
    return observe(o, choices, o->onehot);
}

/* ---- the loop ---- */

static fnas_status follow(optimiser *o) {
    int64_t count = o->rival->archive.count;
    bool refit = REFIT_SHARE * (count - o->fitted) >= o->fitted;
    for (int64_t m = 0; m < o->model_count; m++) {
        if (refit) FNAS_TRY(fnas_gp_fit(o->rival->context, o->models[m].gp));
        if (o->models[m].pool) fnas_gp_pool_follow(o->models[m].pool);
    }
    if (refit) o->fitted = count;
    return FNAS_OK;
}

static fnas_status report(const optimiser *o) {
    const fnas_rival *rival = o->rival;
    const fnas_progress progress = {.stage = "rival",
                                    .done = rival->archive.count,
                                    .total = rival->budget,
                                    .elapsed_s = 1e-3 * (fnas_wall_ms() - o->begin_ms),
                                    .text = ""};
    fnas_report_progress(rival->context, &progress);
    if (!fnas_context_stop_requested(rival->context)) return FNAS_OK;
    return fnas_fail(rival->context, FNAS_INTERRUPTED, "interrupted after %lld evaluations: nothing was written",
                     (long long)rival->archive.count);
}

static fnas_status optimise(optimiser *o) {
    while (!fnas_rival_is_spent(o->rival)) {
        FNAS_TRY(report(o));
        if (o->rival->archive.count >= FIRST) {
            FNAS_TRY(follow(o));
            if (o->strategy->draw) o->strategy->draw(o);
        }
        FNAS_TRY(o->rival->truth->models ? observe_bred(o) : observe_best_row(o));
    }
    return FNAS_OK;
}

/* ---- memory ---- */

static void close_optimiser(optimiser *o) {
    for (int64_t m = 0; m < o->model_count; m++) {
        fnas_gp_pool_free(o->models[m].pool);
        fnas_gp_free(o->models[m].gp);
        fnas_free(o->models[m].mean);
        fnas_free(o->models[m].deviation);
        fnas_free(o->models[m].bred);
    }
    fnas_free(o->onehot);
    fnas_free(o->taken);
    fnas_free(o->promise);
    fnas_free(o->weights);
    fnas_free(o->targets);
}

static void fill_onehot(const optimiser *o) {
    for (int64_t i = 0; i < o->rival->truth->archs.count; i++)
        fnas_rival_features(o->rival, fnas_arch_set_at(&o->rival->truth->archs, i), o->onehot + i * o->features);
}

/* length_of [features]: a length scale a decision. */
static fnas_status open_models(optimiser *o, int64_t *length_of) {
    fnas_context *context = o->rival->context;
    for (int64_t d = 0; d < o->rival->decisions; d++)
        for (int64_t f = fnas_space_onehot_offset(o->rival->space, d); f < o->features; f++) length_of[f] = d;
    const fnas_gp_shape shape = {.kernel = FNAS_GP_MATERN52,
                                 .capacity = o->rival->budget,
                                 .features = o->features,
                                 .outputs = o->outputs,
                                 .lengths = o->rival->decisions,
                                 .length_of = length_of};
    for (int64_t m = 0; m < o->model_count; m++) {
        model *made = o->models + m;
        FNAS_TRY(fnas_gp_create(context, &shape, &made->gp));
        if (!o->rival->truth->models) FNAS_TRY(fnas_gp_pool_create(context, made->gp, o->candidates, o->onehot, &made->pool));
        made->mean = fnas_allocate((size_t)o->candidates, sizeof *made->mean);
        made->deviation = fnas_allocate((size_t)o->candidates, sizeof *made->deviation);
        made->bred = fnas_allocate((size_t)(made->pool ? 0 : 2 * o->outputs * o->candidates), sizeof *made->bred);
        if (!made->mean || !made->deviation || !made->bred) return fnas_fail_memory(context, "a rival");
    }
    return FNAS_OK;
}

static fnas_status open_optimiser(optimiser *o) {
    const fnas_rival *rival = o->rival;
    o->candidates = rival->truth->models ? FNAS_RIVAL_GENERATION : rival->truth->archs.count;
    o->features = fnas_space_onehot_size(rival->space);
    o->onehot = fnas_allocate((size_t)(o->candidates * o->features), sizeof *o->onehot);
    o->taken = rival->truth->models ? NULL : fnas_allocate((size_t)o->candidates, sizeof *o->taken);
    o->promise = fnas_allocate((size_t)o->candidates, sizeof *o->promise);
    o->targets = fnas_allocate((size_t)o->outputs, sizeof *o->targets);
    int64_t *length_of = fnas_allocate((size_t)o->features, sizeof *length_of);
    bool complete = o->onehot && (o->taken || rival->truth->models) && o->promise && o->targets && length_of;
    fnas_status status = complete ? FNAS_OK : fnas_fail_memory(rival->context, "a rival");
    if (status == FNAS_OK) {
        fill_onehot(o);
        status = open_models(o, length_of);
    }
    fnas_free(length_of);
    return status;
}

static fnas_status check_budget(const fnas_rival *rival) {
    if (rival->budget <= FNAS_GP_OBSERVATIONS_MAX) return FNAS_OK;
    return fnas_fail(rival->context, FNAS_ERR_USAGE, "--evaluations %lld: Bayesian optimisation takes at most %d", (long long)rival->budget,
                     FNAS_GP_OBSERVATIONS_MAX);
}

/* weights: owned by the optimiser, [outputs][objectives]; NULL where the strategy has none. */
static fnas_status run(fnas_rival *rival, const strategy *how, int64_t model_count, int64_t outputs, double *weights) {
    optimiser o = {.rival = rival, .strategy = how, .model_count = model_count, .outputs = outputs, .weights = weights};
    o.begin_ms = fnas_wall_ms();
    fnas_status status = check_budget(rival);
    if (status == FNAS_OK) status = open_optimiser(&o);
    if (status == FNAS_OK) status = optimise(&o);
    close_optimiser(&o);
    return status;
}

/* ---- the methods ---- */

fnas_status fnas_rival_linear_scalarisation(fnas_rival *rival) {
    static const strategy how = {linear_target, NULL, linear_judge};
    return run(rival, &how, 1, 1, NULL);
}

fnas_status fnas_rival_random_scalarisation(fnas_rival *rival) {
    static const strategy how = {objective_target, random_draw, random_judge};
    return run(rival, &how, rival->objectives, 1, NULL);
}

fnas_status fnas_rival_ehvi(fnas_rival *rival) {
    static const strategy how = {objective_target, NULL, hypervolume_judge};
    if (rival->objectives > FNAS_EHVI_OBJECTIVES_MAX)
        return fnas_fail(rival->context, FNAS_ERR_UNSUPPORTED, "ehvi takes 2 or 3 objectives, not %lld: use parego",
                         (long long)rival->objectives);
    return run(rival, &how, rival->objectives, 1, NULL);
}

fnas_status fnas_rival_parego(fnas_rival *rival) {
    static const strategy how = {parego_target, parego_draw, parego_judge};
    int64_t objectives = rival->objectives, steps = objectives == 2 ? PAREGO_STEPS_OF_TWO : fnas_lattice_steps(objectives, PAREGO_WEIGHTS),
            count = fnas_lattice_size(objectives, steps);
    double *weights = fnas_allocate((size_t)(count * objectives), sizeof *weights);
    if (!weights) return fnas_fail_memory(rival->context, "a rival");
    fnas_lattice_fill(objectives, steps, weights);
    return run(rival, &how, 1, count, weights);
}
