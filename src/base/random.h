/* Counter-based random numbers: Philox-4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * A stream is named by (seed, stream, step, path); there is no state to save, and any draw can be made anywhere. */
#ifndef FNAS_BASE_RANDOM_H
#define FNAS_BASE_RANDOM_H

#include <stdint.h>

/* What a stream is for. Values are part of the run's meaning: never renumber. */
typedef enum fnas_stream {
    FNAS_STREAM_INIT = 1,       /* initial weights */
    FNAS_STREAM_SPLIT = 2,      /* data splits */
    FNAS_STREAM_SHUFFLE = 3,    /* order of images in an epoch */
    FNAS_STREAM_AUGMENT = 4,    /* crops and flips */
    FNAS_STREAM_PREFERENCE = 5, /* preferences */
    FNAS_STREAM_SAMPLE = 6,     /* architectures drawn by the sampler */
    FNAS_STREAM_DEVICE = 7,     /* device of a step with --update sample */
    FNAS_STREAM_ARCH = 8,       /* uniformly random architectures */
    FNAS_STREAM_MEASURE = 9,    /* order of measurements */
    FNAS_STREAM_PREDICTOR = 10, /* predictor initialisation and batches */
    FNAS_STREAM_HYPERNET = 11,  /* hypernetwork initialisation and pre-training */
    FNAS_STREAM_SYNTHETIC = 12, /* images of the synthetic data set */
    FNAS_STREAM_SURROGATE = 13, /* folds, initialisation and batches of a fit to a table of errors */
    FNAS_STREAM_RIVAL = 14,     /* rival methods */
    FNAS_STREAM_ESTIMATE = 15,  /* architectures trained to estimate errors */
    FNAS_STREAM_DROPOUT = 16,   /* values that a Transformer drops */
    FNAS_STREAM_TEST = 99
} fnas_stream;

/* A cursor over one stream. Copyable value. */
typedef struct fnas_random {
    uint32_t key[2];
    uint32_t counter[4]; /* counter[0] counts blocks; the others hold stream, step, path */
    uint32_t block[4];
    int used;
} fnas_random;

/* seed: 64 bits make the key. stream, step, path: 16, 48 and 32 bits make the counter. */
fnas_random fnas_random_begin(uint64_t seed, fnas_stream stream, int64_t step, int64_t path);
uint32_t fnas_random_u32(fnas_random *random);
double fnas_random_uniform(fnas_random *random);                                    /* in (0, 1): never 0, never 1 */
int64_t fnas_random_below(fnas_random *random, int64_t bound);                      /* unbiased, 0 <= x < bound; bound >= 1 */
double fnas_random_normal(fnas_random *random);                                     /* Box-Muller, N(0, 1) */
void fnas_random_simplex(fnas_random *random, int64_t n, double *point);            /* Dirichlet(1, ..., 1) */
void fnas_random_permutation(fnas_random *random, int64_t n, int64_t *permutation); /* Fisher-Yates */

/* The bare function, for known-answer tests: out = Philox4x32-10(counter, key). */
void fnas_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
