/* ZIP archives (APPNOTE 6.3.10, sections 4.3 and 4.4): those of PyTorch (.pt), whose entries are stored and never inflated, so that none
 * can be larger than the file it came in; and those of numpy (.npz), stored or deflated, inflated within a limit. */
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
    const unsigned char *data; /* size_bytes, as they lie in the file */
    size_t size_bytes, unpacked_bytes;
    uint32_t crc; /* of what is unpacked */
    bool is_deflated;
} fnas_zip_entry;

/* Finds the one entry FOLDER/`base` (FOLDER without a slash) in an archive of size_bytes bytes. `where` names the file in messages. Every
 * entry of the archive is checked before: stored, not encrypted, inside the file, together no larger than it, names distinct, and the
 * checksum (CRC-32) of the one found. O(file size + entries^2). Errors: FNAS_ERR_INPUT "FILE.pt: what is wrong, with entry or byte". */
FNAS_NODISCARD fnas_status fnas_zip_find(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                         const char *base, fnas_zip_entry *entry);

/* All entries of an archive. */
typedef struct fnas_zip {
    int64_t count;
    fnas_zip_entry *entries; /* [count] */
} fnas_zip;

/* Lists an archive whose entries are stored or deflated, with the same checks but that of checksums. `writer` says, of a file that is no
 * archive, how to get one. Owned: fnas_zip_close; also after a failure. The bytes must outlive it. Errors as fnas_zip_find. */
FNAS_NODISCARD fnas_status fnas_zip_open(fnas_context *context, const char *where, const char *writer, const unsigned char *bytes,
                                         size_t size_bytes, fnas_zip *archive);
void fnas_zip_close(fnas_zip *archive); /* leaves it empty */

/* An entry's unpacked_bytes bytes, owned (fnas_free), their size and checksum compared with what the archive says. Errors: FNAS_ERR_INPUT
 * (damage, more than limit_bytes), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_zip_unpack(fnas_context *context, const char *where, const fnas_zip_entry *entry, size_t limit_bytes,
                                           unsigned char **unpacked);

#endif
