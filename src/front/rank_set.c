#include "front/rank_set.h"

#include "base/memory.h"

static int64_t words_for(int64_t bits) {
    return (bits + 63) / 64;
}

static int highest_bit(uint64_t word) {
    return 63 - __builtin_clzll(word);
}

static int lowest_bit(uint64_t word) {
    return __builtin_ctzll(word);
}

fnas_status fnas_rank_set_create(fnas_context *context, int64_t capacity, fnas_rank_set *set) {
    *set = (fnas_rank_set){0};
    int64_t total = 0;
    for (int64_t words = words_for(capacity);; words = words_for(words)) {
        if (set->level_count == FNAS_RANK_SET_LEVELS) return fnas_fail(context, FNAS_ERR_INPUT, "too many points");
        set->level_count++;
        total += words;
        if (words <= 1) break;
    }
    set->levels[0] = fnas_allocate((size_t)total, sizeof **set->levels);
    if (!set->levels[0]) return fnas_fail_memory(context, "a set of ranks");
    int64_t words = words_for(capacity);
    for (int level = 1; level < set->level_count; level++, words = words_for(words)) set->levels[level] = set->levels[level - 1] + words;
    return FNAS_OK;
}

void fnas_rank_set_destroy(fnas_rank_set *set) {
    fnas_free(set->levels[0]);
    *set = (fnas_rank_set){0};
}

void fnas_rank_set_add(fnas_rank_set *set, int64_t number) {
    for (int level = 0; level < set->level_count; level++, number /= 64) set->levels[level][number / 64] |= (uint64_t)1 << number % 64;
}

void fnas_rank_set_remove(fnas_rank_set *set, int64_t number) {
    for (int level = 0; level < set->level_count; level++, number /= 64)
        if (set->levels[level][number / 64] &= ~((uint64_t)1 << number % 64)) return;
}

/* Down from a node's word to the number itself. */
static int64_t last_below(const fnas_rank_set *set, int level, int64_t number) {
    while (level-- > 0) number = 64 * number + highest_bit(set->levels[level][number]);
    return number;
}

static int64_t first_below(const fnas_rank_set *set, int level, int64_t number) {
    while (level-- > 0) number = 64 * number + lowest_bit(set->levels[level][number]);
    return number;
}

int64_t fnas_rank_set_before(const fnas_rank_set *set, int64_t number) {
    for (int level = 0; level < set->level_count; level++, number /= 64) {
        uint64_t lower = set->levels[level][number / 64] & (((uint64_t)1 << number % 64) - 1);
        if (lower) return last_below(set, level, number / 64 * 64 + highest_bit(lower));
    }
    return -1;
}

int64_t fnas_rank_set_after(const fnas_rank_set *set, int64_t number) {
    for (int level = 0; level < set->level_count; level++, number /= 64) {
        uint64_t upper = set->levels[level][number / 64] & ~(((uint64_t)2 << number % 64) - 1);
        if (upper) return first_below(set, level, number / 64 * 64 + lowest_bit(upper));
    }
    return -1;
}
