/* What the stages of the searches took. */
#include <string.h>

#include "report/results_page.h"

static bool is_shared(const fnas_stage_time *time) {
    return !strcmp(time->method, FNAS_SHARED_STAGE);
}

static bool is_same_search(const fnas_stage_time *a, const fnas_stage_time *b) {
    return a->minutes == b->minutes && !strcmp(a->method, b->method);
}

/* Distinct stages in order of appearance. */
static int64_t find_stages(const fnas_results *results, const char **stages) {
    int64_t count = 0;
    for (int64_t i = 0; i < results->time_count; i++) {
        bool known = false;
        for (int64_t s = 0; s < count; s++) known |= !strcmp(stages[s], results->times[i].stage);
        if (!known && count < FNAS_RESULTS_LINES_MOST) stages[count++] = results->times[i].stage;
    }
    return count;
}

/* Minutes of a stage of one search, mean over its seeds; a shared stage counts whole. */
static double mean_minutes(const fnas_results *results, const fnas_stage_time *search, const char *stage) {
    double seconds = 0, shared = 0;
    int64_t seeds = 0;
    for (int64_t i = 0; i < results->time_count; i++) {
        const fnas_stage_time *time = &results->times[i];
        if (!is_shared(time) && is_same_search(time, search)) {
            bool first = true;
            for (int64_t j = 0; j < i && first; j++)
                first = !is_same_search(&results->times[j], search) || results->times[j].seed != time->seed;
            seeds += first;
            if (!strcmp(time->stage, stage)) seconds += time->seconds;
        } else if (is_shared(time) && !strcmp(time->stage, stage)) {
            shared += time->seconds;
        }
    }
    return ((seeds ? seconds / (double)seeds : 0) + shared) / 60;
}

static void append_time_row(fnas_results_page *p, const fnas_stage_time *search, int64_t stage_count, const char *const *stages) {
    double sum = 0;
    fnas_sheet_row(&p->sheet);
    fnas_sheet_cell(&p->sheet, false, "%s, %g minutes", search->method, search->minutes);
    for (int64_t s = 0; s < stage_count; s++) {
        double minutes = mean_minutes(p->results, search, stages[s]);
        sum += minutes;
        fnas_sheet_cell(&p->sheet, false, "%.2f", minutes);
    }
    fnas_sheet_cell(&p->sheet, true, "%.2f", sum);
    fnas_sheet_row_end(&p->sheet);
}

void fnas_results_append_times(fnas_results_page *p) {
    const fnas_results *results = p->results;
    const char *heads[FNAS_RESULTS_HEADS_MOST] = {"search"};
    int64_t stage_count = find_stages(results, heads + 1);
    if (!stage_count) return;
    heads[stage_count + 1] = "sum";
    fnas_sheet_heading(&p->sheet, "Minutes by stage");
    fnas_sheet_paragraph(&p->sheet, "Mean over seeds. Stages that serve all searches count whole in each.");
    fnas_sheet_table(&p->sheet, stage_count + 2, 1, heads);
    for (int64_t i = 0; i < results->time_count; i++) {
        bool first = !is_shared(&results->times[i]);
        for (int64_t j = 0; j < i && first; j++)
            first = is_shared(&results->times[j]) || !is_same_search(&results->times[j], &results->times[i]);
        if (first) append_time_row(p, &results->times[i], stage_count, heads + 1);
    }
    fnas_sheet_table_end(&p->sheet);
}
