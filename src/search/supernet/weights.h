/* Shared weights from a file. */
#ifndef FNAS_SEARCH_SUPERNET_WEIGHTS_H
#define FNAS_SEARCH_SUPERNET_WEIGHTS_H

#include "nn/parameters.h"

/* Reads a safetensors file (fnas_weights_import_torch writes them; any will do that has the names) into a declared parameter set, which is
 * allocated where it was not: each parameter under its name, float32, of its shape, finite, and no tensor besides. parameters->values are
 * written on success only. Where the metadata have a "crc32", it must agree. Errors: FNAS_ERR_INPUT "PATH: not the weights of this space
 * ...: 3 tensors are missing: ...; 1 tensor has another shape: "a" has [3], expected [4]", FNAS_ERR_IO, FNAS_ERR_MEMORY. O(size). */
FNAS_NODISCARD fnas_status fnas_parameters_load(fnas_context *context, const char *path, fnas_parameters *parameters);

#endif
