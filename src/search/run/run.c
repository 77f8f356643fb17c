/* The run directory: made, opened, prepared. */
#include "search/run/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "search/run/cards.h"
#include "search/run/log.h"
#include "search/run/vocabulary.h"
#include "search/score/file.h"
#include "search/supernet/start_weights.h"
#include "space/space.h"

#define SPACE_FILE "space.json"
#define ERROR_FILE "error.safetensors"
#define CHECKPOINT_FILE "checkpoint.safetensors"
#define WEAK_SPEARMAN 0.5
#define STARTING ".starting" /* in a folder whose run is not yet whole: what else is there is ours */

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
    fnas_examples_close(&run->opened);
    fnas_vocabulary_free(run->vocabulary);
    fnas_free(run->data_spec);
    fnas_free(run->weights_path);
    fnas_free(run->path);
    fnas_free(run);
}

static fnas_run *new_run(const char *path) {
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
static fnas_status lock_folder(fnas_context *context, fnas_run *run) {
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

/* ---- making a run ---- */

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

static fnas_status check_counts(fnas_context *context, const fnas_run *run) {
    for (int64_t m = 0; m < run->config.objective_count; m++) {
        fnas_objective_kind kind = run->config.objectives[m];
        if (fnas_space_has_counts(run->space) || (kind != FNAS_OBJECTIVE_MACS && kind != FNAS_OBJECTIVE_PARAMS)) continue;
        return fnas_fail(context, FNAS_ERR_INPUT, "objective \"%s\": the space %s does not know its networks' sizes: leave it out",
                         fnas_objective_name(kind), fnas_space_name(run->space));
    }
    return FNAS_OK;
}

static fnas_status open_spaces(fnas_context *context, const fnas_search_options *options, int64_t *epochs, fnas_run *run) {
    FNAS_TRY(fnas_space_open(context, options->space, &run->space));
    if (fnas_search_has_supernet(&run->config) && !fnas_space_has_supernet(run->space) && !fnas_space_translates(run->space))
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "the space %s has no supernet: say where the errors of its architectures are with --error table:FILE.csv:COLUMN",
                         fnas_space_name(run->space));
    FNAS_TRY(check_counts(context, run));
    FNAS_TRY(fnas_search_config_fit_space(context, options, run->space, &run->config, epochs));
    FNAS_TRY(fnas_space_derive(context, run->space, run->config.proxy, &run->supernet));
    if (fnas_space_onehot_size(run->supernet) != fnas_space_onehot_size(run->space)) {
        return fnas_fail(context, FNAS_ERR_USAGE, "--proxy %s: the supernet must have the decisions of the space", run->config.proxy);
    }
    run->config.space = fnas_strdup(fnas_space_spec(run->space));
    run->config.supernet = fnas_strdup(fnas_space_spec(run->supernet));
    return run->config.space && run->config.supernet ? FNAS_OK : fnas_fail_memory(context, "the space");
}

/* Epochs count passes over what the weights are trained on: `step` of `all` images, or batches of pairs, a step. */
static void take_length(int64_t epochs, int64_t all, int64_t step, fnas_search_config *config) {
    int64_t steps = all / step;
    if (epochs > 0) config->steps = epochs * (steps > 0 ? steps : 1);
}

static fnas_status fit_images(fnas_context *context, int64_t epochs, fnas_run *run) {
    fnas_search_config *config = &run->config;
    int64_t images = fnas_dataset_get(run->opened.images).train_count;
    FNAS_TRY(fnas_search_config_fit_data(context, config, images));
    take_length(epochs, (int64_t)(config->weight_fraction * (double)images), config->weight_images, config);
    return FNAS_OK;
}

static fnas_status open_data_and_length(fnas_context *context, const fnas_search_options *options, int64_t epochs, fnas_run *run) {
    bool translates = fnas_space_translates(run->space);
    if (translates && !options->data)
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "no pairs of sentences: give what `fleetnas data prepare text:SOURCE,TARGET -o FILE` made with --data FILE");
    FNAS_TRY(fnas_run_open_data(context, run, options->data ? options->data : "fashion-mnist", &run->opened));
    run->config.data = fnas_strdup(fnas_examples_name(&run->opened));
    run->data_spec = fnas_strdup(fnas_examples_spec(&run->opened));
    if (!run->config.data || !run->data_spec) return fnas_fail_memory(context, "the data's name");
    if (!translates) return fit_images(context, epochs, run);
    int64_t batches = 0;
    FNAS_TRY(fnas_run_fit_pairs(context, run, &batches));
    take_length(epochs, batches, fnas_search_weight_batches(&run->config), &run->config);
    return FNAS_OK;
}

/* In the place of data: a table, or what was fitted to one. */
static fnas_status open_errors(fnas_context *context, const fnas_search_options *options, fnas_run *run) {
    FNAS_TRY(fnas_surrogate_open(context, run->space, options->error, &run->surrogate));
    run->config.error = run->surrogate->is_exact ? FNAS_ERROR_TABLE : FNAS_ERROR_SURROGATE;
    run->config.data = fnas_strdup("");
    return run->config.data ? FNAS_OK : fnas_fail_memory(context, "the configuration");
}

void fnas_run_look_up_errors(const fnas_run *run, int64_t count, const int32_t *choices, fnas_score *scores) {
    int64_t decisions = fnas_space_decision_count(run->space);
    for (int64_t i = 0; i < count; i++) {
        double followed_pct = fnas_surrogate_prediction(run->surrogate, choices + i * decisions);
        double error_pct = fnas_surrogate_bounded(run->surrogate, followed_pct);
        scores[i] = (fnas_score){.error_pct = error_pct, .cross_entropy = error_pct, .followed_pct = followed_pct};
    }
}

static const char *predictor_file(fnas_quantity quantity) {
    return quantity == FNAS_QUANTITY_ENERGY ? "energy.safetensors" : "predictor.safetensors";
}

static fnas_status check_predictor(fnas_context *context, const fnas_run *run, const fnas_predictor *predictor, fnas_quantity quantity,
                                   const char *path) {
    if (fnas_predictor_quantity(predictor) != quantity)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: this predictor is of %s, one of %s is needed", path,
                         fnas_quantity_name(fnas_predictor_quantity(predictor)), fnas_quantity_name(quantity));
    if (strcmp(fnas_predictor_space(predictor), run->config.space) == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: this predictor is for %s, the search is in %s", path, fnas_predictor_space(predictor),
                     run->config.space);
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
    char *path = fnas_run_file(run, predictor_file(fnas_predictor_quantity(predictor)));
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = fnas_predictor_save(context, predictor, path);
    fnas_free(path);
    return status;
}

static fnas_status write_surrogate(fnas_context *context, const fnas_run *run) {
    char *path = fnas_run_file(run, ERROR_FILE);
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = fnas_surrogate_save(context, run->surrogate, path);
    fnas_free(path);
    return status;
}

/* A space that a file describes comes with the run: the file may change, or go. */
static fnas_status write_space(fnas_context *context, const fnas_run *run) {
    const char *description = fnas_space_description(run->space);
    json_t *root = NULL;
    FNAS_TRY(fnas_json_parse(context, SPACE_FILE, description, strlen(description), &root));
    char *path = fnas_run_file(run, SPACE_FILE);
    fnas_status status = path ? fnas_json_write(context, path, root) : fnas_fail_memory(context, "a path");
    fnas_free(path);
    json_decref(root);
    return status;
}

/* Weights that were not drawn are in the run from its beginning: where they came from may change, or go. */
static fnas_status write_start(fnas_context *context, const fnas_run *run) {
    char *path = fnas_run_file(run, CHECKPOINT_FILE);
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = fnas_search_state_save(context, &run->config, &run->state, path);
    fnas_free(path);
    return status;
}

static fnas_status write_parts(fnas_context *context, const fnas_run *run) {
    FNAS_TRY(write_folders(context, run));
    FNAS_TRY(fnas_run_save_cards(context, run));
    FNAS_TRY(write_predictor(context, run, run->predictor));
    if (run->energy_predictor) FNAS_TRY(write_predictor(context, run, run->energy_predictor));
    if (fnas_space_description(run->space)) FNAS_TRY(write_space(context, run));
    if (run->surrogate) FNAS_TRY(write_surrogate(context, run));
    if (run->vocabulary) FNAS_TRY(fnas_run_write_vocabulary(context, run));
    if (run->data_spec) FNAS_TRY(fnas_run_log_set(context, run->path, "data", run->data_spec));
    if (run->weights_path) FNAS_TRY(write_start(context, run));
    char *config = fnas_run_file(run, "config.json"); /* last: a folder with a configuration is a run that resumes */
    fnas_status status = config ? fnas_search_config_write(context, &run->config, config) : fnas_fail_memory(context, "a path");
    fnas_free(config);
    return status;
}

fnas_status fnas_run_write(fnas_context *context, fnas_run *run) {
    FNAS_TRY(fnas_folder_create(context, run->path));
    FNAS_TRY(lock_folder(context, run));
    FNAS_TRY(check_folder_is_free(context, run->path)); /* again, now that nobody else can fill it */
    char *mark = fnas_run_file(run, STARTING);
    fnas_status status = mark ? fnas_file_write_atomic(context, mark, "", 0) : fnas_fail_memory(context, "a path");
    if (status == FNAS_OK) status = write_parts(context, run);
    if (status == FNAS_OK) (void)unlink(mark); /* beside a configuration it means nothing */
    fnas_free(mark);
    if (status == FNAS_OK) run->is_new = false;
    return status;
}

static fnas_status fill_new_run(fnas_context *context, const fnas_search_options *options, fnas_run *run) {
    int64_t epochs = 0;
    FNAS_TRY(fnas_search_config_build(context, options, &run->config, &epochs));
    FNAS_TRY(check_folder_is_free(context, run->path));
    if (!options->dry_run) FNAS_TRY(fnas_folder_check_creatable(context, run->path)); /* before the work */
    FNAS_TRY(open_spaces(context, options, &epochs, run));
    if (options->weights) {
        run->weights_path = fnas_strdup(options->weights);
        if (!run->weights_path) return fnas_fail_memory(context, "a path");
    }
    FNAS_TRY(fnas_run_take_cards(context, run, options->devices));
    if (fnas_search_has_supernet(&run->config))
        FNAS_TRY(open_data_and_length(context, options, epochs, run));
    else
        FNAS_TRY(open_errors(context, options, run));
    if (!options->predictor) return FNAS_OK;
    FNAS_TRY(fnas_predictor_load(context, options->predictor, &run->predictor));
    return check_predictor(context, run, run->predictor, FNAS_QUANTITY_LATENCY, options->predictor);
}

fnas_status fnas_run_create(fnas_context *context, const fnas_search_options *options, fnas_run **result) {
    if (!options->space) return fnas_fail(context, FNAS_ERR_USAGE, "no space: give one with --space, such as nb201");
    if (!options->run) return fnas_fail(context, FNAS_ERR_USAGE, "no folder for the run: give one with --out RUN");
    fnas_run *run = new_run(options->run);
    if (!run) return fnas_fail_memory(context, "a run");
    run->is_new = true;
    fnas_status status = fill_new_run(context, options, run);
    if (status == FNAS_OK)
        *result = run;
    else
        fnas_run_close(run);
    return status;
}

/* ---- opening ---- */

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
    char *path = fnas_run_file(run, SPACE_FILE);
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

static fnas_status check_phases(fnas_context *context, const fnas_run *run) {
    int64_t count = fnas_space_phase_count(run->space);
    if (run->config.phase_count == 0 || run->config.phase_count == count) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: config.json has %lld \"phases\", the space %s has %lld: put back what the search wrote",
                     run->path, (long long)run->config.phase_count, fnas_space_name(run->space), (long long)count);
}

/* Choices of the space are made in the supernet: a file that was written by hand may name another space. */
static fnas_status check_supernet(fnas_context *context, const fnas_run *run) {
    if (run->supernet->type == run->space->type && fnas_space_onehot_size(run->supernet) == fnas_space_onehot_size(run->space))
        return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: config.json: the \"supernet\" %s has other decisions than the \"space\" %s: put back what the search wrote",
                     run->path, fnas_space_spec(run->supernet), fnas_space_spec(run->space));
}

static fnas_status open_own_spaces(fnas_context *context, fnas_run *run) {
    FNAS_TRY(learn_own_space(context, run));
    FNAS_TRY(fnas_space_open_spec(context, run->config.space, &run->space));
    FNAS_TRY(check_counts(context, run));
    FNAS_TRY(check_phases(context, run));
    FNAS_TRY(fnas_space_open_spec(context, run->config.supernet, &run->supernet));
    return check_supernet(context, run);
}

static fnas_status load_own_errors(fnas_context *context, fnas_run *run) {
    if (fnas_search_has_supernet(&run->config)) return FNAS_OK;
    char *path = fnas_run_file(run, ERROR_FILE);
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
    FNAS_TRY(fnas_run_load_vocabulary(context, run));
    FNAS_TRY(fnas_run_load_cards(context, run));
    char *log = fnas_run_file(run, "log.sqlite");
    if (log && fnas_file_exists(log)) status = fnas_run_log_get(context, run->path, "data", &run->data_spec);
    fnas_free(log);
    return status;
}

static fnas_status open_folder(fnas_context *context, const char *path, bool to_search, fnas_run **result) {
    fnas_run *run = new_run(path);
    if (!run) return fnas_fail_memory(context, "a run");
    fnas_status status = fill_from_folder(context, run);
    if (status == FNAS_OK && to_search) status = lock_folder(context, run);
    if (status == FNAS_OK)
        *result = run;
    else
        fnas_run_close(run);
    return status;
}

fnas_status fnas_run_open_folder(fnas_context *context, const char *path, fnas_run **result) {
    return open_folder(context, path, true, result);
}

/* ---- predictor and state ---- */

static bool has_file(const fnas_run *run, const char *name) {
    char *path = fnas_run_file(run, name);
    bool exists = path && fnas_file_exists(path);
    fnas_free(path);
    return exists;
}

static fnas_status train_predictor(fnas_context *context, const fnas_run *run, fnas_quantity quantity, const char *path,
                                   fnas_predictor **predictor) {
    /* What a checkpoint has learnt it learnt from one predictor: another (--predictor may have given it) must not take its place. */
    if (!run->is_new && has_file(run, CHECKPOINT_FILE))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s is missing, which the checkpoint was made with: put it back, or, where the search trained it, train it again "
                         "with `fleetnas predictor fit --quantity %s`, the cards of %s/devices in the order of config.json and --seed %llu",
                         path, fnas_quantity_name(quantity), run->path, (unsigned long long)run->config.seed);
    fnas_predictor_options options = {.quantity = quantity, .seed = run->config.seed};
    FNAS_TRY(fnas_predictor_fit(context, run->space, run->config.device_count, (const fnas_card *const *)run->cards, &options, predictor));
    return run->is_new ? FNAS_OK : fnas_predictor_save(context, *predictor, path);
}

static fnas_status prepare_predictor(fnas_context *context, const fnas_run *run, fnas_quantity quantity, fnas_predictor **predictor) {
    char *path = fnas_run_file(run, predictor_file(quantity));
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = FNAS_OK;
    if (*predictor) {
        /* given with the options and already checked */
    } else if (!run->is_new && fnas_file_exists(path)) {
        status = fnas_predictor_load(context, path, predictor);
        if (status == FNAS_OK) status = check_predictor(context, run, *predictor, quantity, path);
    } else {
        status = train_predictor(context, run, quantity, path, predictor);
    }
    fnas_free(path);
    return status;
}

static fnas_status log_network(fnas_context *context, const fnas_network *network) {
    fnas_text sizes = {0};
    fnas_network_append_sizes(network, &sizes);
    if (!sizes.failed)
        fnas_log(context, FNAS_LOG_INFO, "errors: a network %s, input \"%s\", output \"%s\"", sizes.data, network->encoding->name,
                 fnas_network_output_names[network->output]);
    fnas_status status = sizes.failed ? fnas_fail_memory(context, "a message") : FNAS_OK;
    fnas_text_free(&sizes);
    return status;
}

/* Says what the errors are, once. */
static fnas_status prepare_errors(fnas_context *context, fnas_run *run) {
    fnas_surrogate *surrogate = run->surrogate;
    if (!surrogate || !run->is_new) return FNAS_OK;
    FNAS_TRY(fnas_surrogate_fit(context, run->config.seed, surrogate));
    if (surrogate->is_exact) {
        fnas_log(context, FNAS_LOG_INFO, "errors: column \"%s\" of a table that has every architecture of the space (%lld rows)",
                 surrogate->column, (long long)surrogate->row_count);
        return FNAS_OK;
    }
    if (surrogate->network) return log_network(context, surrogate->network);
    fnas_log(context, FNAS_LOG_INFO,
             "errors: a surrogate, fitted to the column \"%s\" of %lld architectures%s; on held-out ones rank correlation (Spearman) %.3f, "
             "mean absolute error %.3g points",
             surrogate->column, (long long)surrogate->row_count, surrogate->scale > 0 ? "" : " (linear)", surrogate->spearman,
             surrogate->mean_error_pct);
    if (surrogate->spearman < WEAK_SPEARMAN)
        fnas_log(context, FNAS_LOG_WARNING, "a rank correlation of %.3f tells architectures hardly apart: a larger table would say more",
                 surrogate->spearman);
    return FNAS_OK;
}

/* As drawn, or as they are given; the configuration says which. */
static fnas_status begin_weights(fnas_context *context, fnas_run *run) {
    char name[FNAS_START_WEIGHTS_NAME_BYTES];
    fnas_parameters_initialise(&run->state.weights, run->config.seed);
    if (!run->is_new && run->config.start_weights[0])
        return fnas_fail(
            context, FNAS_ERR_INPUT,
            "%s: " CHECKPOINT_FILE " is missing, which held the weights that the search began with: put it back, or start anew", run->path);
    if (!run->weights_path) return FNAS_OK;
    FNAS_TRY(fnas_start_weights_load(context, run->weights_path, &run->state.weights, name));
    fnas_free(run->config.start_weights);
    run->config.start_weights = fnas_strdup(name);
    return run->config.start_weights ? FNAS_OK : fnas_fail_memory(context, "the configuration");
}

static fnas_status begin_state(fnas_context *context, fnas_run *run) {
    FNAS_TRY(begin_weights(context, run));
    run->state.total_steps = run->config.steps;
    return fnas_hypernet_initialise(context, &run->state.shape, run->config.start, run->config.seed, run->config.device_count,
                                    run->embeddings, run->state.hypernet);
}

static fnas_status prepare_state(fnas_context *context, fnas_run *run) {
    FNAS_TRY(fnas_search_state_allocate(context, &run->config, run->supernet, FNAS_EMBEDDING, &run->state));
    char *path = fnas_run_file(run, CHECKPOINT_FILE);
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = FNAS_OK;
    if (!run->is_new && fnas_file_exists(path))
        status = fnas_search_state_load(context, path, &run->config, &run->state);
    else
        status = begin_state(context, run);
    fnas_free(path);
    return status;
}

fnas_status fnas_run_prepare(fnas_context *context, fnas_run *run) {
    FNAS_TRY(prepare_errors(context, run));
    FNAS_TRY(prepare_predictor(context, run, FNAS_QUANTITY_LATENCY, &run->predictor));
    if (fnas_search_has_objective(&run->config, FNAS_OBJECTIVE_ENERGY))
        FNAS_TRY(prepare_predictor(context, run, FNAS_QUANTITY_ENERGY, &run->energy_predictor));
    return prepare_state(context, run);
}

fnas_status fnas_run_open(fnas_context *context, const char *path, fnas_run **result) {
    fnas_run *run = NULL;
    FNAS_TRY(open_folder(context, path, false, &run));
    char *checkpoint = fnas_run_file(run, CHECKPOINT_FILE);
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
