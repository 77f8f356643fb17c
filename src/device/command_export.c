#include "device/command_export.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "compute/engine.h"
#include "device/child.h"
#include "device/command.h"
#include "device/command_export_translator.h"
#include "device/subject.h"
#include "export/onnx.h"
#include "export/raw_f32.h"

#define PART_BYTES ((size_t)512 << 20)
#define NAME_BYTES 24
#define LOGITS_SUFFIX ".logits"

enum { MESSAGE_COUNT };

typedef struct exporter {
    fnas_context *context;
    const fnas_timing_plan *plan;
    const char *folder;
    fnas_subject_source source;
    fnas_batches batches;
    float *logits; /* of a batch */
} exporter;

/* ---- one network ---- */

/* Written with the first network of its size. */
static fnas_status write_images(exporter *exporting, fnas_value_shape shape, const float **images) {
    const fnas_space *space = exporting->plan->space;
    char name[FNAS_COMMAND_IMAGES_BYTES];
    int64_t size[3] = {shape.c, shape.h, shape.w}, before = exporting->batches.made_count;
    FNAS_TRY(fnas_batches_get(exporting->context, &exporting->batches, shape, images));
    if (exporting->batches.made_count == before) return FNAS_OK;
    fnas_command_images_name(space, size, name);
    char *path = fnas_path_join(exporting->folder, name);
    if (!path) return fnas_fail_memory(exporting->context, "networks");
    fnas_status status = fnas_raw_f32_write(exporting->context, path, exporting->plan->batch * shape.c * shape.h * shape.w, *images);
    fnas_free(path);
    return status;
}

static fnas_status write_logits(exporter *exporting, const fnas_graph *graph, const char *path) {
    const fnas_timing_plan *plan = exporting->plan;
    fnas_runtime_options options = {FNAS_PRECISION_F32, plan->batch, 1, 0, NULL};
    int64_t count = plan->batch * plan->space->classes;
    void *instance = NULL;
    const float *images;
    FNAS_TRY(write_images(exporting, graph->nodes[0].shape, &images));
    FNAS_TRY(fnas_runtime_onednn.create(exporting->context, graph, &options, &instance));
    fnas_status status = fnas_runtime_onednn.run(exporting->context, instance, images, exporting->logits);
    fnas_runtime_onednn.destroy(instance);
    for (int64_t i = 0; status == FNAS_OK && i < count; i++)
        if (!isfinite(exporting->logits[i]))
            status = fnas_fail(exporting->context, FNAS_ERR_NUMERIC, "a network gives logits that are not finite");
    return status == FNAS_OK ? fnas_raw_f32_write(exporting->context, path, count, exporting->logits) : status;
}

static fnas_status write_network(exporter *exporting, const int32_t *choices, const char *name, size_t *size_bytes) {
    fnas_text onnx = {0}, logits = {0};
    fnas_graph *graph = NULL;
    if (exporting->plan->vocabulary)
        return fnas_command_export_translator(exporting->context, exporting->plan, exporting->folder, choices, name, size_bytes);
    fnas_text_append(&onnx, "%s/%s.onnx", exporting->folder, name);
    fnas_text_append(&logits, "%s/%s" LOGITS_SUFFIX, exporting->folder, name);
    fnas_status status = onnx.failed || logits.failed ? fnas_fail_memory(exporting->context, "a path") : FNAS_OK;
    if (status == FNAS_OK) status = fnas_subject_graph(exporting->context, &exporting->source, choices, &graph);
    if (status == FNAS_OK) status = fnas_onnx_write(exporting->context, graph, exporting->plan->batch, onnx.data, size_bytes);
    if (status == FNAS_OK) status = write_logits(exporting, graph, logits.data);
    fnas_graph_destroy(graph);
    fnas_text_free(&onnx);
    fnas_text_free(&logits);
    return status;
}

/* ---- the child ---- */

static fnas_status begin(exporter *exporting) {
    const fnas_timing_plan *plan = exporting->plan;
    fnas_engine_prepare_thread(0);
    if (plan->vocabulary) return FNAS_OK;
    FNAS_TRY(fnas_subject_source_create(exporting->context, plan->space, plan->seed, plan->image_count, plan->images, &exporting->source));
    exporting->batches = exporting->source.images;
    exporting->batches.count = plan->batch;
    exporting->logits = fnas_allocate((size_t)(plan->batch * plan->space->classes), sizeof *exporting->logits);
    return exporting->logits ? FNAS_OK : fnas_fail_memory(exporting->context, "networks");
}

typedef struct export_job {
    const fnas_timing_plan *plan;
    const char *folder;
    int64_t first;
    int64_t *count; /* filled in by the parent */
} export_job;

static fnas_status write_part(exporter *exporting, const export_job *job, fnas_child_port *port) {
    const fnas_timing_plan *plan = job->plan;
    size_t written = 0, size_bytes = 0;
    int64_t number = job->first;
    FNAS_TRY(write_network(exporting, plan->drift_choices, FNAS_COMMAND_DRIFT, &size_bytes));
    for (; number < plan->count && (written < PART_BYTES || number == job->first); number++) {
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "%lld", (long long)number);
        FNAS_TRY(write_network(exporting, plan->choices + number * fnas_space_decision_count(plan->space), name, &size_bytes));
        written += size_bytes;
        fnas_child_progress(port, job->first * (plan->rounds + 1) + number - job->first + 1, plan->count * (plan->rounds + 1));
    }
    int64_t count = number - job->first;
    return fnas_child_send(exporting->context, port, MESSAGE_COUNT, &count, sizeof count);
}

/* What it holds goes with the process. */
static fnas_status run_job(fnas_context *context, fnas_child_port *port, void *user) {
    const export_job *job = user;
    exporter exporting = {.context = context, .plan = job->plan, .folder = job->folder};
    FNAS_TRY(begin(&exporting));
    return write_part(&exporting, job, port);
}

static fnas_status receive(fnas_context *context, void *user, uint32_t type, const void *data, size_t size_bytes) {
    const export_job *job = user;
    if (type != MESSAGE_COUNT || size_bytes != sizeof *job->count)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: the child process sent a malformed message", job->plan->stage);
    memcpy(job->count, data, sizeof *job->count);
    return FNAS_OK;
}

fnas_status fnas_command_export(fnas_context *context, const fnas_timing_plan *plan, const char *folder, int64_t first, int64_t *count) {
    export_job job = {plan, folder, first, count};
    fnas_child_task task = {.stage = plan->stage, .job = run_job, .receiver = receive, .user = &job};
    *count = 0;
    FNAS_TRY(fnas_child_run(context, &task));
    if (*count >= 1 && *count <= plan->count - first) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: the child process ended without a full result", plan->stage);
}
