/* Shared weights that a search begins with: trained elsewhere, or by another run. */
#ifndef FNAS_SEARCH_SUPERNET_START_WEIGHTS_H
#define FNAS_SEARCH_SUPERNET_START_WEIGHTS_H

#include "nn/parameters.h"

#define FNAS_START_WEIGHTS_NAME_BYTES 32

/* Fills `weights` from a safetensors file (fnas_parameters_load) or from the checkpoint of a run's folder. name: their checksum,
 * "crc32:9f3a0c11", the same wherever they came from. Errors: FNAS_ERR_INPUT (a folder without a checkpoint, a checkpoint whose checksum is
 * missing or wrong, a parameter that is missing, has another shape or holds numbers that are not finite: file and name), FNAS_ERR_IO,
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_start_weights_load(fnas_context *context, const char *path, fnas_parameters *weights,
                                                   char name[FNAS_START_WEIGHTS_NAME_BYTES]);

#endif
