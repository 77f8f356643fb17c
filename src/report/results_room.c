/* Whether a page has room for what a folder holds: a line that is left out would be missed by nobody. */
#include <math.h>
#include <string.h>

#include "report/results_page.h"

static fnas_status fail_room(fnas_context *context, const fnas_contender *contender, const char *what) {
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: more than %d %s: a page has no room for them, keep fewer scores in one folder",
                     contender->results->file, FNAS_RESULTS_LINES_MOST, what);
}

/* Distinct methods of two objectives, and budgets of one kind that each has. Others have rows of their own. */
static fnas_status check_methods(fnas_context *context, const fnas_results *results) {
    int64_t methods = 0;
    for (int64_t c = 0; c < results->contender_count; c++) {
        const fnas_contender *contender = &results->contenders[c];
        int64_t budgets = 1;
        bool is_new = true;
        if (!fnas_results_has_two_objectives(contender)) continue;
        for (int64_t before = 0; before < c; before++) {
            const fnas_contender *other = &results->contenders[before];
            if (!fnas_results_has_two_objectives(other) || strcmp(other->method, contender->method) != 0) continue;
            is_new = false;
            budgets += other->budget == contender->budget;
        }
        methods += is_new;
        if (methods > FNAS_RESULTS_LINES_MOST) return fail_room(context, contender, "methods");
        if (budgets > FNAS_RESULTS_LINES_MOST) return fail_room(context, contender, "budgets of one method");
    }
    return FNAS_OK;
}

static fnas_status check_beside(fnas_context *context, const fnas_results *results, double level) {
    double minutes = fnas_results_largest_minutes(results);
    int64_t count = 0;
    for (int64_t c = 0; c < results->contender_count; c++)
        if (fnas_results_stands_beside(&results->contenders[c], level, minutes) && ++count > FNAS_RESULTS_LINES_MOST)
            return fail_room(context, &results->contenders[c], "fronts side by side");
    return FNAS_OK;
}

/* Contenders are sorted: equal numbers of evaluations are neighbours. */
static fnas_status check_levels(fnas_context *context, const fnas_results *results) {
    int64_t levels = 0;
    double last = 0;
    for (int64_t c = 0; c < results->contender_count; c++) {
        const fnas_contender *contender = &results->contenders[c];
        bool has_level = fnas_results_has_two_objectives(contender) && contender->budget == FNAS_BUDGET_EVALUATIONS;
        if (!has_level || contender->amount <= last) continue;
        last = contender->amount;
        if (++levels > FNAS_RESULTS_LINES_MOST) return fail_room(context, contender, "numbers of evaluations");
        FNAS_TRY(check_beside(context, results, last));
    }
    return levels ? FNAS_OK : check_beside(context, results, 0);
}

fnas_status fnas_results_check_room(fnas_context *context, const fnas_results *results) {
    FNAS_TRY(check_methods(context, results));
    return check_levels(context, results);
}
