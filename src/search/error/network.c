#include "search/error/network.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "compute/vector.h"
#include "export/npy.h"

const char *const fnas_network_output_names[FNAS_NETWORK_OUTPUTS + 1] = {"accuracy", "accuracy_pct", "error", "error_pct", NULL};

/* ---- making ---- */

fnas_status fnas_network_create(fnas_context *context, const fnas_space *space, const fnas_space_encoding *encoding,
                                fnas_network_output output, int64_t layer_count, const int64_t *sizes, fnas_network **network) {
    fnas_network *made = fnas_allocate(1, sizeof *made);
    *network = NULL;
    if (!made) return fnas_fail_memory(context, "a network of errors");
    made->space = space;
    made->encoding = encoding;
    made->output = output;
    made->layer_count = layer_count;
    memcpy(made->sizes, sizes, (size_t)(layer_count + 1) * sizeof *sizes);
    for (int64_t l = 0; l < layer_count; l++) {
        made->weights[l] = fnas_allocate((size_t)(sizes[l] * sizes[l + 1]), sizeof(double));
        made->biases[l] = fnas_allocate((size_t)sizes[l + 1], sizeof(double));
        if (made->weights[l] && made->biases[l]) continue;
        fnas_network_free(made);
        return fnas_fail_memory(context, "a network of errors");
    }
    *network = made;
    return FNAS_OK;
}

void fnas_network_free(fnas_network *network) {
    for (int64_t l = 0; network && l < network->layer_count; l++) {
        fnas_free(network->weights[l]);
        fnas_free(network->biases[l]);
    }
    fnas_free(network);
}

/* [out, in] as it stands in files, [in][out] as it is used. */
static void fnas_network_put(fnas_network *network, const fnas_network_array *array, int64_t index, double value) {
    int64_t l = array->layer, in = network->sizes[l], out = network->sizes[l + 1];
    if (array->rank == 2)
        network->weights[l][index % in * out + index / in] = value;
    else
        network->biases[l][index] = value;
}

static fnas_status fnas_network_check_shape(fnas_context *context, const fnas_network *network, const fnas_network_array *array) {
    int64_t l = array->layer, rank = array->rank, wanted[2] = {network->sizes[l + 1], network->sizes[l]};
    char found[FNAS_NPY_SHAPE_BYTES], expected[FNAS_NPY_SHAPE_BYTES];
    if (memcmp(array->shape, wanted, (size_t)rank * sizeof *wanted) == 0) return FNAS_OK;
    fnas_npy_format_shape(rank, array->shape, found);
    fnas_npy_format_shape(rank, wanted, expected);
    bool is_transposed = rank == 2 && array->shape[0] == wanted[1] && array->shape[1] == wanted[0];
    return fnas_fail(context, FNAS_ERR_INPUT, "%s has shape %s, expected %s%s%s", array->where, found, expected,
                     rank == 2 ? ", a row for each output" : ", one for each row of its weight", is_transposed ? ": transpose it" : "");
}

fnas_status fnas_network_fill(fnas_context *context, fnas_network *network, const fnas_network_array *array) {
    FNAS_TRY(fnas_network_check_shape(context, network, array));
    int64_t columns = array->rank == 2 ? array->shape[1] : 1, count = array->shape[0] * columns;
    for (int64_t i = 0; i < count; i++) {
        double value = array->at(array->source, i);
        if (!isfinite(value) || fabs(value) > 1e30) {
            int64_t place[2] = {i / columns, i % columns};
            char text[FNAS_NPY_SHAPE_BYTES];
            fnas_npy_format_shape(array->rank, place, text);
            return fnas_fail(context, FNAS_ERR_INPUT, "%s holds %g at %s: a finite number%s is expected", array->where, value, text,
                             isfinite(value) ? " of at most 1e30" : "");
        }
        fnas_network_put(network, array, i, value);
    }
    return FNAS_OK;
}

/* ---- names ---- */

fnas_status fnas_network_find_encoding(fnas_context *context, const fnas_space *space, const char *where, const char *name,
                                       const fnas_space_encoding **encoding) {
    fnas_text known = {0};
    for (int64_t i = 0; (*encoding = fnas_space_encoding_at(space, i)); i++) {
        if (strcmp((*encoding)->name, name) == 0) break;
        fnas_text_append(&known, "%s\"%s\"", i ? ", " : "", (*encoding)->name);
    }
    fnas_status status = *encoding ? FNAS_OK
                                   : fnas_fail(context, FNAS_ERR_INPUT, "%s: input \"%.40s\" is not known: the space %s has %s", where,
                                               name, fnas_space_name(space), known.data ? known.data : "none");
    fnas_text_free(&known);
    if (status == FNAS_OK && (*encoding)->check) status = (*encoding)->check(context, where, space);
    return status;
}

fnas_status fnas_network_find_output(fnas_context *context, const char *where, const char *name, fnas_network_output *output) {
    for (int i = 0; i < FNAS_NETWORK_OUTPUTS; i++) {
        if (strcmp(fnas_network_output_names[i], name) != 0) continue;
        *output = (fnas_network_output)i;
        return FNAS_OK;
    }
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: output \"%.40s\" is not known: \"accuracy\" and \"error\" (0 to 1), \"accuracy_pct\" and \"error_pct\"", where,
                     name);
}

void fnas_network_append_sizes(const fnas_network *network, fnas_text *text) {
    for (int64_t l = 0; l <= network->layer_count; l++) fnas_text_append(text, "%s%" PRId64, l ? "-" : "", network->sizes[l]);
}

/* ---- forward and backward ---- */

/* Values of all units, the input's first; a hidden unit that is cut off is 0. */
FNAS_MULTIVERSION
static void fnas_network_forward_layer(int64_t in, int64_t out, const double *weights, const double *biases, const double *value,
                                       double *next) {
    memcpy(next, biases, (size_t)out * sizeof *next);
    for (int64_t i = 0; i < in; i++) {
        if (value[i] == 0) continue; /* most of a one-hot, half of what ReLU leaves */
        const double *row = weights + i * out;
        for (int64_t o = 0; o < out; o++) next[o] += value[i] * row[o];
    }
}

/* diff_value = W diff_next, for the inputs that are not cut off (all where value is NULL). */
FNAS_MULTIVERSION
static void fnas_network_backward_layer(int64_t in, int64_t out, const double *weights, const double *diff_next, const double *value,
                                        double *diff_value) {
    for (int64_t i = 0; i < in; i++) {
        diff_value[i] = 0;
        if (value && value[i] <= 0) continue;
        const double *row = weights + i * out;
        double part[8] = {0}; /* fixed partial sums: the compiler may not reorder a single one */
        int64_t o = 0;
        for (; o + 8 <= out; o += 8)
            for (int k = 0; k < 8; k++) part[k] += row[o + k] * diff_next[o + k];
        for (int k = 0; o < out; o++, k++) part[k] += row[o] * diff_next[o];
        diff_value[i] = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    }
}

/* The network's output. */
static double fnas_network_forward(const fnas_network *network, const double *onehot, double *units) {
    double *value = units;
    network->encoding->encode(network->space, onehot, value);
    for (int64_t l = 0; l < network->layer_count; l++) {
        int64_t in = network->sizes[l], out = network->sizes[l + 1];
        double *next = value + in;
        fnas_network_forward_layer(in, out, network->weights[l], network->biases[l], value, next);
        if (l + 1 < network->layer_count)
            for (int64_t o = 0; o < out; o++) next[o] = next[o] > 0 ? next[o] : 0;
        value = next;
    }
    return *value;
}

/* From the slope of the output to that of the input, which diff_units begins with. */
static void fnas_network_backward(const fnas_network *network, const double *units, double slope, double *diff_units) {
    int64_t at = 0;
    for (int64_t l = 0; l < network->layer_count; l++) at += network->sizes[l];
    diff_units[at] = slope;
    for (int64_t l = network->layer_count - 1; l >= 0; l--) {
        int64_t in = network->sizes[l], out = network->sizes[l + 1];
        const double *value = l ? units + at - in : NULL;
        fnas_network_backward_layer(in, out, network->weights[l], diff_units + at, value, diff_units + at - in);
        at -= in;
    }
}

/* Error in % of an output, and d error / d output. */
static double fnas_network_error_of(fnas_network_output output, double value, double *slope) {
    double scale = output == FNAS_NETWORK_ACCURACY || output == FNAS_NETWORK_ERROR ? 100 : 1;
    bool is_error = output == FNAS_NETWORK_ERROR || output == FNAS_NETWORK_ERROR_PCT;
    *slope = is_error ? scale : -scale;
    return is_error ? scale * value : 100 - scale * value;
}

double fnas_network_error(const fnas_network *network, const double *onehot) {
    double units[FNAS_NETWORK_UNITS_MAX], slope;
    return fnas_network_error_of(network->output, fnas_network_forward(network, onehot, units), &slope);
}

double fnas_network_gradient(const fnas_network *network, const double *onehot, double *gradient) {
    double units[FNAS_NETWORK_UNITS_MAX], diff_units[FNAS_NETWORK_UNITS_MAX], slope;
    double error = fnas_network_error_of(network->output, fnas_network_forward(network, onehot, units), &slope);
    fnas_network_backward(network, units, slope, diff_units);
    memset(gradient, 0, (size_t)fnas_space_onehot_size(network->space) * sizeof *gradient);
    network->encoding->encode_vjp(network->space, onehot, diff_units, gradient);
    return error;
}
