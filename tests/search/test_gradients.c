/* The devices' gradients as few numbers: against dense arrays that know nothing of them. */
#include "base/support.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "search/gradients.h"

enum { DEVICES = 3, ITEMS = 12, EMBEDDING = 10, OUTPUTS_MOST = 300 };

static const fnas_hypernet_shape shapes[] = {{FNAS_HYPERNET_TABLE, 2, EMBEDDING, 30},
                                             {FNAS_HYPERNET_TABLE, 3, EMBEDDING, 7},
                                             {FNAS_HYPERNET_CONTINUOUS, 2, EMBEDDING, 30},
                                             {FNAS_HYPERNET_CONTINUOUS, 3, EMBEDDING, OUTPUTS_MOST}};

typedef struct made {
    fnas_gradients gradients;
    double *dense;   /* [DEVICES][length] */
    double *largest; /* [DEVICES]: length of the longest item's */
} made;

/* Items of all devices, some at the ends and on the rows of the table. */
static void add_items(const fnas_hypernet_shape *shape, uint64_t round, made *m) {
    double preferences[ITEMS][3], embeddings[ITEMS][EMBEDDING], logits[ITEMS * OUTPUTS_MOST], diff[OUTPUTS_MOST];
    int64_t length = fnas_hypernet_parameter_count(shape), workspace_floats = fnas_hypernet_workspace_floats(shape, 1);
    float *parameters = fnas_allocate((size_t)length, sizeof *parameters), *item = fnas_allocate((size_t)length, sizeof *item);
    float *workspace = fnas_allocate((size_t)(ITEMS * workspace_floats), sizeof *workspace);
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, (int64_t)round, 0);
    static const double firsts[] = {0, 1, 0.25, 0.5};
    for (int64_t i = 0; i < ITEMS; i++) {
        double *r = preferences[0] + i * shape->objectives;
        r[0] = i < 4 ? firsts[i] : fnas_random_uniform(&random);
        r[1] = shape->objectives == 2 ? 1 - r[0] : (1 - r[0]) * fnas_random_uniform(&random);
        if (shape->objectives == 3) r[2] = 1 - r[0] - r[1];
        for (int64_t e = 0; e < EMBEDDING; e++) embeddings[i][e] = i < DEVICES ? fnas_random_uniform(&random) : embeddings[i % DEVICES][e];
    }
    fnas_hypernet_randomise(shape, 4, parameters);
    fnas_hypernet_forward(shape, parameters, ITEMS, preferences[0], embeddings[0], workspace, logits);
    for (int64_t t = 0; t < DEVICES; t++) fnas_gradients_begin(&m->gradients, t, embeddings[t]);
    memset(m->dense, 0, (size_t)(DEVICES * length) * sizeof *m->dense);
    memset(m->largest, 0, DEVICES * sizeof *m->largest);
    for (int64_t i = 0; i < ITEMS; i++) {
        int64_t t = i % DEVICES;
        double square = 0;
        for (int64_t o = 0; o < shape->outputs; o++) diff[o] = fnas_random_normal(&random);
        const double *preference = preferences[0] + i * shape->objectives;
        fnas_gradients_add(&m->gradients, t, parameters, preference, workspace + i * workspace_floats, diff);
        memset(item, 0, (size_t)length * sizeof *item);
        fnas_hypernet_backward(shape, parameters, i, preferences[0], embeddings[0], workspace, diff, item);
        for (int64_t k = 0; k < length; k++) {
            m->dense[t * length + k] += item[k];
            square += (double)item[k] * item[k];
        }
        m->largest[t] = fmax(m->largest[t], sqrt(square));
    }
    for (int64_t t = 0; t < DEVICES; t++) fnas_gradients_settle(&m->gradients, t, parameters);
    fnas_free(parameters);
    fnas_free(item);
    fnas_free(workspace);
}

/* Every number is a sum of at most ITEMS / DEVICES floats, each off by a few roundings relative to itself. */
static const double float_bound = 4e-7;

/* One gradient alone: whatever was in the direction before is gone. */
static void check_values(made *m) {
    int64_t length = m->gradients.length;
    const double one = 1;
    for (int64_t t = 0; t < DEVICES; t++) {
        const float *values = fnas_gradients_combine(&m->gradients, t, 1, &one);
        for (int64_t k = 0; k < length; k++) {
            double bound = float_bound * (ITEMS / DEVICES) * m->largest[t];
            if (m->dense[t * length + k] == 0) assert_true(values[k] == 0);
            assert_true(fabs(values[k] - m->dense[t * length + k]) <= bound);
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
            double sum = 0, bound = float_bound * (ITEMS / DEVICES) * m->largest[i] * m->largest[j] * (ITEMS / DEVICES);
            for (int64_t k = 0; k < length; k++) sum += m->dense[i * length + k] * m->dense[j * length + k];
            assert_true(fabs(gram[i * DEVICES + j] - sum) <= bound);
            assert_true(gram[i * DEVICES + j] == gram[j * DEVICES + i]);
            if (i > 0 && j > 0) assert_true(pair[(i - 1) * 2 + j - 1] == gram[i * DEVICES + j]);
        }
    }
}

static void check_combination(made *m) {
    const double weights[DEVICES] = {0.5, -2, 0.25};
    int64_t length = m->gradients.length;
    const float *sum = fnas_gradients_combine(&m->gradients, 0, DEVICES, weights);
    for (int64_t k = 0; k < length; k++) {
        double expected = 0, bound = 0;
        for (int64_t t = 0; t < DEVICES; t++) {
            expected += weights[t] * m->dense[t * length + k];
            bound += float_bound * (ITEMS / DEVICES) * fabs(weights[t]) * m->largest[t];
        }
        assert_true(fabs(sum[k] - expected) <= bound);
    }
}

static void test_sums(void **state) {
    fnas_test_place *place = *state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        made m;
        assert_int_equal(fnas_gradients_create(place->context, &shapes[s], DEVICES, &m.gradients), FNAS_OK);
        m.dense = fnas_allocate((size_t)(DEVICES * m.gradients.length), sizeof *m.dense);
        m.largest = fnas_allocate(DEVICES, sizeof *m.largest);
        for (uint64_t round = 0; round < 3; round++) {
            add_items(&shapes[s], round, &m);
            check_values(&m);
            check_gram(&m);
            check_combination(&m);
        }
        fnas_free(m.dense);
        fnas_free(m.largest);
        fnas_gradients_free(&m.gradients);
    }
}

/* Logits and what the backward needs do not depend on who is in the batch. */
static void test_one_by_one(void **state) {
    (void)state;
    enum { MANY = 200 };
    static double preferences[MANY][3], embeddings[MANY][EMBEDDING], logits[MANY * OUTPUTS_MOST], alone[OUTPUTS_MOST];
    fnas_random random = fnas_random_begin(5, FNAS_STREAM_TEST, 0, 0);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const fnas_hypernet_shape *shape = &shapes[s];
        int64_t floats = fnas_hypernet_workspace_floats(shape, 1);
        float *parameters = fnas_allocate((size_t)fnas_hypernet_parameter_count(shape), sizeof *parameters);
        float *workspace = fnas_allocate((size_t)(MANY * floats), sizeof *workspace);
        float *own = fnas_allocate((size_t)floats, sizeof *own);
        fnas_hypernet_randomise(shape, 4, parameters);
        for (int64_t i = 0; i < MANY; i++) {
            fnas_random_simplex(&random, shape->objectives, preferences[0] + i * shape->objectives);
            for (int64_t e = 0; e < EMBEDDING; e++)
                embeddings[i][e] = i < 7 || i % 11 == 0 ? fnas_random_uniform(&random) : embeddings[i - 7][e];
        }
        fnas_hypernet_forward(shape, parameters, MANY, preferences[0], embeddings[0], workspace, logits);
        for (int64_t i = 0; i < MANY; i++) {
            fnas_hypernet_forward(shape, parameters, 1, preferences[0] + i * shape->objectives, embeddings[i], own, alone);
            assert_memory_equal(alone, logits + i * shape->outputs, (size_t)shape->outputs * sizeof(double));
            assert_memory_equal(own, workspace + i * floats, (size_t)floats * sizeof(float));
        }
        fnas_free(parameters);
        fnas_free(workspace);
        fnas_free(own);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_sums), fnas_test(test_one_by_one)};
    return cmocka_run_group_tests_name("gradients", tests, NULL, NULL);
}
