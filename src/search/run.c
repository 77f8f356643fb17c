/* The run directory: what making it and opening it have in common. */
#include "search/run_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/card.h"
#include "space/space.h"

char *fnas_run_file(const fnas_run *run, const char *name) {
    return fnas_path_join(run->path, name);
}

void fnas_run_close(fnas_run *run) {
    if (!run) return;
    for (int64_t i = 0; run->cards && i < run->config.device_count; i++) fnas_card_free(run->cards[i]);
    fnas_free(run->cards);
    fnas_free(run->embeddings);
    fnas_predictor_free(run->predictor);
    fnas_predictor_free(run->energy_predictor);
    fnas_surrogate_free(run->surrogate);
    fnas_search_state_free(&run->state);
    fnas_score_cache_free(run->scores);
    fnas_space_close(run->space);
    fnas_space_close(run->supernet);
    fnas_search_config_free(&run->config);
    if (run->lock >= 0) close(run->lock); /* and with it the lock */
    fnas_free(run->data_spec);
    fnas_free(run->path);
    fnas_free(run);
}

fnas_run *fnas_run_new(const char *path) {
    fnas_run *run = fnas_allocate(1, sizeof *run);
    if (!run) return NULL;
    run->lock = -1;
    run->path = fnas_strdup(path);
    if (run->path) return run;
    fnas_run_close(run);
    return NULL;
}

/* Two searches in one folder would overwrite each other's checkpoints and metrics. The kernel gives the lock back however the process ends.
 */
fnas_status fnas_run_lock(fnas_context *context, fnas_run *run) {
    run->lock = open(run->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run->lock < 0) return fnas_fail_errno(context, run->path, "open");
    if (flock(run->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) /* file systems without locks: go on without */
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: another process is searching in this run: let it finish or stop it first",
                         run->path);
    fnas_folder_remove_temporaries(run->path);
    return FNAS_OK;
}

bool fnas_run_has_supernet(const fnas_run *run) {
    return fnas_search_has_supernet(&run->config);
}

const fnas_space *fnas_run_space(const fnas_run *run) {
    return run->space;
}

int64_t fnas_run_device_count(const fnas_run *run) {
    return run->config.device_count;
}

const fnas_card *fnas_run_device(const fnas_run *run, int64_t index) {
    return run->cards[index];
}

/* ---- data ---- */

static fnas_status check_data_shape(fnas_context *context, const fnas_run *run, const fnas_dataset *dataset) {
    int64_t shape[3], classes = 0;
    FNAS_TRY(fnas_space_image(context, run->supernet, shape, &classes));
    fnas_dataset_info info = fnas_dataset_get(dataset);
    if (shape[0] == info.channels && shape[1] == info.height && shape[2] == info.width && classes == info.classes) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "the space takes images %lldx%lldx%lld in %lld classes, the data set %s has %lldx%lldx%lld in %lld: use --space "
                     "%s:...,classes=%lld,input=%lldx%lldx%lld "
                     "or other data",
                     (long long)shape[0], (long long)shape[1], (long long)shape[2], (long long)classes, info.name, (long long)info.channels,
                     (long long)info.height, (long long)info.width, (long long)info.classes, fnas_space_name(run->space),
                     (long long)info.classes, (long long)info.channels, (long long)info.height, (long long)info.width);
}

fnas_status fnas_run_open_data(fnas_context *context, const fnas_run *run, const char *data, fnas_dataset **dataset) {
    const char *spec = data ? data : run->data_spec;
    if (!spec)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: this run does not know where its data lie on this machine: say so with --data %s",
                         run->path, run->config.data);
    FNAS_TRY(fnas_dataset_open(context, spec, dataset));
    fnas_status status = FNAS_OK;
    fnas_dataset_info info = fnas_dataset_get(*dataset);
    if (run->config.data && strcmp(info.name, run->config.data) != 0) {
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s: the run was made on %s, --data gives %s", run->path, run->config.data, info.name);
    }
    if (status == FNAS_OK) status = check_data_shape(context, run, *dataset);
    if (status != FNAS_OK) {
        fnas_dataset_close(*dataset);
        *dataset = NULL;
    }
    return status;
}

/* ---- cards ---- */

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

fnas_status fnas_run_load_cards(fnas_context *context, fnas_run *run, const char *const *paths) {
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

char *fnas_run_card_path(const fnas_run *run, int64_t index) {
    fnas_text name = {0};
    fnas_text_append(&name, "%s/devices/%s.json", run->path, run->config.device_names[index]);
    return name.data;
}

/* ---- checks ---- */

fnas_status fnas_run_check_counts(fnas_context *context, const fnas_run *run) {
    for (int64_t m = 0; m < run->config.objective_count; m++) {
        fnas_objective_kind kind = run->config.objectives[m];
        if (fnas_space_has_counts(run->space) || (kind != FNAS_OBJECTIVE_MACS && kind != FNAS_OBJECTIVE_PARAMS)) continue;
        return fnas_fail(context, FNAS_ERR_INPUT, "objective \"%s\": the space %s does not know its networks' sizes: leave it out",
                         fnas_objective_name(kind), fnas_space_name(run->space));
    }
    return FNAS_OK;
}

const char *fnas_run_predictor_file(fnas_quantity quantity) {
    return quantity == FNAS_QUANTITY_ENERGY ? "energy.safetensors" : "predictor.safetensors";
}

fnas_status fnas_run_check_predictor(fnas_context *context, const fnas_run *run, const fnas_predictor *predictor, fnas_quantity quantity,
                                     const char *path) {
    if (fnas_predictor_quantity(predictor) != quantity)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: this predictor is of %s, one of %s is needed", path,
                         fnas_quantity_name(fnas_predictor_quantity(predictor)), fnas_quantity_name(quantity));
    if (strcmp(fnas_predictor_space(predictor), run->config.space) == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: this predictor is for %s, the search is in %s", path, fnas_predictor_space(predictor),
                     run->config.space);
}

/* ---- errors of a table ---- */

void fnas_run_look_up_errors(const fnas_run *run, int64_t count, const int32_t *choices, fnas_score *scores) {
    int64_t decisions = fnas_space_decision_count(run->space);
    for (int64_t i = 0; i < count; i++) {
        double followed_pct = fnas_surrogate_prediction(run->surrogate, choices + i * decisions);
        double error_pct = fnas_surrogate_bounded(run->surrogate, followed_pct);
        scores[i] = (fnas_score){.error_pct = error_pct, .cross_entropy = error_pct, .followed_pct = followed_pct};
    }
}
