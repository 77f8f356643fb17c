/* Once-for-All's latency tables, one a resolution: an architecture's latency is the sum of its blocks' (Cai et al. 2020,
 * latency_lookup_table.py: MBv3LatencyTable). */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "device/archs.h"
#include "device/import.h"
#include "device/ofa.h"

#define DEFAULT_ARCHS 300
#define MOST_ARCHS 100000
#define COLUMN "latency_ms"
#define RESOLUTION_ITEM 2 /* of the stream of random architectures: theirs draw from 0 and 1 */

typedef struct ofa_reader {
    fnas_context *context;
    const fnas_space *space;
    const fnas_mbv3 *mbv3;
    fnas_ofa_table tables[FNAS_MBV3_RESOLUTIONS_MAX]; /* count 0: there is none */
    const char *paths[FNAS_MBV3_RESOLUTIONS_MAX];
    int32_t resolutions[FNAS_MBV3_RESOLUTIONS_MAX]; /* [resolution_count] choices that have a table, rising */
    int64_t resolution_count;
    fnas_import *import;
} ofa_reader;

static void release(ofa_reader *reader) {
    for (int r = 0; r < FNAS_MBV3_RESOLUTIONS_MAX; r++) fnas_ofa_table_free(&reader->tables[r]);
}

/* ---- tables ---- */

/* The resolution of a table is the input of its first convolution. */
static fnas_status find_resolution(const ofa_reader *reader, const char *path, const fnas_ofa_table *table, int32_t *resolution) {
    *resolution = -1;
    for (int64_t i = 0; i < table->count; i++) {
        const fnas_ofa_block *block = &table->entries[i].block;
        if (strcmp(block->type, "Conv") != 0 || block->input[2] != 3 || block->output[2] != reader->mbv3->stem) continue;
        int32_t found = block->input[0] == block->input[1] ? fnas_mbv3_resolution_choice(reader->mbv3, block->input[0]) : -1;
        if (found < 0)
            return fnas_fail(reader->context, FNAS_ERR_INPUT,
                             "%s: its first convolution takes %lldx%lld images: a resolution of %s is one of %lld to %lld in steps of %lld",
                             path, (long long)block->input[0], (long long)block->input[1], fnas_space_spec(reader->space),
                             (long long)reader->mbv3->resolution_first, (long long)fnas_mbv3_largest_resolution(reader->mbv3),
                             (long long)reader->mbv3->resolution_step);
        if (*resolution >= 0)
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s has first convolutions at resolutions %lld and %lld: a table is of one",
                             path, (long long)fnas_mbv3_resolution(reader->mbv3, *resolution),
                             (long long)fnas_mbv3_resolution(reader->mbv3, found));
        *resolution = found;
    }
    if (*resolution >= 0) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT,
                     "%s has no block Conv-input:RxRx3-output:...x%lld, which tells its resolution: it is no table of %s", path,
                     (long long)reader->mbv3->stem, fnas_space_spec(reader->space));
}

/* Blocks that the space needs and the table lacks are an error, those that the space does not know are told of. */
static fnas_status check_blocks(const ofa_reader *reader, const char *path, int32_t resolution, const fnas_ofa_table *table) {
    fnas_ofa_block blocks[FNAS_OFA_BLOCKS_MAX];
    char key[FNAS_OFA_KEY_BYTES];
    int64_t count = fnas_ofa_all_blocks(reader->mbv3, resolution, blocks), missing = 0, unknown = 0, first = -1;
    long long side = (long long)fnas_mbv3_resolution(reader->mbv3, resolution);
    for (int64_t i = count - 1; i >= 0; i--) {
        if (fnas_ofa_table_find(table, &blocks[i])) continue;
        missing++;
        first = i;
    }
    if (missing) {
        fnas_ofa_block_format(&blocks[first], key);
        return fnas_fail(reader->context, FNAS_ERR_INPUT,
                         "%s has no block %s (%lld of the %lld that %s has at resolution %lld are missing)", path, key, (long long)missing,
                         (long long)count, fnas_space_spec(reader->space), side);
    }
    for (int64_t i = table->count - 1; i >= 0; i--) {
        if (fnas_ofa_find_block(count, blocks, &table->entries[i].block) >= 0) continue;
        unknown++;
        first = i;
    }
    if (!unknown) return FNAS_OK;
    fnas_ofa_block_format(&table->entries[first].block, key);
    fnas_log(reader->context, FNAS_LOG_WARNING, "%s: %lld of its %lld blocks are none of %s at resolution %lld, as %s: they are left out",
             path, (long long)unknown, (long long)table->count, fnas_space_spec(reader->space), side, key);
    return FNAS_OK;
}

static fnas_status read_table(ofa_reader *reader, const char *path) {
    fnas_ofa_table table;
    int32_t resolution = -1;
    FNAS_TRY(fnas_ofa_table_read(reader->context, path, &table));
    fnas_status status = find_resolution(reader, path, &table, &resolution);
    if (status == FNAS_OK && reader->tables[resolution].count)
        status = fnas_fail(reader->context, FNAS_ERR_INPUT, "%s and %s are both of resolution %lld: give one of them",
                           reader->paths[resolution], path, (long long)fnas_mbv3_resolution(reader->mbv3, resolution));
    if (status == FNAS_OK) status = check_blocks(reader, path, resolution, &table);
    if (status != FNAS_OK) {
        fnas_ofa_table_free(&table);
        return status;
    }
    reader->tables[resolution] = table;
    reader->paths[resolution] = path;
    return FNAS_OK;
}

/* ---- rows ---- */

static double latency_of(const ofa_reader *reader, const int32_t *choices) {
    const fnas_ofa_table *table = &reader->tables[choices[FNAS_MBV3_RESOLUTION]];
    fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX];
    int64_t count = fnas_mbv3_blocks(reader->mbv3, choices, blocks);
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        fnas_ofa_block block = fnas_ofa_block_of(&blocks[i]);
        sum += fnas_ofa_table_find(table, &block)->mean_ms; /* which check_blocks has seen */
    }
    return sum;
}

/* *added: it was not there yet. */
static fnas_status add_arch(const ofa_reader *reader, int32_t *choices, bool *added) {
    fnas_import_table *table = &reader->import->tables[0];
    int64_t earlier;
    void *list = table->list;
    fnas_space_settle(reader->space, choices);
    FNAS_TRY(fnas_import_add_row(reader->context, reader->import, table, table->list_count, choices, &earlier));
    *added = earlier < 0;
    if (earlier >= 0) return FNAS_OK;
    bool grown = fnas_grow(&list, &table->list_capacity, (size_t)table->list_count + 1, sizeof *table->list);
    table->list = list;
    if (!grown) return fnas_fail_memory(reader->context, "architectures");
    table->list[table->list_count++] = latency_of(reader, choices);
    return FNAS_OK;
}

static fnas_status add_references(const ofa_reader *reader, const char *path) {
    int32_t choices[FNAS_CARD_REFERENCES][FNAS_MBV3_DECISIONS];
    FNAS_TRY(fnas_archs_references(reader->context, reader->space, path, choices[0]));
    for (int i = 0; i < FNAS_CARD_REFERENCES; i++) {
        bool added;
        int32_t resolution = choices[i][FNAS_MBV3_RESOLUTION];
        if (!reader->tables[resolution].count)
            return fnas_fail(
                reader->context, FNAS_ERR_INPUT,
                "no table is of resolution %lld, which reference architecture %d has: give that table, too, name ten references "
                "of the tables' resolutions (--references), or let them be chosen (--references-from-table)",
                (long long)fnas_mbv3_resolution(reader->mbv3, resolution), i);
        FNAS_TRY(add_arch(reader, choices[i], &added));
    }
    return FNAS_OK;
}

/* Uniformly random, with a resolution that is drawn among the tables'. */
static fnas_status add_random(const ofa_reader *reader, uint64_t seed, int64_t count) {
    for (int64_t index = 0, made = 0; made < count; index++) {
        fnas_random random = fnas_random_begin(seed, FNAS_STREAM_ARCH, index, RESOLUTION_ITEM);
        int32_t choices[FNAS_MBV3_DECISIONS];
        bool added;
        fnas_space_random(reader->space, seed, index, choices);
        choices[FNAS_MBV3_RESOLUTION] = reader->resolutions[fnas_random_below(&random, reader->resolution_count)];
        FNAS_TRY(add_arch(reader, choices, &added));
        made += added;
    }
    return FNAS_OK;
}

static fnas_status read_all(ofa_reader *reader, int64_t table_count, const char *const *tables, const fnas_import_ofa *options) {
    int64_t archs = options->arch_count ? options->arch_count : DEFAULT_ARCHS;
    FNAS_TRY(fnas_ofa_space(reader->context, reader->space, &reader->mbv3));
    if (archs < 1 || archs > MOST_ARCHS)
        return fnas_fail(reader->context, FNAS_ERR_USAGE, "the number of architectures (--archs) is %lld: it must be 1 to %d",
                         (long long)archs, MOST_ARCHS);
    for (int64_t t = 0; t < table_count; t++) FNAS_TRY(read_table(reader, tables[t]));
    for (int32_t r = 0; r < FNAS_MBV3_RESOLUTIONS_MAX; r++)
        if (reader->tables[r].count) reader->resolutions[reader->resolution_count++] = r;
    FNAS_TRY(fnas_import_create(reader->context, reader->space, "ofa", 1, tables, &reader->import));
    reader->import->tables[0].list_name = fnas_strdup(COLUMN);
    if (!reader->import->tables[0].list_name) return fnas_fail_memory(reader->context, "a table");
    if (!options->references_from_table) FNAS_TRY(add_references(reader, options->references));
    return add_random(reader, options->seed, archs);
}

fnas_status fnas_import_open_ofa(fnas_context *context, const fnas_space *space, int64_t table_count, const char *const *tables,
                                 const fnas_import_ofa *options, fnas_import **import) {
    ofa_reader reader = {.context = context, .space = space};
    *import = NULL;
    fnas_status status = read_all(&reader, table_count, tables, options);
    release(&reader);
    if (status == FNAS_OK)
        *import = reader.import;
    else
        fnas_import_free(reader.import);
    return status;
}
