#include "device/runtime.h"

#include <string.h>

static const fnas_runtime *const runtimes[] = {&fnas_runtime_onednn, &fnas_runtime_onednn_plain, &fnas_runtime_blas};
#define RUNTIME_COUNT (sizeof runtimes / sizeof *runtimes)

static const char *const precision_names[FNAS_PRECISION_COUNT + 1] = {"f32", "bf16", "int8", NULL};
static const char *const isa_names[] = {"native", "avx512", "avx2", "sse41", NULL};

/* FNAS_ERR_INPUT for a name that is none of names (NULL-terminated): lists them. */
static fnas_status fail_unknown(fnas_context *context, const char *what, const char *name, const char *const *names) {
    fnas_text known = {0};
    for (int i = 0; names[i]; i++) fnas_text_append(&known, "%s%s", i ? ", " : "", names[i]);
    const char *nearest = fnas_suggest(name, names);
    fnas_status status = fnas_fail(context, FNAS_ERR_INPUT, "unknown %s \"%s\": use one of %s%s%s%s", what, name,
                                   known.failed ? "?" : known.data, nearest ? " (did you mean " : "", nearest ? nearest : "",
                                   nearest ? "?)" : "");
    fnas_text_free(&known);
    return status;
}

static bool is_among(const char *name, const char *const *names, int *index) {
    for (int i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0) {
            *index = i;
            return true;
        }
    return false;
}

fnas_status fnas_runtime_find(fnas_context *context, const char *name, const fnas_runtime **runtime) {
    const char *names[RUNTIME_COUNT + 1] = {NULL};
    for (size_t i = 0; i < RUNTIME_COUNT; i++) names[i] = runtimes[i]->name;
    int index;
    if (!is_among(name, names, &index)) return fail_unknown(context, "runtime", name, names);
    *runtime = runtimes[index];
    return FNAS_OK;
}

fnas_status fnas_precision_find(fnas_context *context, const char *name, fnas_precision *precision) {
    int index;
    if (!is_among(name, precision_names, &index)) return fail_unknown(context, "precision", name, precision_names);
    *precision = (fnas_precision)index;
    return FNAS_OK;
}

const char *fnas_precision_name(fnas_precision precision) {
    return precision_names[precision];
}

fnas_status fnas_runtime_check(fnas_context *context, const fnas_runtime *runtime, fnas_precision precision, const char *isa) {
    int index;
    if (!is_among(isa, isa_names, &index)) return fail_unknown(context, "instruction set", isa, isa_names);
    if (!runtime->precisions[precision])
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "runtime %s knows no precision %s: use f32, or the runtime onednn", runtime->name,
                         precision_names[precision]);
    if (index > 0 && !runtime->knows_isa)
        return fnas_fail(
            context, FNAS_ERR_UNSUPPORTED,
            "runtime %s chooses its instruction set itself: leave isa at native (OpenBLAS reads OPENBLAS_CORETYPE when it is loaded)",
            runtime->name);
    return FNAS_OK;
}

/* Names of what translates, or of the precisions in which a runtime does. */
static const char *list_names(fnas_text *text, int count, const char *(*name_of)(const fnas_runtime *runtime, int index),
                              const fnas_runtime *runtime) {
    for (int i = 0; i < count; i++)
        if (name_of(runtime, i)) fnas_text_append(text, "%s%s", text->size ? ", " : "", name_of(runtime, i));
    return text->failed || !text->data ? "?" : text->data;
}

static const char *translating_runtime(const fnas_runtime *runtime, int index) {
    (void)runtime;
    return runtimes[index]->translation ? runtimes[index]->name : NULL;
}

static const char *translating_precision(const fnas_runtime *runtime, int index) {
    return runtime->translation->precisions[index] ? precision_names[index] : NULL;
}

fnas_status fnas_runtime_check_translation(fnas_context *context, const fnas_runtime *runtime, fnas_precision precision) {
    const fnas_runtime_translation *translation = runtime->translation;
    if (translation && translation->precisions[precision]) return FNAS_OK;
    fnas_text names = {0};
    fnas_status status = translation
                             ? fnas_fail(
                                   context, FNAS_ERR_UNSUPPORTED,
                                   "runtime %s runs networks that translate in %s, not in %s: leave precision out, or use one of these",
                                   runtime->name, list_names(&names, FNAS_PRECISION_COUNT, translating_precision, runtime),
                                   precision_names[precision])
                             : fnas_fail(context, FNAS_ERR_UNSUPPORTED,
                                         "runtime %s runs networks of images only: for networks that translate there are %s", runtime->name,
                                         list_names(&names, RUNTIME_COUNT, translating_runtime, runtime));
    fnas_text_free(&names);
    return status;
}
