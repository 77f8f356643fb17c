/* One measured problem: its times, its work, its distance from what the machine can do. */
#ifndef FNAS_BENCH_ROW_H
#define FNAS_BENCH_ROW_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_ROW_FIGURES_MAX 12
#define FNAS_ROW_PART_BYTES 96

typedef struct fnas_range {
    double median, least, most;
} fnas_range;

/* Something else that a problem tells: "images_per_s", "peak_memory_mb". */
typedef struct fnas_row_figure {
    const char *name; /* static */
    double value;
} fnas_row_figure;

typedef struct fnas_row {
    char *problem;                  /* owned */
    char part[FNAS_ROW_PART_BYTES]; /* what of the problem the row is about, "" for the whole */
    char kernel[64];                /* what the library runs, "" where nobody asked */
    const char *precision;          /* of the arithmetic, static: "f32" */
    int64_t threads, repeats;       /* repeats 0: not timed */
    fnas_range wall_ms, cpu_ms;     /* cpu_ms: of all threads together */
    double flops, bytes;            /* of one run; 0: not counted. bytes: each operand moved once in each direction used */
    double error;                   /* largest error over the error allowed; NaN: nothing to check */
    double floor_ms;                /* the larger of the time that the arithmetic and the movement take at the machine's peak; 0: unknown */
    double peak_share;              /* of the machine's arithmetic peak; 0: no arithmetic */
    fnas_row_figure figures[FNAS_ROW_FIGURES_MAX];
    int64_t figure_count;
} fnas_row;

void fnas_row_figure_add(fnas_row *row, const char *name, double value);
/* The time that rates are taken from: the least of the processor on one thread, which other work on the machine disturbs least; the least
 * on the wall on several. */
double fnas_row_ms(const fnas_row *row);
void fnas_row_free(fnas_row *row);

typedef struct fnas_rows {
    fnas_row *items; /* owned */
    int64_t count;
    size_t capacity;
} fnas_rows;
/* Takes the row over, also when it fails. */
FNAS_NODISCARD fnas_status fnas_rows_add(fnas_context *context, fnas_rows *rows, fnas_row *row);
void fnas_rows_free(fnas_rows *rows);

#endif
