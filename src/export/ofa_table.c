#include "export/ofa_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define FILE_LIMIT_BYTES ((size_t)32 << 20)
#define SIZE_MAX_IN_KEY 1000000 /* of a dimension, an expansion, a kernel */
#define COUNT_MAX INT64_C(1000000000000)
#define WHERE_BYTES 4200

void fnas_ofa_table_free(fnas_ofa_table *table) {
    fnas_free(table->entries);
    *table = (fnas_ofa_table){0};
}

/* ---- keys ---- */

void fnas_ofa_block_format(const fnas_ofa_block *block, char key[FNAS_OFA_KEY_BYTES]) {
    int used = snprintf(key, FNAS_OFA_KEY_BYTES, "%.*s-input:%" PRId64 "x%" PRId64 "x%" PRId64 "-output:%" PRId64, FNAS_OFA_TYPE_BYTES - 1,
                        block->type, block->input[0], block->input[1], block->input[2], block->output[0]);
    if (block->output_rank == 3)
        used += snprintf(key + used, (size_t)(FNAS_OFA_KEY_BYTES - used), "x%" PRId64 "x%" PRId64, block->output[1], block->output[2]);
    if (block->expand)
        used += snprintf(key + used, (size_t)(FNAS_OFA_KEY_BYTES - used),
                         "-expand:%" PRId64 "-kernel:%" PRId64 "-stride:%" PRId64 "-idskip:%" PRId64, block->expand, block->kernel,
                         block->stride, block->skip);
    if (block->squeeze >= 0)
        snprintf(key + used, (size_t)(FNAS_OFA_KEY_BYTES - used), "-se:%" PRId64 "-hs:%" PRId64, block->squeeze, block->hard_swish);
}

/* Reads a number from 0 to SIZE_MAX_IN_KEY. */
static bool read_size(const char **at, int64_t *size) {
    size_t digits = strspn(*at, "0123456789");
    *size = 0;
    if (digits < 1 || digits > 7) return false;
    for (size_t i = 0; i < digits; i++) *size = *size * 10 + ((*at)[i] - '0');
    *at += digits;
    return *size <= SIZE_MAX_IN_KEY;
}

static bool read_label(const char **at, const char *label) {
    size_t length = strlen(label);
    if (strncmp(*at, label, length) != 0) return false;
    *at += length;
    return true;
}

static bool read_labelled(const char **at, const char *label, int64_t least, int64_t most, int64_t *value) {
    return read_label(at, label) && read_size(at, value) && *value >= least && *value <= most;
}

static bool read_shape(const char **at, const char *label, int64_t shape[3], int64_t *rank) {
    if (!read_labelled(at, label, 1, SIZE_MAX_IN_KEY, &shape[0])) return false;
    for (*rank = 1; *rank < 3 && **at == 'x'; (*rank)++)
        if (!read_labelled(at, "x", 1, SIZE_MAX_IN_KEY, &shape[*rank])) return false;
    return true;
}

static bool read_key(const char *key, fnas_ofa_block *block) {
    const char *at = key;
    int64_t input_rank;
    size_t length = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    *block = (fnas_ofa_block){.skip = -1, .squeeze = -1, .hard_swish = -1};
    if (length < 1 || length >= FNAS_OFA_TYPE_BYTES) return false;
    memcpy(block->type, key, length);
    at += length;
    if (!read_shape(&at, "-input:", block->input, &input_rank) || input_rank != 3) return false;
    if (!read_shape(&at, "-output:", block->output, &block->output_rank) || block->output_rank == 2) return false;
    if (strcmp(block->type, "expanded_conv") != 0) return !*at;
    if (!read_labelled(&at, "-expand:", 1, SIZE_MAX_IN_KEY, &block->expand) || !read_labelled(&at, "-kernel:", 1, 1000, &block->kernel) ||
        !read_labelled(&at, "-stride:", 1, 1000, &block->stride) || !read_labelled(&at, "-idskip:", 0, 1, &block->skip))
        return false;
    if (!*at) return true;
    return read_labelled(&at, "-se:", 0, 1, &block->squeeze) && read_labelled(&at, "-hs:", 0, 1, &block->hard_swish) && !*at;
}

fnas_status fnas_ofa_block_parse(fnas_context *context, const char *where, const char *key, fnas_ofa_block *block) {
    char again[FNAS_OFA_KEY_BYTES] = "";
    bool is_key = read_key(key, block);
    if (is_key) fnas_ofa_block_format(block, again);
    if (is_key && strcmp(again, key) == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: \"%.200s\" is no block of an OFA latency table: TYPE-input:HxWxC-output:HxWxC, of an expanded_conv with "
                     "-expand:N-kernel:N-stride:N-idskip:0 and perhaps -se:0-hs:0 behind it",
                     where, key);
}

/* As their keys, without writing these. */
bool fnas_ofa_block_equal(const fnas_ofa_block *a, const fnas_ofa_block *b) {
    bool same = strcmp(a->type, b->type) == 0 && a->output_rank == b->output_rank && a->expand == b->expand && a->kernel == b->kernel &&
                a->stride == b->stride && a->skip == b->skip && a->squeeze == b->squeeze && a->hard_swish == b->hard_swish;
    for (int i = 0; same && i < 3; i++) same = a->input[i] == b->input[i] && (a->output[i] == b->output[i] || i >= a->output_rank);
    return same;
}

const fnas_ofa_entry *fnas_ofa_table_find(const fnas_ofa_table *table, const fnas_ofa_block *block) {
    for (int64_t i = 0; i < table->count; i++)
        if (fnas_ofa_block_equal(&table->entries[i].block, block)) return &table->entries[i];
    return NULL;
}

/* ---- duplicates ---- */

typedef struct numbered_key {
    char key[FNAS_OFA_KEY_BYTES];
    int64_t number;
} numbered_key;

static int compare_keys(const void *a, const void *b) {
    const numbered_key *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* *first and *second are two entries of one block, or -1. */
static fnas_status find_duplicate(fnas_context *context, const char *where, const fnas_ofa_table *table, int64_t *first, int64_t *second) {
    *first = *second = -1;
    numbered_key *sorted = fnas_allocate((size_t)table->count, sizeof *sorted);
    if (!sorted) return fnas_fail_memory(context, where);
    for (int64_t i = 0; i < table->count; i++) {
        fnas_ofa_block_format(&table->entries[i].block, sorted[i].key);
        sorted[i].number = i;
    }
    if (table->count > 1) qsort(sorted, (size_t)table->count, sizeof *sorted, compare_keys);
    for (int64_t i = 1; i < table->count && *first < 0; i++) {
        if (strcmp(sorted[i - 1].key, sorted[i].key) != 0) continue;
        *first = sorted[i - 1].number;
        *second = sorted[i].number;
    }
    fnas_free(sorted);
    return FNAS_OK;
}

/* ---- reading ---- */

typedef struct table_reader {
    fnas_context *context;
    const char *where;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool has_event;
    fnas_ofa_table *table;
    size_t capacity;
    int64_t *lines; /* [count] of each entry */
    size_t line_capacity;
} table_reader;

static long line_of(const table_reader *reader) {
    return (long)reader->event.start_mark.line + 1;
}

static fnas_status fail_here(const table_reader *reader, const char *what) {
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%ld: %s", reader->where, line_of(reader), what);
}

static void drop_event(table_reader *reader) {
    if (reader->has_event) yaml_event_delete(&reader->event);
    reader->has_event = false;
}

static fnas_status fail_syntax(const table_reader *reader) {
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR) return fnas_fail_memory(reader->context, reader->where);
    const char *problem = parser->problem ? parser->problem : "no YAML";
    if (parser->error == YAML_READER_ERROR)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: byte %zu: %s", reader->where, parser->problem_offset, problem);
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%ld: %s", reader->where, (long)parser->problem_mark.line + 1, problem);
}

/* What an anchor names can be used again, and so on, until a small file is a large table. */
static fnas_status check_event(const table_reader *reader) {
    const yaml_event_t *event = &reader->event;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return fail_here(reader, "an alias (*name): refused");
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor) return fail_here(reader, "an anchor (&name): refused");
        if (event->data.scalar.tag) return fail_here(reader, "a tag (!name): refused");
        return FNAS_OK;
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor) return fail_here(reader, "an anchor (&name): refused");
        if (event->data.mapping_start.tag) return fail_here(reader, "a tag (!name): refused");
        return FNAS_OK;
    case YAML_SEQUENCE_START_EVENT:
        return fail_here(reader, "a sequence: a latency table has none");
    default:
        return FNAS_OK;
    }
}

static fnas_status next_event(table_reader *reader) {
    drop_event(reader);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) return fail_syntax(reader);
    reader->has_event = true;
    return check_event(reader);
}

static fnas_status expect(table_reader *reader, yaml_event_type_t type, const char *otherwise) {
    FNAS_TRY(next_event(reader));
    return reader->event.type == type ? FNAS_OK : fail_here(reader, otherwise);
}

/* The text of the current scalar, which holds no 0 byte. */
static fnas_status scalar_text(const table_reader *reader, const char **text) {
    *text = (const char *)reader->event.data.scalar.value;
    if (strlen(*text) == reader->event.data.scalar.length) return FNAS_OK;
    return fail_here(reader, "a text with a 0 byte in it: refused");
}

static fnas_status read_number(table_reader *reader, const char *field, double *value) {
    const char *text;
    FNAS_TRY(expect(reader, YAML_SCALAR_EVENT, "a number is missing"));
    FNAS_TRY(scalar_text(reader, &text));
    if (reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && fnas_parse_double(text, value)) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%ld: \"%s\" is \"%.80s\", it must be a finite number", reader->where,
                     line_of(reader), field, text);
}

static fnas_status check_range(const table_reader *reader, const char *field, bool fits, double value, const char *range) {
    if (fits) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%ld: \"%s\" is %g, %s", reader->where, line_of(reader), field, value, range);
}

enum { FIELD_COUNT, FIELD_MEAN, FIELD_STD, FIELDS };
static const char *const field_names[FIELDS + 1] = {"count", "mean", "std", NULL};

static fnas_status read_field(table_reader *reader, fnas_ofa_entry *entry, bool seen[FIELDS]) {
    const char *text;
    int field = 0;
    FNAS_TRY(scalar_text(reader, &text));
    while (field < FIELDS && strcmp(field_names[field], text) != 0) field++;
    if (field == FIELDS)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%ld: unknown field \"%.80s\": a block has count, mean and std", reader->where,
                         line_of(reader), text);
    if (seen[field])
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%ld: \"%s\" is given twice", reader->where, line_of(reader),
                         field_names[field]);
    seen[field] = true;
    double value;
    FNAS_TRY(read_number(reader, field_names[field], &value));
    if (field == FIELD_COUNT) {
        FNAS_TRY(check_range(reader, "count", value >= 1 && value <= (double)COUNT_MAX && value == floor(value), value,
                             "a number of measurements is whole and from 1"));
        entry->count = (int64_t)value;
    } else if (field == FIELD_MEAN) {
        FNAS_TRY(check_range(reader, "mean", value > 0, value, "a latency is above 0"));
        entry->mean_ms = value;
    } else {
        FNAS_TRY(check_range(reader, "std", value >= 0, value, "a standard deviation is not negative"));
        entry->std_ms = value;
    }
    return FNAS_OK;
}

static fnas_status read_fields(table_reader *reader, fnas_ofa_entry *entry, const char *key) {
    bool seen[FIELDS] = {false};
    FNAS_TRY(expect(reader, YAML_MAPPING_START_EVENT, "count, mean and std are missing"));
    FNAS_TRY(next_event(reader));
    while (reader->event.type == YAML_SCALAR_EVENT) {
        FNAS_TRY(read_field(reader, entry, seen));
        FNAS_TRY(next_event(reader));
    }
    if (reader->event.type != YAML_MAPPING_END_EVENT) return fail_here(reader, "the name of a field is missing");
    for (int field = 0; field < FIELDS; field++)
        if (!seen[field])
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%ld: %s has no \"%s\"", reader->where, line_of(reader), key,
                             field_names[field]);
    return FNAS_OK;
}

static fnas_status add_entry(table_reader *reader, const fnas_ofa_entry *entry, int64_t line) {
    fnas_ofa_table *table = reader->table;
    void *entries = table->entries, *lines = reader->lines;
    size_t needed = (size_t)table->count + 1;
    if (table->count == FNAS_OFA_ENTRIES_MAX) return fail_here(reader, "more blocks than any network has: refused");
    bool grown = fnas_grow(&entries, &reader->capacity, needed, sizeof *table->entries) &&
                 fnas_grow(&lines, &reader->line_capacity, needed, sizeof *reader->lines);
    table->entries = entries;
    reader->lines = lines;
    if (!grown) return fnas_fail_memory(reader->context, reader->where);
    table->entries[table->count] = *entry;
    reader->lines[table->count++] = line;
    return FNAS_OK;
}

static fnas_status read_entry(table_reader *reader) {
    fnas_ofa_entry entry = {0};
    char where[WHERE_BYTES], key[FNAS_OFA_KEY_BYTES];
    const char *text;
    int64_t line = line_of(reader);
    FNAS_TRY(scalar_text(reader, &text));
    snprintf(where, sizeof where, "%s:%lld", reader->where, (long long)line);
    FNAS_TRY(fnas_ofa_block_parse(reader->context, where, text, &entry.block));
    fnas_ofa_block_format(&entry.block, key);
    FNAS_TRY(read_fields(reader, &entry, key));
    return add_entry(reader, &entry, line);
}

static fnas_status check_duplicates(const table_reader *reader) {
    int64_t first, second;
    FNAS_TRY(find_duplicate(reader->context, reader->where, reader->table, &first, &second));
    if (first < 0) return FNAS_OK;
    char key[FNAS_OFA_KEY_BYTES];
    fnas_ofa_block_format(&reader->table->entries[second].block, key);
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: %s stands already in line %lld: keep one", reader->where,
                     (long long)reader->lines[second], key, (long long)reader->lines[first]);
}

static fnas_status read_document(table_reader *reader) {
    FNAS_TRY(expect(reader, YAML_STREAM_START_EVENT, "no YAML"));
    FNAS_TRY(expect(reader, YAML_DOCUMENT_START_EVENT, "empty: a latency table maps blocks to count, mean and std"));
    FNAS_TRY(expect(reader, YAML_MAPPING_START_EVENT, "a latency table maps blocks to count, mean and std"));
    FNAS_TRY(next_event(reader));
    while (reader->event.type == YAML_SCALAR_EVENT) {
        FNAS_TRY(read_entry(reader));
        FNAS_TRY(next_event(reader));
    }
    if (reader->event.type != YAML_MAPPING_END_EVENT) return fail_here(reader, "the key of a block is missing");
    FNAS_TRY(expect(reader, YAML_DOCUMENT_END_EVENT, "something stands behind the table"));
    FNAS_TRY(expect(reader, YAML_STREAM_END_EVENT, "a second document: one file is one table"));
    if (!reader->table->count) return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: the table is empty", reader->where);
    return check_duplicates(reader);
}

fnas_status fnas_ofa_table_parse(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                 fnas_ofa_table *table) {
    *table = (fnas_ofa_table){0};
    table_reader reader = {.context = context, .where = where, .table = table};
    if (!yaml_parser_initialize(&reader.parser)) return fnas_fail_memory(context, where);
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, bytes, size_bytes);
    fnas_status status = read_document(&reader);
    drop_event(&reader);
    yaml_parser_delete(&reader.parser);
    fnas_free(reader.lines);
    if (status != FNAS_OK) fnas_ofa_table_free(table);
    return status;
}

fnas_status fnas_ofa_table_read(fnas_context *context, const char *path, fnas_ofa_table *table) {
    unsigned char *bytes;
    size_t size_bytes;
    *table = (fnas_ofa_table){0};
    FNAS_TRY(fnas_file_read(context, path, FILE_LIMIT_BYTES, &bytes, &size_bytes));
    fnas_status status = fnas_ofa_table_parse(context, path, bytes, size_bytes, table);
    fnas_free(bytes);
    return status;
}

/* ---- writing ---- */

/* YAML 1.1 takes 1e-05 for a text and 1.0e-05 for a number, and 4 for a whole one. */
static void append_real(fnas_text *text, double value) {
    fnas_text number = {0};
    fnas_text_append_number(&number, value);
    if (number.failed) {
        text->failed = true;
        return;
    }
    size_t mantissa = strcspn(number.data, "e");
    bool has_point = memchr(number.data, '.', mantissa) != NULL;
    fnas_text_append(text, "%.*s%s%s", (int)mantissa, number.data, has_point ? "" : ".0", number.data + mantissa);
    fnas_text_free(&number);
}

static fnas_status check_entry(fnas_context *context, const char *path, const fnas_ofa_entry *entry) {
    char key[FNAS_OFA_KEY_BYTES];
    fnas_ofa_block again;
    fnas_ofa_block_format(&entry->block, key);
    FNAS_TRY(fnas_ofa_block_parse(context, path, key, &again));
    bool fits = entry->count >= 1 && entry->count <= COUNT_MAX && isfinite(entry->mean_ms) && entry->mean_ms > 0 &&
                isfinite(entry->std_ms) && entry->std_ms >= 0;
    if (fits) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: %s: count %lld, mean %g, std %g: a count is from 1, a latency finite and above 0", path,
                     key, (long long)entry->count, entry->mean_ms, entry->std_ms);
}

static fnas_status check_table(fnas_context *context, const char *path, const fnas_ofa_table *table) {
    int64_t first, second;
    if (table->count < 1 || table->count > FNAS_OFA_ENTRIES_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %lld blocks, a table has 1 to %d", path, (long long)table->count,
                         FNAS_OFA_ENTRIES_MAX);
    for (int64_t i = 0; i < table->count; i++) FNAS_TRY(check_entry(context, path, &table->entries[i]));
    FNAS_TRY(find_duplicate(context, path, table, &first, &second));
    if (first < 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: entries %lld and %lld are the same block", path, (long long)first, (long long)second);
}

fnas_status fnas_ofa_table_write(fnas_context *context, const char *path, const fnas_ofa_table *table) {
    FNAS_TRY(check_table(context, path, table));
    fnas_text text = {0};
    for (int64_t i = 0; i < table->count; i++) {
        char key[FNAS_OFA_KEY_BYTES];
        fnas_ofa_block_format(&table->entries[i].block, key);
        fnas_text_append(&text, "%s:\n  count: %lld\n  mean: ", key, (long long)table->entries[i].count);
        append_real(&text, table->entries[i].mean_ms);
        fnas_text_append(&text, "\n  std: ");
        append_real(&text, table->entries[i].std_ms);
        fnas_text_append(&text, "\n");
    }
    fnas_status status = text.failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text.data, text.size);
    fnas_text_free(&text);
    return status;
}
