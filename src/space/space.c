#include "space/space.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "space/file/file.h"

static const fnas_space_type *const fnas_space_types[] = {&fnas_space_nb201, &fnas_space_mobilenetv3, &fnas_space_transformer};
#define FNAS_SPACE_TYPES (sizeof fnas_space_types / sizeof fnas_space_types[0])
#define FNAS_SPACE_MISSES_MAX 1000 /* draws in a row that gave nothing new */

/* ---- opening ---- */

static fnas_status fnas_space_find_type(fnas_context *context, const char *name, const fnas_space_type **type) {
    if (strcmp(name, fnas_space_file.name) == 0) {
        *type = &fnas_space_file;
        return FNAS_OK;
    }
    const char *names[FNAS_SPACE_TYPES + 1] = {NULL};
    fnas_text known = {0};
    for (size_t i = 0; i < FNAS_SPACE_TYPES; i++) {
        names[i] = fnas_space_types[i]->name;
        fnas_text_append(&known, "%s%s", i ? ", " : "", names[i]);
        if (strcmp(names[i], name) == 0) {
            *type = fnas_space_types[i];
            fnas_text_free(&known);
            return FNAS_OK;
        }
    }
    const char *nearest = fnas_suggest(name, names);
    fnas_status status = nearest ? fnas_fail(context, FNAS_ERR_INPUT, "unknown space \"%s\": did you mean \"%s\"?", name, nearest)
                                 : fnas_fail(context, FNAS_ERR_INPUT, "unknown space \"%s\": known are %s, or give a file: SPACE.json",
                                             name, known.data ? known.data : "none");
    fnas_text_free(&known);
    return status;
}

static fnas_status fnas_space_make(fnas_context *context, const fnas_space_type *type, const char *parameters, const fnas_space *previous,
                                   fnas_space **space) {
    fnas_space *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "a space");
    made->type = type;
    fnas_status status = type->open(context, parameters, previous, made);
    if (status != FNAS_OK) {
        fnas_space_close(made);
        return status;
    }
    *space = made;
    return FNAS_OK;
}

/* Of "NAME:..." whatever its parameters look like; NULL where NAME is no space. */
static const fnas_space_type *fnas_space_type_named(const char *spec) {
    size_t length = strcspn(spec, ":");
    for (size_t i = 0; i < FNAS_SPACE_TYPES && spec[length]; i++)
        if (strlen(fnas_space_types[i]->name) == length && strncmp(fnas_space_types[i]->name, spec, length) == 0)
            return fnas_space_types[i];
    return NULL;
}

/* The path in "NAME:FILE.yml", which *type reads; NULL where there is none. */
static const char *fnas_space_path_of_parameters(const char *spec, const fnas_space_type **type) {
    *type = fnas_space_type_named(spec);
    return *type && (*type)->read_parameters && fnas_space_is_yaml(spec) ? strchr(spec, ':') + 1 : NULL;
}

/* What no name of a space looks like. */
static bool fnas_space_is_path(const char *spec) {
    const fnas_space_type *type;
    size_t length = strlen(spec);
    if (fnas_space_type_named(spec) && !fnas_file_exists(spec)) return false;
    if (strncmp(spec, "file:", 5) == 0 || fnas_space_path_of_parameters(spec, &type)) return false;
    return strchr(spec, '/') || (length > 5 && strcmp(spec + length - 5, ".json") == 0);
}

static fnas_status fnas_space_open_path(fnas_context *context, const char *path, fnas_space **space) {
    char *spec = NULL;
    FNAS_TRY(fnas_file_space_learn(context, path, NULL, &spec));
    fnas_status status = fnas_space_make(context, &fnas_space_file, spec + strlen("file:"), NULL, space);
    fnas_free(spec);
    return status;
}

fnas_status fnas_space_read(fnas_context *context, const char *where, const char *text, fnas_space **space) {
    char *spec = NULL;
    *space = NULL;
    FNAS_TRY(fnas_file_space_learn(context, where, text, &spec));
    fnas_status status = fnas_space_make(context, &fnas_space_file, spec + strlen("file:"), NULL, space);
    fnas_free(spec);
    return status;
}

/* From here on its spec says all: the file is not needed again. */
static fnas_status fnas_space_open_parameters(fnas_context *context, const fnas_space_type *type, const char *path, fnas_space **space) {
    fnas_text parameters = {0};
    fnas_status status = type->read_parameters(context, path, &parameters);
    if (status == FNAS_OK) {
        status = fnas_space_make(context, type, parameters.data, NULL, space);
        if (status != FNAS_OK) status = fnas_fail_prefix(context, status, "%s", path);
    }
    fnas_text_free(&parameters);
    return status;
}

fnas_status fnas_space_open(fnas_context *context, const char *spec, fnas_space **space) {
    const fnas_space_type *type = NULL;
    const char *path = fnas_space_path_of_parameters(spec, &type);
    *space = NULL;
    if (path) return fnas_space_open_parameters(context, type, path, space);
    return fnas_space_is_path(spec) ? fnas_space_open_path(context, spec, space) : fnas_space_open_spec(context, spec, space);
}

const char *fnas_space_path(const char *spec) {
    const fnas_space_type *type;
    const char *path = fnas_space_path_of_parameters(spec, &type);
    return path ? path : fnas_space_is_path(spec) ? spec : NULL;
}

bool fnas_space_find_table(fnas_context *context, const char *spec, char *path, size_t size_bytes) {
    return fnas_space_is_path(spec) && fnas_file_space_find_table(context, spec, path, size_bytes);
}

fnas_status fnas_space_open_spec(fnas_context *context, const char *spec, fnas_space **space) {
    *space = NULL;
    char name[64];
    size_t length = strcspn(spec, ":");
    if (length >= sizeof name || strlen(spec) >= FNAS_SPACE_SPEC_BYTES)
        return fnas_fail(context, FNAS_ERR_INPUT, "space \"%.40s...\": too long, write NAME or NAME:key=value,...", spec);
    memcpy(name, spec, length);
    name[length] = '\0';
    const fnas_space_type *type = NULL;
    FNAS_TRY(fnas_space_find_type(context, name, &type));
    if (spec[length] == ':' && spec[length + 1] == '\0')
        return fnas_fail(context, FNAS_ERR_INPUT, "space \"%s\": nothing behind the colon, write key=value,... or leave the colon out",
                         spec);
    return fnas_space_make(context, type, spec[length] ? spec + length + 1 : "", NULL, space);
}

fnas_status fnas_space_derive(fnas_context *context, const fnas_space *space, const char *overrides, fnas_space **derived) {
    *derived = NULL;
    if (strlen(overrides) >= FNAS_SPACE_SPEC_BYTES)
        return fnas_fail(context, FNAS_ERR_INPUT, "space parameters \"%.40s...\": too long", overrides);
    return fnas_space_make(context, space->type, overrides, space, derived);
}

void fnas_space_close(fnas_space *space) {
    if (!space) return;
    space->type->close(space);
    fnas_free(space->spec);
    fnas_free(space->decisions);
    fnas_free(space);
}

static fnas_status fnas_space_check_key(fnas_context *context, const char *space_name, const char *const *keys, const char *name,
                                        uint32_t *seen, int *key) {
    for (int i = 0; keys[i]; i++) {
        if (strcmp(keys[i], name) != 0) continue;
        if (*seen & (1u << i)) return fnas_fail(context, FNAS_ERR_INPUT, "space %s: parameter \"%s\" is given twice", space_name, name);
        *seen |= 1u << i;
        *key = i;
        return FNAS_OK;
    }
    const char *nearest = fnas_suggest(name, keys);
    if (nearest)
        return fnas_fail(context, FNAS_ERR_INPUT, "space %s has no parameter \"%s\": did you mean \"%s\"?", space_name, name, nearest);
    fnas_text known = {0};
    for (int i = 0; keys[i]; i++) fnas_text_append(&known, "%s%s", i ? ", " : "", keys[i]);
    fnas_status status = fnas_fail(context, FNAS_ERR_INPUT, "space %s has no parameter \"%s\": it has %s", space_name, name,
                                   known.data ? known.data : "none");
    fnas_text_free(&known);
    return status;
}

fnas_status fnas_space_next_option(fnas_context *context, const char *space_name, const char *const *keys, const char **cursor,
                                   uint32_t *seen, int *key, char *value, size_t value_bytes) {
    *key = -1;
    if (**cursor == '\0') return FNAS_OK;
    const char *item = *cursor;
    size_t length = strcspn(item, ",");
    const char *equals = memchr(item, '=', length);
    if (!equals) return fnas_fail(context, FNAS_ERR_INPUT, "space %s: \"%.*s\" is not key=value", space_name, (int)length, item);
    char name[64];
    size_t name_length = (size_t)(equals - item), value_length = length - name_length - 1;
    if (name_length >= sizeof name || value_length >= value_bytes || value_length == 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "space %s: \"%.*s\" is not key=value", space_name, (int)length, item);
    memcpy(name, item, name_length);
    name[name_length] = '\0';
    memcpy(value, equals + 1, value_length);
    value[value_length] = '\0';
    *cursor = item + length;
    if (**cursor == ',') {
        *cursor += 1;
        if (**cursor == '\0') return fnas_fail(context, FNAS_ERR_INPUT, "space %s: nothing behind the last comma", space_name);
    }
    return fnas_space_check_key(context, space_name, keys, name, seen, key);
}

/* ---- what it is ---- */

const char *fnas_space_spec(const fnas_space *space) {
    return space->spec;
}

const char *fnas_space_name(const fnas_space *space) {
    return space->name ? space->name : space->type->name;
}

int64_t fnas_space_decision_count(const fnas_space *space) {
    return space->decision_count;
}

const char *fnas_space_decision_name(const fnas_space *space, int64_t decision) {
    return space->decisions[decision].name;
}

int64_t fnas_space_choice_count(const fnas_space *space, int64_t decision) {
    return space->decisions[decision].choice_count;
}

const char *fnas_space_choice_name(const fnas_space *space, int64_t decision, int64_t choice) {
    return space->decisions[decision].choice_names[choice];
}

int64_t fnas_space_onehot_size(const fnas_space *space) {
    return space->onehot_size;
}

int64_t fnas_space_onehot_offset(const fnas_space *space, int64_t decision) {
    int64_t offset = 0;
    for (int64_t d = 0; d < decision; d++) offset += space->decisions[d].choice_count;
    return offset;
}

double fnas_space_cardinality(const fnas_space *space) {
    double product = 1.0;
    for (int64_t d = 0; d < space->decision_count; d++) product *= (double)space->decisions[d].choice_count;
    return product;
}

fnas_status fnas_space_image(fnas_context *context, const fnas_space *space, int64_t shape[3], int64_t *classes) {
    if (space->image[0] == 0)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "space %s has no images%s", fnas_space_name(space),
                         fnas_space_description(space) ? ": it is described by a file, without networks to run; import latencies instead"
                                                       : "");
    memcpy(shape, space->image, sizeof space->image);
    *classes = space->classes;
    return FNAS_OK;
}

void fnas_space_image_of(const fnas_space *space, const int32_t *choices, int64_t image[3]) {
    memcpy(image, space->image, sizeof space->image);
    if (space->type->image_of) space->type->image_of(space, choices, image);
}

/* ---- architectures ---- */

static fnas_status fnas_space_check_choices(fnas_context *context, const fnas_space *space, const int32_t *choices) {
    for (int64_t d = 0; d < space->decision_count; d++) {
        const fnas_decision *decision = &space->decisions[d];
        if (choices[d] < 0 || choices[d] >= decision->choice_count)
            return fnas_fail(context, FNAS_ERR_INPUT, "decision %s of space %s has choices 0 to %lld, not %d", decision->name,
                             fnas_space_name(space), (long long)decision->choice_count - 1, (int)choices[d]);
    }
    return FNAS_OK;
}

fnas_status fnas_space_parse(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices) {
    return space->type->parse(context, space, text, choices);
}

fnas_status fnas_space_format(fnas_context *context, const fnas_space *space, const int32_t *choices, char *text, size_t size_bytes) {
    if (!fnas_space_is_average(choices)) FNAS_TRY(fnas_space_check_choices(context, space, choices));
    return space->type->format(context, space, choices, text, size_bytes);
}

void fnas_space_random(const fnas_space *space, uint64_t seed, int64_t index, int32_t *choices) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_ARCH, index, 0);
    for (int64_t d = 0; d < space->decision_count; d++) choices[d] = (int32_t)fnas_random_below(&random, space->decisions[d].choice_count);
}

void fnas_space_settle(const fnas_space *space, int32_t *choices) {
    if (space->type->settle) space->type->settle(space, choices);
}

double fnas_space_settled_count(const fnas_space *space) {
    return space->type->settled_count ? space->type->settled_count(space) : fnas_space_cardinality(space);
}

static void fnas_space_draw_settled(const fnas_space *space, uint64_t seed, int64_t index, bool evenly, int32_t *choices) {
    if (evenly && space->type->settled_random) {
        fnas_random random = fnas_random_begin(seed, FNAS_STREAM_ARCH, index, 1);
        space->type->settled_random(space, &random, choices);
        return;
    }
    fnas_space_random(space, seed, index, choices);
    fnas_space_settle(space, choices);
}

fnas_status fnas_space_random_distinct(fnas_context *context, const fnas_space *space, uint64_t seed, int64_t count, fnas_arch_set *set) {
    if (count < 0 || (double)set->count + (double)count > fnas_space_settled_count(space))
        return fnas_fail(context, FNAS_ERR_INPUT, "%lld random architectures beside %lld: the space %s has only %.0f in all",
                         (long long)count, (long long)set->count, fnas_space_name(space), fnas_space_settled_count(space));
    int32_t *drawn = fnas_allocate((size_t)space->decision_count, sizeof *drawn);
    if (!drawn) return fnas_fail_memory(context, "random architectures");
    fnas_status status = FNAS_OK;
    for (int64_t index = 0, wanted = set->count + count, misses = 0, place; status == FNAS_OK && set->count < wanted; index++) {
        int64_t before = set->count;
        fnas_space_draw_settled(space, seed, index, misses > FNAS_SPACE_MISSES_MAX, drawn);
        status = fnas_arch_set_add(context, set, drawn, &place);
        misses = set->count > before && misses <= FNAS_SPACE_MISSES_MAX ? 0 : misses + 1;
    }
    fnas_free(drawn);
    return status;
}

bool fnas_space_has_counts(const fnas_space *space) {
    return space->type->macs != NULL;
}

int64_t fnas_space_macs(const fnas_space *space, const int32_t *choices) {
    return space->type->macs ? space->type->macs(space, choices) : 0;
}

int64_t fnas_space_params(const fnas_space *space, const int32_t *choices) {
    return space->type->params ? space->type->params(space, choices) : 0;
}

int64_t fnas_space_reference_count(const fnas_space *space) {
    return space->references ? space->reference_count : space->type->reference_count;
}

void fnas_space_reference(const fnas_space *space, int64_t index, int32_t *choices) {
    if (space->references) {
        memcpy(choices, space->references + index * space->decision_count, (size_t)space->decision_count * sizeof *choices);
        return;
    }
    /* The strings are the space's own; a test parses each. */
    if (space->type->parse(NULL, space, space->type->reference_archs[index], choices) != FNAS_OK)
        memset(choices, 0, (size_t)space->decision_count * sizeof *choices);
}

void fnas_space_to_onehot(const fnas_space *space, const int32_t *choices, double *onehot) {
    memset(onehot, 0, (size_t)space->onehot_size * sizeof *onehot);
    for (int64_t d = 0, offset = 0; d < space->decision_count; offset += space->decisions[d].choice_count, d++)
        onehot[offset + choices[d]] = 1.0;
}

void fnas_space_decode(const fnas_space *space, const double *logits, int32_t *choices) {
    for (int64_t d = 0, offset = 0; d < space->decision_count; offset += space->decisions[d].choice_count, d++) {
        int32_t best = 0;
        for (int32_t k = 1; k < space->decisions[d].choice_count; k++)
            if (logits[offset + k] > logits[offset + best]) best = k;
        choices[d] = best;
    }
}

/* ---- supernet and costs ---- */

bool fnas_space_largest(const fnas_space *space, int32_t *choices) {
    if (space->type->largest) space->type->largest(space, choices);
    int32_t first;
    bool phased = fnas_space_phase_count(space) > 0;
    for (int64_t d = 0; phased && d < space->decision_count; d++)
        fnas_space_phase_choices(space, FNAS_SPACE_ALL_OPEN, d, &first, &choices[d]);
    return space->type->largest || phased;
}

bool fnas_space_translates(const fnas_space *space) {
    return space->type->translator != NULL;
}

bool fnas_space_has_supernet(const fnas_space *space) {
    return space->type->declare && space->type->record;
}

int64_t fnas_space_phase_count(const fnas_space *space) {
    int64_t count = 0;
    while (space->type->phase_names && space->type->phase_names[count]) count++;
    return count;
}

const char *fnas_space_phase_name(const fnas_space *space, int64_t phase) {
    return space->type->phase_names[phase];
}

void fnas_space_phase_choices(const fnas_space *space, int64_t phase, int64_t decision, int32_t *first, int32_t *last) {
    *first = 0;
    *last = (int32_t)space->decisions[decision].choice_count - 1;
    if (space->type->phase_choices && phase != FNAS_SPACE_ALL_OPEN) space->type->phase_choices(space, phase, decision, first, last);
}

fnas_status fnas_space_begin_phase(fnas_context *context, const fnas_space *space, int64_t phase, fnas_parameters *weights, float *moment) {
    return space->type->begin_phase ? space->type->begin_phase(context, space, phase, weights, moment) : FNAS_OK;
}

fnas_status fnas_space_check_one_image_size(fnas_context *context, const fnas_space *space) {
    if (!space->type->image_of) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "the space %s: its networks take images of several sizes, which this cannot give them",
                     fnas_space_name(space));
}

const char *fnas_space_description(const fnas_space *space) {
    return space->type == &fnas_space_file ? fnas_file_space_description(space) : NULL;
}

fnas_status fnas_space_declare(fnas_context *context, const fnas_space *space, fnas_parameters *parameters) {
    if (!space->type->declare) return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "space %s has no supernet", fnas_space_name(space));
    return space->type->declare(context, space, parameters);
}

fnas_status fnas_space_record(fnas_context *context, const fnas_space *space, const int32_t *choices, fnas_net **net) {
    *net = NULL;
    if (!space->type->record) return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "space %s has no supernet", fnas_space_name(space));
    FNAS_TRY(fnas_space_check_choices(context, space, choices));
    return space->type->record(context, space, choices, net);
}

void fnas_space_canonical(const fnas_space *space, int32_t *choices) {
    if (space->type->canonical) space->type->canonical(space, choices);
}

bool fnas_space_connected(const fnas_space *space, const int32_t *choices) {
    return !space->type->connected || space->type->connected(space, choices);
}

int64_t fnas_space_cost_feature_count(const fnas_space *space) {
    return space->type->cost_feature_count ? space->type->cost_feature_count(space) : space->onehot_size;
}

void fnas_space_cost_features(const fnas_space *space, const double *onehot, double *features) {
    if (space->type->cost_feature_count)
        space->type->cost_features(space, onehot, features);
    else
        memcpy(features, onehot, (size_t)space->onehot_size * sizeof *features);
}

void fnas_space_cost_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot) {
    if (space->type->cost_feature_count) {
        space->type->cost_features_vjp(space, onehot, diff_features, diff_onehot);
        return;
    }
    for (int64_t i = 0; i < space->onehot_size; i++) diff_onehot[i] += diff_features[i];
}

int64_t fnas_space_error_feature_count(const fnas_space *space) {
    return space->type->error_feature_count ? space->type->error_feature_count(space) : fnas_space_cost_feature_count(space);
}

void fnas_space_error_features(const fnas_space *space, const double *onehot, double *features) {
    if (space->type->error_feature_count)
        space->type->error_features(space, onehot, features);
    else
        fnas_space_cost_features(space, onehot, features);
}

void fnas_space_error_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot) {
    if (space->type->error_feature_count)
        space->type->error_features_vjp(space, onehot, diff_features, diff_onehot);
    else
        fnas_space_cost_features_vjp(space, onehot, diff_features, diff_onehot);
}

int64_t fnas_space_structure_feature_count(const fnas_space *space) {
    return space->type->structure_feature_count ? space->type->structure_feature_count(space) : fnas_space_error_feature_count(space);
}

void fnas_space_structure_features(const fnas_space *space, const double *onehot, double *features) {
    if (space->type->structure_feature_count)
        space->type->structure_features(space, onehot, features);
    else
        fnas_space_error_features(space, onehot, features);
}

void fnas_space_structure_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot) {
    if (space->type->structure_feature_count)
        space->type->structure_features_vjp(space, onehot, diff_features, diff_onehot);
    else
        fnas_space_error_features_vjp(space, onehot, diff_features, diff_onehot);
}

/* ---- encodings ---- */

static void fnas_space_encode_plainly(const fnas_space *space, const double *onehot, double *input) {
    memcpy(input, onehot, (size_t)space->onehot_size * sizeof *input);
}

static void fnas_space_encode_plainly_vjp(const fnas_space *space, const double *onehot, const double *diff_input, double *diff_onehot) {
    (void)onehot;
    for (int64_t i = 0; i < space->onehot_size; i++) diff_onehot[i] += diff_input[i];
}

const fnas_space_own_format *fnas_space_own_format_at(const fnas_space *space, int64_t index) {
    const fnas_space_own_format *formats = space->type->formats;
    return formats && formats[index].name ? &formats[index] : NULL;
}

const fnas_space_encoding *fnas_space_encoding_at(const fnas_space *space, int64_t index) {
    static const fnas_space_encoding plain[] = {
        {"onehot", NULL, NULL, fnas_space_onehot_size, fnas_space_encode_plainly, fnas_space_encode_plainly_vjp}, {.name = NULL}};
    const fnas_space_encoding *encodings = space->type->encodings ? space->type->encodings : plain;
    return encodings[index].name ? encodings + index : NULL;
}
