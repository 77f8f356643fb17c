#include "data/decode.h"

#include <string.h>

#include "base/memory.h"

/* ---- headers ---- */

static bool fnas_begins_with(const unsigned char *bytes, size_t size, const void *magic, size_t length) {
    return size >= length && !memcmp(bytes, magic, length);
}

static fnas_status fnas_check_extent(fnas_context *context, const fnas_encoded *encoded) {
    int64_t height = encoded->height, width = encoded->width;
    bool sane = height >= 1 && width >= 1 && height <= FNAS_PICTURE_EXTENT_MAX && width <= FNAS_PICTURE_EXTENT_MAX &&
                height * width <= FNAS_PICTURE_PIXELS_MAX;
    if (sane) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: %lldx%lld pixels: an image has at least one, and at most %lld million", encoded->name,
                     (long long)width, (long long)height, (long long)(FNAS_PICTURE_PIXELS_MAX / 1000000));
}

static void fnas_swap(int64_t *a, int64_t *b) {
    int64_t kept = *a;
    *a = *b;
    *b = kept;
}

/* Orientations 5 to 8 lie on their side. */
static bool fnas_is_turned(const fnas_encoded *encoded) {
    return encoded->orientation >= 5;
}

fnas_status fnas_decode_header(fnas_context *context, const char *name, const unsigned char *bytes, size_t size, fnas_encoded *encoded) {
    static const unsigned char jpeg[] = {0xFF, 0xD8, 0xFF}, png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    *encoded = (fnas_encoded){.name = name, .bytes = bytes, .size = size, .orientation = 1};
    if (!size) return fnas_fail(context, FNAS_ERR_INPUT, "%s: the file is empty", name);
    if (fnas_begins_with(bytes, size, jpeg, sizeof jpeg)) {
        FNAS_TRY(fnas_jpeg_header(context, encoded));
    } else if (fnas_begins_with(bytes, size, png, sizeof png)) {
        encoded->format = FNAS_IMAGE_PNG;
        FNAS_TRY(fnas_png_header(context, encoded));
    } else {
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: neither a JPEG nor a PNG file by its first bytes", name);
    }
    FNAS_TRY(fnas_check_extent(context, encoded));
    if (fnas_is_turned(encoded)) fnas_swap(&encoded->height, &encoded->width);
    return FNAS_OK;
}

int64_t fnas_decode_eighths(double step) {
    int64_t eighths = 8;
    while (eighths > 1 && step * (double)(eighths / 2) >= 8) eighths /= 2;
    return eighths;
}

/* ---- orientation (EXIF 2.32, 4.6.4.A, tag 274) ---- */

/* The pixel of a picture as it lies that comes to (y, x) of the upright one. */
static const uint8_t *fnas_turned_from(const fnas_picture *lying, int orientation, int64_t y, int64_t x) {
    int64_t bottom = lying->height - 1, right = lying->width - 1;
    switch (orientation) {
    case 2:
        x = right - x;
        break;
    case 3:
        y = bottom - y, x = right - x;
        break;
    case 4:
        y = bottom - y;
        break;
    case 5:
        fnas_swap(&y, &x);
        break;
    case 6:
        fnas_swap(&y, &x), y = bottom - y;
        break;
    case 7:
        fnas_swap(&y, &x), y = bottom - y, x = right - x;
        break;
    case 8:
        fnas_swap(&y, &x), x = right - x;
        break;
    default:
        break;
    }
    return lying->pixels + (y * lying->width + x) * FNAS_PICTURE_CHANNELS;
}

/* Takes the place of `picture`, whose pixels it releases. */
static fnas_status fnas_turn(fnas_context *context, const fnas_encoded *encoded, fnas_picture *picture) {
    fnas_picture upright = {.height = picture->height, .width = picture->width};
    if (fnas_is_turned(encoded)) fnas_swap(&upright.height, &upright.width);
    uint8_t *to = fnas_allocate((size_t)(upright.height * upright.width), FNAS_PICTURE_CHANNELS);
    if (!to) return fnas_fail_memory(context, encoded->name);
    upright.pixels = upright.owned = to;
    for (int64_t y = 0; y < upright.height; y++)
        for (int64_t x = 0; x < upright.width; x++, to += FNAS_PICTURE_CHANNELS)
            memcpy(to, fnas_turned_from(picture, encoded->orientation, y, x), FNAS_PICTURE_CHANNELS);
    fnas_free(picture->owned);
    *picture = upright;
    return FNAS_OK;
}

/* ---- whole pictures ---- */

fnas_status fnas_decode(fnas_context *context, const fnas_encoded *encoded, int64_t *eighths, fnas_picture *picture) {
    *picture = (fnas_picture){0};
    if (encoded->format == FNAS_IMAGE_PNG) *eighths = 8;
    fnas_status status = encoded->format == FNAS_IMAGE_PNG ? fnas_png_decode(context, encoded, picture)
                                                           : fnas_jpeg_decode(context, encoded, *eighths, picture);
    if (status == FNAS_OK && encoded->orientation > 1) status = fnas_turn(context, encoded, picture);
    if (status != FNAS_OK) {
        fnas_free(picture->owned);
        *picture = (fnas_picture){0};
    }
    return status;
}
