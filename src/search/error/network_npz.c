/* Networks of errors in NPZ: members W0, b0, W1, b1, ..., and, where the file says so, the texts "input" and "output". */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "export/npz.h"
#include "search/error/network.h"

#define LIMIT_BYTES ((size_t)256 << 20)
#define SUFFIX ".npz"
#define WORD_BYTES 64

/* What an option says of a file; an empty word: nothing. */
typedef struct network_option {
    char *path;
    char input[WORD_BYTES], output[WORD_BYTES];
} network_option;

typedef struct npz_network {
    fnas_context *context;
    const fnas_space *space;
    const fnas_npz *npz;
    int64_t layer_count;
    int64_t sizes[FNAS_NETWORK_LAYERS_MAX + 1];
    const fnas_space_encoding *encoding;
    fnas_network_output output;
} npz_network;

/* ---- the option ---- */

/* Where the words behind "FILE.npz:" begin; NULL: there are none. */
static const char *words_of(const char *option) {
    const char *words = NULL;
    for (const char *at = option; (at = strstr(at, SUFFIX ":")); at++) words = at + strlen(SUFFIX ":");
    return words;
}

static bool begins_as_archive(const char *path) {
    FILE *file = fopen(path, "rb");
    char begin[2] = {0};
    bool is_archive = file && fread(begin, 1, sizeof begin, file) == sizeof begin && memcmp(begin, "PK", sizeof begin) == 0;
    if (file) fclose(file);
    return is_archive;
}

bool fnas_network_is_meant(const char *option) {
    size_t length = strlen(option), suffix = strlen(SUFFIX);
    return words_of(option) || (length > suffix && strcmp(option + length - suffix, SUFFIX) == 0) || begins_as_archive(option);
}

static fnas_status read_word(fnas_context *context, const char *option, const char *word, size_t length, network_option *read) {
    static const char input[] = "input=", output[] = "output=";
    bool is_input = strncmp(word, input, strlen(input)) == 0, is_output = strncmp(word, output, strlen(output)) == 0;
    size_t key = strlen(is_input ? input : output);
    char *value = is_input ? read->input : read->output;
    if ((!is_input && !is_output) || length <= key || length - key >= WORD_BYTES || value[0])
        return fnas_fail(context, FNAS_ERR_USAGE,
                         "--error surrogate:%s: behind the file stands output=..., input=... or both, with a comma between", option);
    memcpy(value, word + key, length - key);
    return FNAS_OK;
}

/* read->path is owned, also after a failure. */
static fnas_status read_option(fnas_context *context, const char *option, network_option *read) {
    const char *words = words_of(option);
    read->path = fnas_strdup(option);
    if (!read->path) return fnas_fail_memory(context, "a path");
    if (!words) return FNAS_OK;
    read->path[words - option - 1] = '\0';
    for (const char *word = words; word; word = strchr(word, ',') ? strchr(word, ',') + 1 : NULL)
        FNAS_TRY(read_word(context, option, word, strcspn(word, ","), read));
    return FNAS_OK;
}

/* ---- members ---- */

/* "W" or "b" and a number without needless zeros; -1: another name. */
static int64_t layer_of(const char *name) {
    char again[32];
    int64_t layer = 0;
    if (name[0] != 'W' && name[0] != 'b') return -1;
    for (const char *c = name + 1; *c >= '0' && *c <= '9' && layer < 1000; c++) layer = 10 * layer + (*c - '0');
    snprintf(again, sizeof again, "%c%" PRId64, name[0], layer);
    return strcmp(again, name) == 0 ? layer : -1;
}

static const fnas_npz_member *member_of(const npz_network *reading, char kind, int64_t layer) {
    char name[32];
    snprintf(name, sizeof name, "%c%" PRId64, kind, layer);
    return fnas_npz_find(reading->npz, name);
}

static fnas_status check_members(npz_network *reading) {
    const fnas_npz *npz = reading->npz;
    for (int64_t i = 0; i < npz->count; i++) {
        const char *name = npz->members[i].name;
        int64_t layer = layer_of(name);
        char where[FNAS_NPZ_WHERE_BYTES];
        fnas_npz_where(npz, name, where);
        if (layer >= FNAS_NETWORK_LAYERS_MAX)
            return fnas_fail(reading->context, FNAS_ERR_INPUT, "%s: at most %d layers are read", where, FNAS_NETWORK_LAYERS_MAX);
        if (layer >= 0) {
            if (layer >= reading->layer_count) reading->layer_count = layer + 1;
        } else if (strcmp(name, "input") != 0 && strcmp(name, "output") != 0) {
            return fnas_fail(reading->context, FNAS_ERR_INPUT,
                             "%s is not known: a network has W0, b0, W1, b1, ..., and the texts \"input\" and \"output\" if it says so",
                             where);
        }
    }
    if (reading->layer_count) return FNAS_OK;
    return fnas_fail(reading->context, FNAS_ERR_INPUT, "%s: has no member \"W0\": a network has W0, b0, W1, b1, ...", npz->path);
}

/* A weight's rank is 2, a bias' 1; both have floats. */
static fnas_status require_floats(const npz_network *reading, char kind, int64_t layer, const fnas_npz_member **member) {
    char name[32], where[FNAS_NPZ_WHERE_BYTES], shape[FNAS_NPY_SHAPE_BYTES];
    int64_t rank = kind == 'W' ? 2 : 1;
    snprintf(name, sizeof name, "%c%" PRId64, kind, layer);
    fnas_npz_where(reading->npz, name, where);
    *member = fnas_npz_find(reading->npz, name);
    if (!*member)
        return fnas_fail(reading->context, FNAS_ERR_INPUT, "%s: has no member \"%s\", the last layer is %" PRId64, reading->npz->path, name,
                         reading->layer_count - 1);
    const fnas_npy *array = &(*member)->array;
    if (!fnas_npy_is_number(array)) return fnas_fail(reading->context, FNAS_ERR_INPUT, "%s holds text: floats are expected", where);
    if (array->rank == rank && array->count > 0) return FNAS_OK;
    fnas_npy_format_shape(array->rank, array->shape, shape);
    return fnas_fail(reading->context, FNAS_ERR_INPUT, "%s has shape %s, expected %s", where, shape,
                     rank == 2 ? "[outputs, inputs]" : "[outputs]");
}

/* Sizes by the weights; that they fit together is checked as they are filled in. */
static fnas_status find_sizes(npz_network *reading) {
    const fnas_npz_member *member;
    int64_t units = 0, last = reading->layer_count - 1;
    for (int64_t l = 0; l <= last; l++) {
        FNAS_TRY(require_floats(reading, 'W', l, &member));
        if (l == 0) reading->sizes[0] = member->array.shape[1];
        reading->sizes[l + 1] = member->array.shape[0];
        FNAS_TRY(require_floats(reading, 'b', l, &member));
        if (member->array.count != reading->sizes[l + 1] && member->array.count == member_of(reading, 'W', l)->array.shape[1])
            reading->sizes[l + 1] = member->array.count; /* the weight is transposed, as its message will say */
    }
    for (int64_t l = 0; l <= last + 1; l++) {
        if (reading->sizes[l] > FNAS_NETWORK_UNITS_MAX - units)
            return fnas_fail(reading->context, FNAS_ERR_INPUT, "%s: has more than %d units: a smaller network is expected",
                             reading->npz->path, FNAS_NETWORK_UNITS_MAX);
        units += reading->sizes[l];
    }
    if (reading->sizes[last + 1] == 1) return FNAS_OK;
    return fnas_fail(reading->context, FNAS_ERR_INPUT, "%s: member \"W%" PRId64 "\": the last layer has %" PRId64 " outputs, expected 1",
                     reading->npz->path, last, reading->sizes[last + 1]);
}

/* ---- input and output ---- */

/* What the option or the file says; an empty word: neither does. */
static fnas_status find_word(const npz_network *reading, const char *key, const char *stated, char word[WORD_BYTES]) {
    const fnas_npz_member *member = fnas_npz_find(reading->npz, key);
    char where[FNAS_NPZ_WHERE_BYTES];
    snprintf(word, WORD_BYTES, "%s", stated);
    if (!member) return FNAS_OK;
    fnas_npz_where(reading->npz, key, where);
    FNAS_TRY(fnas_npy_text(reading->context, where, &member->array, word, WORD_BYTES));
    if (!stated[0] || strcmp(word, stated) == 0) return FNAS_OK;
    return fnas_fail(reading->context, FNAS_ERR_INPUT, "%s is \"%s\", the option says \"%s\"", where, word, stated);
}

static fnas_status fail_width(const npz_network *reading, const fnas_space_encoding *stated) {
    fnas_text known = {0};
    const fnas_space_encoding *encoding;
    for (int64_t i = 0; (encoding = fnas_space_encoding_at(reading->space, i)); i++)
        if (!stated || encoding == stated)
            fnas_text_append(&known, "%s%" PRId64 " (\"%s\")", known.size ? " or " : "", encoding->size(reading->space), encoding->name);
    fnas_status status = fnas_fail(reading->context, FNAS_ERR_INPUT,
                                   "%s: member \"W0\" takes %" PRId64 " inputs, the space %s gives %s: is it a network for this space?",
                                   reading->npz->path, reading->sizes[0], fnas_space_name(reading->space), known.data ? known.data : "");
    fnas_text_free(&known);
    return status;
}

/* NULL: none has it. */
static const char *input_of_width(const npz_network *reading) {
    const fnas_space_encoding *encoding;
    for (int64_t i = 0; (encoding = fnas_space_encoding_at(reading->space, i)); i++)
        if (encoding->size(reading->space) == reading->sizes[0]) return encoding->name;
    return NULL;
}

static fnas_status find_input(npz_network *reading, const char *stated) {
    char word[WORD_BYTES];
    FNAS_TRY(find_word(reading, "input", stated, word));
    const char *name = word[0] ? word : input_of_width(reading);
    if (!name) return fail_width(reading, NULL);
    FNAS_TRY(fnas_network_find_encoding(reading->context, reading->space, reading->npz->path, name, &reading->encoding));
    return reading->encoding->size(reading->space) == reading->sizes[0] ? FNAS_OK : fail_width(reading, reading->encoding);
}

static fnas_status find_output(npz_network *reading, const char *stated) {
    char word[WORD_BYTES];
    FNAS_TRY(find_word(reading, "output", stated, word));
    const char *name = word[0] ? word : reading->encoding->output;
    if (name) return fnas_network_find_output(reading->context, reading->npz->path, name, &reading->output);
    return fnas_fail(reading->context, FNAS_ERR_INPUT,
                     "%s: does not say what its output is: write surrogate:%s:output=accuracy (0 to 1), accuracy_pct, error (0 to 1) or "
                     "error_pct, or save a member \"output\" with one of these words",
                     reading->npz->path, reading->npz->path);
}

/* ---- the network ---- */

static double number_of(const void *source, int64_t index) {
    return fnas_npy_number(source, index);
}

static fnas_status fill_member(const npz_network *reading, char kind, int64_t layer, fnas_network *network) {
    const fnas_npz_member *member = member_of(reading, kind, layer);
    char where[FNAS_NPZ_WHERE_BYTES];
    fnas_npz_where(reading->npz, member->name, where);
    const fnas_network_array array = {.where = where,
                                      .layer = layer,
                                      .rank = member->array.rank,
                                      .shape = member->array.shape,
                                      .at = number_of,
                                      .source = &member->array};
    return fnas_network_fill(reading->context, network, &array);
}

static fnas_status read_network(npz_network *reading, const network_option *option, fnas_network **network) {
    FNAS_TRY(check_members(reading));
    FNAS_TRY(find_sizes(reading));
    FNAS_TRY(find_input(reading, option->input));
    FNAS_TRY(find_output(reading, option->output));
    FNAS_TRY(fnas_network_create(reading->context, reading->space, reading->encoding, reading->output, reading->layer_count, reading->sizes,
                                 network));
    for (int64_t l = 0; l < reading->layer_count; l++) {
        FNAS_TRY(fill_member(reading, 'W', l, *network));
        FNAS_TRY(fill_member(reading, 'b', l, *network));
    }
    return FNAS_OK;
}

fnas_status fnas_network_open(fnas_context *context, const fnas_space *space, const char *option, fnas_network **network) {
    network_option read = {.path = NULL};
    fnas_npz *npz = NULL;
    *network = NULL;
    fnas_status status = read_option(context, option, &read);
    if (status == FNAS_OK) status = fnas_npz_read(context, read.path, LIMIT_BYTES, &npz);
    if (status == FNAS_OK) {
        npz_network reading = {.context = context, .space = space, .npz = npz};
        status = read_network(&reading, &read, network);
    }
    fnas_npz_free(npz);
    fnas_free(read.path);
    if (status == FNAS_OK) return FNAS_OK;
    fnas_network_free(*network);
    *network = NULL;
    return status;
}
