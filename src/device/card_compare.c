#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "fleetnas/device.h"

/* One measured architecture of a card; `order` keeps the first of equal ones first. */
typedef struct fnas_card_row {
    const int32_t *choices;
    int64_t decisions, order;
    double latency_ms;
} fnas_card_row;

static int fnas_card_row_compare_choices(const fnas_card_row *a, const fnas_card_row *b) {
    for (int64_t d = 0; d < a->decisions; d++) {
        if (a->choices[d] != b->choices[d]) return a->choices[d] < b->choices[d] ? -1 : 1;
    }
    return 0;
}

static int fnas_card_row_compare(const void *a, const void *b) {
    const fnas_card_row *first = a, *second = b;
    int by_choices = fnas_card_row_compare_choices(first, second);
    if (by_choices) return by_choices;
    return (first->order > second->order) - (first->order < second->order);
}

/* All rows of a card, sorted by architecture, one each. NULL when out of memory. */
static fnas_card_row *fnas_card_rows(const fnas_card_view *view, int64_t *count) {
    int64_t all = view->reference_count + view->measurement_count;
    fnas_card_row *rows = fnas_allocate((size_t)all + 1, sizeof *rows);
    if (!rows) return NULL;
    for (int64_t i = 0; i < all; i++) {
        bool reference = i < view->reference_count;
        int64_t row = reference ? i : i - view->reference_count;
        const int32_t *choices = reference ? view->reference_choices : view->measurement_choices;
        const double *latency_ms = reference ? view->reference_latency_ms : view->measurement_latency_ms;
        rows[i] = (fnas_card_row){choices + row * view->decision_count, view->decision_count, i, latency_ms[row]};
    }
    qsort(rows, (size_t)all, sizeof *rows, fnas_card_row_compare);
    *count = 0;
    for (int64_t i = 0; i < all; i++) {
        if (*count && !fnas_card_row_compare_choices(&rows[*count - 1], &rows[i])) continue;
        rows[(*count)++] = rows[i];
    }
    return rows;
}

/* Latencies of the architectures in both, side by side: x and y have room for first_count. */
static int64_t fnas_card_rows_join(const fnas_card_row *first, int64_t first_count, const fnas_card_row *second, int64_t second_count,
                                   double *x, double *y) {
    int64_t joined = 0;
    for (int64_t i = 0, j = 0; i < first_count && j < second_count;) {
        int order = fnas_card_row_compare_choices(&first[i], &second[j]);
        if (!order) {
            x[joined] = first[i].latency_ms;
            y[joined++] = second[j].latency_ms;
        }
        i += order <= 0;
        j += order >= 0;
    }
    return joined;
}

double fnas_card_spearman(const fnas_card *first, const fnas_card *second, int64_t *common) {
    fnas_card_view a = fnas_card_get(first), b = fnas_card_get(second);
    if (common) *common = 0;
    if (strcmp(a.space, b.space) != 0 || a.decision_count != b.decision_count) return NAN;
    int64_t a_count = 0, b_count = 0;
    fnas_card_row *a_rows = fnas_card_rows(&a, &a_count), *b_rows = fnas_card_rows(&b, &b_count);
    double *latencies = a_rows && b_rows ? fnas_allocate((size_t)(2 * a_count) + 1, sizeof *latencies) : NULL, spearman = NAN;
    if (latencies) {
        int64_t joined = fnas_card_rows_join(a_rows, a_count, b_rows, b_count, latencies, latencies + a_count);
        if (common) *common = joined;
        if (joined >= 3) spearman = fnas_spearman(latencies, latencies + a_count, joined);
    }
    fnas_free(latencies);
    fnas_free(a_rows);
    fnas_free(b_rows);
    return spearman;
}
