/* Making a run directory, from options. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "search/log.h"
#include "search/run_parts.h"
#include "space/space.h"

#define STARTING ".starting" /* in a folder whose run is not yet whole: what else is there is ours */

/* ---- from options ---- */

static fnas_status check_folder_is_free(fnas_context *context, const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return errno == ENOENT ? FNAS_OK : fnas_fail_errno(context, path, "open");
    bool has_config = false, has_other = false, has_begun = false;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (strncmp(entry->d_name, ".fnas-", 6) == 0) continue; /* a killed writer's */
        if (strcmp(entry->d_name, "config.json") == 0)
            has_config = true;
        else if (strcmp(entry->d_name, STARTING) == 0)
            has_begun = true; /* a search that ended before its run was whole: nothing is lost by starting again */
        else
            has_other = true;
    }
    closedir(folder);
    if (has_config)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s holds another run: go on with `fleetnas resume %s`, or give another folder with --out", path, path);
    if (has_other && !has_begun) return fnas_fail(context, FNAS_ERR_INPUT, "%s is not empty: give a new folder with --out", path);
    return FNAS_OK;
}

static fnas_status open_spaces(fnas_context *context, const fnas_search_options *options, fnas_run *run) {
    FNAS_TRY(fnas_space_open(context, options->space, &run->space));
    if (fnas_search_has_supernet(&run->config) && !fnas_space_has_supernet(run->space))
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "the space %s has no supernet: say where the errors of its architectures are with --error table:FILE.csv:COLUMN",
                         fnas_space_name(run->space));
    FNAS_TRY(fnas_run_check_counts(context, run));
    FNAS_TRY(fnas_space_derive(context, run->space, run->config.proxy, &run->supernet));
    if (fnas_space_onehot_size(run->supernet) != fnas_space_onehot_size(run->space)) {
        return fnas_fail(context, FNAS_ERR_USAGE, "--proxy %s: the supernet must have the decisions of the space", run->config.proxy);
    }
    run->config.space = fnas_strdup(fnas_space_spec(run->space));
    run->config.supernet = fnas_strdup(fnas_space_spec(run->supernet));
    return run->config.space && run->config.supernet ? FNAS_OK : fnas_fail_memory(context, "the space");
}

/* Epochs count passes over the weights' split. */
static fnas_status open_data_and_length(fnas_context *context, const fnas_search_options *options, int64_t epochs, fnas_run *run) {
    fnas_dataset *dataset = NULL;
    FNAS_TRY(fnas_run_open_data(context, run, options->data ? options->data : "fashion-mnist", &dataset));
    fnas_dataset_info info = fnas_dataset_get(dataset);
    run->config.data = fnas_strdup(info.name);
    run->data_spec = fnas_strdup(info.spec);
    fnas_status status = fnas_search_config_fit_data(context, &run->config, info.train_count);
    if (status == FNAS_OK && epochs > 0) {
        int64_t images = (int64_t)(run->config.weight_fraction * (double)info.train_count);
        int64_t steps = images / run->config.weight_images;
        run->config.steps = epochs * (steps > 0 ? steps : 1);
    }
    fnas_dataset_close(dataset);
    if (status != FNAS_OK) return status;
    return run->config.data && run->data_spec ? FNAS_OK : fnas_fail_memory(context, "the data set's name");
}

/* In the place of data: a table, or what was fitted to one. */
static fnas_status open_errors(fnas_context *context, const fnas_search_options *options, fnas_run *run) {
    FNAS_TRY(fnas_surrogate_open(context, run->space, options->error, &run->surrogate));
    run->config.error = run->surrogate->is_exact ? FNAS_ERROR_TABLE : FNAS_ERROR_SURROGATE;
    run->config.data = fnas_strdup("");
    return run->config.data ? FNAS_OK : fnas_fail_memory(context, "the configuration");
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

static fnas_status fill_new_run(fnas_context *context, const fnas_search_options *options, fnas_run *run) {
    int64_t epochs = 0;
    FNAS_TRY(fnas_search_config_build(context, options, &run->config, &epochs));
    FNAS_TRY(check_folder_is_free(context, run->path));
    if (!options->dry_run) FNAS_TRY(fnas_folder_check_creatable(context, run->path)); /* before the work */
    FNAS_TRY(open_spaces(context, options, run));
    FNAS_TRY(fnas_run_load_cards(context, run, options->devices));
    FNAS_TRY(name_devices(context, run));
    if (fnas_search_has_supernet(&run->config))
        FNAS_TRY(open_data_and_length(context, options, epochs, run));
    else
        FNAS_TRY(open_errors(context, options, run));
    if (!options->predictor) return FNAS_OK;
    FNAS_TRY(fnas_predictor_load(context, options->predictor, &run->predictor));
    return fnas_run_check_predictor(context, run, run->predictor, FNAS_QUANTITY_LATENCY, options->predictor);
}

fnas_status fnas_run_create(fnas_context *context, const fnas_search_options *options, fnas_run **result) {
    if (!options->space) return fnas_fail(context, FNAS_ERR_USAGE, "no space: give one with --space, such as nb201");
    if (!options->run) return fnas_fail(context, FNAS_ERR_USAGE, "no folder for the run: give one with --out RUN");
    fnas_run *run = fnas_run_new(options->run);
    if (!run) return fnas_fail_memory(context, "a run");
    run->is_new = true;
    fnas_status status = fill_new_run(context, options, run);
    if (status == FNAS_OK)
        *result = run;
    else
        fnas_run_close(run);
    return status;
}

/* ---- the folder ---- */

static fnas_status save_cards(fnas_context *context, const fnas_run *run) {
    for (int64_t i = 0; i < run->config.device_count; i++) {
        char *path = fnas_run_card_path(run, i);
        fnas_status status = path ? fnas_card_save(context, run->cards[i], path) : fnas_fail_memory(context, "a path");
        fnas_free(path);
        FNAS_TRY(status);
    }
    return FNAS_OK;
}

static fnas_status write_folders(fnas_context *context, const fnas_run *run) {
    static const char *const names[] = {"devices", "fronts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = fnas_run_file(run, names[i]);
        fnas_status status = path ? fnas_folder_create(context, path) : fnas_fail_memory(context, "a path");
        fnas_free(path);
        FNAS_TRY(status);
    }
    return FNAS_OK;
}

static fnas_status write_predictor(fnas_context *context, const fnas_run *run, const fnas_predictor *predictor) {
    char *path = fnas_run_file(run, fnas_run_predictor_file(fnas_predictor_quantity(predictor)));
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = fnas_predictor_save(context, predictor, path);
    fnas_free(path);
    return status;
}

static fnas_status write_surrogate(fnas_context *context, const fnas_run *run) {
    char *path = fnas_run_file(run, FNAS_RUN_ERROR_FILE);
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = fnas_surrogate_save(context, run->surrogate, path);
    fnas_free(path);
    return status;
}

/* A space that a file describes comes with the run: the file may change, or go. */
static fnas_status write_space(fnas_context *context, const fnas_run *run) {
    const char *description = fnas_space_description(run->space);
    json_t *root = NULL;
    FNAS_TRY(fnas_json_parse(context, FNAS_RUN_SPACE_FILE, description, strlen(description), &root));
    char *path = fnas_run_file(run, FNAS_RUN_SPACE_FILE);
    fnas_status status = path ? fnas_json_write(context, path, root) : fnas_fail_memory(context, "a path");
    fnas_free(path);
    json_decref(root);
    return status;
}

static fnas_status write_parts(fnas_context *context, const fnas_run *run) {
    FNAS_TRY(write_folders(context, run));
    FNAS_TRY(save_cards(context, run));
    FNAS_TRY(write_predictor(context, run, run->predictor));
    if (run->energy_predictor) FNAS_TRY(write_predictor(context, run, run->energy_predictor));
    if (fnas_space_description(run->space)) FNAS_TRY(write_space(context, run));
    if (run->surrogate) FNAS_TRY(write_surrogate(context, run));
    if (run->data_spec) FNAS_TRY(fnas_run_log_set(context, run->path, "data", run->data_spec));
    char *config = fnas_run_file(run, "config.json"); /* last: a folder with a configuration is a run that resumes */
    fnas_status status = config ? fnas_search_config_write(context, &run->config, config) : fnas_fail_memory(context, "a path");
    fnas_free(config);
    return status;
}

fnas_status fnas_run_write(fnas_context *context, fnas_run *run) {
    FNAS_TRY(fnas_folder_create(context, run->path));
    FNAS_TRY(fnas_run_lock(context, run));
    FNAS_TRY(check_folder_is_free(context, run->path)); /* again, now that nobody else can fill it */
    char *mark = fnas_run_file(run, STARTING);
    fnas_status status = mark ? fnas_file_write_atomic(context, mark, "", 0) : fnas_fail_memory(context, "a path");
    if (status == FNAS_OK) status = write_parts(context, run);
    if (status == FNAS_OK) (void)unlink(mark); /* beside a configuration it means nothing */
    fnas_free(mark);
    if (status == FNAS_OK) run->is_new = false;
    return status;
}
