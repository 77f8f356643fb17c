#include "bench/families.h"

#include <stddef.h>

#include "bench/bench.h"

const fnas_problem_family *const fnas_bench_families[] = {&fnas_problem_pass, NULL};
