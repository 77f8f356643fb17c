/* Texts translated. */
#include <string.h>

#include "base/memory.h"
#include "data/text/lines.h"
#include "data/text/utf8.h"
#include "search/translate/translate.h"
#include "space/space.h"

struct fnas_translations {
    int64_t count;
    char **texts; /* [count]; NULL: empty */
};

typedef struct text_work {
    const fnas_run *run;
    const fnas_translate_options *options;
    fnas_source_list sources;
    int64_t *index; /* [count]: of each source's text */
    fnas_translations *made;
} text_work;

void fnas_translations_free(fnas_translations *translations) {
    if (!translations) return;
    for (int64_t i = 0; translations->texts && i < translations->count; i++) fnas_free(translations->texts[i]);
    fnas_free(translations->texts);
    fnas_free(translations);
}

const char *fnas_translations_text(const fnas_translations *translations, int64_t index) {
    return translations->texts[index] ? translations->texts[index] : "";
}

/* ---- sources ---- */

static fnas_status fail_text(fnas_context *context, const text_work *work, int64_t index, const char *what) {
    const char *name = work->options->name ? work->options->name : "sentence";
    int64_t first = work->options->first_line ? work->options->first_line : 1;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: %s", name, (long long)(first + index), what);
}

static fnas_status check_text(fnas_context *context, const text_work *work, int64_t index, const char *text, size_t size) {
    if (size > FNAS_LINE_BYTES_MAX) return fail_text(context, work, index, "more than 65536 bytes: break the text into sentences");
    if (memchr(text, 0, size)) return fail_text(context, work, index, "there is a byte 0 in it: this is no text");
    if (!fnas_utf8_is_valid(text, size)) return fail_text(context, work, index, "not UTF-8: convert it, with iconv for instance");
    return FNAS_OK;
}

static fnas_status add_text(fnas_context *context, text_work *work, int64_t index, const char *text, size_t size, fnas_encoding *encoding) {
    const fnas_vocabulary *vocabulary = work->run->vocabulary;
    FNAS_TRY(check_text(context, work, index, text, size));
    FNAS_TRY(fnas_vocabulary_encode(context, vocabulary, text, size, encoding));
    if (!encoding->count) return FNAS_OK;
    if (encoding->count > FNAS_PAIR_IDS_MAX) {
        char what[128];
        snprintf(what, sizeof what, "%lld pieces, at most %d are translated at once: break the text into sentences",
                 (long long)encoding->count, FNAS_PAIR_IDS_MAX);
        return fail_text(context, work, index, what);
    }
    work->index[work->sources.count] = index;
    return fnas_source_list_add(context, &work->sources, encoding->ids, encoding->count, fnas_vocabulary_get(vocabulary).end);
}

static fnas_status add_texts(fnas_context *context, text_work *work, int64_t count, const char *const *texts, const size_t *sizes) {
    fnas_encoding encoding = {0};
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) status = add_text(context, work, i, texts[i], sizes[i], &encoding);
    fnas_encoding_free(&encoding);
    return status == FNAS_OK ? fnas_source_list_plan(context, &work->options->beam, &work->sources) : status;
}

/* ---- translations ---- */

static fnas_status take(fnas_context *context, void *user, int64_t arch, int64_t chunk, int64_t sentence, const int32_t *words,
                        int64_t count) {
    text_work *work = user;
    fnas_text text = {0};
    (void)arch;
    (void)chunk;
    fnas_status status = fnas_translation_append(context, work->run->vocabulary, words, count, &text);
    if (status == FNAS_OK)
        work->made->texts[work->index[sentence]] = text.data;
    else
        fnas_text_free(&text);
    return status;
}

static fnas_status translate_texts(fnas_context *context, text_work *work, int64_t count, const char *const *texts, const size_t *sizes) {
    const fnas_run *run = work->run;
    int32_t *choices = fnas_allocate((size_t)fnas_space_decision_count(run->space), sizeof *choices);
    work->index = fnas_allocate((size_t)count, sizeof *work->index);
    work->made->count = count;
    work->made->texts = fnas_allocate((size_t)count, sizeof *work->made->texts);
    fnas_status status = choices && work->index && work->made->texts ? FNAS_OK : fnas_fail_memory(context, "translations");
    if (status == FNAS_OK) status = fnas_space_parse_given(context, run->space, work->options->arch, choices);
    if (status == FNAS_OK) status = add_texts(context, work, count, texts, sizes);
    const fnas_translation_request request = {.run = run,
                                              .sources = &work->sources,
                                              .arch_count = 1,
                                              .choices = choices,
                                              .beam = work->options->beam,
                                              .take = take,
                                              .user = work};
    if (status == FNAS_OK) status = fnas_translate(context, &request);
    fnas_free(choices);
    fnas_free(work->index);
    fnas_source_list_free(&work->sources);
    return status;
}

fnas_status fnas_run_translate(fnas_context *context, const fnas_run *run, const fnas_translate_options *options, int64_t count,
                               const char *const *texts, const size_t *sizes_bytes, fnas_translations **translations) {
    *translations = NULL;
    FNAS_TRY(fnas_translation_check(context, run, &options->beam));
    if (!options->arch || count < 0) return fnas_fail(context, FNAS_ERR_USAGE, "translate: an architecture and texts are needed");
    text_work work = {.run = run, .options = options, .made = fnas_allocate(1, sizeof *work.made)};
    if (!work.made) return fnas_fail_memory(context, "translations");
    fnas_status status = translate_texts(context, &work, count, texts, sizes_bytes);
    if (status == FNAS_OK)
        *translations = work.made;
    else
        fnas_translations_free(work.made);
    return status;
}
