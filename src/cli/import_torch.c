#include <stdio.h>

#include "output.h"
#include "verbs.h"

typedef struct import_values {
    cli_common common;
    const char *output, *space;
    bool json;
} import_values;

#define AT(member) offsetof(import_values, member)

static const cli_option import_options[] = {
    {"output", 'o', CLI_OUTPUT, AT(output), "FILE.safetensors", "the weights, as float32", true},
    {"space", 0, CLI_SPACE, AT(space), "SPACE",
     "the tensors are this space's shared weights, whole and of its shapes, under the names of its published network: they get the space's "
     "names [they keep their own]",
     false},
    CLI_OPTION_JSON(import_values),
    CLI_OPTIONS_END,
};

static void say_left_out(int64_t count, const char *one, const char *many) {
    if (count) printf("  left out: %lld %s\n", (long long)count, count == 1 ? one : many);
}

static void say_text(const import_values *values, const fnas_space *space, const fnas_weights_imported *imported) {
    printf("%s: %lld tensors, %lld numbers%s%s\n", values->output, (long long)imported->tensors, (long long)imported->numbers,
           space ? ", the shared weights of " : "", space ? fnas_space_spec(space) : "");
    say_left_out(imported->integers, "tensor of whole numbers", "tensors of whole numbers");
    say_left_out(imported->statistics, "running statistic of a norm: norms are calibrated here",
                 "running statistics of norms: norms are calibrated here");
    say_left_out(imported->transforms, "kernel transform: this space takes the centre of a kernel as it is",
                 "kernel transforms: this space takes the centre of a kernel as it is");
}

static void say_json(const import_values *values, const fnas_space *space, const fnas_weights_imported *imported) {
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "output", values->output);
    if (space) cli_json_text(&json, "space", fnas_space_spec(space));
    cli_json_integer(&json, "tensors", imported->tensors);
    cli_json_integer(&json, "numbers", imported->numbers);
    cli_json_integer(&json, "integers_left_out", imported->integers);
    cli_json_integer(&json, "statistics_left_out", imported->statistics);
    cli_json_integer(&json, "transforms_left_out", imported->transforms);
    cli_json_end(&json, '}');
}

static fnas_status import_run(fnas_context *context, void *untyped) {
    const import_values *values = untyped;
    fnas_space *space = NULL;
    fnas_weights_imported imported;
    fnas_status status = values->space ? fnas_space_open(context, values->space, &space) : FNAS_OK;
    if (status == FNAS_OK) status = fnas_weights_import_torch(context, values->common.operands.items[0], space, values->output, &imported);
    if (status == FNAS_INTERRUPTED) status = cli_fail("import torch", status, "interrupted: nothing was written");
    if (status == FNAS_OK) values->json ? say_json(values, space, &imported) : say_text(values, space, &imported);
    fnas_space_close(space);
    return status;
}

const cli_verb cli_import_torch = {
    .name = "import torch",
    .summary = "turn a state dictionary of PyTorch (.pth) into safetensors",
    .operands = "FILE.pth",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .details =
        "Reads what torch.save wrote of model.state_dict(), alone or as the member \"state_dict\" of a dictionary, in the ZIP form or the "
        "one before version 1.6 (docs/import.md). Such files are pickles, programs that can name any function; they are read by a reader "
        "that knows tensors, their storages and plain containers, refuses everything else by name, and runs nothing. Floats become "
        "float32; tensors of whole numbers are left out.\n"
        "With --space mobilenetv3 the file is Once-for-All's supernet: every tensor is checked against the space, and running statistics "
        "of norms are left out, since norms are calibrated here.",
    .example = "fleetnas import torch ofa_mbv3_d234_e346_k357_w1.2 --space mobilenetv3:width=1.2 -o ofa.safetensors",
    .options = import_options,
    .values_size = sizeof(import_values),
    .run = import_run,
};
