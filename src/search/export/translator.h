/* Networks that translate as files. */
#ifndef FNAS_SEARCH_EXPORT_TRANSLATOR_H
#define FNAS_SEARCH_EXPORT_TRANSLATOR_H

#include "search/run/run.h"

/* Two ONNX models (export/onnx_translator.h) and the vocabulary, where fnas_export_translator_file says. Each appears whole or not at all,
 * the encoder last. Errors: FNAS_ERR_INPUT (2 GiB and more), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_export_translator_onnx(fnas_context *context, const fnas_run *run, const int32_t *choices,
                                                       const char *path);

/* A safetensors file of the format "fleetnas-network/1": under each shared weight's name the part of it that the network uses. The metadata
 * have "space", "arch" and the name of the pairs, "data". Errors: FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_export_translator_tensors(fnas_context *context, const fnas_run *run, const int32_t *choices,
                                                          const char *arch, const char *path);

#endif
