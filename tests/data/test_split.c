#include "base/support.h"

#include <math.h>

#include "data/dataset.h"

static fnas_dataset *open_set(fnas_test_place *place, int64_t images) {
    fnas_dataset *dataset;
    char spec[64];
    snprintf(spec, sizeof spec, "synthetic:1x4x4,images=%lld", (long long)images);
    assert_status(FNAS_OK, fnas_dataset_open(place->context, spec, &dataset));
    return dataset;
}

static void parts_are_disjoint_and_complete(void **state) {
    fnas_test_place *place = *state;
    static const double fractions[][2] = {{0.5, 0.25}, {0.45, 0.45}, {0.7, 0.1}, {0.01, 0.01}, {0.333, 0.333}};
    static const int64_t counts[] = {1000, 997, 103};
    for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
        for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
            fnas_dataset *dataset = open_set(place, counts[n]);
            fnas_split *split;
            unsigned char seen[1000] = {0};
            int64_t sizes[3];
            assert_status(FNAS_OK, fnas_split_create(place->context, dataset, 1, fractions[f][0], fractions[f][1], &split));
            for (int kind = 0; kind < 3; kind++) {
                const int64_t *part = fnas_split_part(split, (fnas_split_kind)kind, &sizes[kind]);
                for (int64_t i = 0; i < sizes[kind]; i++) {
                    assert_in_range(part[i], 0, counts[n] - 1);
                    assert_int_equal(seen[part[i]]++, 0);
                }
            }
            assert_int_equal(sizes[0], (int64_t)(fractions[f][0] * (double)counts[n]));
            assert_int_equal(sizes[1], (int64_t)(fractions[f][1] * (double)counts[n]));
            assert_int_equal(sizes[0] + sizes[1] + sizes[2], counts[n]);
            fnas_split_free(split);
            fnas_dataset_close(dataset);
        }
    }
    fnas_split_free(NULL);
}

/* Also with classes of unequal size. */
static void classes_keep_their_proportions(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset = open_set(place, 1000);
    int64_t of_class[10] = {0};
    for (int i = 0; i < 1000; i++) dataset->train.labels[i] = (int32_t)(10 * pow(i / 1000.0, 2)); /* 316 of the first, 51 of the last */
    for (int i = 0; i < 1000; i++) of_class[dataset->train.labels[i]]++;
    fnas_split *split;
    assert_status(FNAS_OK, fnas_split_create(place->context, dataset, 1, 0.5, 0.3, &split));
    static const double shares[3] = {0.5, 0.3, 0.2};
    for (int kind = 0; kind < 3; kind++) {
        int64_t size, counts[10] = {0};
        const int64_t *part = fnas_split_part(split, (fnas_split_kind)kind, &size);
        for (int64_t i = 0; i < size; i++) counts[dataset->train.labels[part[i]]]++;
        for (int c = 0; c < 10; c++) assert_true(fabs((double)counts[c] - shares[kind] * (double)of_class[c]) <= 2);
    }
    fnas_split_free(split);
    fnas_dataset_close(dataset);
}

static void splits_are_drawn_by_the_seed(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset = open_set(place, 1000);
    fnas_split *a, *b, *c;
    assert_status(FNAS_OK, fnas_split_create(place->context, dataset, 1, 0.5, 0.25, &a));
    assert_status(FNAS_OK, fnas_split_create(place->context, dataset, 1, 0.5, 0.25, &b));
    assert_status(FNAS_OK, fnas_split_create(place->context, dataset, 2, 0.5, 0.25, &c));
    for (int kind = 0; kind < 3; kind++) {
        int64_t size, ascending = 0;
        const int64_t *of_a = fnas_split_part(a, (fnas_split_kind)kind, &size), *of_b = fnas_split_part(b, (fnas_split_kind)kind, &size);
        assert_memory_equal(of_a, of_b, (size_t)size * sizeof *of_a);
        assert_memory_not_equal(of_a, fnas_split_part(c, (fnas_split_kind)kind, &size), (size_t)size * sizeof *of_a);
        for (int64_t i = 1; i < size; i++) ascending += of_a[i] > of_a[i - 1];
        assert_in_range(ascending, size * 2 / 5, size * 3 / 5); /* in random order: half, within 3 deviations of sqrt(size / 12) */
    }
    fnas_split_free(a);
    fnas_split_free(b);
    fnas_split_free(c);
    fnas_dataset_close(dataset);
}

static void empty_parts_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset = open_set(place, 100);
    static const double fractions[][2] = {{0, 0.5},   {0.5, 0},     {0.5, 0.5},   {0.9, 0.2},     {-1, 0.5},
                                          {NAN, 0.5}, {0.001, 0.5}, {0.5, 0.001}, {INFINITY, 0.1}};
    for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++) {
        fnas_split *split;
        assert_status(FNAS_ERR_INPUT, fnas_split_create(place->context, dataset, 1, fractions[i][0], fractions[i][1], &split));
        assert_message("their sum below 1");
        assert_null(split);
    }
    fnas_dataset_close(dataset);
}

static void epochs_are_permutations(void **state) {
    fnas_test_place *place = *state;
    enum { n = 100 };
    fnas_epoch_order *order, *resumed;
    int64_t first[n], second[n];
    assert_status(FNAS_OK, fnas_epoch_order_create(place->context, 7, 0, n, &order));
    for (int epoch = 0; epoch < 5; epoch++) {
        unsigned char seen[n] = {0};
        for (int i = 0; i < n; i++) {
            int64_t at = fnas_epoch_order_at(order, epoch * n + i);
            assert_in_range(at, 0, n - 1);
            assert_int_equal(seen[at]++, 0);
            if (epoch == 3) first[i] = at;
            if (epoch == 4) second[i] = at;
        }
    }
    assert_memory_not_equal(first, second, sizeof first);
    /* from the middle, and backwards, without what went before */
    assert_status(FNAS_OK, fnas_epoch_order_create(place->context, 7, 0, n, &resumed));
    for (int i = 2 * n - 1; i >= 0; i--) assert_int_equal(fnas_epoch_order_at(resumed, 3 * n + i), i < n ? first[i] : second[i - n]);
    fnas_epoch_order_free(resumed);
    fnas_epoch_order_free(order);

    assert_status(FNAS_OK, fnas_epoch_order_create(place->context, 7, 1, n, &order));
    for (int i = 0; i < n; i++) second[i] = fnas_epoch_order_at(order, 3 * n + i);
    assert_memory_not_equal(first, second, sizeof first);
    fnas_epoch_order_free(order);
    fnas_epoch_order_free(NULL);
    assert_status(FNAS_ERR_USAGE, fnas_epoch_order_create(place->context, 7, 0, 0, &order));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(parts_are_disjoint_and_complete), fnas_test(classes_keep_their_proportions), fnas_test(splits_are_drawn_by_the_seed),
        fnas_test(empty_parts_are_refused),         fnas_test(epochs_are_permutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
