/* Which decisions of a described space matter, and its architectures as what their native strings say: each once. */
#include <string.h>

#include "base/random.h"
#include "space/file/file.h"

void fnas_file_space_active(const fnas_file_space *file, const int32_t *choices, bool *active) {
    for (int64_t i = 0; i < file->decision_count; i++) {
        int64_t d = file->order[i];
        const fnas_file_decision *decision = &file->decisions[d];
        active[d] = decision->parent < 0 || (active[decision->parent] && decision->active_with[choices[decision->parent]]);
    }
}

void fnas_file_space_canonical(const fnas_file_space *file, int32_t *choices) {
    bool active[FNAS_FILE_SPACE_DECISIONS_MAX];
    fnas_file_space_active(file, choices, active);
    for (int64_t d = 0; d < file->decision_count; d++)
        if (!active[d]) choices[d] = 0;
}

/* ---- counting ---- */

/* In how many ways the decisions below d can be chosen where d has this choice; ways [decision_count] of those below. */
static double fnas_file_ways_below(const fnas_file_space *file, const double *ways, int64_t d, int64_t choice) {
    double product = 1;
    for (int64_t c = 0; c < file->decision_count; c++)
        if (file->decisions[c].parent == d && file->decisions[c].active_with[choice]) product *= ways[c];
    return product;
}

/* ways [decision_count]: in how many a decision and all below it can be chosen, where it is active. */
static void fnas_file_count_ways(const fnas_file_space *file, double *ways) {
    for (int64_t i = file->decision_count; i-- > 0;) { /* children before their parents */
        int64_t d = file->order[i];
        ways[d] = 0;
        for (int64_t k = 0; k < file->decisions[d].choice_count; k++) ways[d] += fnas_file_ways_below(file, ways, d, k);
    }
}

double fnas_file_space_settled_count(const fnas_space *space) {
    const fnas_file_space *file = space->detail;
    double ways[FNAS_FILE_SPACE_DECISIONS_MAX], product = 1;
    fnas_file_count_ways(file, ways);
    for (int64_t d = 0; d < file->decision_count; d++)
        if (file->decisions[d].parent < 0) product *= ways[d];
    return product;
}

/* ---- drawing ---- */

void fnas_file_space_settled_random(const fnas_space *space, fnas_random *random, int32_t *choices) {
    const fnas_file_space *file = space->detail;
    double ways[FNAS_FILE_SPACE_DECISIONS_MAX];
    bool active[FNAS_FILE_SPACE_DECISIONS_MAX];
    fnas_file_count_ways(file, ways);
    for (int64_t i = 0; i < file->decision_count; i++) {
        int64_t d = file->order[i], k = 0, last = file->decisions[d].choice_count - 1;
        const fnas_file_decision *decision = &file->decisions[d];
        active[d] = decision->parent < 0 || (active[decision->parent] && decision->active_with[choices[decision->parent]]);
        if (active[d]) {
            double left = fnas_random_uniform(random) * ways[d];
            for (double share; k < last && left >= (share = fnas_file_ways_below(file, ways, d, k)); k++) left -= share;
        }
        choices[d] = (int32_t)k;
    }
}
