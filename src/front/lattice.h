/* Weights that lie evenly on the simplex (Das and Dennis 1998, "Normal-boundary intersection"): {r : r_i = k_i / steps, sum r = 1}. */
#ifndef FNAS_FRONT_LATTICE_H
#define FNAS_FRONT_LATTICE_H

#include <stdint.h>

int64_t fnas_lattice_size(int64_t objectives, int64_t steps);
/* The most steps with at most `most` points (at least 1). */
int64_t fnas_lattice_steps(int64_t objectives, int64_t most);
/* points [fnas_lattice_size(objectives, steps)][objectives], in descending lexicographic order. */
void fnas_lattice_fill(int64_t objectives, int64_t steps, double *points);

#endif
