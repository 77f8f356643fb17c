/* Shared weights from a file: whole, by name, each of its shape; or not at all. */
#include "base/support.h"

#include <math.h>

#include "export/safetensors.h"
#include "search/supernet/weights.h"

static void declare(fnas_test_place *place, fnas_parameters *parameters) {
    int32_t index;
    assert_status(FNAS_OK, fnas_parameters_add(place->context, parameters, "a", 2, (int64_t[]){2, 3}, FNAS_INIT_ZERO, 0, &index));
    assert_status(FNAS_OK, fnas_parameters_add(place->context, parameters, "b", 1, (int64_t[]){17}, FNAS_INIT_ONE, 0, &index));
    assert_status(FNAS_OK, fnas_parameters_add(place->context, parameters, "c", 4, (int64_t[]){1, 2, 1, 1}, FNAS_INIT_ONE, 0, &index));
}

static float numbers[32];

/* In another order than they are declared in. */
static void list(fnas_safetensors_tensor tensors[4]) {
    for (int i = 0; i < 32; i++) numbers[i] = (float)(i + 1) / 8;
    const fnas_safetensors_tensor all[4] = {
        {.name = "c", .type = FNAS_SAFETENSORS_F32, .rank = 4, .shape = {1, 2, 1, 1}, .data = numbers + 1},
        {.name = "a", .type = FNAS_SAFETENSORS_F32, .rank = 2, .shape = {2, 3}, .data = numbers + 2},
        {.name = "b", .type = FNAS_SAFETENSORS_F32, .rank = 1, .shape = {17}, .data = numbers + 3},
        {.name = "d", .type = FNAS_SAFETENSORS_F32, .rank = 1, .shape = {1}, .data = numbers}};
    memcpy(tensors, all, sizeof all);
}

static const char *write_file(fnas_test_place *place, const fnas_safetensors_tensor *tensors, int64_t count) {
    const char *path = fnas_test_path(place, "w.safetensors");
    assert_status(FNAS_OK, fnas_safetensors_write(place->context, path, tensors, count, NULL, 0));
    return path;
}

static void weights_are_loaded_by_name(void **state) {
    fnas_test_place *place = *state;
    for (int allocated = 0; allocated < 2; allocated++) {
        fnas_parameters parameters = {0};
        fnas_safetensors_tensor tensors[4];
        declare(place, &parameters);
        if (allocated) assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &parameters));
        list(tensors);
        assert_status(FNAS_OK, fnas_parameters_load(place->context, write_file(place, tensors, 3), &parameters));
        assert_memory_equal(parameters.values + parameters.items[0].offset, numbers + 2, 6 * sizeof *numbers);
        assert_memory_equal(parameters.values + parameters.items[1].offset, numbers + 3, 17 * sizeof *numbers);
        assert_memory_equal(parameters.values + parameters.items[2].offset, numbers + 1, 2 * sizeof *numbers);
        assert_true(parameters.values[parameters.items[1].offset + 17] == 0.0f); /* padding */
        fnas_parameters_free(&parameters);
    }
}

/* Refused with these words, the values as they were. */
static void refuse(fnas_test_place *place, const fnas_safetensors_tensor *tensors, int64_t count, const char *words) {
    fnas_parameters parameters = {0};
    declare(place, &parameters);
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &parameters));
    fnas_parameters_initialise(&parameters, 1);
    assert_status(FNAS_ERR_INPUT, fnas_parameters_load(place->context, write_file(place, tensors, count), &parameters));
    assert_message("w.safetensors: ");
    assert_message(words);
    for (int i = 0; i < 6; i++) assert_true(parameters.values[parameters.items[0].offset + i] == 0.0f);
    for (int i = 0; i < 17; i++) assert_true(parameters.values[parameters.items[1].offset + i] == 1.0f);
    fnas_parameters_free(&parameters);
}

static void what_does_not_fit_is_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_safetensors_tensor tensors[4];
    list(tensors);
    refuse(place, tensors, 2, "1 tensor is missing: \"b\"");
    refuse(place, tensors, 4, "1 tensor is none of the space's: \"d\"");
    refuse(place, tensors + 1, 3, "1 tensor is missing: \"c\"; 1 tensor is none of the space's: \"d\"");
    tensors[1].shape[0] = 3;
    tensors[1].shape[1] = 2;
    refuse(place, tensors, 3, "1 tensor has another shape: \"a\" has [3, 2], expected [2, 3]");
    list(tensors);
    tensors[2].type = FNAS_SAFETENSORS_I32;
    refuse(place, tensors, 3, "tensor \"b\" is not of dtype F32");
    list(tensors);
    numbers[19] = NAN; /* the last of b, behind a and c: neither is taken */
    refuse(place, tensors, 3, "tensor \"b\" holds numbers that are not finite");
}

static void missing_and_damaged_files_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_parameters parameters = {0};
    declare(place, &parameters);
    assert_status(FNAS_ERR_INPUT, fnas_parameters_load(place->context, fnas_test_path(place, "none.safetensors"), &parameters));
    assert_message("none.safetensors");
    const char *path = fnas_test_write_text(place, "bad.safetensors", "\x08 not a header");
    assert_status(FNAS_ERR_INPUT, fnas_parameters_load(place->context, path, &parameters));
    assert_message("bad.safetensors");
    assert_null(parameters.values);
    fnas_parameters_free(&parameters);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(weights_are_loaded_by_name),
        fnas_test(what_does_not_fit_is_refused),
        fnas_test(missing_and_damaged_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
