#include "device/embedding.h"

void fnas_embedding_from_latency(int64_t count, const double *latency_ms, double *embedding) {
    if (count < 1) return;
    double smallest = latency_ms[0], largest = latency_ms[0];
    for (int64_t i = 1; i < count; i++) {
        if (latency_ms[i] < smallest) smallest = latency_ms[i];
        if (latency_ms[i] > largest) largest = latency_ms[i];
    }
    double range = largest - smallest;
    for (int64_t i = 0; i < count; i++) embedding[i] = range > 0.0 ? (latency_ms[i] - smallest) / range : 0.0;
}
