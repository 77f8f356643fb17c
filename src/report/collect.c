#include "report/collect.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "search/config/names.h"
#include "search/run/run.h"

enum { FACTS_MOST = 16 };

/* A collection under way. */
typedef struct collector {
    fnas_context *context;
    fnas_arena *arena;
    fnas_page *page;
    fnas_page_fact *facts; /* [FACTS_MOST] */
} collector;

static fnas_status allocate(const collector *c, int64_t count, size_t size, void **memory) {
    size_t bytes;
    *memory = fnas_size_multiply((size_t)count, size, &bytes) ? fnas_arena_allocate(c->arena, bytes ? bytes : 1) : NULL;
    return *memory ? FNAS_OK : fnas_fail_memory(c->context, "the report");
}

/* Moves a text into the arena. */
static fnas_status keep(const collector *c, fnas_text *text, const char **kept) {
    void *memory = NULL;
    fnas_status status = text->failed ? fnas_fail_memory(c->context, "the report") : allocate(c, (int64_t)text->size + 1, 1, &memory);
    if (status == FNAS_OK) {
        if (text->size) memcpy(memory, text->data, text->size);
        ((char *)memory)[text->size] = 0;
        *kept = memory;
    }
    fnas_text_free(text);
    return status;
}

/* ---- objectives ---- */

static const char *objective_label(const char *name) {
    static const char *const labels[][2] = {
        {"error", "Error"}, {"latency_ms", "Latency"}, {"energy_mj", "Energy"}, {"macs", "MACs"}, {"params", "Parameters"}};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (strcmp(labels[i][0], name) == 0) return labels[i][1];
    return name;
}

/* One table head serves all fronts of a page. */
static fnas_status check_objectives(const collector *c, const fnas_front *first, const fnas_front *front) {
    bool same = fnas_front_objective_count(first) == fnas_front_objective_count(front);
    for (int64_t k = 0; same && k < fnas_front_objective_count(first); k++)
        same = strcmp(fnas_front_objective_at(first, k).name, fnas_front_objective_at(front, k).name) == 0;
    if (same) return FNAS_OK;
    return fnas_fail(c->context, FNAS_ERR_INPUT, "the fronts of \"%s\" and \"%s\" have different objectives: make one report of each",
                     fnas_front_device(first), fnas_front_device(front));
}

/* One heading for all devices: "measured" only where every value is. */
static const char *source_of_all(int64_t count, const fnas_front *const *fronts, int64_t objective) {
    const char *source = fnas_front_objective_at(fronts[0], objective).source;
    for (int64_t f = 0; f < count; f++)
        for (int64_t p = 0; p < fnas_front_point_count(fronts[f]); p++)
            if (strcmp(source, "measured") == 0) source = fnas_front_source(fronts[f], objective, p);
    return source;
}

static fnas_status collect_objectives(collector *c, int64_t count, const fnas_front *const *fronts) {
    const fnas_front *front = fronts[0];
    fnas_page *page = c->page;
    void *memory;
    page->objective_count = fnas_front_objective_count(front);
    FNAS_TRY(allocate(c, page->objective_count, sizeof(fnas_page_objective), &memory));
    fnas_page_objective *objectives = memory;
    page->objectives = objectives;
    page->error = page->other = page->latency = -1;
    for (int64_t k = 0; k < page->objective_count; k++) {
        fnas_front_objective objective = fnas_front_objective_at(front, k);
        bool counts = strcmp(objective.unit, "count") == 0;
        objectives[k] = (fnas_page_objective){objective_label(objective.name), counts ? "" : objective.unit,
                                              source_of_all(count, fronts, k)};
        if (strcmp(objective.name, "error") == 0)
            page->error = k;
        else if (page->other < 0)
            page->other = k;
        if (strcmp(objective.name, "latency_ms") == 0) page->latency = k;
    }
    if (page->error >= 0 && page->other >= 0) return FNAS_OK;
    return fnas_fail(c->context, FNAS_ERR_INPUT, "the front of \"%s\" has no error beside another objective: a picture needs both",
                     fnas_front_device(front));
}

/* ---- devices ---- */

static int64_t find_verified(const fnas_verification *verification, const char *device) {
    for (int64_t i = 0; verification && i < fnas_verification_count(verification); i++)
        if (strcmp(fnas_verification_device(verification, i)->name, device) == 0) return i;
    return -1;
}

static bool was_searched(const fnas_run *run, const char *device) {
    for (int64_t i = 0; run && i < fnas_run_device_count(run); i++)
        if (strcmp(fnas_card_get(fnas_run_device(run, i)).name, device) == 0) return true;
    return false;
}

static void append_part(fnas_text *text, const char *part, const char *suffix) {
    if (part && part[0]) fnas_text_append(text, "%s%s%s", text->size ? " · " : "", part, suffix);
}

static const char *statistic_label(const char *statistic) {
    if (statistic && strcmp(statistic, "min_cpu_ms") == 0) return "minimum CPU time";
    if (statistic && strcmp(statistic, "median_wall_ms") == 0) return "median wall time";
    return statistic;
}

/* "blas · f32 · batch 1 · 1 thread · native · minimum CPU time · Xeon ...": what a latency holds for. */
static fnas_status describe_card(const collector *c, const fnas_card *card, const char **made) {
    *made = "";
    if (!card) return FNAS_OK;
    fnas_card_view view = fnas_card_get(card);
    fnas_text text = {0};
    append_part(&text, view.runtime, "");
    append_part(&text, view.precision, "");
    fnas_text_append(&text, "%sbatch %" PRId64 " · %" PRId64 " thread%s", text.size ? " · " : "", view.batch, view.threads,
                     view.threads == 1 ? "" : "s");
    if (view.vocabulary)
        fnas_text_append(&text, " · %" PRId64 " words to %" PRId64 ", vocabulary of %" PRId64, view.source_words, view.target_words,
                         view.vocabulary);
    append_part(&text, view.isa, " instructions");
    append_part(&text, statistic_label(view.statistic), "");
    append_part(&text, view.processor, "");
    if (isfinite(view.noise_spearman)) fnas_text_append(&text, " · its own halves agree by %.3f (Spearman)", view.noise_spearman);
    return keep(c, &text, made);
}

static const char *find_left_out(const fnas_verification *verification, const char *device) {
    for (int64_t i = 0; verification && i < fnas_verification_left_out_count(verification); i++) {
        fnas_verify_left_out left_out = fnas_verification_left_out(verification, i);
        if (strcmp(left_out.name, device) == 0) return left_out.reason;
    }
    return NULL;
}

static void find_measured(const fnas_verification *verification, int64_t verified, fnas_page_row *row) {
    int64_t count = verified < 0 ? 0 : fnas_verification_row_count(verification, verified);
    for (int64_t i = 0; i < count; i++) {
        fnas_verify_row found = fnas_verification_row(verification, verified, i);
        if (strcmp(found.arch, row->arch) != 0) continue;
        row->measured_ms = found.measured_ms;
        row->test_error_pct = found.test_error_pct;
        return;
    }
}

static fnas_status collect_rows(const collector *c, const fnas_front *front, const fnas_verification *verification, int64_t verified,
                                fnas_page_device *device) {
    void *memory;
    device->row_count = fnas_front_point_count(front);
    FNAS_TRY(allocate(c, device->row_count, sizeof(fnas_page_row), &memory));
    fnas_page_row *rows = memory;
    for (int64_t i = 0; i < device->row_count; i++) {
        rows[i] = (fnas_page_row){fnas_front_arch(front, i), fnas_front_preference(front, i), fnas_front_values(front, i), NAN, NAN, 0};
        for (int64_t k = 0; k < c->page->objective_count; k++)
            if (strcmp(fnas_front_source(front, k, i), "measured") == 0) rows[i].by_card |= UINT32_C(1) << k;
        if (!isfinite(rows[i].values[c->page->error]))
            return fnas_fail(c->context, FNAS_ERR_INPUT, "the front of \"%s\" has no scored error: ask for it with scoring, then draw it",
                             device->name);
        find_measured(verification, verified, &rows[i]);
    }
    device->rows = rows;
    return FNAS_OK;
}

static fnas_status collect_check(const collector *c, const fnas_verify_device *found, const fnas_page_check **check) {
    void *memory;
    FNAS_TRY(allocate(c, 1, sizeof(fnas_page_check), &memory));
    *(fnas_page_check *)memory = (fnas_page_check){
        .best_accuracy_pct = found->best_accuracy_pct,
        .median_ape_pct = found->median_ape_pct,
        .spearman = found->spearman,
        .slowdown = found->slowdown,
        .hypervolume = found->hypervolume,
        .hypervolume_random = found->hypervolume_random,
        .hypervolume_untrained = found->hypervolume_untrained,
        .hypervolume_mean_embedding = found->hypervolume_mean_embedding,
        .hypervolume_constant_preference = found->hypervolume_constant_preference,
    };
    *check = memory;
    return FNAS_OK;
}

static fnas_status collect_device(const collector *c, const fnas_run *run, const fnas_card *card, const fnas_front *front,
                                  const fnas_verification *verification, fnas_page_device *device) {
    int64_t verified = find_verified(verification, fnas_front_device(front));
    *device = (fnas_page_device){.name = fnas_front_device(front), .searched = was_searched(run, fnas_front_device(front))};
    device->left_out = find_left_out(verification, device->name);
    FNAS_TRY(describe_card(c, card, &device->made));
    if (verified >= 0) FNAS_TRY(collect_check(c, fnas_verification_device(verification, verified), &device->check));
    return collect_rows(c, front, verification, verified, device);
}

static fnas_status collect_devices(collector *c, const fnas_run *run, int64_t count, const fnas_card *const *cards,
                                   const fnas_front *const *fronts, const fnas_verification *verification) {
    void *memory;
    FNAS_TRY(allocate(c, count, sizeof(fnas_page_device), &memory));
    fnas_page_device *devices = memory;
    for (int64_t d = 0; d < count; d++) {
        FNAS_TRY(collect_device(c, run, cards ? cards[d] : NULL, fronts[d], verification, &devices[d]));
    }
    c->page->devices = devices;
    c->page->device_count = count;
    return FNAS_OK;
}

/* ---- facts ---- */

static fnas_status add_fact(collector *c, const char *name, fnas_text *value) {
    const char *kept;
    FNAS_TRY(keep(c, value, &kept));
    c->facts[c->page->fact_count++] = (fnas_page_fact){name, kept};
    return FNAS_OK;
}

static fnas_status add_fact_text(collector *c, const char *name, const char *value) {
    if (!value || !value[0]) return FNAS_OK;
    fnas_text text = {0};
    fnas_text_append(&text, "%s", value);
    return add_fact(c, name, &text);
}

static fnas_status add_search_devices(collector *c, const fnas_run *run) {
    fnas_text text = {0};
    for (int64_t i = 0; i < fnas_run_device_count(run); i++)
        fnas_text_append(&text, "%s%s", i ? ", " : "", fnas_card_get(fnas_run_device(run, i)).name);
    return add_fact(c, "Search devices", &text);
}

static fnas_status add_objectives(collector *c) {
    fnas_text text = {0};
    for (int64_t k = 0; k < c->page->objective_count; k++) {
        const fnas_page_objective *objective = &c->page->objectives[k];
        fnas_text_append(&text, "%s%s (%s%s%s)", k ? ", " : "", objective->label, objective->unit, objective->unit[0] ? ", " : "",
                         objective->source);
    }
    return add_fact(c, "Objectives", &text);
}

static fnas_status add_length(collector *c, const fnas_run *run) {
    fnas_text text = {0};
    fnas_text_append(&text, "%" PRId64 " of %" PRId64, run->state.step,
                     run->state.total_steps ? run->state.total_steps : run->config.steps);
    fnas_text_append(&text, ", %" PRId64 " paths each", run->config.paths);
    return add_fact(c, "Steps", &text);
}

static fnas_status add_method(collector *c, const fnas_search_config *config) {
    fnas_text text = {0};
    fnas_text_append(&text, "update %s, sampler %s, hypernetwork %s, scalarisation %s", fnas_names_update[config->update],
                     fnas_names_sampler[config->sampler], fnas_names_hypernet[config->hypernet], fnas_names_scalarise[config->scalarise]);
    if (fnas_search_has_supernet(config)) fnas_text_append(&text, ", batch %s", fnas_names_batch[config->batch]);
    return add_fact(c, "Method", &text);
}

static fnas_status add_seed(collector *c, uint64_t seed) {
    fnas_text text = {0};
    fnas_text_append(&text, "%" PRIu64, seed);
    return add_fact(c, "Seed", &text);
}

static fnas_status add_supernet(collector *c, const fnas_search_config *config) {
    fnas_text text = {0};
    fnas_text_append(&text, "%s", config->supernet);
    if (config->start_weights[0]) fnas_text_append(&text, ", from given weights (%s)", config->start_weights);
    if (config->sandwiches > 0 && config->warmup_fraction > 0)
        fnas_text_append(&text, ", trained %s", config->phase_count > 0 ? "in phases, in sandwiches" : "in sandwiches");
    if (config->shared_weights == FNAS_WEIGHTS_FROZEN) fnas_text_append(&text, ", frozen while the hypernetwork learns");
    return add_fact(c, "Supernet", &text);
}

static void add_network(fnas_text *text, const fnas_network *network) {
    fnas_text_append(text, "a network ");
    fnas_network_append_sizes(network, text);
    fnas_text_append(text, " that was given, input %s, output %s", network->encoding->name, fnas_network_output_names[network->output]);
}

/* Whence the errors, where no supernet gives them. */
static fnas_status add_errors(collector *c, const fnas_surrogate *surrogate) {
    fnas_text text = {0};
    if (surrogate->is_exact)
        fnas_text_append(&text, "column %s of a table of the whole space, %" PRId64 " rows", surrogate->column, surrogate->row_count);
    else if (surrogate->network)
        add_network(&text, surrogate->network);
    else
        fnas_text_append(&text,
                         "a surrogate, fitted to the column %s of %" PRId64
                         " architectures; cross-validated: rank correlation (Spearman) %.3f, mean absolute error %.3g points",
                         surrogate->column, surrogate->row_count, surrogate->spearman, surrogate->mean_error_pct);
    return add_fact(c, "Errors", &text);
}

static fnas_status collect_facts(collector *c, const fnas_run *run) {
    void *memory;
    FNAS_TRY(allocate(c, FACTS_MOST, sizeof(fnas_page_fact), &memory));
    c->facts = memory;
    c->page->facts = c->facts;
    FNAS_TRY(add_fact_text(c, "Space", fnas_space_spec(fnas_run_space(run))));
    if (run->surrogate)
        FNAS_TRY(add_errors(c, run->surrogate));
    else
        FNAS_TRY(add_supernet(c, &run->config));
    FNAS_TRY(add_fact_text(c, "Data", run->config.data));
    FNAS_TRY(add_objectives(c));
    FNAS_TRY(add_search_devices(c, run));
    FNAS_TRY(add_fact_text(c, "Preset", run->config.preset));
    FNAS_TRY(add_length(c, run));
    FNAS_TRY(add_method(c, &run->config));
    return add_seed(c, run->config.seed);
}

static fnas_status collect_title(collector *c, const fnas_run *run) {
    fnas_text text = {0};
    fnas_text_append(&text, "Pareto fronts of %s", fnas_space_name(fnas_run_space(run)));
    if (run->config.data && run->config.data[0]) fnas_text_append(&text, " on %s", run->config.data);
    return keep(c, &text, &c->page->title);
}

fnas_status fnas_page_collect(fnas_context *context, fnas_arena *arena, const fnas_run *run, int64_t count, const fnas_card *const *cards,
                              const fnas_front *const *fronts, const fnas_verification *verification, fnas_page *page) {
    *page = (fnas_page){.title = "Pareto front"};
    collector c = {context, arena, page, NULL};
    if (count < 1) return fnas_fail(context, FNAS_ERR_INPUT, "a report needs the front of at least one device");
    for (int64_t d = 1; d < count; d++) FNAS_TRY(check_objectives(&c, fronts[0], fronts[d]));
    FNAS_TRY(collect_objectives(&c, count, fronts));
    FNAS_TRY(collect_devices(&c, run, count, cards, fronts, verification));
    if (!run) return FNAS_OK;
    FNAS_TRY(collect_facts(&c, run));
    return collect_title(&c, run);
}
