#include "device/archs.h"

#include <string.h>

#include "space/space.h"

#define REFERENCES_LIMIT_BYTES ((size_t)1 << 20)

/* ---- references ---- */

static fnas_status parse_references(fnas_context *context, const fnas_space *space, const char *path, const json_t *array,
                                    int32_t *choices) {
    int64_t decisions = fnas_space_decision_count(space);
    if (json_array_size(array) != FNAS_CARD_REFERENCES)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %zu reference architectures, the embedding needs %d", path, json_array_size(array),
                         FNAS_CARD_REFERENCES);
    for (size_t i = 0; i < FNAS_CARD_REFERENCES; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text) return fnas_fail(context, FNAS_ERR_INPUT, "%s: reference %zu is no string: write the space's native strings", path, i);
        fnas_status status = fnas_space_parse(context, space, text, choices + (int64_t)i * decisions);
        if (status != FNAS_OK) return fnas_fail_prefix(context, status, "%s: reference %zu", path, i);
        for (size_t k = 0; k < i; k++)
            if (memcmp(choices + (int64_t)k * decisions, choices + (int64_t)i * decisions, (size_t)decisions * sizeof *choices) == 0)
                return fnas_fail(context, FNAS_ERR_INPUT, "%s: references %zu and %zu are the same architecture", path, k, i);
    }
    return FNAS_OK;
}

static fnas_status read_references(fnas_context *context, const fnas_space *space, const char *path, int32_t *choices) {
    json_t *root;
    FNAS_TRY(fnas_json_read(context, path, REFERENCES_LIMIT_BYTES, &root));
    json_t *array = root;
    fnas_status status = json_is_array(root) ? FNAS_OK : fnas_json_array(context, root, path, "reference_archs", &array);
    if (status == FNAS_OK) status = parse_references(context, space, path, array, choices);
    json_decref(root);
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

fnas_status fnas_archs_random(fnas_context *context, const fnas_space *space, uint64_t seed, const int32_t *references, int64_t count,
                              int32_t *choices) {
    fnas_arch_set taken = {.decisions = fnas_space_decision_count(space)};
    fnas_status status = fnas_arch_set_add_all(context, &taken, FNAS_CARD_REFERENCES, references);
    int64_t first = taken.count;
    if (status == FNAS_OK) status = fnas_space_random_distinct(context, space, seed, count, &taken);
    if (status == FNAS_OK && count > 0)
        memcpy(choices, fnas_arch_set_at(&taken, first), (size_t)(count * taken.decisions) * sizeof *choices);
    fnas_arch_set_free(&taken);
    return status;
}
