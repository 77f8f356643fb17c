#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

fnas_status fnas_json_read(fnas_context *context, const char *path, size_t limit_bytes, json_t **root) {
    unsigned char *data;
    size_t size_bytes;
    *root = NULL;
    FNAS_TRY(fnas_file_read(context, path, limit_bytes, &data, &size_bytes));
    json_error_t error;
    *root = json_loadb((const char *)data, size_bytes, JSON_REJECT_DUPLICATES, &error);
    fnas_free(data);
    if (*root) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%d:%d: %s", path, error.line > 0 ? error.line : 1, error.column > 0 ? error.column : 1,
                     error.text);
}

static void fnas_json_append_value(fnas_text *text, const json_t *value, int depth);

static void fnas_json_append_line(fnas_text *text, int depth) {
    fnas_text_append(text, "\n%*s", 2 * depth, "");
}

static void fnas_json_append_object(fnas_text *text, const json_t *object, int depth) {
    const char *separator = "", *key;
    json_t *member;
    fnas_text_append_bytes(text, "{", 1);
    json_object_foreach((json_t *)(uintptr_t)object, key, member) { /* jansson's iterators take no const */
        fnas_text_append(text, "%s", separator);
        fnas_json_append_line(text, depth + 1);
        fnas_text_append_json(text, key);
        fnas_text_append_bytes(text, ": ", 2);
        fnas_json_append_value(text, member, depth + 1);
        separator = ",";
    }
    if (*separator) fnas_json_append_line(text, depth);
    fnas_text_append_bytes(text, "}", 1);
}

static bool fnas_json_is_flat(const json_t *array) {
    size_t index;
    json_t *element;
    json_array_foreach(array, index, element) {
        if (json_is_array(element) || json_is_object(element)) return false;
    }
    return true;
}

static void fnas_json_append_array(fnas_text *text, const json_t *array, int depth) {
    bool flat = fnas_json_is_flat(array);
    size_t index;
    json_t *element;
    fnas_text_append_bytes(text, "[", 1);
    json_array_foreach(array, index, element) {
        if (index) fnas_text_append(text, flat ? ", " : ",");
        if (!flat) fnas_json_append_line(text, depth + 1);
        fnas_json_append_value(text, element, depth + 1);
    }
    if (!flat) fnas_json_append_line(text, depth);
    fnas_text_append_bytes(text, "]", 1);
}

/* A real that prints like an integer gets a ".0", so that it is read back as a real. */
static void fnas_json_append_real(fnas_text *text, double value) {
    size_t begin = text->size;
    fnas_text_append_number(text, value);
    if (!text->failed && !strpbrk(text->data + begin, ".en")) fnas_text_append_bytes(text, ".0", 2);
}

static void fnas_json_append_value(fnas_text *text, const json_t *value, int depth) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        fnas_json_append_object(text, value, depth);
        break;
    case JSON_ARRAY:
        fnas_json_append_array(text, value, depth);
        break;
    case JSON_STRING:
        fnas_text_append_json(text, json_string_value(value));
        break;
    case JSON_INTEGER:
        fnas_text_append(text, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        fnas_json_append_real(text, json_real_value(value));
        break;
    case JSON_TRUE:
        fnas_text_append_bytes(text, "true", 4);
        break;
    case JSON_FALSE:
        fnas_text_append_bytes(text, "false", 5);
        break;
    case JSON_NULL:
        fnas_text_append_bytes(text, "null", 4);
        break;
    }
}

void fnas_json_append(fnas_text *text, const json_t *root) {
    fnas_json_append_value(text, root, 0);
}

fnas_status fnas_json_write(fnas_context *context, const char *path, const json_t *root) {
    fnas_text text = {0};
    fnas_json_append(&text, root);
    fnas_text_append_bytes(&text, "\n", 1);
    fnas_status status = text.failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text.data, text.size);
    fnas_text_free(&text);
    return status;
}

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
