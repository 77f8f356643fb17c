/* Tensors that a problem writes into a file for another program to compute anew (--dump). */
#ifndef FNAS_BENCH_DUMP_H
#define FNAS_BENCH_DUMP_H

#include "export/safetensors.h"
#include "nn/parameters.h"

#define FNAS_DUMP_NAME_BYTES 128

/* Plain memory: may be zeroed. Data is borrowed until the file is written. */
typedef struct fnas_dump {
    fnas_safetensors_tensor *tensors;
    char (*names)[FNAS_DUMP_NAME_BYTES];
    int64_t count;
} fnas_dump;

/* Room for so many tensors. FNAS_ERR_MEMORY. To be freed also after a failure. */
FNAS_NODISCARD fnas_status fnas_dump_begin(fnas_context *context, int64_t most, fnas_dump *dump);
void fnas_dump_free(fnas_dump *dump);

void fnas_dump_array(fnas_dump *dump, const char *name, fnas_safetensors_type type, const void *data, int rank, const int64_t *shape);
/* "FOLDER/NAME" of each, of values [float_count] in their layout. */
void fnas_dump_parameters(fnas_dump *dump, const fnas_parameters *parameters, const char *folder, const float *values);

#endif
