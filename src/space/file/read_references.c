/* The references of a description: given, or chosen from a table or the space. */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "space/arch_table.h"
#include "space/file/reader.h"

#define REFERENCE_CANDIDATES 2000
#define REFERENCE_SEED UINT64_C(0x72656665726e6365)

static fnas_status fnas_file_read_references(const fnas_file_reader *reader) {
    fnas_context *context = reader->context;
    fnas_file_space *file = reader->file;
    json_t *array;
    FNAS_TRY(fnas_json_array(context, reader->root, reader->where, "references", &array));
    int64_t line = fnas_json_line(reader->text, "references", -1), decisions = file->decision_count;
    if (json_array_size(array) != FNAS_FILE_SPACE_REFERENCES)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: %zu \"references\", the device embedding needs %d", reader->where,
                         (long long)line, json_array_size(array), FNAS_FILE_SPACE_REFERENCES);
    file->references = fnas_allocate((size_t)(FNAS_FILE_SPACE_REFERENCES * decisions), sizeof *file->references);
    if (!file->references) return fnas_fail_memory(context, "a space");
    for (int64_t i = 0; i < FNAS_FILE_SPACE_REFERENCES; i++) {
        const char *text = json_string_value(json_array_get(array, (size_t)i));
        int32_t *choices = file->references + i * decisions;
        line = fnas_json_line(reader->text, "references", i);
        if (!text) return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: a reference must be a text", reader->where, (long long)line);
        fnas_status status = fnas_file_space_parse_arch(context, file, text, choices);
        if (status != FNAS_OK) return fnas_fail_prefix(context, status, "%s:%lld: \"references\"", reader->where, (long long)line);
        for (int64_t k = 0; k < i; k++)
            if (memcmp(file->references + k * decisions, choices, (size_t)decisions * sizeof *choices) == 0)
                return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: references %lld and %lld are the same architecture", reader->where,
                                 (long long)line, (long long)k + 1, (long long)i + 1);
    }
    file->reference_count = FNAS_FILE_SPACE_REFERENCES;
    return FNAS_OK;
}

static fnas_status fnas_file_references_from_table(const fnas_file_reader *reader, const fnas_space *space, const char *name) {
    if (!reader->folder || !*name || strchr(name, '/'))
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"table\" must be the name of a file beside this one, without a folder",
                         reader->where, (long long)fnas_json_line(reader->text, "table", -1));
    char *path = fnas_path_join(reader->folder, name);
    fnas_arch_table table = {0};
    fnas_status status = path ? fnas_arch_table_read(reader->context, space, path, &table) : fnas_fail_memory(reader->context, "a path");
    if (status == FNAS_OK) status = fnas_file_space_choose_references(reader->context, reader->file, table.count, table.choices);
    fnas_arch_table_free(&table);
    fnas_free(path);
    return status;
}

static fnas_status fnas_file_references_from_space(const fnas_file_reader *reader, const fnas_space *space) {
    int64_t decisions = reader->file->decision_count;
    int32_t *candidates = fnas_allocate((size_t)(REFERENCE_CANDIDATES * decisions), sizeof *candidates);
    if (!candidates) return fnas_fail_memory(reader->context, "reference architectures");
    for (int64_t i = 0; i < REFERENCE_CANDIDATES; i++) {
        fnas_space_random(space, REFERENCE_SEED, i, candidates + i * decisions);
        fnas_file_space_canonical(reader->file, candidates + i * decisions);
    }
    fnas_status status = fnas_file_space_choose_references(reader->context, reader->file, REFERENCE_CANDIDATES, candidates);
    fnas_free(candidates);
    return status;
}

fnas_status fnas_file_find_references(const fnas_file_reader *reader) {
    const char *table = NULL;
    bool has_table = json_object_get(reader->root, "table") != NULL;
    if (has_table) FNAS_TRY(fnas_json_string(reader->context, reader->root, reader->where, "table", &table));
    if (json_object_get(reader->root, "references")) {
        if (!has_table) return fnas_file_read_references(reader);
        return fnas_fail(reader->context, FNAS_ERR_INPUT,
                         "%s:%lld: \"references\" are given, and a \"table\" to choose them from: keep one", reader->where,
                         (long long)fnas_json_line(reader->text, "references", -1));
    }
    fnas_space space = {0}; /* a space without references, to read and draw architectures of */
    fnas_status status = fnas_file_space_fill(reader->context, reader->file, &space);
    if (status == FNAS_OK)
        status = has_table ? fnas_file_references_from_table(reader, &space, table) : fnas_file_references_from_space(reader, &space);
    space.type->close(&space);
    fnas_free(space.spec);
    fnas_free(space.decisions);
    return status;
}
