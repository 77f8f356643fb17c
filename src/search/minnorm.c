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

enum {
    REFRESH = 64
}; /* steps after which K weights is multiplied anew: until then a step moves it by one row, T products instead of T^2 */

/* weights and along = K weights move the way to `toward` that leaves `share` of them; returns the new cost. */
static double move_toward(int64_t count, const double *gram, int64_t toward, double share, double *weights, double *along) {
    double cost = 0;
    for (int64_t i = 0; i < count; i++) {
        weights[i] = share * weights[i] + (i == toward ? 1 - share : 0);
        along[i] = share * along[i] + (1 - share) * gram[toward * count + i];
        cost += weights[i] * along[i];
    }
    return cost;
}

double fnas_minnorm_solve(int64_t count, const double *gram, double *workspace, double *weights) {
    double *along = workspace;
    start_from_best_pair(count, gram, weights);
    double cost = multiply_gram(count, gram, weights, along);
    if (count <= 2) return cost;
    for (int64_t iteration = 1; iteration <= ITERATIONS_MAX; iteration++) {
        int64_t toward = smallest_index(count, along);
        /* min_k <g_k, x> <= |x|^2 always; equality is the optimum (Frank-Wolfe gap 0), where the pair rule's floor would only push away
         * from it. Also ends on NaN. */
        if (!(along[toward] < cost)) break;
        double share = solve_pair(cost, along[toward], gram[toward * count + toward]).share;
        double change = (1 - share) * 2 * (1 - weights[toward]); /* |new - old|_1: all weights shrink alike, one takes what they lose */
        if (change < change_to_stop) break; /* the point before the step is the answer, as in Sener and Koltun's code */
        cost = move_toward(count, gram, toward, share, weights, along);
        if (iteration % REFRESH == 0) cost = multiply_gram(count, gram, weights, along);
    }
    return cost;
}
