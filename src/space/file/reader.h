/* What the parts of reading a description share. */
#ifndef FNAS_SPACE_FILE_READER_H
#define FNAS_SPACE_FILE_READER_H

#include <jansson.h>

#include "space/file/file.h"

typedef struct fnas_file_reader {
    fnas_context *context;
    const char *where, *folder, *text;
    const json_t *root, *decisions;
    fnas_file_space *file;
} fnas_file_reader;

/* Name, decisions, choices, values and activity, in one spelling: what the checksum is of. *identity is owned (json_decref). Errors:
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_file_identify(const fnas_file_reader *reader, json_t **identity);
/* file->spec, by the checksum of an identity. */
FNAS_NODISCARD fnas_status fnas_file_name_spec(const fnas_file_reader *reader, const json_t *identity);
/* file->description: the identity, to which it adds the references. It needs no table when it is read again. */
FNAS_NODISCARD fnas_status fnas_file_describe(const fnas_file_reader *reader, json_t *identity);

/* file->references: those given, or chosen from the table or the space. Errors: FNAS_ERR_INPUT "WHERE:LINE: ...", FNAS_ERR_IO,
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_file_find_references(const fnas_file_reader *reader);

#endif
