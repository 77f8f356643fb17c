/* What architectures are scored on: images, or sentences. For score.c and its two kinds. */
#ifndef FNAS_SEARCH_SCORE_KIND_H
#define FNAS_SEARCH_SCORE_KIND_H

#include "search/score/score.h"

/* What one worker keeps from architecture to architecture; its engine is made on the thread that will use it. Release with
 * fnas_scorer_free. */
typedef struct fnas_scorer {
    fnas_worker worker;
    float *statistics; /* of an image network's norms: means, then variances */
    size_t capacity;
} fnas_scorer;
FNAS_NODISCARD fnas_status fnas_scorer_prepare(fnas_context *context, fnas_scorer *scorer);
void fnas_scorer_free(fnas_scorer *scorer);

/* As many as are wanted, where there are so many. */
static inline int64_t fnas_score_most(int64_t wanted, int64_t available) {
    return wanted < available ? wanted : available;
}

typedef struct fnas_score_kind {
    /* The first `count` examples of a part, or all where there are fewer. *loaded is owned: free it, also after a failure. */
    fnas_status (*load)(fnas_context *context, const fnas_run *run, const fnas_examples *examples, fnas_score_part part, int64_t count,
                        void **loaded);
    void (*free)(void *loaded); /* NULL is allowed */
    /* One architecture, on one thread. */
    fnas_status (*score)(fnas_context *context, const fnas_run *run, const void *loaded, fnas_scorer *scorer, const int32_t *choices,
                         fnas_score *score);
} fnas_score_kind;
extern const fnas_score_kind fnas_score_on_images, fnas_score_on_sentences;

#endif
