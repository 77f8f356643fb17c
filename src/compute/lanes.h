/* Sums over planes [H][W][block] by lanes (vector.h): lane l holds elements whose index is l modulo FNAS_LANES, so of channel l % block.
 * Each adds to its double results [FNAS_LANES]. */
#ifndef FNAS_COMPUTE_LANES_H
#define FNAS_COMPUTE_LANES_H

#include "compute/vector.h"

void fnas_lanes_sum(size_t count, const float *x, double *sum);
void fnas_lanes_dot(size_t count, const float *a, const float *b, double *sum);
/* sum += x - pivot[lane]; square += (x - pivot[lane])^2 */
void fnas_lanes_moments(size_t count, const float *x, const float *pivot, double *sum, double *square);
/* sum += d; product += d * (x - pivot[lane]) */
void fnas_lanes_products(size_t count, const float *d, const float *x, const float *pivot, double *sum, double *product);

double fnas_lanes_total(const double *sum);

#endif
