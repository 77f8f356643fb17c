#include "base/json.h"

#include <math.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

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

static int fnas_json_append(const char *buffer, size_t size, void *user) {
    fnas_text_append_bytes(user, buffer, size);
    return ((fnas_text *)user)->failed ? -1 : 0;
}

fnas_status fnas_json_write(fnas_context *context, const char *path, const json_t *root) {
    fnas_text text = {0};
    bool dumped = !json_dump_callback(root, fnas_json_append, &text, JSON_INDENT(2) | JSON_ENCODE_ANY);
    fnas_text_append_bytes(&text, "\n", 1);
    fnas_status status;
    if (text.failed)
        status = fnas_fail_memory(context, path);
    else if (!dumped)
        status = fnas_fail(context, FNAS_ERR_INTERNAL, "%s: this content cannot be written as JSON", path);
    else
        status = fnas_file_write_atomic(context, path, text.data, text.size);
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
