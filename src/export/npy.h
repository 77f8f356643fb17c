/* Arrays of numpy's NPY format, versions 1.0 and 2.0 (NEP 1): little-endian floats in C order, and texts. */
#ifndef FNAS_EXPORT_NPY_H
#define FNAS_EXPORT_NPY_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_NPY_RANK_MAX 8

typedef enum fnas_npy_type {
    FNAS_NPY_F4,
    FNAS_NPY_F8,
    FNAS_NPY_UNICODE, /* "<U7": code points of four bytes, zeros behind the end */
    FNAS_NPY_BYTES    /* "|S7" */
} fnas_npy_type;

typedef struct fnas_npy {
    fnas_npy_type type;
    int64_t item_bytes;
    int64_t rank;
    int64_t shape[FNAS_NPY_RANK_MAX];
    int64_t count; /* the shape's product */
    const unsigned char *data;
} fnas_npy;

/* Reads the size_bytes bytes of an array; its data are borrowed from them. `where` names it in messages. Errors: FNAS_ERR_INPUT: no NPY,
 * another version, another type (big-endian numbers, integers, objects, ... by name), Fortran order, more or fewer bytes than the shape
 * takes. Runs nothing. */
FNAS_NODISCARD fnas_status fnas_npy_read(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                         fnas_npy *array);

bool fnas_npy_is_number(const fnas_npy *array);
/* Number `index`, 0 to count - 1, of an array of floats. */
double fnas_npy_number(const fnas_npy *array, int64_t index);

/* The one text of an array of texts, 0-terminated. Errors: FNAS_ERR_INPUT: numbers, several, characters beyond ASCII, longer than
 * text_bytes - 1. */
FNAS_NODISCARD fnas_status fnas_npy_text(fnas_context *context, const char *where, const fnas_npy *array, char *text, size_t text_bytes);

/* "[400, 128]", for messages. text: FNAS_NPY_SHAPE_BYTES. */
#define FNAS_NPY_SHAPE_BYTES (FNAS_NPY_RANK_MAX * 22 + 3)
void fnas_npy_format_shape(int64_t rank, const int64_t *shape, char *text);

#endif
