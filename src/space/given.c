/* Architectures as they are given: texts, files, rows of averages; and as they are drawn. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "space/space.h"

#define FNAS_SPACE_ARCH_FILE_BYTES ((size_t)64 << 10)

/* ---- files ---- */

bool fnas_space_is_yaml(const char *path) {
    size_t length = strlen(path);
    return (length > 4 && strcmp(path + length - 4, ".yml") == 0) || (length > 5 && strcmp(path + length - 5, ".yaml") == 0);
}

static fnas_status fnas_space_parse_file(fnas_context *context, const fnas_space *space, const char *path, int32_t *choices) {
    unsigned char *data;
    size_t size_bytes;
    FNAS_TRY(fnas_file_read(context, path, FNAS_SPACE_ARCH_FILE_BYTES, &data, &size_bytes));
    const char *text = (const char *)data;
    fnas_status status = FNAS_OK;
    if (strlen(text) != size_bytes)
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s: a 0 byte at position %zu: no architecture", path, strlen(text));
    else
        status = space->type->parse_at(context, space, path, text, choices);
    fnas_free(data);
    return status;
}

fnas_status fnas_space_parse_given(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices) {
    bool is_file = space->type->parse_at && fnas_space_is_yaml(text);
    return is_file ? fnas_space_parse_file(context, space, text, choices) : fnas_space_parse(context, space, text, choices);
}

/* ---- rows of averages ---- */

bool fnas_space_is_average(const int32_t *choices) {
    return choices[0] < 0;
}

fnas_status fnas_space_parse_measured(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices) {
    const fnas_space_type *type = space->type;
    /* The first column's name tells: no architecture's text has it. */
    if (type->parse_averages && strstr(text, type->average_names()[0])) return type->parse_averages(context, space, text, choices);
    return type->parse(context, space, text, choices);
}

void fnas_space_measured_features(const fnas_space *space, const int32_t *choices, double *onehot, double *features) {
    if (fnas_space_is_average(choices)) {
        space->type->average_features(space, choices, features);
        return;
    }
    fnas_space_to_onehot(space, choices, onehot);
    fnas_space_cost_features(space, onehot, features);
}

/* ---- draws ---- */

fnas_status fnas_space_sample(fnas_context *context, const fnas_space *space, uint64_t seed, int64_t count, int32_t *choices) {
    fnas_arch_set set = {.decisions = space->decision_count};
    fnas_status status = fnas_space_random_distinct(context, space, seed, count, &set);
    if (status == FNAS_OK && count > 0) memcpy(choices, set.choices, (size_t)(count * set.decisions) * sizeof *choices);
    fnas_arch_set_free(&set);
    return status;
}
