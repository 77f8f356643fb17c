#include "search/supernet/examples.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define TEXT "text:"

static bool is_text(const char *spec) {
    return strncmp(spec, TEXT, strlen(TEXT)) == 0;
}

static fnas_status open_pairs(fnas_context *context, const char *spec, fnas_examples *examples) {
    const char *path = is_text(spec) ? spec + strlen(TEXT) : spec;
    if (!*path) return fnas_fail(context, FNAS_ERR_USAGE, "data \"%s\": no file stands behind the colon", spec);
    if (!fnas_file_exists(path))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "data \"%s\": there is no file \"%s\": networks that translate need pairs of sentences, which `fleetnas data "
                         "prepare text:SOURCE,TARGET -o FILE` makes",
                         spec, path);
    FNAS_TRY(fnas_pairs_open(context, path, &examples->pairs));
    char *absolute = realpath(path, NULL);
    if (!absolute) return fnas_fail_errno(context, path, "open");
    fnas_text text = {0};
    fnas_text_append(&text, TEXT "%s", absolute);
    free(absolute);
    bool good = !text.failed;
    examples->spec = text.data;
    return good ? FNAS_OK : fnas_fail_memory(context, "a path");
}

fnas_status fnas_examples_open(fnas_context *context, const fnas_space *space, const char *spec, fnas_examples *examples) {
    *examples = (fnas_examples){0};
    fnas_status status = FNAS_OK;
    if (fnas_space_translates(space))
        status = open_pairs(context, spec, examples);
    else if (is_text(spec))
        status = fnas_fail(context, FNAS_ERR_USAGE, "data \"%s\": the networks of %s look at images", spec, fnas_space_name(space));
    else
        status = fnas_dataset_open(context, spec, &examples->images);
    if (status != FNAS_OK) fnas_examples_close(examples);
    return status;
}

void fnas_examples_close(fnas_examples *examples) {
    fnas_dataset_close(examples->images);
    fnas_pairs_close(examples->pairs);
    fnas_free(examples->spec);
    *examples = (fnas_examples){0};
}

const char *fnas_examples_name(const fnas_examples *examples) {
    return examples->pairs ? fnas_pairs_get(examples->pairs).name : fnas_dataset_get(examples->images).name;
}

const char *fnas_examples_spec(const fnas_examples *examples) {
    return examples->pairs ? examples->spec : fnas_dataset_get(examples->images).spec;
}

int64_t fnas_examples_test_count(const fnas_examples *examples) {
    return examples->pairs ? fnas_pairs_get(examples->pairs).counts[FNAS_TEXT_TEST] : fnas_dataset_get(examples->images).test_count;
}

const char *fnas_examples_word(const fnas_space *space) {
    return fnas_space_translates(space) ? "pairs" : "images";
}
