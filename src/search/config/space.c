/* What a preset and the options say of training the shared weights of a space: in phases where it has them, moving or frozen. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "search/config/config.h"
#include "search/config/names.h"
#include "search/config/numbers.h"

/* ---- presets of spaces with phases: what differs ---- */

typedef struct shrink_facts {
    const char *preset;
    int64_t steps, epochs; /* one of them */
    int64_t weight_images, search_images, observed_images;
    int64_t sandwiches, sandwich_paths;
    bool published_phases; /* of the two sets of lengths that a space has for its phases */
    double distillation, warmup_fraction;
    double weight_rate, weight_decay, label_smoothing;
    double hypernet_rate, hypernet_decay; /* in the place of those for any space; 0: these are good */
    int64_t augment, validation_images, recalibration_images;
    double weight_fraction, search_fraction;
} shrink_facts;

static const shrink_facts SHRINKING[] = {
    {.preset = "quick",
     .steps = 1200,
     .weight_images = 128,
     .search_images = 128,
     .observed_images = 64,
     .sandwiches = 2,
     .sandwich_paths = 4,
     .distillation = 0.5,
     .warmup_fraction = 0.75,
     .weight_rate = 0.1,
     .weight_decay = 3e-5,
     .augment = 1,
     .validation_images = 1000,
     .recalibration_images = 512,
     .weight_fraction = 0.8,
     .search_fraction = 0.1},
    {.preset = "standard",
     .epochs = 40,
     .weight_images = 128,
     .search_images = 128,
     .observed_images = 64,
     .sandwiches = 2,
     .sandwich_paths = 4,
     .distillation = 0.5,
     .warmup_fraction = 0.75,
     .weight_rate = 0.1,
     .weight_decay = 3e-5,
     .augment = 1,
     .validation_images = 2000,
     .recalibration_images = 1024,
     .weight_fraction = 0.8,
     .search_fraction = 0.1},
    {.preset = "paper", /* Sukthanker et al. 2025: 55 epochs of 501 steps on trained weights */
     .steps = 27555,
     .weight_images = 256,
     .search_images = 32,
     .observed_images = 32,
     .sandwiches = 2,
     .sandwich_paths = 4,
     .published_phases = true, /* for who asks for a warm-up */
     .distillation = 0.5,
     .warmup_fraction = 0,
     .weight_rate = 0.1,
     .weight_decay = 3e-5,
     .label_smoothing = 0.1,
     .hypernet_rate = 8e-5, /* 1e-5 times their eight processors, whatever the number of devices */
     .hypernet_decay = 1e-3,
     .augment = 1,
     .validation_images = 2000,
     .recalibration_images = 2000,
     .weight_fraction = 0.8,
     .search_fraction = 0.1},
};

static const shrink_facts *find_facts(const char *preset) {
    size_t i = 0;
    while (strcmp(SHRINKING[i].preset, preset) != 0) i++; /* presets have been checked */
    return &SHRINKING[i];
}

static void apply_facts(const shrink_facts *facts, fnas_search_config *config) {
    bool model = config->error_gradient == FNAS_ERROR_GRADIENT_MODEL;
    config->weight_images = facts->weight_images;
    config->search_images = model ? facts->observed_images : facts->search_images;
    config->sandwiches = facts->sandwiches;
    config->sandwich_paths = facts->sandwich_paths;
    config->distillation = facts->distillation;
    config->weight_rate = facts->weight_rate;
    config->weight_decay = facts->weight_decay;
    config->label_smoothing = facts->label_smoothing;
    if (facts->hypernet_rate > 0) {
        config->hypernet_rate = facts->hypernet_rate;
        config->hypernet_decay = facts->hypernet_decay;
    }
    config->augment = facts->augment;
    config->validation_images = facts->validation_images;
    config->recalibration_images = facts->recalibration_images;
    config->weight_fraction = facts->weight_fraction;
    config->search_fraction = facts->search_fraction;
}

static void apply_length(const shrink_facts *facts, const fnas_search_options *options, fnas_search_config *config, int64_t *epochs) {
    if (options->steps || options->epochs || options->minutes != 0) return;
    config->steps = facts->steps;
    *epochs = facts->epochs;
}

/* ---- phases ---- */

static fnas_status fail_phases(fnas_context *context, const fnas_space *space, const char *text) {
    return fnas_fail(context, FNAS_ERR_USAGE,
                     "--phases %s: must be none or %lld numbers that are not all 0, one for each phase of %s, such as 4,2,2,2", text,
                     (long long)fnas_space_phase_count(space), fnas_space_name(space));
}

static fnas_status read_phases(fnas_context *context, const fnas_space *space, const char *text, fnas_search_config *config) {
    int64_t count = fnas_space_phase_count(space);
    double sum = 0;
    config->phase_count = 0;
    if (fnas_option_is_none(text)) return FNAS_OK;
    const char *rest = text;
    for (int64_t p = 0; p < count; p++) {
        const char *at = rest;
        if (!fnas_option_number(at, &rest, &config->phase_shares[p]) || (*rest == ',') != (p < count - 1))
            return fail_phases(context, space, text);
        if (*rest == ',') rest++;
        sum += config->phase_shares[p];
    }
    if (!(sum > 0 && isfinite(sum))) return fail_phases(context, space, text);
    config->phase_count = count;
    return FNAS_OK;
}

static fnas_status choose_phases(fnas_context *context, const fnas_search_options *options, const fnas_space *space,
                                 const shrink_facts *facts, fnas_search_config *config) {
    config->phase_count = fnas_space_phase_count(space);
    const double *shares = facts->published_phases ? space->type->phase_published : space->type->phase_shares;
    memcpy(config->phase_shares, shares, (size_t)config->phase_count * sizeof *shares);
    if (options->phases) FNAS_TRY(read_phases(context, space, options->phases, config));
    if (!options->distillation) return FNAS_OK;
    return fnas_option_fraction(context, "distillation", options->distillation, 1, "1", &config->distillation);
}

/* ---- stages ---- */

/* Changes the stages' lengths; the entropy is held for the same part of the steps in which the hypernetwork learns. */
static void resize_stages(fnas_search_config *config, double warmup, double consolidate) {
    double searched = 1 - config->warmup_fraction - config->consolidate_fraction;
    double held = fmax((config->entropy_hold - config->warmup_fraction) / searched, 0);
    config->warmup_fraction = warmup;
    config->consolidate_fraction = consolidate;
    config->entropy_hold = warmup + held * (1 - warmup - consolidate);
}

fnas_status fnas_search_config_choose_stages(fnas_context *context, const fnas_search_options *options, double preset_warmup,
                                             fnas_search_config *config) {
    bool frozen = config->shared_weights == FNAS_WEIGHTS_FROZEN;
    double warmup = options->weights ? 0 : preset_warmup, consolidate = frozen ? 0 : config->consolidate_fraction;
    if (options->warmup) FNAS_TRY(fnas_option_fraction(context, "warmup", options->warmup, 0.99, "0.99", &warmup));
    if (warmup + consolidate >= 1)
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "--warmup %s: the last %g of the steps consolidate the shared weights: leave some between", options->warmup,
                         consolidate);
    if (frozen && warmup == 0 && !options->weights)
        return fnas_fail(
            context, FNAS_ERR_USAGE,
            "shared weights that are frozen and have no warm-up tell nothing: give trained ones with --weights, or a --warmup");
    if (warmup != config->warmup_fraction || consolidate != config->consolidate_fraction) resize_stages(config, warmup, consolidate);
    return FNAS_OK;
}

/* ---- all of it ---- */

/* Options of the largest network, whose use is where networks translate. */
static fnas_status refuse_largest(fnas_context *context, const fnas_search_options *options, const fnas_space *space) {
    const char *name = options->largest_paths ? "paths" : options->largest_first ? "first" : NULL;
    bool phased = fnas_space_phase_count(space) > 0;
    if (!name) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE, "--largest-%s: the networks of %s do not translate%s: leave it out", name,
                     fnas_space_name(space), phased ? ", and their phases have the largest one in every step" : "");
}

static fnas_status refuse(fnas_context *context, const fnas_search_options *options, const fnas_space *space) {
    const struct { const char *name, *given; } phased[] = {{"phases", options->phases}, {"distillation", options->distillation}};
    for (size_t i = 0; i < sizeof phased / sizeof *phased; i++)
        if (phased[i].given)
            return fnas_fail(context, FNAS_ERR_USAGE, "--%s: the shared weights of %s are not trained in phases: leave it out",
                             phased[i].name, fnas_space_name(space));
    return FNAS_OK;
}

/* Sandwiches share images out in their own way, and what is observed sees all of them. */
static bool asks_for_batch(const fnas_search_config *config) {
    return config->sandwiches == 0 || config->shared_weights == FNAS_WEIGHTS_MOVING || config->error_gradient == FNAS_ERROR_GRADIENT_GATES;
}

static fnas_status check_use(fnas_context *context, const fnas_search_options *options, const fnas_space *space,
                             const fnas_search_config *config) {
    const char *name = options->phases ? "phases" : options->distillation ? "distillation" : NULL;
    if (options->batch && !asks_for_batch(config))
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "--batch has no use where the shared weights of %s are trained in phases and then frozen: leave it out, or give "
                         "--supernet moving or --error-gradient gates",
                         fnas_space_name(space));
    if (!name || config->warmup_fraction > 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE,
                     "--%s has no use without a warm-up, in which the phases are: leave it out, or give a --warmup", name);
}

fnas_status fnas_search_config_fit_space(fnas_context *context, const fnas_search_options *options, const fnas_space *space,
                                         fnas_search_config *config, int64_t *epochs) {
    if (!fnas_search_has_supernet(config)) return FNAS_OK;
    if (fnas_space_translates(space)) return fnas_search_config_fit_sentences(context, options, space, config, epochs);
    bool phased = fnas_space_phase_count(space) > 0;
    int kind = 0;
    double warmup = config->warmup_fraction;
    FNAS_TRY(fnas_name_find(context, FNAS_ERR_USAGE, "supernet",
                            options->supernet ? options->supernet
                            : phased          ? "frozen"
                                              : "moving",
                            fnas_names_shared_weights, &kind));
    config->shared_weights = (fnas_weights_kind)kind;
    FNAS_TRY(refuse_largest(context, options, space));
    if (phased) {
        const shrink_facts *facts = find_facts(config->preset);
        apply_facts(facts, config);
        apply_length(facts, options, config, epochs);
        FNAS_TRY(choose_phases(context, options, space, facts, config));
        /* Weights that move are consolidated at the end: the warm-up is the same part of what that leaves. */
        bool moving = config->shared_weights == FNAS_WEIGHTS_MOVING;
        warmup = facts->warmup_fraction * (moving ? 1 - config->consolidate_fraction : 1);
    } else {
        FNAS_TRY(refuse(context, options, space));
    }
    FNAS_TRY(fnas_search_config_choose_stages(context, options, warmup, config));
    FNAS_TRY(check_use(context, options, space, config));
    if (!phased || options->proxy) return FNAS_OK;
    fnas_free(config->proxy); /* the presets' is another space's */
    config->proxy = fnas_strdup("");
    return config->proxy ? FNAS_OK : fnas_fail_memory(context, "the configuration");
}
