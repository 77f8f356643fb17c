#include "export/pickle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "export/pickle_opcodes.h"
#include "export/zip.h"

#define FILE_LIMIT_BYTES ((size_t)64 << 20)
#define WHERE_BYTES 4200

/* What waits between the container and the opcode that puts it there: numbers and texts. */
typedef struct waiting_item {
    bool is_text, is_integer;
    double number;
    size_t text; /* offset of the text in the pickle */
    size_t text_bytes;
} waiting_item;

typedef enum container_kind { NO_CONTAINER, LIST, MAP } container_kind;

typedef struct pickle_reader {
    fnas_context *context;
    const char *where;
    const unsigned char *bytes;
    size_t size_bytes, at;
    size_t opcode_at; /* of the opcode that is being read */
    container_kind container;
    bool marked;    /* a MARK waits for its APPENDS or SETITEMS */
    bool can_store; /* the last opcode put something on the stack that BINPUT may remember */
    waiting_item *waiting;
    size_t waiting_count, waiting_capacity;
    size_t number_capacity, integer_capacity, key_capacity;
    fnas_pickle *pickle;
} pickle_reader;

void fnas_pickle_free(fnas_pickle *pickle) {
    for (int64_t i = 0; pickle->keys && i < pickle->count; i++) fnas_free(pickle->keys[i]);
    fnas_free(pickle->keys);
    fnas_free(pickle->numbers);
    fnas_free(pickle->is_integer);
    *pickle = (fnas_pickle){0};
}

static fnas_status fail_at(const pickle_reader *reader, const char *what) {
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: byte %zu: %s", reader->where, reader->opcode_at, what);
}

static fnas_status fail_opcode(const pickle_reader *reader, unsigned char code) {
    const char *name = fnas_pickle_opcode_name(code);
    if (!name)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: byte %zu: 0x%02x is no opcode of a pickle: the file is damaged",
                         reader->where, reader->opcode_at, code);
    return fnas_fail(
        reader->context, FNAS_ERR_INPUT,
        "%s: byte %zu: opcode %s is refused: a list of numbers, or a map from text to numbers, needs none of it, and only these "
        "are read",
        reader->where, reader->opcode_at, name);
}

static fnas_status take(pickle_reader *reader, size_t count, const unsigned char **taken) {
    *taken = reader->bytes + reader->at;
    if (count > reader->size_bytes - reader->at) return fail_at(reader, "truncated: the file ends inside this opcode");
    reader->at += count;
    return FNAS_OK;
}

/* ---- values ---- */

static fnas_status push(pickle_reader *reader, waiting_item item) {
    if (reader->container == NO_CONTAINER) return fail_at(reader, "a value outside of a list or dictionary: refused");
    if (reader->waiting_count >= 2 * (size_t)FNAS_PICKLE_ITEMS_MAX)
        return fail_at(reader, "more values than any table of latencies has: refused");
    void *waiting = reader->waiting;
    bool grown = fnas_grow(&waiting, &reader->waiting_capacity, reader->waiting_count + 1, sizeof *reader->waiting);
    reader->waiting = waiting;
    if (!grown) return fnas_fail_memory(reader->context, reader->where);
    reader->waiting[reader->waiting_count++] = item;
    reader->can_store = true;
    return FNAS_OK;
}

static fnas_status push_integer(pickle_reader *reader, int64_t value) {
    return push(reader, (waiting_item){.number = (double)value, .is_integer = true});
}

static uint32_t little_endian(const unsigned char *bytes, int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; i++) value |= (uint32_t)bytes[i] << 8 * i;
    return value;
}

/* BININT1, BININT2: without sign; BININT: four bytes with one. */
static fnas_status read_integer(pickle_reader *reader, size_t count) {
    const unsigned char *bytes;
    FNAS_TRY(take(reader, count, &bytes));
    uint32_t value = little_endian(bytes, (int)count);
    return push_integer(reader, count == 4 && value > INT32_MAX ? (int64_t)value - (INT64_C(1) << 32) : (int64_t)value);
}

static fnas_status read_float(pickle_reader *reader) {
    const unsigned char *bytes;
    uint64_t bits = 0;
    double value;
    FNAS_TRY(take(reader, 8, &bytes));
    for (int i = 0; i < 8; i++) bits = bits << 8 | bytes[i]; /* big-endian, the only such number of a pickle */
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) return fail_at(reader, isnan(value) ? "the number is NaN: refused" : "the number is infinite: refused");
    return push(reader, (waiting_item){.number = value});
}

static fnas_status read_text(pickle_reader *reader) {
    const unsigned char *bytes;
    FNAS_TRY(take(reader, 4, &bytes));
    size_t length = little_endian(bytes, 4), begin = reader->at;
    if (length > FNAS_PICKLE_KEY_MAX)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: byte %zu: a text of %zu bytes, keys have at most %d", reader->where,
                         reader->opcode_at, length, FNAS_PICKLE_KEY_MAX);
    FNAS_TRY(take(reader, length, &bytes));
    if (memchr(bytes, 0, length)) return fail_at(reader, "a text with a 0 byte in it: refused");
    return push(reader, (waiting_item){.is_text = true, .text = begin, .text_bytes = length});
}

/* ---- containers ---- */

static fnas_status open_container(pickle_reader *reader, container_kind kind) {
    if (reader->container != NO_CONTAINER) return fail_at(reader, "a list or dictionary inside of another: refused");
    reader->container = kind;
    reader->pickle->is_map = kind == MAP;
    reader->can_store = true;
    return FNAS_OK;
}

/* Room for one more entry. */
static bool grow_entries(pickle_reader *reader, bool with_key) {
    fnas_pickle *pickle = reader->pickle;
    size_t needed = (size_t)pickle->count + 1;
    void *numbers = pickle->numbers, *is_integer = pickle->is_integer, *keys = pickle->keys;
    bool grown = fnas_grow(&numbers, &reader->number_capacity, needed, sizeof *pickle->numbers) &&
                 fnas_grow(&is_integer, &reader->integer_capacity, needed, sizeof *pickle->is_integer) &&
                 (!with_key || fnas_grow(&keys, &reader->key_capacity, needed, sizeof *pickle->keys));
    pickle->numbers = numbers; /* also where a later one failed: what grew has moved */
    pickle->is_integer = is_integer;
    pickle->keys = keys;
    return grown;
}

static fnas_status add_entry(pickle_reader *reader, const waiting_item *key, const waiting_item *value) {
    fnas_pickle *pickle = reader->pickle;
    if (pickle->count == FNAS_PICKLE_ITEMS_MAX) return fail_at(reader, "more entries than any table of latencies has: refused");
    if (value->is_text) return fail_at(reader, "a text where a number must be: refused");
    if (key && !key->is_text) return fail_at(reader, "a key of the dictionary is no text: refused");
    bool grown = grow_entries(reader, key != NULL);
    char *text = grown && key ? fnas_allocate(key->text_bytes + 1, 1) : NULL;
    if (!grown || (key && !text)) return fnas_fail_memory(reader->context, reader->where);
    if (key) {
        memcpy(text, reader->bytes + key->text, key->text_bytes);
        pickle->keys[pickle->count] = text;
    }
    pickle->numbers[pickle->count] = value->number;
    pickle->is_integer[pickle->count++] = value->is_integer;
    return FNAS_OK;
}

/* Moves the waiting values into the container: those above the mark, or one entry without a mark. */
static fnas_status fill(pickle_reader *reader, container_kind kind, bool marked) {
    size_t each = kind == MAP ? 2 : 1;
    if (reader->container != kind)
        return fail_at(reader, kind == MAP ? "entries for a dictionary that is none: refused" : "values for a list that is none: refused");
    bool fits = marked ? reader->waiting_count % each == 0 : reader->waiting_count == each;
    if (reader->marked != marked || !fits) return fail_at(reader, "values and opcodes do not agree: the file is damaged");
    for (size_t i = 0; i < reader->waiting_count; i += each) {
        const waiting_item *item = reader->waiting + i;
        FNAS_TRY(kind == MAP ? add_entry(reader, item, item + 1) : add_entry(reader, NULL, item));
    }
    reader->waiting_count = 0;
    reader->marked = false;
    reader->can_store = true;
    return FNAS_OK;
}

static fnas_status mark(pickle_reader *reader) {
    if (reader->container == NO_CONTAINER || reader->marked || reader->waiting_count)
        return fail_at(reader, "a mark where none belongs: refused");
    reader->marked = true;
    reader->can_store = false;
    return FNAS_OK;
}

/* What is remembered is never recalled, since no opcode that does so is read: the number is passed over. */
static fnas_status pass_memo(pickle_reader *reader, size_t count) {
    const unsigned char *ignored;
    if (!reader->can_store) return fail_at(reader, "nothing is there to be remembered: the file is damaged");
    return take(reader, count, &ignored);
}

/* ---- the whole ---- */

static fnas_status read_opcode(pickle_reader *reader, unsigned char code) {
    switch (code) {
    case FNAS_OP_EMPTY_LIST:
        return open_container(reader, LIST);
    case FNAS_OP_EMPTY_DICT:
        return open_container(reader, MAP);
    case FNAS_OP_MARK:
        return mark(reader);
    case FNAS_OP_BINPUT:
        return pass_memo(reader, 1);
    case FNAS_OP_LONG_BINPUT:
        return pass_memo(reader, 4);
    case FNAS_OP_BINFLOAT:
        return read_float(reader);
    case FNAS_OP_BININT:
        return read_integer(reader, 4);
    case FNAS_OP_BININT1:
        return read_integer(reader, 1);
    case FNAS_OP_BININT2:
        return read_integer(reader, 2);
    case FNAS_OP_BINUNICODE:
        return read_text(reader);
    case FNAS_OP_APPEND:
        return fill(reader, LIST, false);
    case FNAS_OP_APPENDS:
        return fill(reader, LIST, true);
    case FNAS_OP_SETITEM:
        return fill(reader, MAP, false);
    case FNAS_OP_SETITEMS:
        return fill(reader, MAP, true);
    default:
        return fail_opcode(reader, code);
    }
}

static fnas_status read_protocol(pickle_reader *reader) {
    const unsigned char *bytes;
    FNAS_TRY(take(reader, 2, &bytes));
    if (bytes[0] != FNAS_OP_PROTO) return fail_at(reader, "no pickle of protocol 2: it does not begin with PROTO");
    if (bytes[1] == 2) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT,
                     "%s: byte 0: a pickle of protocol %d, only protocol 2 is read: save it with torch.save", reader->where, bytes[1]);
}

static fnas_status check_end(pickle_reader *reader) {
    if (reader->container == NO_CONTAINER) return fail_at(reader, "it holds nothing: neither a list nor a dictionary");
    if (reader->marked || reader->waiting_count) return fail_at(reader, "values are left over at its end: the file is damaged");
    if (reader->at == reader->size_bytes) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: byte %zu: %zu bytes stand behind its end: refused", reader->where, reader->at,
                     reader->size_bytes - reader->at);
}

static int compare_keys(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static fnas_status check_keys(const pickle_reader *reader) {
    const fnas_pickle *pickle = reader->pickle;
    if (!pickle->keys || pickle->count < 2) return FNAS_OK;
    char **sorted = fnas_allocate((size_t)pickle->count, sizeof *sorted);
    if (!sorted) return fnas_fail_memory(reader->context, reader->where);
    memcpy(sorted, pickle->keys, (size_t)pickle->count * sizeof *sorted);
    qsort(sorted, (size_t)pickle->count, sizeof *sorted, compare_keys);
    fnas_status status = FNAS_OK;
    for (int64_t i = 1; i < pickle->count && status == FNAS_OK; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            status = fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: the key \"%.200s\" is given twice: refused", reader->where, sorted[i]);
    fnas_free(sorted);
    return status;
}

static fnas_status read_pickle(pickle_reader *reader) {
    FNAS_TRY(read_protocol(reader));
    for (;;) {
        const unsigned char *code;
        reader->opcode_at = reader->at;
        if (reader->at == reader->size_bytes) return fail_at(reader, "truncated: the pickle ends without STOP");
        FNAS_TRY(take(reader, 1, &code));
        if (*code == FNAS_OP_STOP) break;
        FNAS_TRY(read_opcode(reader, *code));
    }
    FNAS_TRY(check_end(reader));
    return check_keys(reader);
}

fnas_status fnas_pickle_read(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes, fnas_pickle *pickle) {
    *pickle = (fnas_pickle){0};
    pickle_reader reader = {.context = context, .where = where, .bytes = bytes, .size_bytes = size_bytes, .pickle = pickle};
    fnas_status status = read_pickle(&reader);
    fnas_free(reader.waiting);
    if (status != FNAS_OK) fnas_pickle_free(pickle);
    return status;
}

fnas_status fnas_pickle_read_pt(fnas_context *context, const char *path, fnas_pickle *pickle) {
    unsigned char *bytes;
    size_t size_bytes;
    *pickle = (fnas_pickle){0};
    FNAS_TRY(fnas_file_read(context, path, FILE_LIMIT_BYTES, &bytes, &size_bytes));
    fnas_zip_entry entry;
    fnas_status status = fnas_zip_find(context, path, bytes, size_bytes, "data.pkl", &entry);
    if (status == FNAS_OK) {
        char where[WHERE_BYTES];
        snprintf(where, sizeof where, "%s: %.*s", path, (int)entry.name_bytes, entry.name);
        status = fnas_pickle_read(context, where, entry.data, entry.size_bytes, pickle);
    }
    fnas_free(bytes);
    return status;
}
