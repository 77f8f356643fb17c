#include "compute/dropout.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "compute/vector.h"

#define DRAWS 16         /* counters at once, for the sake of vectors */
#define BLOCK_ELEMENTS 8 /* 16 bits of a draw's 128 each */
#define CHUNK (DRAWS * BLOCK_ELEMENTS)

fnas_dropout fnas_dropout_begin(const uint32_t key[2], uint32_t place, double probability) {
    double threshold = floor(probability * 65536.0 + 0.5);
    return (fnas_dropout){.key = {key[0], key[1]}, .place = place, .threshold = threshold < 65535 ? (uint32_t)threshold : 65535};
}

/* Philox-4x32-10 of counters {first + l, place, 0, 0} (Salmon et al. 2011), lane by lane. */
FNAS_MULTIVERSION static void draw(const fnas_dropout *dropout, uint64_t first, uint32_t words[DRAWS * 4]) {
    uint32_t a[DRAWS], b[DRAWS], c[DRAWS], d[DRAWS], k0 = dropout->key[0], k1 = dropout->key[1];
    for (int l = 0; l < DRAWS; l++) {
        uint64_t counter = first + (uint64_t)l;
        a[l] = (uint32_t)counter;
        b[l] = dropout->place;
        c[l] = (uint32_t)(counter >> 32);
        d[l] = 0;
    }
    for (int round = 0; round < 10; round++) {
        for (int l = 0; l < DRAWS; l++) {
            uint64_t x = (uint64_t)0xD2511F53u * a[l], y = (uint64_t)0xCD9E8D57u * c[l];
            uint32_t na = (uint32_t)(y >> 32) ^ b[l] ^ k0, nc = (uint32_t)(x >> 32) ^ d[l] ^ k1;
            b[l] = (uint32_t)y;
            d[l] = (uint32_t)x;
            a[l] = na;
            c[l] = nc;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int l = 0; l < DRAWS; l++) {
        words[4 * l] = a[l];
        words[4 * l + 1] = b[l];
        words[4 * l + 2] = c[l];
        words[4 * l + 3] = d[l];
    }
}

/* Of a draw's four words, each first its lower half. */
FNAS_MULTIVERSION static void compare(uint32_t threshold, float kept, const uint32_t words[DRAWS * 4], float factors[CHUNK]) {
    for (int i = 0; i < CHUNK / 2; i++) {
        factors[2 * i] = (words[i] & 0xFFFFu) < threshold ? 0.0f : kept;
        factors[2 * i + 1] = words[i] >> 16 < threshold ? 0.0f : kept;
    }
}

void fnas_dropout_factors(const fnas_dropout *dropout, int64_t first, int64_t count, float *factors) {
    float kept = (float)(65536.0 / (65536.0 - (double)dropout->threshold)), rest[CHUNK];
    uint32_t words[DRAWS * 4];
    for (int64_t begin = 0; begin < count; begin += CHUNK) {
        bool whole = count - begin >= CHUNK;
        draw(dropout, (uint64_t)(first + begin) / BLOCK_ELEMENTS, words);
        compare(dropout->threshold, kept, words, whole ? factors + begin : rest);
        if (!whole) memcpy(factors + begin, rest, (size_t)(count - begin) * sizeof *factors);
    }
}
