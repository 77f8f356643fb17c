/* A growing list of distinct architectures that finds an equal one in constant time. */
#ifndef FNAS_SPACE_ARCH_SET_H
#define FNAS_SPACE_ARCH_SET_H

#include <stddef.h>

#include "base/error.h"

/* Zero-initialise, set `decisions`; release with fnas_arch_set_free. */
typedef struct fnas_arch_set {
    int64_t decisions;
    int64_t count;
    int32_t *choices; /* [count][decisions], in order of arrival */
    size_t choice_capacity;
    int64_t *slots; /* open addressing: index + 1, 0 is empty; a power of two, at most half full */
    int64_t slot_count;
} fnas_arch_set;

/* *index is the architecture's place, a new one at the end or that of an equal one. */
FNAS_NODISCARD fnas_status fnas_arch_set_add(fnas_context *context, fnas_arch_set *set, const int32_t *choices, int64_t *index);
/* Adds count architectures [count][decisions]. */
FNAS_NODISCARD fnas_status fnas_arch_set_add_all(fnas_context *context, fnas_arch_set *set, int64_t count, const int32_t *choices);
int64_t fnas_arch_set_find(const fnas_arch_set *set, const int32_t *choices); /* -1 when absent */
const int32_t *fnas_arch_set_at(const fnas_arch_set *set, int64_t index);
void fnas_arch_set_free(fnas_arch_set *set);

#endif
