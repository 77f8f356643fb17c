/* Whether a file's tensors are the weights of a parameter set, whole and by name; and if not, what they differ in, all at once. */
#ifndef FNAS_EXPORT_WEIGHTS_MATCH_H
#define FNAS_EXPORT_WEIGHTS_MATCH_H

#include "base/text.h"
#include "nn/parameters.h"

/* One kind of difference: how many, and the first few as text. */
typedef struct fnas_weights_fault {
    int64_t count;
    fnas_text names;
} fnas_weights_fault;

typedef struct fnas_weights_match {
    const fnas_parameters *parameters; /* borrowed; they need not be allocated */
    bool *found;                       /* [item_count] */
    fnas_weights_fault missing, extra, misshapen, repeated;
} fnas_weights_match;

/* Owned: fnas_weights_match_free, also after a failure. Errors: FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_weights_match_begin(fnas_context *context, const fnas_parameters *parameters, fnas_weights_match *match);
void fnas_weights_match_free(fnas_weights_match *match);

/* A tensor of the file, `shown` there, that is the parameter `name` here. Returns the parameter's index, or FNAS_PARAMETER_NONE where the
 * set has no such one, or of another shape, or has it already: noted. */
int32_t fnas_weights_match_take(fnas_weights_match *match, const char *shown, const char *name, int64_t rank, const int64_t *shape);
void fnas_weights_match_extra(fnas_weights_match *match, const char *shown); /* a tensor that is no parameter's */

/* After all tensors. FNAS_ERR_INPUT "PATH: ... 3 tensors are missing: "a", "b", "c"; ..." unless each parameter was found and nothing else
 * stood there. `published` (NULL: as it is) writes what a parameter is called in the file; false where it has no name there. */
typedef bool fnas_weights_name_function(const char *name, char *published, size_t size_bytes);
FNAS_NODISCARD fnas_status fnas_weights_match_end(fnas_context *context, const char *path, fnas_weights_name_function *published,
                                                  fnas_weights_match *match);

#endif
