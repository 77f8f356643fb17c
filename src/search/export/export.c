/* Networks of a run as files. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "export/onnx.h"
#include "search/config/names.h"
#include "search/error/network_file.h"
#include "search/export/translator.h"
#include "search/score/score.h"
#include "space/space.h"

/* Of any space; then those of its own. */
typedef enum export_format { FORMAT_ONNX, FORMAT_SAFETENSORS, FORMAT_OWN } export_format;
#define FORMATS_MOST 8

#define BATCH_MAX 65536

/* What a network is made of; the arrays are owned. */
typedef struct exported {
    char arch[FNAS_ARCH_TEXT_BYTES]; /* settled */
    fnas_net *net;
    float *memory;
    fnas_norm_state statistics;
} exported;

static void exported_free(exported *network) {
    fnas_net_destroy(network->net);
    fnas_free(network->memory);
}

static fnas_status settle_arch(fnas_context *context, const fnas_space *space, const char *arch, int32_t *choices, char *text) {
    fnas_status status = fnas_space_parse_given(context, space, arch, choices);
    if (status != FNAS_OK) return fnas_fail_prefix(context, status, "--arch");
    return fnas_space_format(context, space, choices, text, FNAS_ARCH_TEXT_BYTES);
}

static fnas_status take_statistics(fnas_context *context, const fnas_run *run, const char *data, exported *network) {
    size_t channels = (size_t)network->net->norm_channels;
    fnas_examples examples = {0};
    network->memory = fnas_allocate(2 * channels, sizeof *network->memory);
    if (!network->memory) return fnas_fail_memory(context, "the statistics of a network");
    network->statistics = (fnas_norm_state){network->memory, network->memory + channels};
    FNAS_TRY(fnas_run_open_data(context, run, data, &examples));
    fnas_status status = fnas_score_statistics(context, run, &examples, network->net, &network->statistics);
    fnas_examples_close(&examples);
    return status;
}

static fnas_status write_onnx(fnas_context *context, const fnas_run *run, const exported *network, int64_t batch, const char *path) {
    fnas_graph *graph = NULL;
    FNAS_TRY(fnas_graph_lower(context, network->net, &run->state.weights, &network->statistics, &graph));
    fnas_status status = fnas_onnx_write(context, graph, batch, path, NULL);
    fnas_graph_destroy(graph);
    return status;
}

static fnas_status write_network(fnas_context *context, const fnas_run *run, const fnas_export_options *options, export_format format,
                                 const int32_t *choices, exported *network, const char *path) {
    FNAS_TRY(fnas_space_record(context, run->supernet, choices, &network->net));
    FNAS_TRY(take_statistics(context, run, options->data, network));
    if (format == FORMAT_ONNX) return write_onnx(context, run, network, options->batch ? options->batch : 1, path);
    return fnas_network_write(context, run->supernet, network->arch, network->net, &run->state.weights, &network->statistics, path);
}

/* ---- networks that translate ---- */

/* They have no norms whose statistics were taken on data, and take batches of any size. */
static fnas_status check_translator(fnas_context *context, const fnas_export_options *options) {
    if (!options->batch && !options->data) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE, "%s has no use where networks translate: leave it out", options->batch ? "batch" : "data");
}

static fnas_status write_translator(fnas_context *context, const fnas_run *run, const fnas_export_options *options, export_format format,
                                    const int32_t *choices, const char *arch, const char *path) {
    FNAS_TRY(check_translator(context, options));
    if (format == FORMAT_ONNX) return fnas_export_translator_onnx(context, run, choices, path);
    return fnas_export_translator_tensors(context, run, choices, arch, path);
}

/* ---- formats of the architecture alone ---- */

static fnas_status write_own(fnas_context *context, const fnas_space *space, int format, const int32_t *choices, const char *arch,
                             const char *path) {
    fnas_text text = {0};
    fnas_space_own_format_at(space, format - FORMAT_OWN)->write(space, choices, arch, &text);
    fnas_status status = text.failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text.data, text.size);
    fnas_text_free(&text);
    return status;
}

/* ---- all formats ---- */

static fnas_status find_format(fnas_context *context, const fnas_space *space, const char *word, int *format) {
    const char *names[FORMATS_MOST + 1] = {"onnx", "safetensors"};
    const fnas_space_own_format *own;
    for (int64_t i = 0; FORMAT_OWN + i < FORMATS_MOST && (own = fnas_space_own_format_at(space, i)); i++) names[FORMAT_OWN + i] = own->name;
    fnas_status status = fnas_name_find(context, FNAS_ERR_USAGE, "format", word, names, format);
    return status == FNAS_OK ? FNAS_OK : fnas_fail_prefix(context, status, "in the space %s", fnas_space_name(space));
}

static fnas_status check(fnas_context *context, const fnas_space *space, const fnas_export_options *options, int *format) {
    if (!options->arch || !options->format) return fnas_fail(context, FNAS_ERR_USAGE, "export: an architecture and a format are needed");
    FNAS_TRY(find_format(context, space, options->format, format));
    if (options->batch < 0 || options->batch > BATCH_MAX || (options->batch && *format != FORMAT_ONNX))
        return fnas_fail(context, FNAS_ERR_USAGE, "batch: 1 to %d images, of an ONNX model", BATCH_MAX);
    return FNAS_OK;
}

fnas_status fnas_run_export(fnas_context *context, const fnas_run *run, const fnas_export_options *options, const char *path) {
    int format = FORMAT_ONNX;
    exported network = {.net = NULL};
    FNAS_TRY(check(context, run->space, options, &format));
    if (format < FORMAT_OWN && !fnas_search_has_supernet(&run->config))
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "%s: this run has its errors from a table or a surrogate, and no shared weights to make a network of", run->path);
    int32_t *choices = fnas_allocate((size_t)fnas_space_decision_count(run->space), sizeof *choices);
    if (!choices) return fnas_fail_memory(context, "an architecture");
    fnas_status status = settle_arch(context, run->space, options->arch, choices, network.arch);
    if (status == FNAS_OK) {
        if (format >= FORMAT_OWN)
            status = write_own(context, run->space, format, choices, network.arch, path);
        else if (fnas_search_translates(&run->config))
            status = write_translator(context, run, options, (export_format)format, choices, network.arch, path);
        else
            status = write_network(context, run, options, (export_format)format, choices, &network, path);
    }
    exported_free(&network);
    fnas_free(choices);
    return status;
}

fnas_status fnas_arch_export(fnas_context *context, const fnas_space *space, const fnas_export_options *options, const char *path) {
    int format = FORMAT_ONNX;
    char arch[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(check(context, space, options, &format));
    if (format < FORMAT_OWN)
        return fnas_fail(context, FNAS_ERR_USAGE, "format %s: a network has weights, which are a run's: name the run", options->format);
    int32_t *choices = fnas_allocate((size_t)fnas_space_decision_count(space), sizeof *choices);
    if (!choices) return fnas_fail_memory(context, "an architecture");
    fnas_status status = settle_arch(context, space, options->arch, choices, arch);
    if (status == FNAS_OK) status = write_own(context, space, format, choices, arch, path);
    fnas_free(choices);
    return status;
}
