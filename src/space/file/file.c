#include "space/file/file.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* ---- life ---- */

void fnas_file_space_retain(fnas_file_space *file) {
    atomic_fetch_add(&file->users, 1);
}

static void fnas_file_decision_release(fnas_file_decision *decision) {
    fnas_free(decision->name);
    for (int64_t k = 0; decision->choice_names && k < decision->choice_count; k++) fnas_free(decision->choice_names[k]);
    fnas_free(decision->choice_names);
    fnas_free(decision->values);
    fnas_free(decision->ratios);
    fnas_free(decision->active_with);
}

void fnas_file_space_release(fnas_file_space *file) {
    if (!file || atomic_fetch_sub(&file->users, 1) > 1) return;
    for (int64_t d = 0; file->decisions && d < file->decision_count; d++) fnas_file_decision_release(&file->decisions[d]);
    fnas_free(file->name);
    fnas_free(file->spec);
    fnas_free(file->description);
    fnas_free(file->decisions);
    fnas_free(file->costs);
    fnas_free(file->order);
    fnas_free(file->offset);
    fnas_free(file->references);
    fnas_free(file);
}

static fnas_status fnas_file_open(fnas_context *context, const char *parameters, const fnas_space *previous, fnas_space *space) {
    if (previous && *parameters)
        return fnas_fail(context, FNAS_ERR_INPUT, "space %s is described in a file and has no parameters: leave out \"%s\"",
                         fnas_space_name(previous), parameters);
    char spec[256];
    snprintf(spec, sizeof spec, "file:%s", parameters);
    fnas_file_space *file = previous ? previous->detail : fnas_file_space_find(context, spec);
    if (!file)
        return fnas_fail(
            context, FNAS_ERR_INPUT,
            "the space \"%s\" is described in a file: give that file with --space SPACE.json (the letters behind the last colon are the "
            "checksum of what it says); where the verb takes none, this is another space than the predictor's or the run's",
            spec);
    return fnas_file_space_fill(context, file, space);
}

fnas_status fnas_file_space_fill(fnas_context *context, fnas_file_space *file, fnas_space *space) {
    fnas_file_space_retain(file);
    space->type = &fnas_space_file;
    space->detail = file;
    space->name = file->name;
    space->decision_count = file->decision_count;
    space->onehot_size = file->onehot_size;
    if (file->reference_count) space->references = file->references;
    space->reference_count = file->reference_count;
    space->spec = fnas_strdup(file->spec);
    space->decisions = fnas_allocate((size_t)file->decision_count, sizeof *space->decisions);
    if (!space->spec || !space->decisions) return fnas_fail_memory(context, "a space");
    for (int64_t d = 0; d < file->decision_count; d++)
        space->decisions[d] = (fnas_decision){file->decisions[d].name, file->decisions[d].choice_count,
                                              (const char *const *)file->decisions[d].choice_names};
    return FNAS_OK;
}

static void fnas_file_close(fnas_space *space) {
    fnas_file_space_release(space->detail);
}

const char *fnas_file_space_description(const fnas_space *space) {
    return ((const fnas_file_space *)space->detail)->description;
}

static void fnas_file_canonical(const fnas_space *space, int32_t *choices) {
    fnas_file_space_canonical(space->detail, choices);
}

/* ---- native strings: "choice/choice/...", in the order of the decisions ---- */

static fnas_status fnas_file_fail_choice(fnas_context *context, const fnas_file_decision *decision, const char *word, size_t length) {
    fnas_text known = {0};
    for (int64_t k = 0; k < decision->choice_count && known.size < 400; k++)
        fnas_text_append(&known, "%s%s", k ? ", " : "", decision->choice_names[k]);
    fnas_status status = fnas_fail(context, FNAS_ERR_INPUT, "decision %s has no choice \"%.*s\": it has %.400s", decision->name,
                                   (int)(length < 80 ? length : 80), word, known.data ? known.data : "");
    fnas_text_free(&known);
    return status;
}

static fnas_status fnas_file_find_choice(fnas_context *context, const fnas_file_decision *decision, const char *word, size_t length,
                                         int32_t *choice) {
    for (int64_t k = 0; k < decision->choice_count; k++) {
        const char *name = decision->choice_names[k];
        if (strlen(name) != length || memcmp(name, word, length) != 0) continue;
        *choice = (int32_t)k;
        return FNAS_OK;
    }
    return fnas_file_fail_choice(context, decision, word, length);
}

fnas_status fnas_file_space_parse_arch(fnas_context *context, const fnas_file_space *file, const char *text, int32_t *choices) {
    int32_t found[FNAS_FILE_SPACE_DECISIONS_MAX];
    const char *at = text;
    for (int64_t d = 0; d < file->decision_count; d++) {
        size_t length = strcspn(at, "/");
        FNAS_TRY(fnas_file_find_choice(context, &file->decisions[d], at, length, &found[d]));
        at += length;
        bool is_last = d + 1 == file->decision_count;
        if (is_last ? *at != '\0' : *at != FNAS_FILE_SPACE_SEPARATOR)
            return fnas_fail(context, FNAS_ERR_INPUT, "architecture \"%.120s\": %lld choices between slashes are needed, one a decision",
                             text, (long long)file->decision_count);
        at += !is_last;
    }
    fnas_file_space_canonical(file, found);
    memcpy(choices, found, (size_t)file->decision_count * sizeof *choices);
    return FNAS_OK;
}

static fnas_status fnas_file_parse(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices) {
    return fnas_file_space_parse_arch(context, space->detail, text, choices);
}

static fnas_status fnas_file_format(fnas_context *context, const fnas_space *space, const int32_t *choices, char *text, size_t size_bytes) {
    const fnas_file_space *file = space->detail;
    int32_t shown[FNAS_FILE_SPACE_DECISIONS_MAX];
    size_t used = 0;
    memcpy(shown, choices, (size_t)file->decision_count * sizeof *shown);
    fnas_file_space_canonical(file, shown);
    for (int64_t d = 0; d < file->decision_count; d++) {
        const char *name = file->decisions[d].choice_names[shown[d]];
        size_t length = strlen(name);
        if (used + length + 2 > size_bytes) return fnas_fail(context, FNAS_ERR_INTERNAL, "an architecture's text has too small a buffer");
        if (d) text[used++] = FNAS_FILE_SPACE_SEPARATOR;
        memcpy(text + used, name, length);
        used += length;
    }
    text[used] = '\0';
    return FNAS_OK;
}

const fnas_space_type fnas_space_file = {.name = "file",
                                         .open = fnas_file_open,
                                         .close = fnas_file_close,
                                         .parse = fnas_file_parse,
                                         .format = fnas_file_format,
                                         .canonical = fnas_file_canonical,
                                         .settle = fnas_file_canonical,
                                         .settled_count = fnas_file_space_settled_count,
                                         .settled_random = fnas_file_space_settled_random,
                                         .cost_feature_count = fnas_file_space_cost_count,
                                         .cost_features = fnas_file_space_costs,
                                         .cost_features_vjp = fnas_file_space_costs_vjp,
                                         .error_feature_count = fnas_file_space_feature_count,
                                         .error_features = fnas_file_space_features,
                                         .error_features_vjp = fnas_file_space_features_vjp,
                                         .encodings = fnas_file_space_encodings};
