/* The errors of all architectures of a small space by the shared weights of a run. */
#include <math.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "fleetnas/search.h"
#include "search/score/score.h"
#include "space/arch_find.h"

#define ARCHS_MOST 20000 /* of a space */

/* Of architectures that compute the same one is scored; those that only guess are not. */
typedef struct error_table {
    const fnas_space *space;
    fnas_arch_set scored;
    fnas_score *scores; /* [scored.count] */
} error_table;

static fnas_status check(fnas_context *context, const fnas_run *run) {
    const fnas_space *space = fnas_run_space(run);
    if (!fnas_run_has_supernet(run))
        return fnas_fail(context, FNAS_ERR_INPUT, "the run has no shared weights: its errors come from a table already");
    if (fnas_space_cardinality(space) <= ARCHS_MOST && fnas_space_decision_count(space) <= FNAS_ARCH_FIND_DECISIONS_MAX) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s has %.3g architectures: a table of all can be made where there are at most %d",
                     fnas_space_name(space), fnas_space_cardinality(space), ARCHS_MOST);
}

static fnas_status collect(fnas_context *context, error_table *table) {
    int32_t choices[FNAS_ARCH_FIND_DECISIONS_MAX];
    int64_t ignored;
    table->scored.decisions = fnas_space_decision_count(table->space);
    for (int64_t i = 0; i < (int64_t)fnas_space_cardinality(table->space); i++) {
        fnas_arch_at(table->space, i, choices);
        fnas_space_canonical(table->space, choices);
        if (fnas_space_connected(table->space, choices)) FNAS_TRY(fnas_arch_set_add(context, &table->scored, choices, &ignored));
    }
    table->scores = fnas_allocate((size_t)table->scored.count + 1, sizeof *table->scores);
    return table->scores ? FNAS_OK : fnas_fail_memory(context, "scores");
}

static fnas_status score(fnas_context *context, const fnas_run *run, const char *data, int64_t images, error_table *table) {
    fnas_examples examples;
    FNAS_TRY(fnas_run_open_data(context, run, data, &examples));
    fnas_status status = fnas_score_archs(context, run, &examples, FNAS_SCORE_VALIDATION, images, "score", table->scored.count,
                                          table->scored.choices, table->scores);
    fnas_examples_close(&examples);
    return status;
}

/* What only guesses errs on all classes but one, with the same probability for each. */
static fnas_score guess(const fnas_space *space) {
    double classes = (double)space->classes;
    return (fnas_score){.error_pct = 100 - 100 / classes, .cross_entropy = log(classes)};
}

static fnas_status append_row(fnas_context *context, const error_table *table, int64_t index, fnas_text *text) {
    char arch[FNAS_ARCH_TEXT_BYTES];
    int32_t choices[FNAS_ARCH_FIND_DECISIONS_MAX];
    fnas_arch_at(table->space, index, choices);
    FNAS_TRY(fnas_space_format(context, table->space, choices, arch, sizeof arch));
    fnas_space_canonical(table->space, choices);
    int64_t place = fnas_arch_set_find(&table->scored, choices);
    fnas_score found = place < 0 ? guess(table->space) : table->scores[place];
    fnas_csv_append_cell(text, arch);
    fnas_text_append(text, ",");
    fnas_text_append_number(text, found.error_pct);
    fnas_text_append(text, ",");
    fnas_text_append_number(text, found.cross_entropy);
    fnas_text_append(text, "\n");
    return FNAS_OK;
}

static fnas_status write(fnas_context *context, const error_table *table, const char *path) {
    fnas_text text = {0};
    fnas_status status = FNAS_OK;
    fnas_text_append(&text, "arch,error_pct,cross_entropy\n");
    for (int64_t i = 0; i < (int64_t)fnas_space_cardinality(table->space) && status == FNAS_OK; i++)
        status = append_row(context, table, i, &text);
    if (status == FNAS_OK)
        status = text.failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text.data, text.size);
    fnas_text_free(&text);
    return status;
}

static fnas_status make(fnas_context *context, const fnas_run *run, const char *data, int64_t images, const char *path,
                        error_table *table) {
    FNAS_TRY(check(context, run));
    FNAS_TRY(collect(context, table));
    FNAS_TRY(score(context, run, data, images, table));
    return write(context, table, path);
}

fnas_status fnas_run_write_errors(fnas_context *context, const fnas_run *run, const char *data, int64_t images, const char *path,
                                  int64_t *scored) {
    error_table table = {.space = fnas_run_space(run)};
    fnas_status status = make(context, run, data, images, path, &table);
    *scored = table.scored.count;
    fnas_arch_set_free(&table.scored);
    fnas_free(table.scores);
    return status;
}
