/* Presets and options. */
#include "search/config/config.h"

#include <string.h>

#include "base/memory.h"
#include "search/config/limits.h"
#include "search/config/names.h"

/* ---- objectives ---- */

typedef struct objective_facts {
    const char *name, *unit, *source;
} objective_facts;

static const objective_facts OBJECTIVES[] = {
    [FNAS_OBJECTIVE_ERROR] = {"error", "%", NULL}, /* see fnas_objective_source */
    [FNAS_OBJECTIVE_LATENCY] = {"latency_ms", "ms", "predicted"},
    [FNAS_OBJECTIVE_MACS] = {"macs", "count", "closed-form"},
    [FNAS_OBJECTIVE_PARAMS] = {"params", "count", "closed-form"},
    [FNAS_OBJECTIVE_ENERGY] = {"energy_mj", "mJ", "predicted"},
};

const char *fnas_objective_name(fnas_objective_kind kind) {
    return OBJECTIVES[kind].name;
}

const char *fnas_objective_unit(fnas_objective_kind kind) {
    return OBJECTIVES[kind].unit;
}

const char *fnas_objective_source(fnas_objective_kind kind, fnas_error_kind error) {
    static const char *const of_error[] = {
        [FNAS_ERROR_SUPERNET] = "supernet", [FNAS_ERROR_SURROGATE] = "surrogate", [FNAS_ERROR_TABLE] = "closed-form"};
    return kind == FNAS_OBJECTIVE_ERROR ? of_error[error] : OBJECTIVES[kind].source;
}

/* ---- what a configuration says ---- */

bool fnas_search_has_objective(const fnas_search_config *config, fnas_objective_kind kind) {
    for (int64_t i = 0; i < config->objective_count; i++)
        if (config->objectives[i] == kind) return true;
    return false;
}

bool fnas_search_has_supernet(const fnas_search_config *config) {
    return config->error == FNAS_ERROR_SUPERNET;
}

bool fnas_search_translates(const fnas_search_config *config) {
    return config->vocabulary > 0;
}

int64_t fnas_search_weight_batches(const fnas_search_config *config) {
    return config->largest_paths > 0 ? config->largest_paths : config->paths;
}

bool fnas_search_largest_has_others(const fnas_search_config *config) {
    return config->largest_paths > 0 && config->largest_paths < config->paths;
}

bool fnas_search_largest_teaches(const fnas_search_config *config) {
    return fnas_search_largest_has_others(config) && config->distillation > 0;
}

bool fnas_search_trains_paths(const fnas_search_config *config) {
    return config->sandwiches == 0 || config->shared_weights == FNAS_WEIGHTS_MOVING;
}

/* ---- presets ---- */

/* What a preset decides. Learning rates of the table are larger than the paper's 3.9e-3 (there for 9,800 steps) where a search is shorter.
 */
typedef struct preset_facts {
    const char *name;
    const char *proxy; /* of the space's macro */
    const char *batch, *hypernet, *error_gradient;
    int64_t steps, epochs; /* one of them */
    int64_t steps_alone;   /* length without a supernet; 0: the preset is about the supernet */
    int64_t weight_images, search_images;
    double warmup_fraction, consolidate_fraction;
    double weight_fraction, search_fraction;
    bool rates_times_devices; /* weight_rate, table_rate and continuous_rate */
    double weight_rate, weight_rate_end, consolidate_rate, weight_decay;
    double table_rate, table_decay, continuous_rate, continuous_decay;
    int64_t checkpoint_steps, validation_images, recalibration_images;
    int64_t paths_about, augment;
    double uniform_fraction, entropy_start, entropy_end, entropy_hold;
    int64_t condition_embeddings;
    int64_t judged_paths, hypernet_rounds, observed_paths; /* with the error model */
    int64_t observed_images;                               /* take the place of search_images with the error model; 0: do not */
} preset_facts;

static const preset_facts PRESETS[] = {
    {.name = "quick", /* minutes: a look at what a search gives */
     .proxy = "channels=16,cells=1",
     .batch = "shared",
     .hypernet = "table",
     .error_gradient = "model",
     .steps = 1500,
     .steps_alone = 500,
     .weight_images = 256,
     .search_images = 192,
     .warmup_fraction = 0.25,
     .consolidate_fraction = 0.25,
     .weight_fraction = 0.7,
     .search_fraction = 0.2,
     .weight_rate = 0.3,
     .consolidate_rate = 0.1,
     .weight_rate_end = 0.001,
     .weight_decay = 5e-4,
     .table_rate = 0.03,
     .continuous_rate = 2e-3,
     .continuous_decay = 1e-4,
     .checkpoint_steps = 100,
     .validation_images = 1000,
     .recalibration_images = 256,
     .paths_about = 16,
     .uniform_fraction = 0.75,
     .entropy_start = 0.2,
     .entropy_end = 0.005,
     .entropy_hold = 0.55,
     .condition_embeddings = 1,
     .judged_paths = 15,
     .hypernet_rounds = 6,
     .observed_paths = 8,
     .observed_images = 32},
    {.name = "standard",
     .proxy = "channels=16,cells=1",
     .batch = "shared",
     .hypernet = "table",
     .error_gradient = "model",
     .epochs = 40,
     .steps_alone = 2000,
     .weight_images = 256,
     .search_images = 256,
     .warmup_fraction = 0.2,
     .consolidate_fraction = 0.25,
     .weight_fraction = 0.6,
     .search_fraction = 0.3,
     .weight_rate = 0.1,
     .consolidate_rate = 0.03,
     .weight_rate_end = 0.001,
     .weight_decay = 5e-4,
     .table_rate = 0.01,
     .continuous_rate = 1e-3,
     .continuous_decay = 1e-4,
     .checkpoint_steps = 200,
     .validation_images = 2000,
     .recalibration_images = 512,
     .paths_about = 16,
     .augment = 1,
     .uniform_fraction = 0.75,
     .entropy_start = 0.2,
     .entropy_end = 0.005,
     .entropy_hold = 0.55,
     .condition_embeddings = 1,
     .judged_paths = 15,
     .hypernet_rounds = 6,
     .observed_paths = 8,
     .observed_images = 64},
    {.name = "paper", /* Sukthanker et al. 2025: the space's own macro, every path sees the whole batch, no warm-up */
     .proxy = "",
     .batch = "full",
     .hypernet = "table",
     .error_gradient = "gates",
     .epochs = 100,
     .weight_images = 256,
     .search_images = 256,
     .weight_fraction = 0.5,
     .search_fraction = 0.45,
     .rates_times_devices = true,
     .weight_rate = 0.025,
     .weight_rate_end = 0.001,
     .weight_decay = 0.0027,
     .table_rate = 3e-4,
     .table_decay = 0.09,
     .continuous_rate = 3e-4,
     .continuous_decay = 1e-3,
     .checkpoint_steps = 50,
     .validation_images = 2000,
     .recalibration_images = 512,
     .augment = 1,
     .judged_paths = 15, /* these three only with --error-gradient model, which the paper has not */
     .hypernet_rounds = 1,
     .observed_paths = 8},
};

static const preset_facts *find_preset(const char *name) {
    for (size_t i = 0; i < sizeof PRESETS / sizeof PRESETS[0]; i++) {
        if (strcmp(PRESETS[i].name, name) == 0) return &PRESETS[i];
    }
    return NULL;
}

/* The paper multiplies both rates by the number of devices, since it divides the loss by it. */
static void apply_optimisers(const preset_facts *preset, fnas_search_config *config) {
    bool table = config->hypernet == FNAS_HYPERNET_TABLE;
    double scale = preset->rates_times_devices ? (double)config->device_count : 1;
    config->weight_rate = scale * preset->weight_rate;
    config->weight_rate_end = preset->weight_rate_end;
    config->consolidate_rate = scale * preset->consolidate_rate;
    config->weight_momentum = 0.9;
    config->weight_decay = preset->weight_decay;
    config->weight_clip = 5;
    config->hypernet_rate = scale * (table ? preset->table_rate : preset->continuous_rate);
    config->hypernet_decay = table ? preset->table_decay : preset->continuous_decay;
    config->hypernet_beta1 = 0.5;
    config->hypernet_beta2 = 0.999;
}

static void apply_images(const preset_facts *preset, fnas_search_config *config) {
    config->weight_images = preset->weight_images;
    config->search_images = preset->search_images;
    config->weight_fraction = preset->weight_fraction;
    config->search_fraction = preset->search_fraction;
    config->validation_images = preset->validation_images;
    config->recalibration_images = preset->recalibration_images;
    config->augment = preset->augment;
    config->label_smoothing = 0;
}

static void apply_schedules(const preset_facts *preset, fnas_search_config *config) {
    config->warmup_fraction = preset->warmup_fraction;
    config->consolidate_fraction = preset->consolidate_fraction;
    config->uniform_fraction = preset->uniform_fraction;
    config->entropy_start = preset->entropy_start;
    config->entropy_end = preset->entropy_end;
    config->entropy_hold = preset->entropy_hold;
    config->temperature_start = 10;
    config->temperature_end = 1;
    config->checkpoint_steps = preset->checkpoint_steps;
}

/* Gates need a pass through the supernet for each path that is judged, and observe nothing besides. */
static void apply_error_gradient(const preset_facts *preset, fnas_search_config *config) {
    bool model = config->error_gradient == FNAS_ERROR_GRADIENT_MODEL;
    config->judged_paths = model ? preset->judged_paths : 0;
    config->hypernet_rounds = model ? preset->hypernet_rounds : 1;
    config->observed_paths = model ? preset->observed_paths : 0;
    if (model && preset->observed_images) config->search_images = preset->observed_images;
}

static void apply_preset(const preset_facts *preset, fnas_search_config *config) {
    apply_optimisers(preset, config);
    apply_images(preset, config);
    apply_schedules(preset, config);
    apply_error_gradient(preset, config);
    config->condition_embeddings = preset->condition_embeddings;
    config->groups = 8;
}

/* ---- options ---- */

static fnas_status choose(fnas_context *context, const char *what, const char *word, const char *fallback, const char *const *names,
                          int *index) {
    return fnas_name_find(context, FNAS_ERR_USAGE, what, word ? word : fallback, names, index);
}

static fnas_status parse_objectives(fnas_context *context, const char *list, fnas_search_config *config) {
    const char *rest = list ? list : "error,latency_ms";
    config->objective_count = 0;
    for (;;) {
        size_t length = strcspn(rest, ",");
        char word[64] = {0};
        if (length >= sizeof word) return fnas_fail(context, FNAS_ERR_USAGE, "objectives: \"%s\" is no objective", rest);
        memcpy(word, rest, length);
        int index = 0;
        FNAS_TRY(fnas_name_find(context, FNAS_ERR_USAGE, "objective", word, fnas_names_objective, &index));
        for (int64_t i = 0; i < config->objective_count; i++) {
            if ((int)config->objectives[i] == index) return fnas_fail(context, FNAS_ERR_USAGE, "objective \"%s\" is given twice", word);
        }
        if (config->objective_count == FNAS_OBJECTIVES_MAX)
            return fnas_fail(context, FNAS_ERR_USAGE, "at most %d objectives", FNAS_OBJECTIVES_MAX);
        config->objectives[config->objective_count++] = (fnas_objective_kind)index;
        rest += length;
        if (*rest == 0) break;
        rest++;
    }
    if (config->objective_count < 2)
        return fnas_fail(context, FNAS_ERR_USAGE, "objectives: at least two are needed, such as error,latency_ms");
    if (config->objectives[0] != FNAS_OBJECTIVE_ERROR)
        return fnas_fail(context, FNAS_ERR_USAGE, "objectives: \"error\" comes first, as in error,latency_ms");
    return FNAS_OK;
}

static fnas_status choose_length(fnas_context *context, const fnas_search_options *options, const preset_facts *preset,
                                 fnas_search_config *config, int64_t *epochs) {
    int given = (options->steps != 0) + (options->epochs != 0) + (options->minutes != 0);
    if (given > 1) return fnas_fail(context, FNAS_ERR_USAGE, "give one of --steps, --epochs and --minutes, not several");
    bool sane = options->steps >= 0 && options->steps <= FNAS_SEARCH_STEPS_MAX && options->epochs >= 0 &&
                options->epochs <= FNAS_SEARCH_EPOCHS_MAX && options->minutes >= 0 &&
                options->minutes <= FNAS_SEARCH_MINUTES_MAX; /* false for NaN too */
    if (!sane)
        return fnas_fail(context, FNAS_ERR_USAGE, "the length of a search must be positive, and at most %g steps, %g epochs or %g minutes",
                         (double)FNAS_SEARCH_STEPS_MAX, (double)FNAS_SEARCH_EPOCHS_MAX, FNAS_SEARCH_MINUTES_MAX);
    bool alone = !fnas_search_has_supernet(config);
    config->steps = given ? options->steps : alone ? preset->steps_alone : preset->steps;
    *epochs = given ? options->epochs : alone ? 0 : preset->epochs;
    config->minutes = options->minutes;
    return FNAS_OK;
}

static fnas_status choose_paths(fnas_context *context, const fnas_search_options *options, const preset_facts *preset,
                                fnas_search_config *config) {
    int64_t devices = config->device_count, about = preset->paths_about;
    config->paths = options->paths ? options->paths : (about > devices ? about / devices * devices : devices);
    if (config->paths < devices || config->paths % devices != 0 || config->paths > FNAS_SEARCH_PATHS_MAX) {
        return fnas_fail(context, FNAS_ERR_USAGE, "--paths %lld: must be a multiple of the %lld search devices, at most %d",
                         (long long)config->paths, (long long)devices, FNAS_SEARCH_PATHS_MAX);
    }
    return FNAS_OK;
}

/* ---- without a supernet ---- */

/* What says how a supernet is made and trained has no use where errors come from a table. */
static fnas_status check_alone(fnas_context *context, const fnas_search_options *options, const preset_facts *preset) {
    const struct {
        const char *name;
        bool given;
    } useless[] = {
        {"data", options->data},
        {"proxy", options->proxy},
        {"batch", options->batch},
        {"precision", options->precision},
        {"epochs", options->epochs != 0},
        {"error-gradient", options->error_gradient},
        {"supernet", options->supernet},
        {"weights", options->weights},
        {"warmup", options->warmup},
        {"phases", options->phases},
        {"distillation", options->distillation},
        {"largest-paths", options->largest_paths},
        {"largest-first", options->largest_first},
    };
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++)
        if (useless[i].given)
            return fnas_fail(context, FNAS_ERR_USAGE, "--%s has no use with --error %s, which trains no supernet: leave it out",
                             useless[i].name, options->error);
    if (!preset->steps_alone)
        return fnas_fail(context, FNAS_ERR_USAGE, "--preset %s is about training a supernet: with --error %s use quick or standard",
                         preset->name, options->error);
    return FNAS_OK;
}

/* All steps are the hypernetwork's, judged by the table or the function that is fitted to it. */
static void apply_alone(fnas_search_config *config) {
    config->warmup_fraction = config->consolidate_fraction = 0;
    config->observed_paths = 0;
}

static int64_t smaller(int64_t a, double b) {
    return (double)a < b ? a : (int64_t)b;
}

fnas_status fnas_search_config_fit_data(fnas_context *context, fnas_search_config *config, int64_t train_images) {
    config->weight_images = smaller(config->weight_images, config->weight_fraction * (double)train_images);
    config->search_images = smaller(config->search_images, config->search_fraction * (double)train_images);
    /* What errors are scored on says at which level an architecture is guessing: what the split has, not what was wished for. */
    int64_t validation = train_images - (int64_t)(config->weight_fraction * (double)train_images) -
                         (int64_t)(config->search_fraction * (double)train_images);
    if (validation >= 1) config->validation_images = smaller(config->validation_images, (double)validation);
    int64_t needed = config->batch == FNAS_BATCH_SHARED ? 2 * config->paths : 2; /* batch statistics of a single image say little */
    int64_t sandwiched = 2 * config->sandwiches, pathwise = fnas_search_trains_paths(config) ? needed : 0;
    int64_t search_needed = config->error_gradient == FNAS_ERROR_GRADIENT_MODEL ? 2 : needed; /* observed paths see all of them */
    if (config->weight_images < pathwise)
        return fnas_fail(
            context, FNAS_ERR_INPUT,
            "a step's %lld images to train on leave fewer than two for each of %lld paths: use fewer --paths, --batch full or a "
            "larger data set",
            (long long)config->weight_images, (long long)(pathwise / 2));
    if (config->weight_images < sandwiched)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "a step's %lld images to train on leave fewer than two for each of the %lld parts that they are trained on in: "
                         "use a larger data set",
                         (long long)config->weight_images, (long long)config->sandwiches);
    if (config->search_images >= search_needed) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "a step has %lld images to search on and needs %lld: use %s",
                     (long long)config->search_images, (long long)search_needed,
                     search_needed > 2 ? "fewer --paths, --batch full or a larger data set" : "a larger data set");
}

fnas_status fnas_search_config_build(fnas_context *context, const fnas_search_options *options, fnas_search_config *config,
                                     int64_t *epochs) {
    const char *preset_name = options->preset ? options->preset : "standard";
    int index = 0;
    FNAS_TRY(fnas_name_find(context, FNAS_ERR_USAGE, "preset", preset_name, fnas_names_preset, &index));
    const preset_facts *preset = find_preset(preset_name);
    bool alone = options->error && strcmp(options->error, "supernet") != 0;
    if (alone) FNAS_TRY(check_alone(context, options, preset));
    config->error = alone ? FNAS_ERROR_SURROGATE : FNAS_ERROR_SUPERNET; /* or a table, when it is read */
    config->device_count = options->device_count;
    if (config->device_count < 1)
        return fnas_fail(context, FNAS_ERR_USAGE, "no search device: give at least one card with --device CARD.json");
    FNAS_TRY(choose(context, "update", options->update, "mgd", fnas_names_update, &index));
    config->update = (fnas_update_kind)index;
    FNAS_TRY(choose(context, "sampler", options->sampler, "reinmax", fnas_names_sampler, &index));
    config->sampler = (fnas_sampler_kind)index;
    FNAS_TRY(choose(context, "hypernetwork", options->hypernet, preset->hypernet, fnas_names_hypernet, &index));
    config->hypernet = (fnas_hypernet_kind)index;
    FNAS_TRY(choose(context, "start", options->start, "flat", fnas_names_start, &index));
    config->start = (fnas_start_kind)index;
    FNAS_TRY(choose(context, "scalarisation", options->scalarise, "linear", fnas_names_scalarise, &index));
    config->scalarise = (fnas_scalarise_kind)index;
    FNAS_TRY(choose(context, "batch", options->batch, preset->batch, fnas_names_batch, &index));
    config->batch = (fnas_batch_kind)index;
    FNAS_TRY(choose(context, "precision", options->precision, "f32", fnas_names_precision, &index));
    config->precision = (fnas_compute_type)index;
    FNAS_TRY(choose(context, "error gradient", options->error_gradient, preset->error_gradient, fnas_names_error_gradient, &index));
    config->error_gradient = (fnas_error_gradient_kind)index;
    FNAS_TRY(parse_objectives(context, options->objectives, config));
    FNAS_TRY(choose_length(context, options, preset, config, epochs));
    apply_preset(preset, config);
    if (alone) apply_alone(config);
    FNAS_TRY(choose_paths(context, options, preset, config));
    if (options->checkpoint_steps < 0 || options->checkpoint_steps > FNAS_SEARCH_STEPS_MAX) {
        return fnas_fail(context, FNAS_ERR_USAGE, "--checkpoint-steps must be positive, at most %g", (double)FNAS_SEARCH_STEPS_MAX);
    }
    if (options->checkpoint_steps) config->checkpoint_steps = options->checkpoint_steps;
    config->seed = options->seed;
    config->preset = fnas_strdup(preset_name);
    config->proxy = fnas_strdup(alone ? "" : options->proxy ? options->proxy : preset->proxy);
    config->start_weights = fnas_strdup("");
    if (!config->preset || !config->proxy || !config->start_weights) return fnas_fail_memory(context, "the configuration");
    return FNAS_OK;
}

void fnas_search_config_free(fnas_search_config *config) {
    fnas_free(config->space);
    fnas_free(config->supernet);
    fnas_free(config->data);
    fnas_free(config->preset);
    fnas_free(config->proxy);
    fnas_free(config->start_weights);
    for (int64_t i = 0; config->device_names && i < config->device_count; i++) fnas_free(config->device_names[i]);
    fnas_free(config->device_names);
    *config = (fnas_search_config){0};
}
