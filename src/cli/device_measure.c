#include <math.h>
#include <stdio.h>

#include "output.h"
#include "verbs.h"

typedef struct measure_values {
    cli_common common;
    const char *space, *name, *runtime, *precision, *isa, *references, *data, *output;
    int64_t threads, batch, archs, rounds;
    uint64_t seed;
    bool reference_only;
} measure_values;

#define AT(member) offsetof(measure_values, member)

static const cli_option measure_options[] = {
    {"space", 0, CLI_TEXT, AT(space), "SPACE", "search space with its parameters: nb201:channels=16,cells=5,classes=10,input=3x32x32",
     true},
    {"name", 0, CLI_TEXT, AT(name), "NAME", "what to call the device", true},
    {"output", 'o', CLI_TEXT, AT(output), "CARD.json", "where the device card goes", true},
    {"runtime", 0, CLI_CHOICE, AT(runtime), "onednn|onednn-plain|blas", "what executes the networks [onednn]", false},
    {"precision", 0, CLI_CHOICE, AT(precision), "f32|bf16|int8", "of weights and activations; onednn-plain and blas know f32 only [f32]",
     false},
    {"isa", 0, CLI_CHOICE, AT(isa), "native|avx512|avx2|sse41", "instruction set at most [native]", false},
    {"threads", 0, CLI_COUNT, AT(threads), "N", "threads of the device: part of what it is [1]", false},
    {"batch", 0, CLI_COUNT, AT(batch), "N", "images at a time [1]", false},
    {"archs", 0, CLI_COUNT, AT(archs), "N", "random architectures beside the references [300]", false},
    {"reference-only", 0, CLI_FLAG, AT(reference_only), NULL, "the ten references and nothing else: enough to ask a finished run", false},
    {"references", 0, CLI_TEXT, AT(references), "FILE.json",
     "ten reference architectures: an array of native strings, or an object with reference_archs [the space's own]", false},
    CLI_OPTION_DATA(measure_values, "data set whose images calibrate statistics and int8 scales [synthetic images]"),
    {"rounds", 0, CLI_COUNT, AT(rounds), "N", "timed runs of each architecture, at least 12 [12]", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "of the choice of architectures; equal seeds measure the same ones [0]", false},
    CLI_OPTIONS_END,
};

static void measure_print(const fnas_card_view *view, const char *path) {
    printf("%s: %s, %s %s, batch %lld, %lld thread%s, %lld architectures and %lld references", path, view->name, view->runtime,
           view->precision, (long long)view->batch, (long long)view->threads, view->threads == 1 ? "" : "s",
           (long long)view->measurement_count, (long long)view->reference_count);
    if (isfinite(view->noise_spearman)) printf(", rank correlation between halves of the rounds %.4f", view->noise_spearman);
    printf("\n");
}

static fnas_status measure_run(fnas_context *context, void *untyped) {
    const measure_values *values = untyped;
    if (values->reference_only && values->archs)
        return cli_fail("device measure", FNAS_ERR_USAGE, "--archs has no use with --reference-only: leave one out");
    fnas_status status = cli_check_output("device measure", values->output);
    if (status != FNAS_OK) return status;
    fnas_space *space = NULL;
    fnas_card *card = NULL;
    status = fnas_space_open(context, values->space, &space);
    if (status == FNAS_OK) {
        fnas_measure_options options = {.name = values->name,
                                        .runtime = values->runtime,
                                        .precision = values->precision,
                                        .isa = values->isa,
                                        .threads = values->threads,
                                        .batch = values->batch,
                                        .arch_count = values->reference_only ? -1 : values->archs,
                                        .references = values->references,
                                        .data = values->data,
                                        .rounds = values->rounds,
                                        .seed = values->seed};
        status = fnas_device_measure(context, space, &options, &card);
    }
    if (status == FNAS_OK) status = fnas_card_save(context, card, values->output);
    if (status == FNAS_OK) {
        fnas_card_view view = fnas_card_get(card);
        measure_print(&view, values->output);
    }
    if (status == FNAS_INTERRUPTED) status = cli_fail("device measure", status, "interrupted: nothing was written; measure again");
    fnas_card_free(card);
    fnas_space_close(space);
    return status;
}

const cli_verb cli_device_measure = {
    .name = "device measure",
    .summary = "time architectures on this machine and write a device card",
    .operands = "",
    .details = "Builds the inference graph of each architecture, calibrates its weights and times it in a child process: a warm-up, then "
               "interleaved\n"
               "rounds; with one thread the latency is the minimum CPU time, otherwise the median wall time. A card is refused when the "
               "machine drifted\n"
               "meanwhile. Its ten reference latencies are the device's embedding: a query of a finished search, "
               "or a\n"
               "search with a trained predictor, needs no more of a device.",
    .example = "fleetnas device measure --space nb201:cells=1,input=1x28x28 --name server-int8 --precision int8 --data fashion-mnist -o "
               "server-int8.json",
    .options = measure_options,
    .values_size = sizeof(measure_values),
    .run = measure_run,
};
