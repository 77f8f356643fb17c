/* Pictures of every kind come out in RGB; what is damaged is refused, wherever it is cut. */
#include "data/support_pictures.h"

#include <png.h>
#include <zlib.h>

#include "base/memory.h"
#include "data/decode.h"

enum { HEIGHT = 24, WIDTH = 40 };

static void decode(fnas_test_place *place, const test_bytes *bytes, int64_t eighths, fnas_picture *picture) {
    fnas_encoded encoded;
    assert_status(FNAS_OK, fnas_decode_header(place->context, "A", bytes->data, bytes->size, &encoded));
    assert_status(FNAS_OK, fnas_decode(place->context, &encoded, &eighths, picture));
    if (eighths == 8) {
        assert_int_equal(picture->height, encoded.height);
        assert_int_equal(picture->width, encoded.width);
    }
}

static const uint8_t *pixel(const fnas_picture *picture, int64_t y, int64_t x) {
    return picture->pixels + (y * picture->width + x) * 3;
}

static void assert_near(const uint8_t *found, int red, int green, int blue, int tolerance) {
    const int wanted[3] = {red, green, blue};
    for (int c = 0; c < 3; c++) {
        if (abs(found[c] - wanted[c]) > tolerance)
            fail_msg("pixel (%d, %d, %d), expected (%d, %d, %d)", found[0], found[1], found[2], red, green, blue);
    }
}

/* ---- PNG ---- */

/* Each kind's pixel at (y, x) of a small picture, as its file has it and as it must come out. */
static void check_png(fnas_test_place *place, int type, int depth, const uint8_t *rows, const int (*wanted)[3], int count) {
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        test_bytes bytes = test_png(1, count, type, depth, interlaced, rows);
        fnas_picture picture;
        decode(place, &bytes, 8, &picture);
        assert_int_equal(picture.width, count);
        for (int x = 0; x < count; x++) assert_near(pixel(&picture, 0, x), wanted[x][0], wanted[x][1], wanted[x][2], 0);
        fnas_free(picture.owned);
        free(bytes.data);
    }
}

static void every_kind_of_png(void **state) {
    fnas_test_place *place = *state;
    const uint8_t rgb[] = {1, 2, 3, 250, 251, 252}, grey[] = {7, 200}, bits[] = {0x40}, grey_alpha[] = {100, 255, 100, 0};
    const uint8_t rgba[] = {10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 200, 51}, palette[] = {0x1B};
    /* 16 bits: 0x0180 is 1.494 of 255ths, 0x8080 is 128 exactly, 0xFFFE is 254.99 */
    const uint8_t deep[] = {0x01, 0x80, 0x80, 0x80, 0xFF, 0xFE};
    check_png(place, PNG_COLOR_TYPE_RGB, 8, rgb, (const int[][3]){{1, 2, 3}, {250, 251, 252}}, 2);
    check_png(place, PNG_COLOR_TYPE_GRAY, 8, grey, (const int[][3]){{7, 7, 7}, {200, 200, 200}}, 2);
    check_png(place, PNG_COLOR_TYPE_GRAY, 1, bits, (const int[][3]){{0, 0, 0}, {255, 255, 255}}, 2);
    check_png(place, PNG_COLOR_TYPE_GRAY_ALPHA, 8, grey_alpha, (const int[][3]){{100, 100, 100}, {255, 255, 255}}, 2);
    check_png(place, PNG_COLOR_TYPE_RGB, 16, deep, (const int[][3]){{1, 128, 255}}, 1);
    check_png(place, PNG_COLOR_TYPE_RGBA, 8, rgba, (const int[][3]){{10, 20, 30}, {255, 255, 255}, {204, 224, 244}}, 3);
    /* colours 0, 1, 2, 3, the last at 128/255 on white: 30 * 128/255 + 127 = 142.06, 60 -> 157.1, 90 -> 172.2 */
    check_png(place, PNG_COLOR_TYPE_PALETTE, 2, palette, (const int[][3]){{0, 0, 0}, {10, 20, 30}, {20, 40, 60}, {142, 157, 172}}, 4);
}

/* ---- JPEG ---- */

/* One colour a picture: the transform of a flat block is exact, so that only the rounding of YCbCr is left, under 2 levels. */
static void check_jpeg(fnas_test_place *place, test_jpeg_kind kind, const uint8_t *colour, int channels, int red, int green, int blue) {
    static uint8_t pixels[HEIGHT * WIDTH * 4];
    fnas_picture picture;
    for (int k = 0; k < HEIGHT * WIDTH * channels; k++) pixels[k] = colour[k % channels];
    test_bytes bytes = test_jpeg(HEIGHT, WIDTH, kind, pixels, 0, false);
    decode(place, &bytes, 8, &picture);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) assert_near(pixel(&picture, y, x), red, green, blue, 2);
    fnas_free(picture.owned);
    free(bytes.data);
}

static void every_kind_of_jpeg(void **state) {
    fnas_test_place *place = *state;
    check_jpeg(place, TEST_RGB, (const uint8_t[]){200, 30, 90}, 3, 200, 30, 90);
    check_jpeg(place, TEST_PROGRESSIVE_RGB, (const uint8_t[]){200, 30, 90}, 3, 200, 30, 90);
    check_jpeg(place, TEST_GREY, (const uint8_t[]){77}, 1, 77, 77, 77);
    /* inks 51, 102, 0 of 255 and 0.2 black: 0.8 * 0.8, 0.6 * 0.8, 0.8 of white; Adobe's files have what is left of the paper */
    check_jpeg(place, TEST_CMYK, (const uint8_t[]){51, 102, 0, 51}, 4, 163, 122, 204);
    check_jpeg(place, TEST_ADOBE_CMYK, (const uint8_t[]){204, 153, 255, 204}, 4, 163, 122, 204);
    check_jpeg(place, TEST_ADOBE_YCCK, (const uint8_t[]){204, 153, 255, 204}, 4, 163, 122, 204);
}

/* A picture with another grey in each quarter: top left, top right, bottom left, bottom right. */
static test_bytes quarters(int orientation, bool big) {
    static const uint8_t greys[4] = {20, 90, 160, 230};
    static uint8_t pixels[HEIGHT * WIDTH];
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) pixels[y * WIDTH + x] = greys[2 * (y >= HEIGHT / 2) + (x >= WIDTH / 2)];
    return test_jpeg(HEIGHT, WIDTH, TEST_GREY, pixels, orientation, big);
}

/* EXIF 2.32: which side of the scene row 0 and column 0 are, hence where each quarter of the file stands in the upright picture. */
static void orientations_are_turned_upright(void **state) {
    fnas_test_place *place = *state;
    static const int upright[9][4] = {{20, 90, 160, 230}, {20, 90, 160, 230}, {90, 20, 230, 160}, {230, 160, 90, 20}, {160, 230, 20, 90},
                                      {20, 160, 90, 230}, {160, 20, 230, 90}, {230, 90, 160, 20}, {90, 230, 20, 160}};
    for (int orientation = 0; orientation <= 8; orientation++)
        for (int big = 0; big < 2; big++)
            for (int64_t eighths = 4; eighths <= 8; eighths += 4) {
                test_bytes bytes = quarters(orientation, big);
                fnas_picture picture;
                decode(place, &bytes, eighths, &picture);
                int64_t height = picture.height, width = picture.width;
                assert_int_equal(height, (orientation >= 5 ? WIDTH : HEIGHT) * eighths / 8);
                assert_int_equal(width, (orientation >= 5 ? HEIGHT : WIDTH) * eighths / 8);
                for (int q = 0; q < 4; q++) {
                    int wanted = upright[orientation][q];
                    assert_near(pixel(&picture, q < 2 ? 1 : height - 2, q % 2 ? width - 2 : 1), wanted, wanted, wanted, 4);
                }
                fnas_free(picture.owned);
                free(bytes.data);
            }
    test_bytes odd = quarters(9, true); /* no orientation there is */
    fnas_encoded encoded;
    assert_status(FNAS_OK, fnas_decode_header(place->context, "A", odd.data, odd.size, &encoded));
    assert_int_equal(encoded.orientation, 1);
    free(odd.data);
}

static void jpegs_are_decoded_no_larger_than_needed(void **state) {
    fnas_test_place *place = *state;
    static const struct {
        double step;
        int64_t eighths;
    } cases[] = {{0.5, 8}, {1, 8}, {1.99, 8}, {2, 4}, {3.99, 4}, {4, 2}, {7.99, 2}, {8, 1}, {100, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_int_equal(fnas_decode_eighths(cases[i].step), cases[i].eighths);
    test_bytes bytes = quarters(0, false);
    for (int64_t eighths = 1; eighths <= 8; eighths *= 2) {
        fnas_picture picture;
        decode(place, &bytes, eighths, &picture);
        assert_int_equal(picture.height, HEIGHT * eighths / 8);
        assert_int_equal(picture.width, WIDTH * eighths / 8);
        assert_near(pixel(&picture, 0, 0), 20, 20, 20, 2);
        fnas_free(picture.owned);
    }
    free(bytes.data);
}

/* ---- what is damaged ---- */

static fnas_status try_decode(fnas_context *context, const unsigned char *data, size_t size) {
    fnas_encoded encoded;
    fnas_picture picture = {0};
    int64_t eighths = 8;
    unsigned char *exact = malloc(size ? size : 1); /* of its own size: a sanitizer sees a byte too far */
    assert_non_null(exact);
    if (size) memcpy(exact, data, size);
    fnas_status status = fnas_decode_header(context, "A", exact, size, &encoded);
    if (status == FNAS_OK) status = fnas_decode(context, &encoded, &eighths, &picture);
    fnas_free(picture.owned);
    free(exact);
    return status;
}

static test_bytes noisy(bool jpeg) {
    static uint8_t pixels[HEIGHT * WIDTH * 3];
    for (int k = 0; k < HEIGHT * WIDTH * 3; k++) pixels[k] = (uint8_t)(k * k % 251);
    return jpeg ? test_jpeg(HEIGHT, WIDTH, TEST_RGB, pixels, 0, false) : test_png(HEIGHT, WIDTH, PNG_COLOR_TYPE_RGB, 8, false, pixels);
}

static void truncated_files_are_refused(void **state) {
    fnas_test_place *place = *state;
    for (int jpeg = 0; jpeg < 2; jpeg++) {
        test_bytes bytes = noisy(jpeg);
        for (size_t cut = 0; cut < bytes.size; cut++) {
            assert_status(FNAS_ERR_INPUT, try_decode(place->context, bytes.data, cut));
            assert_message(cut == 0 ? "A: the file is empty" : cut < 3 ? "A: neither a JPEG nor a PNG" : "A: ");
        }
        assert_message(jpeg ? "A: the JPEG file is damaged: Premature end of JPEG file" : "A: the PNG file is damaged: it is truncated");
        bytes.data = realloc(bytes.data, bytes.size + 100); /* rubbish behind the end is nobody's business */
        assert_non_null(bytes.data);
        memset(bytes.data + bytes.size, 'x', 100);
        assert_status(FNAS_OK, try_decode(place->context, bytes.data, bytes.size + 100));
        free(bytes.data);
    }
}

static void spoilt_files_are_refused(void **state) {
    fnas_test_place *place = *state;
    test_bytes png = noisy(false), jpeg = noisy(true);
    png.data[png.size / 2] ^= 1; /* its checksums tell */
    assert_status(FNAS_ERR_INPUT, try_decode(place->context, png.data, png.size));
    memcpy(jpeg.data + jpeg.size / 2, "\xFF\xD9", 2); /* an end in the middle; a JPEG has no checksums that would tell of less */
    assert_status(FNAS_ERR_INPUT, try_decode(place->context, jpeg.data, jpeg.size));
    assert_message("A: the JPEG file is damaged: ");
    assert_status(FNAS_ERR_INPUT, try_decode(place->context, (const unsigned char *)"<html>not found</html>", 22));
    assert_message("A: neither a JPEG nor a PNG file by its first bytes");
    free(png.data);
    free(jpeg.data);
}

/* A header of a few bytes may promise gigabytes. */
static void enormous_pictures_are_refused(void **state) {
    fnas_test_place *place = *state;
    test_bytes png = noisy(false);
    const unsigned char extent[8] = {0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60}; /* 60000 x 60000 */
    memcpy(png.data + 16, extent, sizeof extent);
    uLong crc = crc32(crc32(0, NULL, 0), png.data + 12, 17);
    for (int i = 0; i < 4; i++) png.data[29 + i] = (unsigned char)(crc >> 8 * (3 - i));
    assert_status(FNAS_ERR_INPUT, try_decode(place->context, png.data, png.size));
    assert_message("A: 60000x60000 pixels: an image has at least one, and at most 134 million");
    free(png.data);
}

/* A small JPEG whose header says another height and width. */
static test_bytes promising(test_jpeg_kind kind, int extent) {
    static const uint8_t pixels[HEIGHT * WIDTH * 4];
    test_bytes bytes = test_jpeg(HEIGHT, WIDTH, kind, pixels, 0, false);
    const unsigned char promised[4] = {(unsigned char)(extent >> 8), (unsigned char)extent, (unsigned char)(extent >> 8),
                                       (unsigned char)extent};
    unsigned long at = 0;
    while (bytes.data[at] != 0xFF || (bytes.data[at + 1] != 0xC0 && bytes.data[at + 1] != 0xC2)) at++; /* the frame's marker */
    memcpy(bytes.data + at + 5, promised, sizeof promised);
    return bytes;
}

/* What is decoded scan by scan is kept as coefficients: a small file takes as much memory as it promises pixels. */
static void large_progressive_files_are_refused(void **state) {
    fnas_test_place *place = *state;
    const struct {
        test_jpeg_kind kind;
        int extent;
        const char *message;
    } cases[] = {{TEST_PROGRESSIVE_RGB, 6000, "A: the JPEG file is damaged: 36 million pixels in several scans, at most 33 million"},
                 {TEST_PROGRESSIVE_CMYK, 5792, "A: the JPEG file is damaged: it takes more than 256 MB to decode"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_bytes bytes = promising(cases[i].kind, cases[i].extent);
        assert_status(FNAS_ERR_INPUT, try_decode(place->context, bytes.data, bytes.size));
        assert_message(cases[i].message);
        free(bytes.data);
    }
    fnas_encoded encoded;
    test_bytes plain = promising(TEST_RGB, 6000);
    assert_status(FNAS_OK, fnas_decode_header(place->context, "A", plain.data, plain.size, &encoded));
    free(plain.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(every_kind_of_png),
        fnas_test(every_kind_of_jpeg),
        fnas_test(orientations_are_turned_upright),
        fnas_test(jpegs_are_decoded_no_larger_than_needed),
        fnas_test(truncated_files_are_refused),
        fnas_test(spoilt_files_are_refused),
        fnas_test(enormous_pictures_are_refused),
        fnas_test(large_progressive_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
