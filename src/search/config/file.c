/* config.json: one table of fields drives writing and reading. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "device/card.h"
#include "search/config/config.h"
#include "search/config/limits.h"
#include "search/config/names.h"

typedef enum field_kind { FIELD_TEXT, FIELD_NAME, FIELD_INTEGER, FIELD_SEED, FIELD_NUMBER } field_kind;

typedef struct field {
    const char *key;
    field_kind kind;
    size_t offset;
    const char *const *names; /* FIELD_NAME */
    double minimum, maximum;  /* numbers and integers */
} field;

#define OFFSET(member) offsetof(fnas_search_config, member)
#define TEXT(member)                                                                                                                       \
    { #member, FIELD_TEXT, OFFSET(member), NULL, 0, 0 }
#define NAME(member)                                                                                                                       \
    { #member, FIELD_NAME, OFFSET(member), fnas_names_##member, 0, 0 }
#define INTEGER(member, low, high)                                                                                                         \
    { #member, FIELD_INTEGER, OFFSET(member), NULL, low, high }
#define NUMBER(member, low, high)                                                                                                          \
    { #member, FIELD_NUMBER, OFFSET(member), NULL, low, high }

static const field FIELDS[] = {
    TEXT(space),
    TEXT(supernet),
    TEXT(data),
    TEXT(preset),
    TEXT(proxy),
    NAME(update),
    NAME(sampler),
    NAME(hypernet),
    NAME(start),
    NAME(scalarise),
    NAME(batch),
    NAME(precision),
    NAME(error_gradient),
    {"seed", FIELD_SEED, OFFSET(seed), NULL, 0, 0},
    INTEGER(steps, 0, FNAS_SEARCH_STEPS_MAX),
    NUMBER(minutes, 0, FNAS_SEARCH_MINUTES_MAX),
    INTEGER(condition_embeddings, 0, 1),
    INTEGER(paths, 1, FNAS_SEARCH_PATHS_MAX),
    INTEGER(judged_paths, 0, 64),
    INTEGER(hypernet_rounds, 1, 100),
    INTEGER(observed_paths, 0, FNAS_SEARCH_PATHS_MAX),
    INTEGER(groups, 1, 64),
    INTEGER(weight_images, 1, 1e6),
    INTEGER(search_images, 1, 1e6),
    NUMBER(warmup_fraction, 0, 1),
    NUMBER(consolidate_fraction, 0, 1),
    INTEGER(checkpoint_steps, 1, FNAS_SEARCH_STEPS_MAX),
    NUMBER(weight_fraction, 0, 1),
    NUMBER(search_fraction, 0, 1),
    NUMBER(weight_rate, 0, 1e3),
    NUMBER(weight_rate_end, 0, 1e3),
    NUMBER(consolidate_rate, 0, 1e3),
    NUMBER(weight_momentum, 0, 1),
    NUMBER(weight_decay, 0, 1e3),
    NUMBER(weight_clip, 0, 1e9),
    NUMBER(hypernet_rate, 0, 1e3),
    NUMBER(hypernet_beta1, 0, 0.999999),
    NUMBER(hypernet_beta2, 0, 0.999999),
    NUMBER(hypernet_decay, 0, 1e3),
    NUMBER(label_smoothing, 0, 1),
    INTEGER(augment, 0, 1),
    NUMBER(uniform_fraction, 0, 1),
    NUMBER(entropy_start, 0, 1e3),
    NUMBER(entropy_end, 0, 1e3),
    NUMBER(entropy_hold, 0, 1),
    NUMBER(temperature_start, 1e-3, 1e3),
    NUMBER(temperature_end, 1e-3, 1e3),
    INTEGER(validation_images, 1, 1e9),
    INTEGER(recalibration_images, 1, 1e9),
};
#define FIELD_COUNT (sizeof FIELDS / sizeof FIELDS[0])

/* Written only where they say something, and then all of them. */
static const field FROZEN_FIELDS[] = {NAME(shared_weights)};
static const field START_FIELDS[] = {TEXT(start_weights)};
static const field SENTENCE_FIELDS[] = {
    INTEGER(vocabulary, 1, FNAS_SEARCH_PIECES_MAX),
    INTEGER(vocabulary_crc, 0, UINT32_MAX),
    INTEGER(weight_ids, 1, 1e6),
    INTEGER(search_ids, 1, 1e6),
    INTEGER(largest_paths, 0, FNAS_SEARCH_PATHS_MAX),
    NUMBER(largest_first, 0, 1),
    NUMBER(distillation, 0, 1),
    NUMBER(dropout, 0, 0.99),
    NUMBER(attention_dropout, 0, 0.99),
    NUMBER(weight_beta1, 0, 0.999999),
    NUMBER(weight_beta2, 0, 0.999999),
    NUMBER(rate_warmup, 0, 1),
};
static const field SHRINK_FIELDS[] = {
    INTEGER(sandwiches, 1, 1024),
    INTEGER(sandwich_paths, 2, 1024),
    NUMBER(distillation, 0, 1),
};
#define FIELD_NUMBER_OF(fields) ((int64_t)(sizeof fields / sizeof fields[0]))

/* A group of fields that a configuration may lack: it is there where its first key is. */
typedef struct field_group {
    const field *fields;
    int64_t count;
    bool (*is_said)(const fnas_search_config *config);
} field_group;

static bool is_frozen(const fnas_search_config *config) {
    return config->shared_weights != FNAS_WEIGHTS_MOVING;
}

static bool has_start(const fnas_search_config *config) {
    return config->start_weights && config->start_weights[0];
}

static bool shrinks(const fnas_search_config *config) {
    return config->sandwiches > 0;
}

static const field_group GROUPS[] = {{FROZEN_FIELDS, FIELD_NUMBER_OF(FROZEN_FIELDS), is_frozen},
                                     {START_FIELDS, FIELD_NUMBER_OF(START_FIELDS), has_start},
                                     {SHRINK_FIELDS, FIELD_NUMBER_OF(SHRINK_FIELDS), shrinks},
                                     {SENTENCE_FIELDS, FIELD_NUMBER_OF(SENTENCE_FIELDS), fnas_search_translates}};
#define GROUP_COUNT (sizeof GROUPS / sizeof GROUPS[0])

/* Enumerations are stored as int; the table reads and writes them as such. */
_Static_assert(sizeof(fnas_update_kind) == sizeof(int) && sizeof(fnas_hypernet_kind) == sizeof(int), "enumerations are read as int");

static json_t *field_to_json(const field *item, const fnas_search_config *config) {
    const char *base = (const char *)config + item->offset;
    switch (item->kind) {
    case FIELD_TEXT:
        return json_string(*(char *const *)base);
    case FIELD_NAME:
        return json_string(item->names[*(const int *)base]);
    case FIELD_INTEGER:
        return json_integer(*(const int64_t *)base);
    case FIELD_SEED: { /* all 64 bits: JSON integers are signed */
        char digits[32];
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)*(const uint64_t *)base);
        return json_string(digits);
    }
    case FIELD_NUMBER:
        return json_real(*(const double *)base);
    }
    return NULL;
}

static fnas_status seed_from_text(fnas_context *context, const char *where, const char *text, uint64_t *seed) {
    uint64_t value = 0;
    size_t length = strlen(text);
    bool good = length > 0 && length < 20 && strspn(text, "0123456789") == length;
    for (size_t i = 0; good && i < length; i++) value = value * 10 + (uint64_t)(text[i] - '0');
    if (length == 20 && strspn(text, "0123456789") == 20 && strcmp(text, "18446744073709551615") <= 0) {
        good = true;
        for (size_t i = 0; i < length; i++) value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (!good) return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"seed\" must be a whole number in quotes", where);
    *seed = value;
    return FNAS_OK;
}

static fnas_status field_from_json(fnas_context *context, const json_t *root, const char *where, const field *item,
                                   fnas_search_config *config) {
    char *base = (char *)config + item->offset;
    const char *text = NULL;
    switch (item->kind) {
    case FIELD_TEXT:
        FNAS_TRY(fnas_json_string(context, root, where, item->key, &text));
        *(char **)base = fnas_strdup(text);
        return *(char **)base ? FNAS_OK : fnas_fail_memory(context, "the configuration");
    case FIELD_NAME:
        FNAS_TRY(fnas_json_string(context, root, where, item->key, &text));
        if (fnas_name_find(context, FNAS_ERR_INPUT, item->key, text, item->names, (int *)base) == FNAS_OK) return FNAS_OK;
        return fnas_fail_prefix(context, FNAS_ERR_INPUT, "%s", where);
    case FIELD_INTEGER:
        return fnas_json_integer(context, root, where, item->key, (int64_t)item->minimum, (int64_t)item->maximum, (int64_t *)base);
    case FIELD_SEED:
        FNAS_TRY(fnas_json_string(context, root, where, item->key, &text));
        return seed_from_text(context, where, text, (uint64_t *)base);
    case FIELD_NUMBER: {
        double value = 0;
        FNAS_TRY(fnas_json_number(context, root, where, item->key, &value));
        if (value < item->minimum || value > item->maximum) {
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%s\" is %g, must be in %g..%g", where, item->key, value, item->minimum,
                             item->maximum);
        }
        *(double *)base = value;
        return FNAS_OK;
    }
    }
    return FNAS_OK;
}

static int groups_to_json(const fnas_search_config *config, json_t *root) {
    int bad = 0;
    for (size_t g = 0; g < GROUP_COUNT; g++) {
        const field *fields = GROUPS[g].fields;
        for (int64_t i = 0; GROUPS[g].is_said(config) && i < GROUPS[g].count; i++)
            bad |= json_object_set_new(root, fields[i].key, field_to_json(&fields[i], config));
    }
    json_t *phases = json_array();
    for (int64_t p = 0; p < config->phase_count; p++) bad |= json_array_append_new(phases, json_real(config->phase_shares[p]));
    if (shrinks(config)) return bad | json_object_set_new(root, "phases", phases);
    json_decref(phases);
    return bad;
}

static fnas_status phases_from_json(fnas_context *context, const json_t *root, const char *path, fnas_search_config *config) {
    json_t *phases = NULL;
    double sum = 0;
    FNAS_TRY(fnas_json_array(context, root, path, "phases", &phases));
    config->phase_count = (int64_t)json_array_size(phases);
    if (config->phase_count > FNAS_SPACE_PHASES_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"phases\" has more than %d numbers", path, FNAS_SPACE_PHASES_MAX);
    for (int64_t p = 0; p < config->phase_count; p++) {
        const json_t *share = json_array_get(phases, (size_t)p);
        config->phase_shares[p] = json_is_number(share) ? json_number_value(share) : -1;
        if (!(config->phase_shares[p] >= 0)) return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"phases\" must be numbers from 0 on", path);
        sum += config->phase_shares[p];
    }
    if (config->phase_count == 0 || sum > 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"phases\" must not all be 0", path);
}

static fnas_status groups_from_json(fnas_context *context, const json_t *root, const char *path, fnas_search_config *config) {
    for (size_t g = 0; g < GROUP_COUNT; g++) {
        const field *fields = GROUPS[g].fields;
        if (!json_object_get(root, fields[0].key)) continue;
        for (int64_t i = 0; i < GROUPS[g].count; i++) FNAS_TRY(field_from_json(context, root, path, &fields[i], config));
    }
    if (shrinks(config)) FNAS_TRY(phases_from_json(context, root, path, config));
    if (config->start_weights) return FNAS_OK;
    config->start_weights = fnas_strdup("");
    return config->start_weights ? FNAS_OK : fnas_fail_memory(context, "the configuration");
}

/* NULL when out of memory. Owned: json_decref. */
static json_t *config_to_json(const fnas_search_config *config) {
    json_t *root = json_object();
    int bad = json_object_set_new(root, "format", json_string("fleetnas-run/4"));
    for (size_t i = 0; i < FIELD_COUNT; i++) bad |= json_object_set_new(root, FIELDS[i].key, field_to_json(&FIELDS[i], config));
    if (!fnas_search_has_supernet(config)) bad |= json_object_set_new(root, "error", json_string(fnas_names_error[config->error]));
    bad |= groups_to_json(config, root);
    json_t *objectives = json_array(), *devices = json_array();
    for (int64_t i = 0; i < config->objective_count; i++)
        bad |= json_array_append_new(objectives, json_string(fnas_objective_name(config->objectives[i])));
    for (int64_t i = 0; i < config->device_count; i++) bad |= json_array_append_new(devices, json_string(config->device_names[i]));
    bad |= json_object_set_new(root, "objectives", objectives);
    bad |= json_object_set_new(root, "devices", devices);
    if (!bad) return root;
    json_decref(root);
    return NULL;
}

fnas_status fnas_search_config_write(fnas_context *context, const fnas_search_config *config, const char *path) {
    json_t *root = config_to_json(config);
    fnas_status status = root ? fnas_json_write(context, path, root) : fnas_fail_memory(context, "config.json");
    json_decref(root);
    return status;
}

fnas_status fnas_search_config_crc(fnas_context *context, const fnas_search_config *config, uint32_t *crc) {
    json_t *root = config_to_json(config);
    fnas_text text = {.failed = true};
    static const char *const lengths[] = {"steps", "minutes", "checkpoint_steps"};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) (void)json_object_del(root, lengths[i]);
    if (root) text = fnas_json_text(root);
    json_decref(root);
    bool good = !text.failed;
    if (good) *crc = (uint32_t)crc32_z(0, (const unsigned char *)text.data, text.size);
    fnas_text_free(&text);
    return good ? FNAS_OK : fnas_fail_memory(context, "config.json");
}

static fnas_status read_lists(fnas_context *context, const json_t *root, const char *path, fnas_search_config *config) {
    json_t *objectives = NULL, *devices = NULL;
    FNAS_TRY(fnas_json_array(context, root, path, "objectives", &objectives));
    FNAS_TRY(fnas_json_array(context, root, path, "devices", &devices));
    int64_t objective_count = (int64_t)json_array_size(objectives), device_count = (int64_t)json_array_size(devices);
    if (objective_count < 2 || objective_count > FNAS_OBJECTIVES_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"objectives\" needs 2 to 8 names", path);
    if (device_count < 1 || device_count > FNAS_SEARCH_PATHS_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"devices\" needs 1 to %d names", path, FNAS_SEARCH_PATHS_MAX);
    for (int64_t i = 0; i < objective_count; i++) {
        const char *name = json_string_value(json_array_get(objectives, (size_t)i));
        int index = 0;
        FNAS_TRY(fnas_name_find(context, FNAS_ERR_INPUT, "objective", name ? name : "", fnas_names_objective, &index));
        config->objectives[i] = (fnas_objective_kind)index;
    }
    config->objective_count = objective_count;
    config->device_names = fnas_allocate((size_t)device_count, sizeof *config->device_names);
    if (!config->device_names) return fnas_fail_memory(context, "device names");
    config->device_count = device_count;
    for (int64_t i = 0; i < device_count; i++) {
        const char *name = json_string_value(json_array_get(devices, (size_t)i));
        if (!name || fnas_card_check_name(context, name) != FNAS_OK)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"devices\"[%lld] is no device name", path, (long long)i);
        config->device_names[i] = fnas_strdup(name);
        if (!config->device_names[i]) return fnas_fail_memory(context, "device names");
    }
    return FNAS_OK;
}

/* Of networks that translate. */
static fnas_status check_sentences(fnas_context *context, const fnas_search_config *config, const char *path) {
    if (!fnas_search_has_supernet(config))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: there must be no \"vocabulary\" with \"error\": \"%s\"", path,
                         fnas_names_error[config->error]);
    if (config->precision != FNAS_COMPUTE_F32)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"precision\" must be \"f32\" where networks translate", path);
    if (shrinks(config)) return fnas_fail(context, FNAS_ERR_INPUT, "%s: there must be no \"sandwiches\" where networks translate", path);
    if (config->largest_paths > config->paths)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"largest_paths\" must be at most \"paths\"", path);
    if (!fnas_search_largest_has_others(config) && (config->largest_first > 0 || config->distillation > 0))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: \"largest_first\" and \"distillation\" must be 0 where \"largest_paths\" is 0 or as many as \"paths\"", path);
    return FNAS_OK;
}

/* What the steps rely on, and no single field can say. */
static fnas_status check_consistent(fnas_context *context, const fnas_search_config *config, const char *path) {
    if (config->objectives[0] != FNAS_OBJECTIVE_ERROR)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"objectives\" must begin with \"error\"", path);
    for (int64_t i = 1; i < config->objective_count; i++) {
        for (int64_t k = 0; k < i; k++) {
            if (config->objectives[k] == config->objectives[i])
                return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"objectives\" has \"%s\" twice", path,
                                 fnas_objective_name(config->objectives[i]));
        }
    }
    if (config->steps == 0 && config->minutes == 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"steps\" and \"minutes\" are both 0: one of them says how long the search is",
                         path);
    if (config->paths % config->device_count != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"paths\" is %lld, no multiple of the %lld devices", path, (long long)config->paths,
                         (long long)config->device_count);
    if (config->judged_paths > 0 && config->error_gradient == FNAS_ERROR_GRADIENT_GATES)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"judged_paths\" must be 0 with \"error_gradient\": \"gates\"", path);
    if ((config->entropy_start > 0) != (config->entropy_end > 0))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"entropy_start\" and \"entropy_end\" must both be positive, or both 0", path);
    if (config->warmup_fraction + config->consolidate_fraction >= 1)
        return fnas_fail(
            context, FNAS_ERR_INPUT,
            "%s: \"warmup_fraction\" and \"consolidate_fraction\" must sum to less than 1: the hypernetwork learns between them", path);
    if (config->entropy_start > 0 && config->entropy_hold >= 1 - config->consolidate_fraction)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: \"entropy_hold\" and \"consolidate_fraction\" must sum to less than 1: the entropy falls between them", path);
    if (config->consolidate_fraction > 0 && config->consolidate_rate < config->weight_rate_end)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"consolidate_rate\" must be at least \"weight_rate_end\", which it falls to", path);
    if (config->hypernet_rounds > 1 && config->error_gradient == FNAS_ERROR_GRADIENT_GATES)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"hypernet_rounds\" must be 1 with \"error_gradient\": \"gates\"", path);
    if (fnas_search_translates(config)) FNAS_TRY(check_sentences(context, config, path));
    if (!fnas_search_has_supernet(config)) {
        if (config->warmup_fraction == 0 && config->consolidate_fraction == 0 && config->observed_paths == 0) return FNAS_OK;
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: \"warmup_fraction\", \"consolidate_fraction\" and \"observed_paths\" must be 0 with \"error\": \"%s\"", path,
                         fnas_names_error[config->error]);
    }
    bool model = config->error_gradient == FNAS_ERROR_GRADIENT_MODEL;
    if (model ? config->observed_paths < 2 : config->observed_paths != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"observed_paths\" must be 0 with \"error_gradient\": \"gates\", else at least 2",
                         path);
    if (fnas_search_translates(config)) return FNAS_OK; /* what follows is about images */
    int64_t shared = config->batch == FNAS_BATCH_SHARED ? config->paths : 1;
    int64_t trained = fnas_search_trains_paths(config) ? shared : 1;
    if (config->weight_images < config->sandwiches)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"weight_images\" are too few for %lld \"sandwiches\"", path,
                         (long long)config->sandwiches);
    if (config->weight_images < trained || config->search_images < (model ? 2 : shared))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"weight_images\" or \"search_images\" are too few for %lld paths", path,
                         (long long)config->paths);
    return FNAS_OK;
}

static fnas_status config_from_json(fnas_context *context, const json_t *root, const char *path, fnas_search_config *config) {
    const char *format = NULL;
    FNAS_TRY(fnas_json_string(context, root, path, "format", &format));
    if (strcmp(format, "fleetnas-run/4") != 0) {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"format\" is \"%s\", this version reads \"fleetnas-run/4\"", path, format);
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) FNAS_TRY(field_from_json(context, root, path, &FIELDS[i], config));
    const field error = NAME(error);
    if (json_object_get(root, "error")) FNAS_TRY(field_from_json(context, root, path, &error, config)); /* none: the supernet's */
    FNAS_TRY(groups_from_json(context, root, path, config));
    FNAS_TRY(read_lists(context, root, path, config));
    return check_consistent(context, config, path);
}

fnas_status fnas_search_config_read(fnas_context *context, const char *path, fnas_search_config *config) {
    json_t *root = NULL;
    FNAS_TRY(fnas_json_read(context, path, 1 << 20, &root));
    *config = (fnas_search_config){0};
    fnas_status status = config_from_json(context, root, path, config);
    json_decref(root);
    if (status != FNAS_OK) fnas_search_config_free(config);
    return status;
}
