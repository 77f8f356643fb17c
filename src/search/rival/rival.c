#include "search/rival/rival.h"

#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "space/arch_find.h"

#define CROSSOVER 0.9
#define SCALE_MARGIN 1.05 /* where no table gives the scale's end: as fronts of a run are chosen (docs/hypervolume.md, step 6) */

static const struct {
    const char *name;
    fnas_rival_method *run;
    const char *summary;
    bool needs_none; /* no evaluation tells it what to answer */
} methods[] = {
    {"random", fnas_rival_random, "random search (Bergstra and Bengio 2012)", false},
    {"local-search", fnas_rival_local_search, "Pareto local search (Paquete et al. 2004), from 10 random architectures", false},
    {"nsga2", fnas_rival_nsga2, "NSGA-II (Deb et al. 2002), a population of 20, uniform crossover", false},
    {"regularised-evolution", fnas_rival_regularised_evolution,
     "ageing evolution (Real et al. 2019) by non-dominated sorting, a population of 100, tournaments of 10", false},
    {"macs", fnas_rival_macs, "the front by multiply-accumulates in place of the error; evaluates no more than --points", true},
    {"naswot", fnas_rival_naswot, "the same by how untrained networks tell 64 images apart (Mellor et al. 2021); needs --data", true},
    {"synflow", fnas_rival_synflow, "the same by the synaptic flow of untrained networks (Tanaka et al. 2020, Abdelfattah et al. 2021)",
     true},
    {"untrained", fnas_rival_untrained, "what hypernetworks offer at their random start (RHPN of MODNAS, Sukthanker et al. 2025)", false},
    {"linear-scalarisation", fnas_rival_linear_scalarisation,
     "expected improvement of the objectives' mean (Jones et al. 1998; LSBO of Syne Tune, Salinas et al. 2022)", false},
    {"random-scalarisation", fnas_rival_random_scalarisation,
     "Tchebycheff distance of lower confidence bounds, random weights (Paria et al. 2020)", false},
    {"parego", fnas_rival_parego, "ParEGO (Knowles 2006): expected improvement of augmented Tchebycheff distances, a lattice of weights",
     false},
    {"ehvi", fnas_rival_ehvi, "exact expected hypervolume improvement (Emmerich et al. 2011; Yang et al. 2019), 2 or 3 objectives", false},
};
#define METHODS ((int64_t)(sizeof methods / sizeof *methods))

const char *fnas_rival_name(int64_t index) {
    return index >= 0 && index < METHODS ? methods[index].name : NULL;
}

const char *fnas_rival_summary(int64_t index) {
    return index >= 0 && index < METHODS ? methods[index].summary : NULL;
}

bool fnas_rival_needs_no_evaluations(const char *name) {
    for (int64_t i = 0; i < METHODS; i++)
        if (strcmp(methods[i].name, name) == 0) return methods[i].needs_none;
    return false;
}

/* ---- evaluating ---- */

bool fnas_rival_is_spent(const fnas_rival *rival) {
    return rival->archive.count >= rival->budget;
}

const double *fnas_rival_point(const fnas_rival *rival, int64_t index) {
    return rival->points + index * rival->objectives;
}

const int32_t *fnas_rival_arch(const fnas_rival *rival, int64_t index) {
    return fnas_arch_set_at(&rival->archive, index);
}

fnas_status fnas_rival_evaluate(fnas_rival *rival, const int32_t *choices, int64_t *index) {
    int32_t known[FNAS_ARCH_FIND_DECISIONS_MAX]; /* as the truth writes it: each counts once */
    if (!fnas_truth_identify(rival->truth, choices, known)) {
        char text[FNAS_ARCH_TEXT_BYTES];
        FNAS_TRY(fnas_space_format(rival->context, rival->space, choices, text, sizeof text));
        return fnas_fail(rival->context, FNAS_ERR_INPUT, "the truth tables have no row for %s: a rival may ask for any architecture", text);
    }
    *index = fnas_arch_set_find(&rival->archive, known);
    if (*index >= 0 || fnas_rival_is_spent(rival)) return FNAS_OK;
    FNAS_TRY(fnas_arch_set_add(rival->context, &rival->archive, known, index));
    double *values = rival->values + *index * rival->objectives;
    FNAS_TRY(fnas_truth_evaluate(rival->context, rival->truth, known, values));
    fnas_truth_normalise(rival->truth, values, rival->points + *index * rival->objectives);
    return FNAS_OK;
}

fnas_status fnas_rival_require_table(const fnas_rival *rival) {
    if (!rival->truth->models) return FNAS_OK;
    return fnas_fail(rival->context, FNAS_ERR_UNSUPPORTED, "this rival looks at all architectures of truth tables: use one that does not");
}

void fnas_rival_draw(fnas_rival *rival, int32_t *choices) {
    for (int64_t d = 0; d < rival->decisions; d++)
        choices[d] = (int32_t)fnas_random_below(&rival->random, fnas_space_choice_count(rival->space, d));
}

void fnas_rival_mutate(fnas_rival *rival, int32_t *choices) {
    int64_t decision = fnas_random_below(&rival->random, rival->decisions), count = fnas_space_choice_count(rival->space, decision);
    if (count < 2) return;
    int32_t other = (int32_t)fnas_random_below(&rival->random, count - 1);
    choices[decision] = other + (other >= choices[decision]);
}

void fnas_rival_breed(fnas_rival *rival, const int32_t *first, const int32_t *second, int32_t *child) {
    bool crosses = fnas_random_uniform(&rival->random) < CROSSOVER;
    for (int64_t d = 0; d < rival->decisions; d++) {
        bool from_second = crosses && fnas_random_uniform(&rival->random) < 0.5;
        child[d] = from_second ? second[d] : first[d];
        if (fnas_random_uniform(&rival->random) < 1.0 / (double)rival->decisions)
            child[d] = (int32_t)fnas_random_below(&rival->random, fnas_space_choice_count(rival->space, d));
    }
}

fnas_status fnas_rival_fill(fnas_rival *rival, int64_t count) {
    int32_t *choices = fnas_allocate((size_t)rival->decisions, sizeof *choices);
    if (!choices) return fnas_fail_memory(rival->context, "a rival");
    fnas_status status = FNAS_OK;
    while (status == FNAS_OK && rival->archive.count < count && !fnas_rival_is_spent(rival)) {
        int64_t index;
        fnas_rival_draw(rival, choices);
        status = fnas_rival_evaluate(rival, choices, &index);
    }
    fnas_free(choices);
    return status;
}

fnas_status fnas_rival_random(fnas_rival *rival) {
    return fnas_rival_fill(rival, rival->budget);
}

/* ---- the front ---- */

void fnas_rival_front_free(fnas_rival_front *front) {
    fnas_free(front->choices);
    fnas_free(front->values);
    *front = (fnas_rival_front){0};
}

static fnas_status copy_front(const fnas_rival *rival, int64_t count, const int64_t *places, fnas_rival_front *front) {
    front->choices = fnas_allocate((size_t)(count * rival->decisions) + 1, sizeof *front->choices);
    front->values = fnas_allocate((size_t)(count * rival->objectives) + 1, sizeof *front->values);
    if (!front->choices || !front->values) return fnas_fail_memory(rival->context, "a rival's front");
    for (int64_t i = 0; i < count; i++) {
        const int32_t *choices = fnas_rival_arch(rival, places[i]);
        memcpy(front->choices + i * rival->decisions, choices, (size_t)rival->decisions * sizeof *choices);
        const double *values = rival->values + places[i] * rival->objectives;
        memcpy(front->values + i * rival->objectives, values, (size_t)rival->objectives * sizeof *values);
    }
    front->count = count;
    return FNAS_OK;
}

/* Where objectives are computed their scale is open: that of the random architectures and of all that stand to choose from. points [count]:
 * of the table's scale, changed in place; reference [objectives]. */
static fnas_status find_scale(const fnas_rival *rival, int64_t count, const int64_t *places, double *points, double *reference) {
    double low[FNAS_TRUTH_OBJECTIVES_MAX], high[FNAS_TRUTH_OBJECTIVES_MAX];
    int64_t objectives = rival->objectives;
    for (int64_t m = 0; m < objectives; m++) reference[m] = rival->truth->models ? SCALE_MARGIN : 1;
    if (!rival->truth->models) return FNAS_OK;
    uint8_t *keep = fnas_allocate((size_t)count + 1, 1);
    if (!keep) return fnas_fail_memory(rival->context, "a front");
    memcpy(low, rival->truth->low, sizeof low);
    memcpy(high, rival->truth->high, sizeof high);
    fnas_status status = fnas_front_nondominated(rival->context, count, objectives, points, keep);
    for (int64_t i = 0; i < count && status == FNAS_OK; i++)
        if (keep[i]) fnas_truth_widen(objectives, rival->values + places[i] * objectives, low, high);
    for (int64_t i = 0; i < count; i++)
        for (int64_t m = 0; m < objectives; m++)
            points[i * objectives + m] = (rival->values[places[i] * objectives + m] - low[m]) / (high[m] - low[m]);
    fnas_free(keep);
    return status;
}

/* places, points: scratch for the whole archive. */
static fnas_status choose_front(const fnas_rival *rival, int64_t most, int64_t *places, double *points, int64_t *order,
                                fnas_rival_front *front) {
    double reference[FNAS_TRUTH_OBJECTIVES_MAX];
    int64_t count = 0, kept;
    for (int64_t i = 0; i < rival->archive.count; i++) {
        if (rival->values[i * rival->objectives] >= FNAS_TRUTH_ERROR_LIMIT_PCT) continue;
        memcpy(points + count * rival->objectives, fnas_rival_point(rival, i), (size_t)rival->objectives * sizeof *points);
        places[count++] = i;
    }
    FNAS_TRY(find_scale(rival, count, places, points, reference));
    FNAS_TRY(fnas_front_select(rival->context, count, rival->objectives, points, reference, most, order, &kept));
    for (int64_t i = 0; i < kept; i++) order[i] = places[order[i]];
    return copy_front(rival, kept, order, front);
}

static fnas_status make_front(const fnas_rival *rival, int64_t most, fnas_rival_front *front) {
    size_t count = (size_t)rival->archive.count + 1;
    int64_t *places = fnas_allocate(count, sizeof *places), *order = fnas_allocate((size_t)most + count, sizeof *order);
    double *points = fnas_allocate(count * (size_t)rival->objectives, sizeof *points);
    fnas_status status = places && order && points ? choose_front(rival, most, places, points, order, front)
                                                   : fnas_fail_memory(rival->context, "a front");
    fnas_free(places);
    fnas_free(order);
    fnas_free(points);
    front->evaluations = rival->archive.count;
    return status;
}

/* ---- running ---- */

static fnas_status find_method(fnas_context *context, const char *name, fnas_rival_method **run) {
    const char *names[METHODS + 1] = {NULL};
    for (int64_t i = 0; i < METHODS; i++) {
        names[i] = methods[i].name;
        if (name && strcmp(name, names[i]) == 0) {
            *run = methods[i].run;
            return FNAS_OK;
        }
    }
    const char *near = name ? fnas_suggest(name, names) : NULL;
    if (near) return fnas_fail(context, FNAS_ERR_USAGE, "unknown rival \"%s\": did you mean \"%s\"?", name, near);
    return fnas_fail(context, FNAS_ERR_USAGE, "unknown rival \"%s\": fleetnas help rival lists them", name ? name : "");
}

/* Nothing that is given may be without effect. */
static fnas_status check_uses(fnas_context *context, fnas_rival_method *run, const fnas_rival_options *options) {
    bool looks_at_images = run == fnas_rival_naswot, has_networks = looks_at_images || run == fnas_rival_synflow;
    if (looks_at_images && !options->data)
        return fnas_fail(context, FNAS_ERR_USAGE, "the rival %s looks at images: say where they are with --data", options->method);
    if (options->data && !looks_at_images)
        return fnas_fail(context, FNAS_ERR_USAGE, "the rival %s looks at no images: leave --data out", options->method);
    if (options->proxy && !has_networks)
        return fnas_fail(context, FNAS_ERR_USAGE, "the rival %s has no networks that could be smaller: leave --proxy out", options->method);
    return FNAS_OK;
}

static fnas_status check_range(fnas_context *context, const char *what, int64_t value, int64_t most) {
    if (value >= 1 && value <= most) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE, "--%s %lld: possible are 1 to %lld", what, (long long)value, (long long)most);
}

static int64_t usual_points(const fnas_truth *truth) {
    return FNAS_TRUTH_POINTS < fnas_truth_count(truth) ? FNAS_TRUTH_POINTS : fnas_truth_count(truth);
}

fnas_status fnas_rival_run(fnas_context *context, const fnas_truth *truth, const fnas_rival_options *options, fnas_rival_front *front) {
    fnas_rival_method *run = NULL;
    int64_t points = options->points ? options->points : usual_points(truth), most = fnas_truth_count(truth);
    *front = (fnas_rival_front){0};
    FNAS_TRY(find_method(context, options->method, &run));
    FNAS_TRY(check_uses(context, run, options));
    FNAS_TRY(check_range(context, "evaluations", options->evaluations, most));
    FNAS_TRY(check_range(context, "points", points, most));
    fnas_rival rival = {.context = context,
                        .truth = truth,
                        .space = truth->space,
                        .decisions = truth->archs.decisions,
                        .objectives = truth->objective_count,
                        .budget = options->evaluations,
                        .front_most = points,
                        .seed = options->seed,
                        .data = options->data,
                        .proxy = options->proxy,
                        .random = fnas_random_begin(options->seed, FNAS_STREAM_RIVAL, 0, 0),
                        .archive = {.decisions = truth->archs.decisions}};
    rival.points = fnas_allocate((size_t)(rival.budget * rival.objectives), sizeof *rival.points);
    rival.values = fnas_allocate((size_t)(rival.budget * rival.objectives), sizeof *rival.values);
    fnas_status status = rival.points && rival.values ? run(&rival) : fnas_fail_memory(context, "a rival");
    if (status == FNAS_OK) status = make_front(&rival, points, front);
    if (status != FNAS_OK) fnas_rival_front_free(front);
    fnas_arch_set_free(&rival.archive);
    fnas_free(rival.points);
    fnas_free(rival.values);
    return status;
}

/* ---- the file ---- */

fnas_status fnas_rival_front_write(fnas_context *context, const fnas_truth *truth, const fnas_rival_front *front, const char *path) {
    fnas_text text = {0};
    fnas_text_append(&text, "arch,error");
    for (int64_t k = 1; k < truth->objective_count; k++) fnas_text_append(&text, ",%s", truth->cost_names[k - 1]);
    fnas_text_append(&text, "\n");
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < front->count && status == FNAS_OK; i++) {
        char arch[FNAS_ARCH_TEXT_BYTES];
        status = fnas_space_format(context, truth->space, front->choices + i * truth->archs.decisions, arch, sizeof arch);
        if (status == FNAS_OK) fnas_csv_append_cell(&text, arch);
        for (int64_t k = 0; k < truth->objective_count; k++) {
            fnas_text_append(&text, ",");
            fnas_text_append_number(&text, front->values[i * truth->objective_count + k]);
        }
        fnas_text_append(&text, "\n");
    }
    if (status == FNAS_OK)
        status = text.failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text.data, text.size);
    fnas_text_free(&text);
    return status;
}
