/* libjpeg-turbo behind a guard: its errors, which leave by longjmp, become messages. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/memory.h"
#include "data/decode.h"

#define FNAS_JPEG_SCANS_MAX 200 /* a progressive file of thousands of empty scans would take minutes */

/* A file in several scans (a progressive one) keeps all coefficients until the last, up to 6 bytes a pixel, 8 with CMYK. */
#define FNAS_JPEG_SCANNED_PIXELS_MAX (INT64_C(1) << 25)
#define FNAS_JPEG_MEMORY_MAX (1L << 28) /* of libjpeg's own */

typedef struct fnas_jpeg {
    struct jpeg_decompress_struct codec;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    char message[JMSG_LENGTH_MAX];
    bool lacks_memory;
    const fnas_encoded *encoded;
    int64_t eighths;
    int orientation;
    uint8_t *pixels, *row; /* the picture [H, W, 3]; a row [W, 4] of CMYK */
    size_t row_bytes;      /* of the picture */
} fnas_jpeg;

/* ---- errors ---- */

static void fnas_jpeg_leave(j_common_ptr codec) {
    fnas_jpeg *jpeg = codec->client_data;
    longjmp(jpeg->failed, 1);
}

static void fnas_jpeg_on_error(j_common_ptr codec) {
    fnas_jpeg *jpeg = codec->client_data;
    if (codec->err->msg_code == JERR_NO_BACKING_STORE)
        snprintf(jpeg->message, sizeof jpeg->message, "it takes more than %ld MB to decode", FNAS_JPEG_MEMORY_MAX >> 20);
    else
        codec->err->format_message(codec, jpeg->message);
    jpeg->lacks_memory = codec->err->msg_code == JERR_OUT_OF_MEMORY;
    fnas_jpeg_leave(codec);
}

/* Warnings that leave the picture whole: bytes too many between or behind its parts, odd version numbers. After the others, which tell of
 * truncated or spoilt data, libjpeg would go on with grey. */
static bool fnas_jpeg_is_harmless(int code) {
    return code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR || code == JWRN_TOO_MUCH_DATA ||
           code == JWRN_BOGUS_ICC;
}

static void fnas_jpeg_on_message(j_common_ptr codec, int level) {
    if (level < 0 && !fnas_jpeg_is_harmless(codec->err->msg_code)) fnas_jpeg_on_error(codec);
}

static void fnas_jpeg_on_progress(j_common_ptr codec) {
    fnas_jpeg *jpeg = codec->client_data;
    if (jpeg->codec.input_scan_number <= FNAS_JPEG_SCANS_MAX) return;
    snprintf(jpeg->message, sizeof jpeg->message, "more than %d scans", FNAS_JPEG_SCANS_MAX);
    fnas_jpeg_leave(codec);
}

/* Runs `work`, which libjpeg may leave at any call: what it owns must be in *jpeg. */
static bool fnas_jpeg_guard(fnas_jpeg *jpeg, void (*work)(fnas_jpeg *jpeg)) {
    if (setjmp(jpeg->failed)) return false;
    work(jpeg);
    return true;
}

static fnas_status fnas_jpeg_fail(fnas_context *context, const fnas_jpeg *jpeg) {
    if (jpeg->lacks_memory) return fnas_fail_memory(context, jpeg->encoded->name);
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: the JPEG file is damaged: %s", jpeg->encoded->name, jpeg->message);
}

/* ---- the header ---- */

static void fnas_jpeg_begin(fnas_jpeg *jpeg) {
    jpeg->codec.err = jpeg_std_error(&jpeg->errors);
    jpeg->errors.error_exit = fnas_jpeg_on_error;
    jpeg->errors.emit_message = fnas_jpeg_on_message;
    jpeg->codec.client_data = jpeg;
    jpeg_create_decompress(&jpeg->codec);
    jpeg->codec.client_data = jpeg; /* creating clears all but the error manager and this, by its documentation */
    jpeg->codec.mem->max_memory_to_use = FNAS_JPEG_MEMORY_MAX;
    jpeg->progress.progress_monitor = fnas_jpeg_on_progress;
    jpeg->codec.progress = &jpeg->progress;
    jpeg_mem_src(&jpeg->codec, jpeg->encoded->bytes, jpeg->encoded->size);
}

static unsigned int fnas_exif_number(const unsigned char *at, unsigned int bytes, bool big) {
    unsigned int value = 0;
    for (unsigned int i = 0; i < bytes; i++) value = value << 8 | at[big ? i : bytes - 1 - i];
    return value;
}

/* The orientation in an APP1 marker: a TIFF file behind "Exif\0\0", whose first folder of tags has it (a short). 1 where it has none that
 * makes sense. */
static int fnas_exif_orientation(const unsigned char *data, size_t size) {
    enum { TIFF = 6, ENTRY = 12, TAG = 0x0112, SHORT = 3 };
    if (size < TIFF + 8 || memcmp(data, "Exif\0", TIFF)) return 1;
    const unsigned char *tiff = data + TIFF;
    size_t room = size - TIFF;
    bool big = tiff[0] == 'M';
    size_t at = fnas_exif_number(tiff + 4, 4, big);
    if (at > room - 2) return 1;
    unsigned int count = fnas_exif_number(tiff + at, 2, big);
    for (at += 2; count > 0 && room >= ENTRY && at <= room - ENTRY; count--, at += ENTRY) {
        if (fnas_exif_number(tiff + at, 2, big) != TAG || fnas_exif_number(tiff + at + 2, 2, big) != SHORT) continue;
        unsigned int value = fnas_exif_number(tiff + at + 8, 2, big);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

static void fnas_jpeg_read_header(fnas_jpeg *jpeg) {
    fnas_jpeg_begin(jpeg);
    jpeg_save_markers(&jpeg->codec, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&jpeg->codec, TRUE);
    int64_t pixels = (int64_t)jpeg->codec.image_height * jpeg->codec.image_width;
    if (jpeg_has_multiple_scans(&jpeg->codec) && pixels > FNAS_JPEG_SCANNED_PIXELS_MAX) {
        snprintf(jpeg->message, sizeof jpeg->message, "%lld million pixels in several scans, at most %lld million are read",
                 (long long)(pixels / 1000000), (long long)(FNAS_JPEG_SCANNED_PIXELS_MAX / 1000000));
        fnas_jpeg_leave((j_common_ptr)&jpeg->codec);
    }
    jpeg->orientation = 1;
    for (jpeg_saved_marker_ptr marker = jpeg->codec.marker_list; marker && jpeg->orientation == 1; marker = marker->next)
        jpeg->orientation = fnas_exif_orientation(marker->data, marker->data_length);
}

fnas_status fnas_jpeg_header(fnas_context *context, fnas_encoded *encoded) {
    fnas_jpeg jpeg = {.encoded = encoded};
    bool good = fnas_jpeg_guard(&jpeg, fnas_jpeg_read_header);
    fnas_status status = good ? FNAS_OK : fnas_jpeg_fail(context, &jpeg);
    if (good) {
        encoded->format = FNAS_IMAGE_JPEG;
        encoded->orientation = jpeg.orientation;
        encoded->height = jpeg.codec.image_height;
        encoded->width = jpeg.codec.image_width;
    }
    jpeg_destroy_decompress(&jpeg.codec);
    return status;
}

/* ---- the picture ---- */

/* Adobe's programs write CMYK inverted, 255 for no ink, and mark their files. */
static void fnas_cmyk_to_rgb(const uint8_t *cmyk, int64_t width, bool inverted, uint8_t *rgb) {
    for (int64_t x = 0; x < width; x++, cmyk += 4)
        for (int c = 0; c < 3; c++) {
            int paper = inverted ? cmyk[c] : 255 - cmyk[c], light = inverted ? cmyk[3] : 255 - cmyk[3];
            *rgb++ = (uint8_t)((paper * light + 127) / 255);
        }
}

static void fnas_jpeg_start(fnas_jpeg *jpeg) {
    struct jpeg_decompress_struct *codec = &jpeg->codec;
    bool ink = codec->jpeg_color_space == JCS_CMYK || codec->jpeg_color_space == JCS_YCCK;
    codec->out_color_space = ink ? JCS_CMYK : JCS_RGB;
    codec->scale_num = (unsigned int)jpeg->eighths;
    codec->scale_denom = 8;
    codec->dct_method = JDCT_ISLOW; /* the same bits by every implementation */
    jpeg_start_decompress(codec);
    jpeg->row_bytes = (size_t)codec->output_width * FNAS_PICTURE_CHANNELS;
    jpeg->pixels = fnas_allocate(codec->output_height, jpeg->row_bytes);
    jpeg->row = ink ? fnas_allocate(codec->output_width, 4) : NULL;
    jpeg->lacks_memory = !jpeg->pixels || (ink && !jpeg->row);
    if (jpeg->lacks_memory) fnas_jpeg_leave((j_common_ptr)codec);
}

static void fnas_jpeg_read_rows(fnas_jpeg *jpeg) {
    struct jpeg_decompress_struct *codec = &jpeg->codec;
    while (codec->output_scanline < codec->output_height) {
        uint8_t *to = jpeg->pixels + codec->output_scanline * jpeg->row_bytes;
        JSAMPROW row = jpeg->row ? jpeg->row : to;
        jpeg_read_scanlines(codec, &row, 1);
        if (jpeg->row) fnas_cmyk_to_rgb(jpeg->row, codec->output_width, codec->saw_Adobe_marker, to);
    }
}

static void fnas_jpeg_read_picture(fnas_jpeg *jpeg) {
    fnas_jpeg_begin(jpeg);
    jpeg_read_header(&jpeg->codec, TRUE);
    fnas_jpeg_start(jpeg);
    fnas_jpeg_read_rows(jpeg);
    jpeg_finish_decompress(&jpeg->codec);
}

fnas_status fnas_jpeg_decode(fnas_context *context, const fnas_encoded *encoded, int64_t eighths, fnas_picture *picture) {
    fnas_jpeg jpeg = {.encoded = encoded, .eighths = eighths};
    bool good = fnas_jpeg_guard(&jpeg, fnas_jpeg_read_picture);
    fnas_status status = good ? FNAS_OK : fnas_jpeg_fail(context, &jpeg);
    if (good) {
        *picture = (fnas_picture){jpeg.pixels, jpeg.pixels, jpeg.codec.output_height, jpeg.codec.output_width};
    } else {
        fnas_free(jpeg.pixels);
    }
    fnas_free(jpeg.row);
    jpeg_destroy_decompress(&jpeg.codec);
    return status;
}
