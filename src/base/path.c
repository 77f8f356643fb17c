#include "base/path.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

char *fnas_path_join(const char *folder, const char *name) {
    size_t length = strlen(folder), name_size = strlen(name) + 1;
    bool needs_slash = length && folder[length - 1] != '/';
    char *path = fnas_allocate(length + needs_slash + name_size, 1);
    if (!path) return NULL;
    memcpy(path, folder, length);
    if (needs_slash) path[length] = '/';
    memcpy(path + length + needs_slash, name, name_size);
    return path;
}

char *fnas_path_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = fnas_strdup(slash ? path : ".");
    if (folder && slash) folder[slash == path ? 1 : slash - path] = 0;
    return folder;
}

char *fnas_path_for_sqlite(const char *path) {
    return strncmp(path, "file:", 5) == 0 ? fnas_path_join(".", path) : fnas_strdup(path);
}
