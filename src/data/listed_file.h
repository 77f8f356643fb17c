/* One image of a list: read, and decoded as far as is needed. */
#ifndef FNAS_DATA_LISTED_FILE_H
#define FNAS_DATA_LISTED_FILE_H

#include "data/decode.h"
#include "data/image_list.h"
#include "data/view.h"

typedef struct fnas_listed_file {
    char *path;
    unsigned char *bytes;
    fnas_encoded encoded; /* its name and bytes are those */
} fnas_listed_file;

/* Reads the file and its header. file: closed by the caller, also after a failure. FNAS_ERR_INPUT means that the file is no whole image;
 * FNAS_ERR_IO, that it cannot be read or is no more. */
FNAS_NODISCARD fnas_status fnas_listed_open(fnas_context *context, const fnas_image_list *list, const fnas_listed_image *image,
                                            fnas_listed_file *file);
/* image [3, view->down.count, view->across.count] of 0..255; the view is of the header's extent. Errors as fnas_listed_open. */
FNAS_NODISCARD fnas_status fnas_listed_show(fnas_context *context, const fnas_listed_file *file, const fnas_view *view, float *image);
void fnas_listed_close(fnas_listed_file *file);

#endif
