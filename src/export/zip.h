/* ZIP archives (APPNOTE 6.3.10, sections 4.3 and 4.4): those of PyTorch (.pt), whose entries are stored and never inflated, so that none
 * can be larger than the file it came in; and those of numpy (.npz), stored or deflated, inflated within a limit. */
#ifndef FNAS_EXPORT_ZIP_H
#define FNAS_EXPORT_ZIP_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_ZIP_ENTRIES_MAX 65534 /* more need the 64-bit records */
#define FNAS_ZIP_NAME_MAX 512      /* bytes */

/* An entry; name and data are borrowed from the archive's bytes. */
typedef struct fnas_zip_entry {
    const char *name; /* name_bytes long, not 0-terminated */
    size_t name_bytes;
    const unsigned char *data; /* size_bytes, as they lie in the file */
    size_t size_bytes, unpacked_bytes;
    uint32_t crc; /* that the directory says of what is unpacked */
    bool is_deflated;
    bool crc_checked; /* of a stored entry: it is the data's */
} fnas_zip_entry;

/* What is expected of an archive. */
typedef struct fnas_zip_options {
    const char *writer;   /* for messages about a file that is no archive: how to get one */
    bool allows_deflated; /* or only stored entries */
} fnas_zip_options;
extern const fnas_zip_options fnas_zip_of_torch;

/* An archive, all of whose entries were checked: stored (or deflated), not encrypted, inside the file, together no larger than it, names
 * distinct. Owned: fnas_zip_free. The bytes and `where` are borrowed. */
typedef struct fnas_zip {
    const char *where;
    fnas_zip_entry *entries; /* [count] in the order of their names */
    int64_t count;
} fnas_zip;

/* Reads the directory of an archive of size_bytes bytes. `where` names the file in messages. O(entries log entries). Errors: FNAS_ERR_INPUT
 * "FILE.pt: what is wrong, with entry or byte", FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_zip_read(fnas_context *context, const char *where, const fnas_zip_options *options,
                                         const unsigned char *bytes, size_t size_bytes, fnas_zip *zip);
void fnas_zip_free(fnas_zip *zip); /* leaves it empty */

/* The entry of this name [name_bytes], or NULL. Borrowed. */
fnas_zip_entry *fnas_zip_entry_named(const fnas_zip *zip, const char *name, size_t name_bytes);

/* The one entry FOLDER/`base` (FOLDER without a slash), whatever the folder is called. Errors: FNAS_ERR_INPUT (none, or two of them). */
FNAS_NODISCARD fnas_status fnas_zip_entry_of(fnas_context *context, const fnas_zip *zip, const char *base, fnas_zip_entry **entry);

/* That a stored entry's data have its checksum (CRC-32); reckoned once. Errors: FNAS_ERR_INPUT. */
FNAS_NODISCARD fnas_status fnas_zip_check_crc(fnas_context *context, const fnas_zip *zip, fnas_zip_entry *entry);

/* The three at once, of an archive of PyTorch: the entry FOLDER/`base`, its checksum checked. Errors: as theirs. */
FNAS_NODISCARD fnas_status fnas_zip_find(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                         const char *base, fnas_zip_entry *entry);

/* An entry's unpacked_bytes bytes, owned (fnas_free), their size and checksum compared with what the archive says. Errors: FNAS_ERR_INPUT
 * (damage, more than limit_bytes), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_zip_unpack(fnas_context *context, const fnas_zip *zip, const fnas_zip_entry *entry, size_t limit_bytes,
                                           unsigned char **unpacked);

#endif
