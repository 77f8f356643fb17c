/* The predictor's file: safetensors, with what is not a number in its metadata. The same predictor gives the same bytes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/predictor_internal.h"
#include "export/safetensors.h"
#include "space/space.h"

#define FNAS_PREDICTOR_FORMAT "fleetnas-predictor/2"
#define FNAS_PREDICTOR_FORMAT_OWN "fleetnas-predictor/3" /* devices have references of their own */
#define FNAS_PREDICTOR_FILE_LIMIT ((size_t)1 << 30)
#define FNAS_PREDICTOR_TENSORS 11
#define FNAS_PREDICTOR_FINGERPRINTS 16 /* architectures whose features make the fingerprint */
#define FNAS_PREDICTOR_FINGERPRINT_SEED UINT64_C(0x66696e676572)

/* The numbers of all devices in one block, as the file holds them. */
typedef struct fnas_device_table {
    double *memory, *scale_ms, *noise, *quantile, *new_quantile; /* [T], [T], [T], [1] */
    double *reference, *coefficients;                            /* [T][references], [T][basis] */
} fnas_device_table;

static fnas_status fnas_device_table_allocate(fnas_context *context, const fnas_predictor *predictor, fnas_device_table *table) {
    int64_t devices = predictor->device_count;
    table->memory = fnas_allocate((size_t)(1 + devices * (3 + predictor->reference_count + predictor->basis_count)), sizeof(double));
    if (!table->memory) return fnas_fail_memory(context, "predictor file");
    table->scale_ms = table->memory;
    table->noise = table->scale_ms + devices;
    table->quantile = table->noise + devices;
    table->new_quantile = table->quantile + devices;
    table->reference = table->new_quantile + 1;
    table->coefficients = table->reference + devices * predictor->reference_count;
    return FNAS_OK;
}

/* Names, shapes and places of all tensors; the same list writes and reads. */
static void fnas_predictor_tensors(const fnas_predictor *predictor, const fnas_device_table *table, fnas_safetensors_tensor *tensors) {
    int64_t features = predictor->map.feature_count, devices = predictor->device_count;
    const fnas_trunk *trunk = &predictor->trunk;
    const fnas_safetensors_tensor list[FNAS_PREDICTOR_TENSORS] = {
        {"device.coefficients", FNAS_SAFETENSORS_F64, 2, {devices, predictor->basis_count}, table->coefficients},
        {"device.interval", FNAS_SAFETENSORS_F64, 1, {devices}, table->quantile},
        {"device.noise", FNAS_SAFETENSORS_F64, 1, {devices}, table->noise},
        {"device.reference", FNAS_SAFETENSORS_F64, 2, {devices, predictor->reference_count}, table->reference},
        {"device.scale_ms", FNAS_SAFETENSORS_F64, 1, {devices}, table->scale_ms},
        {"interval", FNAS_SAFETENSORS_F64, 1, {1}, table->new_quantile},
        {"trunk.bias1", FNAS_SAFETENSORS_F64, 1, {FNAS_TRUNK_HIDDEN}, trunk->b1},
        {"trunk.bias2", FNAS_SAFETENSORS_F64, 1, {FNAS_TRUNK_HIDDEN}, trunk->b2},
        {"trunk.weight1", FNAS_SAFETENSORS_F64, 2, {features, FNAS_TRUNK_HIDDEN}, trunk->w1},
        {"trunk.weight2", FNAS_SAFETENSORS_F64, 2, {FNAS_TRUNK_HIDDEN, FNAS_TRUNK_HIDDEN}, trunk->w2},
        {"trunk.weight3", FNAS_SAFETENSORS_F64, 2, {FNAS_TRUNK_TERMS, FNAS_TRUNK_HIDDEN}, trunk->w3},
    };
    memcpy(tensors, list, sizeof list);
}

/* A space's features may change between versions without changing in number: their values on fixed architectures tell. */
static fnas_status fnas_predictor_fingerprint(fnas_context *context, const fnas_predictor *predictor, char text[17]) {
    double features[FNAS_PREDICTOR_MAX_FEATURES];
    uint64_t hash = UINT64_C(1469598103934665603);
    double *onehot = fnas_allocate((size_t)fnas_space_onehot_size(predictor->space), sizeof(double));
    int32_t *choices = fnas_allocate((size_t)predictor->decision_count, sizeof(int32_t));
    fnas_status status = onehot && choices ? FNAS_OK : fnas_fail_memory(context, "predictor file");
    for (int64_t n = 0; n < FNAS_PREDICTOR_FINGERPRINTS && status == FNAS_OK; n++) {
        fnas_space_random(predictor->space, FNAS_PREDICTOR_FINGERPRINT_SEED, n, choices);
        fnas_space_to_onehot(predictor->space, choices, onehot);
        fnas_space_cost_features(predictor->space, onehot, features);
        for (int64_t j = 0; j < predictor->map.feature_count; j++)
            hash = (hash ^ (uint64_t)llround(features[j] * 1e6)) * UINT64_C(1099511628211);
    }
    snprintf(text, 17, "%016llx", (unsigned long long)hash);
    fnas_free(onehot);
    fnas_free(choices);
    return status;
}

/* ---- Saving ---- */

static fnas_status fnas_predictor_archs_to_json(fnas_context *context, const fnas_predictor *predictor, const int32_t *choices,
                                                int64_t count, json_t **array) {
    char text[FNAS_ARCH_TEXT_BYTES];
    *array = json_array();
    for (int64_t i = 0; i < count; i++) {
        FNAS_TRY(fnas_space_format(context, predictor->space, choices + i * predictor->decision_count, text, sizeof text));
        if (json_array_append_new(*array, json_string(text)) != 0) return fnas_fail_memory(context, "predictor file");
    }
    return *array ? FNAS_OK : fnas_fail_memory(context, "predictor file");
}

static fnas_status fnas_predictor_references_to_json(fnas_context *context, const fnas_predictor *predictor, int64_t t, json_t *object) {
    json_t *references = NULL;
    fnas_status status = fnas_predictor_archs_to_json(context, predictor, fnas_predictor_references(predictor, t),
                                                      predictor->reference_count, &references);
    if (json_object_set_new(object, "references", references) != 0 && status == FNAS_OK)
        status = fnas_fail_memory(context, "predictor file");
    return status;
}

/* {"references": [...], "devices": [{"name", "holdout": [...]}]}; "references" of their own stand with the devices. */
static fnas_status fnas_predictor_lists_to_json(fnas_context *context, const fnas_predictor *predictor, json_t *root) {
    json_t *devices = json_array();
    if (json_object_set_new(root, "devices", devices) != 0) return fnas_fail_memory(context, "predictor file");
    bool own = predictor->reference_sets > 1;
    fnas_status status = FNAS_OK;
    if (!own) status = fnas_predictor_references_to_json(context, predictor, 0, root);
    for (int64_t t = 0; t < predictor->device_count && status == FNAS_OK; t++) {
        const fnas_known_device *device = &predictor->devices[t];
        json_t *holdout = NULL;
        status = fnas_predictor_archs_to_json(context, predictor, device->holdout_choices, device->holdout_count, &holdout);
        json_t *entry = json_pack("{s:s, s:o}", "name", device->name, "holdout", holdout); /* names come from cards, which are UTF-8 */
        if (own && entry && status == FNAS_OK) status = fnas_predictor_references_to_json(context, predictor, t, entry);
        if (json_array_append_new(devices, entry) != 0 && status == FNAS_OK) status = fnas_fail_memory(context, "predictor file");
    }
    return status;
}

static fnas_status fnas_predictor_lists_to_text(fnas_context *context, const fnas_predictor *predictor, char **text) {
    json_t *root = json_object();
    if (!root) return fnas_fail_memory(context, "predictor file");
    fnas_status status = fnas_predictor_lists_to_json(context, predictor, root);
    *text = status == FNAS_OK ? json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(root);
    return status == FNAS_OK && !*text ? fnas_fail_memory(context, "predictor file") : status;
}

static fnas_status fnas_predictor_write(fnas_context *context, const fnas_predictor *predictor, const fnas_device_table *table,
                                        const char *lists, const char *path) {
    char fingerprint[17], seed[24], steps[24];
    fnas_text holdout = {0};
    FNAS_TRY(fnas_predictor_fingerprint(context, predictor, fingerprint));
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)predictor->seed);
    snprintf(steps, sizeof steps, "%lld", (long long)predictor->steps);
    fnas_text_append_number(&holdout, predictor->holdout_fraction);
    const char *description = fnas_space_description(predictor->space);
    const fnas_safetensors_text metadata[] = {{"format", predictor->reference_sets > 1 ? FNAS_PREDICTOR_FORMAT_OWN : FNAS_PREDICTOR_FORMAT},
                                              {"space", fnas_space_spec(predictor->space)},
                                              {"features", fingerprint},
                                              {"lists", lists},
                                              {"seed", seed},
                                              {"holdout_fraction", holdout.data},
                                              {"steps", steps},
                                              {"quantity", fnas_quantity_name(predictor->quantity)},
                                              {"space_description", description}}; /* last: only where there is one */
    int64_t metadata_count = (int64_t)(sizeof metadata / sizeof *metadata) - !description;
    fnas_safetensors_tensor tensors[FNAS_PREDICTOR_TENSORS];
    fnas_predictor_tensors(predictor, table, tensors);
    fnas_status status = holdout.failed ? fnas_fail_memory(context, "predictor file")
                                        : fnas_safetensors_write(context, path, tensors, FNAS_PREDICTOR_TENSORS, metadata, metadata_count);
    fnas_text_free(&holdout);
    return status;
}

static void fnas_device_table_fill(const fnas_predictor *predictor, fnas_device_table *table) {
    table->new_quantile[0] = predictor->new_quantile;
    for (int64_t t = 0; t < predictor->device_count; t++) {
        const fnas_known_device *device = &predictor->devices[t];
        table->scale_ms[t] = device->scale_ms;
        table->noise[t] = device->noise;
        table->quantile[t] = device->quantile;
        memcpy(table->reference + t * predictor->reference_count, device->reference, (size_t)predictor->reference_count * sizeof(double));
        memcpy(table->coefficients + t * predictor->basis_count, device->coefficients, (size_t)predictor->basis_count * sizeof(double));
    }
}

fnas_status fnas_predictor_save(fnas_context *context, const fnas_predictor *predictor, const char *path) {
    fnas_device_table table = {0};
    char *lists = NULL;
    FNAS_TRY(fnas_device_table_allocate(context, predictor, &table));
    fnas_device_table_fill(predictor, &table);
    fnas_status status = fnas_predictor_lists_to_text(context, predictor, &lists);
    if (status == FNAS_OK) status = fnas_predictor_write(context, predictor, &table, lists, path);
    free(lists);
    fnas_free(table.memory);
    return status;
}

/* ---- Loading ---- */

static fnas_status fnas_predictor_metadata(fnas_context *context, const fnas_safetensors *file, const char *path, const char *key,
                                           const char **value) {
    *value = fnas_safetensors_metadata(file, key);
    return *value ? FNAS_OK : fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"%s\" is missing: this is no predictor file", path, key);
}

static fnas_status fnas_predictor_read_arch(fnas_context *context, const fnas_predictor *predictor, const json_t *array, size_t index,
                                            const char *path, int32_t *choices) {
    const char *text = json_string_value(json_array_get(array, index));
    if (!text) return fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"lists\" holds something that is no architecture", path);
    fnas_status status = fnas_space_parse_measured(context, predictor->space, text, choices);
    return status == FNAS_OK ? status : fnas_fail_prefix(context, status, "%s", path);
}

static fnas_status fnas_predictor_read_device(fnas_context *context, fnas_predictor *predictor, const json_t *entry, const char *path,
                                              int64_t t) {
    fnas_known_device *device = &predictor->devices[t];
    const char *name;
    json_t *holdout;
    FNAS_TRY(fnas_json_string(context, entry, path, "name", &name));
    FNAS_TRY(fnas_json_array(context, entry, path, "holdout", &holdout));
    for (int64_t i = 0; i < t; i++)
        if (strcmp(predictor->devices[i].name, name) == 0)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: device %s appears twice", path, name);
    device->name = fnas_strdup(name);
    device->holdout_choices = fnas_allocate(json_array_size(holdout) * (size_t)predictor->decision_count, sizeof(int32_t));
    if (!device->name || !device->holdout_choices) return fnas_fail_memory(context, "predictor file");
    for (size_t i = 0; i < json_array_size(holdout); i++)
        FNAS_TRY(fnas_predictor_read_arch(context, predictor, holdout, i, path,
                                          device->holdout_choices + (int64_t)i * predictor->decision_count));
    device->holdout_count = (int64_t)json_array_size(holdout);
    return FNAS_OK;
}

/* references: those of all devices, or NULL where each has its own. */
static fnas_status fnas_predictor_read_references(fnas_context *context, const fnas_predictor *predictor, const json_t *references,
                                                  const json_t *devices, const char *path) {
    for (int64_t t = 0; t < predictor->reference_sets; t++) {
        json_t *own = (json_t *)references;
        if (!references) FNAS_TRY(fnas_json_array(context, json_array_get(devices, (size_t)t), path, "references", &own));
        if ((int64_t)json_array_size(own) != predictor->reference_count)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: device %lld has %zu references, the first one has %lld", path, (long long)t,
                             json_array_size(own), (long long)predictor->reference_count);
        for (int64_t r = 0; r < predictor->reference_count; r++)
            FNAS_TRY(fnas_predictor_read_arch(context, predictor, own, (size_t)r, path,
                                              fnas_predictor_references(predictor, t) + r * predictor->decision_count));
    }
    return FNAS_OK;
}

static bool fnas_predictor_name_in(const char *name, const char *const *list) {
    for (; *list; list++)
        if (strcmp(name, *list) == 0) return true;
    return false;
}

static fnas_status fnas_predictor_check_numbers(fnas_context *context, const fnas_safetensors_tensor *tensors, const char *path) {
    static const char *const positives[] = {"device.scale_ms", "device.reference", "device.noise", "device.interval", "interval", NULL};
    static const char *const unbounded[] = {"device.interval", "interval", NULL}; /* infinite: unknown */
    for (int i = 0; i < FNAS_PREDICTOR_TENSORS; i++) {
        int64_t count = 1;
        for (int64_t d = 0; d < tensors[i].rank; d++) count *= tensors[i].shape[d];
        bool positive = fnas_predictor_name_in(tensors[i].name, positives), infinite = fnas_predictor_name_in(tensors[i].name, unbounded);
        for (int64_t j = 0; j < count; j++) {
            double value = ((const double *)tensors[i].data)[j];
            if ((infinite ? isnan(value) : !isfinite(value)) || (positive && !(value > 0.0)))
                return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" holds %g, which must be %s", path, tensors[i].name, value,
                                 positive ? "positive" : "finite");
        }
    }
    return FNAS_OK;
}

static fnas_status fnas_predictor_read_numbers(fnas_context *context, const fnas_safetensors *file, const char *path,
                                               fnas_predictor *predictor, const fnas_device_table *table) {
    fnas_safetensors_tensor tensors[FNAS_PREDICTOR_TENSORS];
    fnas_predictor_tensors(predictor, table, tensors);
    for (int i = 0; i < FNAS_PREDICTOR_TENSORS; i++) {
        const void *data;
        size_t bytes = sizeof(double);
        for (int64_t d = 0; d < tensors[i].rank; d++) bytes *= (size_t)tensors[i].shape[d];
        FNAS_TRY(fnas_safetensors_get(context, file, tensors[i].name, tensors[i].type, tensors[i].rank, tensors[i].shape, &data));
        memcpy((void *)tensors[i].data, data, bytes); /* the list points into the predictor and the table, which are ours */
    }
    FNAS_TRY(fnas_predictor_check_numbers(context, tensors, path));
    predictor->new_quantile = table->new_quantile[0];
    for (int64_t t = 0; t < predictor->device_count; t++) {
        fnas_known_device *device = &predictor->devices[t];
        device->scale_ms = table->scale_ms[t];
        device->noise = table->noise[t];
        device->quantile = table->quantile[t];
        memcpy(device->reference, table->reference + t * predictor->reference_count, (size_t)predictor->reference_count * sizeof(double));
        memcpy(device->coefficients, table->coefficients + t * predictor->basis_count, (size_t)predictor->basis_count * sizeof(double));
    }
    return FNAS_OK;
}

static fnas_status fnas_predictor_read_settings(fnas_context *context, const fnas_safetensors *file, const char *path,
                                                fnas_predictor *predictor) {
    const char *features, *seed, *steps, *holdout;
    char fingerprint[17], *end = NULL;
    FNAS_TRY(fnas_predictor_metadata(context, file, path, "features", &features));
    FNAS_TRY(fnas_predictor_metadata(context, file, path, "seed", &seed));
    FNAS_TRY(fnas_predictor_metadata(context, file, path, "steps", &steps));
    FNAS_TRY(fnas_predictor_metadata(context, file, path, "holdout_fraction", &holdout));
    FNAS_TRY(fnas_predictor_fingerprint(context, predictor, fingerprint));
    if (strcmp(fingerprint, features) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: was trained with other cost features of space %s: fit it again with this version",
                         path, fnas_space_spec(predictor->space));
    predictor->seed = strtoull(seed, &end, 10);
    if (seed[0] < '0' || seed[0] > '9' || *end != '\0')
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"seed\" is \"%s\", not a number", path, seed);
    if (!fnas_parse_int64(steps, &predictor->steps) || predictor->steps < 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"steps\" is \"%s\", not a count", path, steps);
    if (!fnas_parse_double(holdout, &predictor->holdout_fraction) ||
        !(predictor->holdout_fraction >= 0.0 && predictor->holdout_fraction < 1.0))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"holdout_fraction\" is \"%s\", not a fraction", path, holdout);
    return FNAS_OK;
}

static fnas_status fnas_predictor_read_quantity(fnas_context *context, const fnas_safetensors *file, const char *path,
                                                fnas_predictor *predictor) {
    const char *name;
    FNAS_TRY(fnas_predictor_metadata(context, file, path, "quantity", &name));
    for (fnas_quantity quantity = FNAS_QUANTITY_LATENCY; quantity <= FNAS_QUANTITY_ENERGY; quantity++) {
        predictor->quantity = quantity;
        if (strcmp(name, fnas_quantity_name(quantity)) == 0) return FNAS_OK;
    }
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"quantity\" is \"%s\", this version knows latency_ms and energy_mj", path,
                     name);
}

static fnas_status fnas_predictor_read_parts(fnas_context *context, const fnas_safetensors *file, const char *path,
                                             const json_t *references, const json_t *devices, fnas_predictor *predictor) {
    fnas_device_table table = {0};
    FNAS_TRY(fnas_predictor_read_settings(context, file, path, predictor));
    FNAS_TRY(fnas_predictor_read_quantity(context, file, path, predictor));
    FNAS_TRY(fnas_predictor_read_references(context, predictor, references, devices, path));
    for (int64_t t = 0; t < predictor->device_count; t++)
        FNAS_TRY(fnas_predictor_read_device(context, predictor, json_array_get(devices, (size_t)t), path, t));
    FNAS_TRY(fnas_device_table_allocate(context, predictor, &table));
    fnas_status status = fnas_predictor_read_numbers(context, file, path, predictor, &table);
    fnas_free(table.memory);
    return status;
}

/* A space that a file describes comes with the predictor: the file may be elsewhere by now. */
static fnas_status fnas_predictor_learn_space(fnas_context *context, const fnas_safetensors *file, const char *path, const char *spec) {
    const char *description = fnas_safetensors_metadata(file, "space_description");
    fnas_space *space = NULL;
    if (!description) return FNAS_OK;
    fnas_status status = fnas_space_read(context, path, description, &space);
    if (status != FNAS_OK) return fnas_fail_prefix(context, status, "metadata \"space_description\"");
    if (strcmp(fnas_space_spec(space), spec) != 0)
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"space\" is \"%s\", the description beside it is that of \"%s\"", path,
                           spec, fnas_space_spec(space));
    fnas_space_close(space);
    return status;
}

static fnas_status fnas_predictor_read_lists(fnas_context *context, const fnas_safetensors *file, const char *path, const json_t *lists,
                                             bool own_references, fnas_predictor **predictor) {
    const char *spec;
    json_t *references = NULL, *first, *devices;
    FNAS_TRY(fnas_predictor_metadata(context, file, path, "space", &spec));
    FNAS_TRY(fnas_predictor_learn_space(context, file, path, spec));
    FNAS_TRY(fnas_json_array(context, lists, path, "devices", &devices));
    if (!own_references) FNAS_TRY(fnas_json_array(context, lists, path, "references", &references));
    if (json_array_size(devices) < 1 || json_array_size(devices) > FNAS_PREDICTOR_MAX_DEVICES)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: holds %zu devices, a predictor has 1 to %d", path, json_array_size(devices),
                         FNAS_PREDICTOR_MAX_DEVICES);
    first = references;
    if (own_references) FNAS_TRY(fnas_json_array(context, json_array_get(devices, 0), path, "references", &first));
    fnas_status status = fnas_predictor_allocate(context, spec, (int64_t)json_array_size(devices), (int64_t)json_array_size(first),
                                                 own_references, predictor);
    if (status != FNAS_OK) return fnas_fail_prefix(context, status, "%s", path);
    return fnas_predictor_read_parts(context, file, path, references, devices, *predictor);
}

static fnas_status fnas_predictor_read_file(fnas_context *context, const fnas_safetensors *file, const char *path,
                                            fnas_predictor **predictor) {
    const char *format, *text;
    json_error_t error;
    FNAS_TRY(fnas_predictor_metadata(context, file, path, "format", &format));
    bool own_references = strcmp(format, FNAS_PREDICTOR_FORMAT_OWN) == 0;
    if (!own_references && strcmp(format, FNAS_PREDICTOR_FORMAT) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: format is \"%s\", this version reads \"%s\" and \"%s\": fit the predictor again",
                         path, format, FNAS_PREDICTOR_FORMAT, FNAS_PREDICTOR_FORMAT_OWN);
    FNAS_TRY(fnas_safetensors_require_crc(context, file));
    FNAS_TRY(fnas_predictor_metadata(context, file, path, "lists", &text));
    json_t *lists = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!lists) return fnas_fail(context, FNAS_ERR_INPUT, "%s: metadata \"lists\": %s", path, error.text);
    fnas_status status = fnas_predictor_read_lists(context, file, path, lists, own_references, predictor);
    json_decref(lists);
    return status;
}

fnas_status fnas_predictor_load(fnas_context *context, const char *path, fnas_predictor **predictor) {
    fnas_safetensors *file = NULL;
    *predictor = NULL;
    FNAS_TRY(fnas_safetensors_read(context, path, FNAS_PREDICTOR_FILE_LIMIT, &file));
    fnas_status status = fnas_predictor_read_file(context, file, path, predictor);
    fnas_safetensors_free(file);
    if (status != FNAS_OK) {
        fnas_predictor_free(*predictor);
        *predictor = NULL;
    }
    return status;
}
