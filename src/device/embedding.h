/* The hardware embedding of a device: what its reference latencies say of it when their scale is taken away. */
#ifndef FNAS_DEVICE_EMBEDDING_H
#define FNAS_DEVICE_EMBEDDING_H

#include <stdint.h>

/* Min-max normalises latencies [count] over themselves into embedding [count], in [0, 1] (Lee et al. 2021, HELP); all 0 when they are
 * equal. */
void fnas_embedding_from_latency(int64_t count, const double *latency_ms, double *embedding);

#endif
