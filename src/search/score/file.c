#include "search/score/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "search/score/cache.h"
#include "space/space.h"

#define SCORE_FILE "scores.csv"
#define LIMIT_BYTES ((size_t)1 << 26)
#define ARCH_BYTES 1024
#define STATE_BYTES 128

enum { COLUMN_STATE, COLUMN_PART, COLUMN_IMAGES, COLUMN_ARCH, COLUMN_ERROR, COLUMN_CROSS_ENTROPY, COLUMN_COUNT };
static const char *const COLUMNS[COLUMN_COUNT] = {"state", "part", "images", "arch", "error_pct", "cross_entropy"};
static const char *const PARTS[] = {[FNAS_SCORE_VALIDATION] = "validation", [FNAS_SCORE_TEST] = "test"};

/* ---- saving ---- */

/* Names all that decides an error beside the architecture: the shared weights, and what statistics are recalibrated on. */
static void name_state(const fnas_run *run, char name[STATE_BYTES]) {
    const fnas_search_config *config = &run->config;
    uLong digest = crc32_z(0, (const unsigned char *)run->state.weights.values, (size_t)run->state.weights.float_count * sizeof(float));
    snprintf(name, STATE_BYTES, "%08lx-step%" PRId64 "-seed%" PRIu64 "-%" PRId64, digest, run->state.step, config->seed,
             config->recalibration_images);
}

typedef struct score_writer {
    fnas_context *context;
    const fnas_run *run;
    char state[STATE_BYTES];
    fnas_text text;
    fnas_status status;
} score_writer;

static void write_row(fnas_text *text, const char *state, fnas_score_part part, int64_t images, const char *arch, fnas_score score) {
    fnas_csv_append_cell(text, state);
    fnas_text_append(text, ",%s,%lld,", PARTS[part], (long long)images);
    fnas_csv_append_cell(text, arch);
    fnas_text_append(text, ",%.17g,%.17g\n", score.error_pct, score.cross_entropy);
}

static void write_score(void *user, fnas_score_part part, int64_t images, const int32_t *choices, fnas_score score) {
    score_writer *writer = user;
    char arch[ARCH_BYTES];
    if (writer->status == FNAS_OK) writer->status = fnas_space_format(writer->context, writer->run->space, choices, arch, sizeof arch);
    if (writer->status == FNAS_OK) write_row(&writer->text, writer->state, part, images, arch, score);
}

void fnas_score_file_save(fnas_context *context, const fnas_run *run) {
    score_writer writer = {.context = context, .run = run};
    char *path = fnas_run_file(run, SCORE_FILE);
    name_state(run, writer.state);
    for (int i = 0; i < COLUMN_COUNT; i++) fnas_text_append(&writer.text, "%s%s", i ? "," : "", COLUMNS[i]);
    fnas_text_append(&writer.text, "\n");
    fnas_score_cache_visit(run->scores, write_score, &writer);
    fnas_status status = path && !writer.text.failed ? writer.status : fnas_fail_memory(context, "errors to keep");
    if (status == FNAS_OK) status = fnas_file_write_atomic(context, path, writer.text.data, writer.text.size);
    if (status != FNAS_OK) fnas_log(context, FNAS_LOG_INFO, "the errors just scored are not kept: %s", fnas_context_message(context));
    fnas_text_free(&writer.text);
    fnas_free(path);
}

/* ---- loading ---- */

static bool is_score(fnas_score score) {
    return score.error_pct >= 0 && score.error_pct <= 100 && score.cross_entropy >= 0 && isfinite(score.cross_entropy);
}

static fnas_status load_row(fnas_context *context, const fnas_run *run, const fnas_csv *table, const int64_t *columns, int64_t row,
                            int32_t *choices) {
    double images;
    fnas_score score = {0};
    const char *part = fnas_csv_cell(table, row, columns[COLUMN_PART]);
    FNAS_TRY(fnas_csv_number(context, table, row, columns[COLUMN_IMAGES], &images));
    FNAS_TRY(fnas_csv_number(context, table, row, columns[COLUMN_ERROR], &score.error_pct));
    FNAS_TRY(fnas_csv_number(context, table, row, columns[COLUMN_CROSS_ENTROPY], &score.cross_entropy));
    FNAS_TRY(fnas_space_parse(context, run->space, fnas_csv_cell(table, row, columns[COLUMN_ARCH]), choices));
    bool test = strcmp(part, PARTS[FNAS_SCORE_TEST]) == 0, known = test || strcmp(part, PARTS[FNAS_SCORE_VALIDATION]) == 0;
    if (!known || !(images >= 0 && images <= 1e12) || images != floor(images) || !is_score(score))
        return fnas_fail(context, FNAS_ERR_INPUT, "line %lld: part \"%s\", %g images, error %g %%, cross entropy %g cannot be",
                         (long long)fnas_csv_line(table, row), part, images, score.error_pct, score.cross_entropy);
    return fnas_score_cache_store(context, run->scores, test ? FNAS_SCORE_TEST : FNAS_SCORE_VALIDATION, (int64_t)images, 1, choices,
                                  &score);
}

static fnas_status load_table(fnas_context *context, const fnas_run *run, const fnas_csv *table) {
    char state[STATE_BYTES];
    int64_t columns[COLUMN_COUNT];
    name_state(run, state);
    for (int i = 0; i < COLUMN_COUNT; i++) FNAS_TRY(fnas_csv_column(context, table, COLUMNS[i], &columns[i]));
    int32_t *choices = fnas_allocate((size_t)fnas_space_decision_count(run->space), sizeof *choices);
    fnas_status status = choices ? FNAS_OK : fnas_fail_memory(context, "known errors");
    for (int64_t row = 0; row < fnas_csv_rows(table) && status == FNAS_OK; row++) {
        if (strcmp(fnas_csv_cell(table, row, columns[COLUMN_STATE]), state) != 0) continue; /* of an earlier state of the run */
        status = load_row(context, run, table, columns, row, choices);
    }
    fnas_free(choices);
    return status;
}

fnas_status fnas_score_file_load(fnas_context *context, const fnas_run *run) {
    char *path = fnas_run_file(run, SCORE_FILE);
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_csv *table = NULL;
    fnas_status status = fnas_file_exists(path) ? fnas_csv_read(context, path, LIMIT_BYTES, &table) : FNAS_OK;
    if (status == FNAS_OK && table) status = load_table(context, run, table);
    if (status != FNAS_OK && status != FNAS_ERR_MEMORY) {
        fnas_log(context, FNAS_LOG_WARNING, "%s is ignored, errors are scored anew: %s", path, fnas_context_message(context));
        fnas_score_cache_clear(run->scores);
        status = FNAS_OK;
    }
    fnas_csv_free(table);
    fnas_free(path);
    return status;
}
