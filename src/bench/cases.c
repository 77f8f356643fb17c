/* Rows of the table that also tests the operators. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "bench/families.h"
#include "bench/operator.h"

#define CASE_NAME_BYTES 200

/* A problem string that names one case: what a row is called, and what runs it again. */
static fnas_problem case_problem(const operator_case *c) {
    fnas_problem problem = {.family = &fnas_problem_case};
    case_name(c, problem.values[0], CASE_NAME_BYTES);
    return problem;
}

/* Owned (fnas_free); NULL when out of memory. Small shapes, or those of a search's layers at its batch. */
static case_list *cases_create(bool small, bool large) {
    case_list *list = fnas_allocate(1, sizeof *list), *other = fnas_allocate(1, sizeof *other);
    if (list && other) {
        if (small) cases_for_tests(list);
        if (large) cases_for_speed(other);
        for (int64_t i = 0; i < other->count; i++) case_add(list, other->cases[i]);
    }
    if (!other) {
        fnas_free(list);
        list = NULL;
    }
    fnas_free(other);
    return list;
}

/* ---- one ---- */

static int64_t find_case(const case_list *list, const char *wanted) {
    char name[CASE_NAME_BYTES];
    for (int64_t i = 0; i < list->count; i++) {
        case_name(&list->cases[i], name, sizeof name);
        if (strcmp(name, wanted) == 0) return i;
    }
    return -1;
}

static fnas_status fail_unknown_case(fnas_context *context, const case_list *list, const char *wanted) {
    static char names[CASES_CAPACITY][CASE_NAME_BYTES]; /* only read by the suggestion below */
    const char *known[CASES_CAPACITY + 1] = {NULL};
    for (int64_t i = 0; i < list->count; i++) {
        case_name(&list->cases[i], names[i], CASE_NAME_BYTES);
        known[i] = names[i];
    }
    const char *near = fnas_suggest(wanted, known);
    return near ? fnas_fail(context, FNAS_ERR_USAGE, "unknown case \"%s\": did you mean \"%s\"?", wanted, near)
                : fnas_fail(context, FNAS_ERR_USAGE, "unknown case \"%s\": cases:WORD runs all whose name holds a word", wanted);
}

static fnas_status case_check(fnas_context *context, const fnas_problem *problem) {
    case_list *list = cases_create(true, true);
    if (!list) return fnas_fail_memory(context, "the table of cases");
    bool found = find_case(list, fnas_problem_operand(problem)) >= 0;
    fnas_status status = found ? FNAS_OK : fail_unknown_case(context, list, fnas_problem_operand(problem));
    fnas_free(list);
    return status;
}

static fnas_status case_run(fnas_bench *bench, const fnas_problem *problem) {
    case_list *list = cases_create(true, true);
    if (!list) return fnas_fail_memory(bench->context, "the table of cases");
    fnas_status status = fnas_bench_operator(bench, problem, &list->cases[find_case(list, fnas_problem_operand(problem))]);
    fnas_free(list);
    return status;
}

const fnas_problem_family fnas_problem_case = {.name = "case",
                                               .summary = "one row of the table that also tests the operators, by its name",
                                               .operand = "NAME",
                                               .check = case_check,
                                               .run = case_run};

/* ---- many ---- */

static case_list *cases_of(const fnas_problem *problem) {
    bool small = problem->family == &fnas_problem_cases;
    return cases_create(small, !small);
}

static bool case_matches(const operator_case *c, const char *filter) {
    char name[CASE_NAME_BYTES];
    case_name(c, name, sizeof name);
    return strstr(name, filter) != NULL;
}

static fnas_status cases_check(fnas_context *context, const fnas_problem *problem) {
    case_list *list = cases_of(problem);
    if (!list) return fnas_fail_memory(context, "the table of cases");
    int64_t matching = 0;
    for (int64_t i = 0; i < list->count; i++) matching += case_matches(&list->cases[i], fnas_problem_operand(problem));
    fnas_free(list);
    if (matching) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE,
                     "problem %s: no name holds \"%s\": names are like \"conv_forward n2 c16 8x8 o16 k3x3 s1 p1 g1\"",
                     problem->family->name, fnas_problem_operand(problem));
}

static fnas_status cases_run(fnas_bench *bench, const fnas_problem *problem) {
    case_list *list = cases_of(problem);
    fnas_status status = list ? FNAS_OK : fnas_fail_memory(bench->context, "the table of cases");
    for (int64_t i = 0; status == FNAS_OK && i < list->count; i++) {
        if (!case_matches(&list->cases[i], fnas_problem_operand(problem))) continue;
        fnas_problem one = case_problem(&list->cases[i]);
        status = fnas_bench_operator(bench, &one, &list->cases[i]);
    }
    fnas_free(list);
    return status;
}

const fnas_problem_family fnas_problem_cases = {.name = "cases",
                                                .summary = "all rows of that table with small shapes, or those whose name holds a word",
                                                .operand = "[WORD]",
                                                .check = cases_check,
                                                .run = cases_run};
const fnas_problem_family fnas_problem_layers = {
    .name = "layers",
    .summary = "the layers of NAS-Bench-201 at 256 images and depthwise ones of MobileNetV3, or those whose name holds a word",
    .operand = "[WORD]",
    .check = cases_check,
    .run = cases_run};
