/* Random recorded networks with everything that a path may meet: gated sums, sites, entangled and elastic slices, kernel transforms,
 * strides, groups, norms of both
 * kinds, values with several readers. With it the inputs, labels and one-hot that they are run on, in both precisions. */
#ifndef FNAS_TESTS_NN_SUPPORT_NETS_H
#define FNAS_TESTS_NN_SUPPORT_NETS_H

#include "base/support.h"

#include "base/random.h"
#include "nn/path.h"

#define NET_IMAGES 5
#define NET_SIDE 8
#define NET_CLASSES 7
#define NET_WIDTH 6
#define NET_ROW 4 /* choices of a gate */

typedef struct test_net {
    fnas_context *context;
    fnas_parameters parameters;
    fnas_net *net;
    int64_t onehot_size;
    fnas_gate site; /* of the last one made; count 0: none yet */
    double *onehot;
    float *images;
    double *images64, *weights64;
    int32_t labels[NET_IMAGES];
    fnas_random random;
} test_net;

/* zeros: some values get nothing but ZERO contributions. */
test_net *test_net_create(fnas_context *context, uint64_t seed, bool zeros);
void test_net_free(test_net *test);

/* Double gradients and loss of the reference, at the given one-hot (NULL: selected). Arrays may be NULL. */
double test_net_reference(test_net *test, const double *onehot, double smoothing, double *weight_gradient, double *gate_gradient);

fnas_path_request test_net_request(test_net *test);

#endif
