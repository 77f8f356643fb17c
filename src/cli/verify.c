#include "inputs.h"
#include "promises.h"
#include "runs.h"
#include "verbs.h"

typedef struct verify_values {
    cli_common common;
    const char *data, *output;
    cli_texts devices;
    int64_t random, scale, test_images, rounds, candidates, neighbours, threads;
    uint64_t seed;
    bool ablate, json;
} verify_values;

#define AT(member) offsetof(verify_values, member)

static const cli_option verify_options[] = {
    {"device", 0, CLI_INPUTS, AT(devices), "CARD.json", "devices of this machine [those that were searched]", false},
    {"ablate", 0, CLI_FLAG, AT(ablate), NULL, "also ask with the mean embedding, and with one preference for all points", false},
    {"random", 0, CLI_COUNT, AT(random), "N", "architectures of each random rival, drawn from the scale's [24]", false},
    {"scale", 0, CLI_COUNT, AT(scale), "N", "fixed random architectures that set the scale of the hypervolume [100]", false},
    {"test-images", 0, CLI_COUNT, AT(test_images), "N", "images of the test part, or pairs of sentences where networks translate [1000]",
     false},
    {"rounds", 0, CLI_COUNT, AT(rounds), "N", "timed runs of each architecture [12]", false},
    {"candidates", 0, CLI_COUNT, AT(candidates), "N", "architectures of the sweep that are scored at most [48]", false},
    {"neighbours", 0, CLI_COUNT, AT(neighbours), "N", "also score up to N of the next most probable architectures [0]", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "of the random draws and the untrained hypernetwork [0]", false},
    CLI_OPTION_DATA(verify_values, "where the data set lies now [where the search found it]"),
    CLI_OPTION_THREADS(verify_values),
    CLI_OPTION_JSON(verify_values),
    {"output", 'o', CLI_OUTPUT, AT(output), "FILE.json", "also write the result as JSON", false},
    CLI_OPTIONS_END,
};

static fnas_status verify_save(fnas_context *context, const void *verification, const char *path) {
    return fnas_verification_write_json(context, verification, path);
}

static fnas_status verify_query(fnas_context *context, const verify_values *values, const cli_query *query) {
    fnas_verify_options options = {.data = values->data,
                                   .random_count = values->random,
                                   .scale_count = values->scale,
                                   .test_images = values->test_images,
                                   .rounds = values->rounds,
                                   .candidates = values->candidates,
                                   .neighbours = values->neighbours,
                                   .ablate = values->ablate,
                                   .seed = values->seed};
    fnas_verification *verification = NULL;
    fnas_status status = fnas_run_verify(context, query->run, query->count, query->cards, &options, &verification);
    if (status != FNAS_OK) return status;
    if (values->output) status = verify_save(context, verification, values->output);
    if (!values->json)
        cli_promises_print(verification, values->ablate); /* also when the file could not be written: it took minutes */
    else if (status == FNAS_OK)
        status = cli_save_to_stdout(context, "verify", verify_save, verification);
    if (status == FNAS_OK) status = cli_promises_conclude("verify", verification);
    fnas_verification_free(verification);
    return status;
}

static fnas_status verify_run(fnas_context *context, void *untyped) {
    const verify_values *values = untyped;
    cli_query query = {0};
    fnas_context_set_threads(context, values->threads);
    fnas_status status = cli_query_open(context, "verify", values->common.operands.items[0], &values->devices, &query);
    if (status == FNAS_OK) status = verify_query(context, values, &query);
    cli_query_close(&query);
    if (status == FNAS_INTERRUPTED) status = cli_fail("verify", status, "interrupted: nothing was written; the run is as it was");
    return status;
}

const cli_verb cli_verify = {
    .name = "verify",
    .summary = "check a run's promises on this machine",
    .operands = "RUN",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .reads_from_folder = cli_run_holds,
    .details = "For each device: measures the architectures of its front anew, sets the measured beside the predicted latency, scores the "
               "error on the data set's test part, and compares the front's hypervolume with that of random architectures and of a "
               "hypernetwork that was never trained (docs/hypervolume.md says how). Imported cards and those of another processor are left "
               "out and named: this machine cannot measure them. Where that leaves none, it is an error (exit code 2); a device that was "
               "too unquiet to measure makes the exit code 4, after the others.",
    .example = "fleetnas verify run --device devices/server.json devices/unseen.json --ablate",
    .options = verify_options,
    .values_size = sizeof(verify_values),
    .run = verify_run,
};
