/* Byte pair encoding: neighbours are merged, the pair with the highest score first, of equal ones the leftmost, until no pair is a piece.
 * Pairs wait in a heap; one whose parts were merged otherwise since is passed over when it comes up. */
#include "base/memory.h"
#include "data/text/utf8.h"
#include "data/text/vocabulary_detail.h"

#define NOBODY UINT32_MAX

/* A part of the text: a character at first. size 0: merged into the one before. */
typedef struct symbol {
    uint32_t begin, size;
    uint32_t before, behind; /* its neighbours */
    bool fixed;              /* user-defined: never merged */
} symbol;

typedef struct candidate {
    float score;
    uint32_t left, right, size;
} candidate;

typedef struct merging {
    fnas_context *context;
    const fnas_vocabulary *vocabulary;
    fnas_encoder *encoder;
    symbol *symbols;
    uint32_t count;
    size_t queued; /* of encoder->queue */
} merging;

/* ---- the heap ---- */

static bool is_before(const candidate *a, const candidate *b) {
    return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static fnas_status push(merging *work, candidate added) {
    if (!fnas_grow(&work->encoder->queue, &work->encoder->queue_capacity, work->queued + 1, sizeof(candidate)))
        return fnas_fail_memory(work->context, "a text");
    candidate *queue = work->encoder->queue;
    size_t at = work->queued++;
    for (; at && is_before(&added, &queue[(at - 1) / 2]); at = (at - 1) / 2) queue[at] = queue[(at - 1) / 2];
    queue[at] = added;
    return FNAS_OK;
}

static candidate pop(merging *work) {
    candidate *queue = work->encoder->queue, top = queue[0], last = queue[--work->queued];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < work->queued) {
        if (child + 1 < work->queued && is_before(&queue[child + 1], &queue[child])) child++;
        if (!is_before(&queue[child], &last)) break;
        queue[at] = queue[child];
        at = child;
    }
    queue[at] = last;
    return top;
}

/* ---- merging ---- */

/* How an unused piece came about, to take it apart again. */
static fnas_status note_split(merging *work, int32_t id, uint32_t left_size) {
    fnas_encoder *encoder = work->encoder;
    if (encoder->splits_size < work->vocabulary->marks.size) {
        fnas_free(encoder->splits);
        encoder->splits_size = 0;
        encoder->splits = fnas_allocate((size_t)work->vocabulary->marks.size, sizeof *encoder->splits);
        if (!encoder->splits) return fnas_fail_memory(work->context, "a text");
        encoder->splits_size = work->vocabulary->marks.size;
    }
    encoder->splits[id] = (int32_t)left_size;
    return FNAS_OK;
}

static fnas_status offer(merging *work, uint32_t left, uint32_t right) {
    if (left == NOBODY || right == NOBODY || work->symbols[left].fixed || work->symbols[right].fixed) return FNAS_OK;
    const symbol *first = &work->symbols[left];
    uint32_t size = first->size + work->symbols[right].size;
    int32_t id = fnas_trie_find(&work->vocabulary->texts, work->encoder->normal.data + first->begin, size);
    if (id < 0) return FNAS_OK;
    const fnas_piece *piece = &work->vocabulary->pieces[id];
    FNAS_TRY(push(work, (candidate){piece->score, left, right, size}));
    return piece->type == FNAS_PIECE_UNUSED ? note_split(work, id, first->size) : FNAS_OK;
}

static void set_symbols(merging *work) {
    const fnas_text *normal = &work->encoder->normal;
    for (size_t at = 0; at < normal->size;) {
        size_t left = normal->size - at, size = fnas_trie_longest(&work->vocabulary->symbols, normal->data + at, left);
        bool fixed = size > 0;
        if (!fixed) size = fnas_utf8_length(normal->data[at]);
        if (size > left) size = left;
        uint32_t i = work->count++;
        work->symbols[i] = (symbol){(uint32_t)at, (uint32_t)size, i ? i - 1 : NOBODY, i + 1, fixed};
        at += size;
    }
    work->symbols[work->count - 1].behind = NOBODY;
}

static fnas_status merge(merging *work) {
    for (uint32_t i = 1; i < work->count; i++) FNAS_TRY(offer(work, i - 1, i));
    while (work->queued) {
        candidate top = pop(work);
        symbol *left = &work->symbols[top.left], *right = &work->symbols[top.right];
        if (!left->size || !right->size || left->size + right->size != top.size) continue;
        left->size = top.size;
        left->behind = right->behind;
        right->size = 0;
        if (left->behind != NOBODY) work->symbols[left->behind].before = top.left;
        FNAS_TRY(offer(work, left->before, top.left));
        FNAS_TRY(offer(work, top.left, left->behind));
    }
    return FNAS_OK;
}

/* ---- the outcome ---- */

/* Adds a piece, or the parts that an unused one was merged from. Parts are shorter, and a piece has at most FNAS_PIECE_BYTES_MAX bytes. */
static fnas_status add_parts(merging *work, size_t begin, size_t size) {
    int32_t id = fnas_trie_find(&work->vocabulary->texts, work->encoder->normal.data + begin, size);
    bool unused = id >= 0 && work->vocabulary->pieces[id].type == FNAS_PIECE_UNUSED;
    size_t left = unused && id < work->encoder->splits_size ? (size_t)work->encoder->splits[id] : 0;
    if (!left)
        return fnas_encoder_add(work->context, work->encoder, (fnas_span){begin, size, id < 0 ? work->vocabulary->marks.unknown : id});
    FNAS_TRY(add_parts(work, begin, left));
    return add_parts(work, begin + left, size - left);
}

/* The splits of this text must not be met in the next one. */
static void forget_splits(merging *work) {
    for (int32_t id = 0; id < work->encoder->splits_size; id++) work->encoder->splits[id] = 0;
}

static fnas_status add_all(merging *work) {
    fnas_status status = FNAS_OK;
    for (uint32_t i = 0; i != NOBODY && status == FNAS_OK; i = work->symbols[i].behind)
        status = add_parts(work, work->symbols[i].begin, work->symbols[i].size);
    return status;
}

fnas_status fnas_bpe_cut(fnas_context *context, const fnas_vocabulary *vocabulary, fnas_encoder *encoder) {
    merging work = {.context = context, .vocabulary = vocabulary, .encoder = encoder};
    work.symbols = fnas_encoder_scratch(encoder, encoder->normal.size, sizeof *work.symbols);
    if (!work.symbols) return fnas_fail_memory(context, "a text");
    set_symbols(&work);
    fnas_status status = merge(&work);
    if (status == FNAS_OK) status = add_all(&work);
    forget_splits(&work);
    return status;
}
