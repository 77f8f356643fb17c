/* State dictionaries of PyTorch (.pth): the ZIP archive that torch.save writes since version 1.6, and the form before it. */
#ifndef FNAS_EXPORT_TORCH_STATE_H
#define FNAS_EXPORT_TORCH_STATE_H

#include "export/torch_pickle.h"

#define FNAS_TORCH_FILE_MAX_BYTES ((size_t)UINT32_MAX)
#define FNAS_TORCH_ELEMENTS_MAX ((int64_t)1 << 30) /* of all tensors together: 4 GB as f32 */

/* A tensor of the dictionary. */
typedef struct fnas_torch_entry {
    char *name;           /* UTF-8, as the file has it */
    fnas_torch_type type; /* in the file */
    int64_t rank, shape[FNAS_TORCH_RANK_MAX], count;
    float *values; /* [count] row-major, finite, whatever the type of floats in the file; NULL for integers and flags */
} fnas_torch_entry;

typedef struct fnas_torch_state {
    fnas_torch_entry *entries; /* [count] in the order of the file, names distinct */
    int64_t count;
} fnas_torch_state;

/* Reads a state dictionary, or a dictionary that has one as its member "state_dict" (what else it has must be plain, and is passed over).
 * Tensors of floats are copied as f32, row-major, from wherever they lie in their storages; views and transposed tensors too. Owned:
 * fnas_torch_state_free. `where` names the file in messages. Errors: FNAS_ERR_INPUT: as fnas_torch_pickle_read and fnas_zip_read; a tensor
 * that reaches beyond its storage, or has more elements than it; a storage that is missing, or of another size than the pickle says; big
 * endian; numbers that are not finite as f32; two tensors of one name, by name. FNAS_INTERRUPTED between two
 * tensors. FNAS_ERR_MEMORY. O(file size + elements). */
FNAS_NODISCARD fnas_status fnas_torch_state_parse(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                                  fnas_torch_state *state);
FNAS_NODISCARD fnas_status fnas_torch_state_read(fnas_context *context, const char *path, fnas_torch_state *state); /* and FNAS_ERR_IO */
void fnas_torch_state_free(fnas_torch_state *state);                                                                /* leaves it empty */

#endif
