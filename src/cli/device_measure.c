#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "verbs.h"

typedef struct measure_values {
    cli_common common;
    const char *space, *name, *runtime, *precision, *isa, *references, *data, *output, *command, *command_json, *archs_file;
    int64_t threads, batch, archs, rounds, vocabulary_size;
    double command_timeout;
    uint64_t seed;
    const char *energy;
    bool reference_only, command_serve, command_energy, add, anew;
} measure_values;

#define AT(member) offsetof(measure_values, member)

static const cli_option measure_options[] = {
    {"space", 0, CLI_SPACE, AT(space), "SPACE",
     "search space with its parameters: nb201:channels=16,cells=5,classes=10,input=3x32x32, mobilenetv3:width=1.2,classes=1000", true},
    {"name", 0, CLI_TEXT, AT(name), "NAME", "what to call the device", true},
    {"output", 'o', CLI_OUTPUT, AT(output), "CARD.json", "where the device card goes", true},
    {"runtime", 0, CLI_CHOICE, AT(runtime), "onednn|onednn-plain|blas", "what executes the networks [onednn]", false},
    {"precision", 0, CLI_CHOICE, AT(precision), "f32|f16|bf16|int8",
     "of weights and activations; onednn-plain and blas know f32 only, f16 is for commands [f32]", false},
    {"command", 0, CLI_COMMAND, AT(command), "'CMD {onnx}'",
     "a program that times the network in the file {onnx}, or the architecture {arch}, and prints milliseconds", false},
    {"command-json", 0, CLI_TEXT, AT(command_json), "FIELD", "number of its JSON answer that is the milliseconds [ms]", false},
    {"command-serve", 0, CLI_FLAG, AT(command_serve), NULL, "start it once and ask it line by line", false},
    {"energy", 0, CLI_CHOICE, AT(energy), "rapl", "energies beside latencies, from the counters of the processor's packages [none]", false},
    {"command-energy", 0, CLI_FLAG, AT(command_energy), NULL, "it prints millijoules, too: as a second number, or as energy_mj", false},
    {"anew", 0, CLI_FLAG, AT(anew), NULL, "with --command: throw away the samples that an earlier attempt left, and begin anew", false},
    {"command-timeout", 0, CLI_REAL, AT(command_timeout), "SECONDS", "longest time of a sample [60]", false},
    {"isa", 0, CLI_CHOICE, AT(isa), "native|avx512|avx2|sse41", "instruction set at most [native]", false},
    {"threads", 0, CLI_COUNT, AT(threads), "N", "threads of the device: part of what it is [1]", false},
    {"batch", 0, CLI_COUNT, AT(batch), "N", "images or sentences at a time [1]", false},
    {"vocabulary-size", 0, CLI_COUNT, AT(vocabulary_size), "N", "words that networks of the space transformer know [8000]", false},
    {"archs", 0, CLI_COUNT, AT(archs), "N", "random architectures beside the references [300]", false},
    {"archs-file", 0, CLI_INPUT, AT(archs_file), "FILE.json",
     "these architectures instead of random ones: a file as for --references, as device references writes it [none]", false},
    {"add", 0, CLI_FLAG, AT(add), NULL,
     "to the measurements of CARD.json, a card of the same device: those of the list, or random ones that it has not", false},
    {"reference-only", 0, CLI_FLAG, AT(reference_only), NULL, "the ten references and nothing else: enough to ask a finished run", false},
    {"references", 0, CLI_INPUT, AT(references), "FILE.json",
     "ten reference architectures: an array of native strings, or an object with reference_archs [the space's own]", false},
    CLI_OPTION_DATA(measure_values, "data set whose images calibrate statistics and int8 scales [synthetic images]"),
    {"rounds", 0, CLI_COUNT, AT(rounds), "N",
     "timed runs of each architecture, at least 12; with --command 3 [12; 3 with a command that does not serve]", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "of the choice of architectures; equal seeds measure the same ones [0]", false},
    CLI_OPTIONS_END,
};

/* added: how many of the measurements are new; all of them where the card is. */
static void measure_print(const fnas_card_view *view, int64_t added, const char *path) {
    printf("%s: %s, %s %s, batch %lld, %lld thread%s, %lld architectures", path, view->name, view->runtime, view->precision,
           (long long)view->batch, (long long)view->threads, view->threads == 1 ? "" : "s", (long long)view->measurement_count);
    if (added < view->measurement_count) printf(" (%lld added)", (long long)added);
    printf(" and %lld references", (long long)view->reference_count);
    if (isfinite(view->noise_spearman)) printf(", rank correlation between halves of the rounds %.4f", view->noise_spearman);
    printf("\n");
    if (view->noise_spearman < CLI_NOISE_POOR)
        cli_warn("device measure",
                 "these latencies are noisy: two halves of the rounds rank the architectures alike by %.2f only (%g and more is usual): "
                 "measure anew on a quieter machine, or with more --rounds",
                 view->noise_spearman, CLI_NOISE_POOR);
}

static fnas_measure_options measure_options_of(const measure_values *values, const char *samples, const fnas_card *add_to, bool *kept) {
    return (fnas_measure_options){.name = values->name,
                                  .runtime = values->runtime,
                                  .precision = values->precision,
                                  .isa = values->isa,
                                  .threads = values->threads,
                                  .batch = values->batch,
                                  .arch_count = values->reference_only ? -1 : values->archs,
                                  .archs = values->archs_file,
                                  .add_to = add_to,
                                  .references = values->references,
                                  .data = values->data,
                                  .vocabulary_size = values->vocabulary_size,
                                  .rounds = values->rounds,
                                  .seed = values->seed,
                                  .command = values->command,
                                  .command_json = values->command_json,
                                  .command_serve = values->command_serve,
                                  .energy = values->energy,
                                  .command_energy = values->command_energy,
                                  .command_timeout_s = values->command_timeout,
                                  .samples = values->command ? samples : NULL,
                                  .samples_anew = values->anew,
                                  .samples_kept = kept};
}

static fnas_status measure_check_archs(const measure_values *values) {
    const char *with_only = values->archs ? "--archs" : values->archs_file ? "--archs-file" : values->add ? "--add" : NULL;
    if (values->reference_only && with_only)
        return cli_fail("device measure", FNAS_ERR_USAGE, "%s has no use with --reference-only: leave one out", with_only);
    if (values->archs && values->archs_file)
        return cli_fail("device measure", FNAS_ERR_USAGE, "--archs draws architectures and --archs-file lists them: leave one out");
    if (values->add && values->references)
        return cli_fail("device measure", FNAS_ERR_USAGE,
                        "--references has no use with --add, where they are the card's: leave one out (device rebase changes them)");
    return FNAS_OK;
}

static fnas_status measure_check(const measure_values *values) {
    bool has_settings = values->command_json || values->command_serve || values->command_energy || values->command_timeout > 0 ||
                        values->anew;
    if (!values->command && has_settings)
        return cli_fail("device measure", FNAS_ERR_USAGE,
                        "--command-json, --command-serve, --command-energy, --command-timeout and --anew belong to "
                        "--command: give it, or leave them out");
    if (values->command && (values->runtime || values->isa))
        return cli_fail("device measure", FNAS_ERR_USAGE, "--%s has no use with --command, which chooses itself: leave one out",
                        values->runtime ? "runtime" : "isa");
    return measure_check_archs(values);
}

/* What is left of a measurement that was not finished, and how to go on; has_samples: of this one, not of another into the same file. */
static fnas_status measure_explain(fnas_status status, const measure_values *values, const char *samples, bool has_samples) {
    const char *how = values->anew ? "the same command without --anew goes on from there"
                                   : "the same command goes on from there (--anew begins again)";
    if (status == FNAS_INTERRUPTED && has_samples)
        return cli_fail("device measure", status, "interrupted: the samples taken so far are in %s; %s", samples, how);
    if (status == FNAS_INTERRUPTED) return cli_fail("device measure", status, "interrupted: nothing was written; measure again");
    if (status == FNAS_ERR_NUMERIC && has_samples) /* all are there, and tell of drift: going on would say the same again */
        cli_warn("device measure",
                 "the samples are kept in %s: add --anew to throw them away and measure anew, or give more --rounds to add some", samples);
    else if (status != FNAS_OK && has_samples)
        cli_warn("device measure", "the samples taken so far are kept in %s: %s", samples, how);
    return status;
}

static fnas_status measure_and_save(fnas_context *context, const measure_values *values, const char *samples) {
    fnas_space *space = NULL;
    fnas_card *card = NULL, *before = NULL;
    int64_t count_before = 0;
    bool kept = false;
    fnas_status status = fnas_space_open(context, values->space, &space);
    if (status == FNAS_OK && values->add) status = fnas_card_load(context, values->output, &before);
    if (before) count_before = fnas_card_get(before).measurement_count;
    fnas_measure_options options = measure_options_of(values, samples, before, &kept);
    if (status == FNAS_OK) status = fnas_device_measure(context, space, &options, &card);
    if (status == FNAS_OK) status = fnas_card_save(context, card, values->output);
    if (status == FNAS_OK && values->command) (void)remove(samples);
    if (status == FNAS_OK) {
        fnas_card_view view = fnas_card_get(card);
        measure_print(&view, view.measurement_count - count_before, values->output);
    }
    fnas_card_free(card);
    fnas_card_free(before);
    fnas_space_close(space);
    return measure_explain(status, values, samples, kept);
}

static fnas_status measure_run(fnas_context *context, void *untyped) {
    static const char suffix[] = ".samples.sqlite";
    const measure_values *values = untyped;
    fnas_status status = measure_check(values);
    if (status != FNAS_OK) return status;
    size_t size = strlen(values->output) + sizeof suffix;
    char *samples = malloc(size);
    if (!samples) return cli_fail("device measure", FNAS_ERR_MEMORY, "out of memory");
    snprintf(samples, size, "%s%s", values->output, suffix);
    status = measure_and_save(context, values, samples);
    free(samples);
    return status;
}

const cli_verb cli_device_measure = {
    .name = "device measure",
    .summary = "time architectures on this machine and write a device card",
    .operands = "",
    .details = "Builds the inference graph of each architecture, calibrates its weights and times it in a child process: a warm-up, then "
               "interleaved rounds; of the space transformer it builds the encoder and the decoder and times a translation, as many words as "
               "the space's length; with one thread the latency is the minimum CPU time, otherwise the median wall time. A card is refused "
               "when the machine drifted meanwhile. Its ten reference latencies are the device's embedding: a query of a finished search, "
               "or a search with a trained predictor, needs no more of a device.\nWith --command any program measures, on any machine: "
               "each architecture is exported to ONNX, the program is run without a shell, and its logits are compared with ours where it "
               "is given {images} and {logits} or serves. Samples are kept beside the card as they come: a measurement that was cut off "
               "goes on when the same command is given again. docs/devices.md says what a program owes, and which come with fleetnas.\nA "
               "card grows by --add, which measures as before and checks by the references that the device is as it was: `device "
               "references --given` lists the architectures that are worth measuring next.",
    .example = "fleetnas device measure --space nb201:cells=1,input=1x28x28 --name server-int8 --precision int8 --data fashion-mnist -o "
               "server-int8.json",
    .options = measure_options,
    .values_size = sizeof(measure_values),
    .run = measure_run,
};
