#include "data/support_pictures.h"

#include <jpeglib.h>
#include <png.h>
#include <sys/stat.h>

/* ---- JPEG ---- */

static void write_exif(struct jpeg_compress_struct *codec, int orientation, bool big) {
    const unsigned char turn = (unsigned char)orientation;
    const unsigned char large[] = {'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, turn, 0, 0};
    const unsigned char little[] = {'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, turn, 0, 0, 0};
    jpeg_write_marker(codec, JPEG_APP0 + 1, big ? large : little, sizeof large);
}

test_bytes test_jpeg(int height, int width, test_jpeg_kind kind, const uint8_t *pixels, int orientation, bool big) {
    struct jpeg_compress_struct codec;
    struct jpeg_error_mgr errors;
    test_bytes bytes = {0};
    codec.err = jpeg_std_error(&errors);
    jpeg_create_compress(&codec);
    jpeg_mem_dest(&codec, &bytes.data, &bytes.size);
    codec.image_height = (JDIMENSION)height;
    codec.image_width = (JDIMENSION)width;
    bool rgb = kind == TEST_RGB || kind == TEST_PROGRESSIVE_RGB;
    codec.input_components = kind == TEST_GREY ? 1 : rgb ? 3 : 4;
    codec.in_color_space = kind == TEST_GREY ? JCS_GRAYSCALE : rgb ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&codec);
    if (kind == TEST_ADOBE_YCCK) jpeg_set_colorspace(&codec, JCS_YCCK);
    if (kind == TEST_CMYK) codec.write_Adobe_marker = FALSE;
    jpeg_set_quality(&codec, 100, TRUE);
    for (int c = 0; c < codec.num_components; c++) codec.comp_info[c].h_samp_factor = codec.comp_info[c].v_samp_factor = 1;
    if (kind == TEST_PROGRESSIVE_RGB || kind == TEST_PROGRESSIVE_CMYK) jpeg_simple_progression(&codec);
    jpeg_start_compress(&codec, TRUE);
    if (orientation) write_exif(&codec, orientation, big);
    for (int y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + (size_t)y * (size_t)width * (size_t)codec.input_components);
        jpeg_write_scanlines(&codec, &row, 1);
    }
    jpeg_finish_compress(&codec);
    jpeg_destroy_compress(&codec);
    return bytes;
}

/* ---- PNG ---- */

static void keep_bytes(png_structp writer, png_bytep data, size_t size) {
    test_bytes *bytes = png_get_io_ptr(writer);
    bytes->data = realloc(bytes->data, bytes->size + size);
    assert_non_null(bytes->data);
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void flush_nothing(png_structp writer) {
    (void)writer;
}

static void set_palette(png_structp writer, png_infop info) {
    png_color colours[4];
    const png_byte alphas[4] = {255, 255, 255, 128};
    for (int i = 0; i < 4; i++) colours[i] = (png_color){(png_byte)(10 * i), (png_byte)(20 * i), (png_byte)(30 * i)};
    png_set_PLTE(writer, info, colours, 4);
    png_set_tRNS(writer, info, alphas, 4, NULL);
}

test_bytes test_png(int height, int width, int type, int depth, bool interlaced, const uint8_t *rows) {
    test_bytes bytes = {0};
    png_structp writer = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(writer);
    assert_non_null(info);
    png_set_write_fn(writer, &bytes, keep_bytes, flush_nothing);
    png_set_IHDR(writer, info, (png_uint_32)width, (png_uint_32)height, depth, type, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (type == PNG_COLOR_TYPE_PALETTE) set_palette(writer, info);
    png_write_info(writer, info);
    int passes = interlaced ? png_set_interlace_handling(writer) : 1;
    size_t row_bytes = png_get_rowbytes(writer, info);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < height; y++) png_write_row(writer, rows + (size_t)y * row_bytes);
    png_write_end(writer, info);
    png_destroy_write_struct(&writer, &info);
    return bytes;
}

/* ---- in folders ---- */

void test_make_folders(fnas_test_place *place, const char *name) {
    char path[90];
    snprintf(path, sizeof path, "%s", name);
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(fnas_test_path(place, path), 0777); /* may be there */
        *slash = '/';
    }
}

void test_write_plain(fnas_test_place *place, const char *name, int height, int width, const uint8_t rgb[3]) {
    uint8_t *pixels = malloc((size_t)(height * width * 3));
    assert_non_null(pixels);
    for (int k = 0; k < height * width * 3; k++) pixels[k] = rgb[k % 3];
    test_bytes bytes = test_png(height, width, PNG_COLOR_TYPE_RGB, 8, false, pixels);
    test_make_folders(place, name);
    fnas_test_write(place, name, bytes.data, bytes.size);
    free(bytes.data);
    free(pixels);
}
