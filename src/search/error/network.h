/* A network that gives the errors of architectures: a multilayer perceptron with ReLU between its layers, which a user trained elsewhere
 * and saved in NPZ (docs/spaces.md, "Errors from a network"). Files: network (value and gradient), network_npz (reading), network_tensors
 * (in error.safetensors). */
#ifndef FNAS_SEARCH_ERROR_NETWORK_H
#define FNAS_SEARCH_ERROR_NETWORK_H

#include "base/text.h"
#include "export/safetensors.h"
#include "space/space.h"

#define FNAS_NETWORK_LAYERS_MAX 16
#define FNAS_NETWORK_UNITS_MAX 8192 /* inputs and outputs of all layers: what a call keeps on the stack */

/* What its output is. */
typedef enum fnas_network_output {
    FNAS_NETWORK_ACCURACY,     /* 0 to 1 */
    FNAS_NETWORK_ACCURACY_PCT, /* 0 to 100 */
    FNAS_NETWORK_ERROR,        /* 0 to 1 */
    FNAS_NETWORK_ERROR_PCT,    /* 0 to 100 */
    FNAS_NETWORK_OUTPUTS
} fnas_network_output;
extern const char *const fnas_network_output_names[FNAS_NETWORK_OUTPUTS + 1]; /* "accuracy", ...; NULL-terminated */

typedef struct fnas_network {
    const fnas_space *space; /* borrowed */
    const fnas_space_encoding *encoding;
    fnas_network_output output;
    int64_t layer_count;
    int64_t sizes[FNAS_NETWORK_LAYERS_MAX + 1]; /* of the encoding, behind each layer; the last is 1 */
    double *weights[FNAS_NETWORK_LAYERS_MAX];   /* [sizes[l]][sizes[l + 1]]: an input that is 0 skips a row */
    double *biases[FNAS_NETWORK_LAYERS_MAX];    /* [sizes[l + 1]] */
} fnas_network;

/* All weights 0; layer_count and sizes are checked by the caller. The space is borrowed. Owned: fnas_network_free. */
FNAS_NODISCARD fnas_status fnas_network_create(fnas_context *context, const fnas_space *space, const fnas_space_encoding *encoding,
                                               fnas_network_output output, int64_t layer_count, const int64_t *sizes,
                                               fnas_network **network);
void fnas_network_free(fnas_network *network); /* NULL is allowed */

/* "FILE.npz" or "FILE.npz:output=...,input=...". What the option does not say, members "output" and "input" of the file may; else the input
 * is the encoding whose size it has, and the output what networks with that input give by custom. Errors: FNAS_ERR_USAGE (the option),
 * FNAS_ERR_INPUT "FILE.npz: member "W0": what was expected and found", FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_network_open(fnas_context *context, const fnas_space *space, const char *option, fnas_network **network);
/* Whether an option or a file is one of these: its name ends in ".npz", with or without words behind it, or it is a ZIP archive. */
bool fnas_network_is_meant(const char *option);

/* Error in % at D, of which the network knows no bounds; deterministic, thread-safe. gradient [onehot_size] is written. */
double fnas_network_error(const fnas_network *network, const double *onehot);
double fnas_network_gradient(const fnas_network *network, const double *onehot, double *gradient);

/* "128-400-400-400-1". */
void fnas_network_append_sizes(const fnas_network *network, fnas_text *text);

/* Two tensors a layer, named as in NPZ, W0 [out, in], b0, W1, ...: float64. Released with fnas_network_release_tensors. */
#define FNAS_NETWORK_TENSORS_MAX (2 * FNAS_NETWORK_LAYERS_MAX)
FNAS_NODISCARD fnas_status fnas_network_fill_tensors(fnas_context *context, const fnas_network *network, fnas_safetensors_tensor *tensors);
void fnas_network_release_tensors(const fnas_network *network, fnas_safetensors_tensor *tensors);
/* The same read: everything is checked, and messages name `path`. input, output: as in the metadata. */
FNAS_NODISCARD fnas_status fnas_network_take_tensors(fnas_context *context, const fnas_space *space, const fnas_safetensors *file,
                                                     const char *path, const char *input, const char *output, fnas_network **network);

/* Where an array of numbers goes: which of the network it is, and [count] of it, row-major. */
typedef struct fnas_network_array {
    const char *where; /* of messages: FILE: member "W0" */
    int64_t layer, rank;
    const int64_t *shape;
    double (*at)(const void *source, int64_t index);
    const void *source;
} fnas_network_array;
/* Copies a weight (rank 2) or a bias (rank 1) into the network, whose sizes it must have. Errors: FNAS_ERR_INPUT: another shape, a number
 * that is not finite. */
FNAS_NODISCARD fnas_status fnas_network_fill(fnas_context *context, fnas_network *network, const fnas_network_array *array);

/* By name among the space's. Errors: FNAS_ERR_INPUT, naming those there are, or what this one cannot tell of the space. */
FNAS_NODISCARD fnas_status fnas_network_find_encoding(fnas_context *context, const fnas_space *space, const char *where, const char *name,
                                                      const fnas_space_encoding **encoding);
FNAS_NODISCARD fnas_status fnas_network_find_output(fnas_context *context, const char *where, const char *name,
                                                    fnas_network_output *output);

#endif
