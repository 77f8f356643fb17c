#include "data/text/trie.h"

#include "base/memory.h"

#define SLOTS_LEAST 1024

void fnas_trie_free(fnas_trie *trie) {
    fnas_free(trie->values);
    fnas_free(trie->keys);
    fnas_free(trie->children);
    *trie = (fnas_trie){0};
}

/* Where the key stands, or the empty slot where it would. */
static size_t find_slot(const uint32_t *keys, const int32_t *children, size_t slots, uint32_t key) {
    size_t slot = (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (slots - 1);
    while (children[slot] && keys[slot] != key) slot = (slot + 1) & (slots - 1);
    return slot;
}

static uint32_t key_of(int32_t node, char byte) {
    return (uint32_t)node << 8 | (unsigned char)byte;
}

int32_t fnas_trie_child(const fnas_trie *trie, int32_t node, char byte) {
    if (!trie->slots) return 0;
    return trie->children[find_slot(trie->keys, trie->children, trie->slots, key_of(node, byte))];
}

int32_t fnas_trie_find(const fnas_trie *trie, const char *text, size_t size) {
    int32_t node = 0;
    for (size_t i = 0; i < size; i++)
        if (!(node = fnas_trie_child(trie, node, text[i]))) return -1;
    return node ? trie->values[node] : -1;
}

size_t fnas_trie_longest(const fnas_trie *trie, const char *text, size_t size) {
    size_t longest = 0;
    int32_t node = 0;
    for (size_t i = 0; i < size && (node = fnas_trie_child(trie, node, text[i])); i++)
        if (trie->values[node] >= 0) longest = i + 1;
    return longest;
}

/* ---- adding ---- */

static bool rehash(fnas_trie *trie, size_t slots) {
    uint32_t *keys = fnas_allocate(slots, sizeof *keys);
    int32_t *children = fnas_allocate(slots, sizeof *children);
    if (!keys || !children) {
        fnas_free(keys);
        fnas_free(children);
        return false;
    }
    for (size_t i = 0; i < trie->slots; i++) {
        if (!trie->children[i]) continue;
        size_t slot = find_slot(keys, children, slots, trie->keys[i]);
        keys[slot] = trie->keys[i];
        children[slot] = trie->children[i];
    }
    fnas_free(trie->keys);
    fnas_free(trie->children);
    trie->keys = keys;
    trie->children = children;
    trie->slots = slots;
    return true;
}

static bool add_node(fnas_trie *trie) {
    void *values = trie->values;
    bool grown = fnas_grow(&values, &trie->capacity, trie->nodes + 1, sizeof *trie->values);
    trie->values = values;
    if (grown) trie->values[trie->nodes++] = -1;
    return grown;
}

/* At most half of the slots are taken. */
static bool make_room(fnas_trie *trie) {
    if (!trie->nodes && !add_node(trie)) return false;
    if (trie->slots && trie->nodes < trie->slots / 2) return true;
    return rehash(trie, trie->slots ? 2 * trie->slots : SLOTS_LEAST);
}

static fnas_status step(fnas_context *context, fnas_trie *trie, char byte, int32_t *node) {
    if (!make_room(trie)) return fnas_fail_memory(context, "pieces of a vocabulary");
    size_t slot = find_slot(trie->keys, trie->children, trie->slots, key_of(*node, byte));
    if (!trie->children[slot]) {
        if (trie->nodes >= FNAS_TRIE_NODES_MAX) return fnas_fail(context, FNAS_ERR_INPUT, "its pieces are too many or too long");
        if (!add_node(trie)) return fnas_fail_memory(context, "pieces of a vocabulary");
        trie->keys[slot] = key_of(*node, byte);
        trie->children[slot] = (int32_t)trie->nodes - 1;
    }
    *node = trie->children[slot];
    return FNAS_OK;
}

fnas_status fnas_trie_add(fnas_context *context, fnas_trie *trie, const char *text, size_t size, int32_t value) {
    int32_t node = 0;
    for (size_t i = 0; i < size; i++) FNAS_TRY(step(context, trie, text[i], &node));
    if (trie->values[node] >= 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "pieces %ld and %ld are the same", (long)trie->values[node], (long)value);
    trie->values[node] = value;
    return FNAS_OK;
}
