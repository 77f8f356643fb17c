#include "space/transformer/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/memory.h"
#include "base/text.h"

#define ENTRIES_MAX 200
#define ITEMS_MAX 2000
#define TEXT_MAX 1000 /* bytes of a scalar */

typedef struct yaml_reader {
    fnas_context *context;
    fnas_yaml *yaml;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    bool has_event;
} yaml_reader;

static fnas_status fail_at(fnas_context *context, const fnas_yaml *yaml, int64_t line, const char *what) {
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: %s", yaml->where, (long long)line, what);
}

static int64_t line_of(const yaml_reader *reader) {
    return (int64_t)reader->event.start_mark.line + 1;
}

static fnas_status fail_here(const yaml_reader *reader, const char *what) {
    return fail_at(reader->context, reader->yaml, line_of(reader), what);
}

/* ---- events ---- */

static fnas_status fail_syntax(const yaml_reader *reader) {
    const yaml_parser_t *parser = &reader->parser;
    const char *where = reader->yaml->where, *problem = parser->problem ? parser->problem : "no YAML";
    if (parser->error == YAML_MEMORY_ERROR) return fnas_fail_memory(reader->context, where);
    if (parser->error == YAML_READER_ERROR)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: byte %zu: %s", where, parser->problem_offset, problem);
    return fail_at(reader->context, reader->yaml, (int64_t)parser->problem_mark.line + 1, problem);
}

static fnas_status check_properties(const yaml_reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag) {
    if (anchor) return fail_here(reader, "an anchor (&name): refused");
    if (tag) return fail_here(reader, "a tag (!name): refused");
    return FNAS_OK;
}

/* What an anchor names can be used again, and so on, until a small file is a large one. */
static fnas_status check_event(const yaml_reader *reader) {
    const yaml_event_t *event = &reader->event;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return fail_here(reader, "an alias (*name): refused");
    case YAML_SCALAR_EVENT:
        return check_properties(reader, event->data.scalar.anchor, event->data.scalar.tag);
    case YAML_MAPPING_START_EVENT:
        return check_properties(reader, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    case YAML_SEQUENCE_START_EVENT:
        return check_properties(reader, event->data.sequence_start.anchor, event->data.sequence_start.tag);
    default:
        return FNAS_OK;
    }
}

static void drop_event(yaml_reader *reader) {
    if (reader->has_event) yaml_event_delete(&reader->event);
    reader->has_event = false;
}

static fnas_status next_event(yaml_reader *reader) {
    drop_event(reader);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) return fail_syntax(reader);
    reader->has_event = true;
    return check_event(reader);
}

static fnas_status expect(yaml_reader *reader, yaml_event_type_t type, const char *otherwise) {
    FNAS_TRY(next_event(reader));
    return reader->event.type == type ? FNAS_OK : fail_here(reader, otherwise);
}

/* The text of the current scalar; owned. */
static fnas_status take_text(const yaml_reader *reader, char **text) {
    const char *value = (const char *)reader->event.data.scalar.value;
    size_t length = reader->event.data.scalar.length;
    if (strlen(value) != length) return fail_here(reader, "a text with a 0 byte in it: refused");
    if (length > TEXT_MAX) return fail_here(reader, "a text of more than 1,000 bytes: refused");
    if (!fnas_text_is_shown(value)) return fail_here(reader, "a text with a control character in it: refused");
    *text = fnas_strdup(value);
    return *text ? FNAS_OK : fnas_fail_memory(reader->context, reader->yaml->where);
}

/* ---- entries ---- */

static fnas_status take_item(yaml_reader *reader) {
    fnas_yaml *yaml = reader->yaml;
    void *items = yaml->items;
    if (yaml->item_count == ITEMS_MAX) return fail_here(reader, "more than 2,000 values: refused");
    bool grown = fnas_grow(&items, &yaml->item_capacity, (size_t)yaml->item_count + 1, sizeof *yaml->items);
    yaml->items = items;
    if (!grown) return fnas_fail_memory(reader->context, yaml->where);
    fnas_yaml_item *item = &yaml->items[yaml->item_count];
    *item = (fnas_yaml_item){.line = line_of(reader), .plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE};
    FNAS_TRY(take_text(reader, &item->text));
    yaml->item_count++;
    return FNAS_OK;
}

static fnas_status take_list(yaml_reader *reader) {
    FNAS_TRY(next_event(reader));
    while (reader->event.type == YAML_SCALAR_EVENT) {
        FNAS_TRY(take_item(reader));
        FNAS_TRY(next_event(reader));
    }
    return reader->event.type == YAML_SEQUENCE_END_EVENT ? FNAS_OK : fail_here(reader, "a list in a list, or a mapping in one: refused");
}

static fnas_status take_value(yaml_reader *reader, fnas_yaml_entry *entry) {
    fnas_yaml *yaml = reader->yaml;
    FNAS_TRY(next_event(reader));
    entry->first = yaml->item_count;
    if (reader->event.type == YAML_SEQUENCE_START_EVENT) {
        entry->is_list = true;
        FNAS_TRY(take_list(reader));
    } else if (reader->event.type == YAML_SCALAR_EVENT)
        FNAS_TRY(take_item(reader));
    else
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%.80s\" has a mapping: a value or a list of values is wanted",
                         yaml->where, (long long)line_of(reader), entry->key);
    entry->count = yaml->item_count - entry->first;
    return FNAS_OK;
}

static fnas_status take_entry(yaml_reader *reader) {
    fnas_yaml *yaml = reader->yaml;
    void *entries = yaml->entries;
    if (yaml->entry_count == ENTRIES_MAX) return fail_here(reader, "more than 200 keys: refused");
    bool grown = fnas_grow(&entries, &yaml->entry_capacity, (size_t)yaml->entry_count + 1, sizeof *yaml->entries);
    yaml->entries = entries;
    if (!grown) return fnas_fail_memory(reader->context, yaml->where);
    fnas_yaml_entry *entry = &yaml->entries[yaml->entry_count];
    *entry = (fnas_yaml_entry){.line = line_of(reader)};
    FNAS_TRY(take_text(reader, &entry->key));
    const fnas_yaml_entry *earlier = fnas_yaml_find(yaml, entry->key);
    yaml->entry_count++; /* from here on it is freed with the others */
    if (earlier)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%.80s\" stands already in line %lld: keep one", yaml->where,
                         (long long)entry->line, entry->key, (long long)earlier->line);
    return take_value(reader, entry);
}

/* ---- the document ---- */

static fnas_status read_document(yaml_reader *reader) {
    FNAS_TRY(expect(reader, YAML_STREAM_START_EVENT, "no YAML"));
    FNAS_TRY(expect(reader, YAML_DOCUMENT_START_EVENT, "empty: keys with values are wanted"));
    FNAS_TRY(expect(reader, YAML_MAPPING_START_EVENT, "no mapping: keys with values are wanted"));
    FNAS_TRY(next_event(reader));
    while (reader->event.type == YAML_SCALAR_EVENT) {
        FNAS_TRY(take_entry(reader));
        FNAS_TRY(next_event(reader));
    }
    if (reader->event.type != YAML_MAPPING_END_EVENT) return fail_here(reader, "a key is no text");
    FNAS_TRY(expect(reader, YAML_DOCUMENT_END_EVENT, "something stands behind the mapping"));
    return expect(reader, YAML_STREAM_END_EVENT, "a second document: one is read");
}

fnas_status fnas_yaml_parse(fnas_context *context, const char *where, const void *data, size_t size_bytes, fnas_yaml *yaml) {
    yaml_reader reader = {.context = context, .yaml = yaml};
    *yaml = (fnas_yaml){.where = where};
    if (size_bytes > FNAS_YAML_LIMIT_BYTES)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %zu bytes, at most %zu are read", where, size_bytes, FNAS_YAML_LIMIT_BYTES);
    if (!yaml_parser_initialize(&reader.parser)) return fnas_fail_memory(context, where);
    yaml_parser_set_input_string(&reader.parser, data, size_bytes);
    fnas_status status = read_document(&reader);
    drop_event(&reader);
    yaml_parser_delete(&reader.parser);
    return status;
}

void fnas_yaml_free(fnas_yaml *yaml) {
    for (int64_t i = 0; i < yaml->entry_count; i++) fnas_free(yaml->entries[i].key);
    for (int64_t i = 0; i < yaml->item_count; i++) fnas_free(yaml->items[i].text);
    fnas_free(yaml->entries);
    fnas_free(yaml->items);
    *yaml = (fnas_yaml){0};
}

/* ---- looking up ---- */

const fnas_yaml_entry *fnas_yaml_find(const fnas_yaml *yaml, const char *key) {
    for (int64_t i = 0; i < yaml->entry_count; i++)
        if (strcmp(yaml->entries[i].key, key) == 0) return &yaml->entries[i];
    return NULL;
}

static fnas_status read_integer(fnas_context *context, const fnas_yaml *yaml, const fnas_yaml_entry *entry, int64_t index, int64_t least,
                                int64_t most, int64_t *value) {
    const fnas_yaml_item *item = &yaml->items[entry->first + index];
    bool is_number = item->plain && fnas_parse_int64(item->text, value);
    if (is_number && *value >= least && *value <= most) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%.80s\" has \"%.80s\": a whole number from %lld to %lld is wanted", yaml->where,
                     (long long)item->line, entry->key, item->text, (long long)least, (long long)most);
}

fnas_status fnas_yaml_integer(fnas_context *context, const fnas_yaml *yaml, const fnas_yaml_entry *entry, int64_t least, int64_t most,
                              int64_t *value) {
    if (!entry->is_list) return read_integer(context, yaml, entry, 0, least, most, value);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%.80s\" is a list: one number is wanted", yaml->where, (long long)entry->line,
                     entry->key);
}

fnas_status fnas_yaml_integers(fnas_context *context, const fnas_yaml *yaml, const fnas_yaml_entry *entry, int64_t limit, int64_t least,
                               int64_t most, int64_t *values, int64_t *count) {
    if (!entry->is_list)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%.80s\" is no list: write [...]", yaml->where, (long long)entry->line,
                         entry->key);
    if (entry->count < 1 || entry->count > limit)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%.80s\" has %lld entries: 1 to %lld are allowed", yaml->where,
                         (long long)entry->line, entry->key, (long long)entry->count, (long long)limit);
    for (int64_t i = 0; i < entry->count; i++) FNAS_TRY(read_integer(context, yaml, entry, i, least, most, &values[i]));
    *count = entry->count;
    return FNAS_OK;
}
