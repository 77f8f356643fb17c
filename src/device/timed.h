/* Networks as they are timed: an inference graph with its images, or a network that translates with its sentences. */
#ifndef FNAS_DEVICE_TIMED_H
#define FNAS_DEVICE_TIMED_H

#include "device/subject.h"
#include "device/timing.h"
#include "device/translating.h"

/* What the networks of a plan are made of, on the thread that times them. */
typedef struct fnas_timed_source {
    const fnas_timing_plan *plan;
    fnas_subject_source subjects; /* of images: graphs, and the images in their sizes */
    fnas_batches batches;
    float *logits;   /* [batch][classes] of the last run */
    double *node_ms; /* of the largest graph so far */
    size_t node_capacity;
} fnas_timed_source;

typedef struct fnas_timed_network {
    fnas_translating *translating; /* of sentences; of images the rest: */
    void *instance;                /* of the runtime */
    const float *images;           /* [batch, C, H, W] */
    int32_t *parts;                /* [node_count] of the graph's nodes; NULL where they are not timed */
    int64_t node_count;
} fnas_timed_network;

/* In a process of its own, with which what it holds goes. */
FNAS_NODISCARD fnas_status fnas_timed_source_create(fnas_context *context, const fnas_timing_plan *plan, fnas_timed_source *source);

FNAS_NODISCARD fnas_status fnas_timed_prepare(fnas_context *context, fnas_timed_source *source, const int32_t *choices,
                                              fnas_timed_network *network);
void fnas_timed_release(const fnas_timed_source *source, fnas_timed_network *network);
size_t fnas_timed_bytes(const fnas_timed_source *source, const fnas_timed_network *network); /* after a run */

FNAS_NODISCARD fnas_status fnas_timed_run(fnas_context *context, fnas_timed_source *source, const fnas_timed_network *network);
/* FNAS_ERR_NUMERIC where what the last run gave is not finite. */
FNAS_NODISCARD fnas_status fnas_timed_check(fnas_context *context, const fnas_timed_source *source);
/* Runs it so many times; part_ms [plan->part_count]: what each part took of one. */
FNAS_NODISCARD fnas_status fnas_timed_run_parts(fnas_context *context, fnas_timed_source *source, const fnas_timed_network *network,
                                                int64_t repeats, double *part_ms);

#endif
