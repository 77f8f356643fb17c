#include "front/lattice.h"

#include "front/points.h"

/* (steps + objectives - 1) over (objectives - 1). */
int64_t fnas_lattice_size(int64_t objectives, int64_t steps) {
    int64_t size = 1;
    for (int64_t i = 1; i < objectives; i++) size = size * (steps + i) / i;
    return size;
}

int64_t fnas_lattice_steps(int64_t objectives, int64_t most) {
    int64_t steps = 1;
    if (objectives == 1) return steps;
    while (fnas_lattice_size(objectives, steps + 1) <= most) steps++;
    return steps;
}

void fnas_lattice_fill(int64_t objectives, int64_t steps, double *points) {
    int64_t parts[FNAS_FRONT_OBJECTIVES_MAX] = {steps}, count = fnas_lattice_size(objectives, steps);
    for (int64_t row = 0; row < count; row++) {
        for (int64_t m = 0; m < objectives; m++) points[row * objectives + m] = (double)parts[m] / (double)steps;
        int64_t last = parts[objectives - 1], from = objectives - 2;
        if (row + 1 == count) break;
        parts[objectives - 1] = 0;
        while (from > 0 && !parts[from]) from--;
        parts[from]--;
        parts[from + 1] = last + 1;
    }
}
