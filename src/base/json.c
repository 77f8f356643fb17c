#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

fnas_status fnas_json_parse(fnas_context *context, const char *where, const char *text, size_t size_bytes, json_t **root) {
    json_error_t error;
    *root = json_loadb(text, size_bytes, JSON_REJECT_DUPLICATES, &error);
    if (*root) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%d:%d: %s", where, error.line > 0 ? error.line : 1, error.column > 0 ? error.column : 1,
                     error.text);
}

fnas_status fnas_json_read(fnas_context *context, const char *path, size_t limit_bytes, json_t **root) {
    unsigned char *data;
    size_t size_bytes;
    *root = NULL;
    FNAS_TRY(fnas_file_read(context, path, limit_bytes, &data, &size_bytes));
    fnas_status status = fnas_json_parse(context, path, (const char *)data, size_bytes, root);
    fnas_free(data);
    return status;
}

/* ---- lines ---- */

static const char *fnas_json_skip_string(const char *at) {
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1]) at++;
    return *at ? at + 1 : at;
}

/* Behind the value that begins at `at`. */
static const char *fnas_json_skip_value(const char *at) {
    if (*at == '"') return fnas_json_skip_string(at);
    if (*at != '{' && *at != '[') return at + strcspn(at, ",]} \t\r\n");
    int depth = 0;
    while (*at) {
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at = *at == '"' ? fnas_json_skip_string(at) : at + 1;
        if (depth == 0) break;
    }
    return at;
}

static const char *fnas_json_skip_blanks(const char *at) {
    return at + strspn(at, " \t\r\n,:");
}

/* The value of a member of the object that begins at `object`, or NULL. */
static const char *fnas_json_find_member(const char *object, const char *key) {
    size_t length = strlen(key);
    for (const char *at = fnas_json_skip_blanks(object + 1); *at == '"'; at = fnas_json_skip_blanks(fnas_json_skip_value(at))) {
        const char *end = fnas_json_skip_string(at);
        bool found = (size_t)(end - at) == length + 2 && memcmp(at + 1, key, length) == 0;
        at = fnas_json_skip_blanks(end);
        if (found) return at;
    }
    return NULL;
}

int64_t fnas_json_line(const char *text, const char *key, int64_t index) {
    const char *object = fnas_json_skip_blanks(text);
    const char *value = *object == '{' ? fnas_json_find_member(object, key) : NULL, *at = value;
    if (value && index >= 0 && *value == '[') {
        at = fnas_json_skip_blanks(value + 1);
        for (int64_t i = 0; i < index && *at && *at != ']'; i++) at = fnas_json_skip_blanks(fnas_json_skip_value(at));
    }
    int64_t line = 1;
    for (const char *p = text; at && p < at; p++) line += *p == '\n';
    return line;
}

/* ---- writing ---- */

#define FNAS_JSON_ROWS_LEVELS 2

typedef struct fnas_json_writer {
    fnas_text text;
    bool in_rows;
} fnas_json_writer;

static void fnas_json_append_value(fnas_json_writer *writer, const json_t *value, int depth);

static void fnas_json_append_line(fnas_json_writer *writer, int depth) {
    fnas_text_append(&writer->text, "\n%*s", 2 * depth, "");
}

static bool fnas_json_is_flat(const json_t *array) {
    size_t index;
    json_t *element;
    json_array_foreach(array, index, element) {
        if (json_is_array(element) || json_is_object(element)) return false;
    }
    return true;
}

/* Whether the members of an object or array each get a line. */
static bool fnas_json_is_open(const fnas_json_writer *writer, const json_t *value, int depth) {
    if (json_object_size(value) + json_array_size(value) == 0) return false;
    if (!writer->in_rows) return json_is_object(value) || !fnas_json_is_flat(value);
    return depth < FNAS_JSON_ROWS_LEVELS || json_is_string(json_array_get(value, 0));
}

static void fnas_json_append_object(fnas_json_writer *writer, const json_t *object, int depth) {
    bool open = fnas_json_is_open(writer, object, depth), is_first = true;
    const char *key;
    json_t *member;
    fnas_text_append_bytes(&writer->text, "{", 1);
    json_object_foreach((json_t *)(uintptr_t)object, key, member) { /* jansson's iterators take no const */
        if (!is_first) fnas_text_append(&writer->text, open ? "," : ", ");
        if (open) fnas_json_append_line(writer, depth + 1);
        fnas_text_append_json(&writer->text, key);
        fnas_text_append_bytes(&writer->text, ": ", 2);
        fnas_json_append_value(writer, member, depth + 1);
        is_first = false;
    }
    if (open) fnas_json_append_line(writer, depth);
    fnas_text_append_bytes(&writer->text, "}", 1);
}

static void fnas_json_append_array(fnas_json_writer *writer, const json_t *array, int depth) {
    bool open = fnas_json_is_open(writer, array, depth);
    size_t index;
    json_t *element;
    fnas_text_append_bytes(&writer->text, "[", 1);
    json_array_foreach(array, index, element) {
        if (index) fnas_text_append(&writer->text, open ? "," : ", ");
        if (open) fnas_json_append_line(writer, depth + 1);
        fnas_json_append_value(writer, element, depth + 1);
    }
    if (open) fnas_json_append_line(writer, depth);
    fnas_text_append_bytes(&writer->text, "]", 1);
}

/* Outside of rows a real that prints like an integer gets a ".0", so that it is read back as a real. */
static void fnas_json_append_real(fnas_json_writer *writer, double value) {
    fnas_text *text = &writer->text;
    size_t begin = text->size;
    fnas_text_append_number(text, value);
    if (!writer->in_rows && !text->failed && !strpbrk(text->data + begin, ".en")) fnas_text_append_bytes(text, ".0", 2);
}

static void fnas_json_append_value(fnas_json_writer *writer, const json_t *value, int depth) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        fnas_json_append_object(writer, value, depth);
        break;
    case JSON_ARRAY:
        fnas_json_append_array(writer, value, depth);
        break;
    case JSON_STRING:
        fnas_text_append_json(&writer->text, json_string_value(value));
        break;
    case JSON_INTEGER:
        fnas_text_append(&writer->text, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        fnas_json_append_real(writer, json_real_value(value));
        break;
    case JSON_TRUE:
        fnas_text_append_bytes(&writer->text, "true", 4);
        break;
    case JSON_FALSE:
        fnas_text_append_bytes(&writer->text, "false", 5);
        break;
    case JSON_NULL:
        fnas_text_append_bytes(&writer->text, "null", 4);
        break;
    }
}

static fnas_text fnas_json_form(const json_t *root, bool in_rows) {
    fnas_json_writer writer = {.in_rows = in_rows};
    fnas_json_append_value(&writer, root, 0);
    fnas_text_append_bytes(&writer.text, "\n", 1);
    return writer.text;
}

fnas_text fnas_json_text(const json_t *root) {
    return fnas_json_form(root, false);
}

static fnas_status fnas_json_write_form(fnas_context *context, const char *path, const json_t *root, bool in_rows) {
    fnas_text text = fnas_json_form(root, in_rows);
    fnas_status status = text.failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text.data, text.size);
    fnas_text_free(&text);
    return status;
}

fnas_status fnas_json_write(fnas_context *context, const char *path, const json_t *root) {
    return fnas_json_write_form(context, path, root, false);
}

fnas_status fnas_json_write_rows(fnas_context *context, const char *path, const json_t *root) {
    return fnas_json_write_form(context, path, root, true);
}

json_t *fnas_json_from_unsigned(uint64_t value) {
    if (value <= INT64_MAX) return json_integer((json_int_t)value);
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    return json_string(digits);
}

/* ---- members ---- */

static fnas_status fnas_json_member(fnas_context *context, const json_t *object, const char *where, const char *key, const char *kind,
                                    json_t **member) {
    *member = NULL;
    if (!json_is_object(object)) return fnas_fail(context, FNAS_ERR_INPUT, "%s: must be an object (with \"%s\")", where, key);
    *member = json_object_get(object, key);
    if (*member) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%s\" (%s) is missing", where, key, kind);
}

static fnas_status fnas_json_fail_kind(fnas_context *context, const char *where, const char *key, const char *kind) {
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%s\" must be %s", where, key, kind);
}

fnas_status fnas_json_string(fnas_context *context, const json_t *object, const char *where, const char *key, const char **value) {
    json_t *member;
    FNAS_TRY(fnas_json_member(context, object, where, key, "a string", &member));
    if (!json_is_string(member)) return fnas_json_fail_kind(context, where, key, "a string");
    *value = json_string_value(member);
    return FNAS_OK;
}

fnas_status fnas_json_number(fnas_context *context, const json_t *object, const char *where, const char *key, double *value) {
    json_t *member;
    FNAS_TRY(fnas_json_member(context, object, where, key, "a number", &member));
    if (!json_is_number(member) || !isfinite(json_number_value(member))) return fnas_json_fail_kind(context, where, key, "a number");
    *value = json_number_value(member);
    return FNAS_OK;
}

fnas_status fnas_json_integer(fnas_context *context, const json_t *object, const char *where, const char *key, int64_t minimum,
                              int64_t maximum, int64_t *value) {
    json_t *member;
    FNAS_TRY(fnas_json_member(context, object, where, key, "an integer", &member));
    if (!json_is_integer(member)) return fnas_json_fail_kind(context, where, key, "an integer");
    json_int_t number = json_integer_value(member);
    if (number < minimum || number > maximum) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%s\" is %lld, it must be %lld to %lld", where, key, (long long)number,
                         (long long)minimum, (long long)maximum);
    }
    *value = number;
    return FNAS_OK;
}

fnas_status fnas_json_array(fnas_context *context, const json_t *object, const char *where, const char *key, json_t **value) {
    json_t *member;
    FNAS_TRY(fnas_json_member(context, object, where, key, "an array", &member));
    if (!json_is_array(member)) return fnas_json_fail_kind(context, where, key, "an array");
    *value = member;
    return FNAS_OK;
}

fnas_status fnas_json_object(fnas_context *context, const json_t *object, const char *where, const char *key, json_t **value) {
    json_t *member;
    FNAS_TRY(fnas_json_member(context, object, where, key, "an object", &member));
    if (!json_is_object(member)) return fnas_json_fail_kind(context, where, key, "an object");
    *value = member;
    return FNAS_OK;
}
