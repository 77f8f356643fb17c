/* The report's page, written from plain values. */
#ifndef FNAS_REPORT_PAGE_H
#define FNAS_REPORT_PAGE_H

#include "base/text.h"

/* How the run was made: one line. */
typedef struct fnas_page_fact {
    const char *name, *value;
} fnas_page_fact;

typedef struct fnas_page_objective {
    const char *label, *unit, *source; /* "Latency", "ms" ("" for counts), "predicted"; "measured" where all values are */
} fnas_page_objective;

/* One architecture. NaN: not known. */
typedef struct fnas_page_row {
    const char *arch;
    const double *preference, *values; /* [objective_count] */
    double measured_ms, test_error_pct;
    uint32_t by_card; /* bit k: the card's own measurement is the value of objective k */
} fnas_page_row;

/* What a verification found; NaN: not known. */
typedef struct fnas_page_check {
    double best_accuracy_pct, median_ape_pct, spearman, slowdown;
    double hypervolume, hypervolume_random, hypervolume_untrained, hypervolume_mean_embedding, hypervolume_constant_preference;
} fnas_page_check;

typedef struct fnas_page_device {
    const char *name;
    const char *made; /* "blas, f32, batch 1, 1 thread ..."; "" when not known */
    bool searched;
    int64_t row_count;
    const fnas_page_row *rows;    /* best first */
    const fnas_page_check *check; /* NULL: not verified */
    const char *left_out;         /* why a verification could not check it; NULL: it did, or there was none */
} fnas_page_device;

typedef struct fnas_page {
    const char *title;
    int64_t fact_count;
    const fnas_page_fact *facts;
    int64_t objective_count;
    const fnas_page_objective *objectives;
    int64_t error, other; /* which objectives are on the axes of y and x */
    int64_t latency;      /* which one was measured anew; -1: none */
    int64_t device_count;
    const fnas_page_device *devices;
} fnas_page;

/* One self-contained HTML document. Allocation failures: text->failed. */
void fnas_page_append(fnas_text *text, const fnas_page *page);

/* How a front is drawn. */
typedef enum fnas_page_plot {
    FNAS_PAGE_STAIRCASE, /* the error over the first other objective */
    FNAS_PAGE_PAIRS,     /* each two objectives */
    FNAS_PAGE_PARALLEL   /* all of them side by side */
} fnas_page_plot;

/* The picture of one device's front, shared with the page's own. */
void fnas_page_append_front(fnas_text *text, const fnas_page *page, const fnas_page_device *device, fnas_page_plot plot, bool document);

#endif
