#include "space/arch_find.h"

#include <string.h>

int64_t fnas_arch_find_same(const fnas_space *space, const fnas_arch_set *set, const int32_t *choices) {
    int32_t canonical[FNAS_ARCH_FIND_DECISIONS_MAX];
    int64_t place = fnas_arch_set_find(set, choices);
    if (place >= 0) return place;
    memcpy(canonical, choices, (size_t)set->decisions * sizeof *canonical);
    fnas_space_canonical(space, canonical);
    return fnas_arch_set_find(set, canonical);
}
