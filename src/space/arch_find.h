/* Finding an architecture among others that may be written in another way. */
#ifndef FNAS_SPACE_ARCH_FIND_H
#define FNAS_SPACE_ARCH_FIND_H

#include "space/arch_set.h"
#include "space/space.h"

#define FNAS_ARCH_FIND_DECISIONS_MAX 256

/* The place of an architecture [decisions <= 256], or of the one that computes the same with what cannot matter settled
 * (fnas_space_canonical); -1: neither is there. */
int64_t fnas_arch_find_same(const fnas_space *space, const fnas_arch_set *set, const int32_t *choices);

/* Goes through a space of at most FNAS_ARCH_LIST_MAX architectures, from the one with index *next on (at first 0): true with the next one
 * [decisions <= 256] of which the set has neither it nor what computes the same, and *next behind it; false where there is none, or where
 * the space is larger. */
#define FNAS_ARCH_LIST_MAX 4000000
bool fnas_arch_find_missing(const fnas_space *space, const fnas_arch_set *set, int64_t *next, int32_t *choices);
bool fnas_arch_is_listable(const fnas_space *space);
/* The architecture with that index: 0 to fnas_space_cardinality - 1, the last decision counting fastest. */
void fnas_arch_at(const fnas_space *space, int64_t index, int32_t *choices);

#endif
