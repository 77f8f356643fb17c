/* Reading truth tables. */
#include "search/truth/truth.h"

#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/memory.h"
#include "device/import.h"
#include "search/truth/index.h"
#include "search/truth/score.h"
#include "space/arch_find.h"

void fnas_truth_free(fnas_truth *truth) {
    if (!truth) return;
    fnas_arch_set_free(&truth->archs);
    fnas_free(truth->values);
    fnas_free(truth->front);
    for (int64_t k = 0; k < FNAS_TRUTH_OBJECTIVES_MAX; k++) fnas_free(truth->cost_names[k]);
    fnas_models_free(truth->models);
    fnas_free(truth);
}

int64_t fnas_truth_count(const fnas_truth *truth) {
    double all = fnas_space_settled_count(truth->space);
    if (!truth->models) return truth->archs.count;
    return all < (double)INT64_MAX ? (int64_t)all : INT64_MAX;
}

int64_t fnas_truth_objective_count(const fnas_truth *truth) {
    return truth->objective_count;
}

const double *fnas_truth_values(const fnas_truth *truth, const int32_t *choices) {
    int64_t place = fnas_arch_find_same(truth->space, &truth->archs, choices);
    return place < 0 ? NULL : truth->values + place * truth->objective_count;
}

bool fnas_truth_identify(const fnas_truth *truth, const int32_t *choices, int32_t *known) {
    const int32_t *written = choices;
    if (!truth->models) {
        int64_t place = fnas_arch_find_same(truth->space, &truth->archs, choices);
        if (place < 0) return false;
        written = fnas_arch_set_at(&truth->archs, place);
    }
    memcpy(known, written, (size_t)truth->archs.decisions * sizeof *known);
    if (truth->models) fnas_space_settle(truth->space, known);
    return true;
}

fnas_status fnas_truth_evaluate(fnas_context *context, const fnas_truth *truth, const int32_t *known, double *values) {
    if (truth->models) return fnas_models_evaluate(context, truth->models, known, values);
    memcpy(values, fnas_truth_values(truth, known), (size_t)truth->objective_count * sizeof *values);
    return FNAS_OK;
}

void fnas_truth_widen(int64_t objectives, const double *values, double *low, double *high) {
    if (values[0] >= FNAS_TRUTH_ERROR_LIMIT_PCT) return;
    for (int64_t m = 0; m < objectives; m++) {
        low[m] = fmin(low[m], values[m]);
        high[m] = fmax(high[m], values[m]);
    }
}

void fnas_truth_normalise(const fnas_truth *truth, const double *values, double *normalised) {
    for (int64_t m = 0; m < truth->objective_count; m++) normalised[m] = (values[m] - truth->low[m]) / (truth->high[m] - truth->low[m]);
}

/* ---- values ---- */

/* Where the error stands, as it is there. */
static const char *error_column(const fnas_truth_options *options) {
    if (options->accuracy_column) return options->accuracy_column;
    return options->error_column ? options->error_column : "error_pct";
}

/* That a column holds `value` for an architecture, and what it should be. */
static fnas_status fail_value(fnas_context *context, const fnas_import *import, const char *column, int64_t arch, double value,
                              const char *wanted) {
    fnas_import_source of;
    char text[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(fnas_import_find(context, import, column, NULL, &of));
    FNAS_TRY(fnas_space_format(context, import->space, fnas_arch_set_at(&import->archs, arch), text, sizeof text));
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: column \"%s\" holds %g for %s: %s", of.table->path,
                     (long long)fnas_csv_line(of.table->csv, fnas_import_row_of(of.table, arch)), column, value, text, wanted);
}

static fnas_status read_errors(fnas_context *context, const fnas_import *import, const fnas_truth_options *options, double *values) {
    const char *column = error_column(options);
    FNAS_TRY(fnas_import_values(context, import, column, NULL, values));
    for (int64_t i = 0; i < import->archs.count; i++) {
        if (values[i] < 0 || values[i] > 100)
            return fail_value(context, import, column, i, values[i], "errors and accuracies are 0 to 100 %");
        if (options->accuracy_column) values[i] = 100 - values[i];
    }
    return FNAS_OK;
}

/* The unit that the name of an objective promises; NULL: any. */
static const char *unit_of(const char *cost) {
    if (strcmp(cost, "latency_ms") == 0) return "milliseconds";
    return strcmp(cost, "energy_mj") == 0 ? "millijoules" : NULL;
}

#define COST_LEAST 1e-30 /* but for 0: squares of normalised costs stay far from overflow */
#define COST_MOST 1e30

static fnas_status read_costs(fnas_context *context, const fnas_import *import, const char *cost, const char *column, double *values) {
    FNAS_TRY(fnas_import_values(context, import, column, unit_of(cost), values));
    for (int64_t i = 0; i < import->archs.count; i++)
        if (values[i] != 0 && (values[i] < COST_LEAST || values[i] > COST_MOST))
            return fail_value(context, import, column, i, values[i], "a cost is 0, or from 1e-30 to 1e30");
    return FNAS_OK;
}

/* columns [objectives][arch_count]. */
static fnas_status read_columns(fnas_context *context, const fnas_import *import, const fnas_truth_options *options, double *columns) {
    FNAS_TRY(read_errors(context, import, options, columns));
    for (int64_t k = 0; k < options->cost_count; k++)
        FNAS_TRY(read_costs(context, import, options->costs[k], options->columns[k], columns + (k + 1) * import->archs.count));
    return FNAS_OK;
}

/* The first objective that is NaN; -1: none is. */
static int64_t find_unknown(int64_t objectives, const double *row) {
    for (int64_t m = 0; m < objectives; m++)
        if (isnan(row[m])) return m;
    return -1;
}

static fnas_status fail_unknown(fnas_context *context, const fnas_truth *truth, const fnas_truth_options *options, int64_t objective,
                                const int32_t *choices) {
    char text[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(fnas_space_format(context, truth->space, choices, text, sizeof text));
    return fnas_fail(
        context, FNAS_ERR_INPUT,
        "column \"%s\" has no row for %s, which another truth table has: complete it, or say that the tables are a sample (--partial)",
        objective ? options->columns[objective - 1] : error_column(options), text);
}

static fnas_status add_complete(fnas_context *context, const fnas_import *import, const fnas_truth_options *options, const double *columns,
                                fnas_truth *truth) {
    truth->values = fnas_allocate((size_t)(import->archs.count * truth->objective_count), sizeof *truth->values);
    if (!truth->values) return fnas_fail_memory(context, "a truth table");
    for (int64_t i = 0; i < import->archs.count; i++) {
        const int32_t *choices = fnas_arch_set_at(&import->archs, i);
        int64_t place;
        double *row = truth->values + truth->archs.count * truth->objective_count;
        for (int64_t m = 0; m < truth->objective_count; m++) row[m] = columns[m * import->archs.count + i];
        int64_t unknown = find_unknown(truth->objective_count, row);
        if (unknown < 0)
            FNAS_TRY(fnas_arch_set_add(context, &truth->archs, choices, &place));
        else if (!options->partial)
            return fail_unknown(context, truth, options, unknown, choices);
    }
    if (truth->archs.count) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "no architecture of the truth tables has all %lld objectives: are they of the same ones?",
                     (long long)truth->objective_count);
}

/* Half of the truth makes any front look better. */
static fnas_status check_whole(fnas_context *context, const fnas_truth *truth) {
    int32_t choices[FNAS_ARCH_FIND_DECISIONS_MAX], first[FNAS_ARCH_FIND_DECISIONS_MAX];
    int64_t next = 0, missing = 0;
    while (fnas_arch_find_missing(truth->space, &truth->archs, &next, choices))
        if (!missing++) memcpy(first, choices, (size_t)truth->archs.decisions * sizeof *first);
    if (!missing) return FNAS_OK;
    char text[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(fnas_space_format(context, truth->space, first, text, sizeof text));
    return fnas_fail(
        context, FNAS_ERR_INPUT,
        "the truth tables lack %lld of the space's %.0f architectures, first %s: complete them, or say that they are a sample (--partial)",
        (long long)missing, fnas_space_cardinality(truth->space), text);
}

/* Most often accuracies as fractions. */
static fnas_status fail_without_good(fnas_context *context, const fnas_import *import, const fnas_truth_options *options) {
    fnas_import_source of;
    FNAS_TRY(fnas_import_find(context, import, error_column(options), NULL, &of));
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: column \"%s\": no architecture has an error under %g %%: %s are in %%, from 0 to 100",
                     of.table->path, error_column(options), FNAS_TRUTH_ERROR_LIMIT_PCT, options->accuracy_column ? "accuracies" : "errors");
}

static fnas_status find_ranges(fnas_context *context, const fnas_import *import, const fnas_truth_options *options, fnas_truth *truth) {
    for (int64_t m = 0; m < truth->objective_count; m++) {
        truth->low[m] = INFINITY;
        truth->high[m] = -INFINITY;
    }
    for (int64_t i = 0; i < truth->archs.count; i++)
        fnas_truth_widen(truth->objective_count, truth->values + i * truth->objective_count, truth->low, truth->high);
    if (truth->low[0] > truth->high[0]) return fail_without_good(context, import, options);
    for (int64_t m = 0; m < truth->objective_count; m++) {
        if (truth->low[m] < truth->high[m]) continue;
        return fnas_fail(context, FNAS_ERR_INPUT, "%s is the same for all architectures with errors under %g %%: nothing can be compared",
                         m ? options->columns[m - 1] : "the error", FNAS_TRUTH_ERROR_LIMIT_PCT);
    }
    return FNAS_OK;
}

/* ---- opening ---- */

static fnas_status name_costs(fnas_context *context, const fnas_truth_options *options, fnas_truth *truth) {
    for (int64_t k = 0; k < options->cost_count; k++)
        if (!(truth->cost_names[k] = fnas_strdup(options->costs[k]))) return fnas_fail_memory(context, "a truth table");
    return FNAS_OK;
}

static fnas_status fill(fnas_context *context, const fnas_import *import, const fnas_truth_options *options, fnas_truth *truth) {
    double *columns = fnas_allocate((size_t)(import->archs.count * truth->objective_count), sizeof *columns);
    if (!columns) return fnas_fail_memory(context, "a truth table");
    fnas_status status = read_columns(context, import, options, columns);
    if (status == FNAS_OK) status = add_complete(context, import, options, columns, truth);
    fnas_free(columns);
    if (status == FNAS_OK && !options->partial) status = check_whole(context, truth);
    if (status == FNAS_OK) status = find_ranges(context, import, options, truth);
    return status == FNAS_OK ? fnas_truth_find_front(context, truth) : status;
}

static fnas_status check_options(fnas_context *context, const fnas_space *space, const fnas_truth_options *options) {
    if (fnas_space_decision_count(space) > FNAS_ARCH_FIND_DECISIONS_MAX)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "truth tables of more than %d decisions", FNAS_ARCH_FIND_DECISIONS_MAX);
    if (options->table_count < 1) return fnas_fail(context, FNAS_ERR_USAGE, "no truth table is given");
    if (options->cost_count < 1 || options->cost_count >= FNAS_TRUTH_OBJECTIVES_MAX)
        return fnas_fail(context, FNAS_ERR_USAGE, "a truth table needs 1 to %d columns beside the error", FNAS_TRUTH_OBJECTIVES_MAX - 1);
    if (options->error_column && strcasestr(options->error_column, "accuracy"))
        return fnas_fail(context, FNAS_ERR_INPUT, "the error's column \"%s\" seems to hold accuracies: name it as the accuracy's",
                         options->error_column);
    for (int64_t k = 0; k < options->cost_count; k++)
        if (strcmp(options->columns[k], error_column(options)) == 0)
            return fnas_fail(context, FNAS_ERR_USAGE, "column \"%s\" is named for the %s and for %s: one column is one objective",
                             options->columns[k], options->accuracy_column ? "accuracy" : "error", options->costs[k]);
    if (options->accuracy_column && options->error_column)
        return fnas_fail(context, FNAS_ERR_USAGE, "the error is one column or 100 less another: name one of the two");
    return FNAS_OK;
}

fnas_status fnas_truth_open(fnas_context *context, const fnas_space *space, const fnas_truth_options *options, fnas_truth **truth) {
    const char *index;
    fnas_import *import;
    *truth = NULL;
    FNAS_TRY(check_options(context, space, options));
    FNAS_TRY(fnas_truth_find_index(context, space, options, &index));
    FNAS_TRY(fnas_import_open_csv(context, space, options->table_count, options->tables, index, &import));
    fnas_truth *made = fnas_allocate(1, sizeof *made);
    fnas_status status = made ? FNAS_OK : fnas_fail_memory(context, "a truth table");
    if (status == FNAS_OK) {
        made->space = space;
        made->archs.decisions = fnas_space_decision_count(space);
        made->objective_count = 1 + options->cost_count;
        status = name_costs(context, options, made);
        if (status == FNAS_OK) status = fill(context, import, options, made);
    }
    fnas_import_free(import);
    if (status == FNAS_OK)
        *truth = made;
    else
        fnas_truth_free(made);
    return status;
}
