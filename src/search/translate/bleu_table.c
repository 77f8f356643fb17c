/* How good the translations of architectures are. */
#include <string.h>
#include <sys/stat.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/text/bleu.h"
#include "search/score/score.h"
#include "search/translate/arch_files.h"
#include "search/translate/translate.h"
#include "space/space.h"

struct fnas_bleu_table {
    int64_t count, pairs;
    fnas_bleu_row *rows; /* [count] */
    char **archs;        /* [count] owned: the rows' */
};

typedef struct bleu_work {
    const fnas_run *run;
    const fnas_bleu_options *options;
    fnas_text_part part;
    int64_t count; /* pairs */
    fnas_examples examples;
    fnas_arch_set archs;
    fnas_source_list sources;
    fnas_bleu_counts *counts; /* [archs][chunks]: a chunk is one thread's */
    fnas_score *scores;       /* [archs] */
} bleu_work;

/* ---- what is asked ---- */

static fnas_status check(fnas_context *context, const fnas_run *run, const fnas_bleu_options *options) {
    FNAS_TRY(fnas_translation_check(context, run, &options->beam));
    if (options->arch_count < 0 || options->file_count < 0 || options->pairs < 0)
        return fnas_fail(context, FNAS_ERR_USAGE, "bleu: counts must not be negative");
    if (!options->arch_count && !options->file_count)
        return fnas_fail(context, FNAS_ERR_USAGE, "bleu: no architecture is named: say which are to translate");
    if (options->part && options->part != FNAS_TEXT_TEST && options->part != FNAS_TEXT_VALIDATION)
        return fnas_fail(context, FNAS_ERR_USAGE, "bleu: texts are kept of the validation and the test part alone");
    return FNAS_OK;
}

static fnas_status collect_archs(fnas_context *context, bleu_work *work) {
    const fnas_space *space = work->run->space;
    work->archs.decisions = fnas_space_decision_count(space);
    int32_t *choices = fnas_allocate((size_t)work->archs.decisions, sizeof *choices);
    fnas_status status = choices ? FNAS_OK : fnas_fail_memory(context, "architectures");
    for (int64_t i = 0; i < work->options->arch_count && status == FNAS_OK; i++) {
        int64_t ignored;
        status = fnas_space_parse_given(context, space, work->options->archs[i], choices);
        if (status == FNAS_OK) status = fnas_arch_set_add(context, &work->archs, choices, &ignored);
    }
    for (int64_t i = 0; i < work->options->file_count && status == FNAS_OK; i++)
        status = fnas_arch_file_read(context, space, work->options->files[i], &work->archs);
    fnas_free(choices);
    return status;
}

static fnas_status collect_sources(fnas_context *context, bleu_work *work) {
    const fnas_pairs *pairs = work->examples.pairs;
    fnas_pairs_info info = fnas_pairs_get(pairs);
    int32_t ids[FNAS_PAIR_IDS_MAX], end = fnas_vocabulary_get(info.vocabulary).end;
    int64_t available = info.counts[work->part], wanted = work->options->pairs;
    work->count = wanted && wanted < available ? wanted : available;
    for (int64_t i = 0; i < work->count; i++) {
        fnas_pairs_ids(pairs, work->part, i, FNAS_TEXT_SOURCE, ids);
        FNAS_TRY(fnas_source_list_add(context, &work->sources, ids, fnas_pairs_length(pairs, work->part, i, FNAS_TEXT_SOURCE), end));
    }
    return fnas_source_list_plan(context, &work->options->beam, &work->sources);
}

/* ---- translating and scoring ---- */

static fnas_status take(fnas_context *context, void *user, int64_t arch, int64_t chunk, int64_t sentence, const int32_t *words,
                        int64_t count) {
    bleu_work *work = user;
    fnas_text text = {0};
    size_t size;
    const char *reference = fnas_pairs_text(work->examples.pairs, work->part, sentence, FNAS_TEXT_TARGET, &size);
    fnas_status status = fnas_translation_append(context, work->run->vocabulary, words, count, &text);
    if (status == FNAS_OK)
        status = fnas_bleu_add(context, &work->counts[arch * work->sources.chunk_count + chunk], text.data ? text.data : "", text.size,
                               reference, size);
    fnas_text_free(&text);
    return status;
}

static fnas_status translate(fnas_context *context, bleu_work *work) {
    work->counts = fnas_allocate((size_t)work->archs.count * (size_t)work->sources.chunk_count, sizeof *work->counts);
    work->scores = fnas_allocate((size_t)work->archs.count, sizeof *work->scores);
    if (!work->counts || !work->scores) return fnas_fail_memory(context, "translations");
    const fnas_translation_request request = {.run = work->run,
                                              .sources = &work->sources,
                                              .arch_count = work->archs.count,
                                              .choices = work->archs.choices,
                                              .beam = work->options->beam,
                                              .take = take,
                                              .user = work};
    return fnas_translate(context, &request);
}

static fnas_status score(fnas_context *context, const bleu_work *work) {
    fnas_score_part part = work->part == FNAS_TEXT_TEST ? FNAS_SCORE_TEST : FNAS_SCORE_VALIDATION;
    return fnas_score_archs(context, work->run, &work->examples, part, work->count, "score", work->archs.count, work->archs.choices,
                            work->scores);
}

static fnas_bleu_counts counts_of(const bleu_work *work, int64_t arch) {
    fnas_bleu_counts sum = {0};
    for (int64_t c = 0; c < work->sources.chunk_count; c++) {
        const fnas_bleu_counts *some = &work->counts[arch * work->sources.chunk_count + c];
        for (int n = 0; n < FNAS_BLEU_ORDER; n++) {
            sum.correct[n] += some->correct[n];
            sum.total[n] += some->total[n];
        }
        sum.length += some->length;
        sum.reference_length += some->reference_length;
    }
    return sum;
}

/* ---- the table ---- */

static fnas_status fill_row(fnas_context *context, const bleu_work *work, int64_t arch, fnas_bleu_table *table) {
    char text[FNAS_ARCH_TEXT_BYTES];
    FNAS_TRY(fnas_space_format(context, work->run->space, fnas_arch_set_at(&work->archs, arch), text, sizeof text));
    table->archs[arch] = fnas_strdup(text);
    if (!table->archs[arch]) return fnas_fail_memory(context, "a table");
    fnas_bleu_counts counts = counts_of(work, arch);
    fnas_bleu bleu = fnas_bleu_score(&counts);
    fnas_bleu_row *row = &table->rows[arch];
    *row = (fnas_bleu_row){.arch = table->archs[arch],
                           .bleu = bleu.score,
                           .brevity_penalty = bleu.brevity_penalty,
                           .tokens = counts.length,
                           .reference_tokens = counts.reference_length,
                           .error_pct = work->scores[arch].error_pct,
                           .cross_entropy = work->scores[arch].cross_entropy};
    memcpy(row->precision, bleu.precisions, sizeof row->precision);
    return FNAS_OK;
}

static fnas_status fill_table(fnas_context *context, const bleu_work *work, fnas_bleu_table *table) {
    table->pairs = work->count;
    table->rows = fnas_allocate((size_t)work->archs.count, sizeof *table->rows);
    table->archs = fnas_allocate((size_t)work->archs.count, sizeof *table->archs);
    if (!table->rows || !table->archs) return fnas_fail_memory(context, "a table");
    table->count = work->archs.count;
    for (int64_t a = 0; a < table->count; a++) FNAS_TRY(fill_row(context, work, a, table));
    return FNAS_OK;
}

/* Only the run knows where its pairs lie: whoever names the output need not. */
static fnas_status check_output(fnas_context *context, const bleu_work *work) {
    const char *output = work->options->output, *pairs = fnas_examples_spec(&work->examples);
    struct stat written, read;
    if (!output || stat(output, &written) || stat(strncmp(pairs, "text:", 5) ? pairs : pairs + 5, &read)) return FNAS_OK;
    if (written.st_dev != read.st_dev || written.st_ino != read.st_ino) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE, "the output %s would overwrite the run's pairs of sentences: name another file", output);
}

static fnas_status make(fnas_context *context, bleu_work *work, fnas_bleu_table *table) {
    FNAS_TRY(check(context, work->run, work->options));
    FNAS_TRY(collect_archs(context, work));
    FNAS_TRY(fnas_run_open_data(context, work->run, work->options->data, &work->examples));
    FNAS_TRY(check_output(context, work));
    FNAS_TRY(collect_sources(context, work));
    FNAS_TRY(translate(context, work));
    FNAS_TRY(score(context, work));
    return fill_table(context, work, table);
}

fnas_status fnas_run_bleu(fnas_context *context, const fnas_run *run, const fnas_bleu_options *options, fnas_bleu_table **table) {
    *table = fnas_allocate(1, sizeof **table);
    if (!*table) return fnas_fail_memory(context, "a table");
    bleu_work work = {.run = run, .options = options, .part = options->part ? options->part : FNAS_TEXT_TEST};
    fnas_status status = make(context, &work, *table);
    fnas_examples_close(&work.examples);
    fnas_arch_set_free(&work.archs);
    fnas_source_list_free(&work.sources);
    fnas_free(work.counts);
    fnas_free(work.scores);
    if (status == FNAS_OK) return FNAS_OK;
    fnas_bleu_table_free(*table);
    *table = NULL;
    return status;
}

void fnas_bleu_table_free(fnas_bleu_table *table) {
    if (!table) return;
    for (int64_t a = 0; a < table->count; a++) fnas_free(table->archs[a]);
    fnas_free(table->archs);
    fnas_free(table->rows);
    fnas_free(table);
}

int64_t fnas_bleu_table_count(const fnas_bleu_table *table) {
    return table->count;
}

fnas_bleu_row fnas_bleu_table_row(const fnas_bleu_table *table, int64_t index) {
    return table->rows[index];
}

int64_t fnas_bleu_table_pairs(const fnas_bleu_table *table) {
    return table->pairs;
}

/* ---- CSV ---- */

static void append_row(const fnas_bleu_row *row, fnas_text *text) {
    const double numbers[] = {row->bleu,         row->brevity_penalty, row->precision[0],   row->precision[1],
                              row->precision[2], row->precision[3],    (double)row->tokens, (double)row->reference_tokens,
                              row->error_pct,    row->cross_entropy};
    fnas_csv_append_cell(text, row->arch);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        fnas_text_append(text, ",");
        fnas_text_append_number(text, numbers[i]);
    }
    fnas_text_append(text, "\n");
}

fnas_status fnas_bleu_table_write_csv(fnas_context *context, const fnas_bleu_table *table, const char *path) {
    fnas_text text = {0};
    fnas_text_append(&text, "arch,bleu,brevity_penalty,precision1,precision2,precision3,precision4,tokens,reference_tokens,error_pct,"
                            "cross_entropy\n");
    for (int64_t a = 0; a < table->count; a++) append_row(&table->rows[a], &text);
    fnas_status status = text.failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text.data, text.size);
    fnas_text_free(&text);
    return status;
}
