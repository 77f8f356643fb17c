/* OFA's JSON, {"wid":null,"ks":[20 kernels],"e":[20 expansions],"d":[5 depths],"r":resolution}, always with all twenty slots: lists of the
 * active ones alone are put to wrong places by those who read them by slot. Slots beyond the depth are written as the first choices. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "space/mobilenetv3/mobilenetv3.h"

#define WHERE "architecture"
#define EXAMPLE "{\"wid\":null,\"ks\":[...],\"e\":[...],\"d\":[...],\"r\":224}"

/* The native string is what Once-for-All's scripts read. */
static void write_ofa(const fnas_space *space, const int32_t *choices, const char *arch, fnas_text *text) {
    (void)space, (void)choices;
    fnas_text_append(text, "%s\n", arch);
}

const fnas_space_own_format fnas_mbv3_formats[] = {{"ofa", write_ofa}, {NULL, NULL}};

/* ---- which slots matter ---- */

void fnas_mbv3_settle(const fnas_space *space, int32_t *choices) {
    (void)space;
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++)
        if (!fnas_mbv3_is_active(choices, slot)) choices[FNAS_MBV3_KERNEL + slot] = choices[FNAS_MBV3_EXPANSION + slot] = 0;
}

/* In how many ways the slots of a stage can be chosen whose depth is this choice. */
static double fnas_mbv3_ways(int64_t depth_choice) {
    double ways = 1;
    for (int64_t unit = 0; unit < fnas_mbv3_depths[depth_choice]; unit++) ways *= FNAS_MBV3_CHOICES * FNAS_MBV3_CHOICES;
    return ways;
}

static double fnas_mbv3_stage_ways(void) {
    double ways = 0;
    for (int64_t k = 0; k < FNAS_MBV3_CHOICES; k++) ways += fnas_mbv3_ways(k);
    return ways;
}

double fnas_mbv3_settled_count(const fnas_space *space) {
    const fnas_mbv3 *mbv3 = space->detail;
    double count = (double)mbv3->resolution_count;
    for (int64_t stage = 0; stage < FNAS_MBV3_STAGES; stage++) count *= fnas_mbv3_stage_ways();
    return count;
}

void fnas_mbv3_settled_random(const fnas_space *space, fnas_random *random, int32_t *choices) {
    const fnas_mbv3 *mbv3 = space->detail;
    choices[FNAS_MBV3_RESOLUTION] = (int32_t)fnas_random_below(random, mbv3->resolution_count);
    for (int64_t stage = 0; stage < FNAS_MBV3_STAGES; stage++) {
        double left = fnas_random_uniform(random) * fnas_mbv3_stage_ways();
        int32_t depth = 0;
        for (; depth < FNAS_MBV3_CHOICES - 1 && left >= fnas_mbv3_ways(depth); depth++) left -= fnas_mbv3_ways(depth);
        choices[FNAS_MBV3_DEPTH + stage] = depth;
    }
    for (int64_t d = FNAS_MBV3_KERNEL; d < FNAS_MBV3_DECISIONS; d++) choices[d] = (int32_t)fnas_random_below(random, FNAS_MBV3_CHOICES);
    fnas_mbv3_settle(space, choices);
}

/* ---- writing ---- */

typedef struct fnas_mbv3_writer {
    char *text;
    size_t size_bytes, used; /* used == size_bytes: it did not fit */
} fnas_mbv3_writer;

static void fnas_mbv3_write(fnas_mbv3_writer *writer, const char *before, int64_t number) {
    size_t room = writer->size_bytes - writer->used;
    int written = snprintf(writer->text + writer->used, room, "%s%" PRId64, before, number);
    writer->used = written < 0 || (size_t)written >= room ? writer->size_bytes : writer->used + (size_t)written;
}

static void fnas_mbv3_write_list(fnas_mbv3_writer *writer, const char *before, const int64_t *meanings, const int32_t *choices,
                                 int64_t count) {
    for (int64_t i = 0; i < count; i++) fnas_mbv3_write(writer, i ? "," : before, meanings[choices[i]]);
}

fnas_status fnas_mbv3_format(fnas_context *context, const fnas_space *space, const int32_t *choices, char *text, size_t size_bytes) {
    int32_t shown[FNAS_MBV3_DECISIONS];
    fnas_mbv3_writer writer = {text, size_bytes, 0};
    memcpy(shown, choices, sizeof shown);
    fnas_mbv3_settle(space, shown);
    fnas_mbv3_write_list(&writer, "{\"wid\":null,\"ks\":[", fnas_mbv3_kernels, shown + FNAS_MBV3_KERNEL, FNAS_MBV3_SLOTS);
    fnas_mbv3_write_list(&writer, "],\"e\":[", fnas_mbv3_expansions, shown + FNAS_MBV3_EXPANSION, FNAS_MBV3_SLOTS);
    fnas_mbv3_write_list(&writer, "],\"d\":[", fnas_mbv3_depths, shown + FNAS_MBV3_DEPTH, FNAS_MBV3_STAGES);
    fnas_mbv3_write(&writer, "],\"r\":", fnas_mbv3_resolution(space->detail, shown[FNAS_MBV3_RESOLUTION]));
    if (size_bytes - writer.used < 2)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "an architecture's text needs more than %zu bytes", size_bytes);
    memcpy(text + writer.used, "}", 2);
    return FNAS_OK;
}

/* ---- reading ---- */

/* Choice of a number in a list, or -1. */
static int32_t fnas_mbv3_find(const int64_t meanings[FNAS_MBV3_CHOICES], const json_t *number) {
    for (int32_t k = 0; json_is_integer(number) && k < FNAS_MBV3_CHOICES; k++)
        if (json_integer_value(number) == meanings[k]) return k;
    return -1;
}

static fnas_status fnas_mbv3_fail_entry(fnas_context *context, const char *key, size_t index, const json_t *entry,
                                        const int64_t meanings[FNAS_MBV3_CHOICES]) {
    char *found = json_dumps(entry, JSON_ENCODE_ANY | JSON_COMPACT);
    fnas_status status = fnas_fail(context, FNAS_ERR_INPUT,
                                   WHERE ": entry %zu of \"%s\" is %.40s, it must be %" PRId64 ", %" PRId64 " or %" PRId64, index, key,
                                   found ? found : "none", meanings[0], meanings[1], meanings[2]);
    free(found);
    return status;
}

static fnas_status fnas_mbv3_read_list(fnas_context *context, const json_t *root, const char *key, size_t count, const char *what,
                                       const int64_t meanings[FNAS_MBV3_CHOICES], int32_t *choices) {
    json_t *list;
    FNAS_TRY(fnas_json_array(context, root, WHERE, key, &list));
    if (json_array_size(list) != count)
        return fnas_fail(context, FNAS_ERR_INPUT, WHERE ": \"%s\" has %zu entries, it must have %zu: %s", key, json_array_size(list), count,
                         what);
    for (size_t i = 0; i < count; i++) {
        choices[i] = fnas_mbv3_find(meanings, json_array_get(list, i));
        if (choices[i] < 0) return fnas_mbv3_fail_entry(context, key, i, json_array_get(list, i), meanings);
    }
    return FNAS_OK;
}

/* A number, or, as OFA's own scripts pass it about, a list of one. */
static fnas_status fnas_mbv3_read_resolution(fnas_context *context, const fnas_mbv3 *mbv3, const json_t *root, int32_t *choice) {
    const json_t *number = json_object_get(root, "r");
    if (json_array_size(number) == 1) number = json_array_get(number, 0);
    *choice = json_is_integer(number) ? fnas_mbv3_resolution_choice(mbv3, json_integer_value(number)) : -1;
    if (*choice >= 0) return FNAS_OK;
    if (!json_is_integer(number)) return fnas_fail(context, FNAS_ERR_INPUT, WHERE ": \"r\" must be the resolution, a number: " EXAMPLE);
    return fnas_fail(context, FNAS_ERR_INPUT, WHERE ": \"r\" is %lld, a resolution of this space is %s to %s in steps of %lld",
                     (long long)json_integer_value(number), mbv3->resolution_names[0], mbv3->resolution_names[mbv3->resolution_count - 1],
                     (long long)mbv3->resolution_step);
}

static fnas_status fnas_mbv3_check_members(fnas_context *context, json_t *root) {
    static const char *const known[] = {"wid", "ks", "e", "d", "r"};
    const char *key;
    json_t *value;
    if (!json_is_object(root)) return fnas_fail(context, FNAS_ERR_INPUT, WHERE ": no JSON object: write " EXAMPLE);
    json_object_foreach(root, key, value) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) found |= strcmp(known[i], key) == 0;
        if (!found) return fnas_fail(context, FNAS_ERR_INPUT, WHERE ": unknown member \"%.40s\": it has wid, ks, e, d and r", key);
    }
    value = json_object_get(root, "wid");
    if (!value || json_is_null(value)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, WHERE ": \"wid\" must be null: the width is the space's (mobilenetv3:width=1.2)");
}

static fnas_status fnas_mbv3_read(fnas_context *context, const fnas_mbv3 *mbv3, json_t *root, int32_t *choices) {
    static const char slots[] = "five stages of four slots, used or not";
    FNAS_TRY(fnas_mbv3_check_members(context, root));
    FNAS_TRY(fnas_mbv3_read_list(context, root, "ks", FNAS_MBV3_SLOTS, slots, fnas_mbv3_kernels, choices + FNAS_MBV3_KERNEL));
    FNAS_TRY(fnas_mbv3_read_list(context, root, "e", FNAS_MBV3_SLOTS, slots, fnas_mbv3_expansions, choices + FNAS_MBV3_EXPANSION));
    FNAS_TRY(
        fnas_mbv3_read_list(context, root, "d", FNAS_MBV3_STAGES, "the depth of each stage", fnas_mbv3_depths, choices + FNAS_MBV3_DEPTH));
    return fnas_mbv3_read_resolution(context, mbv3, root, &choices[FNAS_MBV3_RESOLUTION]);
}

fnas_status fnas_mbv3_parse(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices) {
    int32_t read[FNAS_MBV3_DECISIONS];
    json_t *root;
    FNAS_TRY(fnas_json_parse(context, WHERE, text, strlen(text), &root));
    fnas_status status = fnas_mbv3_read(context, space->detail, root, read);
    json_decref(root);
    if (status != FNAS_OK) return status;
    fnas_mbv3_settle(space, read);
    memcpy(choices, read, sizeof read);
    return FNAS_OK;
}
