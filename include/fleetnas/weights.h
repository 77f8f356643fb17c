/* Weights in files: those that others trained. */
#ifndef FLEETNAS_WEIGHTS_H
#define FLEETNAS_WEIGHTS_H

#include "fleetnas/space.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a file's tensors. */
typedef struct fnas_weights_imported {
    int64_t tensors;    /* that were written */
    int64_t numbers;    /* in them */
    int64_t integers;   /* left out: tensors of whole numbers or flags, such as counts of batches */
    int64_t statistics; /* left out, with a space: running means and variances of norms */
    int64_t transforms; /* left out, with a space that takes the centre of its kernels as it is: kernel transforms */
} fnas_weights_imported;

/* Reads a state dictionary of PyTorch (torch.save, either of its two forms; it may be the member "state_dict" of a dictionary whose other
 * members are plain) with a reader that runs nothing and refuses by name what a state dictionary does not need, and writes its tensors of
 * floats to the safetensors file `output` as float32, row-major; all of them must be finite. space NULL: under their own names, in the
 * order of the file. With a space: they must be its shared weights, whole, each of its shape, under the names of the published network
 * (docs/import.md); they are written under the space's names, in its order, and with its spec as metadata "space". Metadata "format":
 * "fleetnas-weights/1". path, output and space are borrowed; *imported (may be NULL) is written on success. The file appears whole or not
 * at all; equal inputs give equal bytes. Takes memory for the file and for its numbers as float32. Thread-safe with a context each. Errors:
 * FNAS_ERR_INPUT (a damaged file, an opcode or a global that is refused, by name; a tensor beyond its storage; tensors that are missing,
 * that the space does not have, or of another shape: how many, and the first of each), FNAS_ERR_UNSUPPORTED (a space without shared
 * weights), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_weights_import_torch(fnas_context *context, const char *path, const fnas_space *space,
                                                              const char *output, fnas_weights_imported *imported);

#ifdef __cplusplus
}
#endif
#endif
