/* Decoded images of a folder in one file, read by mapping it into memory. The layout, all numbers little-endian:
 *
 *   "fleetnas-images1"                    16 bytes
 *   pixels of every image                 [height, width, 3] bytes each, of the train part, then of the test part
 *   an entry for each, in this order      u64 offset of its pixels, u32 height, u32 width, u32 label, u32 0
 *   the folder it was made of             its absolute path, with a 0
 *   the trailer                           eleven u64: offset of the entries, bytes of the path, train images, test images, classes,
 *                                         longest shorter side, identity, fingerprint (image_list.h), images left out as damaged, bytes
 *                                         of the whole file, CRC-32 of all from the entries up to here
 *   "fleetnas-images1"                    16 bytes
 *
 * The trailer is written last: a file without its end is none. */
#ifndef FNAS_DATA_PACK_H
#define FNAS_DATA_PACK_H

#include "data/image_list.h"
#include "data/picture.h"

#define FNAS_PACK_SIDE_MIN 8
#define FNAS_PACK_SIDE_MAX 4096
#define FNAS_PACK_SIDE 256

typedef struct fnas_pack {
    const unsigned char *bytes; /* borrowed, as is what follows */
    size_t size;
    const unsigned char *entries;
    const char *root;
    int64_t counts[FNAS_PART_COUNT], classes, side, damaged;
    uint64_t identity, fingerprint;
} fnas_pack;

/* Checks a whole file: afterwards every image lies in it and has a label in range. name: for messages, borrowed. Errors: FNAS_ERR_INPUT for
 * what is no such file, truncated or damaged. */
FNAS_NODISCARD fnas_status fnas_pack_parse(fnas_context *context, const char *name, const unsigned char *bytes, size_t size,
                                           fnas_pack *pack);

/* Image `index` over both parts, the train part first: borrows the pixels. */
int32_t fnas_pack_image(const fnas_pack *pack, int64_t index, fnas_picture *picture);

/* ---- a file on the disk ---- */

typedef struct fnas_mapped_pack {
    void *address; /* NULL: not mapped */
    fnas_pack pack;
} fnas_mapped_pack;
/* Errors as fnas_pack_parse, FNAS_ERR_IO. mapped: released by the caller (fnas_pack_unmap) also after a failure. */
FNAS_NODISCARD fnas_status fnas_pack_map(fnas_context *context, const char *path, fnas_mapped_pack *mapped);
void fnas_pack_unmap(fnas_mapped_pack *mapped);

/* ---- writing ---- */

/* Begin, one call an image in order, end; or abort. What the trailer says is taken from `pack`, whose counts the writer counts itself.
 * Nothing is at `path` before the end. Errors: FNAS_ERR_IO, FNAS_ERR_MEMORY. */
typedef struct fnas_pack_writer fnas_pack_writer;
FNAS_NODISCARD fnas_status fnas_pack_writer_begin(fnas_context *context, const char *path, fnas_pack_writer **writer);
FNAS_NODISCARD fnas_status fnas_pack_writer_add(fnas_context *context, fnas_pack_writer *writer, fnas_part part, int32_t label,
                                                const fnas_picture *picture);
FNAS_NODISCARD fnas_status fnas_pack_writer_end(fnas_context *context, fnas_pack_writer *writer, const fnas_pack *pack,
                                                int64_t *size_bytes); /* releases it, also after a failure */
void fnas_pack_writer_abort(fnas_pack_writer *writer);                /* NULL is allowed */

#endif
