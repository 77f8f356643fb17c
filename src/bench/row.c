#include "bench/row.h"

#include "base/memory.h"

void fnas_row_figure_add(fnas_row *row, const char *name, double value) {
    if (row->figure_count < FNAS_ROW_FIGURES_MAX) row->figures[row->figure_count++] = (fnas_row_figure){name, value};
}

double fnas_row_ms(const fnas_row *row) {
    return row->threads == 1 ? row->cpu_ms.least : row->wall_ms.least;
}

void fnas_row_free(fnas_row *row) {
    fnas_free(row->problem);
    *row = (fnas_row){0};
}

fnas_status fnas_rows_add(fnas_context *context, fnas_rows *rows, fnas_row *row) {
    if (!fnas_grow((void **)&rows->items, &rows->capacity, (size_t)rows->count + 1, sizeof *rows->items)) {
        fnas_row_free(row);
        return fnas_fail_memory(context, "the benchmark's rows");
    }
    rows->items[rows->count++] = *row;
    *row = (fnas_row){0};
    return FNAS_OK;
}

void fnas_rows_free(fnas_rows *rows) {
    for (int64_t i = 0; i < rows->count; i++) fnas_row_free(&rows->items[i]);
    fnas_free(rows->items);
    *rows = (fnas_rows){0};
}
