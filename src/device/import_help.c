/* HELP's published latencies: one .pt file a device, whose entries follow an index (Lee et al. 2021, github.com/HayeonLee/HELP). */
#include <string.h>

#include "base/memory.h"
#include "device/import.h"
#include "export/pickle.h"

/* "latency/pixel3.pt" is the column pixel3. */
static char *column_of(const char *path) {
    char *name = fnas_strdup(fnas_import_base_name(path));
    if (!name) return NULL;
    char *ending = strrchr(name, '.');
    if (ending && ending != name && strcmp(ending, ".pt") == 0) *ending = '\0';
    return name;
}

static fnas_status read_list(fnas_context *context, const fnas_arch_index *index, const char *index_path, fnas_import_table *table) {
    fnas_pickle pickle;
    FNAS_TRY(fnas_pickle_read_pt(context, table->path, &pickle));
    fnas_status status = FNAS_OK;
    if (pickle.is_map)
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s holds a dictionary, latencies are a list: is it an index map?", table->path);
    else if (pickle.count != index->size)
        status = fnas_fail(context, FNAS_ERR_INPUT,
                           "%s holds %lld numbers, %s has indices 0 to %lld: they belong to different spaces, or one is cut off",
                           table->path, (long long)pickle.count, index_path, (long long)index->size - 1);
    if (status == FNAS_OK) {
        table->list = pickle.numbers;
        table->list_count = pickle.count;
        pickle.numbers = NULL;
        table->list_name = column_of(table->path);
        if (!table->list_name) status = fnas_fail_memory(context, table->path);
    }
    fnas_pickle_free(&pickle);
    return status;
}

static fnas_status add_rows(fnas_context *context, const fnas_arch_index *index, const char *index_path, fnas_import *import,
                            fnas_import_table *table) {
    for (int64_t i = 0; i < index->size; i++) {
        int64_t earlier;
        if (index->arch_of[i] < 0)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: no architecture has the index %lld, and %s has a latency for it", index_path,
                             (long long)i, table->path);
        FNAS_TRY(fnas_import_add_row(context, import, table, i, fnas_arch_set_at(&index->archs, index->arch_of[i]), &earlier));
    }
    return FNAS_OK;
}

static fnas_status check_names(fnas_context *context, const fnas_import *import) {
    for (int64_t t = 0; t < import->table_count; t++)
        for (int64_t other = 0; other < t; other++)
            if (strcmp(import->tables[t].list_name, import->tables[other].list_name) == 0)
                return fnas_fail(context, FNAS_ERR_INPUT, "%s and %s would be the same device: give one of them, or rename a file",
                                 import->tables[other].path, import->tables[t].path);
    return FNAS_OK;
}

fnas_status fnas_import_open_help(fnas_context *context, const fnas_space *space, int64_t table_count, const char *const *tables,
                                  const char *index_map, fnas_import **import) {
    fnas_arch_index index;
    fnas_import *made = NULL;
    *import = NULL;
    FNAS_TRY(fnas_import_index_read(context, space, index_map, &index));
    fnas_status status = fnas_import_create(context, space, "help", table_count, tables, &made);
    for (int64_t t = 0; t < table_count && status == FNAS_OK; t++) {
        status = read_list(context, &index, index_map, &made->tables[t]);
        if (status == FNAS_OK) status = add_rows(context, &index, index_map, made, &made->tables[t]);
    }
    if (status == FNAS_OK) status = check_names(context, made);
    fnas_arch_index_free(&index);
    if (status == FNAS_OK)
        *import = made;
    else
        fnas_import_free(made);
    return status;
}
