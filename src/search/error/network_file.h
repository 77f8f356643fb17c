/* One network's weights as a file. */
#ifndef FNAS_SEARCH_ERROR_NETWORK_FILE_H
#define FNAS_SEARCH_ERROR_NETWORK_FILE_H

#include "nn/path.h"
#include "space/space.h"

/* Writes a safetensors file of the format "fleetnas-network/1": under each shared weight's name the part of it that the network uses, as it
 * computes with it (slice.h), and for the norm behind a convolution the .mean and .variance of `statistics` beside its .gamma and .beta.
 * The metadata have "space" (the supernet's spec) and "arch". Errors: FNAS_ERR_IO, FNAS_ERR_MEMORY, FNAS_ERR_INTERNAL (a net that uses one
 * weight twice). */
FNAS_NODISCARD fnas_status fnas_network_write(fnas_context *context, const fnas_space *supernet, const char *arch, const fnas_net *net,
                                              const fnas_parameters *weights, const fnas_norm_state *statistics, const char *path);

#endif
