/* OFA's latency tables: every block that is read has a key that reads the same again. */
#include <string.h>

#include "export/ofa_table.h"
#include "fuzz/fuzz.h"

#define FIND_MOST 200 /* finding is a walk through the table */

static void check_table(fnas_context *context, const fnas_ofa_table *table) {
    FUZZ_REQUIRE(table->count >= 1);
    for (int64_t i = 0; i < table->count; i++) {
        const fnas_ofa_entry *entry = &table->entries[i];
        char key[FNAS_OFA_KEY_BYTES];
        fnas_ofa_block block;
        fnas_ofa_block_format(&entry->block, key);
        FUZZ_REQUIRE(fnas_ofa_block_parse(context, "again", key, &block) == FNAS_OK);
        FUZZ_REQUIRE(i >= FIND_MOST || fnas_ofa_table_find(table, &block) == entry);
        FUZZ_REQUIRE(entry->mean_ms > 0 && entry->std_ms >= 0 && entry->count >= 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    fnas_ofa_table table;
    fnas_status status = fnas_ofa_table_parse(context, "T.yaml", data, size, &table);
    fuzz_check(context, status);
    if (status == FNAS_OK) check_table(context, &table);
    fnas_ofa_table_free(&table);
    fnas_context_destroy(context);
    return 0;
}
