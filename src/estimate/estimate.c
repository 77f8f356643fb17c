/* Errors of a whole space from scores of untrained networks and a few short trainings: score all, train some at random, let a regression
 * tell the others, put both together, train where the fronts may be better than they seem, and so on. */
#include "estimate/estimate.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "estimate/gaussian_process.h"
#include "estimate/merit.h"
#include "estimate/training_free.h"
#include "space/arch_find.h"

#define TRAININGS 200
#define STEPS 6000
#define BATCH 16
#define RATE 0.05
#define MOMENTUM 0.9
#define WEIGHT_DECAY 5e-4
#define CLIP 5
#define PROXY "channels=8,cells=1"
#define SCORE_IMAGES 64
#define SCORE_PROXY "channels=16,cells=1"
#define TRAINED_FRACTION 0.9 /* of the train part; the rest is not looked at: a split needs three parts */

/* ---- setting up ---- */

static int64_t or_default(int64_t value, int64_t standard) {
    return value ? value : standard;
}

static fnas_status check_options(fnas_context *context, const fnas_estimate_options *options, fnas_ingredients *ingredients) {
    FNAS_TRY(fnas_ingredients_read(context, options->ingredients, ingredients));
    if (!ingredients->trainings && (options->trainings || options->minutes > 0))
        return fnas_fail(context, FNAS_ERR_USAGE, "--ingredients without trainings: leave out --trainings and --minutes");
    if (options->predictor && !options->device_count)
        return fnas_fail(context, FNAS_ERR_USAGE, "a predictor without devices has nothing to predict: give cards, or leave it out");
    if (options->trainings && options->minutes > 0)
        return fnas_fail(context, FNAS_ERR_USAGE, "trainings and minutes are both given: give one of them");
    if (options->trainings && (options->trainings < FNAS_ESTIMATE_TRAININGS_LEAST || options->trainings > FNAS_GP_OBSERVATIONS_MAX))
        return fnas_fail(context, FNAS_ERR_USAGE, "--trainings %lld: possible are %d to %d", (long long)options->trainings,
                         FNAS_ESTIMATE_TRAININGS_LEAST, FNAS_GP_OBSERVATIONS_MAX);
    if (options->steps < 0 || options->steps > 1000000 || (options->steps && options->steps < FNAS_TRAINING_PARTS))
        return fnas_fail(context, FNAS_ERR_USAGE, "--steps %lld: possible are %d to 1000000", (long long)options->steps,
                         FNAS_TRAINING_PARTS);
    if (options->score_images && (options->score_images < 4 || options->score_images > FNAS_TRAINING_FREE_IMAGES_MAX))
        return fnas_fail(context, FNAS_ERR_USAGE, "--score-images %lld: possible are 4 to %d", (long long)options->score_images,
                         FNAS_TRAINING_FREE_IMAGES_MAX);
    if (options->batch < 0 || options->batch > 4096)
        return fnas_fail(context, FNAS_ERR_USAGE, "--batch %lld: possible are 1 to 4096", (long long)options->batch);
    if (!(options->minutes >= 0 && options->minutes <= 1e6))
        return fnas_fail(context, FNAS_ERR_USAGE, "--minutes %g: possible are 0 to 1e6", options->minutes);
    if (!(options->rate >= 0 && options->rate <= 10))
        return fnas_fail(context, FNAS_ERR_USAGE, "--rate %g: possible are 0 to 10", options->rate);
    return FNAS_OK;
}

static fnas_status open_space(fnas_estimate *state) {
    fnas_context *context = state->context;
    const fnas_estimate_options *options = state->options;
    FNAS_TRY(fnas_space_open(context, options->space, &state->space));
    if (!fnas_space_has_supernet(state->space))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: the space has no networks that could be trained", fnas_space_spec(state->space));
    FNAS_TRY(fnas_space_check_one_image_size(context, state->space));
    if (fnas_space_decision_count(state->space) > FNAS_ESTIMATE_DECISIONS_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s has %lld decisions: errors can be estimated with at most %d",
                         fnas_space_spec(state->space), (long long)fnas_space_decision_count(state->space), FNAS_ESTIMATE_DECISIONS_MAX);
    FNAS_TRY(fnas_space_derive(context, state->space, options->score_proxy ? options->score_proxy : SCORE_PROXY, &state->score_proxy));
    return fnas_space_derive(context, state->space, options->proxy ? options->proxy : PROXY, &state->proxy);
}

static fnas_status open_cards(fnas_estimate *state) {
    fnas_context *context = state->context;
    const fnas_estimate_options *options = state->options;
    int64_t count = options->device_count;
    if (!count) return FNAS_OK;
    state->cards = fnas_allocate((size_t)count, sizeof *state->cards);
    if (!state->cards) return fnas_fail_memory(context, "cards");
    for (int64_t i = 0; i < count; i++) {
        FNAS_TRY(fnas_card_load(context, options->devices[i], &state->cards[i]));
        FNAS_TRY(fnas_card_check_space(context, state->cards[i], state->space));
    }
    if (options->predictor) return fnas_predictor_load(context, options->predictor, &state->predictor);
    fnas_predictor_options predictor = {.seed = options->seed};
    return fnas_predictor_fit(context, state->space, count, (const fnas_card *const *)state->cards, &predictor, &state->predictor);
}

static fnas_status open_data(fnas_estimate *state) {
    fnas_context *context = state->context;
    const fnas_estimate_options *options = state->options;
    FNAS_TRY(fnas_dataset_open(context, options->data, &state->dataset));
    FNAS_TRY(fnas_dataset_fit(context, state->dataset, state->proxy->image));
    FNAS_TRY(fnas_dataset_fit(context, state->dataset, state->score_proxy->image));
    double rest = (1 - TRAINED_FRACTION) / 2;
    FNAS_TRY(fnas_split_create(context, state->dataset, options->seed, TRAINED_FRACTION, rest, &state->split));
    state->plan = (fnas_training_plan){.space = state->proxy,
                                       .dataset = state->dataset,
                                       .steps = or_default(options->steps, STEPS),
                                       .batch = or_default(options->batch, BATCH),
                                       .rate = options->rate > 0 ? options->rate : RATE,
                                       .momentum = MOMENTUM,
                                       .weight_decay = WEIGHT_DECAY,
                                       .clip = CLIP,
                                       .seed = options->seed};
    state->plan.images = fnas_split_part(state->split, FNAS_SPLIT_WEIGHTS, &state->plan.image_count);
    state->score_images = or_default(options->score_images, SCORE_IMAGES);
    if (state->plan.image_count >= state->score_images) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s leaves %lld images to train on: at least %lld are needed", options->data,
                     (long long)state->plan.image_count, (long long)state->score_images);
}

static fnas_status open_trainings(fnas_estimate *state) {
    fnas_context *context = state->context;
    fnas_text setting = {0}, path = {0};
    const fnas_training_plan *plan = &state->plan;
    fnas_text_append(&path, "%s.trainings", state->options->out);
    fnas_text_append(&setting, "%s: %s, recipe 1, scored %s by %lld images, on %s, %lld steps of %lld, rate %.17g, seed %llu",
                     fnas_space_spec(state->space), fnas_space_spec(state->proxy), fnas_space_spec(state->score_proxy),
                     (long long)state->score_images, fnas_dataset_get(state->dataset).name, (long long)plan->steps, (long long)plan->batch,
                     plan->rate, (unsigned long long)plan->seed);
    fnas_status status = setting.failed || path.failed
                             ? fnas_fail_memory(context, "an estimate")
                             : fnas_trainings_open(context, state->space, path.data, setting.data, &state->trainings);
    fnas_text_free(&setting);
    fnas_text_free(&path);
    state->resumed = state->trainings.archs.count;
    state->earlier_s = state->trainings.spent_s;
    return status;
}

static fnas_status allocate(fnas_estimate *state) {
    size_t count = (size_t)state->candidates.archs.count;
    state->rows = fnas_allocate(count, sizeof *state->rows);
    state->values = fnas_allocate(count, sizeof *state->values);
    state->trained = fnas_allocate(count, sizeof *state->trained);
    state->mean = fnas_allocate(count, sizeof *state->mean);
    state->deviation = fnas_allocate(count, sizeof *state->deviation);
    state->scores = fnas_allocate(FNAS_MERIT_SCORES * count, sizeof *state->scores);
    state->threads = fnas_context_threads(state->context);
    state->trainers = fnas_allocate((size_t)state->threads, sizeof *state->trainers);
    bool good = state->rows && state->values && state->trained && state->mean && state->deviation && state->scores && state->trainers;
    return good ? FNAS_OK : fnas_fail_memory(state->context, "an estimate");
}

/* Scores of one kind: kept ones, or computed and kept. */
static fnas_status score_kind(fnas_estimate *state, int64_t kind) {
    const char *name = fnas_merit_score_name(kind);
    int64_t count = state->candidates.archs.count;
    double *scores = state->scores + kind * count;
    bool found;
    FNAS_TRY(fnas_trainings_find_scores(state->context, &state->trainings, name, count, scores, &found));
    if (found) return FNAS_OK;
    FNAS_TRY(fnas_merit_score(state->context, kind, state->score_proxy, state->dataset, state->score_images, state->plan.images,
                              state->plan.seed, &state->candidates, scores));
    FNAS_TRY(fnas_trainings_keep_scores(state->context, &state->trainings, name, count, scores));
    return fnas_estimate_keep_seconds(state, 0);
}

/* Their ranks are features. */
static fnas_status score_untrained(fnas_estimate *state) {
    for (int64_t k = 0; k < FNAS_MERIT_SCORES; k++) {
        if (!state->ingredients.scores[k]) continue;
        FNAS_TRY(score_kind(state, k));
        FNAS_TRY(
            fnas_merit_rank(state->context, state->candidates.archs.count, state->scores + k * state->candidates.archs.count, state->mean));
        FNAS_TRY(fnas_estimate_candidates_add_feature(state->context, &state->candidates, state->mean));
    }
    return FNAS_OK;
}

static fnas_status begin(fnas_estimate *state) {
    fnas_context *context = state->context;
    FNAS_TRY(open_space(state));
    FNAS_TRY(open_data(state));
    FNAS_TRY(open_cards(state));
    FNAS_TRY(fnas_estimate_candidates_create(context, state->space, state->predictor, state->options->device_count, state->cards,
                                             &state->candidates));
    FNAS_TRY(allocate(state));
    FNAS_TRY(open_trainings(state));
    FNAS_TRY(score_untrained(state));
    if (!state->ingredients.trainings) return FNAS_OK;
    state->trainings_most = or_default(state->options->trainings, state->options->minutes > 0 ? FNAS_GP_OBSERVATIONS_MAX : TRAININGS);
    if (state->trainings_most > state->candidates.archs.count) state->trainings_most = state->candidates.archs.count;
    return fnas_team_create(context, state->threads, fnas_engine_prepare_thread, &state->team);
}

static void end(fnas_estimate *state) {
    for (int64_t i = 0; state->trainers && i < state->threads; i++) fnas_trainer_destroy(&state->trainers[i]);
    fnas_free(state->trainers);
    if (state->team) fnas_team_destroy(state->team);
    fnas_trainings_close(&state->trainings);
    fnas_estimate_candidates_free(&state->candidates);
    for (int64_t i = 0; state->cards && i < state->options->device_count; i++)
        if (state->cards[i]) fnas_card_free(state->cards[i]);
    fnas_free(state->cards);
    fnas_predictor_free(state->predictor);
    fnas_split_free(state->split);
    fnas_dataset_close(state->dataset);
    fnas_space_close(state->proxy);
    fnas_space_close(state->score_proxy);
    fnas_space_close(state->space);
    fnas_free(state->rows);
    fnas_free(state->values);
    fnas_free(state->trained);
    fnas_free(state->mean);
    fnas_free(state->deviation);
    fnas_free(state->scores);
}

/* ---- the table ---- */

static fnas_status append_row(fnas_estimate *state, const int32_t *choices, fnas_text *text) {
    char arch[FNAS_ARCH_TEXT_BYTES];
    int32_t canonical[FNAS_ESTIMATE_DECISIONS_MAX];
    FNAS_TRY(fnas_space_format(state->context, state->space, choices, arch, sizeof arch));
    memcpy(canonical, choices, (size_t)state->candidates.archs.decisions * sizeof *canonical);
    fnas_space_canonical(state->space, canonical);
    int64_t place = fnas_arch_set_find(&state->candidates.archs, canonical),
            training = fnas_arch_set_find(&state->trainings.archs, canonical);
    fnas_csv_append_cell(text, arch);
    fnas_text_append(text, ",");
    fnas_text_append_number(text, place < 0 ? fnas_estimate_guessing_pct(state) : fmin(fmax(state->mean[place], 0), 100));
    fnas_text_append(text, ",");
    fnas_text_append_number(text, place < 0 ? 0 : state->deviation[place]);
    fnas_text_append(text, ",");
    if (training >= 0) fnas_text_append_number(text, fnas_estimate_error_of(&state->trainings.curves[training]));
    fnas_text_append(text, "\n");
    return FNAS_OK;
}

static fnas_status write_table(fnas_estimate *state) {
    fnas_text text = {0};
    int32_t choices[FNAS_ESTIMATE_DECISIONS_MAX];
    fnas_text_append(&text, "arch,error_pct,deviation_pct,trained_error_pct\n");
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < (int64_t)fnas_space_cardinality(state->space) && status == FNAS_OK; i++) {
        fnas_arch_at(state->space, i, choices);
        status = append_row(state, choices, &text);
    }
    if (status == FNAS_OK)
        status = text.failed ? fnas_fail_memory(state->context, state->options->out)
                             : fnas_file_write_atomic(state->context, state->options->out, text.data, text.size);
    fnas_text_free(&text);
    return status;
}

static fnas_status conclude(fnas_estimate *state, fnas_estimate_summary *summary) {
    FNAS_TRY(fnas_estimate_judge_regression(state, summary));
    FNAS_TRY(fnas_estimate_judge(state));
    summary->architectures = state->candidates.archs.count;
    if (state->ingredients.trainings) {
        summary->trainings = state->trainings.archs.count;
        summary->resumed = state->resumed;
    }
    FNAS_TRY(write_table(state));
    return fnas_estimate_keep_seconds(state, 0);
}

fnas_status fnas_error_estimate(fnas_context *context, const fnas_estimate_options *options, fnas_estimate_summary *summary) {
    fnas_ingredients ingredients;
    FNAS_TRY(check_options(context, options, &ingredients));
    fnas_estimate *state = fnas_allocate(1, sizeof *state);
    if (!state) return fnas_fail_memory(context, "an estimate");
    state->context = context;
    state->options = options;
    state->ingredients = ingredients;
    state->begin_ms = state->kept_ms = fnas_wall_ms();
    *summary = (fnas_estimate_summary){0};
    fnas_status status = begin(state);
    if (status == FNAS_OK) status = fnas_estimate_train(state);
    if (status == FNAS_OK) status = conclude(state, summary);
    end(state);
    fnas_free(state);
    return status;
}
