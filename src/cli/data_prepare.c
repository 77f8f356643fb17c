#include <stdio.h>

#include "output.h"
#include "verbs.h"

typedef struct prepare_values {
    cli_common common;
    const char *output;
    int64_t size, threads;
    bool json;
} prepare_values;

#define AT(member) offsetof(prepare_values, member)

static const cli_option prepare_options[] = {
    {"output", 'o', CLI_OUTPUT, AT(output), "FILE", "where the images go", true},
    {"size", 0, CLI_COUNT, AT(size), "N", "longest shorter side of an image in pixels, 8 to 4096; smaller ones stay as they are [256]",
     false},
    CLI_OPTION_THREADS(prepare_values),
    CLI_OPTION_JSON(prepare_values),
    CLI_OPTIONS_END,
};

static void prepare_print(const fnas_prepared *prepared, const char *path) {
    printf("%s: %s%lld training and %lld test images in %lld classes, shorter sides at most %lld pixels, %.1f MB", path,
           prepared->was_current ? "there already: " : "", (long long)prepared->train_count, (long long)prepared->test_count,
           (long long)prepared->classes, (long long)prepared->side, (double)prepared->size_bytes / 1e6);
    if (prepared->damaged) printf("; %lld damaged file%s left out", (long long)prepared->damaged, prepared->damaged == 1 ? "" : "s");
    printf("\n");
}

static void prepare_print_json(const fnas_prepared *prepared, const char *path) {
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "file", path);
    cli_json_integer(&json, "train_images", prepared->train_count);
    cli_json_integer(&json, "test_images", prepared->test_count);
    cli_json_integer(&json, "classes", prepared->classes);
    cli_json_integer(&json, "damaged", prepared->damaged);
    cli_json_integer(&json, "size", prepared->side);
    cli_json_integer(&json, "size_bytes", prepared->size_bytes);
    cli_json_flag(&json, "was_there", prepared->was_current);
    cli_json_end(&json, '}');
}

static fnas_status prepare_run(fnas_context *context, void *untyped) {
    const prepare_values *values = untyped;
    fnas_prepared prepared;
    fnas_context_set_threads(context, values->threads);
    fnas_status status = fnas_dataset_prepare(context, values->common.operands.items[0], values->size, values->output, &prepared);
    if (status == FNAS_OK) (values->json ? prepare_print_json : prepare_print)(&prepared, values->output);
    return status;
}

const cli_verb cli_data_prepare = {
    .name = "data prepare",
    .summary = "decode a folder of images once, into one file",
    .operands = "folder:DIR",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_data = true,
    .details =
        "Decodes the JPEG and PNG files of DIR/train/CLASS and DIR/val/CLASS, or of DIR/CLASS, and writes them uncompressed, their shorter "
        "sides reduced to --size, into one file that `--data folder:FILE` reads without decoding. Damaged files are left out, the first "
        "few "
        "by name. The file appears when it is whole: a command that is interrupted leaves nothing. One that was made of the same files in "
        "the same size is left as it is; one whose folder has changed since is refused where it is read. It takes 3 bytes a pixel: 260 kB "
        "for a photograph of 256x340 (docs/data.md).",
    .example = "fleetnas data prepare folder:imagenet --size 256 -o imagenet.images",
    .options = prepare_options,
    .values_size = sizeof(prepare_values),
    .run = prepare_run,
};
