#include "base/random.h"

#include <math.h>

#define FNAS_PI 3.14159265358979323846

void fnas_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)0xD2511F53u * c0, product1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t next0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0, next2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)product1;
        c3 = (uint32_t)product0;
        c0 = next0;
        c2 = next2;
        k0 += 0x9E3779B9u; /* the golden ratio */
        k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

fnas_random fnas_random_begin(uint64_t seed, fnas_stream stream, int64_t step, int64_t path) {
    return (fnas_random){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, (uint32_t)path, (uint32_t)step, (uint32_t)(((uint64_t)step >> 32 & 0xFFFF) << 16 | ((uint32_t)stream & 0xFFFF))},
        .used = 4,
    };
}

uint32_t fnas_random_u32(fnas_random *random) {
    if (random->used == 4) {
        fnas_philox4x32(random->counter, random->key, random->block);
        random->counter[0]++;
        random->used = 0;
    }
    return random->block[random->used++];
}

static uint64_t fnas_random_u64(fnas_random *random) {
    uint64_t high = fnas_random_u32(random);
    return high << 32 | fnas_random_u32(random);
}

double fnas_random_uniform(fnas_random *random) {
    /* 52 bits and a half: the largest, 1 - 2^-53, is still a double, so that 1 is never reached by rounding. */
    return ((double)(fnas_random_u64(random) >> 12) + 0.5) * 0x1p-52;
}

int64_t fnas_random_below(fnas_random *random, int64_t bound) {
    uint64_t range = (uint64_t)bound, excess = -range % range; /* 2^64 mod range: the draws that would be counted once too often */
    uint64_t draw = fnas_random_u64(random);
    while (draw < excess) draw = fnas_random_u64(random);
    return (int64_t)(draw % range);
}

double fnas_random_normal(fnas_random *random) {
    double radius = sqrt(-2 * log(fnas_random_uniform(random)));
    return radius * cos(2 * FNAS_PI * fnas_random_uniform(random));
}

void fnas_random_simplex(fnas_random *random, int64_t n, double *point) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += point[i] = -log(fnas_random_uniform(random));
    for (int64_t i = 0; i < n; i++) point[i] /= sum;
}

void fnas_random_permutation(fnas_random *random, int64_t n, int64_t *permutation) {
    for (int64_t i = 0; i < n; i++) permutation[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = fnas_random_below(random, i + 1), kept = permutation[i];
        permutation[i] = permutation[j];
        permutation[j] = kept;
    }
}
