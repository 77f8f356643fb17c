#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define FNAS_POISON(memory, bytes) __asan_poison_memory_region(memory, bytes)
#define FNAS_UNPOISON(memory, bytes) __asan_unpoison_memory_region(memory, bytes)
#else
#define FNAS_POISON(memory, bytes) ((void)(memory), (void)(bytes))
#define FNAS_UNPOISON(memory, bytes) ((void)(memory), (void)(bytes))
#endif

bool fnas_size_multiply(size_t a, size_t b, size_t *product) {
    return !__builtin_mul_overflow(a, b, product);
}

/* Rounds up to whole cache lines, at least one; false on overflow. */
static bool fnas_round_up(size_t bytes, size_t *rounded) {
    if (bytes > SIZE_MAX - (FNAS_ALIGNMENT - 1)) return false;
    *rounded = (bytes + FNAS_ALIGNMENT - 1) & ~(size_t)(FNAS_ALIGNMENT - 1);
    if (!*rounded) *rounded = FNAS_ALIGNMENT;
    return true;
}

void *fnas_allocate(size_t count, size_t size) {
    size_t bytes, rounded;
    if (!fnas_size_multiply(count, size, &bytes) || !fnas_round_up(bytes, &rounded) || rounded > PTRDIFF_MAX) return NULL;
    void *memory = aligned_alloc(FNAS_ALIGNMENT, rounded);
    if (memory) memset(memory, 0, rounded);
    return memory;
}

void fnas_free(void *memory) {
    free(memory);
}

bool fnas_grow(void **array, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) return true;
    size_t grown = *capacity ? *capacity : 8;
    while (grown < needed) {
        if (grown > SIZE_MAX / 2) return false;
        grown *= 2;
    }
    void *moved = fnas_allocate(grown, size); /* realloc would lose the alignment */
    if (!moved) return false;
    if (*array) memcpy(moved, *array, *capacity * size);
    fnas_free(*array);
    *array = moved;
    *capacity = grown;
    return true;
}

char *fnas_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = fnas_allocate(size, 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}

typedef struct fnas_arena_block {
    struct fnas_arena_block *next;
    unsigned char *data;
    size_t size_bytes, used_bytes;
} fnas_arena_block;

struct fnas_arena {
    fnas_arena_block *blocks; /* the newest first; pieces are cut from it */
    size_t used_bytes;
    int64_t block_allocations;
};

#define FNAS_HUGE_PAGE_BYTES ((size_t)2 << 20)

/* Large blocks in huge pages where the system has them: the first pass over a gigabyte of small ones takes seconds. */
static void *fnas_allocate_pages(size_t size_bytes) {
    if (size_bytes > PTRDIFF_MAX - FNAS_HUGE_PAGE_BYTES) return NULL;
    if (size_bytes < 2 * FNAS_HUGE_PAGE_BYTES) return aligned_alloc(FNAS_ALIGNMENT, size_bytes);
    size_t whole = (size_bytes + FNAS_HUGE_PAGE_BYTES - 1) / FNAS_HUGE_PAGE_BYTES * FNAS_HUGE_PAGE_BYTES;
    void *memory = aligned_alloc(FNAS_HUGE_PAGE_BYTES, whole);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (memory) (void)madvise(memory, whole, MADV_HUGEPAGE); /* only a wish */
#endif
    return memory;
}

static bool fnas_arena_add_block(fnas_arena *arena, size_t size_bytes) {
    fnas_arena_block *block = calloc(1, sizeof *block);
    if (!block) return false;
    block->data = fnas_allocate_pages(size_bytes);
    if (!block->data) {
        free(block);
        return false;
    }
    block->size_bytes = size_bytes;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->block_allocations++;
    FNAS_POISON(block->data, size_bytes);
    return true;
}

static void fnas_arena_free_newest(fnas_arena *arena) {
    fnas_arena_block *block = arena->blocks;
    arena->blocks = block->next;
    FNAS_UNPOISON(block->data, block->size_bytes);
    free(block->data);
    free(block);
}

static void fnas_arena_free_blocks(fnas_arena *arena) {
    while (arena->blocks) fnas_arena_free_newest(arena);
}

fnas_status fnas_arena_create(fnas_context *context, size_t reserve_bytes, fnas_arena **arena) {
    *arena = NULL;
    size_t rounded;
    fnas_arena *created = calloc(1, sizeof *created);
    if (!created || !fnas_round_up(reserve_bytes, &rounded) || !fnas_arena_add_block(created, rounded)) {
        free(created);
        return fnas_fail_memory(context, "an arena");
    }
    *arena = created;
    return FNAS_OK;
}

void fnas_arena_destroy(fnas_arena *arena) {
    if (!arena) return;
    fnas_arena_free_blocks(arena);
    free(arena);
}

/* At least as large as all that was cut so far, so that the number of blocks grows with the logarithm of the need. */
static bool fnas_arena_make_room(fnas_arena *arena, size_t bytes) {
    if (arena->blocks && arena->blocks->size_bytes - arena->blocks->used_bytes >= bytes) return true;
    if (arena->blocks && arena->blocks->used_bytes == 0) fnas_arena_free_newest(arena); /* too small, and nobody's */
    size_t wanted = bytes > arena->used_bytes ? bytes : arena->used_bytes;
    return fnas_arena_add_block(arena, wanted) || (wanted > bytes && fnas_arena_add_block(arena, bytes));
}

void *fnas_arena_allocate(fnas_arena *arena, size_t bytes) {
    size_t rounded;
    if (!fnas_round_up(bytes, &rounded) || !fnas_arena_make_room(arena, rounded)) return NULL;
    fnas_arena_block *block = arena->blocks;
    unsigned char *piece = block->data + block->used_bytes;
    block->used_bytes += rounded;
    arena->used_bytes += rounded;
    FNAS_UNPOISON(piece, bytes);
    return piece;
}

/* All bits set: NaN for floats and -1 for integers, so that a use after the reset shows. */
static void fnas_arena_poison(fnas_arena_block *block) {
#ifdef FNAS_DEBUG
    FNAS_UNPOISON(block->data, block->used_bytes);
    memset(block->data, 0xFF, block->used_bytes);
#endif
    FNAS_POISON(block->data, block->size_bytes);
}

void fnas_arena_reset(fnas_arena *arena) {
    if (arena->blocks && !arena->blocks->next) {
        fnas_arena_poison(arena->blocks);
        arena->blocks->used_bytes = 0;
    } else {
        size_t needed = arena->used_bytes ? arena->used_bytes : FNAS_ALIGNMENT;
        fnas_arena_free_blocks(arena);
        (void)fnas_arena_add_block(arena, needed); /* when this fails, the next piece tries again and reports it */
    }
    arena->used_bytes = 0;
}

size_t fnas_arena_used_bytes(const fnas_arena *arena) {
    return arena->used_bytes;
}

int64_t fnas_arena_block_allocations(const fnas_arena *arena) {
    return arena->block_allocations;
}
