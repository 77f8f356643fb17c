/* Element-wise loops that other operators use too. */
#ifndef FNAS_COMPUTE_ELEMENTWISE_H
#define FNAS_COMPUTE_ELEMENTWISE_H

#include <stddef.h>

void fnas_floats_add(size_t count, const float *from, float *to); /* to += from */

#endif
