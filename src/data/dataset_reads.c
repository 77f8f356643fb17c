/* Whether a file is one that a data set reads, by its spec alone: before work begins nobody wants to open the images. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"

static bool is_same_file(const char *a, const char *b) {
    struct stat a_info, b_info;
    return stat(a, &a_info) == 0 && stat(b, &b_info) == 0 && S_ISREG(a_info.st_mode) && a_info.st_dev == b_info.st_dev &&
           a_info.st_ino == b_info.st_ino;
}

/* resolved: without links. */
static bool is_below(const char *resolved, const char *folder) {
    size_t length = strlen(folder);
    return !strncmp(resolved, folder, length) && (!resolved[length] || resolved[length] == '/' || (length && folder[length - 1] == '/'));
}

/* By the folder in which its name stands, and by the one of the file that a link points to. */
static bool is_inside(const char *path, const char *folder) {
    char *parent = fnas_path_folder(path), *root = realpath(folder, NULL), *named = parent ? realpath(parent, NULL) : NULL;
    char *target = realpath(path, NULL);
    bool inside = root && ((named && is_below(named, root)) || (target && is_below(target, root)));
    free(target);
    free(named);
    free(root);
    fnas_free(parent);
    return inside;
}

static bool is_one_of(char *(*file_at)(const char *folder, int64_t index), const char *folder, const char *path) {
    bool found = false;
    char *file;
    for (int64_t i = 0; !found && (file = file_at(folder, i)); i++) {
        found = is_same_file(file, path);
        fnas_free(file);
    }
    return found;
}

bool fnas_dataset_reads(const char *spec, const char *path) {
    const char *colon = strchr(spec, ':'), *argument = colon && colon[1] ? colon + 1 : NULL;
    size_t length = colon ? (size_t)(colon - spec) : strlen(spec);
    bool has_name = length > 0, is_folder = !strncmp(spec, "folder:", 7);
    if (has_name && !strncmp("fashion-mnist", spec, length) && length == 13) return is_one_of(fnas_fashion_mnist_file, argument, path);
    if (has_name && !strncmp("cifar10", spec, length) && length == 7) return is_one_of(fnas_cifar10_file, argument, path);
    if (is_folder && argument && fnas_folder_exists(argument)) return is_inside(path, argument);
    if (argument && !strncmp("text", spec, length) && length == 4) return is_same_file(argument, path); /* prepared pairs */
    return is_same_file(is_folder && argument ? argument : spec, path); /* of prepared images, with the word before it or without */
}
