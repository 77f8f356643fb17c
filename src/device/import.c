#include "device/import.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "device/import_units.h"

/* ---- tables ---- */

const char *fnas_import_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void fnas_import_free(fnas_import *import) {
    if (!import) return;
    for (int64_t t = 0; import->tables && t < import->table_count; t++) {
        fnas_import_table *table = &import->tables[t];
        fnas_free(table->path);
        fnas_csv_free(table->csv);
        fnas_free(table->is_key);
        fnas_free(table->list_name);
        fnas_free(table->list);
        fnas_free(table->row_of);
    }
    fnas_free(import->tables);
    fnas_arch_set_free(&import->archs);
    fnas_free(import);
}

fnas_status fnas_import_create(fnas_context *context, const fnas_space *space, const char *format, int64_t table_count,
                               const char *const *paths, fnas_import **import) {
    *import = NULL;
    fnas_import *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "an import");
    made->space = space;
    made->archs.decisions = fnas_space_decision_count(space);
    made->tables = fnas_allocate((size_t)table_count, sizeof *made->tables);
    bool complete = made->tables != NULL;
    if (complete) made->table_count = table_count;
    for (int64_t t = 0; t < table_count && complete; t++) {
        made->tables[t].format = format;
        made->tables[t].path = fnas_strdup(paths[t]);
        complete = made->tables[t].path != NULL;
    }
    if (!complete) {
        fnas_import_free(made);
        return fnas_fail_memory(context, "an import");
    }
    *import = made;
    return FNAS_OK;
}

fnas_status fnas_import_add_row(fnas_context *context, fnas_import *import, fnas_import_table *table, int64_t row, const int32_t *choices,
                                int64_t *earlier) {
    int64_t place;
    FNAS_TRY(fnas_arch_set_add(context, &import->archs, choices, &place));
    void *rows = table->row_of;
    bool grown = fnas_grow(&rows, &table->row_capacity, (size_t)import->archs.count, sizeof *table->row_of);
    table->row_of = rows;
    if (!grown) return fnas_fail_memory(context, table->path);
    while (table->row_of_count < import->archs.count) table->row_of[table->row_of_count++] = -1;
    *earlier = table->row_of[place];
    if (*earlier < 0) table->row_of[place] = row;
    return FNAS_OK;
}

int64_t fnas_import_row_of(const fnas_import_table *table, int64_t arch) {
    return arch >= 0 && arch < table->row_of_count ? table->row_of[arch] : -1;
}

/* ---- columns ---- */

const char *fnas_import_source_name(const fnas_import_source *of) {
    return of->table->csv ? fnas_csv_header(of->table->csv, of->index) : of->table->list_name;
}

/* Column number `index` that is no key; table NULL behind the last. */
static fnas_import_source column_at(const fnas_import *import, int64_t index) {
    for (int64_t t = 0; t < import->table_count; t++) {
        const fnas_import_table *table = &import->tables[t];
        int64_t columns = table->csv ? fnas_csv_columns(table->csv) : 1;
        for (int64_t c = 0; c < columns; c++) {
            bool counts = !table->csv || !table->is_key[c];
            if (counts && index-- == 0) return (fnas_import_source){table, c};
        }
    }
    return (fnas_import_source){0};
}

int64_t fnas_import_arch_count(const fnas_import *import) {
    return import->archs.count;
}

int64_t fnas_import_column_count(const fnas_import *import) {
    int64_t count = 0;
    while (column_at(import, count).table) count++;
    return count;
}

const char *fnas_import_column(const fnas_import *import, int64_t index) {
    fnas_import_source found = column_at(import, index);
    return found.table ? fnas_import_source_name(&found) : NULL;
}

static fnas_status fail_missing_column(fnas_context *context, const fnas_import *import, const char *name) {
    int64_t count = fnas_import_column_count(import);
    const char **names = fnas_allocate((size_t)count + 1, sizeof *names);
    if (!names) return fnas_fail_memory(context, name);
    for (int64_t i = 0; i < count; i++) names[i] = fnas_import_column(import, i);
    const char *near = fnas_suggest(name, names);
    fnas_free(names);
    const char *path = import->table_count ? import->tables[0].path : "no table",
               *more = import->table_count > 1 ? " and the other tables" : "";
    if (near) return fnas_fail(context, FNAS_ERR_INPUT, "%s%s: column \"%s\" is missing: did you mean \"%s\"?", path, more, name, near);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s%s: column \"%s\" is missing", path, more, name);
}

static fnas_status find_in_table(fnas_context *context, const fnas_import_table *table, const char *name, fnas_import_source *found) {
    int64_t index = table->csv ? fnas_csv_find_column(table->csv, name) : strcmp(table->list_name, name) == 0 ? 0 : -1;
    if (index < 0 || (table->csv && table->is_key[index])) return FNAS_OK;
    if (found->table)
        return fnas_fail(context, FNAS_ERR_INPUT, "column \"%s\" is in %s and in %s: it is not clear which is meant", name,
                         found->table->path, table->path);
    *found = (fnas_import_source){table, index};
    return FNAS_OK;
}

/* A number does not tell its unit, and a card of seconds looks like a card of a fast device: the name is all there is to go by. */
static fnas_status check_unit(fnas_context *context, const fnas_import_source *of, const char *wanted) {
    const char *name = fnas_import_source_name(of), *ending, *unit = fnas_import_unit(name, &ending);
    if (!unit || strcmp(unit, wanted) == 0) return FNAS_OK;
    return fnas_fail(
        context, FNAS_ERR_INPUT,
        "%s: column \"%s\" seems to be in %s (its name ends in \"%s\"), %s are needed: convert it, or rename it where the name "
        "misleads",
        of->table->path, name, unit, ending, wanted);
}

fnas_status fnas_import_find(fnas_context *context, const fnas_import *import, const char *name, const char *unit,
                             fnas_import_source *found) {
    *found = (fnas_import_source){0};
    for (int64_t t = 0; t < import->table_count; t++) FNAS_TRY(find_in_table(context, &import->tables[t], name, found));
    if (!found->table) return fail_missing_column(context, import, name);
    return unit ? check_unit(context, found, unit) : FNAS_OK;
}

/* ---- values ---- */

fnas_status fnas_import_values(fnas_context *context, const fnas_import *import, const char *name, const char *unit, double *values) {
    fnas_import_source of;
    FNAS_TRY(fnas_import_find(context, import, name, unit, &of));
    for (int64_t arch = 0; arch < import->archs.count; arch++) {
        int64_t row = fnas_import_row_of(of.table, arch);
        values[arch] = (double)NAN;
        if (row < 0) continue;
        if (of.table->csv)
            FNAS_TRY(fnas_csv_number(context, of.table->csv, row, of.index, &values[arch]));
        else
            values[arch] = of.table->list[row];
    }
    return FNAS_OK;
}
