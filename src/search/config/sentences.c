/* What a preset and the options say of networks that translate: Transformers, trained as such are (Vaswani et al. 2017; Wang et al. 2020,
 * "HAT"). */
#include <string.h>

#include "base/memory.h"
#include "search/config/config.h"
#include "search/config/names.h"
#include "search/config/numbers.h"

/* ---- presets: what differs ---- */

/* How long a search is, and what of the data a step takes. */
typedef struct sentence_facts {
    const char *preset;
    const struct training_facts *training;
    int64_t steps, epochs; /* one of them */
    int64_t weight_ids, search_ids, observed_ids;
    int64_t validation_pairs, checkpoint_steps;
} sentence_facts;

/* How it learns. */
typedef struct training_facts {
    int64_t paths_about, largest_paths, observed_paths, judged_paths, hypernet_rounds;
    double warmup_fraction, largest_first, consolidate_fraction, entropy_hold, uniform_fraction;
    double weight_rate, weight_rate_end, consolidate_rate, rate_warmup, weight_clip;
    double hypernet_rate, hypernet_decay; /* in the place of those for any space; 0: these are good */
    double dropout, attention_dropout, distillation;
    fnas_scalarise_kind scalarise;
} training_facts;

/* Weighted sums have their minima on the convex hull of a front alone. A Transformer's width is worth, and costs, more than all its other
 * choices, so that this hull has few corners and long gaps between them: by Chebyshev's distance preferences reach what lies there. */
static const training_facts OURS = {.paths_about = 8,
                                    .largest_paths = 4,
                                    .observed_paths = 4,
                                    .judged_paths = 15,
                                    .hypernet_rounds = 6,
                                    .warmup_fraction = 0.4,
                                    .largest_first = 0.25,
                                    .consolidate_fraction = 0.2,
                                    .entropy_hold = 0.6,
                                    .uniform_fraction = 0.5,
                                    .weight_rate = 1e-3,
                                    .weight_rate_end = 1e-5,
                                    .consolidate_rate = 3e-4,
                                    .rate_warmup = 0.05,
                                    .weight_clip = 5,
                                    .dropout = 0.1,
                                    .distillation = 0.5,
                                    .scalarise = FNAS_SCALARISE_CHEBYSHEV};

/* Sukthanker et al. 2025: all steps search; one network a device and micro-batch, of these 16. */
static const training_facts PAPERS = {.paths_about = 32,
                                      .observed_paths = 8,
                                      .judged_paths = 15, /* these three only with --error-gradient model, which the paper has not */
                                      .hypernet_rounds = 1,
                                      .weight_rate = 1e-3,
                                      .weight_rate_end = 1e-7,
                                      .rate_warmup = 0.25,
                                      .weight_clip = 1e9, /* none */
                                      .hypernet_rate = 3e-4,
                                      .hypernet_decay = 1e-3,
                                      .dropout = 0.3,
                                      .attention_dropout = 0.1,
                                      .scalarise = FNAS_SCALARISE_LINEAR};

static const sentence_facts FACTS[] = {
    {.preset = "quick",
     .training = &OURS,
     .steps = 2000,
     .weight_ids = 512,
     .search_ids = 512,
     .observed_ids = 512,
     .validation_pairs = 500,
     .checkpoint_steps = 100},
    {.preset = "standard",
     .training = &OURS,
     .epochs = 40,
     .weight_ids = 1024,
     .search_ids = 1024,
     .observed_ids = 512,
     .validation_pairs = 1000,
     .checkpoint_steps = 200},
    {.preset = "paper",
     .training = &PAPERS,
     .steps = 40000,
     .weight_ids = 4096,
     .search_ids = 4096,
     .observed_ids = 4096,
     .validation_pairs = 2000,
     .checkpoint_steps = 50},
};

static const sentence_facts *find_facts(const char *preset) {
    size_t i = 0;
    while (strcmp(FACTS[i].preset, preset) != 0) i++; /* presets have been checked */
    return &FACTS[i];
}

static void apply_stages(const sentence_facts *facts, fnas_search_config *config) {
    config->warmup_fraction = facts->training->warmup_fraction;
    config->consolidate_fraction = facts->training->consolidate_fraction;
    config->uniform_fraction = facts->training->uniform_fraction;
    if (config->entropy_start > 0) config->entropy_hold = facts->training->entropy_hold;
    config->checkpoint_steps = facts->checkpoint_steps;
}

static void apply_training(const sentence_facts *facts, fnas_search_config *config) {
    config->weight_ids = facts->weight_ids;
    config->largest_paths = facts->training->largest_paths;
    config->weight_rate = facts->training->weight_rate;
    config->weight_rate_end = facts->training->weight_rate_end;
    config->consolidate_rate = facts->training->consolidate_rate;
    config->rate_warmup = facts->training->rate_warmup;
    config->weight_beta1 = 0.9;
    config->weight_beta2 = 0.98;
    config->weight_decay = 0;
    config->weight_clip = facts->training->weight_clip;
    config->label_smoothing = 0.1;
    config->dropout = facts->training->dropout;
    config->attention_dropout = facts->training->attention_dropout;
    config->validation_images = facts->validation_pairs;
}

static void apply_search(const sentence_facts *facts, const fnas_search_options *options, fnas_search_config *config) {
    bool model = config->error_gradient == FNAS_ERROR_GRADIENT_MODEL;
    config->search_ids = model ? facts->observed_ids : facts->search_ids;
    config->observed_paths = model ? facts->training->observed_paths : 0;
    config->judged_paths = model ? facts->training->judged_paths : 0;
    config->hypernet_rounds = model ? facts->training->hypernet_rounds : 1;
    if (!options->scalarise) config->scalarise = facts->training->scalarise;
    if (facts->training->hypernet_rate > 0) {
        config->hypernet_rate = facts->training->hypernet_rate;
        config->hypernet_decay = facts->training->hypernet_decay;
    }
}

/* ---- options ---- */

static bool asks(const char *fraction) {
    return fraction && !fnas_option_is_none(fraction);
}

/* What is asked of weights that are never trained, or of which the largest network's alone would be. */
static fnas_status check_frozen(fnas_context *context, const char *name, const fnas_search_config *config) {
    if (config->warmup_fraction == 0)
        return fnas_fail(context, FNAS_ERR_USAGE, "--%s has no use where weights are frozen from the first step on: leave it out", name);
    if (config->largest_first < 1) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE,
                     "--largest-first 1 and --supernet frozen: no network but the largest would ever be trained: give a smaller one");
}

/* What is asked for and could not be. */
static fnas_status check_largest(fnas_context *context, const fnas_search_options *options, const fnas_search_config *config) {
    const char *first = asks(options->largest_first) ? "largest-first" : NULL, *teach = asks(options->distillation) ? "distillation" : NULL;
    const char *name = first ? first : teach;
    if (name && !fnas_search_largest_has_others(config))
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "--%s has no use where the largest network is none of the paths, or all of them: leave it out, or give a "
                         "--largest-paths of 1 to less than --paths",
                         name);
    if (first && config->warmup_fraction == 0)
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "--largest-first has no use without a warm-up, which it is a part of: leave it out, or give a --warmup");
    if (!name && options->largest_paths) name = "largest-paths";
    return name && config->shared_weights == FNAS_WEIGHTS_FROZEN ? check_frozen(context, name, config) : FNAS_OK;
}

/* A start with the largest network alone is for weights that have learnt nothing yet. */
static fnas_status choose_largest(fnas_context *context, const fnas_search_options *options, const sentence_facts *facts,
                                  fnas_search_config *config) {
    bool beside = fnas_search_largest_has_others(config), begins = beside && !options->weights && config->warmup_fraction > 0;
    config->largest_first = begins ? facts->training->largest_first : 0;
    config->distillation = beside ? facts->training->distillation : 0;
    if (options->largest_first)
        FNAS_TRY(fnas_option_fraction(context, "largest-first", options->largest_first, 1, "1", &config->largest_first));
    if (options->distillation)
        FNAS_TRY(fnas_option_fraction(context, "distillation", options->distillation, 1, "1", &config->distillation));
    return check_largest(context, options, config);
}

/* What is said of images means nothing here. */
static fnas_status refuse(fnas_context *context, const fnas_search_options *options, const fnas_space *space) {
    const struct {
        const char *name, *given;
    } useless[] = {{"proxy", options->proxy}, {"batch", options->batch}, {"phases", options->phases}};
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++)
        if (useless[i].given)
            return fnas_fail(context, FNAS_ERR_USAGE, "--%s has no use where the networks of %s translate sentences: leave it out",
                             useless[i].name, fnas_space_name(space));
    if (options->precision && strcmp(options->precision, "f32") != 0)
        return fnas_fail(context, FNAS_ERR_USAGE, "--precision %s: networks that translate are trained in f32: leave it out",
                         options->precision);
    return FNAS_OK;
}

static fnas_status choose_paths(fnas_context *context, const fnas_search_options *options, const sentence_facts *facts,
                                fnas_search_config *config) {
    int64_t devices = config->device_count, about = facts->training->paths_about;
    if (!options->paths) config->paths = about > devices ? about / devices * devices : devices;
    if (config->largest_paths > config->paths / 2) config->largest_paths = config->paths / 2; /* each teaches one at least */
    if (!options->largest_paths) return FNAS_OK;
    return fnas_option_count(context, "largest-paths", options->largest_paths, config->paths, "the paths of a step",
                             &config->largest_paths);
}

fnas_status fnas_search_config_fit_sentences(fnas_context *context, const fnas_search_options *options, const fnas_space *space,
                                             fnas_search_config *config, int64_t *epochs) {
    const sentence_facts *facts = find_facts(config->preset);
    int kind = 0;
    FNAS_TRY(refuse(context, options, space));
    FNAS_TRY(fnas_name_find(context, FNAS_ERR_USAGE, "supernet", options->supernet ? options->supernet : "moving",
                            fnas_names_shared_weights, &kind));
    config->shared_weights = (fnas_weights_kind)kind;
    apply_stages(facts, config);
    apply_training(facts, config);
    apply_search(facts, options, config);
    FNAS_TRY(choose_paths(context, options, facts, config));
    if (options->checkpoint_steps) config->checkpoint_steps = options->checkpoint_steps;
    if (!options->steps && !options->epochs && options->minutes == 0) {
        config->steps = facts->steps;
        *epochs = facts->epochs;
    }
    FNAS_TRY(fnas_search_config_choose_stages(context, options, config->warmup_fraction, config));
    FNAS_TRY(choose_largest(context, options, facts, config));
    fnas_free(config->proxy); /* the presets' is another space's */
    config->proxy = fnas_strdup("");
    return config->proxy ? FNAS_OK : fnas_fail_memory(context, "the configuration");
}
