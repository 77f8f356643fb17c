/* Sub-transformers of HAT's space0: a training step, decoding with cache, and its steps alone. */
#include "bench/families.h"
#include "bench/measure.h"
#include "bench/operator.h"
#include "bench/translation.h"

static fnas_status run_again(fnas_context *context, void *translation) {
    return fnas_translation_run(context, translation);
}

/* A decoding says `words` words a sentence, its end included: as many steps of the decoder. */
static fnas_status measure(fnas_bench *bench, fnas_translation *translation, fnas_row *row) {
    double words = (double)translation->setup.words, sentences = (double)translation->setup.sentences;
    fnas_memory_begin();
    FNAS_TRY(fnas_measure(bench, run_again, translation, row));
    row->flops = fnas_translation_flops(translation);
    fnas_row_figure_add(row, "tokens_per_s", sentences * words / fnas_row_ms(row) * 1e3);
    if (translation->setup.decoding)
        fnas_row_figure_add(row, "ms_per_step", fnas_row_ms(row) / words);
    else
        fnas_row_figure_add(row, "loss", translation->result.loss);
    fnas_row_figure_add(row, "activations_mb", (double)fnas_arena_used_bytes(translation->worker.activations) / 1e6);
    fnas_row_figure_add(row, "peak_memory_mb", fnas_memory_peak_mb());
    return FNAS_OK;
}

static fnas_translation_setup setup_of(const fnas_bench *bench, const fnas_problem *problem) {
    return (fnas_translation_setup){.arch = fnas_problem_word(problem, "arch"),
                                    .decoding = !fnas_problem_is(problem, "task", "training"),
                                    .steps_alone = fnas_problem_is(problem, "task", "steps"),
                                    .shared = fnas_problem_is(problem, "weights", "shared"),
                                    .dropout = fnas_problem_is(problem, "dropout", "yes"),
                                    .rounded = fnas_problem_is(problem, "precision", "bf16"),
                                    .sentences = fnas_problem_count(problem, "sentences"),
                                    .words = fnas_problem_count(problem, "words"),
                                    .vocabulary = fnas_problem_count(problem, "vocabulary"),
                                    .seed = bench->options->seed};
}

static fnas_status run(fnas_bench *bench, const fnas_problem *problem) {
    fnas_translation translation = {0};
    fnas_row row;
    fnas_translation_setup setup = setup_of(bench, problem);
    FNAS_TRY(fnas_bench_begin(bench, problem, &row));
    fnas_status status = fnas_translation_bench_check(bench->context, &setup, &row.error);
    if (status == FNAS_OK && bench->options->dump) status = fnas_translation_dump(bench->context, &setup, bench->options->dump);
    if (status == FNAS_OK) status = fnas_translation_create(bench->context, &setup, &translation);
    if (status == FNAS_OK) status = measure(bench, &translation, &row);
    fnas_translation_free(&translation);
    return fnas_bench_end(bench, status, &row);
}

static fnas_status check(fnas_context *context, const fnas_problem *problem) {
    if (!fnas_problem_is(problem, "task", "training") || fnas_problem_is(problem, "precision", "f32")) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE,
                     "problem translator: a training step is f32: leave out precision=bf16, or give task=decoding or task=steps");
}

static const fnas_problem_key keys[] = {
    {"task", FNAS_KEY_CHOICE, "training", 0, 0, "training|decoding|steps",
     "training: forward, label-smoothed loss, gradients of the weights, no optimiser; decoding: encodes, then says words greedily, with "
     "keys and values kept; steps: of a decoding the decoder's steps alone"},
    {"arch", FNAS_KEY_CHOICE, "middle", 0, 0, FNAS_TRANSLATIONS, "of every decision the middle, largest or smallest value"},
    {"sentences", FNAS_KEY_COUNT, "16", 1, 4096, NULL, "in the batch"},
    {"words", FNAS_KEY_COUNT, "30", 2, 512, NULL, "of every sentence, in both languages"},
    {"vocabulary", FNAS_KEY_COUNT, "8000", 3, 1000000, NULL, "of both languages together"},
    {"dropout", FNAS_KEY_CHOICE, "yes", 0, 0, "yes|no", "in training, as HAT's: 0.3, and 0.1 of attention's weights"},
    {"weights", FNAS_KEY_CHOICE, "shared", 0, 0, "shared|own", "shared: slices of the largest network's; own: of this network alone"},
    {"precision", FNAS_KEY_CHOICE, "f32", 0, 0, "f32|bf16", "of the weights that a decoding's steps read; all else is f32"},
    FNAS_KEYS_END,
};

const fnas_problem_family fnas_problem_translator = {
    .name = "translator",
    .summary = "a sub-transformer of HAT's space0: a training step, or decoding or its steps, on one thread",
    .keys = keys,
    .check = check,
    .run = run,
};
