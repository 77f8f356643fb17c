/* Descriptions of spaces: JSON, then, behind a line of dashes, perhaps a table of architectures of the space. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "space/arch_table.h"

#define CUT "\n---\n"

/* A file in memory, as tables are paths. */
static int table_file = -1;
static char table_path[64];

static void fill_table(const char *text) {
    if (table_file < 0) {
        table_file = memfd_create("table", 0);
        FUZZ_REQUIRE(table_file >= 0);
        snprintf(table_path, sizeof table_path, "/proc/self/fd/%d", table_file);
    }
    FUZZ_REQUIRE(ftruncate(table_file, 0) == 0);
    FUZZ_REQUIRE(pwrite(table_file, text, strlen(text), 0) == (ssize_t)strlen(text));
}

/* What is printed is read again as the same, and is canonical. */
static void check_architecture(fnas_context *context, const fnas_space *space, const int32_t *choices) {
    char text[FNAS_ARCH_TEXT_BYTES];
    int32_t again[256], canonical[256];
    size_t bytes = (size_t)fnas_space_decision_count(space) * sizeof *choices;
    FUZZ_REQUIRE(fnas_space_format(context, space, choices, text, sizeof text) == FNAS_OK);
    FUZZ_REQUIRE(fnas_space_parse(context, space, text, again) == FNAS_OK);
    memcpy(canonical, choices, bytes);
    fnas_space_canonical(space, canonical);
    FUZZ_REQUIRE(memcmp(again, canonical, bytes) == 0);
    fnas_space_canonical(space, canonical);
    FUZZ_REQUIRE(memcmp(again, canonical, bytes) == 0);
}

static void check_features(const fnas_space *space, const int32_t *choices) {
    double onehot[1024], features[1024];
    FUZZ_REQUIRE(fnas_space_onehot_size(space) <= 1024 && fnas_space_cost_feature_count(space) <= 1024);
    fnas_space_to_onehot(space, choices, onehot);
    fnas_space_cost_features(space, onehot, features);
    for (int64_t j = 0; j < fnas_space_cost_feature_count(space); j++) FUZZ_REQUIRE(features[j] >= 0 && features[j] <= 1);
}

/* The description that it carries is its own. */
static void check_description(fnas_context *context, const fnas_space *space) {
    fnas_space *again;
    FUZZ_REQUIRE(fnas_space_read(context, "description", fnas_space_description(space), &again) == FNAS_OK);
    FUZZ_REQUIRE(strcmp(fnas_space_spec(again), fnas_space_spec(space)) == 0);
    FUZZ_REQUIRE(strcmp(fnas_space_description(again), fnas_space_description(space)) == 0);
    fnas_space_close(again);
}

static void check_space(fnas_context *context, const fnas_space *space) {
    int32_t choices[256];
    FUZZ_REQUIRE(fnas_space_decision_count(space) >= 1 && fnas_space_decision_count(space) <= 256);
    for (int64_t i = 0; i < fnas_space_reference_count(space); i++) {
        fnas_space_reference(space, i, choices);
        check_architecture(context, space, choices);
    }
    for (int64_t i = 0; i < 5; i++) {
        fnas_space_random(space, 1, i, choices);
        check_architecture(context, space, choices);
        check_features(space, choices);
    }
    check_description(context, space);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    fnas_space *space;
    char *text = calloc(size + 1, 1);
    FUZZ_REQUIRE(text);
    if (size) memcpy(text, data, size);
    char *cut = strstr(text, CUT);
    if (cut) *cut = '\0';
    fnas_status status = fnas_space_read(context, "space.json", text, &space);
    fuzz_check(context, status);
    if (status == FNAS_OK) check_space(context, space);
    if (status == FNAS_OK && cut) {
        fnas_arch_table table = {0};
        fill_table(cut + strlen(CUT));
        fuzz_check(context, fnas_arch_table_read(context, space, table_path, &table));
        fnas_arch_table_free(&table);
    }
    fnas_space_close(space);
    free(text);
    fnas_context_destroy(context);
    return 0;
}
