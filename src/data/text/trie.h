/* Texts with numbers, found by the bytes with which a longer text begins. */
#ifndef FNAS_DATA_TEXT_TRIE_H
#define FNAS_DATA_TEXT_TRIE_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_TRIE_NODES_MAX (1 << 22)

/* Zero-initialise; fnas_trie_free. Node 0 is the root. The children of all nodes lie in one hash table by node and byte, open addressing.
 */
typedef struct fnas_trie {
    int32_t *values; /* [nodes]: of the text that ends there, or -1 */
    size_t nodes, capacity;
    uint32_t *keys;    /* [slots]: node << 8 | byte */
    int32_t *children; /* [slots]; 0: empty, as the root is nobody's child */
    size_t slots;
} fnas_trie;

/* text [size >= 1]. Errors: FNAS_ERR_INPUT (it is there already, or there are too many), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_trie_add(fnas_context *context, fnas_trie *trie, const char *text, size_t size, int32_t value);
void fnas_trie_free(fnas_trie *trie);

/* The child of a node, or 0. An empty trie has none. */
int32_t fnas_trie_child(const fnas_trie *trie, int32_t node, char byte);

/* The value of just this text, or -1. */
int32_t fnas_trie_find(const fnas_trie *trie, const char *text, size_t size);

/* The size of the longest text in it that this one begins with, or 0. */
size_t fnas_trie_longest(const fnas_trie *trie, const char *text, size_t size);

#endif
