/* A set of small whole numbers that is asked for neighbours: a tree of bits, 64 a node. Adding, removing and asking take as many steps as
 * the tree is deep (2 for 4,096 numbers, 3 for 262,144). */
#ifndef FNAS_FRONT_RANK_SET_H
#define FNAS_FRONT_RANK_SET_H

#include <stdint.h>

#include "base/error.h"

#define FNAS_RANK_SET_LEVELS 6 /* 64^6 numbers */

typedef struct fnas_rank_set {
    int level_count;
    uint64_t *levels[FNAS_RANK_SET_LEVELS]; /* [0]: a bit a number; above: a bit for each word below that is not 0. One allocation */
} fnas_rank_set;

/* For numbers 0..capacity-1; empty. */
FNAS_NODISCARD fnas_status fnas_rank_set_create(fnas_context *context, int64_t capacity, fnas_rank_set *set);
void fnas_rank_set_destroy(fnas_rank_set *set);

void fnas_rank_set_add(fnas_rank_set *set, int64_t number);
void fnas_rank_set_remove(fnas_rank_set *set, int64_t number);
int64_t fnas_rank_set_before(const fnas_rank_set *set, int64_t number); /* the largest below it, -1: none */
int64_t fnas_rank_set_after(const fnas_rank_set *set, int64_t number);  /* the smallest above it, -1: none */

#endif
