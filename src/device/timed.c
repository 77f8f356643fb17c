#include "device/timed.h"

#include <math.h>
#include <string.h>

#include <omp.h>

#include "base/memory.h"

fnas_status fnas_timed_source_create(fnas_context *context, const fnas_timing_plan *plan, fnas_timed_source *source) {
    *source = (fnas_timed_source){.plan = plan};
    if (plan->vocabulary) return FNAS_OK;
    FNAS_TRY(fnas_subject_source_create(context, plan->space, plan->seed, plan->image_count, plan->images, &source->subjects));
    source->batches = source->subjects.images;
    source->batches.count = plan->batch;
    source->logits = fnas_allocate((size_t)(plan->batch * plan->space->classes), sizeof *source->logits);
    return source->logits ? FNAS_OK : fnas_fail_memory(context, "timing");
}

/* ---- preparation ---- */

/* Which part of the network each node is, as long as the graph is there to ask. */
static fnas_status keep_parts(fnas_context *context, fnas_timed_source *source, const fnas_graph *graph, fnas_timed_network *network) {
    void *node_ms = source->node_ms;
    if (source->plan->part_count == 0) return FNAS_OK;
    bool grown = fnas_grow(&node_ms, &source->node_capacity, (size_t)graph->node_count, sizeof *source->node_ms);
    source->node_ms = node_ms;
    network->node_count = graph->node_count;
    network->parts = grown ? fnas_allocate((size_t)graph->node_count, sizeof *network->parts) : NULL;
    if (!network->parts) return fnas_fail_memory(context, "timing");
    for (int64_t i = 0; i < graph->node_count; i++) network->parts[i] = graph->nodes[i].part;
    return FNAS_OK;
}

static fnas_status prepare_graph(fnas_context *context, fnas_timed_source *source, const int32_t *choices,
                                 const fnas_runtime_options *given, fnas_timed_network *network) {
    fnas_runtime_options options = *given;
    fnas_graph *graph;
    FNAS_TRY(fnas_subject_graph(context, &source->subjects, choices, &graph));
    fnas_status status = fnas_subject_images(context, &source->subjects, graph, &options.calibration_images);
    if (status == FNAS_OK) status = fnas_batches_get(context, &source->batches, graph->nodes[0].shape, &network->images);
    if (status == FNAS_OK) status = source->plan->runtime->create(context, graph, &options, &network->instance);
    if (status == FNAS_OK) status = keep_parts(context, source, graph, network);
    fnas_graph_destroy(graph);
    return status;
}

fnas_status fnas_timed_prepare(fnas_context *context, fnas_timed_source *source, const int32_t *choices, fnas_timed_network *network) {
    const fnas_timing_plan *plan = source->plan;
    fnas_runtime_options options = {plan->precision, plan->batch, plan->threads, plan->image_count, NULL};
    omp_set_num_threads(1);
    if (!plan->vocabulary) return prepare_graph(context, source, choices, &options, network);
    return fnas_translating_create(context, plan->runtime, plan->space, choices, plan->vocabulary, plan->seed, &options,
                                   &network->translating);
}

void fnas_timed_release(const fnas_timed_source *source, fnas_timed_network *network) {
    fnas_translating_destroy(network->translating);
    source->plan->runtime->destroy(network->instance);
    fnas_free(network->parts);
    *network = (fnas_timed_network){0};
}

size_t fnas_timed_bytes(const fnas_timed_source *source, const fnas_timed_network *network) {
    return network->translating ? fnas_translating_bytes(network->translating) : source->plan->runtime->bytes(network->instance);
}

/* ---- running ---- */

fnas_status fnas_timed_run(fnas_context *context, fnas_timed_source *source, const fnas_timed_network *network) {
    if (network->translating) return fnas_translating_run(context, network->translating);
    return source->plan->runtime->run(context, network->instance, network->images, source->logits);
}

/* Decoding looks at its logits itself. */
fnas_status fnas_timed_check(fnas_context *context, const fnas_timed_source *source) {
    for (int64_t i = 0; source->logits && i < source->plan->batch * source->plan->space->classes; i++)
        if (!isfinite(source->logits[i])) return fnas_fail(context, FNAS_ERR_NUMERIC, "a network gives logits that are not finite");
    return FNAS_OK;
}

fnas_status fnas_timed_run_parts(fnas_context *context, fnas_timed_source *source, const fnas_timed_network *network, int64_t repeats,
                                 double *part_ms) {
    int64_t count = source->plan->part_count;
    memset(source->node_ms, 0, (size_t)network->node_count * sizeof *source->node_ms);
    memset(part_ms, 0, (size_t)count * sizeof *part_ms);
    for (int64_t i = 0; i < repeats; i++)
        FNAS_TRY(source->plan->runtime->run_timed(context, network->instance, network->images, source->logits, source->node_ms));
    for (int64_t i = 0; i < network->node_count; i++)
        if (network->parts[i] < count) part_ms[network->parts[i]] += source->node_ms[i] / (double)repeats;
    return FNAS_OK;
}
