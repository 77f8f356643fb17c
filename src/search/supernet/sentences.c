#include "search/supernet/sentences.h"

#include "base/memory.h"

fnas_status fnas_sentences_create(fnas_context *context, int64_t pairs_most, int64_t tokens_most, fnas_sentences *sentences) {
    size_t pairs = (size_t)pairs_most, tokens = (size_t)tokens_most;
    *sentences = (fnas_sentences){.source = fnas_allocate(tokens, sizeof(int32_t)),
                                  .input = fnas_allocate(tokens, sizeof(int32_t)),
                                  .label = fnas_allocate(tokens, sizeof(int32_t)),
                                  .source_start = fnas_allocate(pairs + 1, sizeof(int64_t)),
                                  .target_start = fnas_allocate(pairs + 1, sizeof(int64_t))};
    bool good = sentences->source && sentences->input && sentences->label && sentences->source_start && sentences->target_start;
    return good ? FNAS_OK : fnas_fail_memory(context, "sentences");
}

void fnas_sentences_free(fnas_sentences *sentences) {
    fnas_free(sentences->source);
    fnas_free(sentences->input);
    fnas_free(sentences->label);
    fnas_free(sentences->source_start);
    fnas_free(sentences->target_start);
    *sentences = (fnas_sentences){0};
}

/* The pair behind the last one. */
static void add(const fnas_pairs *pairs, fnas_text_part part, int64_t index, fnas_sentences *sentences) {
    fnas_vocabulary_marks marks = fnas_vocabulary_get(fnas_pairs_get(pairs).vocabulary);
    int64_t i = sentences->n++;
    int64_t sources = fnas_pairs_length(pairs, part, index, FNAS_TEXT_SOURCE),
            targets = fnas_pairs_length(pairs, part, index, FNAS_TEXT_TARGET);
    int32_t *source = sentences->source + sentences->source_start[i];
    int32_t *input = sentences->input + sentences->target_start[i], *label = sentences->label + sentences->target_start[i];
    fnas_pairs_ids(pairs, part, index, FNAS_TEXT_SOURCE, source);
    source[sources] = marks.end;
    fnas_pairs_ids(pairs, part, index, FNAS_TEXT_TARGET, label);
    label[targets] = marks.end;
    input[0] = marks.begin;
    for (int64_t t = 0; t < targets; t++) input[t + 1] = label[t];
    sentences->source_start[i + 1] = sentences->source_start[i] + sources + 1;
    sentences->target_start[i + 1] = sentences->target_start[i] + targets + 1;
}

void fnas_sentences_fill(const fnas_pairs *pairs, fnas_text_part part, int64_t count, const int64_t *indices, fnas_sentences *sentences) {
    sentences->n = 0;
    for (int64_t i = 0; i < count; i++) add(pairs, part, indices[i], sentences);
}

int64_t fnas_sentences_words(const fnas_sentences *sentences) {
    return sentences->target_start[sentences->n];
}

fnas_translator_batch fnas_sentences_batch(const fnas_sentences *sentences) {
    return (fnas_translator_batch){.n = sentences->n,
                                   .source = sentences->source,
                                   .source_start = sentences->source_start,
                                   .input = sentences->input,
                                   .label = sentences->label,
                                   .target_start = sentences->target_start};
}
