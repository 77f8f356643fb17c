#include "device/archs.h"

#include <string.h>

#include "base/memory.h"
#include "space/space.h"

#define LIST_LIMIT_BYTES ((size_t)16 << 20)

/* ---- files ---- */

#define REFERENCE "reference"

/* Rows of averages can be references, where a table has them; nothing can measure them anew. */
static fnas_status parse_entry(fnas_context *context, const fnas_space *space, const char *what, const char *text, int32_t *choices) {
    return strcmp(what, REFERENCE) == 0 ? fnas_space_parse_measured(context, space, text, choices)
                                        : fnas_space_parse(context, space, text, choices);
}

/* `what` names an entry of the list: "reference". Distinct ones, in their order. */
static fnas_status parse_list(fnas_context *context, const fnas_space *space, const char *path, const char *what, const json_t *array,
                              fnas_arch_set *list) {
    int32_t *choices = fnas_allocate((size_t)list->decisions, sizeof *choices);
    fnas_status status = choices ? FNAS_OK : fnas_fail_memory(context, path);
    for (size_t i = 0; i < json_array_size(array) && status == FNAS_OK; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        int64_t place = (int64_t)i;
        if (!text) {
            status = fnas_fail(context, FNAS_ERR_INPUT, "%s: %s %zu is no string: write the space's native strings", path, what, i);
            break;
        }
        status = parse_entry(context, space, what, text, choices);
        if (status != FNAS_OK) status = fnas_fail_prefix(context, status, "%s: %s %zu", path, what, i);
        if (status == FNAS_OK) status = fnas_arch_set_add(context, list, choices, &place);
        if (status == FNAS_OK && place < (int64_t)i)
            status = fnas_fail(context, FNAS_ERR_INPUT, "%s: %ss %lld and %zu are the same architecture: keep one", path, what,
                               (long long)place, i);
    }
    fnas_free(choices);
    return status;
}

/* Of `least` to `most` architectures; why: what needs so many. The list is released by the caller, also after a failure. */
static fnas_status read_list(fnas_context *context, const fnas_space *space, const char *path, const char *what, int64_t least,
                             int64_t most, const char *why, fnas_arch_set *list) {
    json_t *root;
    *list = (fnas_arch_set){.decisions = fnas_space_decision_count(space)};
    FNAS_TRY(fnas_json_read(context, path, LIST_LIMIT_BYTES, &root));
    json_t *array = root;
    fnas_status status = json_is_array(root) ? FNAS_OK : fnas_json_array(context, root, path, "reference_archs", &array);
    int64_t count = (int64_t)json_array_size(array);
    if (status == FNAS_OK && (count < least || count > most))
        status = fnas_fail(context, FNAS_ERR_INPUT, "%s: %lld %ss, %s", path, (long long)count, what, why);
    if (status == FNAS_OK) status = parse_list(context, space, path, what, array, list);
    json_decref(root);
    return status;
}

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)

fnas_status fnas_archs_listed(fnas_context *context, const fnas_space *space, const char *path, fnas_arch_set *list) {
    return read_list(context, space, path, "architecture", 1, FNAS_ARCHS_LISTED_MOST,
                     "1 to " NUMBER(FNAS_ARCHS_LISTED_MOST) " can be measured", list);
}

/* ---- references ---- */

static fnas_status read_references(fnas_context *context, const fnas_space *space, const char *path, int32_t *choices) {
    fnas_arch_set list;
    fnas_status status = read_list(context, space, path, REFERENCE, FNAS_CARD_REFERENCES, FNAS_CARD_REFERENCES,
                                   "the embedding needs " NUMBER(FNAS_CARD_REFERENCES), &list);
    if (status == FNAS_OK) memcpy(choices, list.choices, (size_t)(list.count * list.decisions) * sizeof *choices);
    fnas_arch_set_free(&list);
    return status;
}

fnas_status fnas_archs_references(fnas_context *context, const fnas_space *space, const char *path, int32_t *choices) {
    if (path) return read_references(context, space, path, choices);
    if (fnas_space_reference_count(space) != FNAS_CARD_REFERENCES)
        return fnas_fail(context, FNAS_ERR_INPUT, "space %s has no %d reference architectures of its own: give a file of them",
                         fnas_space_name(space), FNAS_CARD_REFERENCES);
    for (int64_t i = 0; i < FNAS_CARD_REFERENCES; i++) fnas_space_reference(space, i, choices + i * fnas_space_decision_count(space));
    return FNAS_OK;
}

/* ---- random architectures ---- */

fnas_status fnas_archs_random(fnas_context *context, const fnas_space *space, uint64_t seed, int64_t taken_count, const int32_t *taken,
                              int64_t count, int32_t *choices) {
    fnas_arch_set drawn = {.decisions = fnas_space_decision_count(space)};
    fnas_status status = fnas_arch_set_add_all(context, &drawn, taken_count, taken);
    int64_t first = drawn.count;
    if (status == FNAS_OK) status = fnas_space_random_distinct(context, space, seed, count, &drawn);
    if (status == FNAS_OK && count > 0)
        memcpy(choices, fnas_arch_set_at(&drawn, first), (size_t)(count * drawn.decisions) * sizeof *choices);
    fnas_arch_set_free(&drawn);
    return status;
}
