#include "base/temporary.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

fnas_status fnas_temporary_create(fnas_context *context, char **path) {
    const char *place = getenv("TMPDIR");
    fnas_text made = {0};
    *path = NULL;
    fnas_text_append(&made, "%s/fleetnas-XXXXXX", place && *place ? place : "/tmp");
    if (made.failed) return fnas_fail_memory(context, "a temporary folder");
    if (!mkdtemp(made.data)) {
        fnas_status status = fnas_fail_errno(context, made.data, "make a temporary folder (TMPDIR says where)");
        fnas_text_free(&made);
        return status;
    }
    *path = made.data;
    return FNAS_OK;
}

void fnas_temporary_empty(const char *path) {
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder) closedir(folder);
}

void fnas_temporary_remove(char *path) {
    if (!path) return;
    fnas_temporary_empty(path);
    (void)rmdir(path);
    fnas_free(path);
}
