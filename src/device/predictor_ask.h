/* Latencies of a few architectures on one device: a latency model that is made, asked once and dropped. */
#ifndef FNAS_DEVICE_PREDICTOR_ASK_H
#define FNAS_DEVICE_PREDICTOR_ASK_H

#include "base/error.h"
#include "fleetnas/predictor.h"

/* As fnas_latency_model_create and fnas_latency_model_predict, without the range over the space, which takes as long as thousands of
 * predictions. latency_ms [count]; errors are those of the two. */
FNAS_NODISCARD fnas_status fnas_predictor_ask(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space,
                                              const fnas_card *card, int64_t count, const int32_t *choices, double *latency_ms);
/* The same with 90 % intervals, as fnas_latency_model_predict_interval gives them: low_ms, latency_ms, high_ms [count]. */
FNAS_NODISCARD fnas_status fnas_predictor_ask_interval(fnas_context *context, const fnas_predictor *predictor, const fnas_space *space,
                                                       const fnas_card *card, int64_t count, const int32_t *choices, double *low_ms,
                                                       double *latency_ms, double *high_ms);

#endif
