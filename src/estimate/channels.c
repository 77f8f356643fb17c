#include "estimate/channels.h"

#include <lapacke.h>
#include <math.h>

void fnas_channels_free(fnas_channels *channels) {
    fnas_free(channels->plain);
    fnas_free(channels->covariance);
    fnas_free(channels->eigenvalues);
    fnas_free(channels->mean);
    *channels = (fnas_channels){0};
}

static bool reserve(fnas_shape shape, fnas_channels *channels) {
    size_t c = (size_t)shape.c, vectors = channels->vector_capacity;
    return fnas_grow((void **)&channels->plain, &channels->plain_capacity, (size_t)fnas_shape_elements(shape), sizeof(float)) &&
           fnas_grow((void **)&channels->covariance, &channels->covariance_capacity, c * c, sizeof(double)) &&
           fnas_grow((void **)&channels->eigenvalues, &vectors, c, sizeof(double)) &&
           fnas_grow((void **)&channels->mean, &channels->vector_capacity, c, sizeof(double));
}

/* Sums over pixels of products of two channels of one image. */
static double dot(int64_t pixels, const float *a, const float *b) {
    float sums[8] = {0};
    int64_t p = 0;
    for (; p + 8 <= pixels; p += 8)
        for (int k = 0; k < 8; k++) sums[k] += a[p + k] * b[p + k];
    double sum = 0;
    for (int k = 0; k < 8; k++) sum += (double)sums[k];
    for (; p < pixels; p++) sum += (double)(a[p] * b[p]);
    return sum;
}

static void rectify(int64_t count, float *values) {
    for (int64_t i = 0; i < count; i++) values[i] = values[i] > 0 ? values[i] : 0;
}

/* Taken off before products are formed: in single precision a channel that hardly varies would drown in its mean. */
static void centre(fnas_shape shape, fnas_channels *channels) {
    int64_t pixels = shape.h * shape.w;
    for (int64_t i = 0; i < shape.c; i++) {
        double sum = 0;
        for (int64_t n = 0; n < shape.n; n++)
            for (int64_t p = 0; p < pixels; p++) sum += (double)channels->plain[(n * shape.c + i) * pixels + p];
        channels->mean[i] = sum / (double)(shape.n * pixels);
        for (int64_t n = 0; n < shape.n; n++)
            for (int64_t p = 0; p < pixels; p++) {
                float *value = &channels->plain[(n * shape.c + i) * pixels + p];
                *value = (float)((double)*value - channels->mean[i]);
            }
    }
}

static void add_image(int64_t c, int64_t pixels, const float *image, double *covariance) {
    for (int64_t i = 0; i < c; i++)
        for (int64_t j = 0; j <= i; j++) covariance[i * c + j] += dot(pixels, image + i * pixels, image + j * pixels);
}

fnas_status fnas_channels_covary(fnas_context *context, const fnas_worker *worker, fnas_shape shape, const float *source,
                                 fnas_channels *channels) {
    int64_t c = shape.c, pixels = shape.h * shape.w;
    double count = (double)(shape.n * pixels);
    if (!reserve(shape, channels)) return fnas_fail_memory(context, "covariances of channels");
    fnas_layout_unpack(fnas_engine_block(worker->engine), shape, source, channels->plain);
    rectify(fnas_shape_elements(shape), channels->plain);
    for (int64_t i = 0; i < c * c; i++) channels->covariance[i] = 0;
    centre(shape, channels);
    for (int64_t n = 0; n < shape.n; n++) add_image(c, pixels, channels->plain + n * c * pixels, channels->covariance);
    for (int64_t i = 0; i < c; i++)
        for (int64_t j = 0; j <= i; j++) channels->covariance[j * c + i] = channels->covariance[i * c + j] /= count;
    return FNAS_OK;
}

/* What rounding leaves of a variance that is none, of the mean's square. */
#define NO_VARIANCE 1e-10

void fnas_channels_correlate(int64_t c, fnas_channels *channels) {
    for (int64_t i = 0; i < c; i++) {
        double variance = channels->covariance[i * c + i];
        channels->mean[i] = variance > NO_VARIANCE * channels->mean[i] * channels->mean[i] ? 1 / sqrt(variance) : 0;
    }
    for (int64_t i = 0; i < c; i++)
        for (int64_t j = 0; j < c; j++) channels->covariance[i * c + j] *= channels->mean[i] * channels->mean[j];
}

fnas_status fnas_channels_decompose(fnas_context *context, int64_t c, fnas_channels *channels) {
    if (LAPACKE_dsyev(LAPACK_COL_MAJOR, 'N', 'L', (lapack_int)c, channels->covariance, (lapack_int)c, channels->eigenvalues) == 0)
        return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_NUMERIC, "the covariances of a network's channels are not finite");
}
