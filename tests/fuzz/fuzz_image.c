/* JPEG and PNG files, whole and at an eighth of their size. */
#include "base/memory.h"
#include "data/decode.h"
#include "fuzz/fuzz.h"

#define PIXELS_MOST (1 << 21) /* a header may promise many more, which are refused or take time and memory by right */

static void check_decoded(fnas_context *context, const fnas_encoded *encoded, int64_t eighths) {
    fnas_picture picture;
    fnas_status status = fnas_decode(context, encoded, &eighths, &picture);
    fuzz_check(context, status);
    FUZZ_REQUIRE((status == FNAS_OK) == (picture.owned != NULL));
    if (status == FNAS_OK) {
        FUZZ_REQUIRE(picture.height == (encoded->height * eighths + 7) / 8 && picture.width == (encoded->width * eighths + 7) / 8);
        const volatile uint8_t *last = picture.pixels + picture.height * picture.width * FNAS_PICTURE_CHANNELS -
                                       1; /* a sanitizer sees where it is not there */
        (void)*last;
    }
    fnas_free(picture.owned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    fnas_encoded encoded;
    fnas_status status = fnas_decode_header(context, "A.jpg", data, size, &encoded);
    fuzz_check(context, status);
    if (status == FNAS_OK) {
        FUZZ_REQUIRE(encoded.height >= 1 && encoded.width >= 1 && encoded.orientation >= 1 && encoded.orientation <= 8);
        for (int64_t eighths = 1; encoded.height * encoded.width <= PIXELS_MOST && eighths <= 8; eighths *= 8)
            check_decoded(context, &encoded, eighths);
    }
    fnas_context_destroy(context);
    return 0;
}
