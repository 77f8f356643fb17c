#include <stdio.h>
#include <string.h>

#include "output.h"
#include "verbs.h"

typedef struct prepare_values {
    cli_common common;
    const char *output, *vocabulary, *kind;
    int64_t size, threads, vocabulary_size, longest;
    double ratio, search, validation, test;
    uint64_t seed;
    bool json;
} prepare_values;

#define AT(member) offsetof(prepare_values, member)
#define TEXT "text:"

static const cli_option prepare_options[] = {
    {"output", 'o', CLI_OUTPUT, AT(output), "FILE", "where the images or the text go", true},
    {"size", 0, CLI_COUNT, AT(size), "N", "images: longest shorter side in pixels, 8 to 4096; smaller ones stay as they are [256]", false},
    {"vocabulary", 0, CLI_INPUT, AT(vocabulary), "FILE",
     "text: a model of SentencePiece, unigram or bpe, with <s> and </s> [one is trained by spm_train]", false},
    {"vocabulary-size", 0, CLI_COUNT, AT(vocabulary_size), "N", "text: pieces of a vocabulary that is trained, 300 to 65536 [8000]", false},
    {"vocabulary-type", 0, CLI_CHOICE, AT(kind), "bpe|unigram", "text: how a vocabulary is trained [bpe]", false},
    {"longest", 0, CLI_COUNT, AT(longest), "N", "text: pairs with more pieces on a side are left out, 1 to 1024 [250]", false},
    {"ratio", 0, CLI_REAL, AT(ratio), "X", "text: pairs with more than X times the pieces on one side are left out [3]", false},
    {"search-part", 0, CLI_REAL, AT(search), "X", "text: fraction of the pairs for the hypernetwork's search [0.1]", false},
    {"validation-part", 0, CLI_REAL, AT(validation), "X", "text: fraction for validation, without valid.* files [0.05]", false},
    {"test-part", 0, CLI_REAL, AT(test), "X", "text: fraction for the test, without test.* files [0.05]", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "text: which pairs the parts get [0]", false},
    CLI_OPTION_THREADS(prepare_values),
    CLI_OPTION_JSON(prepare_values),
    CLI_OPTIONS_END,
};

/* ---- images ---- */

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

static fnas_status prepare_images(fnas_context *context, const prepare_values *values) {
    fnas_prepared prepared;
    fnas_status status = fnas_dataset_prepare(context, values->common.operands.items[0], values->size, values->output, &prepared);
    if (status == FNAS_OK) (values->json ? prepare_print_json : prepare_print)(&prepared, values->output);
    return status;
}

/* ---- text ---- */

static const char *const part_names[FNAS_TEXT_PARTS] = {"train", "search", "validation", "test"};

static int64_t text_kept(const fnas_text_prepared *prepared) {
    int64_t kept = 0;
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) kept += prepared->counts[part];
    return kept;
}

static void text_print(const fnas_text_prepared *prepared, const char *path) {
    printf("%s: kept %lld of %lld pairs:", path, (long long)text_kept(prepared), (long long)prepared->read);
    for (int part = 0; part < FNAS_TEXT_PARTS; part++)
        printf("%s %lld %s", part ? "," : "", (long long)prepared->counts[part], part_names[part]);
    printf("; %lld pieces of a vocabulary of %lld, %.1f MB\n", (long long)prepared->pieces, (long long)prepared->vocabulary,
           (double)prepared->size_bytes / 1e6);
    for (int skip = 0; skip < FNAS_TEXT_SKIPS; skip++)
        if (prepared->skipped[skip])
            printf("left out: %lld (%s)\n", (long long)prepared->skipped[skip], fnas_text_skip_name((fnas_text_skip)skip));
}

static void text_print_json(const fnas_text_prepared *prepared, const char *path) {
    static const char *const skips[FNAS_TEXT_SKIPS] = {"enormous", "invalid", "empty", "long", "uneven", "repeated"};
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "file", path);
    cli_json_integer(&json, "read", prepared->read);
    cli_json_object(&json, "kept");
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) cli_json_integer(&json, part_names[part], prepared->counts[part]);
    cli_json_end(&json, '}');
    cli_json_object(&json, "left_out");
    for (int skip = 0; skip < FNAS_TEXT_SKIPS; skip++) cli_json_integer(&json, skips[skip], prepared->skipped[skip]);
    cli_json_end(&json, '}');
    cli_json_integer(&json, "pieces", prepared->pieces);
    cli_json_integer(&json, "vocabulary", prepared->vocabulary);
    cli_json_integer(&json, "size_bytes", prepared->size_bytes);
    cli_json_end(&json, '}');
}

static fnas_status prepare_text(fnas_context *context, const prepare_values *values) {
    fnas_text_prepared prepared;
    const fnas_text_request request = {
        .vocabulary = values->vocabulary,
        .kind = values->kind,
        .vocabulary_size = values->vocabulary_size,
        .longest = values->longest,
        .ratio = values->ratio,
        .fractions = {[FNAS_TEXT_SEARCH] = values->search, [FNAS_TEXT_VALIDATION] = values->validation, [FNAS_TEXT_TEST] = values->test},
        .seed = values->seed};
    fnas_status status = fnas_text_prepare(context, values->common.operands.items[0], &request, values->output, &prepared);
    if (status == FNAS_OK) (values->json ? text_print_json : text_print)(&prepared, values->output);
    return status;
}

/* ---- the verb ---- */

/* Options of the other kind of data, and a vocabulary that is both given and to be trained, are mistakes. */
static fnas_status check_options(const prepare_values *values, bool text) {
    static const char *const of_text[] = {"vocabulary",  "vocabulary-size", "vocabulary-type", "longest", "ratio",
                                          "search-part", "validation-part", "test-part",       "seed",    NULL};
    static const char *const of_images[] = {"size", NULL}, *const of_training[] = {"vocabulary-size", "vocabulary-type", NULL};
    const cli_verb *verb = values->common.verb;
    for (const char *const *name = text ? of_images : of_text; *name; name++)
        if (cli_is_given(verb, values, *name))
            return cli_fail(verb->name, FNAS_ERR_USAGE, "--%s says something of %s, not of %s", *name, text ? "images" : "text",
                            values->common.operands.items[0]);
    for (const char *const *name = of_training; values->vocabulary && *name; name++)
        if (cli_is_given(verb, values, *name))
            return cli_fail(verb->name, FNAS_ERR_USAGE, "--%s is for a vocabulary that is trained, --vocabulary names one", *name);
    return FNAS_OK;
}

static fnas_status prepare_run(fnas_context *context, void *untyped) {
    const prepare_values *values = untyped;
    bool text = !strncmp(values->common.operands.items[0], TEXT, sizeof TEXT - 1);
    fnas_status status = check_options(values, text);
    if (status != FNAS_OK) return status;
    fnas_context_set_threads(context, values->threads);
    return (text ? prepare_text : prepare_images)(context, values);
}

const cli_verb cli_data_prepare = {
    .name = "data prepare",
    .summary = "decode a folder of images, or cut parallel text into pieces, once, into one file",
    .operands = "folder:DIR|text:SOURCE,TARGET",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_data = true,
    .details =
        "folder:DIR: decodes the JPEG and PNG files of DIR/train/CLASS and DIR/val/CLASS, or of DIR/CLASS, and writes them uncompressed, "
        "their "
        "shorter sides reduced to --size, into one file that `--data folder:FILE` reads without decoding. Damaged files are left out, the "
        "first few by name. One that was made of the same files in the same size is left as it is; one whose folder has changed since is "
        "refused where it is read. It takes 3 bytes a pixel: 260 kB for a photograph of 256x340 (docs/data.md).\n"
        "text:SOURCE,TARGET: two files of UTF-8 whose lines are translations of each other. They are cut into pieces of a vocabulary of "
        "SentencePiece and written in four parts, train, search, validation and test. Of train.en,train.de the files valid.en,valid.de and "
        "test.en,test.de beside them are those parts, where they are there; other parts are drawn by --seed. Pairs that are empty, not "
        "UTF-8, "
        "too long or uneven are left out and counted (docs/text.md).\n"
        "The file appears when it is whole: a command that is interrupted leaves nothing.",
    .example = "fleetnas data prepare text:wmt14/train.en,wmt14/train.de --vocabulary-size 32000 -o wmt14.pairs",
    .options = prepare_options,
    .values_size = sizeof(prepare_values),
    .run = prepare_run,
};
