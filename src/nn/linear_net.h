/* A recorded network made linear and positive, as SynFlow looks at one (Tanaka et al. 2020, "Pruning neural networks without any data by
 * iteratively conserving synaptic flow"; on networks with norms as Abdelfattah et al. 2021, "Zero-cost proxies for lightweight NAS"):
 * weights are replaced by their absolute values; norms, biases and the factors of squeeze and excitation are left out, hard swishes are
 * ReLUs. For a positive image these then pass everything, and the logits are linear in the image and in the weights of each layer. */
#ifndef FNAS_NN_LINEAR_NET_H
#define FNAS_NN_LINEAR_NET_H

#include "nn/net.h"

typedef struct fnas_linear_net {
    fnas_net *net;
    fnas_parameters parameters; /* the weights of each convolution and linear layer, and nothing else */
} fnas_linear_net;

/* Each layer gets a tensor of its own, of what it uses of a shared one. Such a slice is brought to the spread that the initialiser gives a
 * tensor of its size (the 1x1 centre of 3x3 kernels to three times its own), so that freshly drawn weights are those of the network alone.
 * Costs about a copy of the weights. Released with fnas_linear_net_free, also after a failure. */
FNAS_NODISCARD fnas_status fnas_linear_net_create(fnas_context *context, const fnas_net *net, const fnas_parameters *parameters,
                                                  fnas_linear_net *linear);
void fnas_linear_net_free(fnas_linear_net *linear);

#endif
