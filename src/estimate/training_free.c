#include "estimate/training_free.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/threads.h"
#include "estimate/expressivity.h"
#include "estimate/meco.h"
#include "estimate/naswot.h"
#include "estimate/synflow.h"
#include "estimate/zico.h"
#include "space/arch_set.h"

const char *fnas_training_free_name(fnas_training_free_kind kind) {
    static const char *const names[] = {"naswot", "synflow", "zico", "meco", "expressivity"};
    return names[kind];
}

/* What one worker keeps from architecture to architecture. */
typedef struct arch_scorer {
    fnas_worker worker;
    fnas_naswot naswot;
    fnas_synflow synflow;
    fnas_zico zico;
    fnas_channels channels;
} arch_scorer;

typedef struct scoring {
    fnas_context *context; /* the caller's, which worker 0 reports progress to */
    const fnas_space *space;
    const fnas_training_free_options *options;
    fnas_parameters *weights; /* [repeats] */
    arch_scorer *scorers;     /* [workers] */
    fnas_arch_set archs;      /* canonical */
    double *scores;           /* [archs.count] */
    double begin_ms;
    atomic_int_fast64_t done;
} scoring;

/* ---- what is asked ---- */

static fnas_status check_number(fnas_context *context, const char *what, int64_t value, int64_t least, int64_t most) {
    if (value >= least && value <= most) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: %lld, possible are %lld to %lld", what, (long long)value, (long long)least,
                     (long long)most);
}

/* Two equal images have one code, whatever the network: no kernel has a determinant then. */
static fnas_status check_images(fnas_context *context, const fnas_space *space, const fnas_training_free_options *options) {
    int64_t floats = space->image[0] * space->image[1] * space->image[2];
    int64_t least = options->kind == FNAS_TRAINING_FREE_ZICO ? 2 * FNAS_ZICO_BATCHES : 2;
    FNAS_TRY(check_number(context, "images", options->image_count, least, FNAS_TRAINING_FREE_IMAGES_MAX));
    for (int64_t i = 0; i < options->image_count; i++) {
        const float *image = options->images + i * floats;
        for (int64_t k = 0; k < floats; k++)
            if (!isfinite(image[k]))
                return fnas_fail(context, FNAS_ERR_INPUT, "image %lld holds a number that is not finite", (long long)i);
        for (int64_t j = 0; j < i; j++)
            if (memcmp(image, options->images + j * floats, (size_t)floats * sizeof *image) == 0)
                return fnas_fail(context, FNAS_ERR_INPUT, "images %lld and %lld are equal: give images that differ", (long long)j,
                                 (long long)i);
    }
    return FNAS_OK;
}

static fnas_status check_labels(fnas_context *context, const fnas_space *space, const fnas_training_free_options *options) {
    bool wanted = options->kind == FNAS_TRAINING_FREE_ZICO;
    if (wanted != (options->labels != NULL))
        return fnas_fail(context, FNAS_ERR_INPUT, "the score %s looks at %s", fnas_training_free_name(options->kind),
                         wanted ? "labels: give those of the images" : "no labels: give none");
    for (int64_t i = 0; wanted && i < options->image_count; i++)
        if (options->labels[i] < 0 || options->labels[i] >= space->classes)
            return fnas_fail(context, FNAS_ERR_INPUT, "label %d of image %lld: the space has classes 0 to %lld", (int)options->labels[i],
                             (long long)i, (long long)space->classes - 1);
    return FNAS_OK;
}

static fnas_status check_choices(fnas_context *context, const fnas_space *space, int64_t count, const int32_t *choices) {
    for (int64_t i = 0; i < count; i++)
        for (int64_t d = 0; d < space->decision_count; d++) {
            int32_t choice = choices[i * space->decision_count + d];
            if (choice < 0 || choice >= space->decisions[d].choice_count)
                return fnas_fail(context, FNAS_ERR_INPUT, "architecture %lld: choice %d for %s, possible are 0 to %lld", (long long)i,
                                 (int)choice, space->decisions[d].name, (long long)space->decisions[d].choice_count - 1);
        }
    return FNAS_OK;
}

static fnas_status check_request(fnas_context *context, const fnas_space *space, const fnas_training_free_options *options, int64_t count,
                                 const int32_t *choices) {
    if (!fnas_space_has_supernet(space))
        return fnas_fail(context, FNAS_ERR_INPUT, "the space %s has no networks: scores without training need some",
                         fnas_space_name(space));
    FNAS_TRY(fnas_space_check_one_image_size(context, space));
    FNAS_TRY(check_number(context, "repeats", options->repeats, 1, FNAS_TRAINING_FREE_REPEATS_MAX));
    if (options->kind == FNAS_TRAINING_FREE_SYNFLOW)
        FNAS_TRY(check_number(context, "images that nobody looks at", options->image_count, 0, 0));
    else
        FNAS_TRY(check_images(context, space, options));
    FNAS_TRY(check_labels(context, space, options));
    return check_choices(context, space, count, choices);
}

/* ---- weights ---- */

/* Its own stream says which: those of a repeat are nobody else's. */
static uint64_t seed_of_repeat(uint64_t seed, int64_t repeat) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_INIT, repeat, 1);
    uint64_t high = fnas_random_u32(&random);
    return high << 32 | fnas_random_u32(&random);
}

static fnas_status draw_weights(fnas_context *context, const scoring *s) {
    for (int64_t r = 0; r < s->options->repeats; r++) {
        FNAS_TRY(fnas_space_declare(context, s->space, &s->weights[r]));
        FNAS_TRY(fnas_parameters_allocate(context, &s->weights[r]));
        fnas_parameters_initialise(&s->weights[r], seed_of_repeat(s->options->seed, r));
    }
    return FNAS_OK;
}

/* ---- one architecture ---- */

static fnas_status score_once(fnas_context *context, const scoring *s, arch_scorer *scorer, const fnas_net *net, int64_t repeat,
                              double *score) {
    const fnas_training_free_options *o = s->options;
    const fnas_parameters *weights = &s->weights[repeat];
    fnas_worker *worker = &scorer->worker;
    switch (o->kind) {
    case FNAS_TRAINING_FREE_SYNFLOW:
        return fnas_synflow_score(context, worker, &scorer->synflow, net, weights, score);
    case FNAS_TRAINING_FREE_ZICO:
        return fnas_zico_score(context, worker, &scorer->zico, net, weights, o->image_count, o->images, o->labels, score);
    case FNAS_TRAINING_FREE_MECO:
        return fnas_meco_score(context, worker, &scorer->channels, net, weights, o->image_count, o->images, score);
    case FNAS_TRAINING_FREE_EXPRESSIVITY:
        return fnas_expressivity_score(context, worker, &scorer->channels, net, weights, o->image_count, o->images, score);
    default:
        return fnas_naswot_score(context, worker, &scorer->naswot, net, weights, o->image_count, o->images, score);
    }
}

static fnas_status score_net(fnas_context *context, const scoring *s, arch_scorer *scorer, const fnas_net *net, double *score) {
    double sum = 0, once;
    /* On the thread that will use it: the engine takes over the thread's settings. */
    if (!scorer->worker.engine) FNAS_TRY(fnas_worker_create(context, FNAS_COMPUTE_F32, &scorer->worker));
    for (int64_t r = 0; r < s->options->repeats; r++) {
        FNAS_TRY(score_once(context, s, scorer, net, r, &once));
        sum += once;
    }
    *score = sum / (double)s->options->repeats;
    return FNAS_OK;
}

static fnas_status score_arch(fnas_context *context, const scoring *s, arch_scorer *scorer, const int32_t *choices, double *score) {
    *score = -INFINITY;
    if (!fnas_space_connected(s->space, choices)) return FNAS_OK;
    fnas_net *net;
    FNAS_TRY(fnas_space_record(context, s->space, choices, &net));
    fnas_status status = score_net(context, s, scorer, net, score);
    fnas_net_destroy(net);
    return status;
}

static void report(const scoring *s, int64_t done) {
    fnas_progress progress = {.stage = fnas_training_free_name(s->options->kind),
                              .done = done,
                              .total = s->archs.count,
                              .elapsed_s = (fnas_wall_ms() - s->begin_ms) / 1000,
                              .text = ""};
    fnas_report_progress(s->context, &progress);
}

static fnas_status score_item(fnas_context *context, void *user, int64_t item, int64_t worker) {
    scoring *s = user;
    if (fnas_context_stop_requested(context))
        return fnas_fail(context, FNAS_INTERRUPTED, "%s: stopped; nothing was changed, ask again to start over",
                         fnas_training_free_name(s->options->kind));
    FNAS_TRY(score_arch(context, s, &s->scorers[worker], fnas_arch_set_at(&s->archs, item), &s->scores[item]));
    int64_t done = atomic_fetch_add(&s->done, 1) + 1;
    if (worker == 0) report(s, done); /* worker 0 is the caller's own thread */
    return FNAS_OK;
}

/* ---- all of them ---- */

/* place [count]: of each architecture, where what it computes stands among the distinct ones. */
static fnas_status gather(fnas_context *context, scoring *s, int64_t count, const int32_t *choices, int64_t *place) {
    size_t decisions = (size_t)s->archs.decisions;
    int32_t *canonical = fnas_allocate(decisions, sizeof *canonical);
    fnas_status status = canonical ? FNAS_OK : fnas_fail_memory(context, "architectures");
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        memcpy(canonical, choices + i * s->archs.decisions, decisions * sizeof *canonical);
        fnas_space_canonical(s->space, canonical);
        status = fnas_arch_set_add(context, &s->archs, canonical, &place[i]);
    }
    fnas_free(canonical);
    return status;
}

static fnas_status run_team(fnas_context *context, scoring *s, int64_t workers) {
    fnas_team *team;
    FNAS_TRY(fnas_team_create(context, workers, fnas_engine_prepare_thread, &team));
    fnas_status status = fnas_team_run(context, team, s->archs.count, score_item, s);
    fnas_team_destroy(team);
    if (status == FNAS_OK) report(s, s->archs.count);
    return status;
}

static fnas_status score_distinct(fnas_context *context, scoring *s) {
    int64_t threads = fnas_context_threads(context), workers = threads < s->archs.count ? threads : s->archs.count;
    s->weights = fnas_allocate((size_t)s->options->repeats, sizeof *s->weights);
    s->scorers = fnas_allocate((size_t)workers, sizeof *s->scorers);
    s->scores = fnas_allocate((size_t)s->archs.count, sizeof *s->scores);
    if (!s->weights || !s->scorers || !s->scores) return fnas_fail_memory(context, "scoring");
    FNAS_TRY(draw_weights(context, s));
    fnas_status status = run_team(context, s, workers);
    for (int64_t w = 0; w < workers; w++) {
        if (s->scorers[w].worker.engine) fnas_worker_destroy(&s->scorers[w].worker);
        fnas_naswot_free(&s->scorers[w].naswot);
        fnas_synflow_free(&s->scorers[w].synflow);
        fnas_zico_free(&s->scorers[w].zico);
        fnas_channels_free(&s->scorers[w].channels);
    }
    return status;
}

static void release(scoring *s) {
    for (int64_t r = 0; s->weights && r < s->options->repeats; r++) fnas_parameters_free(&s->weights[r]);
    fnas_free(s->weights);
    fnas_free(s->scorers);
    fnas_free(s->scores);
    fnas_arch_set_free(&s->archs);
}

fnas_status fnas_training_free_scores(fnas_context *context, const fnas_space *space, const fnas_training_free_options *options,
                                      int64_t count, const int32_t *choices, double *scores) {
    FNAS_TRY(check_request(context, space, options, count, choices));
    if (count == 0) return FNAS_OK;
    scoring s = {
        .context = context, .space = space, .options = options, .archs = {.decisions = space->decision_count}, .begin_ms = fnas_wall_ms()};
    int64_t *place = fnas_allocate((size_t)count, sizeof *place);
    fnas_status status = place ? gather(context, &s, count, choices, place) : fnas_fail_memory(context, "architectures");
    if (status == FNAS_OK) status = score_distinct(context, &s);
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) scores[i] = s.scores[place[i]];
    fnas_free(place);
    release(&s);
    return status;
}
