/* The state of a search and its checkpoint file. */
#include "search/run/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "export/safetensors.h"
#include "space/space.h"

#define FORMAT "fleetnas-checkpoint/1"
#define LIMIT_BYTES ((size_t)1 << 34)
#define OTHER_ENTRIES                                                                                                                      \
    7 /* beside weights and their moments: counters, range, hypernetwork and its two moments, the error model's two sums */

static fnas_status declare_weights(fnas_context *context, const fnas_search_config *config, const fnas_space *supernet,
                                   fnas_parameters *weights) {
    fnas_translator largest;
    if (!fnas_search_translates(config)) return fnas_space_declare(context, supernet, weights);
    supernet->type->translator(supernet, NULL, config->vocabulary, &largest);
    return fnas_translator_declare(context, &largest, weights);
}

fnas_status fnas_search_state_allocate(fnas_context *context, const fnas_search_config *config, const fnas_space *supernet,
                                       int64_t embedding, fnas_search_state *state) {
    *state = (fnas_search_state){0};
    if (fnas_search_has_supernet(config)) {
        FNAS_TRY(declare_weights(context, config, supernet, &state->weights));
        FNAS_TRY(fnas_parameters_allocate(context, &state->weights));
        FNAS_TRY(fnas_error_model_create(context, supernet, &state->error_model));
    }
    state->weight_moment = fnas_allocate((size_t)state->weights.float_count, sizeof(float));
    bool adam = fnas_search_translates(config);
    if (adam) state->weight_moment2 = fnas_allocate((size_t)state->weights.float_count, sizeof(float));
    state->shape = (fnas_hypernet_shape){.kind = config->hypernet,
                                         .objectives = config->objective_count,
                                         .embedding = embedding,
                                         .outputs = fnas_space_onehot_size(supernet)};
    state->hypernet_count = fnas_hypernet_parameter_count(&state->shape);
    state->hypernet = fnas_allocate((size_t)state->hypernet_count, sizeof(float));
    state->hypernet_moment1 = fnas_allocate((size_t)state->hypernet_count, sizeof(float));
    state->hypernet_moment2 = fnas_allocate((size_t)state->hypernet_count, sizeof(float));
    bool good = state->weight_moment && (!adam || state->weight_moment2) && state->hypernet && state->hypernet_moment1 &&
                state->hypernet_moment2;
    return good ? FNAS_OK : fnas_fail_memory(context, "the state of the search");
}

void fnas_search_state_free(fnas_search_state *state) {
    fnas_parameters_free(&state->weights);
    fnas_free(state->weight_moment);
    fnas_free(state->weight_moment2);
    fnas_free(state->hypernet);
    fnas_free(state->hypernet_moment1);
    fnas_free(state->hypernet_moment2);
    fnas_error_model_free(&state->error_model);
    *state = (fnas_search_state){0};
}

/* ---- what stands in the file: one list for saving and loading ---- */

typedef struct entry {
    char *name; /* owned */
    fnas_safetensors_type type;
    int64_t rank, shape[4];
    void *data; /* of the state */
    size_t size_bytes;
} entry;

typedef struct entry_list {
    entry *items;
    int64_t count;
    int64_t counters[3];
    double range[2];
} entry_list;

static void add(entry_list *list, const char *prefix, const char *name, fnas_safetensors_type type, int64_t rank, const int64_t *shape,
                void *data) {
    fnas_text text = {0};
    fnas_text_append(&text, "%s%s", prefix, name);
    entry *item = &list->items[list->count++];
    *item = (entry){.name = text.data, .type = type, .rank = rank, .data = data, .size_bytes = type == FNAS_SAFETENSORS_F32 ? 4 : 8};
    for (int64_t i = 0; i < rank; i++) {
        item->shape[i] = shape[i];
        item->size_bytes *= (size_t)shape[i];
    }
}

static void add_weights(entry_list *list, const char *prefix, const fnas_parameters *layout, float *flat) {
    for (int64_t i = 0; i < layout->item_count; i++) {
        const fnas_parameter *item = &layout->items[i];
        add(list, prefix, item->name, FNAS_SAFETENSORS_F32, item->rank, item->shape, flat + item->offset);
    }
}

static fnas_status list_entries(fnas_context *context, const fnas_search_state *state, entry_list *list) {
    *list = (entry_list){.counters = {state->step, state->total_steps, state->hypernet_steps},
                         .range = {state->error_low, state->error_high}};
    list->items = fnas_allocate((size_t)(3 * state->weights.item_count + OTHER_ENTRIES), sizeof *list->items);
    if (!list->items) return fnas_fail_memory(context, "the checkpoint");
    add(list, "search.", "counters", FNAS_SAFETENSORS_I64, 1, (int64_t[]){3}, list->counters);
    add(list, "search.", "error_range", FNAS_SAFETENSORS_F64, 1, (int64_t[]){2}, list->range);
    add_weights(list, "supernet.", &state->weights, state->weights.values);
    add_weights(list, "supernet_moment.", &state->weights, state->weight_moment);
    if (state->weight_moment2) add_weights(list, "supernet_moment2.", &state->weights, state->weight_moment2);
    add(list, "hypernet.", "parameters", FNAS_SAFETENSORS_F32, 1, &state->hypernet_count, state->hypernet);
    add(list, "hypernet.", "moment1", FNAS_SAFETENSORS_F32, 1, &state->hypernet_count, state->hypernet_moment1);
    add(list, "hypernet.", "moment2", FNAS_SAFETENSORS_F32, 1, &state->hypernet_count, state->hypernet_moment2);
    int64_t features = state->error_model.features;
    if (features > 0) { /* none without a supernet */
        add(list, "error_model.", "gram", FNAS_SAFETENSORS_F64, 2, (int64_t[]){features, features}, state->error_model.gram);
        add(list, "error_model.", "moment", FNAS_SAFETENSORS_F64, 1, &features, state->error_model.moment);
    }
    for (int64_t i = 0; i < list->count; i++) {
        if (!list->items[i].name) return fnas_fail_memory(context, "the checkpoint");
    }
    return FNAS_OK;
}

static void free_entries(entry_list *list) {
    for (int64_t i = 0; i < list->count; i++) fnas_free(list->items[i].name);
    fnas_free(list->items);
}

static bool all_finite(const entry *item) {
    size_t count = item->size_bytes / (item->type == FNAS_SAFETENSORS_F32 ? 4 : 8);
    for (size_t i = 0; i < count; i++) {
        if (item->type == FNAS_SAFETENSORS_F32 && !isfinite(((const float *)item->data)[i])) return false;
        if (item->type == FNAS_SAFETENSORS_F64 && !isfinite(((const double *)item->data)[i])) return false;
    }
    return true;
}

/* ---- the settings that a state is of ---- */

#define CONFIG_KEY "config_checksum"
#define CONFIG_DIGITS 16

static fnas_status describe_config(fnas_context *context, const fnas_search_config *config, char settings[CONFIG_DIGITS]) {
    uint32_t crc = 0;
    FNAS_TRY(fnas_search_config_crc(context, config, &crc));
    snprintf(settings, CONFIG_DIGITS, "%08" PRIx32, crc);
    return FNAS_OK;
}

/* A search that goes on with other settings would end as none that was ever asked for. Checkpoints of before they were told apart say
 * nothing of them. */
static fnas_status check_config(fnas_context *context, const fnas_search_config *config, const fnas_safetensors *file, const char *path) {
    char settings[CONFIG_DIGITS];
    const char *before = fnas_safetensors_metadata(file, CONFIG_KEY);
    FNAS_TRY(describe_config(context, config, settings));
    if (!before || strcmp(before, settings) == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: config.json beside it is not the one that it was made with: put that back, or search anew with other options "
                     "(`--weights RUN` begins with its weights)",
                     path);
}

/* ---- saving ---- */

static fnas_status write_entries(fnas_context *context, const fnas_search_config *config, const entry_list *list, const char *path) {
    char settings[CONFIG_DIGITS];
    FNAS_TRY(describe_config(context, config, settings));
    fnas_safetensors_tensor *tensors = fnas_allocate((size_t)list->count, sizeof *tensors);
    if (!tensors) return fnas_fail_memory(context, "the checkpoint");
    for (int64_t i = 0; i < list->count; i++) {
        const entry *item = &list->items[i];
        tensors[i] = (fnas_safetensors_tensor){.name = item->name, .type = item->type, .rank = item->rank, .data = item->data};
        memcpy(tensors[i].shape, item->shape, sizeof item->shape);
    }
    const fnas_safetensors_text metadata[] = {{"format", FORMAT}, {CONFIG_KEY, settings}};
    fnas_status status = fnas_safetensors_write(context, path, tensors, list->count, metadata, 2);
    fnas_free(tensors);
    return status;
}

/* A state that has diverged must not replace the last good one. */
static fnas_status check_finite(fnas_context *context, const entry_list *list, int64_t step) {
    for (int64_t i = 0; i < list->count; i++) {
        if (all_finite(&list->items[i])) continue;
        return fnas_fail(context, FNAS_ERR_NUMERIC,
                         "step %lld: %s holds numbers that are not finite: the search has diverged; the last checkpoint is kept",
                         (long long)step, list->items[i].name);
    }
    return FNAS_OK;
}

fnas_status fnas_search_state_save(fnas_context *context, const fnas_search_config *config, const fnas_search_state *state,
                                   const char *path) {
    entry_list list;
    fnas_status status = list_entries(context, state, &list);
    if (status == FNAS_OK) status = check_finite(context, &list, state->step);
    if (status == FNAS_OK) status = write_entries(context, config, &list, path);
    free_entries(&list);
    return status;
}

/* ---- loading ---- */

/* What of an architecture its error depends on is the space's to say, and may be said better one day. */
static fnas_status check_error_model(fnas_context *context, const fnas_safetensors *file, const char *path, int64_t features) {
    const fnas_safetensors_tensor *gram = fnas_safetensors_find(file, "error_model.gram");
    if (!gram || gram->rank != 2 || gram->shape[0] == features || features == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: its model of the error looks at %lld features of an architecture, the space now has %lld: the run is of another "
                     "version of fleetnas, search again (`--weights RUN` begins with its weights)",
                     path, (long long)gram->shape[0] - 1, (long long)features - 1);
}

static fnas_status read_entries(fnas_context *context, const fnas_search_config *config, const fnas_safetensors *file, const char *path,
                                entry_list *list) {
    const char *format = fnas_safetensors_metadata(file, "format");
    if (!format || strcmp(format, FORMAT) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: no checkpoint of this version (%s)", path, FORMAT);
    FNAS_TRY(fnas_safetensors_require_crc(context, file));
    FNAS_TRY(check_config(context, config, file, path));
    for (int64_t i = 0; i < list->count; i++) {
        entry *item = &list->items[i];
        const void *data = NULL;
        FNAS_TRY(fnas_safetensors_get(context, file, item->name, item->type, item->rank, item->shape, &data));
        memcpy(item->data, data, item->size_bytes);
        if (!all_finite(item))
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: tensor \"%s\" holds numbers that are not finite", path, item->name);
    }
    return FNAS_OK;
}

static fnas_status take_counters(fnas_context *context, const entry_list *list, const char *path, fnas_search_state *state) {
    for (int i = 0; i < 3; i++) {
        if (list->counters[i] < 0) return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"search.counters\" must not be negative", path);
    }
    state->step = list->counters[0];
    state->total_steps = list->counters[1];
    state->hypernet_steps = list->counters[2];
    state->error_low = list->range[0];
    state->error_high = list->range[1];
    if (state->step > state->total_steps)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"search.counters\": step %lld is behind the last, %lld", path,
                         (long long)state->step, (long long)state->total_steps);
    return FNAS_OK;
}

fnas_status fnas_search_state_load(fnas_context *context, const char *path, const fnas_search_config *config, fnas_search_state *state) {
    fnas_safetensors *file = NULL;
    entry_list list;
    fnas_status status = list_entries(context, state, &list);
    if (status == FNAS_OK) status = fnas_safetensors_read(context, path, LIMIT_BYTES, &file);
    if (status == FNAS_OK) status = check_error_model(context, file, path, state->error_model.features);
    if (status == FNAS_OK) status = read_entries(context, config, file, path, &list);
    if (status == FNAS_OK) status = take_counters(context, &list, path, state);
    fnas_safetensors_free(file);
    free_entries(&list);
    return status;
}
