/* The Gaussian process against the textbook's formulas, computed with an explicit inverse by Gauss and Jordan. */
#include "base/support.h"

#include <math.h>

#include "base/random.h"
#include "estimate/gaussian_process_internal.h"

enum { FEATURES = 5, LENGTHS = 3, OUTPUTS = 2, OBSERVED = 40, ASKED = 30 };
static const int64_t length_of[FEATURES] = {0, 0, 1, 2, 2};

/* ---- points ---- */

typedef struct points {
    double x[OBSERVED + ASKED][FEATURES], y[OBSERVED + ASKED][OUTPUTS];
} points;

static points draw_points(uint64_t seed) {
    points made;
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 0, 0);
    for (int i = 0; i < OBSERVED + ASKED; i++) {
        for (int f = 0; f < FEATURES; f++) made.x[i][f] = fnas_random_uniform(&random);
        made.y[i][0] = 7 + sin(3 * made.x[i][0]) + made.x[i][2] * made.x[i][2] + 0.02 * fnas_random_normal(&random);
        made.y[i][1] = 100 * made.x[i][0] * made.x[i][2] - 50 + fnas_random_normal(&random);
    }
    return made;
}

static fnas_gp *create(fnas_test_place *place, fnas_gp_kernel kernel) {
    fnas_gp *gp;
    const fnas_gp_shape shape = {kernel, OBSERVED + ASKED, FEATURES, OUTPUTS, LENGTHS, length_of};
    assert_status(FNAS_OK, fnas_gp_create(place->context, &shape, &gp));
    return gp;
}

static void add(fnas_test_place *place, fnas_gp *gp, const points *from, int first, int count) {
    for (int i = first; i < first + count; i++) assert_status(FNAS_OK, fnas_gp_add(place->context, gp, from->x[i], from->y[i]));
}

/* ---- the oracle ---- */

static double oracle_correlation(fnas_gp_kernel kernel, const double *length, const double *a, const double *b) {
    double squared = 0;
    for (int f = 0; f < FEATURES; f++) squared += pow((a[f] - b[f]) / length[length_of[f]], 2);
    double d = sqrt(squared);
    if (kernel == FNAS_GP_RBF) return exp(-squared / 2);
    return (1 + sqrt(5) * d + 5 * squared / 3) * exp(-sqrt(5) * d);
}

typedef struct oracle {
    fnas_gp_kernel kernel;
    const points *from;
    int n;
    const double *length;
    double inverse[OBSERVED + ASKED][OBSERVED + ASKED], log_determinant;
    double mean[OUTPUTS], square[OUTPUTS], ones_inverse_ones;
} oracle;

/* By Gauss and Jordan without pivots: the matrix is positive definite. */
static void invert(oracle *o, double noise) {
    static double left[OBSERVED + ASKED][OBSERVED + ASKED];
    int n = o->n;
    o->log_determinant = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            left[i][j] = oracle_correlation(o->kernel, o->length, o->from->x[i], o->from->x[j]) + (i == j) * noise;
            o->inverse[i][j] = i == j;
        }
    for (int k = 0; k < n; k++) {
        double pivot = left[k][k];
        o->log_determinant += log(pivot);
        for (int j = 0; j < n; j++) left[k][j] /= pivot, o->inverse[k][j] /= pivot;
        for (int i = 0; i < n; i++) {
            double factor = left[i][k];
            if (i == k || factor == 0) continue;
            for (int j = 0; j < n; j++) left[i][j] -= factor * left[k][j], o->inverse[i][j] -= factor * o->inverse[k][j];
        }
    }
}

static double form(const oracle *o, const double *a, const double *b) {
    double sum = 0;
    for (int i = 0; i < o->n; i++)
        for (int j = 0; j < o->n; j++) sum += a[i] * o->inverse[i][j] * b[j];
    return sum;
}

static const oracle *ask_oracle(fnas_gp_kernel kernel, const points *from, int n, const double *length, double noise) {
    static oracle o;
    double ones[OBSERVED + ASKED], y[OBSERVED + ASKED], rest[OBSERVED + ASKED];
    o.kernel = kernel, o.from = from, o.n = n, o.length = length;
    invert(&o, noise);
    for (int i = 0; i < n; i++) ones[i] = 1;
    o.ones_inverse_ones = form(&o, ones, ones);
    for (int t = 0; t < OUTPUTS; t++) {
        for (int i = 0; i < n; i++) y[i] = from->y[i][t];
        o.mean[t] = form(&o, ones, y) / o.ones_inverse_ones;
        for (int i = 0; i < n; i++) rest[i] = y[i] - o.mean[t];
        o.square[t] = form(&o, rest, rest) / n;
    }
    return &o;
}

static void oracle_predict(const oracle *o, const double *x, int t, double *mean, double *variance) {
    double r[OBSERVED + ASKED], rest[OBSERVED + ASKED], ones[OBSERVED + ASKED];
    for (int i = 0; i < o->n; i++) {
        r[i] = oracle_correlation(o->kernel, o->length, o->from->x[i], x);
        rest[i] = o->from->y[i][t] - o->mean[t];
        ones[i] = 1;
    }
    *mean = o->mean[t] + form(o, r, rest);
    *variance = o->square[t] * (1 - form(o, r, r) + pow(1 - form(o, ones, r), 2) / o->ones_inverse_ones);
}

static void agree_with_oracle(const oracle *o, const points *from, int64_t count, const double *means, const double *variances) {
    for (int t = 0; t < OUTPUTS; t++)
        for (int64_t i = 0; i < count; i++) {
            double mean, variance;
            oracle_predict(o, from->x[OBSERVED + i], t, &mean, &variance);
            assert_float_equal(means[t * count + i], mean, 1e-8 * fabs(mean));
            assert_float_equal(variances[t * count + i], variance, 1e-7 * o->square[t]);
        }
}

/* ---- tests ---- */

/* Whole predictions, before and after a fit, for both kernels. */
static void test_predictions(void **state) {
    fnas_test_place *place = *state;
    points from = draw_points(1);
    double means[OUTPUTS * ASKED], variances[OUTPUTS * ASKED];
    for (int kernel = FNAS_GP_MATERN52; kernel <= FNAS_GP_RBF; kernel++) {
        fnas_gp *gp = create(place, (fnas_gp_kernel)kernel);
        add(place, gp, &from, 0, OBSERVED);
        for (int fitted = 0; fitted < 2; fitted++) {
            if (fitted) assert_status(FNAS_OK, fnas_gp_fit(place->context, gp));
            assert_status(FNAS_OK, fnas_gp_predict(place->context, gp, ASKED, from.x[OBSERVED], means, variances));
            agree_with_oracle(ask_oracle((fnas_gp_kernel)kernel, &from, OBSERVED, gp->length, gp->noise), &from, ASKED, means, variances);
        }
        fnas_gp_free(gp);
    }
}

/* After each new observation and after refits, a pool says what the formulas say of all observations so far. */
static void test_pool_follows(void **state) {
    fnas_test_place *place = *state;
    points from = draw_points(2);
    double means[OUTPUTS * ASKED], variances[OUTPUTS * ASKED];
    fnas_gp *gp = create(place, FNAS_GP_MATERN52);
    fnas_gp_pool *pool;
    assert_status(FNAS_OK, fnas_gp_pool_create(place->context, gp, ASKED, from.x[OBSERVED], &pool));
    for (int n = 1; n <= OBSERVED; n++) {
        add(place, gp, &from, n - 1, 1);
        if (n == 15 || n == 30) assert_status(FNAS_OK, fnas_gp_fit(place->context, gp));
        if (n % 7 == 3) continue; /* so that two come at once */
        fnas_gp_pool_follow(pool);
        for (int t = 0; t < OUTPUTS; t++) fnas_gp_pool_predict(pool, t, means + t * ASKED, variances + t * ASKED);
        if (n > 1) agree_with_oracle(ask_oracle(FNAS_GP_MATERN52, &from, n, gp->length, gp->noise), &from, ASKED, means, variances);
    }
    fnas_gp_pool_free(pool);
    fnas_gp_free(gp);
}

/* More points than predict takes at a time. */
static void test_many_points(void **state) {
    enum { MANY = 2500 };
    fnas_test_place *place = *state;
    points from = draw_points(3);
    static double x[MANY][FEATURES], means[OUTPUTS * MANY], variances[OUTPUTS * MANY];
    fnas_gp *gp = create(place, FNAS_GP_RBF);
    add(place, gp, &from, 0, OBSERVED);
    for (int i = 0; i < MANY; i++) memcpy(x[i], from.x[OBSERVED + i % ASKED], sizeof x[i]);
    assert_status(FNAS_OK, fnas_gp_predict(place->context, gp, MANY, x[0], means, variances));
    const oracle *o = ask_oracle(FNAS_GP_RBF, &from, OBSERVED, gp->length, gp->noise);
    for (int i = 0; i < MANY; i += 499) {
        double mean, variance;
        oracle_predict(o, x[i], 1, &mean, &variance);
        assert_float_equal(means[MANY + i], mean, 1e-8 * fabs(mean));
        assert_float_equal(variances[MANY + i], variance, 1e-7 * o->square[1]);
    }
    fnas_gp_free(gp);
}

/* The loss between two places, with the priors' formulas written out. */
static double oracle_loss(const oracle *o, const points *from, const double *logs) {
    double typical = 0, loss = o->log_determinant / 2;
    for (int i = 0; i < o->n; i++)
        for (int j = 0; j < o->n; j++)
            for (int f = 0; f < FEATURES; f++) typical += pow(from->x[i][f] - from->x[j][f], 2) / (o->n * o->n);
    for (int t = 0; t < OUTPUTS; t++) loss += o->n * log(o->square[t]) / (2 * OUTPUTS);
    for (int g = 0; g < LENGTHS; g++) loss += pow((logs[g] - log(sqrt(typical))) / 1.5, 2) / 2;
    return loss + pow((logs[LENGTHS] - log(1e-3)) / 2, 2) / 2;
}

static void test_loss_and_gradient(void **state) {
    fnas_test_place *place = *state;
    points from = draw_points(4);
    static const double places[][LENGTHS + 1] = {{0, 0.3, -0.4, -5}, {-0.5, 1, 0.7, -2}};
    for (int kernel = FNAS_GP_MATERN52; kernel <= FNAS_GP_RBF; kernel++) {
        fnas_gp *gp = create(place, (fnas_gp_kernel)kernel);
        add(place, gp, &from, 0, OBSERVED);
        for (size_t p = 0; p < 2; p++) {
            double logs[LENGTHS + 1], length[LENGTHS], value, gradient[LENGTHS + 1], ignored[LENGTHS + 1], above, below;
            memcpy(logs, places[p], sizeof logs);
            for (int g = 0; g < LENGTHS; g++) length[g] = exp(logs[g]);
            assert_status(FNAS_OK, fnas_gp_loss(place->context, gp, logs, &value, gradient));
            const oracle *o = ask_oracle((fnas_gp_kernel)kernel, &from, OBSERVED, length, FNAS_GP_NOISE_FLOOR + exp(logs[LENGTHS]));
            assert_float_equal(value, oracle_loss(o, &from, logs), 1e-8 * fabs(value));
            for (int g = 0; g <= LENGTHS; g++) {
                const double step = 1e-5; /* error of the difference: step^2 and 1e-16 * value / step */
                logs[g] = places[p][g] + step;
                assert_status(FNAS_OK, fnas_gp_loss(place->context, gp, logs, &above, ignored));
                logs[g] = places[p][g] - step;
                assert_status(FNAS_OK, fnas_gp_loss(place->context, gp, logs, &below, ignored));
                logs[g] = places[p][g];
                assert_float_equal(gradient[g], (above - below) / (2 * step), 1e-5 * (1 + fabs(gradient[g])));
            }
        }
        fnas_gp_free(gp);
    }
}

/* A fit stands where the gradient is small and no start is lower; what the targets do not depend on gets the longest length. */
static void test_fit(void **state) {
    fnas_test_place *place = *state;
    points from = draw_points(5);
    fnas_gp *gp = create(place, FNAS_GP_MATERN52);
    double logs[LENGTHS + 1], value, lower, gradient[LENGTHS + 1];
    add(place, gp, &from, 0, OBSERVED);
    assert_status(FNAS_OK, fnas_gp_fit(place->context, gp));
    for (int g = 0; g < LENGTHS; g++) logs[g] = log(gp->length[g]);
    logs[LENGTHS] = log(gp->noise - FNAS_GP_NOISE_FLOOR);
    assert_status(FNAS_OK, fnas_gp_loss(place->context, gp, logs, &value, gradient));
    for (int g = 0; g <= LENGTHS; g++)
        if (fabs(gradient[g]) > 0.1) fail_msg("gradient %d is %g", g, gradient[g]);
    assert_true(gp->length[2] > 2 * gp->length[0] && gp->length[2] > 2 * gp->length[1]);
    for (int start = -3; start <= 1; start++) {
        const double other[LENGTHS + 1] = {start, start, start, -6.9};
        assert_status(FNAS_OK, fnas_gp_loss(place->context, gp, other, &lower, gradient));
        assert_true(lower > value);
    }
    int64_t fits = gp->fits;
    assert_status(FNAS_OK, fnas_gp_fit(place->context, gp));
    assert_int_equal(gp->fits, fits + 1);
    for (int g = 0; g < LENGTHS; g++) assert_float_equal(log(gp->length[g]), logs[g], 0.05);
    fnas_gp_free(gp);
}

/* Noise is found: targets of pure noise are explained by nothing. */
static void test_noise_is_found(void **state) {
    fnas_test_place *place = *state;
    points from = draw_points(6);
    fnas_random random = fnas_random_begin(7, FNAS_STREAM_TEST, 0, 0);
    for (int i = 0; i < OBSERVED; i++)
        for (int t = 0; t < OUTPUTS; t++) from.y[i][t] = fnas_random_normal(&random);
    fnas_gp *noisy = create(place, FNAS_GP_MATERN52), *smooth = create(place, FNAS_GP_MATERN52);
    points even = draw_points(6);
    add(place, noisy, &from, 0, OBSERVED);
    add(place, smooth, &even, 0, OBSERVED);
    assert_status(FNAS_OK, fnas_gp_fit(place->context, noisy));
    assert_status(FNAS_OK, fnas_gp_fit(place->context, smooth));
    double mean[OUTPUTS], variance[OUTPUTS];
    assert_status(FNAS_OK, fnas_gp_predict(place->context, smooth, 1, from.x[OBSERVED], mean, variance));
    assert_true(variance[0] < 0.05 * 0.5); /* the sine and the square vary by about 0.5 */
    assert_true(smooth->noise < 0.05);
    assert_true(noisy->noise > 0.2 || noisy->length[0] < 0.3);
    fnas_gp_free(noisy);
    fnas_gp_free(smooth);
}

/* Equal points, equal targets, a single observation: finite answers. */
static void test_degenerate(void **state) {
    fnas_test_place *place = *state;
    points from = draw_points(8);
    double means[OUTPUTS * ASKED], variances[OUTPUTS * ASKED];
    fnas_gp *gp = create(place, FNAS_GP_MATERN52);
    for (int i = 0; i < OBSERVED; i++) {
        memcpy(from.x[i], from.x[i % 3], sizeof from.x[i]);
        from.y[i][0] = from.y[i][1] = 0.1;
        add(place, gp, &from, i, 1);
        if (i % 13 == 0) assert_status(FNAS_OK, fnas_gp_fit(place->context, gp));
        assert_status(FNAS_OK, fnas_gp_predict(place->context, gp, ASKED, from.x[OBSERVED], means, variances));
        for (int k = 0; k < OUTPUTS * ASKED; k++) {
            assert_float_equal(means[k], 0.1, 1e-9);
            assert_true(variances[k] >= 0 && variances[k] < 1e-9);
        }
    }
    fnas_gp_free(gp);
}

static void test_bad_input(void **state) {
    fnas_test_place *place = *state;
    points from = draw_points(9);
    fnas_gp *gp;
    double value, gradient[LENGTHS + 1], logs[LENGTHS + 1] = {0};
    assert_status(FNAS_ERR_UNSUPPORTED, fnas_gp_create(place->context, &(fnas_gp_shape){.capacity = 5000, .features = 1}, &gp));
    assert_message("possible are 1 to 4096");
    assert_null(gp);
    assert_status(FNAS_OK, fnas_gp_create(place->context, &(fnas_gp_shape){FNAS_GP_RBF, 1, FEATURES, OUTPUTS, 1, NULL}, &gp));
    assert_status(FNAS_ERR_INPUT, fnas_gp_fit(place->context, gp));
    assert_status(FNAS_ERR_INPUT, fnas_gp_loss(place->context, gp, logs, &value, gradient));
    assert_status(FNAS_ERR_INPUT, fnas_gp_predict(place->context, gp, 1, from.x[0], &value, &value));
    assert_status(FNAS_ERR_INPUT, fnas_gp_add(place->context, gp, from.x[0], (double[]){1, NAN}));
    assert_message("not finite");
    assert_status(FNAS_OK, fnas_gp_add(place->context, gp, from.x[0], from.y[0]));
    assert_status(FNAS_ERR_INPUT, fnas_gp_add(place->context, gp, from.x[1], from.y[1]));
    assert_message("has them all");
    fnas_gp_free(gp);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_predictions),       fnas_test(test_pool_follows), fnas_test(test_many_points),
                                       fnas_test(test_loss_and_gradient), fnas_test(test_fit),          fnas_test(test_noise_is_found),
                                       fnas_test(test_degenerate),        fnas_test(test_bad_input)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
