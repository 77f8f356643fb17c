/* What a description says, in one spelling: its checksum is the space's name, its text travels with what is made of the space. Jansson's
 * calls pass NULL on, and fail on it: only what a container takes over is looked at. */
#include <inttypes.h>

#include "base/memory.h"
#include "base/text.h"
#include "space/file/reader.h"

static fnas_status fnas_file_fail_memory(const fnas_file_reader *reader) {
    return fnas_fail_memory(reader->context, "a space");
}

/* ---- identity ---- */

/* An empty array under this key, kept by the object; NULL when out of memory. */
static json_t *fnas_file_add_array(json_t *object, const char *key) {
    json_t *array = json_array();
    return json_object_set_new(object, key, array) ? NULL : array;
}

static bool fnas_file_add_choices(json_t *object, const fnas_file_decision *decision) {
    json_t *choices = fnas_file_add_array(object, "choices");
    bool added = choices != NULL;
    for (int64_t k = 0; k < decision->choice_count && added; k++)
        added = json_array_append_new(choices, json_string(decision->choice_names[k])) == 0;
    return added;
}

static bool fnas_file_add_values(json_t *object, const json_t *given) {
    json_t *values = fnas_file_add_array(object, "values");
    bool added = values != NULL;
    for (size_t k = 0; k < json_array_size(given) && added; k++)
        added = json_array_append_new(values, json_real(json_number_value(json_array_get(given, k)))) == 0;
    return added;
}

static bool fnas_file_add_active(json_t *object, const fnas_file_decision *decision, const fnas_file_decision *parent) {
    json_t *active = json_object();
    if (json_object_set_new(object, "active", active) || json_object_set_new(active, "decision", json_string(parent->name))) return false;
    json_t *in = fnas_file_add_array(active, "in");
    bool added = in != NULL;
    for (int64_t k = 0; k < parent->choice_count && added; k++)
        if (decision->active_with[k]) added = json_array_append_new(in, json_string(parent->choice_names[k])) == 0;
    return added;
}

/* Adds decision `index` to the array. */
static bool fnas_file_add_decision(const fnas_file_reader *reader, int64_t index, json_t *decisions) {
    const fnas_file_decision *decision = &reader->file->decisions[index];
    json_t *object = json_object();
    if (json_array_append_new(decisions, object)) return false;
    bool added = json_object_set_new(object, "name", json_string(decision->name)) == 0 && fnas_file_add_choices(object, decision);
    if (added && decision->values)
        added = fnas_file_add_values(object, json_object_get(json_array_get(reader->decisions, (size_t)index), "values"));
    if (added && decision->parent >= 0) added = fnas_file_add_active(object, decision, &reader->file->decisions[decision->parent]);
    return added;
}

fnas_status fnas_file_identify(const fnas_file_reader *reader, json_t **identity) {
    json_t *root = json_object();
    bool added = json_object_set_new(root, "format", json_string(FNAS_FILE_SPACE_FORMAT)) == 0 &&
                 json_object_set_new(root, "name", json_string(reader->file->name)) == 0;
    json_t *decisions = added ? fnas_file_add_array(root, "decisions") : NULL;
    added = decisions != NULL;
    for (int64_t d = 0; d < reader->file->decision_count && added; d++) added = fnas_file_add_decision(reader, d, decisions);
    if (added && reader->file->cost_count) added = json_object_set(root, "costs", json_object_get(reader->root, "costs")) == 0;
    *identity = added ? root : NULL;
    if (added) return FNAS_OK;
    json_decref(root);
    return fnas_file_fail_memory(reader);
}

/* ---- its text ---- */

/* FNV-1a (Fowler, Noll and Vo). */
static uint64_t fnas_file_checksum(const char *text) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static int fnas_file_dump_part(const char *part, size_t bytes, void *text) {
    fnas_text_append_bytes(text, part, bytes);
    return ((const fnas_text *)text)->failed ? -1 : 0;
}

/* Into text (zero-initialised, fnas_text_free); false when out of memory. Not by json_dumps: jansson 2.14 passes over a key for which its
 * buffer found no memory, and goes on. */
static bool fnas_file_dump(const json_t *root, fnas_text *text) {
    return json_dump_callback(root, fnas_file_dump_part, text, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0 && !text->failed;
}

fnas_status fnas_file_name_spec(const fnas_file_reader *reader, const json_t *identity) {
    fnas_text text = {0}, spec = {0};
    if (fnas_file_dump(identity, &text)) fnas_text_append(&spec, "file:%s:%016" PRIx64, reader->file->name, fnas_file_checksum(text.data));
    fnas_text_free(&text);
    reader->file->spec = spec.data && !spec.failed ? fnas_strdup(spec.data) : NULL;
    fnas_text_free(&spec);
    return reader->file->spec ? FNAS_OK : fnas_file_fail_memory(reader);
}

static bool fnas_file_add_reference(const fnas_file_space *file, int64_t index, json_t *references) {
    const int32_t *choices = file->references + index * file->decision_count;
    fnas_text text = {0};
    for (int64_t d = 0; d < file->decision_count; d++)
        fnas_text_append(&text, "%s%s", d ? "/" : "", file->decisions[d].choice_names[choices[d]]);
    bool added = text.data && !text.failed && json_array_append_new(references, json_string(text.data)) == 0;
    fnas_text_free(&text);
    return added;
}

fnas_status fnas_file_describe(const fnas_file_reader *reader, json_t *identity) {
    fnas_file_space *file = reader->file;
    json_t *references = file->reference_count ? fnas_file_add_array(identity, "references") : NULL;
    bool added = references || !file->reference_count;
    for (int64_t i = 0; i < file->reference_count && added; i++) added = fnas_file_add_reference(file, i, references);
    fnas_text text = {0};
    if (added && fnas_file_dump(identity, &text)) file->description = fnas_strdup(text.data);
    fnas_text_free(&text);
    return file->description ? FNAS_OK : fnas_file_fail_memory(reader);
}
