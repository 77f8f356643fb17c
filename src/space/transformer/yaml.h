/* Flat YAML: one document, a mapping of keys to scalars or to lists of scalars. HAT's files are of this form, and nothing beyond it is
 * read: aliases, anchors, tags, nesting, a key twice are refused by file and line. */
#ifndef FNAS_SPACE_TRANSFORMER_YAML_H
#define FNAS_SPACE_TRANSFORMER_YAML_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_YAML_LIMIT_BYTES ((size_t)64 << 10)

typedef struct fnas_yaml_item {
    char *text;
    int64_t line;
    bool plain; /* without quotes: what may be a number */
} fnas_yaml_item;

typedef struct fnas_yaml_entry {
    char *key;
    int64_t line;
    bool is_list;
    int64_t first, count; /* of its items; a scalar has one */
} fnas_yaml_entry;

typedef struct fnas_yaml {
    const char *where; /* borrowed: "FILE.yml" */
    fnas_yaml_entry *entries;
    fnas_yaml_item *items;
    int64_t entry_count, item_count;
    size_t entry_capacity, item_capacity;
} fnas_yaml;

/* Released by fnas_yaml_free, also after a failure. `where` stays borrowed. Errors: FNAS_ERR_INPUT "WHERE:LINE: ...", FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_yaml_parse(fnas_context *context, const char *where, const void *data, size_t size_bytes, fnas_yaml *yaml);
void fnas_yaml_free(fnas_yaml *yaml);

/* NULL where there is no such key. */
const fnas_yaml_entry *fnas_yaml_find(const fnas_yaml *yaml, const char *key);

/* A scalar that is a whole number from least to most. Errors: FNAS_ERR_INPUT naming file, line and key. */
FNAS_NODISCARD fnas_status fnas_yaml_integer(fnas_context *context, const fnas_yaml *yaml, const fnas_yaml_entry *entry, int64_t least,
                                             int64_t most, int64_t *value);
/* A list of 1 to `limit` of them: values [limit]. Errors as there. */
FNAS_NODISCARD fnas_status fnas_yaml_integers(fnas_context *context, const fnas_yaml *yaml, const fnas_yaml_entry *entry, int64_t limit,
                                              int64_t least, int64_t most, int64_t *values, int64_t *count);

#endif
