#include "bench/cells.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define LIMIT_BYTES ((size_t)1 << 20)
#define CELLS_MOST 4096

typedef struct cells_file {
    const char *path;
    const fnas_space *space;
    int32_t *choices; /* [decisions] of the line that is read */
    fnas_arch_set *set;
} cells_file;

static fnas_status read_line(fnas_context *context, const cells_file *file, int64_t line, const char *text) {
    const char *path = file->path;
    fnas_arch_set *set = file->set;
    int64_t index, before = set->count;
    if (!*text || *text == '#') return FNAS_OK;
    fnas_status status = fnas_space_parse(context, file->space, text, file->choices);
    if (status != FNAS_OK) return fnas_fail_prefix(context, status, "%s:%lld", path, (long long)line);
    FNAS_TRY(fnas_arch_set_add(context, set, file->choices, &index));
    if (set->count == before)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: this architecture stands there twice", path, (long long)line);
    if (set->count > CELLS_MOST)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: more than %d architectures", path, (long long)line, CELLS_MOST);
    return FNAS_OK;
}

static fnas_status read_lines(fnas_context *context, const cells_file *file, char *text) {
    char *rest = text, *line;
    for (int64_t number = 1; (line = strsep(&rest, "\n")); number++) {
        line[strcspn(line, "\r")] = '\0';
        FNAS_TRY(read_line(context, file, number, line));
    }
    if (file->set->count) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: holds no architecture: write one a line", file->path);
}

fnas_status fnas_cells_read(fnas_context *context, const char *path, const fnas_space *space, fnas_arch_set *set) {
    unsigned char *data;
    size_t size_bytes;
    FNAS_TRY(fnas_file_read(context, path, LIMIT_BYTES, &data, &size_bytes));
    cells_file file = {path, space, fnas_allocate((size_t)fnas_space_decision_count(space), sizeof *file.choices), set};
    fnas_status status = file.choices ? read_lines(context, &file, (char *)data) : fnas_fail_memory(context, "the cells of a file");
    fnas_free(file.choices);
    fnas_free(data);
    return status;
}
