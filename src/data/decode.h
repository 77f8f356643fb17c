/* JPEG and PNG files to pictures. Never believes a file: whatever the bytes, the outcome is a picture or a message. */
#ifndef FNAS_DATA_DECODE_H
#define FNAS_DATA_DECODE_H

#include <stddef.h>

#include "base/error.h"
#include "data/picture.h"

/* The bytes of a file, and what its header says. Told by its first bytes: the name's suffix means nothing. */
typedef enum fnas_image_format { FNAS_IMAGE_JPEG, FNAS_IMAGE_PNG } fnas_image_format;
typedef struct fnas_encoded {
    const char *name; /* for messages, borrowed as the bytes are */
    const unsigned char *bytes;
    size_t size;
    fnas_image_format format;
    int orientation;       /* EXIF's, 1..8; 1 where the file says nothing */
    int64_t height, width; /* upright: after the orientation */
} fnas_encoded;

/* Reads the header. Errors: FNAS_ERR_INPUT for what is no JPEG or PNG, damaged or too large; FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_decode_header(fnas_context *context, const char *name, const unsigned char *bytes, size_t size,
                                              fnas_encoded *encoded);

/* The whole picture, upright, in RGB: grey is repeated, CMYK and YCCK are converted without a profile, palettes looked up, 16 bits rounded
 * to 8, and what is transparent stands on white. A JPEG is decoded at eighths / 8 of its size (1, 2, 4 or 8), its height and width rounded
 * up; a PNG always whole. *eighths becomes what was done. picture: owned. Errors: FNAS_ERR_INPUT for a damaged or truncated file,
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_decode(fnas_context *context, const fnas_encoded *encoded, int64_t *eighths, fnas_picture *picture);

/* The least eighths at which a JPEG still has as many pixels as are wanted: step is how many of the whole picture's fall on one of the
 * outcome. */
int64_t fnas_decode_eighths(double step);

/* The two formats; header and decode as above, without the orientation's turn. pixels [height, width, 3]: owned. */
FNAS_NODISCARD fnas_status fnas_jpeg_header(fnas_context *context, fnas_encoded *encoded);
FNAS_NODISCARD fnas_status fnas_jpeg_decode(fnas_context *context, const fnas_encoded *encoded, int64_t eighths, fnas_picture *picture);
FNAS_NODISCARD fnas_status fnas_png_header(fnas_context *context, fnas_encoded *encoded);
FNAS_NODISCARD fnas_status fnas_png_decode(fnas_context *context, const fnas_encoded *encoded, fnas_picture *picture);

#endif
