#include "export/torch_pickle.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "export/pickle_opcodes.h"
#include "export/torch_globals.h"

#define NAME_MAX_BYTES 128 /* of a module or of what it is asked for */

/* The stack machine that a pickle is a program of. A value is an index; containers are filled where they are, whoever holds their index. */
typedef struct torch_reader {
    fnas_context *context;
    const char *where;
    const unsigned char *bytes;
    size_t size_bytes, at;
    size_t opcode_at; /* of the opcode that is being read */
    int32_t *stack;
    size_t stack_count, stack_capacity;
    size_t marks[FNAS_TORCH_MARKS_MAX]; /* heights of the stack */
    size_t mark_count;
    int32_t *memo; /* [memo_count], -1 where nothing is */
    size_t memo_count, memo_capacity;
    fnas_torch_pickle *pickle;
} torch_reader;

void fnas_torch_pickle_free(fnas_torch_pickle *pickle) {
    for (size_t i = 0; i < pickle->value_count; i++) fnas_free(pickle->values[i].items);
    fnas_free(pickle->values);
    fnas_free(pickle->storages);
    fnas_free(pickle->tensors);
    *pickle = (fnas_torch_pickle){0};
}

static fnas_status fail_at(const torch_reader *reader, const char *what) {
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: byte %zu: %s", reader->where, reader->opcode_at, what);
}

static fnas_status fail_memory(const torch_reader *reader) {
    return fnas_fail_memory(reader->context, reader->where);
}

static fnas_status fail_opcode(const torch_reader *reader, unsigned char code) {
    const char *name = fnas_pickle_opcode_name(code);
    if (!name)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: byte %zu: 0x%02x is no opcode of a pickle: the file is damaged",
                         reader->where, reader->opcode_at, code);
    return fnas_fail(reader->context, FNAS_ERR_INPUT,
                     "%s: byte %zu: refused: the pickle uses opcode %s, which torch.save writes for no state dictionary", reader->where,
                     reader->opcode_at, name);
}

static fnas_status take(torch_reader *reader, size_t count, const unsigned char **taken) {
    *taken = reader->bytes + reader->at;
    if (count > reader->size_bytes - reader->at) return fail_at(reader, "truncated: the file ends inside this opcode");
    reader->at += count;
    return FNAS_OK;
}

/* Takes `count` (1 to 8) bytes as a number. */
static fnas_status take_number(torch_reader *reader, size_t count, uint64_t *number) {
    const unsigned char *bytes;
    FNAS_TRY(take(reader, count, &bytes));
    *number = 0;
    for (size_t i = 0; i < count; i++) *number |= (uint64_t)bytes[i] << 8 * i;
    return FNAS_OK;
}

/* ---- the stack ---- */

static fnas_status push(torch_reader *reader, int32_t value) {
    /* Each value is made once, but what is remembered may be recalled any number of times. */
    if (reader->stack_count == FNAS_TORCH_VALUES_MAX) return fail_at(reader, "more values at once than any state dictionary has: refused");
    void *stack = reader->stack;
    bool grown = fnas_grow(&stack, &reader->stack_capacity, reader->stack_count + 1, sizeof *reader->stack);
    reader->stack = stack;
    if (!grown) return fail_memory(reader);
    reader->stack[reader->stack_count++] = value;
    return FNAS_OK;
}

static fnas_status push_new(torch_reader *reader, fnas_torch_value value) {
    fnas_torch_pickle *pickle = reader->pickle;
    if (pickle->value_count == FNAS_TORCH_VALUES_MAX) return fail_at(reader, "more values than any state dictionary has: refused");
    void *values = pickle->values;
    bool grown = fnas_grow(&values, &pickle->value_capacity, pickle->value_count + 1, sizeof *pickle->values);
    pickle->values = values;
    if (!grown) return fail_memory(reader);
    pickle->values[pickle->value_count] = value;
    return push(reader, (int32_t)pickle->value_count++);
}

static fnas_status push_number(torch_reader *reader, fnas_torch_kind kind, int64_t number) {
    return push_new(reader, (fnas_torch_value){.kind = kind, .number = number});
}

static fnas_status push_container(torch_reader *reader, fnas_torch_kind kind) {
    return push_new(reader, (fnas_torch_value){.kind = kind});
}

/* How many values stand above the last mark, or on the whole stack. */
static size_t above_mark(const torch_reader *reader) {
    return reader->stack_count - (reader->mark_count ? reader->marks[reader->mark_count - 1] : 0);
}

/* Takes the uppermost values off, without passing a mark; *first is valid until the next push. */
static fnas_status pop(torch_reader *reader, size_t count, const int32_t **first) {
    *first = NULL;
    if (above_mark(reader) < count) return fail_at(reader, "values and opcodes do not agree: the file is damaged");
    reader->stack_count -= count;
    *first = reader->stack + reader->stack_count;
    return FNAS_OK;
}

/* Takes those above the last mark off, and the mark. */
static fnas_status pop_marked(torch_reader *reader, const int32_t **first, size_t *count) {
    *first = NULL;
    *count = 0;
    if (!reader->mark_count) return fail_at(reader, "no mark where one belongs: the file is damaged");
    *count = above_mark(reader);
    reader->mark_count--;
    reader->stack_count -= *count;
    *first = reader->stack + reader->stack_count;
    return FNAS_OK;
}

static fnas_status push_mark(torch_reader *reader) {
    if (reader->mark_count == FNAS_TORCH_MARKS_MAX) return fail_at(reader, "more than 64 marks at once: refused");
    reader->marks[reader->mark_count++] = reader->stack_count;
    return FNAS_OK;
}

/* ---- numbers and texts ---- */

static fnas_status read_integer(torch_reader *reader, size_t bytes) {
    uint64_t number;
    FNAS_TRY(take_number(reader, bytes, &number));
    return push_number(reader, FNAS_TORCH_INTEGER, bytes == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number);
}

/* LONG1: a length, then two's complement. */
static fnas_status read_long(torch_reader *reader) {
    uint64_t bytes, number = 0;
    FNAS_TRY(take_number(reader, 1, &bytes));
    if (bytes > 8) return fail_at(reader, "a number of more than 64 bits: refused");
    FNAS_TRY(take_number(reader, (size_t)bytes, &number));
    if (bytes && bytes < 8 && number >> (8 * bytes - 1)) number |= UINT64_MAX << 8 * bytes; /* its sign */
    int64_t value;
    memcpy(&value, &number, sizeof value);
    return push_number(reader, FNAS_TORCH_INTEGER, value);
}

static fnas_status read_real(torch_reader *reader) {
    const unsigned char *ignored;
    FNAS_TRY(take(reader, 8, &ignored));
    return push_number(reader, FNAS_TORCH_REAL, 0);
}

static fnas_status read_text(torch_reader *reader) {
    uint64_t length;
    const unsigned char *text;
    FNAS_TRY(take_number(reader, 4, &length));
    FNAS_TRY(take(reader, (size_t)length, &text));
    if (memchr(text, 0, (size_t)length)) return fail_at(reader, "a text with a 0 byte in it: refused");
    return push_new(reader, (fnas_torch_value){.kind = FNAS_TORCH_TEXT, .number = (int64_t)length, .text = text});
}

/* ---- containers ---- */

static fnas_status fill(torch_reader *reader, int32_t index, const int32_t *items, size_t count) {
    fnas_torch_value *container = &reader->pickle->values[index];
    void *grown_items = container->items;
    bool grown = fnas_grow(&grown_items, &container->capacity, container->count + count, sizeof *container->items);
    container->items = grown_items;
    if (!grown) return fail_memory(reader);
    for (size_t i = 0; i < count; i++) container->items[container->count++] = items[i];
    return FNAS_OK;
}

/* The container of this kind on top of the stack. */
static fnas_status top_container(torch_reader *reader, fnas_torch_kind kind, int32_t *index) {
    *index = above_mark(reader) ? reader->stack[reader->stack_count - 1] : -1;
    if (*index >= 0 && reader->pickle->values[*index].kind == kind) return FNAS_OK;
    return fail_at(reader,
                   kind == FNAS_TORCH_DICT ? "entries for a dictionary that is none: refused" : "values for a list that is none: refused");
}

static fnas_status fill_top(torch_reader *reader, fnas_torch_kind kind, const int32_t *items, size_t count) {
    int32_t index;
    FNAS_TRY(top_container(reader, kind, &index));
    if (kind == FNAS_TORCH_DICT && count % 2) return fail_at(reader, "a key without its value: the file is damaged");
    return fill(reader, index, items, count);
}

/* APPENDS, SETITEMS; APPEND and SETITEM without a mark. */
static fnas_status fill_marked(torch_reader *reader, fnas_torch_kind kind) {
    const int32_t *items;
    size_t count;
    FNAS_TRY(pop_marked(reader, &items, &count));
    return fill_top(reader, kind, items, count);
}

static fnas_status fill_one(torch_reader *reader, fnas_torch_kind kind) {
    const int32_t *items;
    size_t count = kind == FNAS_TORCH_DICT ? 2 : 1;
    FNAS_TRY(pop(reader, count, &items));
    return fill_top(reader, kind, items, count);
}

/* Nothing is pushed between taking the items off and putting the tuple in their place but the tuple itself. */
static fnas_status make_tuple(torch_reader *reader, const int32_t *items, size_t count) {
    int32_t few[8], *kept = few;
    if (count > sizeof few / sizeof *few) kept = fnas_allocate(count, sizeof *kept);
    if (!kept) return fail_memory(reader);
    if (count) memcpy(kept, items, count * sizeof *kept);
    fnas_status status = push_container(reader, FNAS_TORCH_TUPLE);
    if (status == FNAS_OK) status = fill(reader, reader->stack[reader->stack_count - 1], kept, count);
    if (kept != few) fnas_free(kept);
    return status;
}

static fnas_status make_short_tuple(torch_reader *reader, size_t count) {
    const int32_t *items;
    FNAS_TRY(pop(reader, count, &items));
    return make_tuple(reader, items, count);
}

static fnas_status make_marked_tuple(torch_reader *reader) {
    const int32_t *items;
    size_t count;
    FNAS_TRY(pop_marked(reader, &items, &count));
    return make_tuple(reader, items, count);
}

/* ---- what is remembered ---- */

static fnas_status remember(torch_reader *reader, size_t bytes) {
    uint64_t index;
    FNAS_TRY(take_number(reader, bytes, &index));
    if (!above_mark(reader)) return fail_at(reader, "nothing is there to be remembered: the file is damaged");
    if (index >= FNAS_TORCH_VALUES_MAX) return fail_at(reader, "more remembered values than any state dictionary has: refused");
    void *memo = reader->memo;
    bool grown = fnas_grow(&memo, &reader->memo_capacity, (size_t)index + 1, sizeof *reader->memo);
    reader->memo = memo;
    if (!grown) return fail_memory(reader);
    while (reader->memo_count <= index) reader->memo[reader->memo_count++] = -1;
    reader->memo[index] = reader->stack[reader->stack_count - 1];
    return FNAS_OK;
}

static fnas_status recall(torch_reader *reader, size_t bytes) {
    uint64_t index;
    FNAS_TRY(take_number(reader, bytes, &index));
    if (index >= reader->memo_count || reader->memo[index] < 0)
        return fail_at(reader, "recalls what was not remembered: the file is damaged");
    return push(reader, reader->memo[index]);
}

/* ---- names, storages, tensors ---- */

/* A line of a GLOBAL; what cannot be printed becomes '?', which no known name has. */
static fnas_status take_line(torch_reader *reader, char line[NAME_MAX_BYTES]) {
    const unsigned char *begin = reader->bytes + reader->at;
    const unsigned char *end = memchr(begin, '\n', reader->size_bytes - reader->at);
    if (!end) return fail_at(reader, "truncated: the file ends inside this opcode");
    size_t length = (size_t)(end - begin);
    if (length >= NAME_MAX_BYTES) return fail_at(reader, "refused: the pickle asks for a name of more than 127 bytes");
    for (size_t i = 0; i < length; i++) line[i] = begin[i] > ' ' && begin[i] < 0x7F ? (char)begin[i] : '?';
    line[length] = '\0';
    reader->at += length + 1;
    return FNAS_OK;
}

static fnas_status read_global(torch_reader *reader) {
    char module[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
    FNAS_TRY(take_line(reader, module));
    FNAS_TRY(take_line(reader, name));
    int64_t index = fnas_torch_global_find(module, name);
    if (index >= 0) return push_number(reader, FNAS_TORCH_GLOBAL, index);
    return fnas_fail(reader->context, FNAS_ERR_INPUT,
                     "%s: byte %zu: refused: the pickle asks for %s.%s; a state dictionary needs tensors, their storages and OrderedDict, "
                     "and only these are known: save model.state_dict() with torch.save",
                     reader->where, reader->opcode_at, module, name);
}

static fnas_status push_tensor(torch_reader *reader, const fnas_torch_tensor *tensor) {
    fnas_torch_pickle *pickle = reader->pickle;
    void *tensors = pickle->tensors;
    bool grown = fnas_grow(&tensors, &pickle->tensor_capacity, pickle->tensor_count + 1, sizeof *pickle->tensors);
    pickle->tensors = tensors;
    if (!grown) return fail_memory(reader);
    pickle->tensors[pickle->tensor_count] = *tensor;
    return push_number(reader, FNAS_TORCH_TENSOR, (int64_t)pickle->tensor_count++);
}

static fnas_status read_reduce(torch_reader *reader) {
    const int32_t *items;
    fnas_torch_made made = {0};
    FNAS_TRY(pop(reader, 2, &items));
    const fnas_torch_value *function = &reader->pickle->values[items[0]], *arguments = &reader->pickle->values[items[1]];
    if (function->kind != FNAS_TORCH_GLOBAL || arguments->kind != FNAS_TORCH_TUPLE)
        return fail_at(reader, "a call of what is no function: refused");
    const char *wrong = fnas_torch_call(reader->pickle, fnas_torch_global_at(function->number), arguments, &made);
    if (wrong) return fail_at(reader, wrong);
    switch (made.what) {
    case FNAS_TORCH_MADE_TENSOR:
        return push_tensor(reader, &made.tensor);
    case FNAS_TORCH_MADE_DICT:
        return push_container(reader, FNAS_TORCH_DICT);
    case FNAS_TORCH_MADE_ARGUMENT:
        break;
    }
    return push(reader, made.argument);
}

/* An OrderedDict's attributes: a module's _metadata, of no use here. */
static fnas_status read_build(torch_reader *reader) {
    const int32_t *items;
    int32_t index;
    FNAS_TRY(pop(reader, 1, &items));
    if (reader->pickle->values[items[0]].kind != FNAS_TORCH_DICT) return fail_at(reader, "attributes that are no dictionary: refused");
    return top_container(reader, FNAS_TORCH_DICT, &index);
}

static fnas_status read_storage(torch_reader *reader) {
    const int32_t *items;
    fnas_torch_pickle *pickle = reader->pickle;
    fnas_torch_storage storage;
    FNAS_TRY(pop(reader, 1, &items));
    const char *wrong = fnas_torch_storage_of(pickle, &pickle->values[items[0]], &storage);
    if (wrong) return fail_at(reader, wrong);
    void *storages = pickle->storages;
    bool grown = fnas_grow(&storages, &pickle->storage_capacity, pickle->storage_count + 1, sizeof *pickle->storages);
    pickle->storages = storages;
    if (!grown) return fail_memory(reader);
    pickle->storages[pickle->storage_count] = storage;
    return push_number(reader, FNAS_TORCH_STORAGE, (int64_t)pickle->storage_count++);
}

/* ---- the whole ---- */

static fnas_status read_opcode(torch_reader *reader, unsigned char code) {
    switch (code) {
    case FNAS_OP_MARK:
        return push_mark(reader);
    case FNAS_OP_NONE:
        return push_number(reader, FNAS_TORCH_NONE, 0);
    case FNAS_OP_NEWTRUE:
    case FNAS_OP_NEWFALSE:
        return push_number(reader, FNAS_TORCH_FLAG, code == FNAS_OP_NEWTRUE);
    case FNAS_OP_BININT:
        return read_integer(reader, 4);
    case FNAS_OP_BININT1:
        return read_integer(reader, 1);
    case FNAS_OP_BININT2:
        return read_integer(reader, 2);
    case FNAS_OP_LONG1:
        return read_long(reader);
    case FNAS_OP_BINFLOAT:
        return read_real(reader);
    case FNAS_OP_BINUNICODE:
        return read_text(reader);
    case FNAS_OP_EMPTY_LIST:
        return push_container(reader, FNAS_TORCH_LIST);
    case FNAS_OP_EMPTY_DICT:
        return push_container(reader, FNAS_TORCH_DICT);
    case FNAS_OP_EMPTY_TUPLE:
        return push_container(reader, FNAS_TORCH_TUPLE);
    case FNAS_OP_APPEND:
        return fill_one(reader, FNAS_TORCH_LIST);
    case FNAS_OP_APPENDS:
        return fill_marked(reader, FNAS_TORCH_LIST);
    case FNAS_OP_SETITEM:
        return fill_one(reader, FNAS_TORCH_DICT);
    case FNAS_OP_SETITEMS:
        return fill_marked(reader, FNAS_TORCH_DICT);
    case FNAS_OP_TUPLE:
        return make_marked_tuple(reader);
    case FNAS_OP_TUPLE1:
    case FNAS_OP_TUPLE2:
    case FNAS_OP_TUPLE3:
        return make_short_tuple(reader, (size_t)(code - FNAS_OP_TUPLE1) + 1);
    case FNAS_OP_BINPUT:
        return remember(reader, 1);
    case FNAS_OP_LONG_BINPUT:
        return remember(reader, 4);
    case FNAS_OP_BINGET:
        return recall(reader, 1);
    case FNAS_OP_LONG_BINGET:
        return recall(reader, 4);
    case FNAS_OP_GLOBAL:
        return read_global(reader);
    case FNAS_OP_BINPERSID:
        return read_storage(reader);
    case FNAS_OP_REDUCE:
        return read_reduce(reader);
    case FNAS_OP_BUILD:
        return read_build(reader);
    default:
        return fail_opcode(reader, code);
    }
}

static fnas_status read_protocol(torch_reader *reader) {
    const unsigned char *bytes;
    FNAS_TRY(take(reader, 2, &bytes));
    if (bytes[0] != FNAS_OP_PROTO) return fail_at(reader, "no pickle of protocol 2: it does not begin with PROTO");
    if (bytes[1] == 2) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT,
                     "%s: byte %zu: a pickle of protocol %d, only protocol 2 is read: save it with torch.save's own protocol",
                     reader->where, reader->opcode_at, bytes[1]);
}

static fnas_status read_pickle(torch_reader *reader) {
    FNAS_TRY(read_protocol(reader));
    for (;;) {
        const unsigned char *code;
        reader->opcode_at = reader->at;
        if (reader->at == reader->size_bytes) return fail_at(reader, "truncated: the pickle ends without STOP");
        FNAS_TRY(take(reader, 1, &code));
        if (*code == FNAS_OP_STOP) break;
        FNAS_TRY(read_opcode(reader, *code));
    }
    if (reader->mark_count || reader->stack_count != 1) return fail_at(reader, "it does not end with one value: the file is damaged");
    reader->pickle->root = reader->stack[0];
    reader->pickle->size_bytes = reader->at;
    return FNAS_OK;
}

fnas_status fnas_torch_pickle_read(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                   fnas_torch_pickle *pickle) {
    *pickle = (fnas_torch_pickle){0};
    torch_reader reader = {.context = context, .where = where, .bytes = bytes, .size_bytes = size_bytes, .pickle = pickle};
    fnas_status status = read_pickle(&reader);
    fnas_free(reader.stack);
    fnas_free(reader.memo);
    if (status != FNAS_OK) fnas_torch_pickle_free(pickle);
    return status;
}

/* ---- looking up ---- */

bool fnas_torch_text_is(const fnas_torch_value *value, const char *text) {
    size_t length = strlen(text);
    return value->kind == FNAS_TORCH_TEXT && (size_t)value->number == length && memcmp(value->text, text, length) == 0;
}

const fnas_torch_value *fnas_torch_dict_find(const fnas_torch_pickle *pickle, const fnas_torch_value *dict, const char *key) {
    for (size_t i = 0; i + 1 < dict->count; i += 2)
        if (fnas_torch_text_is(&pickle->values[dict->items[i]], key)) return &pickle->values[dict->items[i + 1]];
    return NULL;
}
