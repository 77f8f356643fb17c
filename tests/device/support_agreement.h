/* How near one runtime's logits are to the reference's. */
#ifndef FNAS_TESTS_DEVICE_SUPPORT_AGREEMENT_H
#define FNAS_TESTS_DEVICE_SUPPORT_AGREEMENT_H

#include <math.h>
#include <stdint.h>

typedef struct agreement {
    double largest_difference, cosine; /* the difference in units of the reference's largest magnitude */
} agreement;

static inline agreement compare(int64_t count, const float *mine, const double *reference) {
    double most = 0, difference = 0, mm = 0, rr = 0, mr = 0;
    for (int64_t i = 0; i < count; i++) {
        most = fmax(most, fabs(reference[i]));
        difference = fmax(difference, fabs((double)mine[i] - reference[i]));
        mm += (double)mine[i] * (double)mine[i];
        rr += reference[i] * reference[i];
        mr += (double)mine[i] * reference[i];
    }
    return (agreement){difference / most, mr / sqrt(mm * rr)};
}

#endif
