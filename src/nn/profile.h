/* What each node of a run took, and the least that it has to compute and to move. */
#ifndef FNAS_NN_PROFILE_H
#define FNAS_NN_PROFILE_H

#include <stdint.h>

/* Of one node in one direction; calls: how often it ran; flops: two a product; bytes: each activation that it needs read once, each that it
 * gives written once, or read and written where it is added to. Weights are not counted. */
typedef struct fnas_node_profile {
    int64_t calls;
    double wall_ms, cpu_ms, flops, bytes;
} fnas_node_profile;

typedef enum fnas_node_direction { FNAS_NODE_FORWARD, FNAS_NODE_BACKWARD, FNAS_NODE_DIRECTIONS } fnas_node_direction;

#endif
