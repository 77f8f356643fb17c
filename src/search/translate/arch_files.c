#include "search/translate/arch_files.h"

#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "space/space.h"

#define LIMIT_BYTES ((size_t)64 << 20)

typedef struct arch_reader {
    const fnas_space *space;
    const char *path;
    fnas_arch_set *archs;
    int32_t *choices; /* scratch [decisions] */
} arch_reader;

static fnas_status add(fnas_context *context, const arch_reader *reader, const char *arch) {
    int64_t ignored;
    FNAS_TRY(fnas_space_parse(context, reader->space, arch, reader->choices));
    return fnas_arch_set_add(context, reader->archs, reader->choices, &ignored);
}

/* ---- CSV ---- */

static fnas_status read_csv(fnas_context *context, const arch_reader *reader) {
    fnas_csv *table;
    int64_t column;
    FNAS_TRY(fnas_csv_read(context, reader->path, LIMIT_BYTES, &table));
    fnas_status status = fnas_csv_column(context, table, "arch", &column);
    if (status == FNAS_OK && !fnas_csv_rows(table))
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s: no architecture stands in it", reader->path);
    for (int64_t row = 0; status == FNAS_OK && row < fnas_csv_rows(table); row++) {
        status = add(context, reader, fnas_csv_cell(table, row, column));
        if (status != FNAS_OK) status = fnas_fail_prefix(context, status, "%s:%lld", reader->path, (long long)fnas_csv_line(table, row));
    }
    fnas_csv_free(table);
    return status;
}

/* ---- JSON ---- */

/* Entries of a list are texts, or objects with a member "arch". */
static fnas_status read_list(fnas_context *context, const arch_reader *reader, const json_t *list) {
    if (!json_array_size(list)) return fnas_fail(context, FNAS_ERR_INPUT, "%s: no architecture stands in it", reader->path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const char *arch = json_string_value(json_is_object(entry) ? json_object_get(entry, "arch") : entry);
        if (!arch) return fnas_fail(context, FNAS_ERR_INPUT, "%s: entry %zu is neither a text nor has it an \"arch\"", reader->path, i);
        fnas_status status = add(context, reader, arch);
        if (status != FNAS_OK) return fnas_fail_prefix(context, status, "%s: entry %zu", reader->path, i);
    }
    return FNAS_OK;
}

static fnas_status read_root(fnas_context *context, const arch_reader *reader, const json_t *root) {
    static const char *const lists[] = {"reference_archs", "points"};
    if (json_is_array(root)) return read_list(context, reader, root);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const json_t *list = json_object_get(root, lists[i]);
        if (json_is_array(list)) return read_list(context, reader, list);
    }
    const char *arch = json_string_value(json_object_get(root, "arch"));
    if (!arch)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: an array of architectures is wanted, or an object with \"points\", \"reference_archs\" or \"arch\"",
                         reader->path);
    fnas_status status = add(context, reader, arch);
    return status == FNAS_OK ? FNAS_OK : fnas_fail_prefix(context, status, "%s: arch", reader->path);
}

static fnas_status read_json(fnas_context *context, const arch_reader *reader) {
    json_t *root;
    FNAS_TRY(fnas_json_read(context, reader->path, LIMIT_BYTES, &root));
    fnas_status status = read_root(context, reader, root);
    json_decref(root);
    return status;
}

/* ---- either ---- */

/* JSON begins with a bracket. */
static fnas_status find_json(fnas_context *context, const char *path, bool *is_json) {
    unsigned char *data;
    size_t size;
    FNAS_TRY(fnas_file_read(context, path, LIMIT_BYTES, &data, &size));
    const char *text = (const char *)data;
    text += strspn(text, " \t\r\n");
    *is_json = *text == '{' || *text == '[';
    fnas_free(data);
    return FNAS_OK;
}

fnas_status fnas_arch_file_read(fnas_context *context, const fnas_space *space, const char *path, fnas_arch_set *archs) {
    bool is_json = false;
    FNAS_TRY(find_json(context, path, &is_json));
    arch_reader reader = {space, path, archs, fnas_allocate((size_t)fnas_space_decision_count(space), sizeof(int32_t))};
    if (!reader.choices) return fnas_fail_memory(context, path);
    fnas_status status = (is_json ? read_json : read_csv)(context, &reader);
    fnas_free(reader.choices);
    return status;
}
