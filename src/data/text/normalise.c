#include "data/text/normalise.h"

#include <string.h>

#include "data/text/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* ---- rules ---- */

static uint32_t get_u32(const unsigned char *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

fnas_status fnas_normaliser_set_rules(fnas_context *context, fnas_normaliser *normaliser, const unsigned char *bytes, size_t size) {
    if (!size) return FNAS_OK;
    size_t array = size >= 4 ? get_u32(bytes) : 0;
    if (size < 4 || array >= size - 4 || array % 4 || !array || bytes[size - 1])
        return fnas_fail(context, FNAS_ERR_INPUT, "its rules of normalisation are damaged");
    normaliser->units = bytes + 4;
    normaliser->unit_count = array / 4;
    normaliser->replacements = (const char *)bytes + 4 + array;
    normaliser->replacement_bytes = size - 4 - array;
    return FNAS_OK;
}

/* A unit of the double array: 8 bits of label and a bit that tells values apart, whether a value follows, how far away the children are. */
static uint32_t unit_label(uint32_t unit) {
    return unit & 0x800000FFu;
}

static size_t unit_offset(uint32_t unit) {
    return (size_t)(unit >> 10) << ((unit & 0x200u) >> 6);
}

static bool get_unit(const fnas_normaliser *normaliser, size_t index, uint32_t *unit) {
    if (index >= normaliser->unit_count) return false;
    *unit = get_u32(normaliser->units + 4 * index);
    return true;
}

/* The longest rule that the text begins with: how many bytes it replaces, or 0. */
static size_t find_rule(const fnas_normaliser *normaliser, const char *text, size_t size, const char **replacement) {
    uint32_t unit, leaf;
    size_t longest = 0, node;
    if (!get_unit(normaliser, 0, &unit)) return 0;
    node = unit_offset(unit);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        node ^= byte;
        if (!get_unit(normaliser, node, &unit) || unit_label(unit) != byte) break;
        node ^= unit_offset(unit);
        if (!(unit >> 8 & 1) || !get_unit(normaliser, node, &leaf)) continue;
        size_t value = leaf & 0x7FFFFFFFu;
        if (value >= normaliser->replacement_bytes) continue;
        longest = i + 1;
        *replacement = normaliser->replacements + value;
    }
    return longest;
}

/* ---- texts ---- */

/* What the beginning of a text becomes; returns how many bytes it took. */
static size_t next_part(const fnas_normaliser *normaliser, const char *text, size_t size, const char **part, size_t *part_size) {
    uint32_t code;
    size_t taken = normaliser->symbols ? fnas_trie_longest(normaliser->symbols, text, size) : 0;
    *part = text;
    *part_size = taken;
    if (taken) return taken;
    taken = find_rule(normaliser, text, size, part);
    if (taken) {
        *part_size = strlen(*part);
        return taken;
    }
    taken = fnas_utf8_decode(text, size, &code);
    *part_size = taken;
    if (code != FNAS_UTF8_NONE) return taken;
    *part = REPLACEMENT;
    *part_size = sizeof REPLACEMENT - 1;
    return 1;
}

static void append_space(const fnas_normaliser *normaliser, fnas_text *normal) {
    fnas_text_append_bytes(normal, normaliser->escape_spaces ? FNAS_SPACE_MARK : " ",
                           normaliser->escape_spaces ? FNAS_SPACE_MARK_BYTES : 1);
}

static void append_part(const fnas_normaliser *normaliser, const char *part, size_t size, fnas_text *normal) {
    for (size_t begin = 0, i = 0; i <= size; i++) {
        if (i < size && part[i] != ' ') continue;
        if (i > begin) fnas_text_append_bytes(normal, part + begin, i - begin);
        if (i < size) append_space(normaliser, normal);
        begin = i + 1;
    }
}

static size_t skip_spaces(const fnas_normaliser *normaliser, const char *text, size_t size) {
    const char *part;
    size_t at = 0, part_size;
    while (at < size) {
        size_t taken = next_part(normaliser, text + at, size - at, &part, &part_size);
        if (part_size != 1 || part[0] != ' ') break;
        at += taken;
    }
    return at;
}

static void strip_spaces(const fnas_normaliser *normaliser, fnas_text *normal, size_t begin) {
    const char *space = normaliser->escape_spaces ? FNAS_SPACE_MARK : " ";
    size_t size = strlen(space);
    while (normal->size >= begin + size && !memcmp(normal->data + normal->size - size, space, size)) normal->size -= size;
    if (normal->data) normal->data[normal->size] = 0;
}

static fnas_status check_normal(fnas_context *context, const fnas_text *normal) {
    if (normal->failed) return fnas_fail_memory(context, "a text");
    if (normal->size <= FNAS_NORMALISED_MAX) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "a text grows beyond %d bytes by its rules of normalisation", FNAS_NORMALISED_MAX);
}

static fnas_status append_all(fnas_context *context, const fnas_normaliser *normaliser, const char *text, size_t size, fnas_text *normal) {
    const char *part;
    size_t part_size;
    bool behind_space = normaliser->remove_extra_spaces;
    for (size_t at = 0; at < size;) {
        at += next_part(normaliser, text + at, size - at, &part, &part_size);
        while (behind_space && part_size && part[0] == ' ') part++, part_size--;
        if (!part_size) continue;
        append_part(normaliser, part, part_size, normal);
        behind_space = normaliser->remove_extra_spaces && part[part_size - 1] == ' ';
        FNAS_TRY(check_normal(context, normal));
    }
    return FNAS_OK;
}

fnas_status fnas_normalise(fnas_context *context, const fnas_normaliser *normaliser, const char *text, size_t size, fnas_text *normal) {
    size_t begin = normal->size, skipped = normaliser->remove_extra_spaces ? skip_spaces(normaliser, text, size) : 0;
    if (skipped == size) return FNAS_OK;
    if (normaliser->dummy_prefix && !normaliser->spaces_behind) append_space(normaliser, normal);
    FNAS_TRY(append_all(context, normaliser, text + skipped, size - skipped, normal));
    if (normaliser->remove_extra_spaces) strip_spaces(normaliser, normal, begin);
    if (normaliser->dummy_prefix && normaliser->spaces_behind) append_space(normaliser, normal);
    return check_normal(context, normal);
}
