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
    fnas_cells *cells;
} cells_file;

static fnas_status add_cell(fnas_context *context, const cells_file *file) {
    fnas_cells *cells = file->cells;
    size_t decisions = (size_t)cells->distinct.decisions;
    int64_t index;
    void *grown = cells->choices;
    bool good = fnas_grow(&grown, &cells->capacity, ((size_t)cells->count + 1) * decisions, sizeof *cells->choices);
    cells->choices = grown;
    if (!good) return fnas_fail_memory(context, "the cells of a file");
    memcpy(cells->choices + (size_t)cells->count++ * decisions, file->choices, decisions * sizeof *cells->choices);
    return fnas_arch_set_add(context, &cells->distinct, file->choices, &index);
}

static fnas_status read_line(fnas_context *context, const cells_file *file, int64_t line, const char *text) {
    if (!*text || *text == '#') return FNAS_OK;
    fnas_status status = fnas_space_parse(context, file->space, text, file->choices);
    if (status != FNAS_OK) return fnas_fail_prefix(context, status, "%s:%lld", file->path, (long long)line);
    if (file->cells->count == CELLS_MOST)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: more than %d architectures", file->path, (long long)line, CELLS_MOST);
    return add_cell(context, file);
}

static fnas_status read_lines(fnas_context *context, const cells_file *file, char *text) {
    char *rest = text, *line;
    for (int64_t number = 1; (line = strsep(&rest, "\n")); number++) {
        line[strcspn(line, "\r")] = '\0';
        FNAS_TRY(read_line(context, file, number, line));
    }
    if (file->cells->count) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: holds no architecture: write one a line", file->path);
}

fnas_status fnas_cells_read(fnas_context *context, const char *path, const fnas_space *space, fnas_cells *cells) {
    unsigned char *data;
    size_t size_bytes;
    FNAS_TRY(fnas_file_read(context, path, LIMIT_BYTES, &data, &size_bytes));
    cells->distinct.decisions = fnas_space_decision_count(space);
    cells_file file = {path, space, fnas_allocate((size_t)cells->distinct.decisions, sizeof *file.choices), cells};
    fnas_status status = file.choices ? read_lines(context, &file, (char *)data) : fnas_fail_memory(context, "the cells of a file");
    fnas_free(file.choices);
    fnas_free(data);
    return status;
}

void fnas_cells_free(fnas_cells *cells) {
    fnas_arch_set_free(&cells->distinct);
    fnas_free(cells->choices);
    *cells = (fnas_cells){0};
}
