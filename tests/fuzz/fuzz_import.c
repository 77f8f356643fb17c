/* CSV tables of latencies: a table, then, behind a line of dashes, perhaps the table of architectures. Every column is taken for a device.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device/card.h"
#include "fleetnas/device_import.h"
#include "fuzz/fuzz.h"

#define CUT "\n---\n"
#define COLUMNS_MOST 4

/* Files in memory, as the importer takes paths. */
static int table_file = -1, archs_file = -1;
static char table_path[64], archs_path[64];
static fnas_space *space;

static void make_file(int *file, char path[64], const char *name) {
    *file = memfd_create(name, 0);
    FUZZ_REQUIRE(*file >= 0);
    snprintf(path, 64, "/proc/self/fd/%d", *file);
}

static void fill_file(int file, const uint8_t *data, size_t size) {
    FUZZ_REQUIRE(ftruncate(file, 0) == 0);
    FUZZ_REQUIRE(pwrite(file, data, size, 0) == (ssize_t)size);
}

static void begin(fnas_context *context) {
    if (space) return;
    make_file(&table_file, table_path, "table");
    make_file(&archs_file, archs_path, "archs");
    FUZZ_REQUIRE(fnas_space_open(context, "nb201", &space) == FNAS_OK);
}

static void make_card(fnas_context *context, const fnas_import *import, int64_t column, bool with_energy) {
    fnas_card *card;
    const char *name = fnas_import_column(import, column);
    const fnas_import_device device = {
        .name = "device", .latency_column = name, .energy_column = with_energy ? fnas_import_column(import, 0) : NULL};
    fnas_status status = fnas_import_card(context, import, &device, &card);
    fuzz_check(context, status);
    if (status != FNAS_OK) return;
    fnas_card_view view = fnas_card_get(card);
    FUZZ_REQUIRE(view.reference_count == 10 && view.measurement_count >= 10);
    for (int64_t i = 0; i < view.measurement_count; i++) FUZZ_REQUIRE(view.measurement_latency_ms[i] > 0);
    fnas_card_free(card);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    fnas_import *import;
    const char *paths[] = {table_path};
    begin(context);
    const uint8_t *cut = size ? memmem(data, size, CUT, strlen(CUT)) : NULL;
    size_t table_size = cut ? (size_t)(cut - data) + 1 : size;
    fill_file(table_file, data, table_size);
    if (cut) fill_file(archs_file, cut + strlen(CUT), size - table_size - strlen(CUT) + 1);
    fnas_status status = fnas_import_open_csv(context, space, 1, paths, cut ? archs_path : NULL, &import);
    fuzz_check(context, status);
    int64_t columns = status == FNAS_OK ? fnas_import_column_count(import) : 0;
    for (int64_t c = 0; c < columns && c < COLUMNS_MOST; c++) make_card(context, import, c, c % 2 == 1);
    fnas_import_free(import);
    fnas_context_destroy(context);
    return 0;
}
