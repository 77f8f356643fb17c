/* Pictures of points with more than two objectives, drawn from plain arrays. All objectives are minimised. */
#ifndef FNAS_REPORT_MANY_H
#define FNAS_REPORT_MANY_H

#include "base/text.h"

#define FNAS_MANY_OBJECTIVES_MAX 8

typedef struct fnas_many {
    const char *title;
    int64_t objective_count;   /* 2 to FNAS_MANY_OBJECTIVES_MAX */
    const char *const *labels; /* with their units: "Latency (ms)" */
    int64_t count;
    const char *const *names; /* [count] shown on pointing at a point, before its values */
    const double *values;     /* [count][objective_count]; a point with a value that is not finite is left out */
} fnas_many;

/* A matrix of plots, one for each two objectives: marks are filled where no other point is better in both of the two. A whole document, or
 * an <svg> element for a page that includes fnas_plot_style. Allocation failures: text->failed. */
void fnas_pairs_append(fnas_text *text, const fnas_many *many, bool document);

/* Parallel coordinates (Inselberg 1985): one axis an objective, best at the bottom, one line a point, coloured by the first objective. */
void fnas_parallel_append(fnas_text *text, const fnas_many *many, bool document);

/* For both: a point's values; whether all are finite; its name and values as <title>. */
const double *fnas_many_values(const fnas_many *many, int64_t point);
bool fnas_many_is_drawn(const fnas_many *many, int64_t point);
void fnas_many_append_title(fnas_text *text, const fnas_many *many, int64_t point);

#endif
