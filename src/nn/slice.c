/* Gradients of transforms are summed over all filters in double, in one order, before they are added. */
#include "nn/slice.h"

#include <string.h>

#include "nn/node.h"

#define TAPS_MAX (FNAS_TRANSFORM_KERNEL_MAX * FNAS_TRANSFORM_KERNEL_MAX)

static const fnas_parameter *weight_of(const fnas_parameters *parameters, const fnas_conv_spec *slice) {
    return &parameters->items[slice->weight];
}

bool fnas_slice_is_prefix(const fnas_parameters *parameters, const fnas_conv_spec *slice) {
    const int64_t *shape = weight_of(parameters, slice)->shape;
    return slice->transform_count == 0 && slice->in == shape[1] && slice->kernel == shape[2] && slice->kernel == shape[3];
}

int64_t fnas_slice_floats(const fnas_conv_spec *slice) {
    return fnas_round_floats(slice->out * slice->in * slice->kernel * slice->kernel);
}

/* ---- whether it exists ---- */

static int64_t square_root(int64_t square) {
    int64_t root = 0;
    while (root * root < square) root++;
    return root;
}

static bool has_centre(int64_t whole, int64_t part) {
    return part <= whole && (whole - part) % 2 == 0;
}

static bool is_known(const fnas_parameters *parameters, int32_t handle) {
    return handle >= 0 && handle < parameters->item_count;
}

/* *kernel: before the transform, then behind it. */
static bool transform_fits(const fnas_parameters *parameters, int32_t handle, int64_t *kernel) {
    if (!is_known(parameters, handle)) return false;
    const fnas_parameter *matrix = &parameters->items[handle];
    int64_t smaller = square_root(matrix->shape[0]);
    bool fits = matrix->rank == 2 && matrix->shape[0] == matrix->shape[1] && smaller * smaller == matrix->shape[0] &&
                smaller <= FNAS_TRANSFORM_KERNEL_MAX && has_centre(*kernel, smaller);
    *kernel = smaller;
    return fits;
}

bool fnas_slice_exists(const fnas_parameters *parameters, const fnas_conv_spec *slice) {
    if (!is_known(parameters, slice->weight)) return false;
    const int64_t *shape = weight_of(parameters, slice)->shape;
    if (slice->out > shape[0] || slice->in > shape[1]) return false;
    if (slice->transform_count == 0) return has_centre(shape[2], slice->kernel) && has_centre(shape[3], slice->kernel);
    if (slice->transform_count < 0 || slice->transform_count > FNAS_TRANSFORMS_MAX || shape[2] != shape[3]) return false;
    int64_t kernel = shape[2];
    for (int32_t t = 0; t < slice->transform_count; t++)
        if (!transform_fits(parameters, slice->transforms[t], &kernel)) return false;
    return kernel == slice->kernel;
}

/* ---- as they lie ---- */

/* What lies together in the whole as in the part: rows of centre taps, or, of whole kernels, all inputs of an output. */
typedef struct runs {
    int64_t length, ins, rows; /* runs: out x ins x rows, in the order of the part */
} runs;

static runs runs_of(const fnas_parameter *parameter, const fnas_conv_spec *slice) {
    int64_t kernel = slice->kernel;
    if (kernel == parameter->shape[2] && kernel == parameter->shape[3]) return (runs){slice->in * kernel * kernel, 1, 1};
    return (runs){kernel, slice->in, kernel};
}

/* Start of a run of the centre taps of the kernel (out, in) within the whole parameter. */
static int64_t run_start(const fnas_parameter *parameter, const fnas_conv_spec *slice, int64_t out, int64_t in, int64_t row) {
    const int64_t *shape = parameter->shape;
    int64_t top = (shape[2] - slice->kernel) / 2, left = (shape[3] - slice->kernel) / 2;
    return ((out * shape[1] + in) * shape[2] + top + row) * shape[3] + left;
}

static void gather_centres(const fnas_parameters *parameters, const fnas_conv_spec *slice, float *part) {
    const fnas_parameter *parameter = weight_of(parameters, slice);
    const float *whole = parameters->values + parameter->offset;
    const runs of = runs_of(parameter, slice);
    for (int64_t out = 0; out < slice->out; out++)
        for (int64_t in = 0; in < of.ins; in++)
            for (int64_t row = 0; row < of.rows; row++, part += of.length)
                memcpy(part, whole + run_start(parameter, slice, out, in, row), (size_t)of.length * sizeof *part);
}

static void scatter_centres(const fnas_parameters *parameters, const fnas_conv_spec *slice, const float *part, float *gradient) {
    const fnas_parameter *parameter = weight_of(parameters, slice);
    float *whole = gradient + parameter->offset;
    const runs of = runs_of(parameter, slice);
    for (int64_t out = 0; out < slice->out; out++)
        for (int64_t in = 0; in < of.ins; in++)
            for (int64_t row = 0; row < of.rows; row++, part += of.length) {
                float *to = whole + run_start(parameter, slice, out, in, row);
                for (int64_t i = 0; i < of.length; i++) to[i] += part[i];
            }
}

/* ---- through transforms: taps_t = T_t * centre(taps_(t-1)) of each filter ---- */

typedef struct transforms {
    int32_t count;
    int64_t kernels[FNAS_TRANSFORMS_MAX + 1]; /* the parameter's, then behind each transform */
    const float *matrices[FNAS_TRANSFORMS_MAX];
} transforms;

/* What each transform reads of one filter, and what the last one gives. */
typedef struct filter_taps {
    double read[FNAS_TRANSFORMS_MAX][TAPS_MAX], last[TAPS_MAX];
} filter_taps;

static transforms transforms_of(const fnas_parameters *parameters, const fnas_conv_spec *slice) {
    transforms made = {.count = slice->transform_count};
    made.kernels[0] = weight_of(parameters, slice)->shape[2];
    for (int32_t t = 0; t < made.count; t++) {
        const fnas_parameter *matrix = &parameters->items[slice->transforms[t]];
        made.kernels[t + 1] = square_root(matrix->shape[0]);
        made.matrices[t] = parameters->values + matrix->offset;
    }
    return made;
}

static int64_t taps_behind(const transforms *of, int32_t t) {
    return of->kernels[t + 1] * of->kernels[t + 1];
}

/* Index, in a kernel of `whole` columns, of tap i of its centre of `part`. */
static int64_t centre_tap(int64_t whole, int64_t part, int64_t i) {
    int64_t border = (whole - part) / 2;
    return (border + i / part) * whole + border + i % part;
}

static void multiply(int64_t taps, const float *matrix, const double *read, double *result) {
    for (int64_t row = 0; row < taps; row++) {
        double sum = 0;
        for (int64_t column = 0; column < taps; column++) sum += (double)matrix[row * taps + column] * read[column];
        result[row] = sum;
    }
}

static void transform_filter(const transforms *of, const float *filter, filter_taps *made) {
    for (int64_t i = 0; i < taps_behind(of, 0); i++) made->read[0][i] = (double)filter[centre_tap(of->kernels[0], of->kernels[1], i)];
    for (int32_t t = 0; t < of->count; t++) {
        multiply(taps_behind(of, t), of->matrices[t], made->read[t], made->last);
        if (t + 1 == of->count) return;
        for (int64_t i = 0; i < taps_behind(of, t + 1); i++)
            made->read[t + 1][i] = made->last[centre_tap(of->kernels[t + 1], of->kernels[t + 2], i)];
    }
}

static void gather_transformed(const fnas_parameters *parameters, const fnas_conv_spec *slice, float *part) {
    const fnas_parameter *weight = weight_of(parameters, slice);
    const transforms of = transforms_of(parameters, slice);
    int64_t taps = slice->kernel * slice->kernel;
    filter_taps made;
    for (int64_t f = 0; f < slice->out * slice->in; f++, part += taps) {
        int64_t filter = f / slice->in * weight->shape[1] + f % slice->in;
        transform_filter(&of, parameters->values + weight->offset + filter * of.kernels[0] * of.kernels[0], &made);
        for (int64_t i = 0; i < taps; i++) part[i] = (float)made.last[i];
    }
}

/* diff: of the last taps, then of what each transform has read, in its place. */
static void add_filter_gradient(const transforms *of, const filter_taps *made, double *diff, double (*diff_matrices)[TAPS_MAX * TAPS_MAX],
                                float *diff_filter) {
    for (int32_t t = of->count - 1; t >= 0; t--) {
        int64_t taps = taps_behind(of, t), before = of->kernels[t];
        double diff_read[TAPS_MAX] = {0};
        for (int64_t row = 0; row < taps; row++)
            for (int64_t column = 0; column < taps; column++) {
                diff_matrices[t][row * taps + column] += diff[row] * made->read[t][column];
                diff_read[column] += (double)of->matrices[t][row * taps + column] * diff[row];
            }
        if (t > 0) memset(diff, 0, (size_t)(before * before) * sizeof *diff);
        for (int64_t i = 0; i < taps; i++) {
            int64_t tap = centre_tap(before, of->kernels[t + 1], i);
            if (t > 0)
                diff[tap] = diff_read[i];
            else
                diff_filter[tap] += (float)diff_read[i];
        }
    }
}

static void scatter_transformed(const fnas_parameters *parameters, const fnas_conv_spec *slice, const float *part, float *gradient) {
    const fnas_parameter *weight = weight_of(parameters, slice);
    const transforms of = transforms_of(parameters, slice);
    int64_t taps = slice->kernel * slice->kernel, whole = of.kernels[0] * of.kernels[0];
    double diff_matrices[FNAS_TRANSFORMS_MAX][TAPS_MAX * TAPS_MAX] = {{0}}, diff[TAPS_MAX];
    filter_taps made;
    for (int64_t f = 0; f < slice->out * slice->in; f++, part += taps) {
        int64_t filter = weight->offset + (f / slice->in * weight->shape[1] + f % slice->in) * whole;
        transform_filter(&of, parameters->values + filter, &made);
        for (int64_t i = 0; i < taps; i++) diff[i] = (double)part[i];
        add_filter_gradient(&of, &made, diff, diff_matrices, gradient + filter);
    }
    for (int32_t t = 0; t < of.count; t++) {
        const fnas_parameter *matrix = &parameters->items[slice->transforms[t]];
        for (int64_t i = 0; i < matrix->count; i++) gradient[matrix->offset + i] += (float)diff_matrices[t][i];
    }
}

/* ---- */

void fnas_slice_gather(const fnas_parameters *parameters, const fnas_conv_spec *slice, float *part) {
    if (slice->transform_count > 0)
        gather_transformed(parameters, slice, part);
    else
        gather_centres(parameters, slice, part);
}

void fnas_slice_scatter_add(const fnas_parameters *parameters, const fnas_conv_spec *slice, const float *part, float *gradient) {
    if (slice->transform_count > 0)
        scatter_transformed(parameters, slice, part, gradient);
    else
        scatter_centres(parameters, slice, part, gradient);
}
