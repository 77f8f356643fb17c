/* Which sentences are decoded together. */
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"
#include "search/translate/translate.h"

#define STEP 8            /* lengths are told apart by this: sentences of a chunk may have translations of equally many words */
#define SENTENCES_MOST 32 /* of a chunk */
#define WORDS_MOST 8192   /* of a chunk's hypotheses, whose keys and values are kept: 34 MB a layer where attention is 512 wide */

fnas_status fnas_source_list_add(fnas_context *context, fnas_source_list *sources, const int32_t *ids, int64_t count, int32_t end) {
    int64_t used = sources->count ? sources->start[sources->count] : 0;
    bool grown = fnas_grow((void **)&sources->ids, &sources->id_capacity, (size_t)(used + count + 1), sizeof *sources->ids) &&
                 fnas_grow((void **)&sources->start, &sources->start_capacity, (size_t)sources->count + 2, sizeof *sources->start);
    if (!grown) return fnas_fail_memory(context, "sentences");
    sources->start[0] = 0;
    memcpy(sources->ids + used, ids, (size_t)count * sizeof *ids);
    sources->ids[used + count] = end;
    sources->start[++sources->count] = used + count + 1;
    return FNAS_OK;
}

void fnas_source_list_free(fnas_source_list *sources) {
    fnas_free(sources->ids);
    fnas_free(sources->start);
    fnas_free(sources->order);
    fnas_free(sources->first);
    *sources = (fnas_source_list){0};
}

static int64_t rounded(int64_t pieces) {
    return (pieces + STEP - 1) / STEP * STEP;
}

int64_t fnas_translation_words_most(int64_t pieces) {
    return rounded(pieces) * 3 / 2 + 10;
}

static int64_t length_of(const fnas_source_list *sources, int64_t sentence) {
    return sources->start[sentence + 1] - sources->start[sentence];
}

static void cut(int64_t beam, fnas_source_list *sources) {
    for (int64_t i = 0; i < sources->count;) {
        int64_t most = fnas_translation_words_most(length_of(sources, sources->order[i])), behind = i + 1;
        while (behind < sources->count && behind - i < SENTENCES_MOST && (behind - i + 1) * beam * most <= WORDS_MOST &&
               fnas_translation_words_most(length_of(sources, sources->order[behind])) == most)
            behind++;
        sources->first[sources->chunk_count++] = i;
        i = behind;
    }
    sources->first[sources->chunk_count] = sources->count;
}

fnas_status fnas_source_list_plan(fnas_context *context, const fnas_beam_options *beam, fnas_source_list *sources) {
    size_t count = (size_t)sources->count;
    fnas_keyed *keyed = fnas_allocate(2 * count, sizeof *keyed);
    sources->order = fnas_allocate(count, sizeof *sources->order);
    sources->first = fnas_allocate(count + 1, sizeof *sources->first);
    bool good = keyed && sources->order && sources->first;
    if (good) {
        for (int64_t i = 0; i < sources->count; i++) keyed[i] = (fnas_keyed){-(double)length_of(sources, i), i};
        fnas_sort_keyed(sources->count, keyed, keyed + count);
        for (int64_t i = 0; i < sources->count; i++) sources->order[i] = keyed[i].index;
        cut(fnas_translation_beam(beam), sources);
    }
    fnas_free(keyed);
    return good ? FNAS_OK : fnas_fail_memory(context, "sentences");
}
