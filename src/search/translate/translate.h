/* Sentences translated by architectures of a run with its shared weights, on many threads. */
#ifndef FNAS_SEARCH_TRANSLATE_TRANSLATE_H
#define FNAS_SEARCH_TRANSLATE_TRANSLATE_H

#include "base/text.h"
#include "fleetnas/translate.h"
#include "search/run/run.h"

/* Sentences in chunks of like lengths, the long ones first: what is decoded together. Zero-initialise; fnas_source_list_free. */
typedef struct fnas_source_list {
    int64_t count;
    int32_t *ids;   /* one sentence's behind the other, each with the mark of its end */
    int64_t *start; /* [count + 1] */
    size_t id_capacity, start_capacity;
    int64_t chunk_count;
    int64_t *order; /* [count]: chunk c has the sentences order[first[c]] .. order[first[c + 1] - 1] */
    int64_t *first; /* [chunk_count + 1] */
} fnas_source_list;

/* A sentence of `count` pieces [count] goes behind the last; `end` behind it. */
FNAS_NODISCARD fnas_status fnas_source_list_add(fnas_context *context, fnas_source_list *sources, const int32_t *ids, int64_t count,
                                                int32_t end);
/* Once all are there: the chunks. They depend on the sentences' lengths and the beam alone. */
FNAS_NODISCARD fnas_status fnas_source_list_plan(fnas_context *context, const fnas_beam_options *beam, fnas_source_list *sources);
void fnas_source_list_free(fnas_source_list *sources);

/* Hypotheses that are kept: the beam's width, or the usual one. */
int64_t fnas_translation_beam(const fnas_beam_options *beam);

/* Words at most, the end included, of a translation of so many pieces, the end included. */
int64_t fnas_translation_words_most(int64_t pieces);

/* Takes what a sentence became. Called on worker threads, for an architecture and chunk on one. */
typedef fnas_status fnas_translation_taker(fnas_context *context, void *user, int64_t arch, int64_t chunk, int64_t sentence,
                                           const int32_t *words, int64_t count);

typedef struct fnas_translation_request {
    const fnas_run *run; /* whose networks translate */
    const fnas_source_list *sources;
    int64_t arch_count;
    const int32_t *choices; /* [arch_count][decisions] */
    fnas_beam_options beam;
    fnas_translation_taker *take;
    void *user;
} fnas_translation_request;

/* Whether the run has shared weights that translate, and the beam is one. */
FNAS_NODISCARD fnas_status fnas_translation_check(fnas_context *context, const fnas_run *run, const fnas_beam_options *beam);

/* Each sentence by each architecture; none of the sentences, or of the architectures, is fine. What is given to `take` does not depend on
 * threads. Progress stage "translate". FNAS_INTERRUPTED on a stop request. */
FNAS_NODISCARD fnas_status fnas_translate(fnas_context *context, const fnas_translation_request *request);

/* Appends a translation as text in one line: control characters, which some vocabularies could say byte by byte, become blanks. */
FNAS_NODISCARD fnas_status fnas_translation_append(fnas_context *context, const fnas_vocabulary *vocabulary, const int32_t *words,
                                                   int64_t count, fnas_text *text);

#endif
