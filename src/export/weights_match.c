#include "export/weights_match.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define SHOWN_MOST 3       /* names of each kind */
#define SHOWN_NAME_MAX 120 /* bytes of each */
#define NAME_BYTES 256

fnas_status fnas_weights_match_begin(fnas_context *context, const fnas_parameters *parameters, fnas_weights_match *match) {
    *match = (fnas_weights_match){.parameters = parameters};
    match->found = fnas_allocate((size_t)parameters->item_count, sizeof *match->found);
    return match->found ? FNAS_OK : fnas_fail_memory(context, "names of weights");
}

void fnas_weights_match_free(fnas_weights_match *match) {
    fnas_free(match->found);
    fnas_text_free(&match->missing.names);
    fnas_text_free(&match->extra.names);
    fnas_text_free(&match->misshapen.names);
    fnas_text_free(&match->repeated.names);
    *match = (fnas_weights_match){0};
}

/* Whether this one is among the first of its kind, which are shown. */
static bool note(fnas_weights_fault *fault, const char *shown) {
    if (fault->count++ >= SHOWN_MOST) return false;
    fnas_text_append(&fault->names, "%s\"%.*s\"", fault->count > 1 ? ", " : "", SHOWN_NAME_MAX, shown);
    return true;
}

static void append_shape(fnas_text *text, int64_t rank, const int64_t *shape) {
    fnas_text_append(text, "[");
    for (int64_t i = 0; i < rank; i++) fnas_text_append(text, "%s%" PRId64, i ? ", " : "", shape[i]);
    fnas_text_append(text, "]");
}

static void note_shape(fnas_weights_fault *fault, const char *shown, int64_t rank, const int64_t *shape, const fnas_parameter *item) {
    if (!note(fault, shown)) return;
    fnas_text_append(&fault->names, " has ");
    append_shape(&fault->names, rank, shape);
    fnas_text_append(&fault->names, ", expected ");
    append_shape(&fault->names, item->rank, item->shape);
}

void fnas_weights_match_extra(fnas_weights_match *match, const char *shown) {
    note(&match->extra, shown);
}

int32_t fnas_weights_match_take(fnas_weights_match *match, const char *shown, const char *name, int64_t rank, const int64_t *shape) {
    int32_t index = fnas_parameters_find(match->parameters, name);
    if (index == FNAS_PARAMETER_NONE) {
        note(&match->extra, shown);
        return FNAS_PARAMETER_NONE;
    }
    const fnas_parameter *item = &match->parameters->items[index];
    if (match->found[index]) {
        note(&match->repeated, shown);
        return FNAS_PARAMETER_NONE;
    }
    match->found[index] = true;
    if (rank == item->rank && memcmp(shape, item->shape, (size_t)rank * sizeof *shape) == 0) return index;
    note_shape(&match->misshapen, shown, rank, shape, item);
    return FNAS_PARAMETER_NONE;
}

static void find_missing(fnas_weights_match *match, fnas_weights_name_function *published) {
    for (int64_t i = 0; i < match->parameters->item_count; i++) {
        char name[NAME_BYTES];
        if (match->found[i]) continue;
        bool named = published && published(match->parameters->items[i].name, name, sizeof name);
        note(&match->missing, named ? name : match->parameters->items[i].name);
    }
}

/* "; 5 tensors are missing: "a", "b", "c" and 2 more" */
static void append_fault(fnas_text *text, const fnas_weights_fault *fault, const char *one, const char *many) {
    if (!fault->count) return;
    fnas_text_append(text, "%s%" PRId64 " tensor%s %s: %s", text->size ? "; " : "", fault->count, fault->count == 1 ? "" : "s",
                     fault->count == 1 ? one : many, fault->names.data ? fault->names.data : "");
    if (fault->count > SHOWN_MOST) fnas_text_append(text, " and %" PRId64 " more", fault->count - SHOWN_MOST);
}

fnas_status fnas_weights_match_end(fnas_context *context, const char *path, fnas_weights_name_function *published,
                                   fnas_weights_match *match) {
    fnas_text text = {0};
    find_missing(match, published);
    append_fault(&text, &match->missing, "is missing", "are missing");
    append_fault(&text, &match->extra, "is none of the space's", "are none of the space's");
    append_fault(&text, &match->misshapen, "has another shape", "have another shape");
    append_fault(&text, &match->repeated, "stands there under another name already", "stand there under other names already");
    bool failed = match->missing.names.failed || match->extra.names.failed || match->misshapen.names.failed || match->repeated.names.failed;
    fnas_status status = FNAS_OK;
    if (text.failed || failed)
        status = fnas_fail_memory(context, path);
    else if (text.size)
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s: not the weights of this space (another network, width or number of classes?): %s",
                           path, text.data);
    fnas_text_free(&text);
    return status;
}
