#include <limits.h>
#include <stdio.h>

#include "files.h"
#include "inputs.h"
#include "runs.h"
#include "verbs.h"

typedef struct search_values {
    cli_common common;
    const char *space, *data, *run, *proxy, *objectives, *preset, *predictor, *update, *sampler, *hypernet, *start, *scalarise, *batch,
        *precision, *error_gradient, *error, *supernet, *weights, *warmup, *phases, *distillation, *largest_paths, *largest_first;
    cli_texts devices;
    int64_t steps, epochs, paths, threads, checkpoint_steps;
    double minutes;
    uint64_t seed;
    bool dry_run;
} search_values;

#define AT(member) offsetof(search_values, member)

static const cli_option search_options[] = {
    {"device", 0, CLI_INPUTS, AT(devices), "CARD.json", "device cards to search for", true},
    {"out", 'o', CLI_TEXT, AT(run), "RUN", "folder of the run: new or empty", true},
    {"space", 0, CLI_SPACE, AT(space), "SPACE", "search space, as the cards were measured; needed where it is a FILE.json [the first card's]", false},
    CLI_OPTION_DATA(search_values, "data set: fashion-mnist, cifar10:DIR, folder:DIR, synthetic:...; its images are resized to the space's "
                                   "[fashion-mnist]; where networks "
                                   "translate the FILE that data prepare makes"),
    {"error", 0, CLI_TEXT, AT(error), "SOURCE",
     "whence errors: supernet, table:FILE.csv:COLUMN, surrogate:FILE, which such a search leaves in its run as error.safetensors, or "
     "surrogate:FILE.npz[:output=OUTPUT,input=INPUT], a network of your own (docs/spaces.md) [supernet]",
     false},
    {"preset", 0, CLI_CHOICE, AT(preset), "quick|standard|paper", "what the other options begin with [standard]", false},
    {"proxy", 0, CLI_TEXT, AT(proxy), "PARAMS", "smaller macro for the shared weights: channels=16,cells=1 [the preset's]", false},
    {"objectives", 0, CLI_TEXT, AT(objectives), "LIST", "error,latency_ms[,energy_mj][,macs][,params] [error,latency_ms]", false},
    {"steps", 0, CLI_COUNT, AT(steps), "N", "length of the search in steps", false},
    {"epochs", 0, CLI_COUNT, AT(epochs), "N", "length in passes over the training images, or pairs of sentences", false},
    {"minutes", 0, CLI_REAL, AT(minutes), "N", "length in minutes on this machine", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "equal seeds give equal runs, bit by bit [0]", false},
    CLI_OPTION_THREADS(search_values),
    {"predictor", 0, CLI_INPUT, AT(predictor), "P.safetensors", "latency predictor of `predictor fit` [trained at the start]", false},
    {"update", 0, CLI_CHOICE, AT(update), "mgd|mean|sequential|sample", "how the devices' gradients become one step [mgd: min-norm point]",
     false},
    {"sampler", 0, CLI_CHOICE, AT(sampler), "reinmax|gdas", "gradient estimator of the sampled architectures [reinmax]", false},
    {"hypernet", 0, CLI_CHOICE, AT(hypernet), "table|continuous", "form of the hypernetwork [the preset's]", false},
    {"start", 0, CLI_CHOICE, AT(start), "flat|random", "the hypernetwork's: trained to uniform distributions first, or as drawn [flat]",
     false},
    {"scalarise", 0, CLI_CHOICE, AT(scalarise), "linear|chebyshev",
     "how objectives become one loss [linear; quick and standard on sentences: chebyshev]", false},
    {"batch", 0, CLI_CHOICE, AT(batch), "shared|full", "paths share a step's images, or each sees all [the preset's]", false},
    {"precision", 0, CLI_CHOICE, AT(precision), "f32|bf16", "of the activations in training, where the processor has bf16 [f32]", false},
    {"error-gradient", 0, CLI_CHOICE, AT(error_gradient), "gates|model",
     "of each path's own loss, or of a regression over losses on common images [the preset's]", false},
    {"supernet", 0, CLI_CHOICE, AT(supernet), "frozen|moving",
     "whether the shared weights learn behind the warm-up [frozen where they are trained in phases, as for mobilenetv3, else moving]",
     false},
    {"weights", 0, CLI_INPUT, AT(weights), "FILE|RUN", "shared weights to begin with: a safetensors file, or a run [drawn]", false},
    {"warmup", 0, CLI_TEXT, AT(warmup), "FRACTION",
     "of the steps, at the start, in which the shared weights alone are trained, or none [the preset's; none with --weights]", false},
    {"phases", 0, CLI_TEXT, AT(phases), "N,N,N,N",
     "lengths of the warm-up's phases in relation to each other, for mobilenetv3 full, kernel, depth, expansion; or none: all choices are "
     "open from the first step [the preset's]",
     false},
    {"distillation", 0, CLI_TEXT, AT(distillation), "WEIGHT",
     "of the largest network's word in what the others learn, in phases and where they translate, 0 to 1, or none [the preset's]", false},
    {"paths", 0, CLI_COUNT, AT(paths), "N",
     "sampled architectures a step [a multiple of the devices, about 16; about 8 where they translate, 32 in the preset paper]", false},
    {"largest-paths", 0, CLI_TEXT, AT(largest_paths), "N",
     "of the paths that train networks which translate, how many are the largest network, each on pairs of its own, which it teaches the "
     "others; all of them: it learns alone; or none [half of them, at most 4; none in the preset paper]",
     false},
    {"largest-first", 0, CLI_TEXT, AT(largest_first), "FRACTION",
     "of the warm-up of networks which translate, at its start: the largest learns alone; or none [0.25; none in the preset paper, with "
     "--weights, and where it is none or all of the paths]",
     false},
    {"checkpoint-steps", 0, CLI_COUNT, AT(checkpoint_steps), "N", "steps between checkpoints [the preset's]", false},
    {"dry-run", 0, CLI_FLAG, AT(dry_run), NULL, "check everything, time the parts of a step, say what the search would cost, write nothing",
     false},
    CLI_OPTIONS_END,
};

/* The space is that of the cards unless it is named. */
static fnas_status search_space_spec(fnas_context *context, const search_values *values, fnas_card **card, const char **spec) {
    *spec = values->space;
    if (values->space) return FNAS_OK;
    fnas_status status = fnas_card_load(context, values->devices.items[0], card);
    if (status == FNAS_OK) *spec = fnas_card_get(*card).space;
    return status;
}

static fnas_search_options search_library_options(const search_values *values, const char *spec) {
    return (fnas_search_options){.space = spec,
                                 .data = values->data,
                                 .error = values->error,
                                 .run = values->run,
                                 .device_count = values->devices.count,
                                 .devices = values->devices.items,
                                 .preset = values->preset,
                                 .proxy = values->proxy,
                                 .objectives = values->objectives,
                                 .predictor = values->predictor,
                                 .update = values->update,
                                 .sampler = values->sampler,
                                 .hypernet = values->hypernet,
                                 .start = values->start,
                                 .scalarise = values->scalarise,
                                 .batch = values->batch,
                                 .precision = values->precision,
                                 .error_gradient = values->error_gradient,
                                 .supernet = values->supernet,
                                 .weights = values->weights,
                                 .warmup = values->warmup,
                                 .phases = values->phases,
                                 .distillation = values->distillation,
                                 .paths = values->paths,
                                 .largest_paths = values->largest_paths,
                                 .largest_first = values->largest_first,
                                 .steps = values->steps,
                                 .epochs = values->epochs,
                                 .minutes = values->minutes,
                                 .seed = values->seed,
                                 .checkpoint_steps = values->checkpoint_steps,
                                 .dry_run = values->dry_run};
}

static fnas_status search_run(fnas_context *context, void *untyped) {
    const search_values *values = untyped;
    fnas_card *first = NULL;
    const char *spec;
    char label[PATH_MAX];
    fnas_context_set_threads(context, values->threads);
    snprintf(label, sizeof label, "--out %s", values->run);
    if (cli_check_against_data(values, label, values->run) != FNAS_OK) return FNAS_ERR_USAGE;
    fnas_status status = search_space_spec(context, values, &first, &spec);
    if (status == FNAS_OK) {
        fnas_search_options options = search_library_options(values, spec);
        status = fnas_search_run(context, &options);
        if (!values->dry_run) status = cli_run_conclude(context, "search", values->run, status);
    }
    if (first) fnas_card_free(first);
    return status;
}

const cli_verb cli_search = {
    .name = "search",
    .summary = "search once for all devices and all trade-offs",
    .operands = "",
    .details =
        "Trains shared weights and a hypernetwork that answers, for any device and any preference between the objectives, with an "
        "architecture. The run folder then answers `front`, `pick`, `verify` and `report`, also for devices that the search never saw. At "
        "most one of --steps, --epochs and --minutes is given; without them the preset decides. With --error table:... no supernet is "
        "trained and no data set needed: errors come from a table of architectures, or from a surrogate fitted to it where it has not all "
        "of them (docs/spaces.md). The shared weights of mobilenetv3 are trained in Once-for-All's phases, or given with --weights, and "
        "then "
        "frozen (docs/mobilenetv3.md). Networks that translate learn from pairs of sentences, which `data prepare text:` makes "
        "(docs/transformer.md). Ctrl-C finishes the step and writes a checkpoint: `resume` goes on and ends with the same bits.",
    .example = "fleetnas search --space nb201:cells=1,input=1x28x28 --data fashion-mnist --device devices/*.json --preset quick --out run",
    .options = search_options,
    .values_size = sizeof(search_values),
    .run = search_run,
};
