/* The two forms of PyTorch's files: where the pickle stands, and where the storages lie that it names. */
#ifndef FNAS_EXPORT_TORCH_FILE_H
#define FNAS_EXPORT_TORCH_FILE_H

#include "export/torch_pickle.h"

/* Reads the object's pickle of a file of either form, and gives every storage of it its data, which are borrowed from the bytes: exactly
 * as many as its count and type say. Owned: fnas_torch_pickle_free. `where` names the file. Errors: FNAS_ERR_INPUT, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_torch_file_read(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                                fnas_torch_pickle *pickle);

#endif
