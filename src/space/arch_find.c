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

bool fnas_arch_is_listable(const fnas_space *space) {
    return fnas_space_cardinality(space) <= FNAS_ARCH_LIST_MAX;
}

void fnas_arch_at(const fnas_space *space, int64_t index, int32_t *choices) {
    for (int64_t d = space->decision_count - 1; d >= 0; d--) {
        choices[d] = (int32_t)(index % space->decisions[d].choice_count);
        index /= space->decisions[d].choice_count;
    }
}

bool fnas_arch_find_missing(const fnas_space *space, const fnas_arch_set *set, int64_t *next, int32_t *choices) {
    if (!fnas_arch_is_listable(space)) return false;
    for (int64_t count = (int64_t)fnas_space_cardinality(space); *next < count;) {
        fnas_arch_at(space, (*next)++, choices);
        if (fnas_arch_find_same(space, set, choices) < 0) return true;
    }
    return false;
}
