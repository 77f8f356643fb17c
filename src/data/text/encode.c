/* Texts to pieces and back. */
#include <string.h>

#include "base/memory.h"
#include "data/text/utf8.h"
#include "data/text/vocabulary_detail.h"

void fnas_encoding_free(fnas_encoding *encoding) {
    if (encoding->encoder) {
        fnas_text_free(&encoding->encoder->normal);
        fnas_free(encoding->encoder->spans);
        fnas_free(encoding->encoder->scratch);
        fnas_free(encoding->encoder->queue);
        fnas_free(encoding->encoder->splits);
    }
    fnas_free(encoding->encoder);
    fnas_free(encoding->ids);
    *encoding = (fnas_encoding){0};
}

void *fnas_encoder_scratch(fnas_encoder *encoder, size_t count, size_t size) {
    size_t bytes;
    if (!fnas_size_multiply(count, size, &bytes)) return NULL;
    if (bytes > encoder->scratch_bytes) {
        fnas_free(encoder->scratch);
        encoder->scratch_bytes = 0;
        encoder->scratch = fnas_allocate(2 * bytes, 1);
        if (!encoder->scratch) return NULL;
        encoder->scratch_bytes = 2 * bytes;
    }
    return memset(encoder->scratch, 0, bytes);
}

fnas_status fnas_encoder_add(fnas_context *context, fnas_encoder *encoder, fnas_span span) {
    void *spans = encoder->spans;
    bool grown = fnas_grow(&spans, &encoder->span_capacity, encoder->span_count + 1, sizeof span);
    encoder->spans = spans;
    if (!grown) return fnas_fail_memory(context, "a text");
    encoder->spans[encoder->span_count++] = span;
    return FNAS_OK;
}

/* ---- encoding ---- */

static fnas_status add_id(fnas_context *context, fnas_encoding *encoding, int32_t id) {
    void *ids = encoding->ids;
    bool grown = fnas_grow(&ids, &encoding->capacity, (size_t)encoding->count + 1, sizeof id);
    encoding->ids = ids;
    if (!grown) return fnas_fail_memory(context, "a text");
    encoding->ids[encoding->count++] = id;
    return FNAS_OK;
}

/* What is unknown becomes its bytes where the vocabulary has them, else one piece however long it is. */
static fnas_status add_span(fnas_context *context, const fnas_vocabulary *vocabulary, const fnas_span *span, bool behind_unknown,
                            fnas_encoding *encoding) {
    if (span->id != vocabulary->marks.unknown) return add_id(context, encoding, span->id);
    if (!vocabulary->byte_fallback) return behind_unknown ? FNAS_OK : add_id(context, encoding, span->id);
    const char *text = encoding->encoder->normal.data + span->begin;
    for (size_t i = 0; i < span->size; i++) FNAS_TRY(add_id(context, encoding, vocabulary->byte_ids[(unsigned char)text[i]]));
    return FNAS_OK;
}

static fnas_status add_spans(fnas_context *context, const fnas_vocabulary *vocabulary, fnas_encoding *encoding) {
    bool behind_unknown = false;
    for (size_t i = 0; i < encoding->encoder->span_count; i++) {
        const fnas_span *span = &encoding->encoder->spans[i];
        FNAS_TRY(add_span(context, vocabulary, span, behind_unknown, encoding));
        behind_unknown = span->id == vocabulary->marks.unknown;
    }
    return FNAS_OK;
}

fnas_status fnas_vocabulary_encode(fnas_context *context, const fnas_vocabulary *vocabulary, const char *text, size_t size,
                                   fnas_encoding *encoding) {
    encoding->count = 0;
    if (size > FNAS_ENCODED_BYTES_MAX) return fnas_fail(context, FNAS_ERR_INPUT, "a text of more than %d bytes", FNAS_ENCODED_BYTES_MAX);
    if (!encoding->encoder) encoding->encoder = fnas_allocate(1, sizeof *encoding->encoder);
    fnas_encoder *encoder = encoding->encoder;
    if (!encoder) return fnas_fail_memory(context, "a text");
    encoder->normal.size = encoder->span_count = 0;
    FNAS_TRY(fnas_normalise(context, &vocabulary->normaliser, text, size, &encoder->normal));
    if (!encoder->normal.size) return FNAS_OK;
    FNAS_TRY((vocabulary->type == FNAS_VOCABULARY_BPE ? fnas_bpe_cut : fnas_unigram_cut)(context, vocabulary, encoder));
    return add_spans(context, vocabulary, encoding);
}

/* ---- decoding ---- */

typedef struct decoding {
    const fnas_vocabulary *vocabulary;
    fnas_text *text;
    size_t begin;    /* of what is decoded in the text */
    fnas_text bytes; /* of byte pieces that are not yet a character */
    bool at_begin;   /* a space that stands for the dummy prefix may still come */
    bool prefix_seen;
} decoding;

/* What is no character becomes U+FFFD, a byte at a time. */
static void flush_bytes(decoding *work) {
    uint32_t code;
    for (size_t at = 0, taken; at < work->bytes.size; at += taken) {
        taken = fnas_utf8_decode(work->bytes.data + at, work->bytes.size - at, &code);
        if (code == FNAS_UTF8_NONE)
            fnas_text_append_bytes(work->text, "\xEF\xBF\xBD", 3);
        else
            fnas_text_append_bytes(work->text, work->bytes.data + at, taken);
    }
    work->bytes.size = 0;
}

static void append_spaced(fnas_text *text, const char *piece, size_t size) {
    for (size_t at = 0; at < size;) {
        bool mark = size - at >= FNAS_SPACE_MARK_BYTES && !memcmp(piece + at, FNAS_SPACE_MARK, FNAS_SPACE_MARK_BYTES);
        fnas_text_append_bytes(text, mark ? " " : piece + at, 1);
        at += mark ? FNAS_SPACE_MARK_BYTES : 1;
    }
}

/* The space of the dummy prefix is left out; of leading ones all, where a text has none twice. */
static void append_piece(decoding *work, const fnas_piece *piece) {
    const fnas_normaliser *normaliser = &work->vocabulary->normaliser;
    const char *text = piece->text;
    size_t size = piece->size;
    if (work->prefix_seen || work->text->size > work->begin) work->at_begin = false;
    work->prefix_seen = false;
    if (piece->type == FNAS_PIECE_CONTROL) return;
    if (piece->type == FNAS_PIECE_UNKNOWN) {
        fnas_text_append_bytes(work->text, work->vocabulary->unknown_text, work->vocabulary->unknown_text_size);
        return;
    }
    bool prefixed = normaliser->dummy_prefix || normaliser->remove_extra_spaces;
    if (work->at_begin && prefixed && size >= FNAS_SPACE_MARK_BYTES && !memcmp(text, FNAS_SPACE_MARK, FNAS_SPACE_MARK_BYTES)) {
        text += FNAS_SPACE_MARK_BYTES;
        size -= FNAS_SPACE_MARK_BYTES;
        work->prefix_seen = !normaliser->remove_extra_spaces;
    }
    append_spaced(work->text, text, size);
}

static fnas_status append_ids(fnas_context *context, decoding *work, const int32_t *ids, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const fnas_vocabulary *vocabulary = work->vocabulary;
        if (ids[i] < 0 || ids[i] >= vocabulary->marks.size)
            return fnas_fail(context, FNAS_ERR_INPUT, "id %ld: the vocabulary has 0..%ld", (long)ids[i], (long)vocabulary->marks.size - 1);
        const fnas_piece *piece = &vocabulary->pieces[ids[i]];
        if (piece->type == FNAS_PIECE_BYTE) {
            unsigned value = 0;
            while (vocabulary->byte_ids[value] != ids[i]) value++;
            fnas_text_append_bytes(&work->bytes, &(char){(char)value}, 1);
            continue;
        }
        flush_bytes(work);
        append_piece(work, piece);
    }
    flush_bytes(work);
    return work->text->failed || work->bytes.failed ? fnas_fail_memory(context, "a text") : FNAS_OK;
}

/* Puts the denormalised text in the place of what was decoded. */
static fnas_status denormalise(fnas_context *context, const fnas_vocabulary *vocabulary, size_t begin, fnas_text *text) {
    fnas_text plain = {0};
    if (!vocabulary->denormaliser.units || text->size == begin) return FNAS_OK;
    fnas_status status = fnas_normalise(context, &vocabulary->denormaliser, text->data + begin, text->size - begin, &plain);
    if (status == FNAS_OK) {
        text->size = begin;
        text->data[begin] = 0;
        if (plain.size) fnas_text_append_bytes(text, plain.data, plain.size);
        if (text->failed) status = fnas_fail_memory(context, "a text");
    }
    fnas_text_free(&plain);
    return status;
}

fnas_status fnas_vocabulary_decode(fnas_context *context, const fnas_vocabulary *vocabulary, const int32_t *ids, int64_t count,
                                   fnas_text *text) {
    decoding work = {.vocabulary = vocabulary, .text = text, .begin = text->size, .at_begin = true};
    fnas_status status = append_ids(context, &work, ids, count);
    fnas_text_free(&work.bytes);
    return status == FNAS_OK ? denormalise(context, vocabulary, work.begin, text) : status;
}
