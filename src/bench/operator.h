/* Problems of one operator: a case like those that the tests go through, checked the same way, then timed on one thread. */
#ifndef FNAS_BENCH_OPERATOR_H
#define FNAS_BENCH_OPERATOR_H

#include "bench/bench.h"
#include "compute/check/cases.h"

/* Adds a row. */
FNAS_NODISCARD fnas_status fnas_bench_operator(fnas_bench *bench, const fnas_problem *problem, const fnas_operator_case *which);

/* Padding of "half": kernel / 2, so that stride 1 keeps the size. */
#define FNAS_PADDING_KEY                                                                                                                   \
    { "padding", FNAS_KEY_COUNT, "half", 0, 64, "half", "of zeros on each side; half: of the kernel" }
int64_t fnas_problem_padding(const fnas_problem *problem);

#define FNAS_ADD_KEY                                                                                                                       \
    { "add", FNAS_KEY_CHOICE, "no", 0, 0, "no|yes", "whether the result is added to what is there" }
#define FNAS_PRECISION_KEY                                                                                                                 \
    { "precision", FNAS_KEY_CHOICE, "f32", 0, 0, "f32", "of activations" }
/* Where the engine may compute in bf16 too. */
#define FNAS_PRECISIONS_KEY                                                                                                                \
    { "precision", FNAS_KEY_CHOICE, "f32", 0, 0, "f32|bf16", "of activations" }
fnas_compute_type fnas_problem_type(const fnas_problem *problem);                                       /* f32 where there is no such key */
FNAS_NODISCARD fnas_status fnas_problem_check_type(fnas_context *context, const fnas_problem *problem); /* whether this processor has it */
#define FNAS_KEYS_END                                                                                                                      \
    { NULL, FNAS_KEY_COUNT, NULL, 0, 0, NULL, NULL }

#endif
