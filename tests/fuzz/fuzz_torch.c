/* State dictionaries of PyTorch: bytes that begin with "PK" or with the magic number of the older form are whole files; others go to the
 * pickle reader itself, which an archive's checksums would hide. */
#include <math.h>
#include <string.h>

#include "export/torch_state.h"
#include "fuzz/fuzz.h"

static void check_pickle(const fnas_torch_pickle *pickle, size_t size) {
    FUZZ_REQUIRE(pickle->value_count <= FNAS_TORCH_VALUES_MAX && pickle->size_bytes <= size);
    FUZZ_REQUIRE(pickle->root >= 0 && (size_t)pickle->root < pickle->value_count);
    for (size_t i = 0; i < pickle->value_count; i++) {
        const fnas_torch_value *value = &pickle->values[i];
        FUZZ_REQUIRE(value->kind != FNAS_TORCH_DICT || value->count % 2 == 0);
        for (size_t k = 0; k < value->count; k++) FUZZ_REQUIRE(value->items[k] >= 0 && (size_t)value->items[k] < pickle->value_count);
    }
    for (size_t i = 0; i < pickle->tensor_count; i++)
        FUZZ_REQUIRE(pickle->tensors[i].storage >= 0 && (size_t)pickle->tensors[i].storage < pickle->storage_count);
}

static void check_state(const fnas_torch_state *state) {
    int64_t total = 0;
    for (int64_t i = 0; i < state->count; i++) {
        const fnas_torch_entry *entry = &state->entries[i];
        total += entry->count;
        FUZZ_REQUIRE(entry->name && (entry->values != NULL) == fnas_torch_type_is_float(entry->type));
        for (int64_t k = 0; entry->values && k < entry->count; k++) FUZZ_REQUIRE(isfinite(entry->values[k]));
    }
    FUZZ_REQUIRE(total <= FNAS_TORCH_ELEMENTS_MAX);
}

static void read_pickle(fnas_context *context, const uint8_t *data, size_t size) {
    fnas_torch_pickle pickle;
    fnas_status status = fnas_torch_pickle_read(context, "A.pth: data.pkl", data, size, &pickle);
    fuzz_check(context, status);
    if (status == FNAS_OK) check_pickle(&pickle, size);
    fnas_torch_pickle_free(&pickle);
}

static void read_file(fnas_context *context, const uint8_t *data, size_t size) {
    fnas_torch_state state;
    fnas_status status = fnas_torch_state_parse(context, "A.pth", data, size, &state);
    fuzz_check(context, status);
    if (status == FNAS_OK) check_state(&state);
    fnas_torch_state_free(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    bool is_pickle = size >= 3 && data[0] == 0x80 && data[2] != 0x8a; /* the magic number is the pickle of a LONG1 */
    is_pickle ? read_pickle(context, data, size) : read_file(context, data, size);
    fnas_context_destroy(context);
    return 0;
}
