#include "device/subject.h"

#include <string.h>

#include "base/memory.h"

fnas_status fnas_subject_source_create(fnas_context *context, const fnas_space *space, uint64_t seed, int64_t image_count,
                                       const float *images, fnas_subject_source *source) {
    memset(source, 0, sizeof *source);
    source->space = space;
    source->images = (fnas_batches){
        .shape = {space->image[0], space->image[1], space->image[2]}, .images = images, .image_count = image_count, .count = image_count};
    FNAS_TRY(fnas_space_declare(context, space, &source->parameters));
    if (!source->parameters.values) FNAS_TRY(fnas_parameters_allocate(context, &source->parameters));
    fnas_parameters_initialise(&source->parameters, seed);
    return fnas_worker_create(context, FNAS_COMPUTE_F32, &source->worker);
}

void fnas_subject_source_free(fnas_subject_source *source) {
    if (source->worker.engine) fnas_worker_destroy(&source->worker);
    fnas_parameters_free(&source->parameters);
    fnas_batches_free(&source->images);
}

static fnas_status lower_calibrated(fnas_context *context, fnas_subject_source *source, const fnas_net *net, fnas_norm_state *state,
                                    fnas_graph **graph) {
    const float *images;
    int64_t count = source->images.count;
    FNAS_TRY(fnas_batches_get(context, &source->images, net->values[0], &images));
    FNAS_TRY(fnas_path_recalibrate(context, &source->worker, net, &source->parameters, count, count, net->values[0], images, state));
    return fnas_graph_lower(context, net, &source->parameters, state, graph);
}

fnas_status fnas_subject_graph(fnas_context *context, fnas_subject_source *source, const int32_t *choices, fnas_graph **graph) {
    fnas_net *net = NULL;
    *graph = NULL;
    FNAS_TRY(fnas_space_record(context, source->space, choices, &net));
    float *statistics = fnas_allocate((size_t)net->norm_channels, 2 * sizeof *statistics);
    fnas_status status = statistics ? FNAS_OK : fnas_fail_memory(context, "the statistics of a network");
    fnas_norm_state state = {statistics, statistics ? statistics + net->norm_channels : NULL};
    if (status == FNAS_OK) status = lower_calibrated(context, source, net, &state, graph);
    fnas_free(statistics);
    fnas_net_destroy(net);
    return status;
}

fnas_status fnas_subject_images(fnas_context *context, fnas_subject_source *source, const fnas_graph *graph, const float **images) {
    return fnas_batches_get(context, &source->images, graph->nodes[0].shape, images);
}
