/* The page of results under way: what the files results_*.c that write it share. */
#ifndef FNAS_REPORT_RESULTS_PAGE_H
#define FNAS_REPORT_RESULTS_PAGE_H

#include "report/results.h"
#include "report/sheet.h"

enum { FNAS_RESULTS_LABEL_BYTES = 160, FNAS_RESULTS_CELL_BYTES = 64, FNAS_RESULTS_HEADS_MOST = FNAS_RESULTS_LINES_MOST + 4 };

typedef struct fnas_results_page {
    const fnas_results *results;
    fnas_sheet sheet;
    const char *svg;                              /* what Markdown shows; NULL: nothing */
    const char *methods[FNAS_RESULTS_LINES_MOST]; /* those of the radars, in the order of their styles */
    int64_t method_count;
} fnas_results_page;

bool fnas_results_has_two_objectives(const fnas_contender *contender);
/* Whether it is shown beside `level` evaluations: the searches that had the most minutes, what needs no evaluation, and the rivals with so
 * many. */
bool fnas_results_stands_beside(const fnas_contender *contender, double level, double most_minutes);
/* "0.9876 ± 0.0012", "0.9876", "–" */
void fnas_results_write_mean(char *text, size_t size, fnas_seed_mean mean, int decimals);
fnas_seed_mean fnas_results_mean_of_searched(const fnas_results *results, const fnas_contender *contender);
fnas_seed_mean fnas_results_mean_of_unseen(const fnas_results *results, const fnas_contender *contender);
/* Of the searches of two objectives; 0: there is none. */
double fnas_results_largest_minutes(const fnas_results *results);
/* A method keeps its colour in all pictures: those that are asked for first have the first. */
int64_t fnas_results_style_of(fnas_results_page *page, const char *method);

/* ---- parts of the page ---- */

/* For each number of evaluations a table by device, and its radar. */
void fnas_results_append_levels(fnas_results_page *page);
/* The radar beside the largest number of evaluations, a document of its own. False: there is nothing to draw. */
bool fnas_results_append_radar_alone(fnas_results_page *page);
/* Methods that searched with several budgets, against their minutes. */
void fnas_results_append_curves(fnas_results_page *page);
/* Minutes by stage of each search. */
void fnas_results_append_times(fnas_results_page *page);

#endif
