#include "search/minnorm.h"

#include <math.h>

enum { ITERATIONS_MAX = 2000 };             /* 13 nearly orthogonal unit gradients take 300 to 470 */
static const double smallest_share = 0.001; /* in a pair every task keeps a little weight */
static const double change_to_stop = 1e-5;

typedef struct pair_point {
    double share, cost; /* of the first vector; |share u + (1 - share) v|^2 */
} pair_point;

/* The minimum-norm point of the segment between u and v, from uu = <u,u>, uv = <u,v>, vv = <v,v>. */
static pair_point solve_pair(double uu, double uv, double vv) {
    if (uv >= uu) return (pair_point){1 - smallest_share, uu};
    if (uv >= vv) return (pair_point){smallest_share, vv};
    double share = (vv - uv) / (uu + vv - 2 * uv);
    return (pair_point){share, vv + share * (uv - vv)};
}

/* The best pair of all, as the start; when no cost is a number, equal weights. */
static void start_from_best_pair(int64_t count, const double *gram, double *weights) {
    double best_cost = INFINITY;
    for (int64_t i = 0; i < count; i++) weights[i] = 1.0 / (double)count;
    int64_t first = -1, second = -1;
    double share = 0;
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = i + 1; j < count; j++) {
            pair_point point = solve_pair(gram[i * count + i], gram[i * count + j], gram[j * count + j]);
            if (!(point.cost < best_cost)) continue;
            best_cost = point.cost;
            share = point.share;
            first = i;
            second = j;
        }
    }
    if (first < 0) return;
    for (int64_t i = 0; i < count; i++) weights[i] = 0;
    weights[first] = share;
    weights[second] = 1 - share;
}

/* along = K weights; returns the cost weights' K weights. */
static double multiply_gram(int64_t count, const double *gram, const double *weights, double *along) {
    double cost = 0;
    for (int64_t i = 0; i < count; i++) {
        along[i] = 0;
        for (int64_t j = 0; j < count; j++) along[i] += gram[i * count + j] * weights[j];
        cost += weights[i] * along[i];
    }
    return cost;
}

static int64_t smallest_index(int64_t count, const double *values) {
    int64_t smallest = 0;
    for (int64_t i = 1; i < count; i++)
        if (values[i] < values[smallest]) smallest = i;
    return smallest;
}

double fnas_minnorm_solve(int64_t count, const double *gram, double *workspace, double *weights) {
    double *along = workspace, *next = workspace + count;
    start_from_best_pair(count, gram, weights);
    double cost = multiply_gram(count, gram, weights, along);
    if (count <= 2) return cost;
    for (int64_t iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
        int64_t toward = smallest_index(count, along);
        /* min_k <g_k, x> <= |x|^2 always; equality is the optimum (Frank-Wolfe gap 0), where the pair rule's floor would only push away
         * from it. Also ends on NaN. */
        if (!(along[toward] < cost)) break;
        double share = solve_pair(cost, along[toward], gram[toward * count + toward]).share, change = 0;
        for (int64_t i = 0; i < count; i++) {
            next[i] = share * weights[i] + (i == toward ? 1 - share : 0);
            change += fabs(next[i] - weights[i]);
        }
        if (change < change_to_stop) break; /* the point before the step is the answer, as in Sener and Koltun's code */
        for (int64_t i = 0; i < count; i++) weights[i] = next[i];
        cost = multiply_gram(count, gram, weights, along);
    }
    return cost;
}

/* Sums run in eight lanes, a block at a time: a fixed order that vectorises, with the block's rows in the cache for all pairs. */
enum { LANES = 8, BLOCK = 1024 };

static double dot(int64_t length, const float *a, const float *b) {
    double lanes[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= length; i += LANES)
        for (int64_t l = 0; l < LANES; l++) lanes[l] += (double)a[i + l] * b[i + l];
    for (; i < length; i++) lanes[0] += (double)a[i] * b[i];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

void fnas_minnorm_gram(int64_t count, int64_t length, const float *const *gradients, double *gram) {
    for (int64_t i = 0; i < count * count; i++) gram[i] = 0;
    for (int64_t start = 0; start < length; start += BLOCK) {
        int64_t size = length - start < BLOCK ? length - start : BLOCK;
        for (int64_t i = 0; i < count; i++)
            for (int64_t j = 0; j <= i; j++) gram[i * count + j] += dot(size, gradients[i] + start, gradients[j] + start);
    }
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < i; j++) gram[j * count + i] = gram[i * count + j];
}
