#include "report/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 256 * 1024 };

void *fnas_results_keep(const fnas_results *results, const void *data, size_t count, size_t size) {
    size_t bytes;
    void *memory = fnas_size_multiply(count, size, &bytes) ? fnas_arena_allocate(results->arena, bytes ? bytes : 1) : NULL;
    if (memory && bytes) memcpy(memory, data, bytes);
    return memory;
}

/* ---- order ---- */

static int64_t count_objectives(const char *objectives) {
    int64_t count = 1;
    for (; *objectives; objectives++) count += *objectives == '+';
    return count;
}

static int compare_contenders(const fnas_result *a, const fnas_result *b) {
    int64_t few = count_objectives(a->objectives) - count_objectives(b->objectives);
    if (few) return few < 0 ? -1 : 1;
    int order = strcmp(a->objectives, b->objectives);
    if (order) return order;
    if (a->budget != b->budget) return a->budget < b->budget ? -1 : 1;
    if (a->amount != b->amount) return a->amount < b->amount ? -1 : 1;
    return strcmp(a->method, b->method);
}

static int compare_results(const void *left, const void *right) {
    const fnas_result *a = left, *b = right;
    int order = compare_contenders(a, b);
    if (order) return order;
    if (a->seed != b->seed) return a->seed < b->seed ? -1 : 1;
    return strcmp(a->device, b->device);
}

static fnas_status find_contenders(fnas_context *context, fnas_results *results) {
    results->contenders = fnas_arena_allocate(results->arena, (size_t)results->count * sizeof *results->contenders);
    if (!results->contenders) return fnas_fail_memory(context, "the results");
    for (int64_t i = 0; i < results->count; i++) {
        const fnas_result *item = &results->items[i];
        fnas_contender *last = results->contenders + results->contender_count - 1;
        if (results->contender_count && compare_contenders(last->results, item) == 0)
            last->count++;
        else
            results->contenders[results->contender_count++] = (fnas_contender){
                item->objectives, item->method, item->budget, item->amount, 1, item};
    }
    return FNAS_OK;
}

/* ---- what cannot be together ---- */

/* Scores of one device and the same objectives are by one truth. The hypervolume of the truth is computed alike each time: it has the same
 * bits, unless a file went through another program, which may have rounded it. */
static fnas_status check_truths(fnas_context *context, const fnas_results *results) {
    for (int64_t i = 0; i < results->count; i++) {
        const fnas_result *a = &results->items[i], *first = a;
        for (int64_t j = 0; j < i && first == a; j++)
            if (!strcmp(results->items[j].device, a->device) && !strcmp(results->items[j].objectives, a->objectives))
                first = &results->items[j];
        if (fabs(first->true_hypervolume - a->true_hypervolume) <= 1e-9) continue;
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: the true hypervolume is %.9f, and %.9f in %s: they were scored by different truth tables", a->file,
                         a->true_hypervolume, first->true_hypervolume, first->file);
    }
    return FNAS_OK;
}

/* Names may write one number in two ways. Of sorted items. */
static fnas_status check_twice(fnas_context *context, const fnas_results *results) {
    for (int64_t i = 1; i < results->count; i++)
        if (compare_results(&results->items[i - 1], &results->items[i]) == 0)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s and %s are the score of one method, budget, device and seed: keep one",
                             results->items[i - 1].file, results->items[i].file);
    return FNAS_OK;
}

static bool is_known(const fnas_results *results, const char *device) {
    for (int64_t d = 0; d < results->device_count; d++)
        if (!strcmp(results->devices[d], device)) return true;
    return false;
}

static fnas_status check_devices(fnas_context *context, const fnas_results *results) {
    for (int64_t i = 0; i < results->count; i++) {
        const fnas_result *item = &results->items[i];
        if (strcmp(item->objectives, FNAS_TWO_OBJECTIVES) != 0 || is_known(results, item->device)) continue;
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: splits.json has no device \"%s\"", item->file, item->device);
    }
    return FNAS_OK;
}

/* ---- opening ---- */

static fnas_status fill(fnas_context *context, const char *folder, const char *scored, fnas_results *results) {
    FNAS_TRY(fnas_results_read(context, folder, scored, results));
    if (!results->count) return fnas_fail(context, FNAS_ERR_INPUT, "%s holds no scores: OBJECTIVES,METHOD,BUDGET,DEVICE,SEED.json", folder);
    qsort(results->items, (size_t)results->count, sizeof *results->items, compare_results);
    FNAS_TRY(check_twice(context, results));
    FNAS_TRY(check_devices(context, results));
    FNAS_TRY(check_truths(context, results));
    FNAS_TRY(find_contenders(context, results));
    return fnas_results_check_room(context, results);
}

fnas_status fnas_results_open(fnas_context *context, const char *folder, const char *scored, fnas_results **results) {
    *results = NULL;
    fnas_results *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "the results");
    made->scored = -1;
    fnas_status status = fnas_arena_create(context, ARENA_BYTES, &made->arena);
    if (status == FNAS_OK) status = fill(context, folder, scored, made);
    if (status == FNAS_OK)
        *results = made;
    else
        fnas_results_free(made);
    return status;
}

void fnas_results_free(fnas_results *results) {
    if (!results) return;
    if (results->arena) fnas_arena_destroy(results->arena);
    fnas_free(results->items);
    fnas_free(results->times);
    fnas_free(results);
}

int64_t fnas_results_count(const fnas_results *results) {
    return results->count;
}

/* ---- means ---- */

/* Over the devices, of `count` results of one seed; NaN where one has none. */
static double mean_of_seed(int64_t count, const fnas_result *results, int64_t device_count, const char *const *devices) {
    double sum = 0;
    for (int64_t d = 0; d < device_count; d++) {
        int64_t i = 0;
        while (i < count && strcmp(results[i].device, devices[d]) != 0) i++;
        if (i == count) return (double)NAN;
        sum += results[i].ratio;
    }
    return sum / (double)device_count;
}

fnas_seed_mean fnas_results_mean(const fnas_contender *contender, int64_t device_count, const char *const *devices) {
    fnas_seed_mean mean = {.seeds = 0};
    double squares = 0; /* of deviations from the mean so far (Welford 1962) */
    for (int64_t first = 0, next; first < contender->count && device_count > 0; first = next) {
        for (next = first; next < contender->count && contender->results[next].seed == contender->results[first].seed;) next++;
        double value = mean_of_seed(next - first, contender->results + first, device_count, devices);
        if (isnan(value)) continue;
        double before = value - mean.mean;
        mean.mean += before / (double)++mean.seeds;
        squares += before * (value - mean.mean);
    }
    mean.error = mean.seeds > 1 ? sqrt(squares / (double)(mean.seeds - 1) / (double)mean.seeds) : (double)NAN;
    if (!mean.seeds) mean.mean = (double)NAN;
    return mean;
}
