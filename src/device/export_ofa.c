/* Latency tables of Once-for-All, measured here: networks that together have every block, timed part by part, and networks that check the
 * sums. */
#include "fleetnas/device_export.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/statistics.h"
#include "device/images.h"
#include "device/measure_internal.h"
#include "device/ofa.h"
#include "space/space.h"

#define LEAST_ROUNDS 12
#define MOST_ROUNDS 1000 /* samples of a network pass to the parent in one message */
#define LEAST_CHECKS 10
#define SUFFIX ".yaml"

typedef struct exporter {
    fnas_context *context;
    const fnas_mbv3 *mbv3;
    fnas_measurement measuring;
    int32_t resolutions[FNAS_MBV3_RESOLUTIONS_MAX]; /* choices */
    int64_t resolution_count, covering_count, check_count;
    int32_t *choices;       /* [covering_count + check_count][decisions]: resolution by resolution, then those that check */
    fnas_ofa_table *tables; /* [resolution_count] */
} exporter;

/* ---- what is asked ---- */

static fnas_status read_resolutions(exporter *exporting, const fnas_export_ofa *options) {
    bool seen[FNAS_MBV3_RESOLUTIONS_MAX] = {false};
    int64_t count = options->resolutions ? options->resolution_count : exporting->mbv3->resolution_count;
    if (count < 1) return fnas_fail(exporting->context, FNAS_ERR_INPUT, "no resolution is given");
    for (int64_t i = 0; i < count; i++) {
        int32_t choice = options->resolutions ? fnas_mbv3_resolution_choice(exporting->mbv3, options->resolutions[i]) : (int32_t)i;
        if (choice < 0)
            return fnas_fail(exporting->context, FNAS_ERR_INPUT, "resolution %lld is none of the space's: %s to %s in steps of %lld",
                             (long long)options->resolutions[i], exporting->mbv3->resolution_names[0],
                             exporting->mbv3->resolution_names[exporting->mbv3->resolution_count - 1],
                             (long long)exporting->mbv3->resolution_step);
        if (seen[choice])
            return fnas_fail(exporting->context, FNAS_ERR_INPUT, "resolution %lld is given twice",
                             (long long)fnas_mbv3_resolution(exporting->mbv3, choice));
        seen[choice] = true;
        exporting->resolutions[exporting->resolution_count++] = choice;
    }
    return FNAS_OK;
}

static bool is_file(const char *output) {
    size_t length = strlen(output), suffix = strlen(SUFFIX);
    return length > suffix && strcmp(output + length - suffix, SUFFIX) == 0;
}

static fnas_status check_output(const exporter *exporting, const char *output) {
    if (!is_file(output)) return fnas_folder_check_creatable(exporting->context, output);
    if (exporting->resolution_count == 1) return FNAS_OK;
    return fnas_fail(exporting->context, FNAS_ERR_INPUT, "%s: tables of %lld resolutions need a folder: name one", output,
                     (long long)exporting->resolution_count);
}

/* ---- networks ---- */

static int32_t *choices_at(const exporter *exporting, int64_t network) {
    return exporting->choices + network * FNAS_MBV3_DECISIONS;
}

static fnas_status choose_networks(exporter *exporting, uint64_t seed) {
    fnas_timing_plan *plan = &exporting->measuring.plan;
    exporting->covering_count = FNAS_MBV3_COVERING * exporting->resolution_count;
    exporting->check_count = exporting->resolution_count > LEAST_CHECKS ? exporting->resolution_count : LEAST_CHECKS;
    plan->count = exporting->covering_count + exporting->check_count;
    exporting->choices = fnas_allocate((size_t)(plan->count * FNAS_MBV3_DECISIONS), sizeof *exporting->choices);
    if (!exporting->choices) return fnas_fail_memory(exporting->context, plan->stage);
    for (int64_t i = 0; i < exporting->covering_count; i++)
        fnas_mbv3_covering(exporting->resolutions[i / FNAS_MBV3_COVERING], i % FNAS_MBV3_COVERING, choices_at(exporting, i));
    for (int64_t i = 0; i < exporting->check_count; i++) {
        int32_t *choices = choices_at(exporting, exporting->covering_count + i);
        fnas_space_random(plan->space, seed, i, choices);
        choices[FNAS_MBV3_RESOLUTION] = exporting->resolutions[i % exporting->resolution_count];
        fnas_space_settle(plan->space, choices);
    }
    plan->choices = exporting->choices;
    plan->drift_choices = exporting->choices;
    plan->part_count = FNAS_MBV3_BLOCKS_MAX;
    return FNAS_OK;
}

/* ---- samples ---- */

static const double *whole_samples(const exporter *exporting, int64_t network) {
    const fnas_timing_result *result = &exporting->measuring.result;
    return (exporting->measuring.plan.threads == 1 ? result->cpu_ms : result->wall_ms) + network * result->rounds;
}

static const double *part_samples(const exporter *exporting, int64_t network, int64_t part) {
    const fnas_timing_result *result = &exporting->measuring.result;
    return result->part_ms + (network * FNAS_MBV3_BLOCKS_MAX + part) * result->rounds;
}

/* Marks the faster half of samples [rounds], which nothing disturbed. */
static void mark_fast(const double *samples, int64_t rounds, bool *fast) {
    double middle = fnas_median(samples, rounds);
    for (int64_t r = 0; r < rounds; r++) fast[r] = samples[r] <= middle;
}

static double fast_mean(const double *samples, int64_t rounds, bool *fast) {
    double sum = 0;
    int64_t count = 0;
    mark_fast(samples, rounds, fast);
    for (int64_t r = 0; r < rounds; r++) {
        sum += fast[r] ? samples[r] : 0;
        count += fast[r];
    }
    return sum / (double)count;
}

/* Rounds of a network by the sum of its parts. sums [rounds] */
static void mark_fast_parts(const exporter *exporting, int64_t network, double *sums, bool *fast) {
    int64_t rounds = exporting->measuring.result.rounds;
    memset(sums, 0, (size_t)rounds * sizeof *sums);
    for (int64_t part = 0; part < FNAS_MBV3_BLOCKS_MAX; part++)
        for (int64_t r = 0; r < rounds; r++) sums[r] += part_samples(exporting, network, part)[r];
    mark_fast(sums, rounds, fast);
}

/* ---- tables ---- */

/* Adds samples to an entry, whose std_ms holds the sum of squared deviations meanwhile (Welford 1962). */
static void add_sample(fnas_ofa_entry *entry, double ms) {
    double before = ms - entry->mean_ms;
    entry->count++;
    entry->mean_ms += before / (double)entry->count;
    entry->std_ms += before * (ms - entry->mean_ms);
}

static void add_network(const exporter *exporting, int64_t network, double *sums, bool *fast, fnas_ofa_table *table) {
    fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX];
    int64_t count = fnas_mbv3_blocks(exporting->mbv3, choices_at(exporting, network), blocks);
    mark_fast_parts(exporting, network, sums, fast);
    for (int64_t part = 0; part < count; part++) {
        fnas_ofa_block block = fnas_ofa_block_of(&blocks[part]);
        int64_t at = 0;
        while (!fnas_ofa_block_equal(&table->entries[at].block, &block)) at++; /* the table has all of them */
        for (int64_t r = 0; r < exporting->measuring.result.rounds; r++)
            if (fast[r]) add_sample(&table->entries[at], part_samples(exporting, network, part)[r]);
    }
}

static fnas_status make_table(const exporter *exporting, int64_t index, double *sums, bool *fast, fnas_ofa_table *table) {
    fnas_ofa_block blocks[FNAS_OFA_BLOCKS_MAX];
    table->count = fnas_ofa_all_blocks(exporting->mbv3, exporting->resolutions[index], blocks);
    table->entries = fnas_allocate((size_t)table->count, sizeof *table->entries);
    if (!table->entries) return fnas_fail_memory(exporting->context, "a latency table");
    for (int64_t i = 0; i < table->count; i++) table->entries[i].block = blocks[i];
    for (int64_t i = 0; i < FNAS_MBV3_COVERING; i++) add_network(exporting, index * FNAS_MBV3_COVERING + i, sums, fast, table);
    for (int64_t i = 0; i < table->count; i++) {
        fnas_ofa_entry *entry = &table->entries[i];
        entry->std_ms = sqrt(entry->std_ms / (double)entry->count);
        if (entry->mean_ms > 0) continue;
        char key[FNAS_OFA_KEY_BYTES];
        fnas_ofa_block_format(&entry->block, key);
        return fnas_fail(exporting->context, FNAS_ERR_NUMERIC, "%s: block %s took no time: the clock is too coarse",
                         exporting->measuring.stage, key);
    }
    return FNAS_OK;
}

static fnas_status make_tables(exporter *exporting) {
    int64_t rounds = exporting->measuring.result.rounds;
    double *sums = fnas_allocate((size_t)rounds, sizeof *sums);
    bool *fast = fnas_allocate((size_t)rounds, sizeof *fast);
    exporting->tables = fnas_allocate((size_t)exporting->resolution_count, sizeof *exporting->tables);
    fnas_status status = sums && fast && exporting->tables ? FNAS_OK : fnas_fail_memory(exporting->context, "latency tables");
    for (int64_t i = 0; status == FNAS_OK && i < exporting->resolution_count; i++)
        status = make_table(exporting, i, sums, fast, &exporting->tables[i]);
    fnas_free(sums);
    fnas_free(fast);
    return status;
}

/* ---- agreement ---- */

static double table_sum(const exporter *exporting, int64_t network, const fnas_ofa_table *table) {
    fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX];
    int64_t count = fnas_mbv3_blocks(exporting->mbv3, choices_at(exporting, network), blocks);
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        fnas_ofa_block block = fnas_ofa_block_of(&blocks[i]);
        sum += fnas_ofa_table_find(table, &block)->mean_ms;
    }
    return sum;
}

/* whole, sums and errors [check_count] */
static void compare(const exporter *exporting, bool *fast, double *whole, double *sums, double *errors, fnas_ofa_agreement *agreement) {
    int64_t count = exporting->check_count;
    *agreement = (fnas_ofa_agreement){.networks = count};
    for (int64_t i = 0; i < count; i++) {
        int64_t network = exporting->covering_count + i;
        whole[i] = fast_mean(whole_samples(exporting, network), exporting->measuring.result.rounds, fast);
        sums[i] = table_sum(exporting, network, &exporting->tables[i % exporting->resolution_count]);
        double error = 100 * (sums[i] / whole[i] - 1);
        agreement->bias_pct += error / (double)count;
        errors[i] = fabs(error);
    }
    agreement->median_error_pct = fnas_median(errors, count);
    agreement->largest_error_pct = fnas_quantile(errors, count, 1);
    agreement->spearman = fnas_spearman(sums, whole, count);
    for (int64_t i = 0; i < exporting->resolution_count; i++) agreement->blocks += exporting->tables[i].count;
}

static fnas_status find_agreement(const exporter *exporting, fnas_ofa_agreement *agreement) {
    size_t count = (size_t)exporting->check_count;
    bool *fast = fnas_allocate((size_t)exporting->measuring.result.rounds, sizeof *fast);
    double *numbers = fnas_allocate(count, 3 * sizeof *numbers);
    if (fast && numbers) compare(exporting, fast, numbers, numbers + count, numbers + 2 * count, agreement);
    fnas_free(fast);
    fnas_free(numbers);
    return fast && numbers ? FNAS_OK : fnas_fail_memory(exporting->context, "latency tables");
}

/* ---- the whole ---- */

static fnas_status write_tables(const exporter *exporting, const char *output) {
    if (is_file(output)) return fnas_ofa_table_write(exporting->context, output, &exporting->tables[0]);
    FNAS_TRY(fnas_folder_create(exporting->context, output));
    for (int64_t i = 0; i < exporting->resolution_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "%" PRId64 "_lookup_table" SUFFIX, fnas_mbv3_resolution(exporting->mbv3, exporting->resolutions[i]));
        char *path = fnas_path_join(output, name);
        if (!path) return fnas_fail_memory(exporting->context, "a path");
        fnas_status status = fnas_ofa_table_write(exporting->context, path, &exporting->tables[i]);
        fnas_free(path);
        FNAS_TRY(status);
    }
    return FNAS_OK;
}

static fnas_status measure(exporter *exporting, const fnas_space *space, const fnas_card *card, const fnas_export_ofa *options) {
    fnas_measurement *measuring = &exporting->measuring;
    FNAS_TRY(fnas_measurement_of_card(exporting->context, space, card, options->rounds, measuring));
    if (measuring->plan.rounds < LEAST_ROUNDS || measuring->plan.rounds > MOST_ROUNDS)
        return fnas_fail(exporting->context, FNAS_ERR_INPUT, "rounds is %lld: it must be %d to %d", (long long)measuring->plan.rounds,
                         LEAST_ROUNDS, MOST_ROUNDS);
    FNAS_TRY(choose_networks(exporting, options->seed));
    FNAS_TRY(fnas_images_load(exporting->context, space, NULL, FNAS_MEASURE_IMAGES, &measuring->images, NULL, 0));
    measuring->plan.images = measuring->images;
    FNAS_TRY(fnas_timing_run(exporting->context, &measuring->plan, &measuring->result));
    return fnas_measurement_check_drift(measuring);
}

static fnas_status run(exporter *exporting, const fnas_space *space, const fnas_card *card, const fnas_export_ofa *options,
                       const char *output, fnas_ofa_agreement *agreement) {
    fnas_ofa_agreement found;
    FNAS_TRY(fnas_ofa_space(exporting->context, space, &exporting->mbv3));
    FNAS_TRY(read_resolutions(exporting, options));
    FNAS_TRY(check_output(exporting, output));
    FNAS_TRY(measure(exporting, space, card, options));
    FNAS_TRY(make_tables(exporting));
    FNAS_TRY(find_agreement(exporting, &found));
    FNAS_TRY(write_tables(exporting, output));
    if (agreement) *agreement = found;
    return FNAS_OK;
}

fnas_status fnas_device_export_ofa(fnas_context *context, const fnas_space *space, const fnas_card *card, const fnas_export_ofa *options,
                                   const char *output, fnas_ofa_agreement *agreement) {
    exporter exporting = {.context = context, .measuring = {.context = context}};
    fnas_status status = run(&exporting, space, card, options, output, agreement);
    for (int64_t i = 0; exporting.tables && i < exporting.resolution_count; i++) fnas_ofa_table_free(&exporting.tables[i]);
    fnas_free(exporting.tables);
    fnas_free(exporting.choices);
    fnas_measurement_release(&exporting.measuring);
    return status;
}
