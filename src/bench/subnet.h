/* Sub-networks of MobileNetV3's supernet, as passes (pass.h). */
#ifndef FNAS_BENCH_SUBNET_H
#define FNAS_BENCH_SUBNET_H

#include "bench/problem.h"
#include "space/space.h"

extern const fnas_problem_key fnas_subnet_keys[];
FNAS_NODISCARD fnas_status fnas_subnet_check_problem(fnas_context *context, const fnas_problem *problem);

/* An architecture from a word at a resolution. choices [decisions]; FNAS_ERR_USAGE where the word or the resolution is none. */
#define FNAS_SUBNETS "largest|middle|smallest|mixed"
FNAS_NODISCARD fnas_status fnas_subnet_choose(fnas_context *context, const char *word, int64_t resolution, int32_t *choices);

#endif
