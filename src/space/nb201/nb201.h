/* NAS-Bench-201 (Dong and Yang 2020): six edges among four nodes of a cell, five operations each, a fixed skeleton of three stages around
 * it. */
#ifndef FNAS_SPACE_NB201_NB201_H
#define FNAS_SPACE_NB201_NB201_H

#include "space/space.h"

#define FNAS_NB201_EDGES 6
#define FNAS_NB201_NODES 4
#define FNAS_NB201_OPS 5
#define FNAS_NB201_STAGES 3

typedef enum fnas_nb201_op { FNAS_NB201_NONE, FNAS_NB201_SKIP, FNAS_NB201_CONV1, FNAS_NB201_CONV3, FNAS_NB201_POOL } fnas_nb201_op;

/* Edge e goes from node source[e] to node target[e]; ordered by target, then by source. */
extern const int fnas_nb201_source[FNAS_NB201_EDGES], fnas_nb201_target[FNAS_NB201_EDGES];
extern const char *const fnas_nb201_op_names[FNAS_NB201_OPS + 1]; /* NULL-terminated */

typedef struct fnas_nb201 {
    int64_t channels, cells, classes;
    int64_t image[3]; /* C, H, W */
} fnas_nb201;

/* Channels and the height and width of stage 0, 1 or 2: each reduction doubles the first and halves the others. */
fnas_value_shape fnas_nb201_stage_shape(const fnas_nb201 *nb201, int64_t stage);

/* cell.c: "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|" both ways. */
fnas_status fnas_nb201_parse(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices);
fnas_status fnas_nb201_format(fnas_context *context, const fnas_space *space, const int32_t *choices, char *text, size_t size_bytes);

/* count.c */
int64_t fnas_nb201_macs(const fnas_space *space, const int32_t *choices);
int64_t fnas_nb201_params(const fnas_space *space, const int32_t *choices);

/* supernet.c. What cannot matter is left out of a recording, exactly (see there); complete: everything is recorded all the same, for tests.
 */
fnas_status fnas_nb201_declare(fnas_context *context, const fnas_space *space, fnas_parameters *parameters);
fnas_status fnas_nb201_record(fnas_context *context, const fnas_space *space, const int32_t *choices, fnas_net **net);
fnas_status fnas_nb201_record_as(fnas_context *context, const fnas_space *space, const int32_t *choices, bool complete, fnas_net **net);

/* cost.c */
/* Edges that no data reach, or whose result cannot reach the output, become none. */
void fnas_nb201_canonical(const fnas_space *space, int32_t *choices);
bool fnas_nb201_connected(const fnas_space *space, const int32_t *choices);
int64_t fnas_nb201_cost_feature_count(const fnas_space *space);
int64_t fnas_nb201_structure_feature_count(const fnas_space *space);
void fnas_nb201_structure_features(const fnas_space *space, const double *onehot, double *features);
void fnas_nb201_structure_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);
void fnas_nb201_cost_features(const fnas_space *space, const double *onehot, double *features);
void fnas_nb201_cost_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);

#endif
