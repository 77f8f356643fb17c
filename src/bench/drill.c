#include "bench/drill.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "bench/fleet.h"
#include "space/space.h"

#define MEASUREMENTS 60 /* a device: enough to fit a predictor */
#define PREDICTOR_STEPS 20

/* ---- the run ---- */

static fnas_status drill_config(fnas_context *context, const fnas_drill_setup *setup, fnas_search_config *config) {
    fnas_search_options options = {.device_count = setup->devices,
                                   .preset = "paper",
                                   .batch = setup->shared ? "shared" : "full",
                                   .error_gradient = setup->supernet ? "gates" : "model",
                                   .paths = setup->devices * setup->preferences,
                                   .precision = fnas_compute_type_name(setup->type),
                                   .steps = 1000,
                                   .seed = setup->seed};
    int64_t epochs;
    FNAS_TRY(fnas_search_config_build(context, &options, config, &epochs));
    config->weight_images = config->search_images = setup->images;
    config->judged_paths = 0;
    config->hypernet_rounds = 1;
    return FNAS_OK;
}

static fnas_status drill_spaces(fnas_context *context, const fnas_drill_setup *setup, fnas_run *run) {
    char macro[64];
    snprintf(macro, sizeof macro, "channels=%lld,cells=%lld", (long long)setup->channels, (long long)setup->cells);
    FNAS_TRY(fnas_space_open(context, "nb201", &run->space));
    return fnas_space_derive(context, run->space, macro, &run->supernet);
}

static fnas_status drill_devices(fnas_context *context, const fnas_drill_setup *setup, fnas_run *run) {
    int64_t count = setup->devices;
    fnas_predictor_options options = {.steps = PREDICTOR_STEPS, .seed = setup->seed};
    run->cards = fnas_allocate((size_t)count, sizeof *run->cards);
    run->embeddings = fnas_allocate((size_t)(count * FNAS_EMBEDDING), sizeof(double));
    if (!run->cards || !run->embeddings) return fnas_fail_memory(context, "made-up devices");
    for (int64_t t = 0; t < count; t++) {
        FNAS_TRY(fnas_fleet_card(context, run->space, setup->seed, t, MEASUREMENTS, &run->cards[t]));
        fnas_card_embedding(run->cards[t], run->embeddings + t * FNAS_EMBEDDING);
    }
    return fnas_predictor_fit(context, run->space, count, (const fnas_card *const *)run->cards, &options, &run->predictor);
}

static fnas_status drill_state(fnas_context *context, const fnas_drill_setup *setup, fnas_run *run) {
    FNAS_TRY(fnas_search_state_allocate(context, &run->config, run->supernet, FNAS_EMBEDDING, &run->state));
    fnas_parameters_initialise(&run->state.weights, setup->seed);
    fnas_hypernet_randomise(&run->state.shape, setup->seed, run->state.hypernet);
    run->state.total_steps = run->config.steps;
    return FNAS_OK;
}

/* Twice the images of a step for each of the two splits, and some to validate. */
static fnas_status drill_data(fnas_context *context, fnas_drill *drill) {
    char spec[96];
    snprintf(spec, sizeof spec, "synthetic:3x32x32,classes=10,images=%lld", (long long)(4 * drill->setup.images + 100));
    return fnas_dataset_open(context, spec, &drill->examples.images);
}

static fnas_status drill_fill(fnas_context *context, fnas_drill *drill) {
    fnas_run *run = drill->run;
    FNAS_TRY(drill_config(context, &drill->setup, &run->config));
    FNAS_TRY(drill_spaces(context, &drill->setup, run));
    FNAS_TRY(drill_devices(context, &drill->setup, run));
    FNAS_TRY(drill_state(context, &drill->setup, run));
    FNAS_TRY(drill_data(context, drill));
    return fnas_searcher_create(context, run, &drill->examples, &drill->searcher);
}

fnas_status fnas_drill_create(fnas_context *context, const fnas_drill_setup *setup, fnas_drill *drill) {
    *drill = (fnas_drill){.setup = *setup, .run = fnas_allocate(1, sizeof *drill->run)};
    if (!drill->run) return fnas_fail_memory(context, "a search on made-up devices");
    drill->run->lock = -1;
    return drill_fill(context, drill);
}

void fnas_drill_free(fnas_drill *drill) {
    fnas_searcher_free(&drill->searcher);
    fnas_examples_close(&drill->examples);
    fnas_run_close(drill->run);
    *drill = (fnas_drill){0};
}

/* ---- updates ---- */

static void put_cells(fnas_drill *drill) {
    fnas_searcher *searcher = &drill->searcher;
    fnas_paths *paths = &searcher->paths;
    if (!drill->setup.cells_given) return;
    memcpy(paths->choices, drill->setup.cells_given, (size_t)(paths->count * searcher->decisions) * sizeof *paths->choices);
    for (int64_t p = 0; p < paths->count; p++)
        fnas_space_to_onehot(drill->run->space, paths->choices + p * searcher->decisions, paths->onehot + p * searcher->onehot);
}

static void draw_paths(fnas_drill *drill, fnas_purpose purpose) {
    const fnas_search_config *config = drill->searcher.config;
    fnas_paths_draw(&drill->searcher, purpose, config->paths, 0, config->device_count);
    put_cells(drill);
}

fnas_status fnas_drill_weights(fnas_context *context, fnas_drill *drill) {
    draw_paths(drill, FNAS_PURPOSE_WEIGHTS);
    return fnas_train_weights(context, &drill->searcher);
}

fnas_status fnas_drill_hypernet(fnas_context *context, fnas_drill *drill) {
    fnas_searcher *searcher = &drill->searcher;
    if (drill->setup.supernet) FNAS_TRY(searcher->runner->load(context, searcher, FNAS_PURPOSE_HYPERNET));
    draw_paths(drill, FNAS_PURPOSE_HYPERNET);
    searcher->state->step++; /* other images, preferences and samples the next time */
    return fnas_train_hypernet(context, searcher, 0, searcher->config->device_count);
}
