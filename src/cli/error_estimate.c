#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "inputs.h"
#include "output.h"
#include "verbs.h"

#define VERB "error estimate"

typedef struct estimate_values {
    cli_common common;
    const char *space, *data, *proxy, *score_proxy, *predictor, *ingredients, *output;
    cli_texts devices;
    int64_t trainings, steps, batch, score_images, threads;
    double minutes, rate;
    uint64_t seed;
    bool json;
} estimate_values;

#define AT(member) offsetof(estimate_values, member)

static const cli_option estimate_options[] = {
    {"space", 0, CLI_SPACE, AT(space), "SPACE", "search space with images, as for `search`", true},
    {"data", 0, CLI_DATA, AT(data), "DATA", "data set; only images of its train part are used", true},
    {"output", 'o', CLI_OUTPUT, AT(output), "ERRORS.csv", "where the table goes; ERRORS.csv.trainings beside it keeps each training", true},
    {"device", 0, CLI_INPUTS, AT(devices), "CARD.json",
     "device cards: errors are looked at most closely where their fronts lie [where the trade-off with MACs lies]", false},
    {"predictor", 0, CLI_INPUT, AT(predictor), "P.safetensors", "latency predictor of `predictor fit` [trained on the cards]", false},
    {"proxy", 0, CLI_TEXT, AT(proxy), "PARAMS",
     "smaller macro that is trained; its image may be smaller than the data set's [channels=8,cells=1]", false},
    {"score-proxy", 0, CLI_TEXT, AT(score_proxy), "PARAMS", "macro of which untrained networks are scored, likewise [channels=16,cells=1]",
     false},
    {"score-images", 0, CLI_COUNT, AT(score_images), "N", "images that they are scored on [64]", false},
    {"trainings", 0, CLI_COUNT, AT(trainings), "N",
     "architectures trained, of those that differ once what has no effect is left out, 16 to 4096 [200]", false},
    {"minutes", 0, CLI_REAL, AT(minutes), "N", "in place of --trainings: as many as this leaves room for on this machine", false},
    {"steps", 0, CLI_COUNT, AT(steps), "N", "of one training [6000]", false},
    {"batch", 0, CLI_COUNT, AT(batch), "N", "images a step [16]", false},
    {"rate", 0, CLI_REAL, AT(rate), "RATE", "learning rate [0.05]", false},
    {"ingredients", 0, CLI_TEXT, AT(ingredients), "LIST",
     "what errors are made of: some of naswot,zico,meco,expressivity,trainings; without trainings nothing is trained [all]", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "of weights, order of images, and what is drawn [0]", false},
    CLI_OPTION_THREADS(estimate_values),
    CLI_OPTION_JSON(estimate_values),
    CLI_OPTIONS_END,
};

static void print_text(const estimate_values *values, const fnas_estimate_summary *summary) {
    printf("%s: errors of %lld architectures that differ, ", values->output, (long long)summary->architectures);
    if (summary->trainings == 0) {
        printf("from scores of untrained networks alone\n");
        return;
    }
    printf("from %lld trainings (%lld of an earlier call)\n", (long long)summary->trainings, (long long)summary->resumed);
    printf("  the regression alone, trainings told by the others: Kendall's tau %.3f, root mean square error %.2f points\n",
           summary->kendall, summary->rms_pct);
}

static void print_json(const estimate_values *values, const fnas_estimate_summary *summary) {
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "errors", values->output);
    cli_json_integer(&json, "architectures", summary->architectures);
    cli_json_integer(&json, "trainings", summary->trainings);
    cli_json_integer(&json, "resumed", summary->resumed);
    cli_json_number(&json, "kendall", summary->kendall);
    cli_json_number(&json, "rms_pct", summary->rms_pct);
    cli_json_end(&json, '}');
}

/* They grow beside the errors: their place is looked at before anything is scored. */
static fnas_status check_trainings(const char *output) {
    char path[PATH_MAX];
    struct stat info;
    snprintf(path, sizeof path, "%s.trainings", output);
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) return FNAS_OK;
    return cli_fail(VERB, FNAS_ERR_IO, "%s is a folder, where the trainings are kept: move it, or write the errors elsewhere", path);
}

static fnas_status estimate_run(fnas_context *context, void *untyped) {
    const estimate_values *values = untyped;
    fnas_estimate_options options = {.space = values->space,
                                     .data = values->data,
                                     .proxy = values->proxy,
                                     .score_proxy = values->score_proxy,
                                     .score_images = values->score_images,
                                     .device_count = values->devices.count,
                                     .devices = values->devices.items,
                                     .predictor = values->predictor,
                                     .trainings = values->trainings,
                                     .minutes = values->minutes,
                                     .steps = values->steps,
                                     .batch = values->batch,
                                     .rate = values->rate,
                                     .ingredients = values->ingredients,
                                     .seed = values->seed,
                                     .out = values->output};
    fnas_estimate_summary summary;
    if (check_trainings(values->output) != FNAS_OK) return FNAS_ERR_IO;
    fnas_context_set_threads(context, values->threads);
    fnas_status status = fnas_error_estimate(context, &options, &summary);
    if (status == FNAS_OK) (values->json ? print_json : print_text)(values, &summary);
    if (status == FNAS_INTERRUPTED) {
        status = cli_fail(
            VERB, status,
            "interrupted: scores and rounds of trainings that were complete are kept in %s.trainings; the same command goes on",
            values->output);
    }
    return status;
}

const cli_verb cli_error_estimate = {
    .name = "error estimate",
    .summary = "estimate the error of every architecture from a few short trainings",
    .operands = "",
    .details = "Scores untrained networks of all architectures, trains some from scratch, shortly and at a small scale, fits a regression "
               "to their errors, puts both together, trains those by which fronts may be better than they seem, and so on. The table has a "
               "row for every architecture: `search --error table:ERRORS.csv:error_pct` searches with it, for these devices and for "
               "others. Its errors order architectures; they are on the scale of short trainings, not of networks trained to their end "
               "(docs/error.md). Interrupted or killed, the same command goes on.",
    .example = "fleetnas error estimate --space nb201 --data cifar10:data --device cards/*.json --proxy channels=8,cells=1,input=3x16x16 "
               "--score-proxy channels=16,cells=1,input=3x16x16 --minutes 50 -o errors.csv",
    .options = estimate_options,
    .values_size = sizeof(estimate_values),
    .run = estimate_run,
};
