#include <string.h>

#include "base/memory.h"
#include "space/file/file.h"

/* Decisions in which two canonical architectures differ. */
static int64_t fnas_arch_distance(const int32_t *a, const int32_t *b, int64_t decisions) {
    int64_t distance = 0;
    for (int64_t d = 0; d < decisions; d++) distance += a[d] != b[d];
    return distance;
}

/* Of each candidate, to those taken. */
typedef struct fnas_reach {
    int64_t nearest, sum;
} fnas_reach;

static int64_t fnas_reach_farthest(int64_t count, const fnas_reach *reach) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++) {
        bool farther = reach[i].nearest > reach[best].nearest ||
                       (reach[i].nearest == reach[best].nearest && reach[i].sum > reach[best].sum);
        if (farther) best = i;
    }
    return best;
}

fnas_status fnas_file_space_choose_references(fnas_context *context, fnas_file_space *file, int64_t count, const int32_t *candidates) {
    int64_t decisions = file->decision_count, taken = 0;
    fnas_reach *reach = fnas_allocate((size_t)count, sizeof *reach);
    file->references = fnas_allocate((size_t)(FNAS_FILE_SPACE_REFERENCES * decisions), sizeof *file->references);
    if (!reach || !file->references) {
        fnas_free(reach);
        return fnas_fail_memory(context, "reference architectures");
    }
    for (int64_t i = 0; i < count; i++) reach[i] = (fnas_reach){decisions + 1, 0};
    while (taken < FNAS_FILE_SPACE_REFERENCES && count > 0) {
        int64_t next = taken == 0 ? 0 : fnas_reach_farthest(count, reach);
        if (reach[next].nearest == 0) break; /* all are taken */
        const int32_t *choices = candidates + next * decisions;
        memcpy(file->references + taken++ * decisions, choices, (size_t)decisions * sizeof *choices);
        for (int64_t i = 0; i < count; i++) {
            int64_t distance = fnas_arch_distance(candidates + i * decisions, choices, decisions);
            if (distance < reach[i].nearest) reach[i].nearest = distance;
            reach[i].sum += distance;
        }
    }
    fnas_free(reach);
    file->reference_count = taken == FNAS_FILE_SPACE_REFERENCES ? taken : 0;
    return FNAS_OK;
}
