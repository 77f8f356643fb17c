/* error.safetensors: what a search without a supernet leaves in its run, and `--error surrogate:FILE` takes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "export/safetensors.h"
#include "search/error/surrogate.h"

#define FORMAT "fleetnas-error/1"
#define LIMIT_BYTES ((size_t)1 << 32)
#define CHECKED 8 /* architectures whose errors tell whether the space's features are still those of the fit */
#define CHECK_SEED UINT64_C(0x6572726f72)
#define ALWAYS 2 /* tensors of every kind */

static void check_values(const fnas_surrogate *surrogate, double values[CHECKED]) {
    int32_t choices[FNAS_SURROGATE_DECISIONS_MAX];
    for (int64_t i = 0; i < CHECKED; i++) {
        fnas_space_random(surrogate->space, CHECK_SEED, i, choices);
        values[i] = fnas_surrogate_prediction(surrogate, choices);
    }
}

/* ---- saving ---- */

/* Of a table, or what was fitted to one. */
static fnas_status save_rows(fnas_context *context, const fnas_surrogate *surrogate, fnas_safetensors_tensor *tensors, const char *path) {
    fnas_text spearman = {0}, mean_error = {0}, rows = {0};
    fnas_text_append_number(&spearman, surrogate->spearman);
    fnas_text_append_number(&mean_error, surrogate->mean_error_pct);
    fnas_text_append(&rows, "%lld", (long long)surrogate->row_count);
    bool exact = surrogate->is_exact;
    if (exact) {
        tensors[2] = (fnas_safetensors_tensor){"error_pct", FNAS_SAFETENSORS_F64, 1, {surrogate->row_count}, surrogate->errors};
        tensors[3] = (fnas_safetensors_tensor){
            "choices", FNAS_SAFETENSORS_I32, 2, {surrogate->row_count, surrogate->rows.decisions}, surrogate->rows.choices};
    } else {
        tensors[2] = (fnas_safetensors_tensor){"weights", FNAS_SAFETENSORS_F64, 1, {surrogate->feature_count}, surrogate->weights};
        tensors[3] = (fnas_safetensors_tensor){"network", FNAS_SAFETENSORS_F64, 1, {surrogate->trunk.value_count}, surrogate->trunk_values};
    }
    const fnas_safetensors_text metadata[] = {{"format", FORMAT},
                                              {"kind", exact ? "table" : "surrogate"},
                                              {"space", fnas_space_spec(surrogate->space)},
                                              {"column", surrogate->column},
                                              {"rows", rows.data},
                                              {"spearman", spearman.data},
                                              {"mean_error_pct", mean_error.data}};
    int64_t metadata_count = exact ? 5 : 7; /* a table has nothing to validate */
    fnas_status status = spearman.failed || mean_error.failed || rows.failed
                             ? fnas_fail_memory(context, path)
                             : fnas_safetensors_write(context, path, tensors, ALWAYS + 2, metadata, metadata_count);
    fnas_text_free(&spearman);
    fnas_text_free(&mean_error);
    fnas_text_free(&rows);
    return status;
}

static fnas_status save_network(fnas_context *context, const fnas_surrogate *surrogate, fnas_safetensors_tensor *tensors,
                                const char *path) {
    const fnas_network *network = surrogate->network;
    const fnas_safetensors_text metadata[] = {{"format", FORMAT},
                                              {"kind", "network"},
                                              {"space", fnas_space_spec(surrogate->space)},
                                              {"input", network->encoding->name},
                                              {"output", fnas_network_output_names[network->output]}};
    fnas_status status = fnas_network_fill_tensors(context, network, tensors + ALWAYS);
    if (status == FNAS_OK)
        status = fnas_safetensors_write(context, path, tensors, ALWAYS + 2 * network->layer_count, metadata,
                                        sizeof metadata / sizeof *metadata);
    fnas_network_release_tensors(network, tensors + ALWAYS);
    return status;
}

fnas_status fnas_surrogate_save(fnas_context *context, const fnas_surrogate *surrogate, const char *path) {
    double check[CHECKED], constants[4] = {surrogate->mean, surrogate->scale, surrogate->low, surrogate->high};
    fnas_safetensors_tensor tensors[ALWAYS + FNAS_NETWORK_TENSORS_MAX] = {{"check", FNAS_SAFETENSORS_F64, 1, {CHECKED}, check},
                                                                          {"constants", FNAS_SAFETENSORS_F64, 1, {4}, constants}};
    check_values(surrogate, check);
    return surrogate->network ? save_network(context, surrogate, tensors, path) : save_rows(context, surrogate, tensors, path);
}

/* ---- loading ---- */

static fnas_status metadata_of(fnas_context *context, const fnas_safetensors *file, const char *path, const char *key, const char **value) {
    *value = fnas_safetensors_metadata(file, key);
    return *value ? FNAS_OK : fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"%s\" is missing: this is no file of errors", path, key);
}

static fnas_status numbers_of(fnas_context *context, const fnas_safetensors *file, const char *path, const char *name, int64_t count,
                              double *numbers) {
    const void *data;
    FNAS_TRY(fnas_safetensors_get(context, file, name, FNAS_SAFETENSORS_F64, 1, &count, &data));
    memcpy(numbers, data, (size_t)count * sizeof *numbers);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(numbers[i])) return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" holds %g", path, name, numbers[i]);
    return FNAS_OK;
}

static fnas_status load_table(fnas_context *context, const fnas_safetensors *file, const char *path, fnas_surrogate *surrogate) {
    const void *data;
    const fnas_space *space = surrogate->space;
    int64_t rows = surrogate->row_count, decisions = surrogate->rows.decisions;
    FNAS_TRY(fnas_safetensors_get(context, file, "choices", FNAS_SAFETENSORS_I32, 2, (int64_t[]){rows, decisions}, &data));
    surrogate->errors = fnas_allocate((size_t)rows, sizeof *surrogate->errors);
    if (!surrogate->errors) return fnas_fail_memory(context, path);
    FNAS_TRY(numbers_of(context, file, path, "error_pct", rows, surrogate->errors));
    for (int64_t i = 0; i < rows; i++)
        if (surrogate->errors[i] < 0 || surrogate->errors[i] > 100)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"error_pct\" holds %g: an error is in percent, 0 to 100", path,
                             surrogate->errors[i]);
    const int32_t *choices = data;
    for (int64_t i = 0; i < rows * decisions; i++)
        if (choices[i] < 0 || choices[i] >= space->decisions[i % decisions].choice_count)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"choices\" holds %d, which decision %s has not", path, (int)choices[i],
                             space->decisions[i % decisions].name);
    FNAS_TRY(fnas_arch_set_add_all(context, &surrogate->rows, rows, choices));
    if (surrogate->rows.count != rows)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"choices\" holds an architecture twice", path);
    if (fnas_surrogate_covers_space(surrogate)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"choices\" lacks architectures of the space %s", path, fnas_space_name(space));
}

static fnas_status load_function(fnas_context *context, const fnas_safetensors *file, const char *path, fnas_surrogate *surrogate) {
    const char *spearman, *mean_error;
    FNAS_TRY(metadata_of(context, file, path, "spearman", &spearman));
    FNAS_TRY(metadata_of(context, file, path, "mean_error_pct", &mean_error));
    if (!fnas_parse_double(spearman, &surrogate->spearman) || !(fabs(surrogate->spearman) <= 1))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"spearman\" is \"%.40s\", no rank correlation", path, spearman);
    if (!fnas_parse_double(mean_error, &surrogate->mean_error_pct) || !(surrogate->mean_error_pct >= 0))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"mean_error_pct\" is \"%.40s\", no number", path, mean_error);
    FNAS_TRY(numbers_of(context, file, path, "weights", surrogate->feature_count, surrogate->weights));
    return numbers_of(context, file, path, "network", surrogate->trunk.value_count, surrogate->trunk_values);
}

static fnas_status check_function(fnas_context *context, const fnas_safetensors *file, const char *path, const fnas_surrogate *surrogate) {
    double expected[CHECKED], now[CHECKED];
    FNAS_TRY(numbers_of(context, file, path, "check", CHECKED, expected));
    check_values(surrogate, now);
    for (int i = 0; i < CHECKED; i++)
        if (!(fabs(now[i] - expected[i]) <= 1e-6 * (1 + fabs(expected[i]))))
            return fnas_fail(
                context, FNAS_ERR_INPUT,
                "%s: gives other errors than when it was made: it was fitted with other features of the space %s; search again "
                "with --error table:...",
                path, fnas_space_name(surrogate->space));
    return FNAS_OK;
}

static fnas_status load_rows(fnas_context *context, const fnas_safetensors *file, const char *path, fnas_surrogate *surrogate) {
    const char *column, *rows;
    FNAS_TRY(metadata_of(context, file, path, "column", &column));
    FNAS_TRY(metadata_of(context, file, path, "rows", &rows));
    if (!fnas_parse_int64(rows, &surrogate->row_count) || surrogate->row_count < 1 || surrogate->row_count > 100000000)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"rows\" is \"%.40s\", no number of rows", path, rows);
    surrogate->column = fnas_strdup(column);
    if (!surrogate->column) return fnas_fail_memory(context, path);
    return surrogate->is_exact ? load_table(context, file, path, surrogate) : load_function(context, file, path, surrogate);
}

static fnas_status load_network(fnas_context *context, const fnas_safetensors *file, const char *path, fnas_surrogate *surrogate) {
    const char *input, *output;
    FNAS_TRY(metadata_of(context, file, path, "input", &input));
    FNAS_TRY(metadata_of(context, file, path, "output", &output));
    return fnas_network_take_tensors(context, surrogate->space, file, path, input, output, &surrogate->network);
}

static fnas_status load_parts(fnas_context *context, const fnas_safetensors *file, const char *path, fnas_surrogate *surrogate) {
    const char *kind;
    double constants[4];
    FNAS_TRY(metadata_of(context, file, path, "kind", &kind));
    bool is_network = strcmp(kind, "network") == 0;
    surrogate->is_exact = strcmp(kind, "table") == 0;
    if (!surrogate->is_exact && !is_network && strcmp(kind, "surrogate") != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"kind\" is \"%.40s\": \"table\", \"surrogate\" and \"network\" are known",
                         path, kind);
    FNAS_TRY(numbers_of(context, file, path, "constants", 4, constants));
    surrogate->mean = constants[0];
    surrogate->scale = constants[1];
    surrogate->low = constants[2];
    surrogate->high = constants[3];
    FNAS_TRY(is_network ? load_network(context, file, path, surrogate) : load_rows(context, file, path, surrogate));
    surrogate->is_fitted = true;
    return check_function(context, file, path, surrogate);
}

static fnas_status load_file(fnas_context *context, const fnas_space *space, const fnas_safetensors *file, const char *path,
                             fnas_surrogate **surrogate) {
    const char *format, *spec;
    FNAS_TRY(metadata_of(context, file, path, "format", &format));
    if (strcmp(format, FORMAT) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: format is \"%.40s\", this version reads \"" FORMAT "\"", path, format);
    FNAS_TRY(fnas_safetensors_require_crc(context, file));
    FNAS_TRY(metadata_of(context, file, path, "space", &spec));
    if (strcmp(spec, fnas_space_spec(space)) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: these errors are of the space %s, the search is in %s", path, spec,
                         fnas_space_spec(space));
    FNAS_TRY(fnas_surrogate_create(context, space, surrogate));
    return load_parts(context, file, path, *surrogate);
}

fnas_status fnas_surrogate_load(fnas_context *context, const fnas_space *space, const char *path, fnas_surrogate **surrogate) {
    fnas_safetensors *file = NULL;
    *surrogate = NULL;
    FNAS_TRY(fnas_safetensors_read(context, path, LIMIT_BYTES, &file));
    fnas_status status = load_file(context, space, file, path, surrogate);
    fnas_safetensors_free(file);
    if (status == FNAS_OK) return FNAS_OK;
    fnas_surrogate_free(*surrogate);
    *surrogate = NULL;
    return status;
}
