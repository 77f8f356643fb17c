#include "compute/placement.h"

#include "base/memory.h"

static size_t aligned(size_t bytes) {
    return (bytes + FNAS_ALIGNMENT - 1) / FNAS_ALIGNMENT * FNAS_ALIGNMENT;
}

static bool is_used(const fnas_placed_buffer *buffer) {
    return buffer->first <= buffer->last;
}

/* Placed earlier: in order of `first`, ties by number. */
static bool comes_before(const fnas_placed_buffer *buffers, int64_t a, int64_t b) {
    return buffers[a].first != buffers[b].first ? buffers[a].first < buffers[b].first : a < b;
}

/* Whether [offset, offset + bytes) of buffer `number` is free of those placed before it; *next is where to look next when not. */
static bool fits(const fnas_placed_buffer *buffers, int64_t count, int64_t number, size_t offset, size_t *next) {
    const fnas_placed_buffer *mine = &buffers[number];
    for (int64_t i = 0; i < count; i++) {
        const fnas_placed_buffer *other = &buffers[i];
        if (i == number || !is_used(other) || !comes_before(buffers, i, number)) continue;
        bool alive_together = other->first <= mine->last && mine->first <= other->last;
        if (alive_together && other->offset < offset + mine->bytes && offset < other->offset + other->bytes) {
            *next = aligned(other->offset + other->bytes);
            return false;
        }
    }
    return true;
}

/* The used buffer that comes next in the order after `previous` (-1: the first one); -1 at the end. */
static int64_t next_in_order(const fnas_placed_buffer *buffers, int64_t count, int64_t previous) {
    int64_t best = -1;
    for (int64_t i = 0; i < count; i++) {
        if (!is_used(&buffers[i]) || i == previous) continue;
        if (previous >= 0 && !comes_before(buffers, previous, i)) continue;
        if (best < 0 || comes_before(buffers, i, best)) best = i;
    }
    return best;
}

size_t fnas_place_buffers(int64_t count, fnas_placed_buffer *buffers) {
    size_t total = 0;
    for (int64_t i = next_in_order(buffers, count, -1); i >= 0; i = next_in_order(buffers, count, i)) {
        size_t offset = 0;
        while (!fits(buffers, count, i, offset, &offset)) continue;
        buffers[i].offset = offset;
        if (offset + buffers[i].bytes > total) total = aligned(offset + buffers[i].bytes);
    }
    return total;
}
