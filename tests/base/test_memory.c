#include "base/support.h"

#include "base/memory.h"

static bool is_aligned(const void *memory) {
    return (uintptr_t)memory % FNAS_ALIGNMENT == 0;
}

static void allocation_is_aligned_and_zeroed(void **state) {
    (void)state;
    for (size_t size = 0; size < 300; size += 7) {
        unsigned char *memory = fnas_allocate(size, 1);
        assert_non_null(memory);
        assert_true(is_aligned(memory));
        for (size_t i = 0; i < size; i++) assert_int_equal(memory[i], 0);
        memset(memory, 0xAA, size);
        fnas_free(memory);
    }
    fnas_free(NULL);
}

static void overflow_is_refused(void **state) {
    (void)state;
    size_t product;
    assert_true(fnas_size_multiply(SIZE_MAX / 2, 2, &product));
    assert_int_equal(product, SIZE_MAX - 1);
    assert_false(fnas_size_multiply(SIZE_MAX / 2 + 1, 2, &product));
    assert_null(fnas_allocate(SIZE_MAX / 2 + 1, 2));
    assert_null(fnas_allocate(SIZE_MAX, 1));
}

static void growing_keeps_the_content(void **state) {
    (void)state;
    void *array = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < 1000; i++) {
        assert_true(fnas_grow(&array, &capacity, i + 1, sizeof(size_t)));
        assert_true(capacity > i);
        ((size_t *)array)[i] = i;
    }
    assert_true(is_aligned(array));
    for (size_t i = 0; i < 1000; i++) assert_int_equal(((size_t *)array)[i], i);
    assert_false(fnas_grow(&array, &capacity, SIZE_MAX / 4, sizeof(size_t)));
    assert_int_equal(((size_t *)array)[999], 999);
    fnas_free(array);
}

static void text_is_copied(void **state) {
    (void)state;
    char *copy = fnas_strdup("cell");
    assert_string_equal(copy, "cell");
    fnas_free(copy);
}

static void step(fnas_arena *arena, int pieces) {
    for (int i = 0; i < pieces; i++) {
        size_t bytes = (size_t)(i * 37 % 500);
        unsigned char *piece = fnas_arena_allocate(arena, bytes);
        assert_non_null(piece);
        assert_true(is_aligned(piece));
        memset(piece, i, bytes);
    }
}

static void arena_allocates_only_in_the_first_step(void **state) {
    fnas_test_place *place = *state;
    fnas_arena *arena;
    assert_status(FNAS_OK, fnas_arena_create(place->context, 100, &arena));
    step(arena, 400);
    size_t used = fnas_arena_used_bytes(arena);
    assert_true(used >= 400 * 240);
    fnas_arena_reset(arena);
    assert_int_equal(fnas_arena_used_bytes(arena), 0);
    int64_t blocks = fnas_arena_block_allocations(arena);
    for (int i = 0; i < 10; i++) {
        step(arena, 400);
        assert_int_equal(fnas_arena_used_bytes(arena), used);
        fnas_arena_reset(arena);
    }
    assert_int_equal(fnas_arena_block_allocations(arena), blocks);
    fnas_arena_destroy(arena);
    fnas_arena_destroy(NULL);
}

static void arena_pieces_do_not_overlap(void **state) {
    fnas_test_place *place = *state;
    fnas_arena *arena;
    unsigned char *piece[200];
    assert_status(FNAS_OK, fnas_arena_create(place->context, 1000, &arena));
    for (int i = 0; i < 200; i++) memset(piece[i] = fnas_arena_allocate(arena, (size_t)i), i, (size_t)i);
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < i; k++) assert_int_equal(piece[i][k], i);
    }
    assert_null(fnas_arena_allocate(arena, SIZE_MAX));
    assert_null(fnas_arena_allocate(arena, SIZE_MAX / 2));
    fnas_arena_destroy(arena);
}

static void arena_poisons_in_debug_builds(void **state) {
    (void)state;
#if defined(FNAS_DEBUG) && !defined(__SANITIZE_ADDRESS__) /* there the read itself would be reported */
    fnas_test_place *place = *state;
    fnas_arena *arena;
    assert_status(FNAS_OK, fnas_arena_create(place->context, 1000, &arena));
    float *piece = fnas_arena_allocate(arena, 64);
    piece[0] = 1;
    fnas_arena_reset(arena);
    assert_true(piece[0] != piece[0]);
    fnas_arena_destroy(arena);
#else
    skip();
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(allocation_is_aligned_and_zeroed),
        fnas_test(overflow_is_refused),
        fnas_test(growing_keeps_the_content),
        fnas_test(text_is_copied),
        fnas_test(arena_allocates_only_in_the_first_step),
        fnas_test(arena_pieces_do_not_overlap),
        fnas_test(arena_poisons_in_debug_builds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
