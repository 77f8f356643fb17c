#include "data/listed_file.h"

#include "base/file.h"
#include "base/memory.h"

#define FNAS_IMAGE_FILE_BYTES ((size_t)1 << 28)

static fnas_status fnas_listed_read(fnas_context *context, const fnas_listed_image *image, fnas_listed_file *file, size_t *size) {
    if (image->size_bytes > (int64_t)FNAS_IMAGE_FILE_BYTES)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: %lld bytes: an image has at most %zu", file->path, (long long)image->size_bytes,
                         FNAS_IMAGE_FILE_BYTES);
    fnas_status status = fnas_file_read(context, file->path, FNAS_IMAGE_FILE_BYTES, &file->bytes, size);
    if (status != FNAS_ERR_INPUT) return status;
    return fnas_fail(context, FNAS_ERR_IO, "%s; it was there when the folder was listed", fnas_context_message(context));
}

fnas_status fnas_listed_open(fnas_context *context, const fnas_image_list *list, const fnas_listed_image *image, fnas_listed_file *file) {
    size_t size;
    *file = (fnas_listed_file){.path = fnas_path_join(list->root, list->paths.data + image->path)};
    if (!file->path) return fnas_fail_memory(context, "a path");
    FNAS_TRY(fnas_listed_read(context, image, file, &size));
    return fnas_decode_header(context, file->path, file->bytes, size, &file->encoded);
}

fnas_status fnas_listed_show(fnas_context *context, const fnas_listed_file *file, const fnas_view *view, float *image) {
    int64_t eighths = fnas_decode_eighths(fnas_view_step(view));
    fnas_picture picture;
    FNAS_TRY(fnas_decode(context, &file->encoded, &eighths, &picture));
    fnas_status status = fnas_view_show(context, view, &picture, eighths, image);
    fnas_free(picture.owned);
    return status;
}

void fnas_listed_close(fnas_listed_file *file) {
    fnas_free(file->path);
    fnas_free(file->bytes);
    *file = (fnas_listed_file){0};
}
