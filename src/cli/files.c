#include "files.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LABEL_BYTES 4200
#define FOLDER_LEVELS 2 /* of a folder that is read: RUN/devices/NAME.json */

/* ---- the paths of a command line ---- */

typedef enum cli_role { CLI_READ, CLI_WRITTEN } cli_role;

typedef struct cli_path {
    const cli_option *option; /* NULL: an operand */
    const char *path;
} cli_path;

static const cli_texts *cli_paths_of(const cli_option *option, const void *values, cli_role role, cli_texts *one) {
    const void *place = (const char *)values + option->offset;
    bool is_read = option->kind == CLI_INPUT || option->kind == CLI_SPACE || option->kind == CLI_INPUTS;
    bool is_written = option->kind == CLI_OUTPUT || option->kind == CLI_OUTPUTS || option->kind == CLI_PLACE;
    *one = (cli_texts){0};
    if (role == CLI_READ ? !is_read : !is_written) return one;
    if (option->kind == CLI_INPUTS || option->kind == CLI_OUTPUTS) return place;
    *one = (cli_texts){.items = (const char **)(uintptr_t)place, .count = *(const char *const *)place ? 1 : 0};
    return one;
}

/* Number `index` of those that are read or of those that are written; false behind the last. */
static bool cli_path_at(const void *values, cli_role role, int64_t index, cli_path *found) {
    const cli_common *common = values;
    for (const cli_option *option = common->verb->options; option->name; option++) {
        cli_texts one;
        const cli_texts *paths = cli_paths_of(option, values, role, &one);
        if (index < paths->count) {
            *found = (cli_path){option, paths->items[index]};
            return true;
        }
        index -= paths->count;
    }
    bool operand = role == CLI_READ && common->verb->operands_are_read && index < common->operands.count;
    if (operand) *found = (cli_path){NULL, common->operands.items[index]};
    return operand;
}

static void cli_label(const cli_path *path, char label[LABEL_BYTES]) {
    snprintf(label, LABEL_BYTES, "%s%s%s%s", path->option ? "--" : "", path->option ? path->option->name : "", path->option ? " " : "",
             path->path);
}

/* ---- which are one file ---- */

static bool cli_is_same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Devices and pipes are not overwritten, and may be many things at once. */
static bool cli_find_file(const char *path, struct stat *info) {
    return stat(path, info) == 0 && S_ISREG(info->st_mode);
}

/* The part of a path before its name. */
static void cli_folder_of(const char *path, char folder[4096]) {
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) : 0;
    snprintf(folder, 4096, "%.*s", slash ? (length ? length : 1) : 1, slash ? path : ".");
}

static const char *cli_name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Whether two outputs, which need not be there yet, would be one file. */
static bool cli_is_same_output(const char *a, const char *b) {
    struct stat a_info, b_info;
    char a_folder[4096], b_folder[4096];
    bool a_exists = stat(a, &a_info) == 0, b_exists = stat(b, &b_info) == 0;
    if (a_exists || b_exists) return a_exists && b_exists && S_ISREG(a_info.st_mode) && cli_is_same(&a_info, &b_info);
    cli_folder_of(a, a_folder);
    cli_folder_of(b, b_folder);
    return strcmp(cli_name_of(a), cli_name_of(b)) == 0 && stat(a_folder, &a_info) == 0 && stat(b_folder, &b_info) == 0 &&
           cli_is_same(&a_info, &b_info);
}

/* Whether the verb reads the file from a folder. */
static bool cli_folder_holds(const cli_verb *verb, const char *folder, const struct stat *file) {
    char *roots[] = {(char *)(uintptr_t)folder, NULL}; /* fts only reads, but its type is not const */
    FTS *walk = verb->reads_from_folder ? fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL) : NULL;
    bool found = false;
    for (FTSENT *entry; walk && !found && (entry = fts_read(walk));) {
        char inside[4096];
        if (entry->fts_info == FTS_D && entry->fts_level >= FOLDER_LEVELS) fts_set(walk, entry, FTS_SKIP);
        if (entry->fts_info != FTS_F || entry->fts_level < 1 || !cli_is_same(entry->fts_statp, file)) continue;
        bool deep = entry->fts_level > 1;
        snprintf(inside, sizeof inside, "%s%s%s", deep ? entry->fts_parent->fts_name : "", deep ? "/" : "", entry->fts_name);
        found = verb->reads_from_folder(inside);
    }
    if (walk) fts_close(walk);
    return found;
}

/* ---- what is read though no word of the command line is its path ---- */

static bool cli_is_file(const char *path, const struct stat *file) {
    struct stat info;
    return cli_find_file(path, &info) && cli_is_same(&info, file);
}

static bool cli_command_names(fnas_context *context, const char *command, const struct stat *file, char word[PATH_MAX]) {
    for (int64_t i = 0; fnas_device_command_word(context, command, i, word, PATH_MAX); i++)
        if (cli_is_file(word, file)) return true;
    return false;
}

/* "transformer:FILE.yml": the value is no path, and holds one. */
static bool cli_space_names(const char *value, const struct stat *file, char found[PATH_MAX]) {
    const char *path = fnas_space_path(value);
    return path && path != value && snprintf(found, PATH_MAX, "%s", path) < PATH_MAX && cli_is_file(path, file);
}

/* found: a space's file or the table beside it, or the word of a command, that is the file. What cannot be read names nothing: the verb
 * says why it cannot. */
static bool cli_value_names(fnas_context *context, const cli_option *option, const char *value, const struct stat *file,
                            char found[PATH_MAX]) {
    if (option->kind == CLI_COMMAND) return cli_command_names(context, value, file, found);
    if (option->kind != CLI_SPACE) return false;
    return cli_space_names(value, file, found) || (fnas_space_find_table(context, value, found, PATH_MAX) && cli_is_file(found, file));
}

/* label: how the output is called; file: what is there. */
static fnas_status cli_check_against_named(fnas_context *context, const void *values, const char *label, const struct stat *file) {
    const cli_verb *verb = ((const cli_common *)values)->verb;
    char found[PATH_MAX];
    for (const cli_option *option = verb->options; option->name; option++) {
        if (option->kind != CLI_SPACE && option->kind != CLI_COMMAND) continue;
        const char *value = *(const char *const *)((const char *)values + option->offset);
        if (!value || !cli_value_names(context, option, value, file, found)) continue;
        return cli_fail(verb->name, FNAS_ERR_USAGE, "%s would overwrite %s, which --%s names: name another file", label, found,
                        option->name);
    }
    return FNAS_OK;
}

static fnas_status cli_check_against_all_named(const void *values, const char *label, const struct stat *file) {
    fnas_context *context;
    if (fnas_context_create(&context) != FNAS_OK)
        return cli_fail(((const cli_common *)values)->verb->name, FNAS_ERR_MEMORY, "out of memory");
    fnas_status status = cli_check_against_named(context, values, label, file);
    fnas_context_destroy(context);
    return status;
}

/* ---- folders ---- */

static bool cli_is_below(char *resolved, const char *folder) { /* takes `resolved` */
    size_t length = strlen(folder);
    bool below = resolved && !strncmp(resolved, folder, length) &&
                 (!resolved[length] || resolved[length] == '/' || folder[length - 1] == '/');
    free(resolved);
    return below;
}

bool cli_is_inside(const char *path, const char *folder) {
    char parent[4096], *root = realpath(folder, NULL);
    cli_folder_of(path, parent);
    bool inside = root && (cli_is_below(realpath(parent, NULL), root) || cli_is_below(realpath(path, NULL), root));
    free(root);
    return inside;
}

/* ---- data sets ---- */

static fnas_status cli_fail_data(const char *verb, const char *label, const char *path, const char *data) {
    struct stat info;
    const char *colon = strchr(data, ':'), *place = colon ? colon + 1 : data;
    if (cli_find_file(path, &info))
        return cli_fail(verb, FNAS_ERR_USAGE, "%s would overwrite what is read from %s: name another file", label, place);
    return cli_fail(verb, FNAS_ERR_USAGE, "%s would lie in %s, which is read: name another place", label, place);
}

fnas_status cli_check_against_data(const void *values, const char *label, const char *path) {
    const cli_common *common = values;
    for (int64_t i = 0; common->verb->operands_are_data && i < common->operands.count; i++)
        if (fnas_dataset_reads(common->operands.items[i], path))
            return cli_fail_data(common->verb->name, label, path, common->operands.items[i]);
    for (const cli_option *option = common->verb->options; option->name; option++) {
        const char *data = option->kind == CLI_DATA ? *(const char *const *)((const char *)values + option->offset) : NULL;
        if (data && fnas_dataset_reads(data, path)) return cli_fail_data(common->verb->name, label, path, data);
    }
    return FNAS_OK;
}

/* ---- checks ---- */

/* label: how the output is called. */
static fnas_status cli_check_against_inputs(const void *values, const char *label, const char *path) {
    const cli_verb *verb = ((const cli_common *)values)->verb;
    struct stat output, info;
    cli_path input;
    if (cli_check_against_data(values, label, path) != FNAS_OK) return FNAS_ERR_USAGE;
    if (!cli_find_file(path, &output)) return FNAS_OK; /* nothing is overwritten */
    for (int64_t i = 0; cli_path_at(values, CLI_READ, i, &input); i++) {
        char read[LABEL_BYTES];
        cli_label(&input, read);
        if (cli_find_file(input.path, &info) && cli_is_same(&info, &output))
            return cli_fail(verb->name, FNAS_ERR_USAGE, "%s would overwrite %s, which is read: name another file", label, read);
        if (!input.option && cli_folder_holds(verb, input.path, &output))
            return cli_fail(verb->name, FNAS_ERR_USAGE, "%s would overwrite what is read from %s: name another file", label, read);
    }
    return cli_check_against_all_named(values, label, &output);
}

static fnas_status cli_check_against_outputs(const void *values, const char *label, int64_t index, const char *path) {
    cli_path other;
    for (int64_t i = 0; i < index && cli_path_at(values, CLI_WRITTEN, i, &other); i++) {
        char before[LABEL_BYTES];
        cli_label(&other, before);
        if (cli_is_same_output(other.path, path))
            return cli_fail(((const cli_common *)values)->verb->name, FNAS_ERR_USAGE, "%s and %s are one file: name two", before, label);
    }
    return FNAS_OK;
}

fnas_status cli_check_output(const char *verb, const char *path) {
    char folder[4096];
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return cli_fail(verb, FNAS_ERR_IO, "%s: is a folder, a file is wanted: name one, as in %s%sNAME: nothing was done", path, path,
                        path[strlen(path) - 1] == '/' ? "" : "/");
    cli_folder_of(path, folder);
    if (access(folder, W_OK | X_OK) == 0) return FNAS_OK;
    return cli_fail(verb, FNAS_ERR_IO, "%s: no file can be made in %s (%s): nothing was done", path, folder, strerror(errno));
}

fnas_status cli_check_files(const void *values) {
    cli_path output;
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; status == FNAS_OK && cli_path_at(values, CLI_WRITTEN, i, &output); i++) {
        char label[LABEL_BYTES];
        cli_label(&output, label);
        status = cli_check_against_inputs(values, label, output.path);
        if (status == FNAS_OK) status = cli_check_against_outputs(values, label, i, output.path);
        if (status == FNAS_OK && output.option->kind != CLI_PLACE)
            status = cli_check_output(((const cli_common *)values)->verb->name, output.path);
    }
    return status;
}

fnas_status cli_check_overwrites(const void *values, const char *path) {
    return cli_check_against_inputs(values, path, path);
}

fnas_status cli_make_folder(const char *verb, const char *path) {
    if (mkdir(path, 0777) == 0) return FNAS_OK;
    int code = errno;
    struct stat found;
    if (code == EEXIST && stat(path, &found) == 0) {
        if (S_ISDIR(found.st_mode)) return FNAS_OK;
        return cli_fail(verb, FNAS_ERR_IO, "%s: is a file: name a folder", path);
    }
    return cli_fail(verb, FNAS_ERR_IO, "%s: cannot make the folder: %s", path, strerror(code));
}
