/* Opening a run directory, to go on with its search or to ask it. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "search/log.h"
#include "search/run_parts.h"
#include "search/score_file.h"
#include "space/space.h"

static fnas_status load_own_cards(fnas_context *context, fnas_run *run) {
    int64_t count = run->config.device_count;
    char **paths = fnas_allocate((size_t)count, sizeof *paths);
    fnas_status status = paths ? FNAS_OK : fnas_fail_memory(context, "device cards");
    for (int64_t i = 0; status == FNAS_OK && i < count; i++) {
        paths[i] = fnas_run_card_path(run, i);
        if (!paths[i]) status = fnas_fail_memory(context, "a path");
    }
    if (status == FNAS_OK) status = fnas_run_load_cards(context, run, (const char *const *)paths);
    for (int64_t i = 0; paths && i < count; i++) fnas_free(paths[i]);
    fnas_free(paths);
    return status;
}

/* Before the data are opened, and with the file that says so. */
static fnas_status check_fractions(fnas_context *context, const fnas_search_config *config, const char *path) {
    double weights = config->weight_fraction, search = config->search_fraction;
    if (weights > 0 && search > 0 && weights + search < 1) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: \"weight_fraction\" is %g and \"search_fraction\" %g: both must be above 0 and their sum below 1", path, weights,
                     search);
}

/* A described space is opened from the run's copy, which makes its spec known. */
static fnas_status learn_own_space(fnas_context *context, const fnas_run *run) {
    char *path = fnas_run_file(run, FNAS_RUN_SPACE_FILE);
    fnas_space *space = NULL;
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = fnas_file_exists(path) ? fnas_space_open(context, path, &space) : FNAS_OK;
    if (space && strcmp(fnas_space_spec(space), run->config.space) != 0)
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s: describes %s, the run is of %s: put back the file that the search wrote", path,
                           fnas_space_spec(space), run->config.space);
    fnas_space_close(space);
    fnas_free(path);
    return status;
}

static fnas_status open_own_spaces(fnas_context *context, fnas_run *run) {
    FNAS_TRY(learn_own_space(context, run));
    FNAS_TRY(fnas_space_open_spec(context, run->config.space, &run->space));
    FNAS_TRY(fnas_run_check_counts(context, run));
    return fnas_space_open_spec(context, run->config.supernet, &run->supernet);
}

static fnas_status load_own_errors(fnas_context *context, fnas_run *run) {
    if (fnas_search_has_supernet(&run->config)) return FNAS_OK;
    char *path = fnas_run_file(run, FNAS_RUN_ERROR_FILE);
    fnas_status status = path ? fnas_surrogate_load(context, run->space, path, &run->surrogate) : fnas_fail_memory(context, "a path");
    if (status == FNAS_OK && run->surrogate->is_exact != (run->config.error == FNAS_ERROR_TABLE))
        status = fnas_fail(context, FNAS_ERR_INPUT,
                           "%s: not the errors that this run was made with: put back the file that the search wrote", path);
    fnas_free(path);
    return status;
}

static fnas_status fill_from_folder(fnas_context *context, fnas_run *run) {
    char *config = fnas_run_file(run, "config.json");
    if (!config) return fnas_fail_memory(context, "a path");
    fnas_status status = FNAS_OK;
    if (!fnas_file_exists(config))
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s holds no run: it has no config.json; start one with `fleetnas search ... --out %s`",
                           run->path, run->path);
    if (status == FNAS_OK) status = fnas_search_config_read(context, config, &run->config);
    if (status == FNAS_OK) status = check_fractions(context, &run->config, config);
    fnas_free(config);
    FNAS_TRY(status);
    FNAS_TRY(open_own_spaces(context, run));
    FNAS_TRY(load_own_errors(context, run));
    FNAS_TRY(load_own_cards(context, run));
    char *log = fnas_run_file(run, "log.sqlite");
    if (log && fnas_file_exists(log)) status = fnas_run_log_get(context, run->path, "data", &run->data_spec);
    fnas_free(log);
    return status;
}

static fnas_status open_folder(fnas_context *context, const char *path, bool to_search, fnas_run **result) {
    fnas_run *run = fnas_run_new(path);
    if (!run) return fnas_fail_memory(context, "a run");
    fnas_status status = fill_from_folder(context, run);
    if (status == FNAS_OK && to_search) status = fnas_run_lock(context, run);
    if (status == FNAS_OK)
        *result = run;
    else
        fnas_run_close(run);
    return status;
}

fnas_status fnas_run_open_folder(fnas_context *context, const char *path, fnas_run **result) {
    return open_folder(context, path, true, result);
}

fnas_status fnas_run_open(fnas_context *context, const char *path, fnas_run **result) {
    fnas_run *run = NULL;
    FNAS_TRY(open_folder(context, path, false, &run));
    char *checkpoint = fnas_run_file(run, "checkpoint.safetensors");
    fnas_status status = checkpoint ? FNAS_OK : fnas_fail_memory(context, "a path");
    if (checkpoint && !fnas_file_exists(checkpoint)) {
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s: this run has no checkpoint yet: finish it with `fleetnas resume %s`", path, path);
    }
    fnas_free(checkpoint);
    if (status == FNAS_OK) status = fnas_run_prepare(context, run);
    if (status == FNAS_OK) status = fnas_score_cache_create(context, fnas_space_decision_count(run->space), &run->scores);
    if (status == FNAS_OK) status = fnas_score_file_load(context, run);
    if (status == FNAS_OK && run->state.step < run->state.total_steps) {
        fnas_log(context, FNAS_LOG_WARNING,
                 "%s: the search stopped after step %lld of %lld, its answers are provisional: finish it with `fleetnas resume %s`", path,
                 (long long)run->state.step, (long long)run->state.total_steps, path);
    }
    if (status == FNAS_OK)
        *result = run;
    else
        fnas_run_close(run);
    return status;
}
