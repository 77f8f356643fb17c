#include <stdio.h>
#include <string.h>

#include "files.h"
#include "output.h"
#include "runs.h"
#include "verbs.h"

typedef struct export_values {
    cli_common common;
    const char *arch, *format, *output, *data, *space;
    int64_t batch;
} export_values;

#define AT(member) offsetof(export_values, member)

static const cli_option export_options[] = {
    {"arch", 0, CLI_INPUT, AT(arch), "ARCH", "the architecture, as front and pick write it; of transformer also a FILE.yml of HAT's", true},
    {"format", 0, CLI_CHOICE, AT(format), "onnx|safetensors|ofa|hat", "what the file is", true},
    {"output", 'o', CLI_OUTPUT, AT(output), "FILE", "where it goes", true},
    {"space", 0, CLI_SPACE, AT(space), "SPACE", "in the place of a run, for ofa and hat, which have no weights", false},
    {"batch", 0, CLI_COUNT, AT(batch), "N", "images that an ONNX model takes at once; one that translates takes any number [1]", false},
    CLI_OPTION_DATA(export_values, "where the data set lies now [where the search found it]"),
    CLI_OPTIONS_END,
};

/* A network that translates becomes several files, none of which is named by the command line. */
static fnas_status check_files(const export_values *values) {
    char file[4096];
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; status == FNAS_OK && fnas_export_translator_file(values->output, i, file, sizeof file); i++) {
        status = cli_check_overwrites(values, file);
        if (status == FNAS_OK) status = cli_check_output("export", file);
    }
    return status;
}

static bool is_several(const export_values *values, const fnas_run *run) {
    return run && fnas_run_translates(run) && !strcmp(values->format, "onnx");
}

static void print_files(const export_values *values, bool several) {
    char file[4096];
    if (!several) printf("%s: %s of %s\n", values->output, values->format, values->arch);
    for (int64_t i = 0; several && fnas_export_translator_file(values->output, i, file, sizeof file); i++)
        printf("%s: %s of %s\n", file, i < 2 ? values->format : "vocabulary", values->arch);
}

static fnas_status export_of_run(fnas_context *context, const export_values *values, const fnas_export_options *options) {
    fnas_run *run = NULL;
    fnas_status status = fnas_run_open(context, values->common.operands.items[0], &run);
    bool several = status == FNAS_OK && is_several(values, run);
    if (several) status = check_files(values);
    if (status == FNAS_OK) status = fnas_run_export(context, run, options, values->output);
    if (status == FNAS_OK) print_files(values, several);
    fnas_run_close(run);
    return status;
}

static fnas_status export_of_space(fnas_context *context, const export_values *values, const fnas_export_options *options) {
    fnas_space *space = NULL;
    fnas_status status = fnas_space_open(context, values->space, &space);
    if (status == FNAS_OK) status = fnas_arch_export(context, space, options, values->output);
    if (status == FNAS_OK) print_files(values, false);
    fnas_space_close(space);
    return status;
}

static fnas_status export_run(fnas_context *context, void *untyped) {
    const export_values *values = untyped;
    const fnas_export_options options = {.arch = values->arch, .format = values->format, .batch = values->batch, .data = values->data};
    bool has_run = values->common.operands.count > 0;
    if (has_run == (values->space != NULL))
        return cli_fail("export", FNAS_ERR_USAGE, "name the run whose network it is, or (for ofa and hat) --space: one of them");
    return has_run ? export_of_run(context, values, &options) : export_of_space(context, values, &options);
}

const cli_verb cli_export = {
    .name = "export",
    .summary = "write a network of a run as a file",
    .operands = "[RUN]",
    .operands_least = 0,
    .operands_most = 1,
    .operands_are_read = true,
    .reads_from_folder = cli_run_holds,
    .details =
        "The network has its weights from the run's supernet, and the statistics of its norms are taken on training images of its own "
        "size, as they are for scores: its error is the one that front and verify say. onnx: opset 13, one input \"images\" [batch, "
        "C, H, W], normalised as the data set's, and one output \"logits\"; of a network that translates NAME.encoder.onnx, "
        "NAME.decoder.onnx and NAME.vocabulary.model for -o NAME.onnx (docs/transformer.md says what they take and give). safetensors: the "
        "parts of the shared weights that the "
        "network uses, by name, norms with .mean and .variance. ofa: the architecture as Once-for-All's JSON (mobilenetv3). hat: as "
        "HAT's YAML of a sub-transformer (transformer).",
    .example = "fleetnas export run --arch '{\"ks\":[3,3,5,7,...],\"e\":[3,4,...],\"d\":[2,3,2,4,2],\"r\":48}' --format onnx -o net.onnx",
    .options = export_options,
    .values_size = sizeof(export_values),
    .run = export_run,
};
