/* Which architecture an index means: the order of a benchmark's architectures differs between its releases, so that it is always read. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "device/import.h"
#include "export/pickle.h"

/* ---- filling ---- */

typedef struct index_reader {
    fnas_context *context;
    const fnas_space *space;
    const char *path;
    fnas_arch_index *index;
    int64_t *entry_of; /* [count] by place in archs: the entry (row) it came from */
    int32_t *choices;  /* [decisions] */
} index_reader;

static fnas_status grow_index(const index_reader *reader, int64_t size) {
    fnas_arch_index *index = reader->index;
    if (size <= index->size) return FNAS_OK;
    int64_t *grown = fnas_allocate((size_t)size, sizeof *grown);
    if (!grown) return fnas_fail_memory(reader->context, reader->path);
    if (index->size) memcpy(grown, index->arch_of, (size_t)index->size * sizeof *grown);
    for (int64_t i = index->size; i < size; i++) grown[i] = -1;
    fnas_free(index->arch_of);
    index->arch_of = grown;
    index->size = size;
    return FNAS_OK;
}

/* Entry `entry` (of `where`) says: this text has this index. *other is the entry that said so of one of them before, or -1. */
static fnas_status add_entry(const index_reader *reader, int64_t entry, const char *where, const char *text, int64_t number,
                             int64_t *other) {
    fnas_arch_index *index = reader->index;
    *other = -1;
    fnas_status status = fnas_space_parse(reader->context, reader->space, text, reader->choices);
    if (status != FNAS_OK) return fnas_fail_prefix(reader->context, status, "%s", where);
    if (number < 0 || number > FNAS_IMPORT_INDEX_MAX)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: the index %lld is out of range: 0 to %lld", where, (long long)number,
                         (long long)FNAS_IMPORT_INDEX_MAX);
    int64_t before = index->archs.count, place;
    FNAS_TRY(fnas_arch_set_add(reader->context, &index->archs, reader->choices, &place));
    if (place < before) {
        *other = reader->entry_of[place];
        return FNAS_OK;
    }
    reader->entry_of[place] = entry;
    if (number >= index->size) { /* doubled, so that growing costs no more than the entries */
        int64_t size = 2 * index->size > number + 1 ? 2 * index->size : number + 1;
        FNAS_TRY(grow_index(reader, size));
    }
    if (index->arch_of[number] >= 0) *other = reader->entry_of[index->arch_of[number]];
    index->arch_of[number] = place;
    return FNAS_OK;
}

static fnas_status begin_entries(index_reader *reader, int64_t count) {
    int64_t decisions = fnas_space_decision_count(reader->space);
    reader->index->archs.decisions = decisions;
    reader->entry_of = fnas_allocate((size_t)count, sizeof *reader->entry_of);
    reader->choices = fnas_allocate((size_t)decisions, sizeof *reader->choices);
    return reader->entry_of && reader->choices ? FNAS_OK : fnas_fail_memory(reader->context, reader->path);
}

/* What doubling made too long. */
static void trim(fnas_arch_index *index) {
    while (index->size && index->arch_of[index->size - 1] < 0) index->size--;
}

/* ---- formats ---- */

static fnas_status read_csv_rows(index_reader *reader, const fnas_csv *table) {
    int64_t arch_column, index_column = fnas_csv_find_column(table, "index");
    FNAS_TRY(fnas_csv_column(reader->context, table, "arch", &arch_column));
    if (index_column < 0 || fnas_csv_find_column(table, "arch_index") >= 0)
        FNAS_TRY(fnas_csv_column(reader->context, table, "arch_index", &index_column));
    FNAS_TRY(begin_entries(reader, fnas_csv_rows(table)));
    for (int64_t row = 0; row < fnas_csv_rows(table); row++) {
        char where[4200];
        snprintf(where, sizeof where, "%s:%lld", reader->path, (long long)fnas_csv_line(table, row));
        int64_t number, other;
        const char *cell = fnas_csv_cell(table, row, index_column);
        if (!fnas_parse_int64(cell, &number))
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"%s\" is \"%.80s\", it must be a whole number", where,
                             fnas_csv_header(table, index_column), cell);
        FNAS_TRY(add_entry(reader, row, where, fnas_csv_cell(table, row, arch_column), number, &other));
        if (other >= 0)
            return fnas_fail(reader->context, FNAS_ERR_INPUT,
                             "%s: the architecture or its index %lld stands already in line %lld: keep one", where, (long long)number,
                             (long long)fnas_csv_line(table, other));
    }
    return FNAS_OK;
}

static fnas_status read_csv(index_reader *reader) {
    fnas_csv *table;
    FNAS_TRY(fnas_csv_read(reader->context, reader->path, FNAS_ARCH_CSV_LIMIT_BYTES, &table));
    fnas_status status = read_csv_rows(reader, table);
    fnas_csv_free(table);
    return status;
}

static fnas_status read_map_entries(index_reader *reader, const fnas_pickle *map) {
    if (!map->is_map)
        return fnas_fail(reader->context, FNAS_ERR_INPUT,
                         "%s holds a list, an index map is a dictionary from architecture to index: HELP's is str_arch2idx.pt",
                         reader->path);
    FNAS_TRY(begin_entries(reader, map->count));
    for (int64_t i = 0; i < map->count; i++) {
        char where[4200];
        int64_t other;
        snprintf(where, sizeof where, "%s: entry %lld", reader->path, (long long)i);
        if (!map->is_integer[i])
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: the index is %g, it must be a whole number", where, map->numbers[i]);
        FNAS_TRY(add_entry(reader, i, where, map->keys[i], (int64_t)map->numbers[i], &other));
        if (other >= 0)
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: the architecture or its index %g stands already in entry %lld", where,
                             map->numbers[i], (long long)other);
    }
    return FNAS_OK;
}

static fnas_status read_map(index_reader *reader) {
    fnas_pickle map;
    FNAS_TRY(fnas_pickle_read_pt(reader->context, reader->path, &map));
    fnas_status status = read_map_entries(reader, &map);
    fnas_pickle_free(&map);
    return status;
}

fnas_status fnas_import_index_read(fnas_context *context, const fnas_space *space, const char *path, fnas_arch_index *index) {
    *index = (fnas_arch_index){0};
    index_reader reader = {.context = context, .space = space, .path = path, .index = index};
    size_t length = strlen(path);
    bool is_pt = length > 3 && strcmp(path + length - 3, ".pt") == 0;
    fnas_status status = is_pt ? read_map(&reader) : read_csv(&reader);
    fnas_free(reader.entry_of);
    fnas_free(reader.choices);
    trim(index);
    if (status != FNAS_OK) fnas_arch_index_free(index);
    return status;
}
