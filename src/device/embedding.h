/* The hardware embedding of a device: what its reference latencies say of it when their scale is taken away. */
#ifndef FNAS_DEVICE_EMBEDDING_H
#define FNAS_DEVICE_EMBEDDING_H

#include "base/error.h"
#include "fleetnas/space.h"

/* Min-max normalises latencies [count] over themselves into embedding [count], in [0, 1] (Lee et al. 2021, HELP); all 0 when they are
 * equal. Both may be the same array. */
void fnas_embedding_from_latency(int64_t count, const double *latency_ms, double *embedding);

/* The embedding of a device of which only rows of averages were measured (space/space.h), none of them on other devices: a small regression
 * on the rows' cost features says what the space's own reference architectures would take, embedding [count] is of these. Ridge with costs
 * that are not negative; count rows [count][decisions] with latency_ms [count], as many as the space has references. Errors: FNAS_ERR_INPUT
 * (a space without so many references), FNAS_ERR_NUMERIC, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_embedding_from_averages(fnas_context *context, const fnas_space *space, int64_t count, const int32_t *rows,
                                                        const double *latency_ms, double *embedding);

#endif
