#include "base/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int fnas_compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double fnas_quantile(const double *values, int64_t n, double q) {
    double *sorted = n >= 1 && q >= 0 && q <= 1 ? fnas_allocate((size_t)n, sizeof *sorted) : NULL;
    if (!sorted) return NAN;
    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, fnas_compare_doubles);
    double position = q * (double)(n - 1);
    int64_t below = (int64_t)position, above = below + 1 < n ? below + 1 : below;
    double share = position - (double)below;
    double quantile = share > 0 ? sorted[below] * (1 - share) + sorted[above] * share : sorted[below]; /* so that 0 * inf stays out */
    fnas_free(sorted);
    return quantile;
}

double fnas_median(const double *values, int64_t n) {
    return fnas_quantile(values, n, 0.5);
}

double fnas_pearson(const double *x, const double *y, int64_t n) {
    if (n < 2) return NAN;
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < n; i++) {
        mean_x += x[i];
        mean_y += y[i];
    }
    mean_x /= (double)n;
    mean_y /= (double)n;
    bool varies_x = false, varies_y = false; /* told from the values: the mean of equal numbers may differ from them by rounding */
    for (int64_t i = 0; i < n; i++) {
        double dx = x[i] - mean_x, dy = y[i] - mean_y;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
        varies_x |= x[i] != x[0];
        varies_y |= y[i] != y[0];
    }
    if (!varies_x || !varies_y) return NAN;
    double r = xy / (sqrt(xx) * sqrt(yy));
    return r > 1 ? 1 : r < -1 ? -1 : r;
}

/* A value with where it came from; equal values are ordered by place, so that the order is one and the same everywhere. */
typedef struct fnas_placed {
    double value;
    int64_t place;
} fnas_placed;

static int fnas_compare_placed(const void *a, const void *b) {
    const fnas_placed *p = a, *q = b;
    int by_value = (p->value > q->value) - (p->value < q->value);
    return by_value ? by_value : (p->place > q->place) - (p->place < q->place);
}

/* Ranks from 1; equal values share the mean of their ranks. */
static void fnas_average_ranks(const double *values, int64_t n, fnas_placed *sorted, double *ranks) {
    for (int64_t i = 0; i < n; i++) sorted[i] = (fnas_placed){values[i], i};
    qsort(sorted, (size_t)n, sizeof *sorted, fnas_compare_placed);
    for (int64_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && sorted[end].value == sorted[first].value; end++) {
        }
        for (int64_t i = first; i < end; i++) ranks[sorted[i].place] = (double)(first + end + 1) / 2;
    }
}

double fnas_spearman(const double *x, const double *y, int64_t n) {
    if (n < 2) return NAN;
    fnas_placed *sorted = fnas_allocate((size_t)n, sizeof *sorted);
    double *ranks = fnas_allocate((size_t)n, 2 * sizeof *ranks);
    double rho = NAN;
    if (sorted && ranks) {
        fnas_average_ranks(x, n, sorted, ranks);
        fnas_average_ranks(y, n, sorted, ranks + n);
        rho = fnas_pearson(ranks, ranks + n, n);
    }
    fnas_free(sorted);
    fnas_free(ranks);
    return rho;
}

typedef struct fnas_pair {
    double x, y;
} fnas_pair;

static int fnas_compare_pairs(const void *a, const void *b) {
    const fnas_pair *p = a, *q = b;
    int by_x = (p->x > q->x) - (p->x < q->x);
    return by_x ? by_x : (p->y > q->y) - (p->y < q->y);
}

/* Merge sort by y that counts exchanges (Knight 1966): pairs out of order, equal ones not counted. */
static double fnas_count_exchanges(fnas_pair *pairs, fnas_pair *scratch, int64_t n) {
    double exchanges = 0;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * width) {
            int64_t middle = begin + width < n ? begin + width : n, end = begin + 2 * width < n ? begin + 2 * width : n;
            int64_t left = begin, right = middle;
            for (int64_t out = begin; out < end; out++) {
                if (left < middle && (right >= end || pairs[left].y <= pairs[right].y)) {
                    scratch[out] = pairs[left++];
                } else {
                    scratch[out] = pairs[right++];
                    exchanges += (double)(middle - left);
                }
            }
        }
        memcpy(pairs, scratch, (size_t)n * sizeof *pairs);
    }
    return exchanges;
}

typedef enum fnas_tie { FNAS_TIE_X, FNAS_TIE_Y, FNAS_TIE_BOTH } fnas_tie;

/* Number of pairs of neighbours' runs that are equal: sum of t (t - 1) / 2 over runs of length t. Sorted input. */
static double fnas_count_tied(const fnas_pair *pairs, int64_t n, fnas_tie tie) {
    double tied = 0, run = 0;
    for (int64_t i = 1; i < n; i++) {
        bool equal_x = pairs[i].x == pairs[i - 1].x, equal_y = pairs[i].y == pairs[i - 1].y;
        bool equal = tie == FNAS_TIE_X ? equal_x : tie == FNAS_TIE_Y ? equal_y : equal_x && equal_y;
        run = equal ? run + 1 : 0;
        tied += run;
    }
    return tied;
}

static double fnas_kendall_of_pairs(fnas_pair *pairs, fnas_pair *scratch, int64_t n) {
    qsort(pairs, (size_t)n, sizeof *pairs, fnas_compare_pairs);
    double total = 0.5 * (double)n * (double)(n - 1);
    double tied_x = fnas_count_tied(pairs, n, FNAS_TIE_X), tied_both = fnas_count_tied(pairs, n, FNAS_TIE_BOTH);
    double discordant = fnas_count_exchanges(pairs, scratch, n);
    double tied_y = fnas_count_tied(pairs, n, FNAS_TIE_Y);
    if (tied_x == total || tied_y == total) return NAN;
    double difference = total - tied_x - tied_y + tied_both - 2 * discordant; /* concordant - discordant */
    return difference / (sqrt(total - tied_x) * sqrt(total - tied_y));
}

double fnas_kendall(const double *x, const double *y, int64_t n) {
    if (n < 2) return NAN;
    fnas_pair *pairs = fnas_allocate((size_t)n, 2 * sizeof *pairs);
    if (!pairs) return NAN;
    for (int64_t i = 0; i < n; i++) pairs[i] = (fnas_pair){x[i], y[i]};
    double tau = fnas_kendall_of_pairs(pairs, pairs + n, n);
    fnas_free(pairs);
    return tau;
}

/* ---- shares ---- */

static double fnas_share_remainder(double share, int64_t units) {
    double scaled = share * (double)units;
    return scaled - floor(scaled);
}

int64_t fnas_share_round(int64_t count, const double *shares, int64_t units, int64_t index) {
    double own = fnas_share_remainder(shares[index], units);
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += shares[i];
    int64_t left = (int64_t)llround(sum * (double)units), before = 0; /* units that rounding down leaves; shares that get one before this */
    for (int64_t i = 0; i < count; i++) {
        double remainder = fnas_share_remainder(shares[i], units);
        left -= (int64_t)floor(shares[i] * (double)units);
        before += remainder > own || (remainder == own && i < index);
    }
    return (int64_t)floor(shares[index] * (double)units) + (before < left);
}
