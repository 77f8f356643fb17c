/* Checked, aligned memory and arenas. */
#ifndef FNAS_BASE_MEMORY_H
#define FNAS_BASE_MEMORY_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_ALIGNMENT 64 /* bytes: one cache line, one AVX-512 vector */

/* count * size, or FNAS_ERR_INPUT-free false on overflow. */
bool fnas_size_multiply(size_t a, size_t b, size_t *product);

/* Zeroed memory for count elements of size bytes, aligned to FNAS_ALIGNMENT; count 0 gives a valid
 * unique pointer. NULL when out of memory or on overflow. Release with fnas_free. */
void *fnas_allocate(size_t count, size_t size);
void fnas_free(void *memory); /* NULL is allowed */

/* Grows an array to hold at least `needed` elements, doubling. False when out of memory (array kept). */
bool fnas_grow(void **array, size_t *capacity, size_t needed, size_t size);

char *fnas_strdup(const char *text); /* NULL when out of memory; release with fnas_free */

/* One block from which pieces are cut and all given back at once. Grows in blocks when it is full, and after
 * fnas_arena_reset is one block large enough for what was used before: no malloc inside a step after the first.
 * Debug builds poison what is given back. Not thread-safe. */
typedef struct fnas_arena fnas_arena;
FNAS_NODISCARD fnas_status fnas_arena_create(fnas_context *context, size_t reserve_bytes, fnas_arena **arena);
void fnas_arena_destroy(fnas_arena *arena);
void *fnas_arena_allocate(fnas_arena *arena, size_t bytes); /* aligned, not zeroed; NULL when out of memory */
void fnas_arena_reset(fnas_arena *arena);
size_t fnas_arena_used_bytes(const fnas_arena *arena);
int64_t fnas_arena_block_allocations(const fnas_arena *arena); /* mallocs so far, for tests */

#endif
