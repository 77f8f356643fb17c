/* JPEG and PNG files made by the libraries themselves. */
#ifndef FNAS_TESTS_DATA_SUPPORT_PICTURES_H
#define FNAS_TESTS_DATA_SUPPORT_PICTURES_H

#include "base/support.h"

typedef struct test_bytes {
    unsigned char *data; /* free */
    unsigned long size;
} test_bytes;

typedef enum test_jpeg_kind {
    TEST_GREY,
    TEST_RGB,
    TEST_CMYK,
    TEST_ADOBE_CMYK,
    TEST_ADOBE_YCCK,
    TEST_PROGRESSIVE_RGB,
    TEST_PROGRESSIVE_CMYK
} test_jpeg_kind;

/* pixels [height, width, channels of the kind]; orientation 0: no EXIF; big: its numbers are big-endian. Quality 100, without chroma
 * subsampling. */
test_bytes test_jpeg(int height, int width, test_jpeg_kind kind, const uint8_t *pixels, int orientation, bool big);

/* type: libpng's PNG_COLOR_TYPE_...; rows [height, bytes of a row] as libpng takes them (16 bits big-endian, 1 bit packed). A palette has
 * four colours: (10 i, 20 i, 30 i), of which colour 3 is transparent by half. */
test_bytes test_png(int height, int width, int type, int depth, bool interlaced, const uint8_t *rows);

/* A PNG of one colour at FOLDER/name, whose folders are made. */
void test_write_plain(fnas_test_place *place, const char *name, int height, int width, const uint8_t rgb[3]);
void test_make_folders(fnas_test_place *place, const char *name); /* those above FOLDER/name */

#endif
