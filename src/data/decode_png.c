/* libpng behind a guard: its errors, which leave by longjmp, become messages. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#include "base/memory.h"
#include "data/decode.h"

#define FNAS_PNG_CHANNELS 4
#define FNAS_PNG_CHUNK_BYTES ((png_alloc_size_t)8 << 20) /* of what a chunk beside the picture may unpack to */
#define FNAS_PNG_CHUNKS 64
#define FNAS_PNG_MESSAGE_BYTES 128

typedef struct fnas_png {
    png_structp reader;
    png_infop info;
    jmp_buf failed;
    char message[FNAS_PNG_MESSAGE_BYTES];
    bool lacks_memory;
    const fnas_encoded *encoded;
    size_t used; /* of its bytes */
    int64_t height, width;
    uint8_t *pixels; /* [height, width, 4] while it is read */
    png_bytep *rows;
} fnas_png;

/* ---- errors ---- */

static void fnas_png_leave(fnas_png *png) {
    longjmp(png->failed, 1);
}

static PNG_NORETURN void fnas_png_on_error(png_structp reader, png_const_charp message) {
    fnas_png *png = png_get_error_ptr(reader);
    snprintf(png->message, sizeof png->message, "%s", message);
    longjmp(png->failed, 1);
}

static void fnas_png_on_warning(png_structp reader, png_const_charp message) {
    (void)reader, (void)message; /* about chunks that the picture does not need */
}

/* Runs `work`, which libpng may leave at any call: what it owns must be in *png. */
static bool fnas_png_guard(fnas_png *png, void (*work)(fnas_png *png)) {
    if (setjmp(png->failed)) return false;
    work(png);
    return true;
}

static fnas_status fnas_png_fail(fnas_context *context, const fnas_png *png) {
    if (png->lacks_memory) return fnas_fail_memory(context, png->encoded->name);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: the PNG file is damaged: %s", png->encoded->name, png->message);
}

/* ---- reading ---- */

static void fnas_png_hand_on(png_structp reader, png_bytep to, size_t size) {
    fnas_png *png = png_get_io_ptr(reader);
    if (size > png->encoded->size - png->used) png_error(reader, "it is truncated");
    memcpy(to, png->encoded->bytes + png->used, size);
    png->used += size;
}

static void fnas_png_begin(fnas_png *png) {
    png->reader = png_create_read_struct(PNG_LIBPNG_VER_STRING, png, fnas_png_on_error, fnas_png_on_warning);
    png->info = png->reader ? png_create_info_struct(png->reader) : NULL;
    png->lacks_memory = !png->info;
    if (!png->info) fnas_png_leave(png);
    png_set_user_limits(png->reader, FNAS_PICTURE_EXTENT_MAX, FNAS_PICTURE_EXTENT_MAX);
    png_set_chunk_malloc_max(png->reader, FNAS_PNG_CHUNK_BYTES);
    png_set_chunk_cache_max(png->reader, FNAS_PNG_CHUNKS);
    png_set_read_fn(png->reader, png, fnas_png_hand_on);
    png_read_info(png->reader, png->info);
    png->height = png_get_image_height(png->reader, png->info);
    png->width = png_get_image_width(png->reader, png->info);
}

static void fnas_png_end(fnas_png *png) {
    png_destroy_read_struct(&png->reader, &png->info, NULL);
    fnas_free(png->rows);
}

fnas_status fnas_png_header(fnas_context *context, fnas_encoded *encoded) {
    fnas_png png = {.encoded = encoded};
    bool good = fnas_png_guard(&png, fnas_png_begin);
    fnas_status status = good ? FNAS_OK : fnas_png_fail(context, &png);
    encoded->height = png.height;
    encoded->width = png.width;
    fnas_png_end(&png);
    return status;
}

/* ---- the picture ---- */

/* Every kind becomes 8-bit RGB with alpha. */
static void fnas_png_convert(fnas_png *png) {
    png_set_expand(png->reader); /* palettes, 1 to 4 bits, a transparent colour */
    png_set_scale_16(png->reader);
    png_set_gray_to_rgb(png->reader);
    png_set_add_alpha(png->reader, 0xFF, PNG_FILLER_AFTER);
    png_set_interlace_handling(png->reader);
    png_read_update_info(png->reader, png->info);
    if (png_get_rowbytes(png->reader, png->info) != (size_t)png->width * FNAS_PNG_CHANNELS) png_error(png->reader, "unknown colours");
}

static void fnas_png_allocate(fnas_png *png) {
    png->pixels = fnas_allocate((size_t)(png->height * png->width), FNAS_PNG_CHANNELS);
    png->rows = fnas_allocate((size_t)png->height, sizeof *png->rows);
    png->lacks_memory = !png->pixels || !png->rows;
    if (png->lacks_memory) fnas_png_leave(png);
    for (int64_t y = 0; y < png->height; y++) png->rows[y] = png->pixels + y * png->width * FNAS_PNG_CHANNELS;
}

static void fnas_png_read_picture(fnas_png *png) {
    fnas_png_begin(png);
    fnas_png_convert(png);
    fnas_png_allocate(png);
    png_read_image(png->reader, png->rows);
    png_read_end(png->reader, NULL);
}

/* In place: three bytes take the place of four. The colour behind full transparency is often black, often rubbish. */
static void fnas_png_put_on_white(fnas_png *png) {
    const uint8_t *from = png->pixels;
    uint8_t *to = png->pixels;
    for (int64_t i = 0; i < png->height * png->width; i++, from += FNAS_PNG_CHANNELS) {
        int alpha = from[3];
        for (int c = 0; c < FNAS_PICTURE_CHANNELS; c++) *to++ = (uint8_t)((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}

fnas_status fnas_png_decode(fnas_context *context, const fnas_encoded *encoded, fnas_picture *picture) {
    fnas_png png = {.encoded = encoded};
    bool good = fnas_png_guard(&png, fnas_png_read_picture);
    fnas_status status = good ? FNAS_OK : fnas_png_fail(context, &png);
    if (good) {
        fnas_png_put_on_white(&png);
        *picture = (fnas_picture){png.pixels, png.pixels, png.height, png.width};
    } else {
        fnas_free(png.pixels);
    }
    fnas_png_end(&png);
    return status;
}
