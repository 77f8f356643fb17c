#include "base/temporary.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

#define PREFIX "fleetnas-" /* then six letters or digits, as mkdtemp chooses */
#define NAME_LENGTH (sizeof PREFIX - 1 + 6)
#define STALE_S 60 /* a folder is made first and locked then: a young one may be another's that is about to lock it */

static const char *place_of_folders(void) {
    const char *place = getenv("TMPDIR");
    return place && *place ? place : "/tmp";
}

static void empty(int descriptor) {
    int copy = dup(descriptor);
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    const struct dirent *entry;
    if (!folder && copy >= 0) close(copy);
    if (!folder) return;
    rewinddir(folder);
    while ((entry = readdir(folder))) (void)unlinkat(descriptor, entry->d_name, 0);
    closedir(folder);
}

/* ---- what killed processes left behind ---- */

static bool is_ours(int descriptor) {
    struct stat found;
    return fstat(descriptor, &found) == 0 && found.st_uid == geteuid() && time(NULL) - found.st_mtime > STALE_S;
}

/* The kernel lets go of a lock when its holder dies, however it dies. */
static void remove_if_stale(int place, const char *name) {
    int descriptor = openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) return;
    if (is_ours(descriptor) && flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
        empty(descriptor);
        (void)unlinkat(place, name, AT_REMOVEDIR);
    }
    close(descriptor);
}

static void remove_stale(const char *path) {
    DIR *place = opendir(path);
    const struct dirent *entry;
    while (place && (entry = readdir(place)))
        if (strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) == 0 && strlen(entry->d_name) == NAME_LENGTH)
            remove_if_stale(dirfd(place), entry->d_name);
    if (place) closedir(place);
}

/* ---- one's own ---- */

static fnas_status make_folder(fnas_context *context, fnas_temporary *folder) {
    fnas_text made = {0};
    fnas_text_append(&made, "%s/" PREFIX "XXXXXX", place_of_folders());
    if (made.failed) return fnas_fail_memory(context, "a temporary folder");
    if (!mkdtemp(made.data)) {
        fnas_status status = fnas_fail_errno(context, made.data, "make a temporary folder (TMPDIR says where)");
        fnas_text_free(&made);
        return status;
    }
    folder->path = made.data;
    folder->lock = open(made.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder->lock < 0) return fnas_fail_errno(context, made.data, "open this temporary folder");
    (void)flock(folder->lock, LOCK_EX); /* where the file system has no locks, nobody gets one to remove it either */
    return FNAS_OK;
}

fnas_status fnas_temporary_create(fnas_context *context, fnas_temporary *folder) {
    *folder = (fnas_temporary){.lock = -1};
    remove_stale(place_of_folders());
    fnas_status status = make_folder(context, folder);
    if (status != FNAS_OK) fnas_temporary_remove(folder);
    return status;
}

void fnas_temporary_empty(const fnas_temporary *folder) {
    if (folder->lock >= 0) empty(folder->lock);
}

void fnas_temporary_remove(fnas_temporary *folder) {
    if (!folder->path) return;
    fnas_temporary_empty(folder);
    (void)rmdir(folder->path);
    if (folder->lock >= 0) close(folder->lock);
    fnas_free(folder->path);
    *folder = (fnas_temporary){.lock = -1};
}
