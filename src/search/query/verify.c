#include "search/query/verify.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "fleetnas/front.h"
#include "search/query/front_files.h"
#include "search/score/score.h"
#include "space/space.h"

#define FNAS_VERIFY_SCALE_COUNT 100
#define FNAS_VERIFY_TEST_IMAGES 1000
#define FNAS_VERIFY_ROUNDS 12
#define FNAS_VERIFY_ATTEMPTS 3

/* How a front is asked for. Each is compared with the searched one at equal conditions. */
typedef enum fnas_variant {
    FNAS_VARIANT_SEARCHED,
    FNAS_VARIANT_UNTRAINED,
    FNAS_VARIANT_MEAN_EMBEDDING,
    FNAS_VARIANT_CONSTANT_PREFERENCE,
    FNAS_VARIANT_COUNT
} fnas_variant;

/* Architectures with their scores on one part of the data. */
typedef struct fnas_scored {
    fnas_arch_set archs;
    fnas_score *scores; /* [archs.count] */
} fnas_scored;

/* Architectures with their latencies on one device. */
typedef struct fnas_timed {
    fnas_arch_set archs;
    double *latency_ms; /* [archs.count] */
} fnas_timed;

typedef struct fnas_verify_work {
    const fnas_run *run;
    const fnas_verify_options *options;
    int64_t card_count;
    const fnas_card **cards; /* [card_count] of those given: the ones that can be measured here */
    const fnas_verify_meter *meter;
    int64_t variant_count;
    fnas_examples examples;
    fnas_candidates *candidates; /* [card_count][FNAS_VARIANT_COUNT] */
    fnas_front **fronts;         /* [card_count]: the run's own, chosen by validation */
    int64_t random_count;
    fnas_arch_set scale; /* random architectures, the same for all runs: the random rival is drawn from them */
    fnas_scored validation, test;
    double constant_preference[FNAS_OBJECTIVES_MAX];
} fnas_verify_work;

static int64_t fnas_or_default(int64_t value, int64_t fallback) {
    return value ? value : fallback;
}

/* Of the test part, which may have fewer than were asked for. */
static int64_t fnas_verify_test_images(const fnas_verify_work *work) {
    int64_t wanted = fnas_or_default(work->options->test_images, FNAS_VERIFY_TEST_IMAGES);
    int64_t available = fnas_examples_test_count(&work->examples);
    return wanted < available ? wanted : available;
}

static void fnas_scored_free(fnas_scored *scored) {
    fnas_arch_set_free(&scored->archs);
    fnas_free(scored->scores);
    scored->scores = NULL;
}

static fnas_score fnas_scored_find(const fnas_scored *scored, const int32_t *choices) {
    int64_t index = fnas_arch_set_find(&scored->archs, choices);
    return index < 0 ? FNAS_SCORE_UNKNOWN : scored->scores[index];
}

static void fnas_timed_free(fnas_timed *timed) {
    fnas_arch_set_free(&timed->archs);
    fnas_free(timed->latency_ms);
    timed->latency_ms = NULL;
}

static double fnas_timed_find(const fnas_timed *timed, const int32_t *choices) {
    int64_t index = fnas_arch_set_find(&timed->archs, choices);
    return index < 0 ? NAN : timed->latency_ms[index];
}

/* ---- fronts ---- */

static fnas_front_options fnas_verify_front_options(const fnas_verify_work *work, fnas_variant variant) {
    fnas_front_options options = {
        .candidates = work->options->candidates, .neighbours = work->options->neighbours, .seed = work->options->seed};
    options.untrained_hypernet = variant == FNAS_VARIANT_UNTRAINED;
    options.mean_embedding = variant == FNAS_VARIANT_MEAN_EMBEDDING;
    if (variant == FNAS_VARIANT_CONSTANT_PREFERENCE) options.constant_preference = work->constant_preference;
    return options;
}

static fnas_status fnas_verify_sweep(fnas_context *context, fnas_verify_work *work) {
    for (int64_t c = 0; c < work->card_count; c++) {
        for (int64_t v = 0; v < work->variant_count; v++) {
            fnas_front_options options = fnas_verify_front_options(work, (fnas_variant)v);
            fnas_candidates *candidates = &work->candidates[c * FNAS_VARIANT_COUNT + v];
            FNAS_TRY(fnas_query_sweep(context, work->run, work->cards[c], &options, candidates));
            FNAS_TRY(fnas_arch_set_add_all(context, &work->validation.archs, candidates->count, candidates->choices));
        }
    }
    return FNAS_OK;
}

/* The front is what the user gets. What is compared are the best 24 of each method's candidates, all chosen alike: with the cross entropy
 * of validation images, and predicted latencies. */
static fnas_status fnas_verify_choose(fnas_context *context, fnas_verify_work *work) {
    const fnas_run *run = work->run;
    int64_t images = run->config.validation_images;
    for (int64_t c = 0; c < work->card_count; c++) {
        for (int64_t v = 0; v < work->variant_count; v++) {
            fnas_candidates *candidates = &work->candidates[c * FNAS_VARIANT_COUNT + v];
            for (int64_t i = 0; i < candidates->count; i++) {
                candidates->scores[i] = fnas_scored_find(&work->validation, candidates->choices + i * candidates->decisions);
            }
            if (v == FNAS_VARIANT_SEARCHED) {
                const fnas_choosing how = {.card = work->cards[c], .images = images, .points = FNAS_FRONT_POINTS};
                FNAS_TRY(fnas_query_choose(context, run, &how, candidates, &work->fronts[c]));
            }
            FNAS_TRY(fnas_query_keep_best(context, run, images, FNAS_FRONT_POINTS, candidates));
        }
    }
    return FNAS_OK;
}

/* Each distinct architecture is scored once, whatever devices and variants ask for it. */
static fnas_status fnas_verify_score(fnas_context *context, const fnas_verify_work *work, fnas_score_part part, const char *stage,
                                     fnas_scored *scored) {
    scored->scores = fnas_allocate((size_t)scored->archs.count, sizeof *scored->scores);
    if (!scored->scores) return fnas_fail_memory(context, "a verification");
    int64_t images = part == FNAS_SCORE_TEST ? fnas_verify_test_images(work) : 0;
    return fnas_score_archs(context, work->run, &work->examples, part, images, stage, scored->archs.count, scored->archs.choices,
                            scored->scores);
}

/* The scale, the front, and what each variant answers for the device. */
static fnas_status fnas_verify_collect(fnas_context *context, const fnas_verify_work *work, int64_t card, fnas_arch_set *set) {
    FNAS_TRY(fnas_arch_set_add_all(context, set, work->scale.count, work->scale.choices));
    for (int64_t v = 0; v < work->variant_count; v++) {
        const fnas_candidates *candidates = &work->candidates[card * FNAS_VARIANT_COUNT + v];
        FNAS_TRY(fnas_arch_set_add_all(context, set, candidates->count, candidates->choices));
    }
    const fnas_front *front = work->fronts[card];
    int64_t ignored;
    for (int64_t i = 0; i < front->point_count; i++) FNAS_TRY(fnas_arch_set_add(context, set, fnas_front_choices(front, i), &ignored));
    return FNAS_OK;
}

/* ---- one device ---- */

/* Points (test error, measured latency), one block after the other: the scale, then each method. */
typedef struct fnas_verify_points {
    const fnas_scored *test;
    const fnas_timed *latency;
    double guessing_pct; /* architectures at or above this error are left out, of the scale as of the methods */
    int64_t decisions, count;
    double *points; /* [count][2] */
} fnas_verify_points;

static fnas_verify_method fnas_verify_add_points(fnas_verify_points *all, int64_t count, const int32_t *choices) {
    fnas_verify_method method = {all->count, 0};
    for (int64_t i = 0; i < count; i++) {
        double error_pct = fnas_scored_find(all->test, choices + i * all->decisions).error_pct;
        if (error_pct >= all->guessing_pct) continue;
        all->points[2 * all->count] = error_pct;
        all->points[2 * all->count + 1] = fnas_timed_find(all->latency, choices + i * all->decisions);
        all->count++;
        method.count++;
    }
    return method;
}

/* What is compared on one device. */
typedef struct fnas_verify_contest {
    fnas_verify_points all;
    fnas_verify_method scale, methods[FNAS_VARIANT_COUNT];
} fnas_verify_contest;

static fnas_status fnas_verify_gather(fnas_context *context, const fnas_verify_work *work, int64_t card, const fnas_timed *latency,
                                      fnas_verify_contest *contest) {
    const fnas_candidates *answers = &work->candidates[card * FNAS_VARIANT_COUNT];
    int64_t total = work->scale.count;
    for (int64_t v = 0; v < work->variant_count; v++) total += answers[v].count;
    contest->all = (fnas_verify_points){
        .test = &work->test,
        .latency = latency,
        .guessing_pct = fnas_query_guessing_pct(fnas_run_class_count(work->run), fnas_verify_test_images(work)),
        .decisions = work->scale.decisions,
        .points = fnas_allocate(2 * (size_t)total, sizeof(double))};
    if (!contest->all.points) return fnas_fail_memory(context, "a verification");
    contest->scale = fnas_verify_add_points(&contest->all, work->scale.count, work->scale.choices);
    for (int64_t v = 0; v < work->variant_count; v++)
        contest->methods[v] = fnas_verify_add_points(&contest->all, answers[v].count, answers[v].choices);
    return FNAS_OK;
}

/* Scales the points, for the methods and then for the random rival, which is drawn from the scale's own. */
static fnas_status fnas_verify_judge(fnas_context *context, const fnas_verify_work *work, fnas_verify_contest *contest,
                                     fnas_verify_device *device) {
    double volumes[FNAS_VARIANT_COUNT];
    bool ablate = work->variant_count == FNAS_VARIANT_COUNT;
    FNAS_TRY(fnas_verify_hypervolumes(context, contest->all.count, contest->all.points, FNAS_VARIANT_COUNT, contest->methods, volumes));
    device->hypervolume = volumes[FNAS_VARIANT_SEARCHED];
    device->hypervolume_untrained = volumes[FNAS_VARIANT_UNTRAINED];
    device->hypervolume_mean_embedding = ablate ? volumes[FNAS_VARIANT_MEAN_EMBEDDING] : NAN;
    device->hypervolume_constant_preference = ablate ? volumes[FNAS_VARIANT_CONSTANT_PREFERENCE] : NAN;
    fnas_verify_pool pool = {work->scale.count, contest->scale.count, contest->all.points + 2 * contest->scale.offset};
    return fnas_verify_random_hypervolume(context, &pool, work->random_count, work->options->seed, &device->hypervolume_random,
                                          &device->hypervolume_random_deviation);
}

static fnas_status fnas_verify_compare(fnas_context *context, const fnas_verify_work *work, int64_t card, const fnas_timed *latency,
                                       fnas_verify_device *device) {
    fnas_verify_contest contest = {0};
    fnas_status status = fnas_verify_gather(context, work, card, latency, &contest);
    if (status == FNAS_OK) status = fnas_verify_judge(context, work, &contest, device);
    fnas_free(contest.all.points);
    return status;
}

static fnas_status fnas_verify_fill_rows(fnas_context *context, const fnas_verify_work *work, const fnas_front *front,
                                         const fnas_timed *latency, fnas_verify_rows *rows) {
    rows->archs = fnas_allocate((size_t)front->point_count, sizeof *rows->archs);
    rows->rows = fnas_allocate((size_t)front->point_count, sizeof *rows->rows);
    if (!rows->archs || !rows->rows) return fnas_fail_memory(context, "a verification");
    for (int64_t i = 0; i < front->point_count; i++) {
        const int32_t *choices = fnas_front_choices(front, i);
        rows->archs[i] = fnas_strdup(front->archs[i]);
        if (!rows->archs[i]) return fnas_fail_memory(context, "a verification");
        rows->count = i + 1;
        rows->rows[i] = (fnas_verify_row){.arch = rows->archs[i],
                                          .predicted_ms = front->latency_ms[i],
                                          .measured_ms = fnas_timed_find(latency, choices),
                                          .validation_error_pct = fnas_scored_find(&work->validation, choices).error_pct,
                                          .test_error_pct = fnas_scored_find(&work->test, choices).error_pct};
    }
    return FNAS_OK;
}

static fnas_status fnas_verify_agreement(fnas_context *context, const fnas_verify_rows *rows, fnas_verify_device *device) {
    size_t count = (size_t)rows->count;
    double *numbers = fnas_allocate(3 * count, sizeof *numbers);
    if (!numbers) return fnas_fail_memory(context, "a verification");
    double *predicted = numbers, *measured = numbers + count, *ape_pct = numbers + 2 * count;
    double best_error = INFINITY;
    for (size_t i = 0; i < count; i++) {
        predicted[i] = rows->rows[i].predicted_ms;
        measured[i] = rows->rows[i].measured_ms;
        ape_pct[i] = 100 * fabs(predicted[i] - measured[i]) / measured[i];
        best_error = fmin(best_error, rows->rows[i].test_error_pct);
    }
    device->front_points = rows->count;
    device->best_accuracy_pct = 100 - best_error;
    device->median_ape_pct = fnas_median(ape_pct, rows->count);
    device->spearman = fnas_spearman(predicted, measured, rows->count);
    fnas_free(numbers);
    return FNAS_OK;
}

static bool fnas_run_searched(const fnas_run *run, const char *device) {
    for (int64_t i = 0; i < run->config.device_count; i++) {
        if (!strcmp(run->config.device_names[i], device)) return true;
    }
    return false;
}

/* Latency now over the card's, the median of its reference architectures: how much slower the machine is than when it made the card. */
static fnas_status fnas_verify_slowdown(fnas_context *context, const fnas_card *card, const fnas_timed *latency, double *slowdown) {
    fnas_card_view view = fnas_card_get(card);
    double *ratios = fnas_allocate((size_t)view.reference_count, sizeof *ratios);
    if (!ratios) return fnas_fail_memory(context, "a verification");
    for (int64_t i = 0; i < view.reference_count; i++) {
        double now_ms = fnas_timed_find(latency, view.reference_choices + i * latency->archs.decisions);
        ratios[i] = now_ms / view.reference_latency_ms[i];
    }
    *slowdown = fnas_median(ratios, view.reference_count);
    fnas_free(ratios);
    return FNAS_OK;
}

static fnas_status fnas_verify_measure(fnas_context *context, const fnas_verify_work *work, int64_t card, fnas_timed *latency) {
    fnas_card_view view = fnas_card_get(work->cards[card]);
    FNAS_TRY(fnas_verify_collect(context, work, card, &latency->archs));
    FNAS_TRY(fnas_arch_set_add_all(context, &latency->archs, view.reference_count, view.reference_choices)); /* for the slowdown */
    latency->latency_ms = fnas_allocate((size_t)latency->archs.count, sizeof *latency->latency_ms);
    if (!latency->latency_ms) return fnas_fail_memory(context, "a verification");
    int64_t rounds = fnas_or_default(work->options->rounds, FNAS_VERIFY_ROUNDS);
    for (int attempt = 1;; attempt++) {
        fnas_status status = work->meter->measure(context, work->run->space, work->cards[card], latency->archs.count,
                                                  latency->archs.choices, rounds, latency->latency_ms);
        if (status != FNAS_ERR_NUMERIC || attempt == FNAS_VERIFY_ATTEMPTS) return status;
        fnas_log(context, FNAS_LOG_WARNING, "%s; measuring again", fnas_context_message(context));
    }
}

/* Everything about one card from its newly measured latencies, as the verification's next device. */
static fnas_status fnas_verify_describe(fnas_context *context, const fnas_verify_work *work, int64_t card, const fnas_timed *latency,
                                        fnas_verification *verification) {
    int64_t index = verification->count;
    const char *name = fnas_card_get(work->cards[card]).name;
    fnas_verify_device *device = &verification->devices[index];
    device->name = verification->names[index] = fnas_strdup(name);
    if (!device->name) return fnas_fail_memory(context, "a verification");
    verification->count++;
    device->searched = fnas_run_searched(work->run, name);
    FNAS_TRY(fnas_verify_slowdown(context, work->cards[card], latency, &device->slowdown));
    FNAS_TRY(fnas_verify_compare(context, work, card, latency, device));
    fnas_verify_rows *rows = &verification->rows[index];
    FNAS_TRY(fnas_verify_fill_rows(context, work, work->fronts[card], latency, rows));
    return fnas_verify_agreement(context, rows, device);
}

/* Keeps the name of a card that cannot be measured here, and the context's message as the reason. */
static fnas_status fnas_verify_leave_out(fnas_context *context, const fnas_card *card, fnas_status why, fnas_verification *verification) {
    fnas_verify_left_out left_out = {
        .name = fnas_strdup(fnas_card_get(card).name), .reason = fnas_strdup(fnas_context_message(context)), .status = why};
    verification->left_out[verification->left_out_count++] = left_out;
    if (!left_out.name || !left_out.reason) return fnas_fail_memory(context, "a verification");
    fnas_log(context, FNAS_LOG_WARNING, "%s is left out: %s", left_out.name, left_out.reason);
    return FNAS_OK;
}

static fnas_status fnas_verify_card(fnas_context *context, const fnas_verify_work *work, int64_t card, fnas_verification *verification) {
    fnas_timed latency = {.archs.decisions = work->scale.decisions};
    fnas_status status = fnas_verify_measure(context, work, card, &latency);
    if (status == FNAS_OK)
        status = fnas_verify_describe(context, work, card, &latency, verification);
    else if (status == FNAS_ERR_NUMERIC || status == FNAS_ERR_UNSUPPORTED)
        status = fnas_verify_leave_out(context, work->cards[card], status, verification);
    fnas_timed_free(&latency);
    return status;
}

/* ---- the whole ---- */

static fnas_status fnas_verify_check(fnas_context *context, const fnas_run *run, int64_t card_count, const fnas_verify_options *options) {
    if (card_count < 1) return fnas_fail(context, FNAS_ERR_USAGE, "verify: no device card given");
    if (options->random_count < 0 || options->scale_count < 0 || options->test_images < 0 || options->rounds < 0 ||
        options->candidates < 0 || options->neighbours < 0) {
        return fnas_fail(context, FNAS_ERR_USAGE, "verify: counts must not be negative (0 means the default)");
    }
    if (!fnas_search_has_objective(&run->config, FNAS_OBJECTIVE_ERROR)) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: the run has no error objective, there is nothing to verify on %s", run->path,
                         fnas_examples_word(run->space));
    }
    return FNAS_OK;
}

static fnas_status fnas_verify_begin(fnas_context *context, fnas_verify_work *work) {
    size_t slots = (size_t)work->card_count * FNAS_VARIANT_COUNT;
    work->candidates = fnas_allocate(slots, sizeof *work->candidates);
    work->fronts = fnas_allocate((size_t)work->card_count, sizeof *work->fronts);
    work->cards = fnas_allocate((size_t)work->card_count, sizeof *work->cards);
    if (!work->candidates || !work->fronts || !work->cards) return fnas_fail_memory(context, "a verification");
    const fnas_space *space = work->run->space;
    work->validation.archs.decisions = work->test.archs.decisions = fnas_space_decision_count(space);
    for (int64_t k = 0; k < work->run->config.objective_count; k++) {
        work->constant_preference[k] = 1 / (double)work->run->config.objective_count;
    }
    int64_t scale_count = fnas_or_default(work->options->scale_count, FNAS_VERIFY_SCALE_COUNT);
    if ((double)scale_count > fnas_space_cardinality(space)) scale_count = (int64_t)fnas_space_cardinality(space);
    work->scale.decisions = fnas_space_decision_count(space);
    FNAS_TRY(fnas_space_random_distinct(context, space, FNAS_VERIFY_SCALE_SEED, scale_count, &work->scale));
    if (work->options->random_count > work->scale.count)
        return fnas_fail(context, FNAS_ERR_USAGE, "verify: %lld random architectures cannot be drawn from the scale's %lld: ask for fewer",
                         (long long)work->options->random_count, (long long)work->scale.count);
    work->random_count = fnas_or_default(work->options->random_count, FNAS_FRONT_POINTS);
    if (work->random_count > work->scale.count) work->random_count = work->scale.count;
    return fnas_run_open_data(context, work->run, work->options->data, &work->examples);
}

static void fnas_verify_end(fnas_verify_work *work) {
    for (int64_t i = 0; work->candidates && i < work->card_count * FNAS_VARIANT_COUNT; i++) fnas_candidates_free(&work->candidates[i]);
    for (int64_t i = 0; work->fronts && i < work->card_count; i++) fnas_front_free(work->fronts[i]);
    fnas_free(work->candidates);
    fnas_free(work->fronts);
    fnas_free(work->cards);
    fnas_arch_set_free(&work->scale);
    fnas_scored_free(&work->validation);
    fnas_scored_free(&work->test);
    fnas_examples_close(&work->examples);
}

static fnas_status fnas_verification_create(fnas_context *context, const fnas_verify_work *work, fnas_verification **verification) {
    fnas_verification *created = fnas_allocate(1, sizeof *created);
    if (!created) return fnas_fail_memory(context, "a verification");
    char id[FNAS_RUN_ID_BYTES];
    fnas_run_id(work->run, id);
    size_t count = (size_t)work->card_count;
    created->run = fnas_strdup(id);
    created->space = fnas_strdup(fnas_space_spec(work->run->space));
    created->names = fnas_allocate(count, sizeof *created->names);
    created->devices = fnas_allocate(count, sizeof *created->devices);
    created->rows = fnas_allocate(count, sizeof *created->rows);
    created->left_out = fnas_allocate(count, sizeof *created->left_out);
    created->test_images = fnas_verify_test_images(work);
    created->scale_count = work->scale.count;
    created->random_count = work->random_count;
    created->seed = work->options->seed;
    *verification = created;
    if (created->run && created->space && created->names && created->devices && created->rows && created->left_out) return FNAS_OK;
    return fnas_fail_memory(context, "a verification");
}

/* Before the minutes that scoring takes: cards of other machines are left out. */
static fnas_status fnas_verify_select(fnas_context *context, fnas_verify_work *work, const fnas_card *const *cards,
                                      fnas_verification *verification) {
    int64_t given = work->card_count;
    work->card_count = 0;
    for (int64_t c = 0; c < given; c++) {
        fnas_status status = work->meter->check(context, work->run->space, cards[c]);
        if (status == FNAS_OK)
            work->cards[work->card_count++] = cards[c];
        else if (status == FNAS_ERR_UNSUPPORTED)
            FNAS_TRY(fnas_verify_leave_out(context, cards[c], status, verification));
        else
            return status;
    }
    return FNAS_OK;
}

/* Where no card is left: the reason is that of a device that can be measured again, if there is one, else the first one's. */
static fnas_status fnas_verify_fail_empty(fnas_context *context, const fnas_verification *verification) {
    const fnas_verify_left_out *told = &verification->left_out[0];
    for (int64_t i = 0; i < verification->left_out_count && told->status != FNAS_ERR_NUMERIC; i++) {
        if (verification->left_out[i].status == FNAS_ERR_NUMERIC) told = &verification->left_out[i];
    }
    if (verification->left_out_count == 1) return fnas_fail(context, told->status, "%s", told->reason);
    return fnas_fail(context, told->status, "none of the %lld devices could be measured here; of one: %s",
                     (long long)verification->left_out_count, told->reason);
}

static fnas_status fnas_verify_cards(fnas_context *context, fnas_verify_work *work, fnas_verification *verification) {
    FNAS_TRY(fnas_verify_sweep(context, work));
    bool pairs = fnas_search_translates(&work->run->config);
    const char *validation = pairs ? "score on validation pairs" : "score on validation images",
               *test = pairs ? "score on test pairs" : "score on test images";
    FNAS_TRY(fnas_verify_score(context, work, FNAS_SCORE_VALIDATION, validation, &work->validation));
    FNAS_TRY(fnas_verify_choose(context, work));
    for (int64_t c = 0; c < work->card_count; c++) FNAS_TRY(fnas_verify_collect(context, work, c, &work->test.archs));
    FNAS_TRY(fnas_verify_score(context, work, FNAS_SCORE_TEST, test, &work->test));
    for (int64_t c = 0; c < work->card_count; c++) FNAS_TRY(fnas_verify_card(context, work, c, verification));
    return FNAS_OK;
}

static fnas_status fnas_verify_run(fnas_context *context, fnas_verify_work *work, const fnas_card *const *cards,
                                   fnas_verification **verification) {
    FNAS_TRY(fnas_verify_begin(context, work));
    FNAS_TRY(fnas_verification_create(context, work, verification));
    FNAS_TRY(fnas_verify_select(context, work, cards, *verification));
    if (work->card_count > 0) FNAS_TRY(fnas_verify_cards(context, work, *verification));
    return (*verification)->count > 0 ? FNAS_OK : fnas_verify_fail_empty(context, *verification);
}

fnas_status fnas_verify_by(fnas_context *context, const fnas_run *run, int64_t card_count, const fnas_card *const *cards,
                           const fnas_verify_options *options, const fnas_verify_meter *meter, fnas_verification **verification) {
    *verification = NULL;
    const fnas_verify_options defaults = {0};
    if (!options) options = &defaults;
    FNAS_TRY(fnas_verify_check(context, run, card_count, options));
    fnas_verify_work work = {.run = run, .options = options, .card_count = card_count, .meter = meter};
    work.variant_count = options->ablate ? FNAS_VARIANT_COUNT : FNAS_VARIANT_MEAN_EMBEDDING;
    fnas_status status = fnas_verify_run(context, &work, cards, verification);
    fnas_verify_end(&work);
    if (status == FNAS_OK) return FNAS_OK;
    fnas_verification_free(*verification);
    *verification = NULL;
    return status;
}

fnas_status fnas_run_verify(fnas_context *context, const fnas_run *run, int64_t card_count, const fnas_card *const *cards,
                            const fnas_verify_options *options, fnas_verification **verification) {
    *verification = NULL;
    if (!fnas_run_has_supernet(run))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: this run has its errors from a table and no supernet: there is nothing to score or to measure anew",
                         run->path);
    const fnas_verify_meter meter = {fnas_device_check_here, fnas_device_remeasure};
    return fnas_verify_by(context, run, card_count, cards, options, &meter, verification);
}
