/* Presets, options and config.json. */
#include "search/config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/card.h"
#include "search/names.h"

/* Of both options and config.json: what is written must be read again. */
#define STEPS_MAX INT64_C(1000000000000)
#define EPOCHS_MAX INT64_C(100000) /* times an epoch's steps, at most the ten million images of a data set: STEPS_MAX */
#define MINUTES_MAX 1e6
#define PATHS_MAX 4096
#define PIECES_MAX 1e6 /* as data/text/vocabulary.h has it */

/* ---- names ---- */

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

const char *const fnas_names_objective[] = {"error", "latency_ms", "macs", "params", "energy_mj", NULL};
const char *const fnas_names_error[] = {"supernet", "surrogate", "table", NULL};
const char *const fnas_names_update[] = {"mgd", "mean", "sequential", "sample", NULL};
const char *const fnas_names_sampler[] = {"reinmax", "gdas", NULL};
const char *const fnas_names_hypernet[] = {"table", "continuous", NULL};
const char *const fnas_names_start[] = {"flat", "random", NULL};
const char *const fnas_names_scalarise[] = {"linear", "chebyshev", NULL};
const char *const fnas_names_batch[] = {"shared", "full", NULL};
const char *const fnas_names_precision[] = {"f32", "bf16", NULL};
const char *const fnas_names_error_gradient[] = {"gates", "model", NULL};
const char *const fnas_names_shared_weights[] = {"moving", "frozen", NULL};
const char *const fnas_names_preset[] = {"quick", "standard", "paper", NULL};

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

fnas_status fnas_name_find(fnas_context *context, fnas_status status, const char *what, const char *word, const char *const *names,
                           int *index) {
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], word) == 0) {
            *index = i;
            return FNAS_OK;
        }
    }
    fnas_text known = {0};
    for (int i = 0; names[i]; i++) fnas_text_append(&known, "%s%s", i ? ", " : "", names[i]);
    const char *near = fnas_suggest(word, names);
    fnas_status failed = near ? fnas_fail(context, status, "unknown %s \"%s\": did you mean \"%s\"? (known: %s)", what, word, near,
                                          known.data ? known.data : "")
                              : fnas_fail(context, status, "unknown %s \"%s\": use one of %s", what, word, known.data ? known.data : "");
    fnas_text_free(&known);
    return failed;
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
    bool sane = options->steps >= 0 && options->steps <= STEPS_MAX && options->epochs >= 0 && options->epochs <= EPOCHS_MAX &&
                options->minutes >= 0 && options->minutes <= MINUTES_MAX; /* false for NaN too */
    if (!sane)
        return fnas_fail(context, FNAS_ERR_USAGE, "the length of a search must be positive, and at most %g steps, %g epochs or %g minutes",
                         (double)STEPS_MAX, (double)EPOCHS_MAX, MINUTES_MAX);
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
    if (config->paths < devices || config->paths % devices != 0 || config->paths > PATHS_MAX) {
        return fnas_fail(context, FNAS_ERR_USAGE, "--paths %lld: must be a multiple of the %lld search devices, at most %d",
                         (long long)config->paths, (long long)devices, PATHS_MAX);
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
        {"largest-paths", options->largest_paths != 0},
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

/* Whether the weights are ever trained on paths: where a space has phases, behind the warm-up, unless they are frozen then. */
static bool trains_paths(const fnas_search_config *config) {
    return config->sandwiches == 0 || config->shared_weights == FNAS_WEIGHTS_MOVING;
}

fnas_status fnas_search_config_fit_data(fnas_context *context, fnas_search_config *config, int64_t train_images) {
    config->weight_images = smaller(config->weight_images, config->weight_fraction * (double)train_images);
    config->search_images = smaller(config->search_images, config->search_fraction * (double)train_images);
    /* What errors are scored on says at which level an architecture is guessing: what the split has, not what was wished for. */
    int64_t validation = train_images - (int64_t)(config->weight_fraction * (double)train_images) -
                         (int64_t)(config->search_fraction * (double)train_images);
    if (validation >= 1) config->validation_images = smaller(config->validation_images, (double)validation);
    int64_t needed = config->batch == FNAS_BATCH_SHARED ? 2 * config->paths : 2; /* batch statistics of a single image say little */
    int64_t sandwiched = 2 * config->sandwiches, pathwise = trains_paths(config) ? needed : 0;
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
    if (options->checkpoint_steps < 0 || options->checkpoint_steps > STEPS_MAX) {
        return fnas_fail(context, FNAS_ERR_USAGE, "--checkpoint-steps must be positive, at most %g", (double)STEPS_MAX);
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

/* ---- config.json: one table of fields drives writing and reading ---- */

typedef enum field_kind { FIELD_TEXT, FIELD_NAME, FIELD_INTEGER, FIELD_SEED, FIELD_NUMBER } field_kind;

typedef struct field {
    const char *key;
    field_kind kind;
    size_t offset;
    const char *const *names; /* FIELD_NAME */
    double minimum, maximum;  /* numbers and integers */
} field;

#define OFFSET(member) offsetof(fnas_search_config, member)
#define TEXT(member)                                                                                                                       \
    { #member, FIELD_TEXT, OFFSET(member), NULL, 0, 0 }
#define NAME(member)                                                                                                                       \
    { #member, FIELD_NAME, OFFSET(member), fnas_names_##member, 0, 0 }
#define INTEGER(member, low, high)                                                                                                         \
    { #member, FIELD_INTEGER, OFFSET(member), NULL, low, high }
#define NUMBER(member, low, high)                                                                                                          \
    { #member, FIELD_NUMBER, OFFSET(member), NULL, low, high }

static const field FIELDS[] = {
    TEXT(space),
    TEXT(supernet),
    TEXT(data),
    TEXT(preset),
    TEXT(proxy),
    NAME(update),
    NAME(sampler),
    NAME(hypernet),
    NAME(start),
    NAME(scalarise),
    NAME(batch),
    NAME(precision),
    NAME(error_gradient),
    {"seed", FIELD_SEED, OFFSET(seed), NULL, 0, 0},
    INTEGER(steps, 0, STEPS_MAX),
    NUMBER(minutes, 0, MINUTES_MAX),
    INTEGER(condition_embeddings, 0, 1),
    INTEGER(paths, 1, PATHS_MAX),
    INTEGER(judged_paths, 0, 64),
    INTEGER(hypernet_rounds, 1, 100),
    INTEGER(observed_paths, 0, PATHS_MAX),
    INTEGER(groups, 1, 64),
    INTEGER(weight_images, 1, 1e6),
    INTEGER(search_images, 1, 1e6),
    NUMBER(warmup_fraction, 0, 1),
    NUMBER(consolidate_fraction, 0, 1),
    INTEGER(checkpoint_steps, 1, STEPS_MAX),
    NUMBER(weight_fraction, 0, 1),
    NUMBER(search_fraction, 0, 1),
    NUMBER(weight_rate, 0, 1e3),
    NUMBER(weight_rate_end, 0, 1e3),
    NUMBER(consolidate_rate, 0, 1e3),
    NUMBER(weight_momentum, 0, 1),
    NUMBER(weight_decay, 0, 1e3),
    NUMBER(weight_clip, 0, 1e9),
    NUMBER(hypernet_rate, 0, 1e3),
    NUMBER(hypernet_beta1, 0, 0.999999),
    NUMBER(hypernet_beta2, 0, 0.999999),
    NUMBER(hypernet_decay, 0, 1e3),
    NUMBER(label_smoothing, 0, 1),
    INTEGER(augment, 0, 1),
    NUMBER(uniform_fraction, 0, 1),
    NUMBER(entropy_start, 0, 1e3),
    NUMBER(entropy_end, 0, 1e3),
    NUMBER(entropy_hold, 0, 1),
    NUMBER(temperature_start, 1e-3, 1e3),
    NUMBER(temperature_end, 1e-3, 1e3),
    INTEGER(validation_images, 1, 1e9),
    INTEGER(recalibration_images, 1, 1e9),
};
#define FIELD_COUNT (sizeof FIELDS / sizeof FIELDS[0])

/* Written only where they say something, and then all of them. */
static const field FROZEN_FIELDS[] = {NAME(shared_weights)};
static const field START_FIELDS[] = {TEXT(start_weights)};
static const field SENTENCE_FIELDS[] = {
    INTEGER(vocabulary, 1, PIECES_MAX), INTEGER(vocabulary_crc, 0, UINT32_MAX), INTEGER(weight_ids, 1, 1e6),
    INTEGER(search_ids, 1, 1e6),        INTEGER(largest_paths, 0, PATHS_MAX),   NUMBER(dropout, 0, 0.99),
    NUMBER(attention_dropout, 0, 0.99), NUMBER(weight_beta1, 0, 0.999999),      NUMBER(weight_beta2, 0, 0.999999),
    NUMBER(rate_warmup, 0, 1),
};
static const field SHRINK_FIELDS[] = {
    INTEGER(sandwiches, 1, 1024),
    INTEGER(sandwich_paths, 2, 1024),
    NUMBER(distillation, 0, 1),
};
#define FIELD_NUMBER_OF(fields) ((int64_t)(sizeof fields / sizeof fields[0]))

/* A group of fields that a configuration may lack: it is there where its first key is. */
typedef struct field_group {
    const field *fields;
    int64_t count;
    bool (*is_said)(const fnas_search_config *config);
} field_group;

static bool is_frozen(const fnas_search_config *config) {
    return config->shared_weights != FNAS_WEIGHTS_MOVING;
}

static bool has_start(const fnas_search_config *config) {
    return config->start_weights && config->start_weights[0];
}

static bool shrinks(const fnas_search_config *config) {
    return config->sandwiches > 0;
}

static const field_group GROUPS[] = {{FROZEN_FIELDS, FIELD_NUMBER_OF(FROZEN_FIELDS), is_frozen},
                                     {START_FIELDS, FIELD_NUMBER_OF(START_FIELDS), has_start},
                                     {SHRINK_FIELDS, FIELD_NUMBER_OF(SHRINK_FIELDS), shrinks},
                                     {SENTENCE_FIELDS, FIELD_NUMBER_OF(SENTENCE_FIELDS), fnas_search_translates}};
#define GROUP_COUNT (sizeof GROUPS / sizeof GROUPS[0])

/* Enumerations are stored as int; the table reads and writes them as such. */
_Static_assert(sizeof(fnas_update_kind) == sizeof(int) && sizeof(fnas_hypernet_kind) == sizeof(int), "enumerations are read as int");

static json_t *field_to_json(const field *item, const fnas_search_config *config) {
    const char *base = (const char *)config + item->offset;
    switch (item->kind) {
    case FIELD_TEXT:
        return json_string(*(char *const *)base);
    case FIELD_NAME:
        return json_string(item->names[*(const int *)base]);
    case FIELD_INTEGER:
        return json_integer(*(const int64_t *)base);
    case FIELD_SEED: { /* all 64 bits: JSON integers are signed */
        char digits[32];
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)*(const uint64_t *)base);
        return json_string(digits);
    }
    case FIELD_NUMBER:
        return json_real(*(const double *)base);
    }
    return NULL;
}

static fnas_status seed_from_text(fnas_context *context, const char *where, const char *text, uint64_t *seed) {
    uint64_t value = 0;
    size_t length = strlen(text);
    bool good = length > 0 && length < 20 && strspn(text, "0123456789") == length;
    for (size_t i = 0; good && i < length; i++) value = value * 10 + (uint64_t)(text[i] - '0');
    if (length == 20 && strspn(text, "0123456789") == 20 && strcmp(text, "18446744073709551615") <= 0) {
        good = true;
        for (size_t i = 0; i < length; i++) value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (!good) return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"seed\" must be a whole number in quotes", where);
    *seed = value;
    return FNAS_OK;
}

static fnas_status field_from_json(fnas_context *context, const json_t *root, const char *where, const field *item,
                                   fnas_search_config *config) {
    char *base = (char *)config + item->offset;
    const char *text = NULL;
    switch (item->kind) {
    case FIELD_TEXT:
        FNAS_TRY(fnas_json_string(context, root, where, item->key, &text));
        *(char **)base = fnas_strdup(text);
        return *(char **)base ? FNAS_OK : fnas_fail_memory(context, "the configuration");
    case FIELD_NAME:
        FNAS_TRY(fnas_json_string(context, root, where, item->key, &text));
        return fnas_name_find(context, FNAS_ERR_INPUT, item->key, text, item->names, (int *)base);
    case FIELD_INTEGER:
        return fnas_json_integer(context, root, where, item->key, (int64_t)item->minimum, (int64_t)item->maximum, (int64_t *)base);
    case FIELD_SEED:
        FNAS_TRY(fnas_json_string(context, root, where, item->key, &text));
        return seed_from_text(context, where, text, (uint64_t *)base);
    case FIELD_NUMBER: {
        double value = 0;
        FNAS_TRY(fnas_json_number(context, root, where, item->key, &value));
        if (value < item->minimum || value > item->maximum) {
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%s\" is %g, must be in %g..%g", where, item->key, value, item->minimum,
                             item->maximum);
        }
        *(double *)base = value;
        return FNAS_OK;
    }
    }
    return FNAS_OK;
}

static int groups_to_json(const fnas_search_config *config, json_t *root) {
    int bad = 0;
    for (size_t g = 0; g < GROUP_COUNT; g++) {
        const field *fields = GROUPS[g].fields;
        for (int64_t i = 0; GROUPS[g].is_said(config) && i < GROUPS[g].count; i++)
            bad |= json_object_set_new(root, fields[i].key, field_to_json(&fields[i], config));
    }
    json_t *phases = json_array();
    for (int64_t p = 0; p < config->phase_count; p++) bad |= json_array_append_new(phases, json_real(config->phase_shares[p]));
    if (shrinks(config)) return bad | json_object_set_new(root, "phases", phases);
    json_decref(phases);
    return bad;
}

static fnas_status phases_from_json(fnas_context *context, const json_t *root, const char *path, fnas_search_config *config) {
    json_t *phases = NULL;
    double sum = 0;
    FNAS_TRY(fnas_json_array(context, root, path, "phases", &phases));
    config->phase_count = (int64_t)json_array_size(phases);
    if (config->phase_count > FNAS_SPACE_PHASES_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"phases\" has more than %d numbers", path, FNAS_SPACE_PHASES_MAX);
    for (int64_t p = 0; p < config->phase_count; p++) {
        const json_t *share = json_array_get(phases, (size_t)p);
        config->phase_shares[p] = json_is_number(share) ? json_number_value(share) : -1;
        if (!(config->phase_shares[p] >= 0)) return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"phases\" must be numbers from 0 on", path);
        sum += config->phase_shares[p];
    }
    if (config->phase_count == 0 || sum > 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"phases\" must not all be 0", path);
}

static fnas_status groups_from_json(fnas_context *context, const json_t *root, const char *path, fnas_search_config *config) {
    for (size_t g = 0; g < GROUP_COUNT; g++) {
        const field *fields = GROUPS[g].fields;
        if (!json_object_get(root, fields[0].key)) continue;
        for (int64_t i = 0; i < GROUPS[g].count; i++) FNAS_TRY(field_from_json(context, root, path, &fields[i], config));
    }
    if (shrinks(config)) FNAS_TRY(phases_from_json(context, root, path, config));
    if (config->start_weights) return FNAS_OK;
    config->start_weights = fnas_strdup("");
    return config->start_weights ? FNAS_OK : fnas_fail_memory(context, "the configuration");
}

fnas_status fnas_search_config_write(fnas_context *context, const fnas_search_config *config, const char *path) {
    json_t *root = json_object();
    int bad = json_object_set_new(root, "format", json_string("fleetnas-run/4"));
    for (size_t i = 0; i < FIELD_COUNT; i++) bad |= json_object_set_new(root, FIELDS[i].key, field_to_json(&FIELDS[i], config));
    if (!fnas_search_has_supernet(config)) bad |= json_object_set_new(root, "error", json_string(fnas_names_error[config->error]));
    bad |= groups_to_json(config, root);
    json_t *objectives = json_array(), *devices = json_array();
    for (int64_t i = 0; i < config->objective_count; i++)
        bad |= json_array_append_new(objectives, json_string(fnas_objective_name(config->objectives[i])));
    for (int64_t i = 0; i < config->device_count; i++) bad |= json_array_append_new(devices, json_string(config->device_names[i]));
    bad |= json_object_set_new(root, "objectives", objectives);
    bad |= json_object_set_new(root, "devices", devices);
    fnas_status status = bad ? fnas_fail_memory(context, "config.json") : fnas_json_write(context, path, root);
    json_decref(root);
    return status;
}

static fnas_status read_lists(fnas_context *context, const json_t *root, const char *path, fnas_search_config *config) {
    json_t *objectives = NULL, *devices = NULL;
    FNAS_TRY(fnas_json_array(context, root, path, "objectives", &objectives));
    FNAS_TRY(fnas_json_array(context, root, path, "devices", &devices));
    int64_t objective_count = (int64_t)json_array_size(objectives), device_count = (int64_t)json_array_size(devices);
    if (objective_count < 2 || objective_count > FNAS_OBJECTIVES_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"objectives\" needs 2 to 8 names", path);
    if (device_count < 1 || device_count > PATHS_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"devices\" needs 1 to %d names", path, PATHS_MAX);
    for (int64_t i = 0; i < objective_count; i++) {
        const char *name = json_string_value(json_array_get(objectives, (size_t)i));
        int index = 0;
        FNAS_TRY(fnas_name_find(context, FNAS_ERR_INPUT, "objective", name ? name : "", fnas_names_objective, &index));
        config->objectives[i] = (fnas_objective_kind)index;
    }
    config->objective_count = objective_count;
    config->device_names = fnas_allocate((size_t)device_count, sizeof *config->device_names);
    if (!config->device_names) return fnas_fail_memory(context, "device names");
    config->device_count = device_count;
    for (int64_t i = 0; i < device_count; i++) {
        const char *name = json_string_value(json_array_get(devices, (size_t)i));
        if (!name || fnas_card_check_name(context, name) != FNAS_OK)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"devices\"[%lld] is no device name", path, (long long)i);
        config->device_names[i] = fnas_strdup(name);
        if (!config->device_names[i]) return fnas_fail_memory(context, "device names");
    }
    return FNAS_OK;
}

/* Of networks that translate. */
static fnas_status check_sentences(fnas_context *context, const fnas_search_config *config, const char *path) {
    if (!fnas_search_has_supernet(config))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: there must be no \"vocabulary\" with \"error\": \"%s\"", path,
                         fnas_names_error[config->error]);
    if (config->precision != FNAS_COMPUTE_F32)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"precision\" must be \"f32\" where networks translate", path);
    if (shrinks(config)) return fnas_fail(context, FNAS_ERR_INPUT, "%s: there must be no \"sandwiches\" where networks translate", path);
    if (config->largest_paths > config->paths)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"largest_paths\" must be at most \"paths\"", path);
    return FNAS_OK;
}

/* What the steps rely on, and no single field can say. */
static fnas_status check_consistent(fnas_context *context, const fnas_search_config *config, const char *path) {
    if (config->objectives[0] != FNAS_OBJECTIVE_ERROR)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"objectives\" must begin with \"error\"", path);
    for (int64_t i = 1; i < config->objective_count; i++) {
        for (int64_t k = 0; k < i; k++) {
            if (config->objectives[k] == config->objectives[i])
                return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"objectives\" has \"%s\" twice", path,
                                 fnas_objective_name(config->objectives[i]));
        }
    }
    if (config->steps == 0 && config->minutes == 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"steps\" and \"minutes\" are both 0: one of them says how long the search is",
                         path);
    if (config->paths % config->device_count != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"paths\" is %lld, no multiple of the %lld devices", path, (long long)config->paths,
                         (long long)config->device_count);
    if (config->judged_paths > 0 && config->error_gradient == FNAS_ERROR_GRADIENT_GATES)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"judged_paths\" must be 0 with \"error_gradient\": \"gates\"", path);
    if ((config->entropy_start > 0) != (config->entropy_end > 0))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"entropy_start\" and \"entropy_end\" must both be positive, or both 0", path);
    if (config->warmup_fraction + config->consolidate_fraction >= 1)
        return fnas_fail(
            context, FNAS_ERR_INPUT,
            "%s: \"warmup_fraction\" and \"consolidate_fraction\" must sum to less than 1: the hypernetwork learns between them", path);
    if (config->entropy_start > 0 && config->entropy_hold >= 1 - config->consolidate_fraction)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: \"entropy_hold\" and \"consolidate_fraction\" must sum to less than 1: the entropy falls between them", path);
    if (config->consolidate_fraction > 0 && config->consolidate_rate < config->weight_rate_end)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"consolidate_rate\" must be at least \"weight_rate_end\", which it falls to", path);
    if (config->hypernet_rounds > 1 && config->error_gradient == FNAS_ERROR_GRADIENT_GATES)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"hypernet_rounds\" must be 1 with \"error_gradient\": \"gates\"", path);
    if (fnas_search_translates(config)) FNAS_TRY(check_sentences(context, config, path));
    if (!fnas_search_has_supernet(config)) {
        if (config->warmup_fraction == 0 && config->consolidate_fraction == 0 && config->observed_paths == 0) return FNAS_OK;
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: \"warmup_fraction\", \"consolidate_fraction\" and \"observed_paths\" must be 0 with \"error\": \"%s\"", path,
                         fnas_names_error[config->error]);
    }
    bool model = config->error_gradient == FNAS_ERROR_GRADIENT_MODEL;
    if (model ? config->observed_paths < 2 : config->observed_paths != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"observed_paths\" must be 0 with \"error_gradient\": \"gates\", else at least 2",
                         path);
    if (fnas_search_translates(config)) return FNAS_OK; /* what follows is about images */
    int64_t shared = config->batch == FNAS_BATCH_SHARED ? config->paths : 1;
    int64_t trained = trains_paths(config) ? shared : 1;
    if (config->weight_images < config->sandwiches)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"weight_images\" are too few for %lld \"sandwiches\"", path,
                         (long long)config->sandwiches);
    if (config->weight_images < trained || config->search_images < (model ? 2 : shared))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"weight_images\" or \"search_images\" are too few for %lld paths", path,
                         (long long)config->paths);
    return FNAS_OK;
}

static fnas_status config_from_json(fnas_context *context, const json_t *root, const char *path, fnas_search_config *config) {
    const char *format = NULL;
    FNAS_TRY(fnas_json_string(context, root, path, "format", &format));
    if (strcmp(format, "fleetnas-run/4") != 0) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"format\" is \"%s\", this version reads \"fleetnas-run/4\"", path, format);
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) FNAS_TRY(field_from_json(context, root, path, &FIELDS[i], config));
    const field error = NAME(error);
    if (json_object_get(root, "error")) FNAS_TRY(field_from_json(context, root, path, &error, config)); /* none: the supernet's */
    FNAS_TRY(groups_from_json(context, root, path, config));
    FNAS_TRY(read_lists(context, root, path, config));
    return check_consistent(context, config, path);
}

fnas_status fnas_search_config_read(fnas_context *context, const char *path, fnas_search_config *config) {
    json_t *root = NULL;
    FNAS_TRY(fnas_json_read(context, path, 1 << 20, &root));
    *config = (fnas_search_config){0};
    fnas_status status = config_from_json(context, root, path, config);
    json_decref(root);
    if (status != FNAS_OK) fnas_search_config_free(config);
    return status;
}
