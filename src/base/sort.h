/* Sorting by numbers, where qsort's call for each comparison would cost most of the time. */
#ifndef FNAS_BASE_SORT_H
#define FNAS_BASE_SORT_H

#include <stdint.h>

typedef struct fnas_keyed {
    double key; /* not NaN */
    int64_t index;
} fnas_keyed;

/* Sorts by rising keys; stable: equal keys keep their order. buffer [count] is scratch. */
void fnas_sort_keyed(int64_t count, fnas_keyed *items, fnas_keyed *buffer);

#endif
