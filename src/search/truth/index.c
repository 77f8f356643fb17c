#include "search/truth/index.h"

#include "base/memory.h"
#include "base/text.h"
#include "device/import.h"

/* Where an architecture was said to have an index. */
typedef struct saying {
    int64_t number, line;
    const char *path;
} saying;

typedef struct index_check {
    fnas_context *context;
    fnas_arch_set archs;
    saying *sayings; /* [archs.count] */
    size_t saying_capacity;
    int64_t *arch_of; /* [size] place in archs, plus 1; 0: nobody has said */
    size_t size;
    int32_t *choices; /* [decisions] */
} index_check;

static void release(index_check *check) {
    fnas_arch_set_free(&check->archs);
    fnas_free(check->sayings);
    fnas_free(check->arch_of);
    fnas_free(check->choices);
}

static fnas_status grow(const index_check *check, void **array, size_t *capacity, size_t needed, size_t size) {
    return fnas_grow(array, capacity, needed, size) ? FNAS_OK : fnas_fail_memory(check->context, "indices of architectures");
}

/* `check->choices` has the index that `now` says. */
static fnas_status take(index_check *check, const saying *now) {
    int64_t before = check->archs.count, place, known = (int64_t)check->size;
    FNAS_TRY(fnas_arch_set_add(check->context, &check->archs, check->choices, &place));
    if (place == before) {
        FNAS_TRY(grow(check, (void **)&check->sayings, &check->saying_capacity, (size_t)place + 1, sizeof *check->sayings));
        check->sayings[place] = *now;
    }
    const saying *first = &check->sayings[place];
    if (first->number != now->number)
        return fnas_fail(check->context, FNAS_ERR_INPUT,
                         "%s:%lld: the architecture has the index %lld, and %lld in %s:%lld: mend one of them", now->path,
                         (long long)now->line, (long long)now->number, (long long)first->number, first->path, (long long)first->line);
    FNAS_TRY(grow(check, (void **)&check->arch_of, &check->size, (size_t)now->number + 1, sizeof *check->arch_of));
    for (int64_t i = known; i < (int64_t)check->size; i++) check->arch_of[i] = 0;
    if (!check->arch_of[now->number]) check->arch_of[now->number] = place + 1;
    const saying *other = &check->sayings[check->arch_of[now->number] - 1];
    if (other == first) return FNAS_OK;
    return fnas_fail(check->context, FNAS_ERR_INPUT, "%s:%lld: the index %lld is that of another architecture in %s:%lld: mend one of them",
                     now->path, (long long)now->line, (long long)now->number, other->path, (long long)other->line);
}

static fnas_status take_rows(index_check *check, const fnas_arch_columns *columns, int64_t column) {
    const fnas_csv *table = columns->csv;
    for (int64_t row = 0; row < fnas_csv_rows(table); row++) {
        saying now = {.line = fnas_csv_line(table, row), .path = columns->path};
        const char *cell = fnas_csv_cell(table, row, column);
        if (!fnas_parse_int64(cell, &now.number) || now.number < 0 || now.number > FNAS_IMPORT_INDEX_MAX)
            return fnas_fail(check->context, FNAS_ERR_INPUT,
                             "%s:%lld: \"arch_index\" is \"%.80s\", it must be a whole number from 0 to %lld", now.path,
                             (long long)now.line, cell, (long long)FNAS_IMPORT_INDEX_MAX);
        FNAS_TRY(fnas_arch_columns_read(check->context, columns, row, check->choices));
        FNAS_TRY(take(check, &now));
    }
    return FNAS_OK;
}

/* A table of indices alone has nothing to contradict. */
static fnas_status check_table(index_check *check, const fnas_space *space, const char *path, const fnas_csv *table) {
    int64_t column = fnas_csv_find_column(table, "arch_index");
    fnas_arch_columns columns;
    if (column < 0) return FNAS_OK;
    fnas_status status = fnas_arch_columns_find(check->context, space, path, table, &(fnas_arch_key_policy){0}, &columns);
    bool alone = status == FNAS_ERR_INPUT && columns.missing;
    if (status == FNAS_OK) status = take_rows(check, &columns, column);
    fnas_arch_columns_free(&columns);
    return alone ? FNAS_OK : status;
}

static bool has_column(const fnas_csv *table, const char *name) {
    return fnas_csv_find_column(table, name) >= 0;
}

static fnas_status find(index_check *check, const fnas_space *space, const fnas_truth_options *options, const char **path) {
    const char *both = NULL;
    bool needed = false;
    for (int64_t t = 0; t < options->table_count; t++) {
        fnas_csv *table;
        FNAS_TRY(fnas_csv_read(check->context, options->tables[t], FNAS_ARCH_CSV_LIMIT_BYTES, &table));
        bool arch = has_column(table, "arch"), number = has_column(table, "arch_index") || has_column(table, "index");
        if (arch && number && !both) both = options->tables[t];
        needed |= number && !arch;
        fnas_status status = check_table(check, space, options->tables[t], table);
        fnas_csv_free(table);
        FNAS_TRY(status);
    }
    if (needed) *path = both;
    return FNAS_OK;
}

fnas_status fnas_truth_find_index(fnas_context *context, const fnas_space *space, const fnas_truth_options *options, const char **path) {
    int64_t decisions = fnas_space_decision_count(space);
    index_check check = {.context = context, .archs = {.decisions = decisions}};
    *path = NULL;
    check.choices = fnas_allocate((size_t)decisions, sizeof *check.choices);
    fnas_status status = check.choices ? find(&check, space, options, path) : fnas_fail_memory(context, "indices of architectures");
    release(&check);
    return status;
}
