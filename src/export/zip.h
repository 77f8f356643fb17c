/* ZIP archives whose entries are stored, not compressed, as PyTorch writes its .pt files (APPNOTE 6.3.10, sections 4.3 and 4.4). Nothing is
 * inflated, so that no entry can be larger than the file it came in. */
#ifndef FNAS_EXPORT_ZIP_H
#define FNAS_EXPORT_ZIP_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_ZIP_ENTRIES_MAX 1024
#define FNAS_ZIP_NAME_MAX 512 /* bytes */

/* An entry; name and data are borrowed from the archive's bytes. */
typedef struct fnas_zip_entry {
    const char *name; /* name_bytes long, not 0-terminated */
    size_t name_bytes;
    const unsigned char *data;
    size_t size_bytes;
} fnas_zip_entry;

/* Finds the one entry FOLDER/`base` (FOLDER without a slash) in an archive of size_bytes bytes. `where` names the file in messages. Every
 * entry of the archive is checked before: stored, not encrypted, inside the file, together no larger than it, names distinct, and the
 * checksum (CRC-32) of the one found. O(file size + entries^2). Errors: FNAS_ERR_INPUT "FILE.pt: what is wrong, with entry or byte". */
FNAS_NODISCARD fnas_status fnas_zip_find(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                         const char *base, fnas_zip_entry *entry);

#endif
