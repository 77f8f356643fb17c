/* A verification's tables, and the parts that tests look at. */
#ifndef FNAS_SEARCH_QUERY_VERIFY_H
#define FNAS_SEARCH_QUERY_VERIFY_H

#include "search/query/query.h"
#include "space/arch_set.h"

/* Fixed draws: every run, seed and machine is scaled by the same architectures. */
#define FNAS_VERIFY_SCALE_SEED UINT64_C(0xf1ee7001)
#define FNAS_VERIFY_DRAWS_ITEM 0xf1ee7002 /* of the stream that draws among them */

typedef struct fnas_verify_rows {
    int64_t count;
    char **archs;          /* [count] */
    fnas_verify_row *rows; /* [count] arch points into archs */
} fnas_verify_rows;

struct fnas_verification {
    char *run, *space;
    int64_t test_images, scale_count, random_count;
    uint64_t seed;
    int64_t count;               /* devices; room for every card given */
    char **names;                /* [count] */
    fnas_verify_device *devices; /* [count] name points into names */
    fnas_verify_rows *rows;      /* [count] */
    int64_t left_out_count;
    fnas_verify_left_out *left_out; /* [left_out_count] owns its texts */
};

/* How latencies are measured: fnas_device_check_here and fnas_device_remeasure, or a formula in tests. */
typedef struct fnas_verify_meter {
    fnas_status (*check)(fnas_context *context, const fnas_space *space, const fnas_card *card);
    fnas_status (*measure)(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t count, const int32_t *choices,
                           int64_t rounds, double *latency_ms);
} fnas_verify_meter;

/* fnas_run_verify with this way of measuring. A card that the check refuses as another machine's (FNAS_ERR_UNSUPPORTED) is left out before
 * anything is scored. A measurement that the machine's unrest spoils (FNAS_ERR_NUMERIC) is repeated, three times in all, then its device is
 * left out too. */
FNAS_NODISCARD fnas_status fnas_verify_by(fnas_context *context, const fnas_run *run, int64_t card_count, const fnas_card *const *cards,
                                          const fnas_verify_options *options, const fnas_verify_meter *meter,
                                          fnas_verification **verification);

/* Points (error, latency) of one method: at [offset, offset + count) of the array of all. */
typedef struct fnas_verify_method {
    int64_t offset, count;
} fnas_verify_method;

/* Hypervolume of each method after min-max over all `total` points [total][2] (scale and every method), clipped to [0, 1], reference (1,
 * 1). The points are overwritten. */
FNAS_NODISCARD fnas_status fnas_verify_hypervolumes(fnas_context *context, int64_t total, double *points, int64_t method_count,
                                                    const fnas_verify_method *methods, double *hypervolumes);

/* Random architectures of which the first point_count have a point [point_count][2], already on the common scale; the others only guess. */
typedef struct fnas_verify_pool {
    int64_t count, point_count;
    const double *points;
} fnas_verify_pool;

/* Mean and standard deviation of the hypervolume of `draw` architectures drawn from the pool without repetition, over 200 draws of the
 * seed. draw <= pool->count. */
FNAS_NODISCARD fnas_status fnas_verify_random_hypervolume(fnas_context *context, const fnas_verify_pool *pool, int64_t draw, uint64_t seed,
                                                          double *mean, double *deviation);

#endif
