/* One pass of one path, forward and backward: the unit of work of a search with a supernet. */
#ifndef FNAS_BENCH_PASS_H
#define FNAS_BENCH_PASS_H

#include "bench/subject.h"

typedef struct fnas_pass {
    fnas_subject subject;
    int32_t *choices;
    fnas_net *net;
    fnas_worker worker;
    bool weights, gates;     /* which gradients are wanted */
    float *weight_gradient;  /* [parameters.float_count]: NULL unless wanted */
    double *gate_gradient;   /* [one-hot size]: NULL unless wanted */
    float *logits;           /* [images][classes] */
    fnas_path_result result; /* of the last run */
} fnas_pass;

/* One run on the first `images` images; gradients are added to. */
FNAS_NODISCARD fnas_status fnas_pass_run(fnas_context *context, fnas_pass *pass, int64_t images);
/* Gradients to zero. */
void fnas_pass_clear(fnas_pass *pass);

/* Runs the pass on a few images, and the naive operators in double precision on the same: *error is the largest of the differences of loss,
 * weight gradients and gate gradients, each over what is allowed. Leaves the gradients cleared. */
FNAS_NODISCARD fnas_status fnas_pass_check(fnas_context *context, fnas_pass *pass, double *error);

/* Runs once on all images, and writes what was computed with what: so that another program can do the same and compare. */
FNAS_NODISCARD fnas_status fnas_pass_dump(fnas_context *context, fnas_pass *pass, const char *path);

#endif
