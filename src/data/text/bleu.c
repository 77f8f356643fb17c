#include "data/text/bleu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A token and, once they are numbered, its number: equal ones have the same. */
typedef struct token {
    const char *text;
    size_t size;
    int32_t number;
    int32_t place; /* over both sides */
} token;

typedef struct gram {
    int32_t numbers[FNAS_BLEU_ORDER];
} gram;

static int compare_texts(const void *a, const void *b) {
    const token *p = a, *q = b;
    int order = memcmp(p->text, q->text, p->size < q->size ? p->size : q->size);
    return order ? order : (p->size > q->size) - (p->size < q->size);
}

static int compare_places(const void *a, const void *b) {
    const token *p = a, *q = b;
    return (p->place > q->place) - (p->place < q->place);
}

static int compare_grams(const void *a, const void *b) {
    const gram *p = a, *q = b;
    for (int i = 0; i < FNAS_BLEU_ORDER; i++)
        if (p->numbers[i] != q->numbers[i]) return p->numbers[i] < q->numbers[i] ? -1 : 1;
    return 0;
}

/* ---- tokens ---- */

static int64_t count_tokens(const fnas_text *text) {
    int64_t count = text->size ? 1 : 0;
    for (size_t i = 0; i < text->size; i++) count += text->data[i] == ' ';
    return count;
}

static token *list_tokens(const fnas_text *text, token *at, int32_t place) {
    for (size_t begin = 0; begin < text->size;) {
        const char *space = memchr(text->data + begin, ' ', text->size - begin);
        size_t end = space ? (size_t)(space - text->data) : text->size;
        *at++ = (token){text->data + begin, end - begin, 0, place++};
        begin = end + 1;
    }
    return at;
}

static void number_tokens(token *tokens, int64_t count) {
    qsort(tokens, (size_t)count, sizeof *tokens, compare_texts);
    for (int64_t i = 1; i < count; i++) tokens[i].number = tokens[i - 1].number + (compare_texts(&tokens[i - 1], &tokens[i]) != 0);
    qsort(tokens, (size_t)count, sizeof *tokens, compare_places);
}

/* ---- n-grams ---- */

/* All n-grams of tokens, sorted; how many. */
static int64_t list_grams(const token *tokens, int64_t count, int order, gram *grams) {
    int64_t listed = count >= order ? count - order + 1 : 0;
    for (int64_t i = 0; i < listed; i++)
        for (int k = 0; k < FNAS_BLEU_ORDER; k++) grams[i].numbers[k] = k < order ? tokens[i + k].number : -1;
    qsort(grams, (size_t)listed, sizeof *grams, compare_grams);
    return listed;
}

/* How many of both sorted lists can be paired: each n-gram the lesser number of times. */
static int64_t count_pairs(const gram *a, int64_t a_count, const gram *b, int64_t b_count) {
    int64_t pairs = 0;
    for (int64_t i = 0, j = 0; i < a_count && j < b_count;) {
        int order = compare_grams(&a[i], &b[j]);
        pairs += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return pairs;
}

static void count_grams(fnas_bleu_counts *counts, const token *tokens, int64_t count, int64_t reference_count, gram *grams) {
    for (int order = 1; order <= FNAS_BLEU_ORDER; order++) {
        int64_t listed = list_grams(tokens, count, order, grams);
        int64_t reference_listed = list_grams(tokens + count, reference_count, order, grams + count);
        counts->total[order - 1] += listed;
        counts->correct[order - 1] += count_pairs(grams, listed, grams + count, reference_listed);
    }
    counts->length += count;
    counts->reference_length += reference_count;
}

static fnas_status add_tokenised(fnas_context *context, fnas_bleu_counts *counts, const fnas_text *translation,
                                 const fnas_text *reference) {
    int64_t count = count_tokens(translation), reference_count = count_tokens(reference);
    token *tokens = fnas_allocate((size_t)(count + reference_count), sizeof *tokens);
    gram *grams = fnas_allocate((size_t)(count + reference_count), sizeof *grams);
    fnas_status status = tokens && grams ? FNAS_OK : fnas_fail_memory(context, "n-grams");
    if (status == FNAS_OK) {
        (void)list_tokens(reference, list_tokens(translation, tokens, 0), (int32_t)count);
        number_tokens(tokens, count + reference_count);
        count_grams(counts, tokens, count, reference_count, grams);
    }
    fnas_free(tokens);
    fnas_free(grams);
    return status;
}

fnas_status fnas_bleu_add(fnas_context *context, fnas_bleu_counts *counts, const char *translation, size_t size, const char *reference,
                          size_t reference_size) {
    fnas_text tokens = {0}, reference_tokens = {0};
    fnas_status status = fnas_bleu_tokenise(context, translation, size, &tokens);
    if (status == FNAS_OK) status = fnas_bleu_tokenise(context, reference, reference_size, &reference_tokens);
    if (status == FNAS_OK) status = add_tokenised(context, counts, &tokens, &reference_tokens);
    fnas_text_free(&tokens);
    fnas_text_free(&reference_tokens);
    return status;
}

/* ---- the score ---- */

static double brevity_penalty(const fnas_bleu_counts *counts) {
    if (counts->length >= counts->reference_length) return 1;
    return counts->length ? exp(1 - (double)counts->reference_length / (double)counts->length) : 0;
}

/* An order without a match counts as half a match, the next one as a quarter, and so on. One without any n-gram, as where all segments are
 * shorter, makes the score 0. */
fnas_bleu fnas_bleu_score(const fnas_bleu_counts *counts) {
    fnas_bleu bleu = {.brevity_penalty = brevity_penalty(counts)};
    double smooth = 1, sum = 0;
    bool whole = counts->correct[0] > 0; /* without a word there is no longer n-gram either */
    for (int i = 0; i < FNAS_BLEU_ORDER && whole; i++) {
        whole = counts->total[i] > 0;
        if (!whole) break;
        double total = (double)counts->total[i];
        bleu.precisions[i] = counts->correct[i] ? 100.0 * (double)counts->correct[i] / total : 100.0 / ((smooth *= 2) * total);
        sum += log(bleu.precisions[i]);
    }
    if (whole) bleu.score = bleu.brevity_penalty * exp(sum / FNAS_BLEU_ORDER);
    return bleu;
}
