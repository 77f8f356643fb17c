/* Reading a model of SentencePiece. Field numbers are those of its sentencepiece_model.proto. */
#include "data/text/vocabulary.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/text/vocabulary_detail.h"
#include "data/text/wire.h"

enum { MODEL_PIECE = 1, MODEL_TRAINER = 2, MODEL_NORMALISER = 3, MODEL_DENORMALISER = 5 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum { NORMALISER_RULES = 2, NORMALISER_PREFIX = 3, NORMALISER_EXTRA = 4, NORMALISER_ESCAPE = 5 };
enum {
    TRAINER_TYPE = 3,
    TRAINER_SUFFIX = 24,
    TRAINER_BYTES = 35,
    TRAINER_UNKNOWN_TEXT = 44,
    TRAINER_BEGIN = 46,
    TRAINER_END = 47,
    TRAINER_PADDING = 48
};

/* A text in the file; bytes NULL: it has none. */
typedef struct named {
    const unsigned char *bytes;
    size_t size;
} named;

typedef struct reading {
    fnas_context *context;
    fnas_vocabulary *vocabulary;
    named rules, denormalising_rules, begin, end, padding;
    uint64_t type;
} reading;

typedef fnas_status take_function(reading *read, const fnas_wire_field *field);

/* Hands every field of a message to a function. */
static fnas_status take_fields(reading *read, const unsigned char *bytes, size_t size, take_function *take) {
    fnas_wire wire = {bytes, bytes + size};
    fnas_wire_field field;
    int more;
    while ((more = fnas_wire_next(&wire, &field)) > 0) FNAS_TRY(take(read, &field));
    return more ? fnas_fail(read->context, FNAS_ERR_INPUT, "no model of SentencePiece, or truncated or damaged") : FNAS_OK;
}

static fnas_status expect(reading *read, const fnas_wire_field *field, fnas_wire_form form) {
    if (field->form == form) return FNAS_OK;
    return fnas_fail(read->context, FNAS_ERR_INPUT, "no model of SentencePiece, or damaged: field %lu has another form",
                     (unsigned long)field->number);
}

static fnas_status take_flag(reading *read, const fnas_wire_field *field, bool *flag) {
    *flag = field->value != 0;
    return expect(read, field, FNAS_WIRE_VARINT);
}

static fnas_status take_text(reading *read, const fnas_wire_field *field, named *text) {
    *text = (named){field->bytes, field->size};
    return expect(read, field, FNAS_WIRE_BYTES);
}

/* ---- pieces ---- */

static fnas_piece *last_piece(reading *read) {
    return &read->vocabulary->pieces[read->vocabulary->marks.size - 1];
}

static fnas_status take_score(reading *read, const fnas_wire_field *field) {
    uint32_t bits = (uint32_t)field->value;
    FNAS_TRY(expect(read, field, FNAS_WIRE_32));
    memcpy(&last_piece(read)->score, &bits, sizeof bits);
    if (isfinite(last_piece(read)->score)) return FNAS_OK;
    return fnas_fail(read->context, FNAS_ERR_INPUT, "the score of piece %ld is not finite", (long)read->vocabulary->marks.size - 1);
}

static fnas_status take_of_piece(reading *read, const fnas_wire_field *field) {
    fnas_piece *piece = last_piece(read);
    if (field->number == PIECE_SCORE) return take_score(read, field);
    if (field->number == PIECE_TEXT) {
        FNAS_TRY(expect(read, field, FNAS_WIRE_BYTES));
        piece->text = (const char *)field->bytes;
        piece->size = (uint32_t)field->size;
    } else if (field->number == PIECE_TYPE) {
        FNAS_TRY(expect(read, field, FNAS_WIRE_VARINT));
        if (field->value < FNAS_PIECE_NORMAL || field->value > FNAS_PIECE_BYTE)
            return fnas_fail(read->context, FNAS_ERR_INPUT, "piece %ld is of an unknown type", (long)read->vocabulary->marks.size - 1);
        piece->type = (fnas_piece_type)field->value;
    }
    return FNAS_OK;
}

static fnas_status take_piece(reading *read, const fnas_wire_field *field) {
    fnas_vocabulary *vocabulary = read->vocabulary;
    void *pieces = vocabulary->pieces;
    FNAS_TRY(expect(read, field, FNAS_WIRE_BYTES));
    if (vocabulary->marks.size == FNAS_VOCABULARY_MAX)
        return fnas_fail(read->context, FNAS_ERR_INPUT, "it has more than %d pieces", FNAS_VOCABULARY_MAX);
    bool grown = fnas_grow(&pieces, &vocabulary->capacity, (size_t)vocabulary->marks.size + 1, sizeof *vocabulary->pieces);
    vocabulary->pieces = pieces;
    if (!grown) return fnas_fail_memory(read->context, "pieces of a vocabulary");
    vocabulary->pieces[vocabulary->marks.size++] = (fnas_piece){.type = FNAS_PIECE_NORMAL};
    return take_fields(read, field->bytes, field->size, take_of_piece);
}

/* ---- settings ---- */

static fnas_status take_of_trainer(reading *read, const fnas_wire_field *field) {
    named text;
    switch (field->number) {
    case TRAINER_TYPE:
        read->type = field->value;
        return expect(read, field, FNAS_WIRE_VARINT);
    case TRAINER_SUFFIX:
        return take_flag(read, field, &read->vocabulary->normaliser.spaces_behind);
    case TRAINER_BYTES:
        return take_flag(read, field, &read->vocabulary->byte_fallback);
    case TRAINER_UNKNOWN_TEXT:
        FNAS_TRY(take_text(read, field, &text));
        read->vocabulary->unknown_text = (const char *)text.bytes;
        read->vocabulary->unknown_text_size = strnlen((const char *)text.bytes, text.size);
        return FNAS_OK;
    case TRAINER_BEGIN:
        return take_text(read, field, &read->begin);
    case TRAINER_END:
        return take_text(read, field, &read->end);
    case TRAINER_PADDING:
        return take_text(read, field, &read->padding);
    default:
        return FNAS_OK;
    }
}

static fnas_status take_of_either(reading *read, const fnas_wire_field *field, fnas_normaliser *normaliser, named *rules) {
    switch (field->number) {
    case NORMALISER_RULES:
        return take_text(read, field, rules);
    case NORMALISER_PREFIX:
        return take_flag(read, field, &normaliser->dummy_prefix);
    case NORMALISER_EXTRA:
        return take_flag(read, field, &normaliser->remove_extra_spaces);
    case NORMALISER_ESCAPE:
        return take_flag(read, field, &normaliser->escape_spaces);
    default:
        return FNAS_OK;
    }
}

static fnas_status take_of_normaliser(reading *read, const fnas_wire_field *field) {
    return take_of_either(read, field, &read->vocabulary->normaliser, &read->rules);
}

static fnas_status take_of_denormaliser(reading *read, const fnas_wire_field *field) {
    return take_of_either(read, field, &read->vocabulary->denormaliser, &read->denormalising_rules);
}

static fnas_status take_of_model(reading *read, const fnas_wire_field *field) {
    take_function *take = field->number == MODEL_TRAINER        ? take_of_trainer
                          : field->number == MODEL_NORMALISER   ? take_of_normaliser
                          : field->number == MODEL_DENORMALISER ? take_of_denormaliser
                                                                : NULL;
    if (field->number == MODEL_PIECE) return take_piece(read, field);
    if (!take) return FNAS_OK;
    FNAS_TRY(expect(read, field, FNAS_WIRE_BYTES));
    return take_fields(read, field->bytes, field->size, take);
}

/* ---- what follows from them ---- */

static fnas_status index_byte(reading *read, int32_t id) {
    fnas_vocabulary *vocabulary = read->vocabulary;
    const fnas_piece *piece = &vocabulary->pieces[id];
    static const char digits[] = "0123456789ABCDEF"; /* pieces are <0x00> to <0xFF> */
    bool formed = piece->size == 6 && !memcmp(piece->text, "<0x", 3) && piece->text[5] == '>';
    const char *high = formed ? memchr(digits, piece->text[3], 16) : NULL, *low = formed ? memchr(digits, piece->text[4], 16) : NULL;
    if (!vocabulary->byte_fallback || !high || !low)
        return fnas_fail(read->context, FNAS_ERR_INPUT, "piece %ld is no byte, or the model says that it has none", (long)id);
    vocabulary->byte_ids[16 * (high - digits) + (low - digits)] = id;
    return FNAS_OK;
}

static fnas_status index_piece(reading *read, int32_t id) {
    fnas_vocabulary *vocabulary = read->vocabulary;
    const fnas_piece *piece = &vocabulary->pieces[id];
    bool cut = piece->type == FNAS_PIECE_NORMAL || piece->type == FNAS_PIECE_SYMBOL || piece->type == FNAS_PIECE_UNUSED;
    if (!piece->size || piece->size >= FNAS_PIECE_BYTES_MAX || memchr(piece->text, 0, piece->size))
        return fnas_fail(read->context, FNAS_ERR_INPUT, "piece %ld is empty, of %d bytes or more, or has a 0 in it", (long)id,
                         FNAS_PIECE_BYTES_MAX);
    FNAS_TRY(fnas_trie_add(read->context, cut ? &vocabulary->texts : &vocabulary->others, piece->text, piece->size, id));
    if (piece->type == FNAS_PIECE_SYMBOL) return fnas_trie_add(read->context, &vocabulary->symbols, piece->text, piece->size, id);
    if (piece->type == FNAS_PIECE_BYTE) return index_byte(read, id);
    if (piece->type == FNAS_PIECE_NORMAL) {
        vocabulary->least_score = fminf(vocabulary->least_score, piece->score);
        vocabulary->greatest_score = fmaxf(vocabulary->greatest_score, piece->score);
    }
    if (piece->type != FNAS_PIECE_UNKNOWN) return FNAS_OK;
    if (vocabulary->marks.unknown >= 0) return fnas_fail(read->context, FNAS_ERR_INPUT, "it has two unknown pieces");
    vocabulary->marks.unknown = id;
    return FNAS_OK;
}

static fnas_status index_pieces(reading *read) {
    fnas_vocabulary *vocabulary = read->vocabulary;
    for (int32_t id = 0; id < vocabulary->marks.size; id++) FNAS_TRY(index_piece(read, id));
    if (vocabulary->marks.unknown < 0) return fnas_fail(read->context, FNAS_ERR_INPUT, "it has no unknown piece");
    for (int byte = 0; vocabulary->byte_fallback && byte < 256; byte++)
        if (vocabulary->byte_ids[byte] < 0) return fnas_fail(read->context, FNAS_ERR_INPUT, "it lacks the piece <0x%02X>", (unsigned)byte);
    return FNAS_OK;
}

/* The control piece of this name, which a model may have changed. */
static int32_t find_mark(const fnas_vocabulary *vocabulary, named name, const char *usual) {
    if (!name.size) name = (named){(const unsigned char *)usual, strlen(usual)};
    int32_t id = fnas_trie_find(&vocabulary->others, (const char *)name.bytes, name.size);
    return id >= 0 && vocabulary->pieces[id].type == FNAS_PIECE_CONTROL ? id : -1;
}

static fnas_status finish(reading *read) {
    fnas_vocabulary *vocabulary = read->vocabulary;
    if (!vocabulary->marks.size) return fnas_fail(read->context, FNAS_ERR_INPUT, "no model of SentencePiece: it has no pieces");
    if (read->type != FNAS_VOCABULARY_UNIGRAM && read->type != FNAS_VOCABULARY_BPE)
        return fnas_fail(read->context, FNAS_ERR_UNSUPPORTED, "a model of another type than unigram and bpe");
    vocabulary->type = (fnas_vocabulary_type)read->type;
    FNAS_TRY(index_pieces(read));
    vocabulary->marks.begin = find_mark(vocabulary, read->begin, "<s>");
    vocabulary->marks.end = find_mark(vocabulary, read->end, "</s>");
    vocabulary->marks.padding = find_mark(vocabulary, read->padding, "<pad>");
    vocabulary->normaliser.symbols = &vocabulary->symbols;
    FNAS_TRY(fnas_normaliser_set_rules(read->context, &vocabulary->normaliser, read->rules.bytes, read->rules.size));
    return fnas_normaliser_set_rules(read->context, &vocabulary->denormaliser, read->denormalising_rules.bytes,
                                     read->denormalising_rules.size);
}

static void set_defaults(fnas_vocabulary *vocabulary) {
    static const char unknown[] = " \xE2\x81\x87 "; /* U+2047 */
    vocabulary->marks = (fnas_vocabulary_marks){.unknown = -1, .begin = -1, .end = -1, .padding = -1};
    for (int i = 0; i < 256; i++) vocabulary->byte_ids[i] = -1;
    vocabulary->normaliser = vocabulary->denormaliser = FNAS_NORMALISER_DEFAULT;
    vocabulary->least_score = FLT_MAX;
    vocabulary->greatest_score = FLT_MIN; /* as SentencePiece has it: scores are logarithms, below it */
    vocabulary->unknown_text = unknown;
    vocabulary->unknown_text_size = sizeof unknown - 1;
}

static fnas_status parse(fnas_context *context, const unsigned char *bytes, size_t size, fnas_vocabulary *vocabulary) {
    reading read = {.context = context, .vocabulary = vocabulary, .type = FNAS_VOCABULARY_UNIGRAM};
    if (size > FNAS_VOCABULARY_BYTES_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "a model of more than %d bytes", FNAS_VOCABULARY_BYTES_MAX);
    set_defaults(vocabulary);
    vocabulary->bytes = fnas_allocate(size + 1, 1);
    if (!vocabulary->bytes) return fnas_fail_memory(context, "a vocabulary");
    memcpy(vocabulary->bytes, bytes, size);
    vocabulary->size = size;
    FNAS_TRY(take_fields(&read, vocabulary->bytes, size, take_of_model));
    return finish(&read);
}

fnas_status fnas_vocabulary_parse(fnas_context *context, const char *name, const unsigned char *bytes, size_t size,
                                  fnas_vocabulary **vocabulary) {
    *vocabulary = NULL;
    fnas_vocabulary *created = fnas_allocate(1, sizeof *created);
    if (!created) return fnas_fail_memory(context, name);
    fnas_status status = parse(context, bytes, size, created);
    if (status == FNAS_OK) {
        *vocabulary = created;
        return FNAS_OK;
    }
    fnas_vocabulary_free(created);
    return fnas_fail_prefix(context, status, "%s", name);
}

fnas_status fnas_vocabulary_read(fnas_context *context, const char *path, fnas_vocabulary **vocabulary) {
    unsigned char *bytes;
    size_t size;
    *vocabulary = NULL;
    FNAS_TRY(fnas_file_read(context, path, FNAS_VOCABULARY_BYTES_MAX, &bytes, &size));
    fnas_status status = fnas_vocabulary_parse(context, path, bytes, size, vocabulary);
    fnas_free(bytes);
    return status;
}

void fnas_vocabulary_free(fnas_vocabulary *vocabulary) {
    if (!vocabulary) return;
    fnas_trie_free(&vocabulary->texts);
    fnas_trie_free(&vocabulary->symbols);
    fnas_trie_free(&vocabulary->others);
    fnas_free(vocabulary->pieces);
    fnas_free(vocabulary->bytes);
    fnas_free(vocabulary);
}

const unsigned char *fnas_vocabulary_bytes(const fnas_vocabulary *vocabulary, size_t *size) {
    *size = vocabulary->size;
    return vocabulary->bytes;
}

fnas_vocabulary_marks fnas_vocabulary_get(const fnas_vocabulary *vocabulary) {
    return vocabulary->marks;
}

const char *fnas_vocabulary_piece(const fnas_vocabulary *vocabulary, int32_t id, size_t *size) {
    *size = vocabulary->pieces[id].size;
    return vocabulary->pieces[id].text;
}
