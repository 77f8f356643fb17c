/* Scores that a run has already been asked for, kept while it is open: a report asks for fronts, and then verifies them. */
#ifndef FNAS_SEARCH_SCORE_CACHE_H
#define FNAS_SEARCH_SCORE_CACHE_H

#include <math.h>

#include "base/error.h"

typedef enum fnas_score_part { FNAS_SCORE_VALIDATION, FNAS_SCORE_TEST } fnas_score_part;

/* How an architecture does on some images. The error is what users ask about; the cross entropy tells architectures apart that classify
 * as many images wrongly, and from few images foretells the error on others better than the error itself. */
typedef struct fnas_score {
    double error_pct;     /* NaN: not known */
    double cross_entropy; /* mean over the images, nats */
    double followed_pct; /* 0 with a supernet; else the error that the search followed, which knows no bounds (fnas_surrogate_prediction) */
} fnas_score;
#define FNAS_SCORE_UNKNOWN ((fnas_score){.error_pct = (double)NAN, .cross_entropy = (double)NAN, .followed_pct = (double)NAN})

/* Thread-safe. A cache of NULL knows nothing and keeps nothing. */
typedef struct fnas_score_cache fnas_score_cache;
FNAS_NODISCARD fnas_status fnas_score_cache_create(fnas_context *context, int64_t decisions, fnas_score_cache **cache);
void fnas_score_cache_free(fnas_score_cache *cache);

/* scores [count]: what is known of these architectures [count][decisions] on `images` images of a part, an error of NaN for the
 * others. Returns how many are not known. */
int64_t fnas_score_cache_lookup(fnas_score_cache *cache, fnas_score_part part, int64_t images, int64_t count, const int32_t *choices,
                                fnas_score *scores);
/* Keeps them. A part is known for one number of images at a time. */
FNAS_NODISCARD fnas_status fnas_score_cache_store(fnas_context *context, fnas_score_cache *cache, fnas_score_part part, int64_t images,
                                                  int64_t count, const int32_t *choices, const fnas_score *scores);

/* Calls the function for all that is known, in the order in which it came. Not to be called from the function: other functions of the
 * cache. */
typedef void fnas_score_visitor(void *user, fnas_score_part part, int64_t images, const int32_t *choices, fnas_score score);
void fnas_score_cache_visit(fnas_score_cache *cache, fnas_score_visitor *visitor, void *user);
void fnas_score_cache_clear(fnas_score_cache *cache);

#endif
