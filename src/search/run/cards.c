#include "search/run/cards.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "device/card.h"

static fnas_status check_card(fnas_context *context, const fnas_run *run, int64_t index) {
    FNAS_TRY(fnas_card_check_space(context, run->cards[index], run->space));
    fnas_card_view view = fnas_card_get(run->cards[index]);
    FNAS_TRY(fnas_card_check_name(context, view.name));
    for (int64_t i = 0; i < index; i++) {
        if (strcmp(fnas_card_get(run->cards[i]).name, view.name) == 0)
            return fnas_fail(context, FNAS_ERR_INPUT, "two cards are named \"%s\": each search device needs a name of its own", view.name);
    }
    if (view.reference_count != FNAS_EMBEDDING)
        return fnas_fail(context, FNAS_ERR_INPUT, "device \"%s\": the embedding needs %d reference latencies", view.name, FNAS_EMBEDDING);
    return fnas_card_check_references(context, run->cards[index], run->cards[0]);
}

void fnas_run_condition(const fnas_run *run, const double *raw, double *conditioned) {
    fnas_embedding_condition(&run->embedding_scale, raw, conditioned);
}

/* The search devices' embeddings, on their own scale. */
static void condition_embeddings(fnas_run *run) {
    int64_t count = run->config.device_count;
    fnas_embedding_scale_fit(run->config.hypernet, count, run->embeddings, &run->embedding_scale);
    for (int64_t t = 0; t < count; t++) fnas_run_condition(run, run->embeddings + t * FNAS_EMBEDDING, run->embeddings + t * FNAS_EMBEDDING);
}

static fnas_status load_cards(fnas_context *context, fnas_run *run, const char *const *paths) {
    int64_t count = run->config.device_count;
    run->cards = fnas_allocate((size_t)count, sizeof *run->cards);
    run->embeddings = fnas_allocate((size_t)(count * FNAS_EMBEDDING), sizeof(double));
    if (!run->cards || !run->embeddings) return fnas_fail_memory(context, "device cards");
    for (int64_t i = 0; i < count; i++) {
        FNAS_TRY(fnas_card_load(context, paths[i], &run->cards[i]));
        fnas_status status = check_card(context, run, i);
        if (status != FNAS_OK) return fnas_fail_prefix(context, status, "%s", paths[i]);
        fnas_card_embedding(run->cards[i], run->embeddings + i * FNAS_EMBEDDING);
    }
    if (run->config.condition_embeddings) condition_embeddings(run);
    return FNAS_OK;
}

/* Devices without architectures in common are known by what was estimated of them. */
static void log_embeddings(fnas_context *context, const fnas_run *run) {
    int64_t estimated = 0;
    for (int64_t i = 0; i < run->config.device_count; i++) estimated += fnas_card_get(run->cards[i]).of_averages;
    if (!estimated) return;
    fnas_log(context, FNAS_LOG_INFO,
             "devices: the cards of %lld hold rows of averages, ten of each one's own as references: their embeddings are what a small "
             "regression on these says of the space's reference architectures",
             (long long)estimated);
}

static fnas_status name_devices(fnas_context *context, fnas_run *run) {
    int64_t count = run->config.device_count;
    run->config.device_names = fnas_allocate((size_t)count, sizeof(char *));
    if (!run->config.device_names) return fnas_fail_memory(context, "device names");
    for (int64_t i = 0; i < count; i++) {
        run->config.device_names[i] = fnas_strdup(fnas_card_get(run->cards[i]).name);
        if (!run->config.device_names[i]) return fnas_fail_memory(context, "device names");
    }
    return FNAS_OK;
}

static char *card_path(const fnas_run *run, int64_t index) {
    fnas_text name = {0};
    fnas_text_append(&name, "%s/devices/%s.json", run->path, run->config.device_names[index]);
    return name.data;
}

fnas_status fnas_run_save_cards(fnas_context *context, const fnas_run *run) {
    for (int64_t i = 0; i < run->config.device_count; i++) {
        char *path = card_path(run, i);
        fnas_status status = path ? fnas_card_save(context, run->cards[i], path) : fnas_fail_memory(context, "a path");
        fnas_free(path);
        FNAS_TRY(status);
    }
    return FNAS_OK;
}

fnas_status fnas_run_load_cards(fnas_context *context, fnas_run *run) {
    int64_t count = run->config.device_count;
    char **paths = fnas_allocate((size_t)count, sizeof *paths);
    fnas_status status = paths ? FNAS_OK : fnas_fail_memory(context, "device cards");
    for (int64_t i = 0; status == FNAS_OK && i < count; i++) {
        paths[i] = card_path(run, i);
        if (!paths[i]) status = fnas_fail_memory(context, "a path");
    }
    if (status == FNAS_OK) status = load_cards(context, run, (const char *const *)paths);
    for (int64_t i = 0; paths && i < count; i++) fnas_free(paths[i]);
    fnas_free(paths);
    return status;
}

fnas_status fnas_run_take_cards(fnas_context *context, fnas_run *run, const char *const *paths) {
    FNAS_TRY(load_cards(context, run, paths));
    log_embeddings(context, run);
    return name_devices(context, run);
}
