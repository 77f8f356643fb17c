#include "nn/translator/decode.h"

#include <math.h>
#include <string.h>

#include "compute/token_loss.h"
#include "nn/translator/step.h"

/* ---- what is wanted ---- */

static fnas_status check(fnas_context *context, const fnas_decode_request *request) {
    const fnas_decode_options *options = &request->options;
    int64_t vocabulary = request->shape->vocabulary;
    if (options->beam < 1 || options->beam > FNAS_BEAM_MOST)
        return fnas_fail(context, FNAS_ERR_USAGE, "a beam of %lld: it must be 1 to %d", (long long)options->beam, FNAS_BEAM_MOST);
    if (options->words_most < 1)
        return fnas_fail(context, FNAS_ERR_USAGE, "at most %lld words: there must be room for one", (long long)options->words_most);
    if (options->words_least < 0 || options->words_least > options->words_most || (options->words_least > 1 && vocabulary < 3))
        return fnas_fail(context, FNAS_ERR_USAGE, "at least %lld words: there is room for %lld, and they need a word beside begin and end",
                         (long long)options->words_least, (long long)options->words_most);
    if (!isfinite(options->length_penalty)) return fnas_fail(context, FNAS_ERR_USAGE, "the length penalty must be finite");
    if (options->begin < 0 || options->begin >= vocabulary || options->end < 0 || options->end >= vocabulary)
        return fnas_fail(context, FNAS_ERR_INPUT, "begin and end are %d and %d, the vocabulary has 0 to %lld", options->begin, options->end,
                         (long long)vocabulary - 1);
    return FNAS_OK;
}

/* ---- hypotheses ---- */

typedef struct candidate {
    double score; /* log probability with the hypothesis that it goes on from */
    int64_t row;
    int32_t word;
} candidate;

struct fnas_decoding {
    fnas_decode_request request;
    fnas_translator_batch batch; /* of which the encoder runs */
    fnas_translator_request forward;
    fnas_translator_run_state run;
    fnas_decoder decoder;
    double *normaliser; /* [rows_most] log of the sum of exp(logits) */
    double *score;      /* [rows_most] log probability so far */
    int32_t *words;     /* [rows_most][words_most] */
    int64_t *from, *scratch;
    double *next_score;
    int32_t *next_words;
    int64_t *next_sentence;
    int64_t *finished; /* [n] hypotheses */
    double *best;      /* [n] of them, with the penalty */
};

/* The earlier row, then the smaller word, wins among equals. */
static bool is_better(const candidate *a, const candidate *b) {
    if (a->score != b->score) return a->score > b->score;
    if (a->row != b->row) return a->row < b->row;
    return a->word < b->word;
}

static void insert(candidate *list, int64_t *count, int64_t most, candidate one) {
    int64_t at = *count < most ? (*count)++ : most - 1;
    for (; at > 0 && is_better(&one, &list[at - 1]); at--) list[at] = list[at - 1];
    list[at] = one;
}

/* The best continuations of one row among `list`. */
static void continue_row(const fnas_decoding *all, int64_t row, bool last, candidate *list, int64_t *count) {
    const fnas_decode_options *options = &all->request.options;
    int64_t vocabulary = all->request.shape->vocabulary, most = 2 * options->beam;
    const float *logits = all->decoder.logits + row * vocabulary;
    double shift = all->score[row] - all->normaliser[row];
    if (last) {
        insert(list, count, most, (candidate){shift + (double)logits[options->end], row, options->end});
        return;
    }
    for (int64_t k = 0; k < vocabulary; k++) {
        candidate one = {shift + (double)logits[k], row, (int32_t)k};
        if (k == options->begin && options->begin != options->end) continue; /* is never said */
        if (k == options->end && all->decoder.length < options->words_least) continue;
        if (*count < most || is_better(&one, &list[most - 1])) insert(list, count, most, one);
    }
}

static void finish(fnas_decoding *all, int64_t sentence, const candidate *end) {
    const fnas_decode_request *request = &all->request;
    int64_t length = all->decoder.length, most = request->options.words_most;
    double worth = end->score / pow((double)length, request->options.length_penalty);
    if (all->finished[sentence]++ > 0 && !(worth > all->best[sentence])) return;
    all->best[sentence] = worth;
    request->word_counts[sentence] = length - 1;
    memcpy(request->words + sentence * most, all->words + end->row * most, (size_t)(length - 1) * sizeof(int32_t));
}

/* ---- a step's outcome ---- */

static void go_on(fnas_decoding *all, int64_t sentence, const candidate *one, int64_t row) {
    int64_t most = all->request.options.words_most, length = all->decoder.length;
    all->from[row] = one->row;
    all->next_score[row] = one->score;
    all->next_sentence[row] = sentence;
    memcpy(all->next_words + row * most, all->words + one->row * most, (size_t)(length - 1) * sizeof(int32_t));
    all->next_words[row * most + length - 1] = one->word;
}

/* Rows first .. behind - 1 are one sentence's. Returns the number of rows that go on, which are numbered from `row`. */
static int64_t choose(fnas_decoding *all, int64_t first, int64_t behind, int64_t row) {
    candidate list[2 * FNAS_BEAM_MOST];
    int64_t count = 0, beam = all->request.options.beam, sentence = all->decoder.sentence[first], kept = 0;
    bool last = all->decoder.length == all->request.options.words_most;
    for (int64_t r = first; r < behind; r++) continue_row(all, r, last, list, &count);
    for (int64_t i = 0; i < count && i < beam; i++)
        if (list[i].word == all->request.options.end) finish(all, sentence, &list[i]);
    if (last || all->finished[sentence] >= beam) return 0;
    for (int64_t i = 0; i < count && kept < beam; i++)
        if (list[i].word != all->request.options.end) go_on(all, sentence, &list[i], row + kept++);
    return kept;
}

static void advance(fnas_decoding *all) {
    fnas_decoder *decoder = &all->decoder;
    int64_t most = all->request.options.words_most, rows = 0;
    for (int64_t first = 0, behind; first < decoder->rows; first = behind) {
        for (behind = first + 1; behind < decoder->rows && decoder->sentence[behind] == decoder->sentence[first];) behind++;
        rows += choose(all, first, behind, rows);
    }
    fnas_decoder_reorder(decoder, rows, all->from, all->scratch);
    memcpy(all->score, all->next_score, (size_t)rows * sizeof *all->score);
    memcpy(decoder->sentence, all->next_sentence, (size_t)rows * sizeof *decoder->sentence);
    memcpy(all->words, all->next_words, (size_t)(rows * most) * sizeof *all->words);
    for (int64_t r = 0; r < rows; r++) decoder->word[r] = all->words[r * most + decoder->length - 1];
}

/* ---- before the first word ---- */

static void *room(fnas_translator_run_state *run, int64_t count, size_t size) {
    void *memory = fnas_arena_allocate(run->arena, (size_t)count * size);
    if (!memory) run->out_of_memory = true;
    return memory;
}

static fnas_status make_room(fnas_context *context, fnas_decoding *all) {
    const fnas_decode_options *options = &all->request.options;
    fnas_translator_run_state *run = &all->run;
    int64_t n = all->request.n, rows = n * options->beam, most = options->words_most;
    all->normaliser = room(run, rows, sizeof(double));
    all->score = room(run, rows, sizeof(double));
    all->next_score = room(run, rows, sizeof(double));
    all->words = room(run, rows * most, sizeof(int32_t));
    all->next_words = room(run, rows * most, sizeof(int32_t));
    all->from = room(run, rows, sizeof(int64_t));
    all->next_sentence = room(run, rows, sizeof(int64_t));
    all->scratch = room(run, rows * most, sizeof(int64_t));
    all->finished = room(run, n, sizeof(int64_t));
    all->best = room(run, n, sizeof(double));
    return fnas_decoder_begin(context, run, rows, most, all->request.weights, &all->decoder);
}

/* The target of the run is a word a sentence: its memory is hardly any, and its decoder is not run. */
static fnas_status set_batch(fnas_context *context, fnas_arena *arena, fnas_decoding *all) {
    const fnas_decode_request *request = &all->request;
    int32_t *words = fnas_arena_allocate(arena, (size_t)request->n * sizeof *words);
    int64_t *starts = fnas_arena_allocate(arena, ((size_t)request->n + 1) * sizeof *starts);
    if (!words || !starts) return fnas_fail_memory(context, "translating");
    starts[0] = 0;
    for (int64_t i = 0; i < request->n; i++) {
        words[i] = request->options.begin;
        starts[i + 1] = i + 1;
    }
    all->batch = (fnas_translator_batch){.n = request->n,
                                         .source = request->source,
                                         .source_start = request->source_start,
                                         .input = words,
                                         .label = words,
                                         .target_start = starts};
    return fnas_translator_batch_check(context, &all->batch, request->shape->vocabulary);
}

fnas_status fnas_decoding_begin(fnas_context *context, fnas_worker *worker, const fnas_decode_request *request, fnas_decoding **decoding) {
    *decoding = NULL;
    FNAS_TRY(check(context, request));
    fnas_arena_reset(worker->plan);
    fnas_decoding *all = fnas_arena_allocate(worker->plan, sizeof *all);
    if (!all) return fnas_fail_memory(context, "translating");
    *all = (fnas_decoding){.request = *request};
    FNAS_TRY(set_batch(context, worker->plan, all));
    all->forward = (fnas_translator_request){
        .shape = request->shape, .largest = request->largest, .parameters = request->parameters, .batch = &all->batch};
    fnas_translator_begin(&all->run, worker, &all->forward);
    FNAS_TRY(fnas_translator_prepare(context, &all->run));
    fnas_translator_side_forward(&all->run, &all->run.encoder);
    FNAS_TRY(make_room(context, all));
    *decoding = all;
    return FNAS_OK;
}

/* ---- saying ---- */

static void begin_sentences(fnas_decoding *all) {
    all->decoder.rows = all->request.n;
    all->decoder.length = 0;
    for (int64_t i = 0; i < all->request.n; i++) {
        all->finished[i] = 0;
        all->score[i] = 0;
        all->best[i] = -INFINITY;
        all->decoder.sentence[i] = i;
        all->decoder.word[i] = all->request.options.begin;
    }
}

/* A logit that is not finite makes its row's sum NaN. */
static fnas_status normalise(fnas_context *context, fnas_decoding *all) {
    int64_t vocabulary = all->request.shape->vocabulary;
    for (int64_t r = 0; r < all->decoder.rows; r++) {
        all->normaliser[r] = fnas_log_sum_exp(vocabulary, all->decoder.logits + r * vocabulary);
        if (!isfinite(all->normaliser[r]))
            return fnas_fail(context, FNAS_ERR_NUMERIC, "a sentence's words have probabilities that are not finite");
    }
    return FNAS_OK;
}

fnas_status fnas_decoding_say(fnas_context *context, fnas_decoding *decoding) {
    begin_sentences(decoding);
    while (decoding->decoder.rows > 0) {
        fnas_decoder_step(&decoding->decoder);
        FNAS_TRY(normalise(context, decoding));
        advance(decoding);
    }
    if (decoding->request.scores) memcpy(decoding->request.scores, decoding->best, (size_t)decoding->request.n * sizeof(double));
    return FNAS_OK;
}

fnas_status fnas_translator_decode(fnas_context *context, fnas_worker *worker, const fnas_decode_request *request) {
    fnas_decoding *decoding;
    FNAS_TRY(fnas_decoding_begin(context, worker, request, &decoding));
    return fnas_decoding_say(context, decoding);
}
