/* Entangled and elastic weights: what a net uses of a shared parameter. Its first outputs, first inputs and centre taps; with kernel
 * transforms (net.h) what these make of the taps. */
#ifndef FNAS_NN_SLICE_H
#define FNAS_NN_SLICE_H

#include "nn/net.h"

/* Whether the slice lies in the parameter as it is, from its first float on. */
bool fnas_slice_is_prefix(const fnas_parameters *parameters, const fnas_conv_spec *slice);
/* Whether the parameters have such a slice: handles, sizes, transforms that lead from the parameter's kernel to the slice's. */
bool fnas_slice_exists(const fnas_parameters *parameters, const fnas_conv_spec *slice);
int64_t fnas_slice_floats(const fnas_conv_spec *slice); /* rounded up to whole cache lines */
/* part [out][in][kernel][kernel] is written. */
void fnas_slice_gather(const fnas_parameters *parameters, const fnas_conv_spec *slice, float *part);
/* Adds the gradient of the part to that of the parameters, gradient [parameters->float_count]: of the weight and of its transforms. */
void fnas_slice_scatter_add(const fnas_parameters *parameters, const fnas_conv_spec *slice, const float *part, float *gradient);

#endif
