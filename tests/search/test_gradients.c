/* Gradients in blocks: against dense arrays that know nothing of them. */
#include "base/support.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "search/gradients.h"

enum { DEVICES = 3, ITEMS = 12 };

static const fnas_hypernet_shape shapes[] = {
    {FNAS_HYPERNET_TABLE, 2, 10, 30}, {FNAS_HYPERNET_TABLE, 3, 10, 7}, {FNAS_HYPERNET_CONTINUOUS, 2, 10, 30}};

typedef struct made {
    fnas_gradients gradients;
    float *dense; /* [DEVICES][length] */
} made;

/* Items of all devices, some at the ends and on the rows of the table. */
static void add_items(const fnas_hypernet_shape *shape, uint64_t round, made *m) {
    double preferences[ITEMS][3], embeddings[ITEMS][10], logits[ITEMS][30], diff[30];
    int64_t length = fnas_hypernet_parameter_count(shape);
    float *parameters = fnas_allocate((size_t)length, sizeof *parameters);
    float *workspace = fnas_allocate((size_t)fnas_hypernet_workspace_floats(shape, ITEMS), sizeof *workspace);
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, (int64_t)round, 0);
    static const double firsts[] = {0, 1, 0.25, 0.5};
    for (int64_t i = 0; i < ITEMS; i++) {
        double *r = preferences[0] + i * shape->objectives;
        r[0] = i < 4 ? firsts[i] : fnas_random_uniform(&random);
        r[1] = shape->objectives == 2 ? 1 - r[0] : (1 - r[0]) * fnas_random_uniform(&random);
        if (shape->objectives == 3) r[2] = 1 - r[0] - r[1];
        for (int64_t e = 0; e < 10; e++) embeddings[i][e] = fnas_random_uniform(&random);
    }
    fnas_hypernet_randomise(shape, 4, parameters);
    fnas_hypernet_forward(shape, parameters, ITEMS, preferences[0], embeddings[0], workspace, logits[0]);
    for (int64_t t = 0; t < DEVICES; t++) fnas_gradients_clear(&m->gradients, t);
    memset(m->dense, 0, (size_t)(DEVICES * length) * sizeof *m->dense);
    for (int64_t i = 0; i < ITEMS; i++) {
        for (int64_t o = 0; o < shape->outputs; o++) diff[o] = fnas_random_normal(&random);
        fnas_hypernet_touch(shape, preferences[0] + i * shape->objectives, fnas_gradients_touched(&m->gradients, i % DEVICES));
        fnas_hypernet_backward(shape, parameters, i, preferences[0], embeddings[0], workspace, diff,
                               fnas_gradients_values(&m->gradients, i % DEVICES));
        fnas_hypernet_backward(shape, parameters, i, preferences[0], embeddings[0], workspace, diff, m->dense + i % DEVICES * length);
    }
    fnas_free(parameters);
    fnas_free(workspace);
}

/* Whatever was there before: a cleared gradient is 0 everywhere, so that no block that is not marked holds anything. */
static void check_values(const made *m) {
    const fnas_gradients *g = &m->gradients;
    assert_memory_equal(g->values, m->dense, (size_t)(DEVICES * g->length) * sizeof(float));
    for (int64_t t = 0; t < DEVICES; t++) {
        for (int64_t b = 0; b < g->block_count; b++) {
            if (fnas_gradients_touched(g, t)[b]) continue;
            for (int64_t i = 0; i < g->blocks[b].count; i++) assert_true(m->dense[t * g->length + g->blocks[b].offset + i] == 0);
        }
    }
}

static void check_gram(const made *m) {
    double gram[DEVICES * DEVICES], pair[4];
    int64_t length = m->gradients.length;
    fnas_gradients_gram(&m->gradients, 0, DEVICES, gram);
    fnas_gradients_gram(&m->gradients, 1, 2, pair);
    for (int64_t i = 0; i < DEVICES; i++) {
        for (int64_t j = 0; j < DEVICES; j++) {
            double sum = 0, size = 0;
            for (int64_t k = 0; k < length; k++) {
                double product = (double)m->dense[i * length + k] * m->dense[j * length + k];
                sum += product;
                size += fabs(product);
            }
            assert_true(fabs(gram[i * DEVICES + j] - sum) <= 1e-12 * size);
            assert_true(gram[i * DEVICES + j] == gram[j * DEVICES + i]);
            if (i > 0 && j > 0) assert_true(pair[(i - 1) * 2 + j - 1] == gram[i * DEVICES + j]);
        }
    }
}

static void check_combination(made *m) {
    const double weights[DEVICES] = {0.5, -2, 0.25}; /* exact in float */
    int64_t length = m->gradients.length;
    const float *sum = fnas_gradients_combine(&m->gradients, 0, DEVICES, weights);
    for (int64_t k = 0; k < length; k++) {
        double expected = 0, size = 0;
        for (int64_t t = 0; t < DEVICES; t++) {
            expected += weights[t] * m->dense[t * length + k];
            size += fabs(weights[t] * m->dense[t * length + k]);
        }
        assert_true(fabs(sum[k] - expected) <= 4e-7 * size);
    }
}

static void test_blocks(void **state) {
    fnas_test_place *place = *state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        made m;
        assert_int_equal(fnas_gradients_create(place->context, &shapes[s], DEVICES, &m.gradients), FNAS_OK);
        m.dense = fnas_allocate((size_t)(DEVICES * m.gradients.length), sizeof *m.dense);
        int64_t end = 0;
        for (int64_t b = 0; b < m.gradients.block_count; b++) { /* they cover the parameters, in order */
            assert_int_equal(m.gradients.blocks[b].offset, end);
            end += m.gradients.blocks[b].count;
        }
        assert_int_equal(end, m.gradients.length);
        for (uint64_t round = 0; round < 3; round++) {
            add_items(&shapes[s], round, &m);
            check_values(&m);
            check_gram(&m);
            check_combination(&m);
        }
        fnas_free(m.dense);
        fnas_gradients_free(&m.gradients);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_blocks)};
    return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
