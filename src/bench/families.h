/* Every family of problems: one file each, listed in families.c. */
#ifndef FNAS_BENCH_FAMILIES_H
#define FNAS_BENCH_FAMILIES_H

#include "bench/problem.h"

extern const fnas_problem_family fnas_problem_pass;

#endif
