#include "estimate/naswot.h"

#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

#include "compute/vector.h"

#define WORD_BITS 64

/* One network while it runs. */
typedef struct coding {
    fnas_naswot *naswot;
    const fnas_net *net;
    int64_t n, units;
} coding;

void fnas_naswot_free(fnas_naswot *naswot) {
    fnas_free(naswot->codes);
    fnas_free(naswot->distances);
    fnas_free(naswot->kernel);
    *naswot = (fnas_naswot){0};
}

/* ---- codes ---- */

/* codes [ceil(floats / 64)]; the last bits of the last word are 0. */
FNAS_MULTIVERSION static void encode(int64_t floats, const float *source, uint64_t *codes) {
    for (int64_t first = 0; first < floats; first += WORD_BITS) {
        int64_t bits = floats - first < WORD_BITS ? floats - first : WORD_BITS;
        uint64_t word = 0;
        for (int64_t b = 0; b < bits; b++) word |= (uint64_t)(source[first + b] > 0) << b;
        *codes++ = word;
    }
}

/* distances of all pairs += weight * the Hamming distances of codes [n][words]. */
FNAS_MULTIVERSION static void add_distances(int64_t n, int64_t words, const uint64_t *codes, int64_t weight, int64_t *distances) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++) {
            const uint64_t *a = codes + i * words, *b = codes + j * words;
            int64_t distance = 0;
            for (int64_t w = 0; w < words; w++) distance += __builtin_popcountll(a[w] ^ b[w]);
            distances[i * n + j] += weight * distance;
        }
}

static int64_t readers_of(const fnas_net *net, fnas_value value) {
    int64_t readers = 0;
    for (int64_t i = 0; i < net->node_count; i++) readers += net->nodes[i].source == value;
    return readers;
}

static fnas_status see_relu(fnas_context *context, void *user, int64_t node, int64_t floats, const float *source) {
    coding *c = user;
    fnas_naswot *naswot = c->naswot;
    if (c->net->nodes[node].kind != FNAS_NODE_RELU) return FNAS_OK;
    int64_t words = (floats + WORD_BITS - 1) / WORD_BITS, readers = readers_of(c->net, c->net->nodes[node].result);
    fnas_value_shape shape = c->net->values[c->net->nodes[node].source];
    if (!fnas_grow((void **)&naswot->codes, &naswot->code_capacity, (size_t)(c->n * words), sizeof *naswot->codes))
        return fnas_fail_memory(context, "codes of images");
    for (int64_t i = 0; i < c->n; i++) encode(floats, source + i * floats, naswot->codes + i * words);
    add_distances(c->n, words, naswot->codes, readers, naswot->distances);
    c->units += readers * shape.c * shape.h * shape.w; /* padded channels never differ, and are no units */
    return FNAS_OK;
}

/* ---- the kernel ---- */

static void fill_kernel(const coding *c) {
    fnas_naswot *naswot = c->naswot;
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t j = i; j < c->n; j++)
            naswot->kernel[i * c->n + j] = naswot->kernel[j * c->n + i] = (double)(c->units - naswot->distances[i * c->n + j]);
}

/* By Cholesky's factors: the kernel is the sum of two Gram matrices, of the codes and of their complements. A pivot within the rounding
 * errors of the factorisation is none. */
static double log_determinant(const coding *c) {
    double *kernel = c->naswot->kernel, sum = 0;
    if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', (lapack_int)c->n, kernel, (lapack_int)c->n) != 0) return -INFINITY;
    for (int64_t i = 0; i < c->n; i++) {
        double pivot = kernel[i * c->n + i];
        if (pivot * pivot <= (double)c->n * DBL_EPSILON * (double)c->units) return -INFINITY;
        sum += log(pivot);
    }
    return 2 * sum;
}

/* ---- */

fnas_status fnas_naswot_score(fnas_context *context, fnas_worker *worker, fnas_naswot *naswot, const fnas_net *net,
                              const fnas_parameters *parameters, int64_t n, const float *images, double *score) {
    coding c = {.naswot = naswot, .net = net, .n = n};
    size_t pairs = (size_t)(n * n);
    if (!fnas_grow((void **)&naswot->distances, &naswot->distance_capacity, pairs, sizeof *naswot->distances) ||
        !fnas_grow((void **)&naswot->kernel, &naswot->kernel_capacity, pairs, sizeof *naswot->kernel))
        return fnas_fail_memory(context, "the kernel of images");
    memset(naswot->distances, 0, pairs * sizeof *naswot->distances);
    fnas_path_request request = {
        .net = net, .parameters = parameters, .n = n, .images = images, .observe_source = see_relu, .observer = &c};
    fnas_path_result result;
    FNAS_TRY(fnas_path_run(context, worker, &request, &result));
    fill_kernel(&c);
    *score = log_determinant(&c);
    return FNAS_OK;
}
