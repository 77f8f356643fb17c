/* Where buffers with known life times lie in one block of memory. */
#ifndef FNAS_COMPUTE_PLACEMENT_H
#define FNAS_COMPUTE_PLACEMENT_H

#include <stddef.h>
#include <stdint.h>

typedef struct fnas_placed_buffer {
    size_t bytes;
    int64_t first, last; /* steps in which it is used, both included; first > last: never, takes no room */
    size_t offset;       /* written: a multiple of FNAS_ALIGNMENT */
} fnas_placed_buffer;

/* First fit in order of `first`: buffers whose life times overlap do not overlap in memory. Returns the size of the block. O(count^2). */
size_t fnas_place_buffers(int64_t count, fnas_placed_buffer *buffers);

#endif
