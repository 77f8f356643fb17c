/* A search on made-up devices, in memory, of which single updates are run and timed. */
#ifndef FNAS_BENCH_DRILL_H
#define FNAS_BENCH_DRILL_H

#include "search/searcher.h"

typedef struct fnas_drill_setup {
    int64_t devices, preferences; /* paths: each device with so many preferences */
    int64_t channels, cells;      /* of the supernet, whose images are 3 x 32 x 32 in 10 classes */
    int64_t images;               /* of each of the two updates */
    bool shared;                  /* the images are shared out among the paths; else each path sees all */
    fnas_compute_type type;       /* of the supernet's activations */
    bool supernet;                /* the supernet judges the hypernetwork's paths (the paper's gates); else models alone do */
    const int32_t *cells_given;   /* NULL, or [paths][decisions]: take the place of what the hypernetwork draws */
    uint64_t seed;
} fnas_drill_setup;

typedef struct fnas_drill {
    fnas_drill_setup setup;
    fnas_run *run;
    fnas_examples examples;
    fnas_searcher searcher;
} fnas_drill;

/* Devices, their latency predictor (trained briefly: what it knows does not change what it costs), weights as a search begins. Threads are
 * the context's. On failure there is still something to free. */
FNAS_NODISCARD fnas_status fnas_drill_create(fnas_context *context, const fnas_drill_setup *setup, fnas_drill *drill);
void fnas_drill_free(fnas_drill *drill);

/* One update of the supernet's weights: a batch, one pass a path, SGD. */
FNAS_NODISCARD fnas_status fnas_drill_weights(fnas_context *context, fnas_drill *drill);
/* One update of the hypernetwork: with a supernet a batch and one pass a path; the devices' gradients, their min-norm point, Adam. */
FNAS_NODISCARD fnas_status fnas_drill_hypernet(fnas_context *context, fnas_drill *drill);

#endif
