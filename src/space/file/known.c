/* The descriptions that a context has seen, by spec: cards and runs name a space by its name and checksum alone. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "space/file/file.h"

#define FILE_LIMIT_BYTES ((size_t)1 << 20)

typedef struct fnas_known_spaces {
    fnas_file_space **items;
    size_t count, capacity;
} fnas_known_spaces;

static void fnas_known_spaces_release(void *untyped) {
    fnas_known_spaces *known = untyped;
    for (size_t i = 0; i < known->count; i++) fnas_file_space_release(known->items[i]);
    fnas_free(known->items);
    fnas_free(known);
}

/* Takes over the caller's use of `file`, in the place of one of the same spec: references may have changed. */
static fnas_status fnas_known_spaces_add(fnas_context *context, fnas_file_space *file) {
    fnas_known_spaces *known = fnas_context_attached(context);
    if (!known) {
        known = fnas_allocate(1, sizeof *known);
        if (!known) return fnas_fail_memory(context, "a space");
        fnas_context_attach(context, known, fnas_known_spaces_release);
    }
    for (size_t i = 0; i < known->count; i++) {
        if (strcmp(known->items[i]->spec, file->spec) != 0) continue;
        fnas_file_space_release(known->items[i]);
        known->items[i] = file;
        return FNAS_OK;
    }
    void *items = known->items;
    bool grown = fnas_grow(&items, &known->capacity, known->count + 1, sizeof *known->items);
    known->items = items;
    if (!grown) return fnas_fail_memory(context, "a space");
    known->items[known->count++] = file;
    return FNAS_OK;
}

fnas_file_space *fnas_file_space_find(const fnas_context *context, const char *spec) {
    for (; context; context = fnas_context_parent(context)) {
        const fnas_known_spaces *known = fnas_context_attached(context);
        for (size_t i = 0; known && i < known->count; i++)
            if (strcmp(known->items[i]->spec, spec) == 0) return known->items[i];
    }
    return NULL;
}

/* ---- learning ---- */

/* "a/b/space.json" -> "a/b"; "." where there is none. Owned; NULL when out of memory. */
static char *fnas_folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return fnas_strdup(".");
    char *folder = fnas_strdup(path);
    if (folder) folder[slash == path ? 1 : slash - path] = '\0';
    return folder;
}

static fnas_status fnas_file_space_load(fnas_context *context, const char *path, fnas_file_space **file) {
    unsigned char *data;
    size_t size_bytes;
    FNAS_TRY(fnas_file_read(context, path, FILE_LIMIT_BYTES, &data, &size_bytes));
    char *folder = fnas_folder_of(path);
    fnas_status status = folder ? fnas_file_space_parse(context, path, folder, (const char *)data, size_bytes, file)
                                : fnas_fail_memory(context, path);
    fnas_free(folder);
    fnas_free(data);
    return status;
}

fnas_status fnas_file_space_learn(fnas_context *context, const char *where, const char *text, char **spec) {
    fnas_file_space *file = NULL;
    *spec = NULL;
    if (text)
        FNAS_TRY(fnas_file_space_parse(context, where, NULL, text, strlen(text), &file));
    else
        FNAS_TRY(fnas_file_space_load(context, where, &file));
    *spec = fnas_strdup(file->spec);
    fnas_status status = *spec ? fnas_known_spaces_add(context, file) : fnas_fail_memory(context, where);
    if (status == FNAS_OK) return FNAS_OK;
    fnas_file_space_release(file);
    fnas_free(*spec);
    *spec = NULL;
    return status;
}

bool fnas_file_space_find_table(fnas_context *context, const char *where, char *path, size_t size_bytes) {
    json_t *root;
    if (fnas_json_read(context, where, FILE_LIMIT_BYTES, &root) != FNAS_OK) return false;
    const char *name = json_string_value(json_object_get(root, "table")), *slash = strrchr(where, '/');
    bool is_name = name && *name && !strchr(name, '/');
    int length = is_name ? snprintf(path, size_bytes, "%.*s%s", slash ? (int)(slash + 1 - where) : 0, where, name) : -1;
    json_decref(root);
    return length >= 0 && (size_t)length < size_bytes;
}
