/* Rows of the table that also tests the operators. */
#include <string.h>

#include "base/memory.h"
#include "bench/families.h"
#include "bench/operator.h"

/* A problem string that names one case: what a row is called, and what runs it again. */
static fnas_problem case_problem(const fnas_operator_case *c) {
    fnas_problem problem = {.family = &fnas_problem_case};
    fnas_case_name(c, problem.values[0], FNAS_CASE_NAME_BYTES);
    return problem;
}

/* ---- one ---- */

static int64_t find_case(const fnas_case_list *list, const char *wanted) {
    char name[FNAS_CASE_NAME_BYTES];
    for (int64_t i = 0; i < list->count; i++) {
        fnas_case_name(&list->cases[i], name, sizeof name);
        if (strcmp(name, wanted) == 0) return i;
    }
    return -1;
}

typedef struct case_names {
    const char **known; /* [count + 1], the last NULL */
    char *text;         /* [count][FNAS_CASE_NAME_BYTES] */
} case_names;

static void case_names_free(case_names *names) {
    fnas_free(names->known);
    fnas_free(names->text);
}

/* False when out of memory. To be freed either way. */
static bool case_names_create(const fnas_case_list *list, case_names *names) {
    names->known = fnas_allocate((size_t)list->count + 1, sizeof *names->known);
    names->text = fnas_allocate((size_t)list->count, FNAS_CASE_NAME_BYTES);
    if (!names->known || !names->text) return false;
    for (int64_t i = 0; i < list->count; i++) {
        char *name = names->text + i * FNAS_CASE_NAME_BYTES;
        fnas_case_name(&list->cases[i], name, FNAS_CASE_NAME_BYTES);
        names->known[i] = name;
    }
    return true;
}

static fnas_status fail_unknown_case(fnas_context *context, const fnas_case_list *list, const char *wanted) {
    case_names names;
    bool made = case_names_create(list, &names);
    const char *near = made ? fnas_suggest(wanted, names.known) : NULL;
    fnas_status status = !made  ? fnas_fail_memory(context, "the names of cases")
                         : near ? fnas_fail(context, FNAS_ERR_USAGE, "unknown case \"%s\": did you mean \"%s\"?", wanted, near)
                                : fnas_fail(context, FNAS_ERR_USAGE, "unknown case \"%s\": cases:WORD runs all whose name holds a word",
                                            wanted);
    case_names_free(&names);
    return status;
}

static fnas_status case_check(fnas_context *context, const fnas_problem *problem) {
    fnas_case_list list;
    FNAS_TRY(fnas_case_list_create(context, true, true, &list));
    bool found = find_case(&list, fnas_problem_operand(problem)) >= 0;
    fnas_status status = found ? FNAS_OK : fail_unknown_case(context, &list, fnas_problem_operand(problem));
    fnas_case_list_free(&list);
    return status;
}

static fnas_status case_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_case_list list;
    FNAS_TRY(fnas_case_list_create(bench->context, true, true, &list));
    fnas_status status = fnas_bench_operator(bench, problem, &list.cases[find_case(&list, fnas_problem_operand(problem))]);
    fnas_case_list_free(&list);
    return status;
}

const fnas_problem_family fnas_problem_case = {.name = "case",
                                               .summary = "one row of the table that also tests the operators, by its name",
                                               .operand = "NAME",
                                               .check = case_check,
                                               .run = case_run};

/* ---- many ---- */

static fnas_status cases_of(fnas_context *context, const fnas_problem *problem, fnas_case_list *list) {
    bool small = problem->family == &fnas_problem_cases;
    return fnas_case_list_create(context, small, !small, list);
}

static bool case_matches(const fnas_operator_case *c, const char *filter) {
    char name[FNAS_CASE_NAME_BYTES];
    fnas_case_name(c, name, sizeof name);
    return strstr(name, filter) != NULL;
}

static fnas_status cases_check(fnas_context *context, const fnas_problem *problem) {
    fnas_case_list list;
    int64_t matching = 0;
    FNAS_TRY(cases_of(context, problem, &list));
    for (int64_t i = 0; i < list.count; i++) matching += case_matches(&list.cases[i], fnas_problem_operand(problem));
    fnas_case_list_free(&list);
    if (matching) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE,
                     "problem %s: no name holds \"%s\": names are like \"conv_forward n2 c16 8x8 o16 k3x3 s1 p1 g1\"",
                     problem->family->name, fnas_problem_operand(problem));
}

static fnas_status cases_run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_case_list list;
    fnas_status status = cases_of(bench->context, problem, &list);
    for (int64_t i = 0; status == FNAS_OK && i < list.count; i++) {
        if (!case_matches(&list.cases[i], fnas_problem_operand(problem))) continue;
        fnas_problem one = case_problem(&list.cases[i]);
        status = fnas_bench_operator(bench, &one, &list.cases[i]);
    }
    fnas_case_list_free(&list);
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
