#include "search/query/front_result.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

fnas_status fnas_front_create(fnas_context *context, const char *device, const fnas_search_config *config, const fnas_space *space,
                              int64_t points, fnas_front **front) {
    *front = NULL;
    fnas_front *created = fnas_allocate(1, sizeof *created);
    if (!created) return fnas_fail_memory(context, "a front");
    created->objective_count = config->objective_count;
    created->decision_count = fnas_space_decision_count(space);
    created->point_count = points;
    created->error = config->error;
    memcpy(created->objectives, config->objectives, sizeof created->objectives);
    size_t n = (size_t)points, m = (size_t)config->objective_count;
    created->device = fnas_strdup(device);
    created->choices = fnas_allocate(n * (size_t)created->decision_count, sizeof *created->choices);
    created->archs = fnas_allocate(n, sizeof *created->archs);
    created->preferences = fnas_allocate(n * m, sizeof *created->preferences);
    created->values = fnas_allocate(n * m, sizeof *created->values);
    created->latency_ms = fnas_allocate(n, sizeof *created->latency_ms);
    created->low_ms = fnas_allocate(n, sizeof *created->low_ms);
    created->high_ms = fnas_allocate(n, sizeof *created->high_ms);
    created->measured = fnas_allocate(n, sizeof *created->measured);
    bool complete = created->device && created->choices && created->archs && created->preferences && created->values &&
                    created->latency_ms && created->low_ms && created->high_ms && created->measured;
    if (!complete) {
        fnas_front_free(created);
        return fnas_fail_memory(context, "a front");
    }
    *front = created;
    return FNAS_OK;
}

fnas_status fnas_front_set_point(fnas_context *context, const fnas_space *space, fnas_front *front, int64_t point, const int32_t *choices,
                                 const double *preference, const double *values, double latency_ms) {
    char text[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(fnas_space_format(context, space, choices, text, sizeof text));
    char *arch = fnas_strdup(text);
    if (!arch) return fnas_fail_memory(context, "a front");
    fnas_free(front->archs[point]);
    front->archs[point] = arch;
    int64_t m = front->objective_count;
    memcpy(front->choices + point * front->decision_count, choices, (size_t)front->decision_count * sizeof *choices);
    memcpy(front->preferences + point * m, preference, (size_t)m * sizeof *preference);
    memcpy(front->values + point * m, values, (size_t)m * sizeof *values);
    front->latency_ms[point] = latency_ms;
    return FNAS_OK;
}

void fnas_front_free(fnas_front *front) {
    if (!front) return;
    for (int64_t i = 0; front->archs && i < front->point_count; i++) fnas_free(front->archs[i]);
    fnas_free(front->device);
    fnas_free(front->choices);
    fnas_free(front->archs);
    fnas_free(front->preferences);
    fnas_free(front->values);
    fnas_free(front->latency_ms);
    fnas_free(front->low_ms);
    fnas_free(front->high_ms);
    fnas_free(front->measured);
    fnas_free(front);
}

void fnas_front_settle_measured(fnas_front *front) {
    for (int64_t i = 0; i < front->point_count; i++) {
        if (!front->measured[i]) continue;
        front->low_ms[i] = 0;
        front->high_ms[i] = INFINITY;
        for (int64_t k = 0; k < front->objective_count; k++)
            if (front->objectives[k] == FNAS_OBJECTIVE_LATENCY) front->latency_ms[i] = front->values[i * front->objective_count + k];
    }
}

bool fnas_front_measured(const fnas_front *front, int64_t point) {
    return front->measured[point];
}

const char *fnas_front_device(const fnas_front *front) {
    return front->device;
}

int64_t fnas_front_objective_count(const fnas_front *front) {
    return front->objective_count;
}

static const char *source_of(const fnas_front *front, int64_t objective, bool measured) {
    fnas_objective_kind kind = front->objectives[objective];
    bool can_be = kind == FNAS_OBJECTIVE_LATENCY || kind == FNAS_OBJECTIVE_ENERGY;
    return measured && can_be ? "measured" : fnas_objective_source(kind, front->error);
}

const char *fnas_front_source(const fnas_front *front, int64_t objective, int64_t point) {
    return source_of(front, objective, front->measured[point]);
}

fnas_front_objective fnas_front_objective_at(const fnas_front *front, int64_t objective) {
    fnas_objective_kind kind = front->objectives[objective];
    bool measured = front->point_count > 0;
    for (int64_t i = 0; i < front->point_count; i++) measured &= front->measured[i];
    return (fnas_front_objective){fnas_objective_name(kind), fnas_objective_unit(kind), source_of(front, objective, measured)};
}

int64_t fnas_front_point_count(const fnas_front *front) {
    return front->point_count;
}

const int32_t *fnas_front_choices(const fnas_front *front, int64_t point) {
    return front->choices + point * front->decision_count;
}

const char *fnas_front_arch(const fnas_front *front, int64_t point) {
    return front->archs[point];
}

void fnas_front_latency_interval(const fnas_front *front, int64_t point, double *low_ms, double *high_ms) {
    *low_ms = front->low_ms[point];
    *high_ms = front->high_ms[point];
}

const double *fnas_front_preference(const fnas_front *front, int64_t point) {
    return front->preferences + point * front->objective_count;
}

const double *fnas_front_values(const fnas_front *front, int64_t point) {
    return front->values + point * front->objective_count;
}
