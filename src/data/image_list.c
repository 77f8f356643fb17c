#include "data/image_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/dataset.h"

#define TEST_EVERY 10 /* where there is no val/ */

/* ---- one folder ---- */

typedef struct entry {
    char *name;
    bool is_folder; /* else an image */
    int64_t size_bytes, modified_ns;
} entry;

/* Sorted by the bytes of their names. */
typedef struct entries {
    entry *items;
    int64_t count, folders, images;
    size_t capacity;
} entries;

static void free_entries(entries *found) {
    for (int64_t i = 0; i < found->count; i++) fnas_free(found->items[i].name);
    fnas_free(found->items);
    *found = (entries){0};
}

static bool is_image_name(const char *name) {
    static const char *const suffixes[] = {".jpg", ".jpeg", ".png"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t suffix = strlen(suffixes[i]);
        if (length > suffix && !strcasecmp(name + length - suffix, suffixes[i])) return true;
    }
    return false;
}

static fnas_status add_entry(fnas_context *context, const char *name, const struct stat *info, entries *found) {
    void *items = found->items;
    bool grown = fnas_grow(&items, &found->capacity, (size_t)found->count + 1, sizeof *found->items);
    found->items = items;
    char *copy = grown ? fnas_strdup(name) : NULL;
    if (!copy) return fnas_fail_memory(context, "a list of images");
    bool is_folder = S_ISDIR(info->st_mode);
    uint64_t modified_ns = (uint64_t)info->st_mtim.tv_sec * 1000000000 + (uint64_t)info->st_mtim.tv_nsec; /* years beyond 2262 wrap */
    found->items[found->count++] = (entry){
        .name = copy, .is_folder = is_folder, .size_bytes = info->st_size, .modified_ns = (int64_t)modified_ns};
    *(is_folder ? &found->folders : &found->images) += 1;
    return FNAS_OK;
}

static fnas_status take_entry(fnas_context *context, DIR *folder, const char *path, const char *name, fnas_ignored *ignored,
                              entries *found) {
    struct stat info;
    if (name[0] == '.') {
        ignored->hidden += strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
        return FNAS_OK;
    }
    if (fstatat(dirfd(folder), name, &info, AT_SYMLINK_NOFOLLOW)) {
        fnas_status status = fnas_fail_errno(context, path, "look at what is in the folder");
        return fnas_fail(context, status, "%s (%s)", fnas_context_message(context), name);
    }
    bool is_image = S_ISREG(info.st_mode) && is_image_name(name);
    if (S_ISLNK(info.st_mode))
        ignored->links++;
    else if (S_ISDIR(info.st_mode) || is_image)
        return add_entry(context, name, &info, found);
    else
        ignored->others++;
    return FNAS_OK;
}

static int compare_entries(const void *a, const void *b) {
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

/* found: the caller's, also after a failure. */
static fnas_status read_folder(fnas_context *context, const char *path, fnas_ignored *ignored, entries *found) {
    *found = (entries){0};
    DIR *folder = opendir(path);
    if (!folder) return fnas_fail_errno(context, path, "open the folder");
    fnas_status status = FNAS_OK;
    errno = 0;
    for (struct dirent *next; status == FNAS_OK && (next = readdir(folder)); errno = 0)
        status = take_entry(context, folder, path, next->d_name, ignored, found);
    if (status == FNAS_OK && errno) status = fnas_fail_errno(context, path, "read the folder");
    closedir(folder);
    if (found->count) qsort(found->items, (size_t)found->count, sizeof *found->items, compare_entries);
    return status;
}

static const entry *find_folder(const entries *found, const char *name) {
    const entry wanted = {.name = (char *)(uintptr_t)name};
    const entry *at = found->count ? bsearch(&wanted, found->items, (size_t)found->count, sizeof wanted, compare_entries) : NULL;
    return at && at->is_folder ? at : NULL;
}

/* ---- one class ---- */

void fnas_name_one(fnas_text *names, int64_t count, const char *name) {
    if (count <= FNAS_NAMED) fnas_text_append(names, "%s%s", count > 1 ? ", " : "", name);
    if (count == FNAS_NAMED + 1) fnas_text_append(names, ", ...");
}

/* below: "train/CLASS", relative to the root. */
static fnas_status add_image(fnas_context *context, fnas_image_list *list, fnas_part part, const char *below, const entry *image,
                             int32_t label, int64_t turn) {
    fnas_listed_part *into = &list->parts[part];
    void *images = into->images;
    bool grown = fnas_grow(&images, &into->capacity, (size_t)into->count + 1, sizeof *into->images);
    into->images = images;
    size_t path = list->paths.size;
    fnas_text_append(&list->paths, "%s/%s", below, image->name);
    fnas_text_append_bytes(&list->paths, "", 1);
    if (!grown || list->paths.failed) return fnas_fail_memory(context, "a list of images");
    if (into->count >= FNAS_IMAGES_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: more than %lld images", list->root, (long long)FNAS_IMAGES_MAX);
    into->images[into->count++] = (fnas_listed_image){
        .path = path, .size_bytes = image->size_bytes, .modified_ns = image->modified_ns, .turn = turn, .label = label};
    return FNAS_OK;
}

/* Whether image `index` of a class of `count` is of the test part, where no folder says so. */
static bool is_drawn_for_test(int64_t index, int64_t count) {
    if (count < TEST_EVERY) return count > 1 && index == count - 1;
    return index % TEST_EVERY == TEST_EVERY - 1;
}

/* Leaves the images that have bytes, in their order. */
static void drop_what_is_none(fnas_image_list *list, const char *below, entries *found) {
    fnas_text name = {0};
    int64_t kept = 0;
    for (int64_t i = 0; i < found->count; i++) {
        entry *item = &found->items[i];
        bool is_empty = !item->is_folder && item->size_bytes == 0;
        list->ignored.folders += item->is_folder;
        if (is_empty) {
            name.size = 0;
            fnas_text_append(&name, "%s/%s", below, item->name);
            fnas_name_one(&list->ignored.empty_names, ++list->ignored.empty, name.failed ? item->name : name.data);
        }
        if (item->is_folder || is_empty)
            fnas_free(item->name);
        else
            found->items[kept++] = *item;
    }
    fnas_text_free(&name);
    found->count = found->images = kept;
}

static fnas_status add_class(fnas_context *context, fnas_image_list *list, const char *below, int32_t label, bool split, fnas_part part,
                             entries *found) {
    int64_t turns[FNAS_PART_COUNT] = {0};
    drop_what_is_none(list, below, found);
    if (!found->count)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s/%s: the class has no image: put some there (*.jpg, *.jpeg, *.png), or remove the folder", list->root, below);
    for (int64_t i = 0; i < found->count; i++) {
        fnas_part into = split ? is_drawn_for_test(i, found->count) ? FNAS_PART_TEST : FNAS_PART_TRAIN : part;
        FNAS_TRY(add_image(context, list, into, below, &found->items[i], label, turns[into]++));
    }
    return FNAS_OK;
}

/* split: the class's images are divided between the parts; else all are of `part`. */
static fnas_status list_class(fnas_context *context, fnas_image_list *list, const char *below, int32_t label, bool split, fnas_part part) {
    entries found = {0};
    char *path = fnas_path_join(list->root, below);
    fnas_status status = path ? read_folder(context, path, &list->ignored, &found) : fnas_fail_memory(context, "a path");
    if (status == FNAS_OK) status = add_class(context, list, below, label, split, part, &found);
    free_entries(&found);
    fnas_free(path);
    return status;
}

/* ---- the parts ---- */

static void append_count(fnas_text *text, int64_t count, const char *one, const char *many) {
    if (count) fnas_text_append(text, "%s%lld %s", text->size ? ", " : "", (long long)count, count == 1 ? one : many);
}

/* "3 hidden files, 1 symbolic link"; nothing where there was nothing. */
static void describe_ignored(const fnas_ignored *ignored, fnas_text *text) {
    append_count(text, ignored->loose, "image outside class folders", "images outside class folders");
    append_count(text, ignored->beside, "folder beside train and val", "folders beside train and val");
    append_count(text, ignored->hidden, "hidden name", "hidden names");
    append_count(text, ignored->links, "symbolic link", "symbolic links");
    append_count(text, ignored->folders, "folder inside a class", "folders inside classes");
    append_count(text, ignored->others, "file that is no image by its name", "files that are no images by their names");
}

static fnas_status fail_without_classes(fnas_context *context, const char *path, const fnas_ignored *ignored) {
    fnas_text seen = {0};
    describe_ignored(ignored, &seen);
    fnas_status status = fnas_fail(context, FNAS_ERR_INPUT,
                                   "%s: no folder of a class in it: an image folder is DIR/train/CLASS/*.jpg with DIR/val/CLASS/*.jpg, or "
                                   "DIR/CLASS/*.jpg%s%s",
                                   path, seen.size ? "; there: " : "", seen.size ? seen.data : "");
    fnas_text_free(&seen);
    return status;
}

/* The next folder from *at on, which it is behind then; NULL: there is none. */
static const char *next_folder(const entries *found, int64_t *at) {
    while (*at < found->count) {
        const entry *item = &found->items[(*at)++];
        if (item->is_folder) return item->name;
    }
    return NULL;
}

/* A part and the train part must have the same classes. name, expected: their next ones, in the byte order of names; NULL behind the last.
 */
static fnas_status check_same_class(fnas_context *context, const fnas_image_list *list, const char *part_name, const char *name,
                                    const char *expected) {
    if (name && expected && strcmp(name, expected) == 0) return FNAS_OK;
    if (name && (!expected || strcmp(name, expected) < 0))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s/%s/%s: the train part has no class of this name: both parts must have the same classes", list->root, part_name,
                         name);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s/%s: no folder of the train part's class %s: both parts must have the same classes",
                     list->root, part_name, expected);
}

/* part_name: "train", "val"; NULL: the class folders lie in the root. classes: those of the train part. */
static fnas_status list_part(fnas_context *context, fnas_image_list *list, const char *part_name, const entries *folders,
                             const entries *classes, fnas_part part) {
    int64_t at = 0, at_class = 0;
    list->ignored.loose += folders->images;
    for (int32_t label = 0;; label++) {
        const char *name = next_folder(folders, &at), *expected = next_folder(classes, &at_class);
        if (!name && !expected) return FNAS_OK;
        FNAS_TRY(check_same_class(context, list, part_name, name, expected));
        fnas_text below = {0};
        fnas_text_append(&below, "%s%s%s", part_name ? part_name : "", part_name ? "/" : "", name);
        fnas_status status = below.failed ? fnas_fail_memory(context, "a path")
                                          : list_class(context, list, below.data, label, !part_name, part);
        fnas_text_free(&below);
        FNAS_TRY(status);
    }
}

/* Reads root/part_name. */
static fnas_status read_part(fnas_context *context, fnas_image_list *list, const char *part_name, entries *found) {
    char *path = fnas_path_join(list->root, part_name);
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_ignored before = list->ignored;
    fnas_status status = read_folder(context, path, &list->ignored, found);
    if (status == FNAS_OK && !found->folders && !strcmp(part_name, "val")) {
        list->ignored.loose = before.loose + found->images;
        status = fnas_fail(context, FNAS_ERR_INPUT,
                           "%s: no folder of a class in it, but %lld images: move them into folders named as those of the train part", path,
                           (long long)found->images);
    }
    fnas_free(path);
    return status;
}

static fnas_status check_classes(fnas_context *context, const char *path, const entries *classes, const fnas_ignored *ignored) {
    if (!classes->folders) {
        fnas_ignored seen = *ignored;
        seen.loose += classes->images;
        return fail_without_classes(context, path, &seen);
    }
    int64_t at = 0;
    if (classes->folders > 1) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: one class only (%s): a data set has at least two, a folder each", path,
                     next_folder(classes, &at));
}

/* root/train and root/val. Without root/val there is no test part, which a search does not need. */
static fnas_status list_two_levels(fnas_context *context, fnas_image_list *list, const entries *top, const entries *train) {
    entries val = {0};
    list->ignored.loose += top->images;
    list->ignored.beside += top->folders - 1 - (find_folder(top, "val") != NULL);
    FNAS_TRY(check_classes(context, list->root, train, &list->ignored));
    list->classes = train->folders;
    FNAS_TRY(list_part(context, list, "train", train, train, FNAS_PART_TRAIN));
    if (!find_folder(top, "val")) return FNAS_OK;
    fnas_status status = read_part(context, list, "val", &val);
    if (status == FNAS_OK) status = list_part(context, list, "val", &val, train, FNAS_PART_TEST);
    free_entries(&val);
    return status;
}

static fnas_status list_one_level(fnas_context *context, fnas_image_list *list, const entries *top) {
    FNAS_TRY(check_classes(context, list->root, top, &list->ignored));
    list->classes = top->folders;
    return list_part(context, list, NULL, top, top, FNAS_PART_TRAIN);
}

/* A class may be called "train": then its folder has images, and no folders. */
static fnas_status list_levels(fnas_context *context, fnas_image_list *list, const entries *top) {
    entries train = {0};
    fnas_ignored before = list->ignored;
    fnas_status status = find_folder(top, "train") ? read_part(context, list, "train", &train) : FNAS_OK;
    bool two = status == FNAS_OK && train.folders > 0;
    if (status == FNAS_OK && !two) list->ignored = before; /* it is read again, as a class */
    if (status == FNAS_OK) status = two ? list_two_levels(context, list, top, &train) : list_one_level(context, list, top);
    free_entries(&train);
    return status;
}

/* ---- order and identity ---- */

static int compare_turns(const void *a, const void *b) {
    const fnas_listed_image *p = a, *q = b;
    if (p->turn != q->turn) return p->turn < q->turn ? -1 : 1;
    return (p->label > q->label) - (p->label < q->label);
}

/* FNV-1a. */
static void mix(uint64_t *hash, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) *hash = (*hash ^ bytes[i]) * UINT64_C(1099511628211);
}

static void mix_number(uint64_t *hash, int64_t number) {
    unsigned char bytes[8]; /* the same on machines of any byte order */
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)number >> 8 * i);
    mix(hash, bytes, sizeof bytes);
}

static void order_and_identify(fnas_image_list *list) {
    list->identity = list->fingerprint = UINT64_C(14695981039346656037);
    for (int part = 0; part < FNAS_PART_COUNT; part++) {
        fnas_listed_part *listed = &list->parts[part];
        if (listed->count) qsort(listed->images, (size_t)listed->count, sizeof *listed->images, compare_turns);
        mix_number(&list->identity, listed->count);
        mix_number(&list->fingerprint, listed->count);
        for (int64_t i = 0; i < listed->count; i++) {
            const char *path = list->paths.data + listed->images[i].path;
            mix(&list->identity, path, strlen(path) + 1);
            mix_number(&list->identity, listed->images[i].size_bytes);
            mix(&list->fingerprint, path, strlen(path) + 1);
            mix_number(&list->fingerprint, listed->images[i].size_bytes);
            mix_number(&list->fingerprint, listed->images[i].modified_ns);
        }
    }
}

/* ---- the whole ---- */

static void say_what_is_left_out(fnas_context *context, const fnas_image_list *list) {
    const fnas_ignored *ignored = &list->ignored;
    fnas_text seen = {0};
    describe_ignored(ignored, &seen);
    if (seen.size && !seen.failed) fnas_log(context, FNAS_LOG_INFO, "%s: ignored: %s", list->root, seen.data);
    if (ignored->empty)
        fnas_log(context, FNAS_LOG_WARNING, "%s: %lld image%s left out, having no byte: %s", list->root, (long long)ignored->empty,
                 ignored->empty == 1 ? "" : "s", ignored->empty_names.data ? ignored->empty_names.data : "");
    fnas_text_free(&seen);
}

static fnas_status find_root(fnas_context *context, const char *root, fnas_image_list *list) {
    char *absolute = realpath(root, NULL);
    if (!absolute) return fnas_fail_errno(context, root, "open the folder");
    list->root = fnas_strdup(absolute);
    free(absolute);
    return list->root ? FNAS_OK : fnas_fail_memory(context, "a list of images");
}

fnas_status fnas_image_list_open(fnas_context *context, const char *root, fnas_image_list *list) {
    entries top = {0};
    *list = (fnas_image_list){0};
    FNAS_TRY(find_root(context, root, list));
    fnas_status status = read_folder(context, list->root, &list->ignored, &top);
    if (status == FNAS_OK) status = list_levels(context, list, &top);
    free_entries(&top);
    if (status != FNAS_OK) return status;
    order_and_identify(list);
    say_what_is_left_out(context, list);
    return FNAS_OK;
}

void fnas_image_list_free(fnas_image_list *list) {
    for (int part = 0; part < FNAS_PART_COUNT; part++) fnas_free(list->parts[part].images);
    fnas_text_free(&list->paths);
    fnas_text_free(&list->ignored.empty_names);
    fnas_free(list->root);
    *list = (fnas_image_list){0};
}
