#include "report/many.h"

#include <math.h>

#include "report/axis.h"
#include "report/escape.h"

const double *fnas_many_values(const fnas_many *many, int64_t point) {
    return many->values + point * many->objective_count;
}

bool fnas_many_is_drawn(const fnas_many *many, int64_t point) {
    for (int64_t k = 0; k < many->objective_count; k++)
        if (!isfinite(fnas_many_values(many, point)[k])) return false;
    return true;
}

void fnas_many_append_title(fnas_text *text, const fnas_many *many, int64_t point) {
    fnas_text_append(text, "<title>");
    fnas_report_append(text, many->names[point]);
    for (int64_t k = 0; k < many->objective_count; k++) {
        fnas_text_append(text, "\n");
        fnas_report_append(text, many->labels[k]);
        fnas_text_append(text, ": ");
        fnas_axis_append_value(text, fnas_many_values(many, point)[k]);
    }
    fnas_text_append(text, "</title>");
}
