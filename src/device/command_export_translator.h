/* Networks that translate, as files for a program that measures. */
#ifndef FNAS_DEVICE_COMMAND_EXPORT_TRANSLATOR_H
#define FNAS_DEVICE_COMMAND_EXPORT_TRANSLATOR_H

#include "device/timing.h"

/* Writes FOLDER/NAME.onnx and FOLDER/NAME.decoder.onnx, an architecture's encoder and decoder for translating a word at a time
 * (export/onnx_translator.h), FOLDER/NAME.logits, what comes behind the last word of the target, and FOLDER/FNAS_COMMAND_SENTENCES.
 * *size_bytes: of both models. Errors: FNAS_ERR_IO, FNAS_ERR_MEMORY, FNAS_ERR_NUMERIC, FNAS_ERR_INPUT (a network too large for ONNX). */
FNAS_NODISCARD fnas_status fnas_command_export_translator(fnas_context *context, const fnas_timing_plan *plan, const char *folder,
                                                          const int32_t *choices, const char *name, size_t *size_bytes);

#endif
