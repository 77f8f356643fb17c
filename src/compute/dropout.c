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

typedef uint32_t lanes __attribute__((vector_size(4 * DRAWS)));

/* Two vectors, element by element in turns; and pair by pair. */
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define LOW_PAIRS(a, b) __builtin_shufflevector(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23)
#define HIGH_PAIRS(a, b) __builtin_shufflevector(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31)

/* Factors of 16 words, of each first that of its lower half; `kept` as bits. */
static inline __attribute__((always_inline)) void compare(const lanes *words, uint32_t threshold, uint32_t kept, float *factors) {
    lanes low = (lanes)((*words & 0xFFFFu) >= threshold) & kept, high = (lanes)((*words >> 16) >= threshold) & kept;
    lanes first = LOW(low, high), second = HIGH(low, high);
    memcpy(factors, &first, sizeof first);
    memcpy(factors + DRAWS, &second, sizeof second);
}

/* Philox-4x32-10 of counters {first + l, place, 0, 0} (Salmon et al. 2011), lane by lane; then their factors in order. */
FNAS_MULTIVERSION static void draw(const fnas_dropout *dropout, uint64_t begin, uint32_t kept, float factors[CHUNK]) {
    uint32_t a[DRAWS], b[DRAWS], c[DRAWS], d[DRAWS], k0 = dropout->key[0], k1 = dropout->key[1];
    for (int l = 0; l < DRAWS; l++) {
        uint64_t counter = begin + (uint64_t)l;
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
    lanes va, vb, vc, vd;
    memcpy(&va, a, sizeof va);
    memcpy(&vb, b, sizeof vb);
    memcpy(&vc, c, sizeof vc);
    memcpy(&vd, d, sizeof vd);
    lanes ab = LOW(va, vb), cd = LOW(vc, vd), ab_high = HIGH(va, vb), cd_high = HIGH(vc, vd);
    const lanes words[4] = {LOW_PAIRS(ab, cd), HIGH_PAIRS(ab, cd), LOW_PAIRS(ab_high, cd_high), HIGH_PAIRS(ab_high, cd_high)};
    for (int i = 0; i < 4; i++) compare(&words[i], dropout->threshold, kept, factors + i * 2 * DRAWS);
}

void fnas_dropout_factors(const fnas_dropout *dropout, int64_t first, int64_t count, float *factors) {
    float kept = (float)(65536.0 / (65536.0 - (double)dropout->threshold)), rest[CHUNK];
    uint32_t bits;
    memcpy(&bits, &kept, sizeof bits);
    for (int64_t begin = 0; begin < count; begin += CHUNK) {
        bool whole = count - begin >= CHUNK;
        draw(dropout, (uint64_t)(first + begin) / BLOCK_ELEMENTS, bits, whole ? factors + begin : rest);
        if (!whole) memcpy(factors + begin, rest, (size_t)(count - begin) * sizeof *factors);
    }
}
