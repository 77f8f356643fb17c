#include "space/arch_set.h"

#include <string.h>

#include "base/memory.h"

/* FNV-1a (Fowler, Noll and Vo): choices are small numbers, any byte-wise hash spreads them. */
static uint64_t fnas_arch_hash(const int32_t *choices, int64_t decisions) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int64_t i = 0; i < decisions; i++) hash = (hash ^ (uint32_t)choices[i]) * UINT64_C(0x100000001b3);
    return hash ^ (hash >> 32);
}

/* The slot that holds this architecture, or the empty one where it belongs. */
static int64_t fnas_arch_set_slot(const fnas_arch_set *set, const int32_t *choices) {
    int64_t mask = set->slot_count - 1;
    int64_t slot = (int64_t)(fnas_arch_hash(choices, set->decisions) & (uint64_t)mask);
    while (set->slots[slot] && memcmp(fnas_arch_set_at(set, set->slots[slot] - 1), choices, (size_t)set->decisions * sizeof *choices)) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static fnas_status fnas_arch_set_rehash(fnas_context *context, fnas_arch_set *set) {
    int64_t slot_count = set->slot_count ? 2 * set->slot_count : 64;
    int64_t *slots = fnas_allocate((size_t)slot_count, sizeof *slots);
    if (!slots) return fnas_fail_memory(context, "a set of architectures");
    fnas_free(set->slots);
    set->slots = slots;
    set->slot_count = slot_count;
    for (int64_t i = 0; i < set->count; i++) slots[fnas_arch_set_slot(set, fnas_arch_set_at(set, i))] = i + 1;
    return FNAS_OK;
}

fnas_status fnas_arch_set_add(fnas_context *context, fnas_arch_set *set, const int32_t *choices, int64_t *index) {
    if (2 * (set->count + 1) > set->slot_count) FNAS_TRY(fnas_arch_set_rehash(context, set));
    int64_t slot = fnas_arch_set_slot(set, choices);
    if (!set->slots[slot]) {
        size_t decisions = (size_t)set->decisions;
        size_t needed = ((size_t)set->count + 1) * decisions;
        void *grown_choices = set->choices;
        bool grown = fnas_grow(&grown_choices, &set->choice_capacity, needed, sizeof *set->choices);
        set->choices = grown_choices;
        if (!grown) return fnas_fail_memory(context, "a set of architectures");
        memcpy(set->choices + (size_t)set->count * decisions, choices, decisions * sizeof *choices);
        set->slots[slot] = ++set->count;
    }
    *index = set->slots[slot] - 1;
    return FNAS_OK;
}

fnas_status fnas_arch_set_add_all(fnas_context *context, fnas_arch_set *set, int64_t count, const int32_t *choices) {
    int64_t ignored;
    for (int64_t i = 0; i < count; i++) FNAS_TRY(fnas_arch_set_add(context, set, choices + i * set->decisions, &ignored));
    return FNAS_OK;
}

int64_t fnas_arch_set_find(const fnas_arch_set *set, const int32_t *choices) {
    return set->slot_count ? set->slots[fnas_arch_set_slot(set, choices)] - 1 : -1;
}

const int32_t *fnas_arch_set_at(const fnas_arch_set *set, int64_t index) {
    return set->choices + index * set->decisions;
}

void fnas_arch_set_free(fnas_arch_set *set) {
    fnas_free(set->choices);
    fnas_free(set->slots);
    *set = (fnas_arch_set){0};
}
