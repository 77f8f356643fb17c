#include "base/sort.h"

#include <stdbool.h>
#include <string.h>

#define RUN 8 /* items that insertion sorts faster than merging does */

/* ---- few: merging ---- */

static void insert_run(int64_t count, fnas_keyed *items) {
    for (int64_t i = 1; i < count; i++) {
        fnas_keyed item = items[i];
        int64_t at = i;
        for (; at > 0 && items[at - 1].key > item.key; at--) items[at] = items[at - 1];
        items[at] = item;
    }
}

static void merge(const fnas_keyed *left, int64_t left_count, const fnas_keyed *right, int64_t right_count, fnas_keyed *merged) {
    const fnas_keyed *left_end = left + left_count, *right_end = right + right_count;
    while (left < left_end && right < right_end) *merged++ = right->key < left->key ? *right++ : *left++;
    size_t rest_left = (size_t)(left_end - left), rest_right = (size_t)(right_end - right);
    memcpy(merged, left, rest_left * sizeof *merged);
    memcpy(merged + rest_left, right, rest_right * sizeof *merged);
}

static int64_t at_most(int64_t value, int64_t limit) {
    return value < limit ? value : limit;
}

static void merge_sort(int64_t count, fnas_keyed *items, fnas_keyed *buffer) {
    fnas_keyed *from = items, *to = buffer;
    for (int64_t i = 0; i < count; i += RUN) insert_run(at_most(RUN, count - i), items + i);
    for (int64_t width = RUN; width < count; width *= 2) {
        for (int64_t i = 0; i < count; i += 2 * width) {
            int64_t middle = at_most(i + width, count), end = at_most(i + 2 * width, count);
            merge(from + i, middle - i, from + middle, end - middle, to + i);
        }
        fnas_keyed *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != items) memcpy(items, from, (size_t)count * sizeof *items);
}

/* ---- many: by digits of the key, the least first. No comparison, and so no branch that is guessed wrong every other time ---- */

#define DIGIT_BITS 11
#define DIGITS 6 /* of 64 bits */
#define DIGIT_VALUES (1 << DIGIT_BITS)

/* Unsigned numbers in the order of the keys: negative ones turned over, the others above them. */
static uint64_t ordered_bits(double key) {
    uint64_t bits, sign = (uint64_t)1 << 63;
    key += 0.0; /* -0 is 0 */
    memcpy(&bits, &key, sizeof bits);
    return bits & sign ? ~bits : bits | sign;
}

static int64_t digit_of(double key, int digit) {
    return (int64_t)(ordered_bits(key) >> (DIGIT_BITS * digit) & (DIGIT_VALUES - 1));
}

/* From how often each value occurs to where its items begin; false where all items have one value. */
static bool digit_places(int64_t count, uint32_t places[DIGIT_VALUES]) {
    uint32_t begin = 0;
    for (int value = 0; value < DIGIT_VALUES; value++) {
        uint32_t here = places[value];
        if (here == count) return false;
        places[value] = begin;
        begin += here;
    }
    return true;
}

static void digit_sort(int64_t count, fnas_keyed *items, fnas_keyed *buffer) {
    uint32_t places[DIGITS][DIGIT_VALUES] = {{0}};
    fnas_keyed *from = items, *to = buffer;
    for (int64_t i = 0; i < count; i++)
        for (int digit = 0; digit < DIGITS; digit++) places[digit][digit_of(items[i].key, digit)]++;
    for (int digit = 0; digit < DIGITS; digit++) {
        if (!digit_places(count, places[digit])) continue;
        for (int64_t i = 0; i < count; i++) to[places[digit][digit_of(from[i].key, digit)]++] = from[i];
        fnas_keyed *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != items) memcpy(items, from, (size_t)count * sizeof *items);
}

/* ---- */

#define MANY 1024 /* from where counting digits pays */

void fnas_sort_keyed(int64_t count, fnas_keyed *items, fnas_keyed *buffer) {
    if (count < MANY || count > UINT32_MAX)
        merge_sort(count, items, buffer);
    else
        digit_sort(count, items, buffer);
}
