/* Hypervolumes of a verification: all methods on one scale, and what random architectures reach on average. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "fleetnas/front.h"
#include "search/query/verify.h"

#define FNAS_RANDOM_DRAWS 200 /* of random architectures: hypervolumes of single draws differ by a few hundredths */

static const double fnas_verify_reference[2] = {1, 1};

static void fnas_verify_normalise(int64_t total, double *points) {
    for (int k = 0; k < 2; k++) {
        double low = INFINITY, high = -INFINITY;
        for (int64_t i = 0; i < total; i++) {
            low = fmin(low, points[2 * i + k]);
            high = fmax(high, points[2 * i + k]);
        }
        double range = high > low ? high - low : 1;
        for (int64_t i = 0; i < total; i++) points[2 * i + k] = fmin(fmax((points[2 * i + k] - low) / range, 0), 1);
    }
}

fnas_status fnas_verify_hypervolumes(fnas_context *context, int64_t total, double *points, int64_t method_count,
                                     const fnas_verify_method *methods, double *hypervolumes) {
    fnas_verify_normalise(total, points);
    for (int64_t m = 0; m < method_count; m++) {
        FNAS_TRY(
            fnas_front_hypervolume(context, methods[m].count, 2, points + 2 * methods[m].offset, fnas_verify_reference, &hypervolumes[m]));
    }
    return FNAS_OK;
}

/* The first `draw` of order [pool] become a random choice without repetition (Fisher and Yates 1938). */
static void fnas_verify_shuffle(fnas_random *random, int64_t pool, int64_t draw, int64_t *order) {
    for (int64_t i = 0; i < draw; i++) {
        int64_t other = i + fnas_random_below(random, pool - i), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

/* Hypervolume of each draw -> volumes [FNAS_RANDOM_DRAWS]. order [pool], chosen [draw][2] are scratch. */
static fnas_status fnas_verify_draw_volumes(fnas_context *context, const fnas_verify_pool *pool, int64_t draw, uint64_t seed,
                                            int64_t *order, double *chosen, double *volumes) {
    for (int64_t i = 0; i < pool->count; i++) order[i] = i;
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_ARCH, 0, FNAS_VERIFY_DRAWS_ITEM);
    for (int64_t d = 0; d < FNAS_RANDOM_DRAWS; d++) {
        fnas_verify_shuffle(&random, pool->count, draw, order);
        int64_t useful = 0;
        for (int64_t i = 0; i < draw; i++) {
            if (order[i] >= pool->point_count) continue; /* one that only guesses */
            memcpy(chosen + 2 * useful++, pool->points + 2 * order[i], 2 * sizeof *chosen);
        }
        FNAS_TRY(fnas_front_hypervolume(context, useful, 2, chosen, fnas_verify_reference, &volumes[d]));
    }
    return FNAS_OK;
}

fnas_status fnas_verify_random_hypervolume(fnas_context *context, const fnas_verify_pool *pool, int64_t draw, uint64_t seed, double *mean,
                                           double *deviation) {
    int64_t *order = fnas_allocate((size_t)pool->count, sizeof *order);
    double *chosen = fnas_allocate(2 * (size_t)draw, sizeof *chosen), volumes[FNAS_RANDOM_DRAWS] = {0};
    fnas_status status = order && chosen ? fnas_verify_draw_volumes(context, pool, draw, seed, order, chosen, volumes)
                                         : fnas_fail_memory(context, "random architectures");
    fnas_free(order);
    fnas_free(chosen);
    if (status != FNAS_OK) return status;
    double sum = 0, squares = 0;
    for (int64_t d = 0; d < FNAS_RANDOM_DRAWS; d++) sum += volumes[d];
    *mean = sum / FNAS_RANDOM_DRAWS;
    for (int64_t d = 0; d < FNAS_RANDOM_DRAWS; d++) squares += (volumes[d] - *mean) * (volumes[d] - *mean);
    *deviation = sqrt(squares / FNAS_RANDOM_DRAWS);
    return FNAS_OK;
}
