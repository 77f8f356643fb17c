/* The table of operator cases: correctness (tests/compute/test_operators.c), instruction sets (test_isa.c) and speed (fleetnas bench) all
 * go through it. */
#ifndef FNAS_COMPUTE_CHECK_CASES_H
#define FNAS_COMPUTE_CHECK_CASES_H

#include "compute/ops.h"

/* In this order: families are ranges. */
typedef enum fnas_operator_kind {
    FNAS_OPERATOR_CONV_FORWARD,
    FNAS_OPERATOR_CONV_BACKWARD_DATA,
    FNAS_OPERATOR_CONV_BACKWARD_WEIGHTS,
    FNAS_OPERATOR_NORM_STATISTICS,
    FNAS_OPERATOR_NORM_FORWARD,
    FNAS_OPERATOR_NORM_BACKWARD,
    FNAS_OPERATOR_RELU_FORWARD,
    FNAS_OPERATOR_RELU_BACKWARD,
    FNAS_OPERATOR_HARD_SWISH_FORWARD,
    FNAS_OPERATOR_HARD_SWISH_BACKWARD,
    FNAS_OPERATOR_CHANNEL_SCALE_FORWARD,
    FNAS_OPERATOR_CHANNEL_SCALE_BACKWARD,
    FNAS_OPERATOR_ADD,
    FNAS_OPERATOR_GATE_FORWARD,
    FNAS_OPERATOR_GATE_BACKWARD,
    FNAS_OPERATOR_DOT,
    FNAS_OPERATOR_SUM,
    FNAS_OPERATOR_POOL_FORWARD,
    FNAS_OPERATOR_POOL_BACKWARD,
    FNAS_OPERATOR_GLOBAL_POOL_FORWARD,
    FNAS_OPERATOR_GLOBAL_POOL_BACKWARD,
    FNAS_OPERATOR_LINEAR_FORWARD,
    FNAS_OPERATOR_LINEAR_BACKWARD,
    FNAS_OPERATOR_CROSS_ENTROPY
} fnas_operator_kind;

typedef struct fnas_matrix_shape {
    int64_t n, in, out; /* cross entropy: n images, `out` classes */
} fnas_matrix_shape;

typedef struct fnas_operator_case {
    fnas_operator_kind kind;
    bool accumulate;
    bool bias; /* bias of convolution and linear, gamma and beta of a norm, smoothing of cross entropy */
    fnas_conv_shape conv;
    fnas_shape plane;
    fnas_pool_shape pool;
    fnas_matrix_shape matrix;
} fnas_operator_case; /* of the four shapes, that of its kind */

bool fnas_case_is_conv(const fnas_operator_case *c);
bool fnas_case_is_channel_scale(const fnas_operator_case *c);
bool fnas_case_is_pool(const fnas_operator_case *c); /* over windows */
bool fnas_case_is_matrix(const fnas_operator_case *c);

/* "conv_forward n2 c16 8x8 o16 k3x3 s1 p1 g1 bias": what a filter of the benchmark is matched with. */
#define FNAS_CASE_NAME_BYTES 200
void fnas_case_name(const fnas_operator_case *c, char *name, size_t size_bytes);

/* The shapes that cases are made of. */
typedef struct fnas_case_shapes {
    const fnas_conv_shape *convs;
    const fnas_shape *planes;
    const fnas_pool_shape *pools;
    const fnas_matrix_shape *matrices;
    int64_t conv_count, plane_count, pool_count, matrix_count;
} fnas_case_shapes;
extern const fnas_case_shapes fnas_case_shapes_small; /* each corner of each operator, for tests */
extern const fnas_case_shapes fnas_case_shapes_large; /* layers of NAS-Bench-201 and MobileNetV3 at the batch of a search, for timing */

/* Each operator on each shape, with and without what is optional; always in the same order. */
typedef struct fnas_case_list {
    fnas_operator_case *cases; /* owned */
    int64_t count;
} fnas_case_list;

/* Small shapes, or large ones, or both, the small first. FNAS_ERR_MEMORY leaves an empty list. */
FNAS_NODISCARD fnas_status fnas_case_list_create(fnas_context *context, bool small, bool large, fnas_case_list *list);
void fnas_case_list_free(fnas_case_list *list); /* an empty one is allowed */

#endif
