#include "estimate/regression.h"

#include <math.h>

#include "base/memory.h"
#include "estimate/gaussian_process.h"

static fnas_status check_values(fnas_context *context, int64_t count, const double *values) {
    bool differ = false, finite = true;
    for (int64_t i = 0; i < count; i++) {
        finite &= isfinite(values[i]);
        differ |= values[i] != values[0];
    }
    if (finite && differ) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_NUMERIC,
                     "the errors of %lld trainings are all the same, or not finite: nothing can be learnt from them", (long long)count);
}

static fnas_status fit_and_predict(fnas_context *context, const fnas_estimate_candidates *candidates, int64_t row_count,
                                   const int64_t *rows, const double *values, fnas_gp *gp, double *mean, double *deviation) {
    int64_t count = candidates->archs.count;
    for (int64_t i = 0; i < row_count; i++)
        FNAS_TRY(fnas_gp_add(context, gp, candidates->feature + rows[i] * candidates->features, &values[i]));
    FNAS_TRY(fnas_gp_fit(context, gp));
    FNAS_TRY(fnas_gp_predict(context, gp, count, candidates->feature, mean, deviation));
    for (int64_t i = 0; i < count; i++) deviation[i] = sqrt(fmax(0, deviation[i]));
    return FNAS_OK;
}

fnas_status fnas_regress(fnas_context *context, const fnas_estimate_candidates *candidates, int64_t row_count, const int64_t *rows,
                         const double *values, double *mean, double *deviation) {
    fnas_gp *gp = NULL;
    FNAS_TRY(check_values(context, row_count, values));
    int64_t width = candidates->features, *length_of = fnas_allocate((size_t)width + 1, sizeof *length_of);
    if (!length_of) return fnas_fail_memory(context, "a regression");
    for (int64_t j = candidates->own_features; j < width; j++) length_of[j] = 1;
    fnas_gp_shape shape = {.kernel = FNAS_GP_RBF,
                           .capacity = row_count,
                           .features = width,
                           .outputs = 1,
                           .lengths = candidates->own_features < width ? 2 : 1,
                           .length_of = length_of};
    fnas_status status = fnas_gp_create(context, &shape, &gp);
    if (status == FNAS_OK) status = fit_and_predict(context, candidates, row_count, rows, values, gp, mean, deviation);
    fnas_gp_free(gp);
    fnas_free(length_of);
    return status;
}
