/* Scores on sentences: how well each word of a translation is foretold by those before it. */
#include "search/supernet/sentences.h"
#include "search/score/kind.h"
#include "space/space.h"

#define CHUNK 16 /* pairs a run: a constant, so that the outcome depends on nothing but the architecture */

/* The pairs that every architecture sees. */
typedef struct score_pairs {
    int64_t chunk_count, words;
    fnas_sentences *chunks; /* [chunk_count] */
} score_pairs;

static void free_pairs(void *loaded) {
    score_pairs *pairs = loaded;
    if (!pairs) return;
    for (int64_t c = 0; pairs->chunks && c < pairs->chunk_count; c++) fnas_sentences_free(&pairs->chunks[c]);
    fnas_free(pairs->chunks);
    fnas_free(pairs);
}

/* Pairs first .. first + count - 1 of a part. */
static fnas_status load_chunk(fnas_context *context, const fnas_pairs *pairs, fnas_text_part part, int64_t first, int64_t count,
                              fnas_sentences *chunk) {
    int64_t indices[CHUNK], most = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t source = fnas_pairs_length(pairs, part, first + i, FNAS_TEXT_SOURCE),
                target = fnas_pairs_length(pairs, part, first + i, FNAS_TEXT_TARGET);
        indices[i] = first + i;
        most += 1 + (source > target ? source : target);
    }
    FNAS_TRY(fnas_sentences_create(context, count, most, chunk));
    fnas_sentences_fill(pairs, part, count, indices, chunk);
    return FNAS_OK;
}

static fnas_status load_pairs(fnas_context *context, const fnas_run *run, const fnas_examples *examples, fnas_score_part part,
                              int64_t wanted, void **loaded) {
    (void)run;
    const fnas_pairs *pairs = examples->pairs;
    fnas_text_part of = part == FNAS_SCORE_TEST ? FNAS_TEXT_TEST : FNAS_TEXT_VALIDATION;
    int64_t available = fnas_pairs_get(pairs).counts[of], count = fnas_score_most(wanted, available);
    score_pairs *made = *loaded = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "sentences for scoring");
    made->chunk_count = (count + CHUNK - 1) / CHUNK;
    made->chunks = fnas_allocate((size_t)made->chunk_count, sizeof *made->chunks);
    if (!made->chunks) return fnas_fail_memory(context, "sentences for scoring");
    for (int64_t c = 0; c < made->chunk_count; c++) {
        int64_t rest = count - c * CHUNK;
        FNAS_TRY(load_chunk(context, pairs, of, c * CHUNK, rest < CHUNK ? rest : CHUNK, &made->chunks[c]));
        made->words += fnas_sentences_words(&made->chunks[c]);
    }
    return FNAS_OK;
}

static fnas_status score_pairs_of(fnas_context *context, const fnas_run *run, const void *loaded, fnas_scorer *scorer,
                                  const int32_t *choices, fnas_score *score) {
    const score_pairs *pairs = loaded;
    int64_t correct = 0, vocabulary = run->config.vocabulary;
    double loss = 0;
    fnas_translator shape, largest;
    FNAS_TRY(fnas_scorer_prepare(context, scorer));
    run->supernet->type->translator(run->supernet, choices, vocabulary, &shape);
    run->supernet->type->translator(run->supernet, NULL, vocabulary, &largest);
    for (int64_t c = 0; c < pairs->chunk_count; c++) {
        fnas_translator_batch batch = fnas_sentences_batch(&pairs->chunks[c]);
        fnas_translator_request request = {
            .shape = &shape, .largest = &largest, .parameters = &run->state.weights, .batch = &batch, .scale = 1};
        fnas_translator_result result;
        FNAS_TRY(fnas_translator_run(context, &scorer->worker, &request, &result));
        correct += result.correct;
        loss += result.log_loss;
    }
    *score = (fnas_score){.error_pct = 100 * (double)(pairs->words - correct) / (double)pairs->words,
                          .cross_entropy = loss / (double)pairs->words};
    return FNAS_OK;
}

const fnas_score_kind fnas_score_on_sentences = {.load = load_pairs, .free = free_pairs, .score = score_pairs_of};
