#include "front/points.h"

#include <math.h>

fnas_status fnas_points_check(fnas_context *context, int64_t count, int64_t objectives, const double *points) {
    if (objectives < 1 || objectives > FNAS_FRONT_OBJECTIVES_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "a front of %lld objectives: 1 to %d are possible", (long long)objectives,
                         FNAS_FRONT_OBJECTIVES_MAX);
    if (count < 0 || count > INT64_MAX / (FNAS_FRONT_OBJECTIVES_MAX * (int64_t)sizeof(double)))
        return fnas_fail(context, FNAS_ERR_INPUT, "a front of %lld points is impossible", (long long)count);
    for (int64_t i = 0; i < count * objectives; i++)
        if (!isfinite(points[i]))
            return fnas_fail(context, FNAS_ERR_INPUT, "point %lld: objective %lld is %s, it must be a finite number",
                             (long long)(i / objectives), (long long)(i % objectives), isnan(points[i]) ? "not a number" : "infinite");
    return FNAS_OK;
}

fnas_status fnas_points_check_reference(fnas_context *context, int64_t objectives, const double *reference) {
    for (int64_t m = 0; m < objectives; m++)
        if (!isfinite(reference[m]))
            return fnas_fail(context, FNAS_ERR_INPUT, "reference point: objective %lld must be a finite number", (long long)m);
    return FNAS_OK;
}

bool fnas_point_covers(int64_t objectives, const double *a, const double *b) {
    for (int64_t m = 0; m < objectives; m++)
        if (a[m] > b[m]) return false;
    return true;
}
