/* Reading a description: everything is checked, and messages name file, line and what is at fault. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "space/file/reader.h"

/* "space.json:12: decision "op3"": what messages about a decision begin with. */
#define PLACE_BYTES 512
static void fnas_file_place(const fnas_file_reader *reader, int64_t decision, char place[PLACE_BYTES]) {
    long long line = fnas_json_line(reader->text, "decisions", decision);
    const char *name = reader->file->decisions[decision].name;
    if (name)
        snprintf(place, PLACE_BYTES, "%.300s:%lld: decision \"%s\"", reader->where, line, name);
    else
        snprintf(place, PLACE_BYTES, "%.300s:%lld: decision %lld", reader->where, line, (long long)decision + 1);
}

static fnas_status fnas_file_check_keys(fnas_context *context, const char *place, const json_t *object, const char *const *keys) {
    const char *key;
    json_t *ignored;
    json_object_foreach((json_t *)object, key, ignored) {
        int known = 0;
        while (keys[known] && strcmp(keys[known], key) != 0) known++;
        if (keys[known]) continue;
        const char *nearest = fnas_suggest(key, keys);
        if (nearest) return fnas_fail(context, FNAS_ERR_INPUT, "%s: unknown key \"%.80s\": did you mean \"%s\"?", place, key, nearest);
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: unknown key \"%.80s\": remove it", place, key);
    }
    return FNAS_OK;
}

/* ---- names ---- */

static const char *const SPACE_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

static fnas_status fnas_file_check_space_name(fnas_context *context, const char *where, const char *name) {
    size_t length = strlen(name);
    if (length > 0 && length <= FNAS_FILE_SPACE_NAME_MAX && strspn(name, SPACE_NAME_LETTERS) == length) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: \"name\" is \"%.80s\": 1 to %d letters, digits, '.', '_' and '-' make the name of a space", where, name,
                     FNAS_FILE_SPACE_NAME_MAX);
}

/* Names stand in native strings, tables and on terminals. */
static fnas_status fnas_file_check_name(fnas_context *context, const char *place, const char *what, const char *name) {
    size_t length = strlen(name);
    if (length < 1 || length > FNAS_FILE_SPACE_NAME_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: the %s \"%.80s\" has %zu bytes: 1 to %d are allowed", place, what, name, length,
                         FNAS_FILE_SPACE_NAME_MAX);
    if (strchr(name, FNAS_FILE_SPACE_SEPARATOR))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: the %s \"%s\" holds '/', which stands between the choices of an architecture: rename it", place, what, name);
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        bool control = *p <= 0x20 || *p == 0x7F || (*p == 0xC2 && p[1] < 0xA0); /* ASCII's and blanks, and U+0080 to U+009F */
        if (control || *p == ',' || *p == '"')
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: the %s \"%s\" holds a blank, a comma, a quote or a control character: rename it",
                             place, what, name);
    }
    return FNAS_OK;
}

static fnas_status fnas_file_keep(fnas_context *context, const char *text, char **kept) {
    *kept = fnas_strdup(text);
    return *kept ? FNAS_OK : fnas_fail_memory(context, "a space");
}

/* ---- decisions ---- */

static fnas_status fnas_file_read_choices(const fnas_file_reader *reader, const char *place, const json_t *object,
                                          fnas_file_decision *decision) {
    fnas_context *context = reader->context;
    json_t *array;
    FNAS_TRY(fnas_json_array(context, object, place, "choices", &array));
    size_t count = json_array_size(array);
    if (count < 1 || count > FNAS_FILE_SPACE_CHOICES_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"choices\" has %zu names: 1 to %d are allowed", place, count,
                         FNAS_FILE_SPACE_CHOICES_MAX);
    decision->choice_names = fnas_allocate(count, sizeof *decision->choice_names);
    if (!decision->choice_names) return fnas_fail_memory(context, "a space");
    decision->choice_count = (int64_t)count;
    for (size_t k = 0; k < count; k++) {
        const char *name = json_string_value(json_array_get(array, k));
        if (!name) return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"choices\"[%zu] must be a text in quotes", place, k);
        FNAS_TRY(fnas_file_check_name(context, place, "choice", name));
        for (size_t i = 0; i < k; i++)
            if (strcmp(decision->choice_names[i], name) == 0)
                return fnas_fail(context, FNAS_ERR_INPUT, "%s: the choice \"%s\" is there twice", place, name);
        FNAS_TRY(fnas_file_keep(context, name, &decision->choice_names[k]));
    }
    return FNAS_OK;
}

/* Scaled to 0..1 over the choices: a feature is compared with the 0 and 1 of others. */
static fnas_status fnas_file_read_values(const fnas_file_reader *reader, const char *place, const json_t *object,
                                         fnas_file_decision *decision) {
    fnas_context *context = reader->context;
    json_t *array;
    if (!json_object_get(object, "values")) return FNAS_OK;
    FNAS_TRY(fnas_json_array(context, object, place, "values", &array));
    if ((int64_t)json_array_size(array) != decision->choice_count)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %zu \"values\" for %lld choices: give one number a choice", place,
                         json_array_size(array), (long long)decision->choice_count);
    decision->values = fnas_allocate((size_t)decision->choice_count, sizeof *decision->values);
    if (!decision->values) return fnas_fail_memory(context, "a space");
    double low = INFINITY, high = -INFINITY;
    for (int64_t k = 0; k < decision->choice_count; k++) {
        const json_t *number = json_array_get(array, (size_t)k);
        double value = json_number_value(number);
        if (!json_is_number(number) || !isfinite(value) || fabs(value) > 1e30)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"values\"[%lld] must be a number", place, (long long)k);
        decision->values[k] = value;
        low = fmin(low, value);
        high = fmax(high, value);
    }
    if (low >= 0 && high > 0) {
        decision->ratios = fnas_allocate((size_t)decision->choice_count, sizeof *decision->ratios);
        if (!decision->ratios) return fnas_fail_memory(context, "a space");
        for (int64_t k = 0; k < decision->choice_count; k++) decision->ratios[k] = decision->values[k] / high;
    }
    for (int64_t k = 0; k < decision->choice_count; k++) decision->values[k] = high > low ? (decision->values[k] - low) / (high - low) : 0;
    return FNAS_OK;
}

static fnas_status fnas_file_read_decision(const fnas_file_reader *reader, int64_t index) {
    static const char *const keys[] = {"name", "choices", "values", "active", NULL};
    fnas_context *context = reader->context;
    fnas_file_space *file = reader->file;
    fnas_file_decision *decision = &file->decisions[index];
    const json_t *object = json_array_get(reader->decisions, (size_t)index);
    char place[PLACE_BYTES];
    const char *name;
    fnas_file_place(reader, index, place);
    FNAS_TRY(fnas_json_string(context, object, place, "name", &name));
    FNAS_TRY(fnas_file_check_name(context, place, "name", name));
    for (int64_t i = 0; i < index; i++)
        if (strcmp(file->decisions[i].name, name) == 0)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"name\": decision %lld is named \"%s\" as well", place, (long long)i + 1, name);
    FNAS_TRY(fnas_file_keep(context, name, &decision->name));
    fnas_file_place(reader, index, place);
    FNAS_TRY(fnas_file_check_keys(context, place, object, keys));
    FNAS_TRY(fnas_file_read_choices(reader, place, object, decision));
    decision->parent = -1;
    return fnas_file_read_values(reader, place, object, decision);
}

/* ---- which are active when ---- */

static int64_t fnas_file_find_decision(const fnas_file_space *file, const char *name) {
    for (int64_t d = 0; d < file->decision_count; d++)
        if (strcmp(file->decisions[d].name, name) == 0) return d;
    return -1;
}

/* -1 after a failure, which is recorded. */
static int64_t fnas_file_activating_choice(const fnas_file_reader *reader, const char *place, const fnas_file_decision *parent,
                                           const json_t *name) {
    const char *word = json_string_value(name);
    for (int64_t k = 0; word && k < parent->choice_count; k++)
        if (strcmp(parent->choice_names[k], word) == 0) return k;
    fnas_status ignored = fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"active\": the decision \"%s\" has no choice \"%.80s\"", place,
                                    parent->name, word ? word : "(no text)");
    (void)ignored;
    return -1;
}

static fnas_status fnas_file_read_condition(const fnas_file_reader *reader, const char *place, const json_t *active,
                                            fnas_file_decision *decision) {
    fnas_context *context = reader->context;
    const fnas_file_decision *parent = &reader->file->decisions[decision->parent];
    const json_t *in = json_object_get(active, "in"), *at_least = json_object_get(active, "at_least");
    if (!in == !at_least)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"active\" needs either \"in\": [choices] or \"at_least\": choice", place);
    if (at_least) {
        int64_t first = fnas_file_activating_choice(reader, place, parent, at_least);
        if (first < 0) return FNAS_ERR_INPUT;
        for (int64_t k = first; k < parent->choice_count; k++) decision->active_with[k] = true;
        return FNAS_OK;
    }
    if (!json_is_array(in) || json_array_size(in) == 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"active\": \"in\" must be an array with at least one choice", place);
    for (size_t i = 0; i < json_array_size(in); i++) {
        int64_t choice = fnas_file_activating_choice(reader, place, parent, json_array_get(in, i));
        if (choice < 0) return FNAS_ERR_INPUT;
        decision->active_with[choice] = true;
    }
    return FNAS_OK;
}

static fnas_status fnas_file_read_active(const fnas_file_reader *reader, int64_t index) {
    static const char *const keys[] = {"decision", "in", "at_least", NULL};
    fnas_context *context = reader->context;
    fnas_file_space *file = reader->file;
    fnas_file_decision *decision = &file->decisions[index];
    const json_t *object = json_array_get(reader->decisions, (size_t)index);
    char place[PLACE_BYTES];
    const char *name;
    json_t *active;
    if (!json_object_get(object, "active")) return FNAS_OK;
    fnas_file_place(reader, index, place);
    FNAS_TRY(fnas_json_object(context, object, place, "active", &active));
    FNAS_TRY(fnas_file_check_keys(context, place, active, keys));
    FNAS_TRY(fnas_json_string(context, active, place, "decision", &name));
    decision->parent = fnas_file_find_decision(file, name);
    if (decision->parent < 0) return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"active\": there is no decision \"%.80s\"", place, name);
    decision->active_with = fnas_allocate((size_t)file->decisions[decision->parent].choice_count, sizeof *decision->active_with);
    if (!decision->active_with) return fnas_fail_memory(context, "a space");
    return fnas_file_read_condition(reader, place, active, decision);
}

/* Into file->order: parents before their children. What is left when no more can be placed depends on itself. */
static fnas_status fnas_file_order(const fnas_file_reader *reader) {
    fnas_file_space *file = reader->file;
    bool placed[FNAS_FILE_SPACE_DECISIONS_MAX] = {false};
    int64_t count = 0, before = -1;
    while (count > before) {
        before = count;
        for (int64_t d = 0; d < file->decision_count; d++) {
            if (placed[d] || (file->decisions[d].parent >= 0 && !placed[file->decisions[d].parent])) continue;
            placed[d] = true;
            file->order[count++] = d;
        }
    }
    for (int64_t d = 0; d < file->decision_count; d++) {
        char place[PLACE_BYTES];
        if (placed[d]) continue;
        fnas_file_place(reader, d, place);
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"active\" runs in a circle: it depends on \"%s\", which depends on it",
                         place, file->decisions[file->decisions[d].parent].name);
    }
    return FNAS_OK;
}

/* ---- what costs ---- */

static fnas_status fnas_file_read_cost(const fnas_file_reader *reader, const json_t *names, int64_t index) {
    fnas_context *context = reader->context;
    const fnas_file_space *file = reader->file;
    fnas_file_cost *cost = &file->costs[index];
    char place[PLACE_BYTES];
    snprintf(place, sizeof place, "%.300s:%lld: cost %lld", reader->where, (long long)fnas_json_line(reader->text, "costs", index),
             (long long)index + 1);
    size_t count = json_is_array(names) ? json_array_size(names) : 0;
    if (count < 1 || count > FNAS_FILE_SPACE_FACTORS_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: must be an array of 1 to %d names of decisions, whose values are multiplied", place,
                         FNAS_FILE_SPACE_FACTORS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        int64_t d = name ? fnas_file_find_decision(file, name) : -1;
        if (d < 0) return fnas_fail(context, FNAS_ERR_INPUT, "%s: there is no decision \"%.80s\"", place, name ? name : "(no text)");
        if (!file->decisions[d].ratios)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: decision \"%s\" needs \"values\", none negative and one above 0", place, name);
        cost->factors[cost->factor_count++] = d;
    }
    return FNAS_OK;
}

static fnas_status fnas_file_read_costs(const fnas_file_reader *reader) {
    fnas_file_space *file = reader->file;
    json_t *array;
    if (!json_object_get(reader->root, "costs")) return FNAS_OK;
    FNAS_TRY(fnas_json_array(reader->context, reader->root, reader->where, "costs", &array));
    size_t count = json_array_size(array);
    if (count < 1 || count > FNAS_FILE_SPACE_FEATURES_MAX)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: %zu \"costs\": 1 to %d are allowed", reader->where,
                         (long long)fnas_json_line(reader->text, "costs", -1), count, FNAS_FILE_SPACE_FEATURES_MAX);
    file->costs = fnas_allocate(count, sizeof *file->costs);
    if (!file->costs) return fnas_fail_memory(reader->context, "a space");
    for (size_t i = 0; i < count; i++) FNAS_TRY(fnas_file_read_cost(reader, json_array_get(array, i), (int64_t)i));
    file->cost_count = (int64_t)count;
    return FNAS_OK;
}

/* ---- sizes ---- */

static fnas_status fnas_file_measure(const fnas_file_reader *reader) {
    fnas_file_space *file = reader->file;
    int64_t bytes = 0, values = 0;
    for (int64_t d = 0; d < file->decision_count; d++) {
        const fnas_file_decision *decision = &file->decisions[d];
        size_t longest = 0;
        for (int64_t k = 0; k < decision->choice_count; k++)
            if (strlen(decision->choice_names[k]) > longest) longest = strlen(decision->choice_names[k]);
        bytes += (int64_t)longest + 1;
        file->offset[d] = file->onehot_size;
        file->onehot_size += decision->choice_count;
        values += decision->values != NULL;
    }
    file->feature_count = file->onehot_size + values;
    if (file->feature_count > FNAS_FILE_SPACE_FEATURES_MAX)
        return fnas_fail(reader->context, FNAS_ERR_INPUT,
                         "%s:%lld: \"decisions\" have %lld choices in all, and %lld have values: together at most %d are allowed",
                         reader->where, (long long)fnas_json_line(reader->text, "decisions", -1), (long long)file->onehot_size,
                         (long long)values, FNAS_FILE_SPACE_FEATURES_MAX);
    if (bytes > FNAS_ARCH_TEXT_BYTES)
        return fnas_fail(
            reader->context, FNAS_ERR_INPUT,
            "%s:%lld: the longest architecture of these \"decisions\" takes %lld bytes, at most %d are allowed: use shorter names "
            "of choices",
            reader->where, (long long)fnas_json_line(reader->text, "decisions", -1), (long long)bytes - 1, FNAS_ARCH_TEXT_BYTES - 1);
    return FNAS_OK;
}

static fnas_status fnas_file_read_decisions(fnas_file_reader *reader) {
    fnas_file_space *file = reader->file;
    json_t *array;
    FNAS_TRY(fnas_json_array(reader->context, reader->root, reader->where, "decisions", &array));
    reader->decisions = array;
    size_t count = json_array_size(array);
    if (count < 1 || count > FNAS_FILE_SPACE_DECISIONS_MAX)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: %zu \"decisions\": 1 to %d are allowed", reader->where,
                         (long long)fnas_json_line(reader->text, "decisions", -1), count, FNAS_FILE_SPACE_DECISIONS_MAX);
    file->decisions = fnas_allocate(count, sizeof *file->decisions);
    file->order = fnas_allocate(count, sizeof *file->order);
    file->offset = fnas_allocate(count, sizeof *file->offset);
    if (!file->decisions || !file->order || !file->offset) return fnas_fail_memory(reader->context, "a space");
    file->decision_count = (int64_t)count;
    for (int64_t d = 0; d < file->decision_count; d++) FNAS_TRY(fnas_file_read_decision(reader, d));
    for (int64_t d = 0; d < file->decision_count; d++) FNAS_TRY(fnas_file_read_active(reader, d));
    FNAS_TRY(fnas_file_order(reader));
    FNAS_TRY(fnas_file_read_costs(reader));
    return fnas_file_measure(reader);
}

/* ---- the whole ---- */

static fnas_status fnas_file_read_root(fnas_file_reader *reader) {
    static const char *const keys[] = {"format", "name", "decisions", "costs", "references", "table", NULL};
    fnas_context *context = reader->context;
    const char *format, *name;
    FNAS_TRY(fnas_json_string(context, reader->root, reader->where, "format", &format));
    if (strcmp(format, FNAS_FILE_SPACE_FORMAT) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"format\" is \"%.80s\", that of a space is \"" FNAS_FILE_SPACE_FORMAT "\"",
                         reader->where, format);
    FNAS_TRY(fnas_file_check_keys(context, reader->where, reader->root, keys));
    FNAS_TRY(fnas_json_string(context, reader->root, reader->where, "name", &name));
    FNAS_TRY(fnas_file_check_space_name(context, reader->where, name));
    FNAS_TRY(fnas_file_keep(context, name, &reader->file->name));
    FNAS_TRY(fnas_file_read_decisions(reader));
    json_t *identity;
    FNAS_TRY(fnas_file_identify(reader, &identity));
    fnas_status status = fnas_file_name_spec(reader, identity);
    if (status == FNAS_OK) status = fnas_file_find_references(reader);
    if (status == FNAS_OK) status = fnas_file_describe(reader, identity);
    json_decref(identity);
    return status;
}

fnas_status fnas_file_space_parse(fnas_context *context, const char *where, const char *folder, const char *text, size_t size_bytes,
                                  fnas_file_space **file) {
    json_t *root;
    *file = NULL;
    FNAS_TRY(fnas_json_parse(context, where, text, size_bytes, &root));
    fnas_file_space *made = fnas_allocate(1, sizeof *made);
    if (!made) {
        json_decref(root);
        return fnas_fail_memory(context, "a space");
    }
    atomic_init(&made->users, 1);
    fnas_file_reader reader = {.context = context, .where = where, .folder = folder, .text = text, .root = root, .file = made};
    fnas_status status = fnas_file_read_root(&reader);
    json_decref(root);
    if (status == FNAS_OK)
        *file = made;
    else
        fnas_file_space_release(made);
    return status;
}
