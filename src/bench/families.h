/* Every family of problems: one file each, listed in families.c. */
#ifndef FNAS_BENCH_FAMILIES_H
#define FNAS_BENCH_FAMILIES_H

#include "bench/problem.h"

extern const fnas_problem_family fnas_problem_conv, fnas_problem_pool, fnas_problem_global_pool, fnas_problem_norm, fnas_problem_relu,
    fnas_problem_gate, fnas_problem_add, fnas_problem_dot, fnas_problem_sum, fnas_problem_linear, fnas_problem_cross_entropy,
    fnas_problem_case, fnas_problem_cases, fnas_problem_layers, fnas_problem_pass, fnas_problem_nodes, fnas_problem_subnet,
    fnas_problem_subnet_nodes, fnas_problem_translator, fnas_problem_iteration, fnas_problem_step, fnas_problem_fronts,
    fnas_problem_hypervolume, fnas_problem_predictor_training, fnas_problem_growth;

#endif
