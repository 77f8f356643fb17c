#include "data/text/parallel.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"

#define SPEC "text:"
#define TRAIN "train."

void fnas_parallel_free(fnas_parallel *parallel) {
    for (int i = 0; i < 3; i++)
        for (int side = 0; side < FNAS_TEXT_SIDES; side++) fnas_free(parallel->sets[i].paths[side]);
    *parallel = (fnas_parallel){0};
}

/* ---- files ---- */

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "en" of "train.en"; a name that would not do in a message or in the data set's name is replaced. */
static void set_language(char language[32], const char *path, const char *otherwise) {
    const char *name = name_of(path), *dot = strrchr(name, '.');
    const char *ending = dot ? dot + 1 : name;
    bool fits = *ending && strlen(ending) < 32 && fnas_text_is_shown(ending) && !strpbrk(ending, ",=:");
    snprintf(language, 32, "%s", fits ? ending : otherwise);
}

/* Where the comma is that parts the two names: the first one with files on both sides, as names may have commas too; else the first one. */
static const char *find_comma(const char *files) {
    for (const char *comma = strchr(files, ','); comma; comma = strchr(comma + 1, ',')) {
        char *source = fnas_strdup(files);
        if (!source) return comma;
        source[comma - files] = 0;
        bool both = fnas_file_exists(source) && fnas_file_exists(comma + 1);
        fnas_free(source);
        if (both) return comma;
    }
    return strchr(files, ',');
}

static fnas_status split_spec(fnas_context *context, const char *spec, fnas_parallel_set *set) {
    const char *files = strncmp(spec, SPEC, sizeof SPEC - 1) ? NULL : spec + sizeof SPEC - 1, *comma = files ? find_comma(files) : NULL;
    if (!comma || comma == files || !comma[1])
        return fnas_fail(context, FNAS_ERR_USAGE, "%s: parallel text is named by two files: text:SOURCE,TARGET", spec);
    set->paths[FNAS_TEXT_SOURCE] = fnas_strdup(files);
    set->paths[FNAS_TEXT_TARGET] = fnas_strdup(comma + 1);
    if (!set->paths[FNAS_TEXT_SOURCE] || !set->paths[FNAS_TEXT_TARGET]) return fnas_fail_memory(context, spec);
    set->paths[FNAS_TEXT_SOURCE][comma - files] = 0;
    for (int side = 0; side < FNAS_TEXT_SIDES; side++)
        if (!fnas_file_exists(set->paths[side])) return fnas_fail(context, FNAS_ERR_INPUT, "%s: no such file", set->paths[side]);
    return FNAS_OK;
}

/* "F/valid.en" of "F/train.en". NULL when out of memory. */
static char *beside(const char *train, const char *prefix) {
    fnas_text path = {0};
    fnas_text_append_bytes(&path, train, (size_t)(name_of(train) - train));
    fnas_text_append(&path, "%s%s", prefix, name_of(train) + sizeof TRAIN - 1);
    if (!path.failed) return path.data;
    fnas_text_free(&path);
    return NULL;
}

static fnas_status find_part(fnas_context *context, fnas_parallel *parallel, const char *prefix, fnas_text_part part) {
    fnas_parallel_set *set = &parallel->sets[parallel->count];
    set->part = part;
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) {
        fnas_free(set->paths[side]);
        set->paths[side] = beside(parallel->sets[0].paths[side], prefix);
        if (!set->paths[side]) return fnas_fail_memory(context, "a path");
    }
    bool source = fnas_file_exists(set->paths[FNAS_TEXT_SOURCE]), target = fnas_file_exists(set->paths[FNAS_TEXT_TARGET]);
    if (source != target)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s is there, %s is not: both are needed, or neither", set->paths[source ? 0 : 1],
                         set->paths[source ? 1 : 0]);
    parallel->has_files[part] = source;
    if (source) parallel->count++;
    return FNAS_OK;
}

fnas_status fnas_parallel_find(fnas_context *context, const char *spec, fnas_parallel *parallel) {
    fnas_parallel_set *train = &parallel->sets[0];
    bool named = true;
    FNAS_TRY(split_spec(context, spec, train));
    parallel->count = 1;
    parallel->has_files[FNAS_TEXT_TRAIN] = true;
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) {
        set_language(parallel->languages[side], train->paths[side], side ? "target" : "source");
        named &= !strncmp(name_of(train->paths[side]), TRAIN, sizeof TRAIN - 1);
    }
    if (!named) return FNAS_OK;
    FNAS_TRY(find_part(context, parallel, "valid.", FNAS_TEXT_VALIDATION));
    return find_part(context, parallel, "test.", FNAS_TEXT_TEST);
}

fnas_status fnas_parallel_check_output(fnas_context *context, const fnas_parallel *parallel, const char *path) {
    struct stat output, input;
    if (stat(path, &output) || !S_ISREG(output.st_mode)) return FNAS_OK;
    for (int i = 0; i < parallel->count; i++) {
        for (int side = 0; side < FNAS_TEXT_SIDES; side++) {
            const char *file = parallel->sets[i].paths[side];
            if (!stat(file, &input) && input.st_dev == output.st_dev && input.st_ino == output.st_ino)
                return fnas_fail(context, FNAS_ERR_USAGE, "%s would overwrite %s, which is read: name another file", path, file);
        }
    }
    return FNAS_OK;
}

/* ---- parts ---- */

uint64_t fnas_line_hash(uint64_t begin, const fnas_line *line) {
    uint64_t hash = begin ? begin : UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < line->size; i++) hash = (hash ^ (unsigned char)line->text[i]) * UINT64_C(0x100000001B3);
    return (hash ^ '\n') * UINT64_C(0x100000001B3);
}

fnas_text_part fnas_parallel_draw(const fnas_parallel *parallel, const double fractions[FNAS_TEXT_PARTS], uint64_t seed,
                                  const fnas_line *source) {
    uint64_t hash = fnas_line_hash(0, source);
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_SPLIT, (int64_t)(hash >> 16), (int64_t)(hash & 0xFFFF));
    double left = fnas_random_uniform(&random);
    for (int part = FNAS_TEXT_TEST; part > FNAS_TEXT_TRAIN; part--) {
        if (parallel->has_files[part]) continue;
        if (left < fractions[part]) return (fnas_text_part)part;
        left -= fractions[part];
    }
    return FNAS_TEXT_TRAIN;
}

/* ---- what was met before ---- */

void fnas_seen_free(fnas_seen *seen) {
    fnas_free(seen->slots);
    *seen = (fnas_seen){0};
}

static uint64_t *find_slot(uint64_t *slots, size_t capacity, uint64_t hash) {
    size_t slot = (size_t)(hash ^ hash >> 32) & (capacity - 1);
    while (slots[slot] && slots[slot] != hash) slot = (slot + 1) & (capacity - 1);
    return &slots[slot];
}

static bool make_room(fnas_seen *seen) {
    size_t capacity = seen->capacity ? 2 * seen->capacity : 4096;
    if (seen->count < seen->capacity / 2) return true;
    uint64_t *slots = fnas_allocate(capacity, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < seen->capacity; i++)
        if (seen->slots[i]) *find_slot(slots, capacity, seen->slots[i]) = seen->slots[i];
    fnas_free(seen->slots);
    seen->slots = slots;
    seen->capacity = capacity;
    return true;
}

fnas_status fnas_seen_add(fnas_context *context, fnas_seen *seen, uint64_t hash, bool *again) {
    if (!make_room(seen)) return fnas_fail_memory(context, "a list of pairs");
    hash += !hash; /* 0 means none */
    uint64_t *slot = find_slot(seen->slots, seen->capacity, hash);
    *again = *slot == hash;
    seen->count += !*again;
    *slot = hash;
    return FNAS_OK;
}
