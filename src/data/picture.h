/* An 8-bit colour picture of any size, as files and packs give it. */
#ifndef FNAS_DATA_PICTURE_H
#define FNAS_DATA_PICTURE_H

#include <stdint.h>

#define FNAS_PICTURE_EXTENT_MAX 65535              /* height and width */
#define FNAS_PICTURE_PIXELS_MAX (INT64_C(1) << 27) /* 134 million: what a small file may blow up to */
#define FNAS_PICTURE_CHANNELS 3                    /* red, green, blue */

typedef struct fnas_picture {
    const uint8_t *pixels; /* [height, width, 3] */
    uint8_t *owned;        /* the same where the picture owns them (fnas_free), NULL where they are borrowed */
    int64_t height, width;
} fnas_picture;

#endif
