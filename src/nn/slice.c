/* Entangled and elastic weights are slices of a shared parameter: first outputs, first inputs, centre taps. */

#include "nn/node.h"

bool fnas_slice_is_prefix(const fnas_parameter *parameter, const fnas_conv_spec *slice) {
    return slice->in == parameter->shape[1] && slice->kernel == parameter->shape[2] && slice->kernel == parameter->shape[3];
}

int64_t fnas_slice_floats(const fnas_conv_spec *slice) {
    return fnas_round_floats(slice->out * slice->in * slice->kernel * slice->kernel);
}

/* Start of row `row` of the centre taps of the kernel (out, in) within the whole parameter. */
static int64_t fnas_slice_row(const fnas_parameter *parameter, const fnas_conv_spec *slice, int64_t out, int64_t in, int64_t row) {
    const int64_t *shape = parameter->shape;
    int64_t top = (shape[2] - slice->kernel) / 2, left = (shape[3] - slice->kernel) / 2;
    return ((out * shape[1] + in) * shape[2] + top + row) * shape[3] + left;
}

void fnas_slice_gather(const fnas_parameter *parameter, const fnas_conv_spec *slice, const float *whole, float *part) {
    for (int64_t out = 0; out < slice->out; out++)
        for (int64_t in = 0; in < slice->in; in++)
            for (int64_t row = 0; row < slice->kernel; row++, part += slice->kernel) {
                const float *from = whole + fnas_slice_row(parameter, slice, out, in, row);
                for (int64_t column = 0; column < slice->kernel; column++) part[column] = from[column];
            }
}

void fnas_slice_scatter_add(const fnas_parameter *parameter, const fnas_conv_spec *slice, const float *part, float *whole) {
    for (int64_t out = 0; out < slice->out; out++)
        for (int64_t in = 0; in < slice->in; in++)
            for (int64_t row = 0; row < slice->kernel; row++, part += slice->kernel) {
                float *to = whole + fnas_slice_row(parameter, slice, out, in, row);
                for (int64_t column = 0; column < slice->kernel; column++) to[column] += part[column];
            }
}
