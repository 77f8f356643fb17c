/* The minimum-norm point of the convex hull of T gradients (Desideri 2012, MGDA; Frank-Wolfe on the Gram matrix as Sener and Koltun 2018).
 */
#ifndef FNAS_SEARCH_MINNORM_H
#define FNAS_SEARCH_MINNORM_H

#include <stdint.h>

/* Weights [count] >= 0 with sum 1 that minimise |sum_t weights_t g_t|^2, from the Gram matrix gram [count][count] of the g_t. Returns that
 * cost. workspace [count]. */
double fnas_minnorm_solve(int64_t count, const double *gram, double *workspace, double *weights);

#endif
