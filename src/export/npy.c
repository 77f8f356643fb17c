#include "export/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES 6
#define TYPE_BYTES 32 /* of the description of a type, with its 0 */
#define ITEM_MOST 65536
#define COUNT_MOST INT64_C(1000000000000)

/* The header is a dictionary of Python: {'descr': '<f4', 'fortran_order': False, 'shape': (400, 128), }. */
typedef struct npy_header {
    fnas_context *context;
    const char *where;
    const char *at, *end;
    char type[TYPE_BYTES];
    bool is_fortran;
    unsigned seen; /* a bit a key */
} npy_header;

enum { SEEN_TYPE = 1, SEEN_ORDER = 2, SEEN_SHAPE = 4, SEEN_ALL = 7 };

static fnas_status fail_header(const npy_header *header, const char *what) {
    int left = (int)(header->end - header->at < 24 ? header->end - header->at : 24);
    return fnas_fail(header->context, FNAS_ERR_INPUT, "%s: its header is damaged: %s at \"%.*s\"", header->where, what, left, header->at);
}

static void skip_blanks(npy_header *header) {
    while (header->at < header->end && (*header->at == ' ' || *header->at == '\n')) header->at++;
}

/* Whether the header goes on with this, which is passed. */
static bool take(npy_header *header, const char *text) {
    skip_blanks(header);
    size_t length = strlen(text);
    if ((size_t)(header->end - header->at) < length || memcmp(header->at, text, length) != 0) return false;
    header->at += length;
    return true;
}

static fnas_status read_type(npy_header *header) {
    if (take(header, "["))
        return fnas_fail(header->context, FNAS_ERR_INPUT, "%s: holds records of several fields: arrays of '<f4' or '<f8' are read",
                         header->where);
    if (!take(header, "'")) return fail_header(header, "a type in quotes is expected");
    const char *end = memchr(header->at, '\'', (size_t)(header->end - header->at));
    if (!end || end - header->at >= TYPE_BYTES) return fail_header(header, "a type in quotes is expected");
    memcpy(header->type, header->at, (size_t)(end - header->at));
    header->at = end + 1;
    return FNAS_OK;
}

static fnas_status read_order(npy_header *header) {
    header->is_fortran = take(header, "True");
    return header->is_fortran || take(header, "False") ? FNAS_OK : fail_header(header, "True or False is expected");
}

static bool read_extent(npy_header *header, int64_t *extent) {
    const char *begin = header->at;
    for (*extent = 0; header->at < header->end && *header->at >= '0' && *header->at <= '9'; header->at++) {
        *extent = 10 * *extent + (*header->at - '0');
        if (*extent > COUNT_MOST) return false;
    }
    return header->at > begin;
}

static fnas_status read_shape(npy_header *header, fnas_npy *array) {
    if (!take(header, "(")) return fail_header(header, "a shape is expected");
    for (array->rank = 0; !take(header, ")"); array->rank++) {
        if (array->rank == FNAS_NPY_RANK_MAX) return fail_header(header, "more than 8 dimensions");
        if (!read_extent(header, &array->shape[array->rank])) return fail_header(header, "an extent is expected");
        if (take(header, ",")) continue;
        array->rank++;
        if (!take(header, ")")) return fail_header(header, "the end of a shape is expected");
        return FNAS_OK;
    }
    return FNAS_OK;
}

static fnas_status read_entry(npy_header *header, fnas_npy *array) {
    unsigned key = take(header, "'descr':")           ? SEEN_TYPE
                   : take(header, "'fortran_order':") ? SEEN_ORDER
                   : take(header, "'shape':")         ? SEEN_SHAPE
                                                      : 0;
    if (!key || header->seen & key) return fail_header(header, "'descr', 'fortran_order' and 'shape' are expected, each once");
    header->seen |= key;
    if (key == SEEN_TYPE) return read_type(header);
    return key == SEEN_ORDER ? read_order(header) : read_shape(header, array);
}

static fnas_status read_dictionary(npy_header *header, fnas_npy *array) {
    if (!take(header, "{")) return fail_header(header, "'{' is expected");
    while (!take(header, "}")) {
        FNAS_TRY(read_entry(header, array));
        if (take(header, ",")) continue;
        if (!take(header, "}")) return fail_header(header, "'}' is expected");
        break;
    }
    skip_blanks(header);
    if (header->at != header->end) return fail_header(header, "nothing more is expected");
    if (header->seen != SEEN_ALL) return fail_header(header, "'descr', 'fortran_order' and 'shape' are expected, each once");
    return FNAS_OK;
}

/* ---- what it says ---- */

/* The length of "U7" or "S7"; 0: none. */
static int64_t length_of(const char *type) {
    int64_t length = 0;
    for (const char *c = type + 2; *c; c++) {
        if (*c < '0' || *c > '9' || length > ITEM_MOST) return 0;
        length = 10 * length + (*c - '0');
    }
    return length <= ITEM_MOST ? length : 0;
}

static fnas_status take_type(const npy_header *header, fnas_npy *array) {
    const char *type = header->type;
    bool is_f4 = strcmp(type, "<f4") == 0;
    if (is_f4 || strcmp(type, "<f8") == 0) {
        array->type = is_f4 ? FNAS_NPY_F4 : FNAS_NPY_F8;
        array->item_bytes = is_f4 ? 4 : 8;
        return FNAS_OK;
    }
    bool is_unicode = strncmp(type, "<U", 2) == 0;
    if ((is_unicode || strncmp(type, "|S", 2) == 0) && length_of(type) > 0) {
        array->type = is_unicode ? FNAS_NPY_UNICODE : FNAS_NPY_BYTES;
        array->item_bytes = length_of(type) * (is_unicode ? 4 : 1);
        return FNAS_OK;
    }
    const char *what = type[0] == '>'                ? "is big-endian"
                       : strncmp(type, "|O", 2) == 0 ? "holds Python objects, which are never loaded"
                                                     : "is of another type";
    return fnas_fail(header->context, FNAS_ERR_INPUT,
                     "%s: has the type '%s', which %s: little-endian floats are read ('<f4', '<f8'): save array.astype('<f4')",
                     header->where, type, what);
}

static fnas_status take_data(const npy_header *header, size_t data_bytes, fnas_npy *array) {
    char shape[FNAS_NPY_SHAPE_BYTES];
    fnas_npy_format_shape(array->rank, array->shape, shape);
    array->count = 1;
    for (int64_t i = 0; i < array->rank; i++) {
        if (array->shape[i] && array->count > COUNT_MOST / array->shape[i])
            return fnas_fail(header->context, FNAS_ERR_INPUT, "%s: has shape %s, more than is read", header->where, shape);
        array->count *= array->shape[i];
    }
    size_t expected;
    if (!fnas_size_multiply((size_t)array->count, (size_t)array->item_bytes, &expected) || expected != data_bytes)
        return fnas_fail(header->context, FNAS_ERR_INPUT, "%s: shape %s of '%s' takes %" PRId64 " bytes, it has %zu: truncated or damaged",
                         header->where, shape, header->type, array->count * array->item_bytes, data_bytes);
    if (!header->is_fortran) return FNAS_OK;
    return fnas_fail(header->context, FNAS_ERR_INPUT, "%s: is in Fortran order, C order is read: save numpy.ascontiguousarray(array)",
                     header->where);
}

/* Length of the dictionary, and where it begins. */
static fnas_status find_header(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes, size_t *begin,
                               size_t *length) {
    if (size_bytes < MAGIC_BYTES + 4 || memcmp(bytes, MAGIC, MAGIC_BYTES) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: no array of numpy (it does not begin with \\x93NUMPY)", where);
    unsigned major = bytes[6], minor = bytes[7];
    if ((major != 1 && major != 2) || minor != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: version %u.%u of NPY, 1.0 and 2.0 are read", where, major, minor);
    *begin = MAGIC_BYTES + (major == 1 ? 4 : 6);
    *length = bytes[8] | (size_t)bytes[9] << 8;
    if (major == 2 && size_bytes >= *begin) *length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (size_bytes >= *begin && *length <= size_bytes - *begin) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: truncated in its header", where);
}

fnas_status fnas_npy_read(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes, fnas_npy *array) {
    size_t begin = 0, length = 0;
    *array = (fnas_npy){0};
    FNAS_TRY(find_header(context, where, bytes, size_bytes, &begin, &length));
    npy_header header = {.context = context, .where = where, .at = (const char *)bytes + begin};
    header.end = header.at + length;
    FNAS_TRY(read_dictionary(&header, array));
    FNAS_TRY(take_type(&header, array));
    array->data = bytes + begin + length;
    return take_data(&header, size_bytes - begin - length, array);
}

/* ---- its items ---- */

bool fnas_npy_is_number(const fnas_npy *array) {
    return array->type == FNAS_NPY_F4 || array->type == FNAS_NPY_F8;
}

/* Byte by byte: data of a file are not aligned, and the processor may be big-endian. */
static uint64_t read_little(const unsigned char *bytes, int64_t count) {
    uint64_t value = 0;
    for (int64_t i = 0; i < count; i++) value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

double fnas_npy_number(const fnas_npy *array, int64_t index) {
    uint64_t bits = read_little(array->data + index * array->item_bytes, array->item_bytes);
    if (array->type == FNAS_NPY_F8) {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return (double)value;
}

fnas_status fnas_npy_text(fnas_context *context, const char *where, const fnas_npy *array, char *text, size_t text_bytes) {
    if (fnas_npy_is_number(array) || array->count != 1) return fnas_fail(context, FNAS_ERR_INPUT, "%s: one text is expected", where);
    int64_t bytes = array->type == FNAS_NPY_UNICODE ? 4 : 1, length = array->item_bytes / bytes;
    while (length > 0 && read_little(array->data + (length - 1) * bytes, bytes) == 0) length--;
    if ((size_t)length >= text_bytes)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: a text of %" PRId64 " characters, at most %zu are read", where, length,
                         text_bytes - 1);
    for (int64_t i = 0; i < length; i++) {
        uint64_t code = read_little(array->data + i * bytes, bytes);
        if (code < 0x20 || code > 0x7e)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: a text with the character U+%04" PRIX64 ", only printable ASCII is read", where,
                             code);
        text[i] = (char)code;
    }
    text[length] = '\0';
    return FNAS_OK;
}

void fnas_npy_format_shape(int64_t rank, const int64_t *shape, char *text) {
    size_t used = 0;
    text[used++] = '[';
    for (int64_t i = 0; i < rank; i++)
        used += (size_t)snprintf(text + used, FNAS_NPY_SHAPE_BYTES - used, "%s%" PRId64, i ? ", " : "", shape[i]);
    text[used++] = ']';
    text[used] = '\0';
}
