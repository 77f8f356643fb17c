/* Translations with shared weights, and BLEU of them: against sentences that are decoded one by one and scored by another program. */
#include "search/support_translating.h"

#include <math.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "export/onnx_translator.h"
#include "export/safetensors.h"
#include "fleetnas/translate.h"
#include "nn/translator/decode.h"
#include "search/query/verify.h"
#include "search/score/score.h"
#include "search/supernet/sentences.h"
#include "search/translate/arch_files.h"
#include "space/space.h"

enum { ARCHS = 3, WORDS_MOST = 4000 };

static fnas_test_place *fixture; /* a run is searched once: it takes seconds */
static fnas_run *run;
static fnas_examples examples;
static char archs[ARCHS][FNAS_ARCH_TEXT_BYTES];

static int start(void **state) {
    if (fnas_test_setup((void **)&fixture)) return -1;
    *state = fixture;
    run = test_translating_run(fixture, 60);
    test_check(fixture, fnas_run_open_data(fixture->context, run, NULL, &examples));
    for (int i = 0; i < ARCHS; i++) {
        int32_t choices[64];
        fnas_space_random(run->space, 8, i, choices);
        test_check(fixture, fnas_space_format(fixture->context, run->space, choices, archs[i], sizeof archs[i]));
    }
    return 0;
}

static int stop(void **state) {
    fnas_examples_close(&examples);
    fnas_run_close(run);
    return fnas_test_teardown(state);
}

/* ---- another way ---- */

/* One sentence alone, by its ids. */
static fnas_text translate_alone(fnas_worker *worker, const char *arch, int64_t index, int64_t beam, double penalty) {
    const fnas_pairs *pairs = examples.pairs;
    fnas_vocabulary_marks marks = fnas_vocabulary_get(run->vocabulary);
    int32_t choices[64], source[FNAS_PAIR_IDS_MAX + 1], words[WORDS_MOST];
    int64_t length = fnas_pairs_length(pairs, FNAS_TEXT_TEST, index, FNAS_TEXT_SOURCE), start[2] = {0, length + 1}, count;
    fnas_pairs_ids(pairs, FNAS_TEXT_TEST, index, FNAS_TEXT_SOURCE, source);
    source[length] = marks.end;
    test_check(fixture, fnas_space_parse(fixture->context, run->space, arch, choices));
    fnas_translator shape, largest;
    run->supernet->type->translator(run->supernet, choices, run->config.vocabulary, &shape);
    run->supernet->type->translator(run->supernet, NULL, run->config.vocabulary, &largest);
    int64_t most = 10 + 12 * ((length + 8) / 8); /* 1.5 * the next multiple of 8 */
    fnas_decode_request request = {
        .shape = &shape,
        .largest = &largest,
        .parameters = &run->state.weights,
        .n = 1,
        .source = source,
        .source_start = start,
        .options = {.beam = beam, .length_penalty = penalty, .words_most = most, .begin = marks.begin, .end = marks.end},
        .words = words,
        .word_counts = &count};
    fnas_text text = {0};
    test_check(fixture, fnas_translator_decode(fixture->context, worker, &request));
    test_check(fixture, fnas_vocabulary_decode(fixture->context, run->vocabulary, words, count, &text));
    if (!text.data) fnas_text_append(&text, "%s", "");
    return text;
}

/* BLEU of two files of lines, by Python; false where there is none. counts: correct, total, lengths. */
static bool score_files(const char *ours, const char *theirs, long counts[10], double *score) {
    char command[512], line[256];
    snprintf(command, sizeof command, "/usr/bin/python3 %s/tests/data/check_bleu.py %s %s", FNAS_TEST_ROOT, ours, theirs);
    FILE *oracle = popen(command, "r");
    assert_non_null(oracle);
    bool read = fgets(line, sizeof line, oracle);
    int code = pclose(oracle);
    if (WIFEXITED(code) && WEXITSTATUS(code) == 127) return false;
    assert_true(read && !code);
    char *rest = line;
    for (int i = 0; i < 10; i++) counts[i] = strtol(rest, &rest, 10);
    *score = strtod(rest, NULL);
    return true;
}

static void assert_row(fnas_worker *worker, const fnas_bleu_row *row, int64_t beam, double penalty) {
    fnas_text ours = {0}, theirs = {0};
    for (int64_t i = 0; i < fnas_examples_test_count(&examples); i++) {
        size_t size;
        const char *reference = fnas_pairs_text(examples.pairs, FNAS_TEXT_TEST, i, FNAS_TEXT_TARGET, &size);
        fnas_text alone = translate_alone(worker, row->arch, i, beam, penalty);
        fnas_text_append(&ours, "%s\n", alone.data);
        fnas_text_append(&theirs, "%.*s\n", (int)size, reference);
        fnas_text_free(&alone);
    }
    const char *our_path = fnas_test_write(fixture, "ours", ours.data, ours.size),
               *their_path = fnas_test_write(fixture, "theirs", theirs.data, theirs.size);
    long counts[10] = {0};
    double score = 0;
    if (score_files(our_path, their_path, counts, &score)) {
        assert_float_equal(row->bleu, score, 1e-8);
        if (!counts[0] || (penalty > 1 && !(score > 0 && score < 100))) fail_msg("BLEU %g: nothing to count in\n%s", score, ours.data);
        assert_int_equal(row->tokens, counts[8]);
        assert_int_equal(row->reference_tokens, counts[9]);
        for (int n = 0; n < 4; n++)
            if (counts[n]) assert_float_equal(row->precision[n], 100.0 * (double)counts[n] / (double)counts[4 + n], 1e-8);
        double penalised = counts[8] < counts[9] ? exp(1 - (double)counts[9] / (double)counts[8]) : 1;
        assert_float_equal(row->brevity_penalty, penalised, 1e-12);
    } else {
        print_message("not compared: /usr/bin/python3 is not installed\n");
    }
    fnas_text_free(&ours);
    fnas_text_free(&theirs);
}

static void bleu_is_that_of_sentences_translated_alone(void **state) {
    (void)state;
    const char *const names[] = {archs[0], archs[1], archs[0]};
    const double penalty = 3; /* long ones, so that they have n-grams */
    fnas_bleu_options options = {.arch_count = 3, .archs = names};
    fnas_bleu_table *table;
    fnas_worker worker;
    test_check(fixture, fnas_worker_create(fixture->context, FNAS_COMPUTE_F32, &worker));
    test_check(fixture, fnas_run_bleu(fixture->context, run, &options, &table));
    assert_int_equal(fnas_bleu_table_count(table), 2); /* one is named twice */
    assert_int_equal(fnas_bleu_table_pairs(table), fnas_examples_test_count(&examples));
    for (int64_t a = 0; a < 2; a++) {
        fnas_bleu_row row = fnas_bleu_table_row(table, a);
        assert_string_equal(row.arch, archs[a]);
        assert_row(&worker, &row, 4, 0.6);
        int32_t choices[64];
        fnas_score score = FNAS_SCORE_UNKNOWN;
        test_check(fixture, fnas_space_parse(fixture->context, run->space, row.arch, choices));
        test_check(fixture, fnas_score_archs(fixture->context, run, &examples, FNAS_SCORE_TEST, fnas_bleu_table_pairs(table), "score", 1,
                                             choices, &score));
        assert_float_equal(row.error_pct, score.error_pct, 0);
        assert_float_equal(row.cross_entropy, score.cross_entropy, 0);
    }
    fnas_bleu_table_free(table);
    options.arch_count = 1;
    options.beam = (fnas_beam_options){.width = 1, .length_penalty = &penalty};
    test_check(fixture, fnas_run_bleu(fixture->context, run, &options, &table));
    fnas_bleu_row row = fnas_bleu_table_row(table, 0);
    assert_row(&worker, &row, 1, penalty);
    fnas_bleu_table_free(table);
    fnas_worker_destroy(&worker);
}

/* ---- threads, stopping ---- */

static fnas_text bleu_csv(int64_t threads, const fnas_bleu_options *options) {
    fnas_bleu_table *table;
    unsigned char *data;
    size_t size;
    fnas_text text = {0};
    fnas_context_set_threads(fixture->context, threads);
    test_check(fixture, fnas_run_bleu(fixture->context, run, options, &table));
    const char *path = fnas_test_path(fixture, "bleu.csv");
    test_check(fixture, fnas_bleu_table_write_csv(fixture->context, table, path));
    test_check(fixture, fnas_file_read(fixture->context, path, 1 << 20, &data, &size));
    fnas_text_append_bytes(&text, data, size);
    fnas_free(data);
    fnas_bleu_table_free(table);
    fnas_context_set_threads(fixture->context, 1);
    return text;
}

static void threads_do_not_matter(void **state) {
    (void)state;
    const char *const names[ARCHS] = {archs[0], archs[1], archs[2]};
    const fnas_bleu_options options = {.arch_count = ARCHS, .archs = names, .part = FNAS_TEXT_VALIDATION};
    fnas_text one = bleu_csv(1, &options), three = bleu_csv(3, &options);
    assert_int_equal(one.size, three.size);
    assert_memory_equal(one.data, three.data, one.size);
    assert_true(!strncmp(one.data, "arch,bleu,brevity_penalty,precision1,", 37));
    fnas_text_free(&one);
    fnas_text_free(&three);
}

static void stop_at_once(void *user, const fnas_progress *progress) {
    (void)progress;
    fnas_context_request_stop(user);
}

static void a_stop_is_heard(void **state) {
    (void)state;
    const char *const names[ARCHS] = {archs[0], archs[1], archs[2]};
    const fnas_bleu_options options = {.arch_count = ARCHS, .archs = names};
    fnas_bleu_table *table;
    fnas_context *context;
    assert_int_equal(fnas_context_create(&context), FNAS_OK);
    fnas_context_set_threads(context, 1);
    fnas_context_set_progress(context, stop_at_once, context);
    assert_int_equal(fnas_run_bleu(context, run, &options, &table), FNAS_INTERRUPTED);
    assert_null(table);
    fnas_context_destroy(context);
}

/* ---- texts ---- */

/* What 60 steps teach is one word, over and over, whatever the source is: such translations could be mixed up, and begin with another mark,
 * and nobody would see it. Disturbed weights say something else of each source. */
static void disturb(const fnas_parameters *weights) {
    fnas_random random = fnas_random_begin(1, FNAS_STREAM_TEST, 0, 0);
    for (int64_t i = 0; i < weights->float_count; i++) weights->values[i] += 0.5f * (float)fnas_random_uniform(&random) - 0.25f;
}

static void texts_become_lines(void **state) {
    (void)state;
    enum { n = 12 };
    const char *texts[n + 2];
    size_t sizes[n + 2];
    int64_t differing = 0;
    fnas_translations *translations;
    fnas_worker worker;
    fnas_parameters *weights = &run->state.weights;
    size_t bytes = (size_t)weights->float_count * sizeof(float);
    float *learnt = fnas_allocate(1, bytes);
    assert_non_null(learnt);
    memcpy(learnt, weights->values, bytes);
    disturb(weights);
    test_check(fixture, fnas_worker_create(fixture->context, FNAS_COMPUTE_F32, &worker));
    for (int64_t i = 0; i < n; i++) texts[i] = fnas_pairs_text(examples.pairs, FNAS_TEXT_TEST, i, FNAS_TEXT_SOURCE, &sizes[i]);
    texts[n] = "";
    texts[n + 1] = "  \t ";
    for (int i = n; i < n + 2; i++) sizes[i] = strlen(texts[i]);
    const fnas_translate_options options = {.arch = archs[1]};
    test_check(fixture, fnas_run_translate(fixture->context, run, &options, n + 2, texts, sizes, &translations));
    for (int64_t i = 0; i < n; i++) {
        fnas_text alone = translate_alone(&worker, archs[1], i, 4, 0.6);
        assert_string_equal(fnas_translations_text(translations, i), alone.data);
        if (i) differing += strcmp(fnas_translations_text(translations, i - 1), alone.data) != 0;
        fnas_text_free(&alone);
    }
    assert_true(differing >= n / 2); /* else the comparisons say nothing */
    for (int i = n; i < n + 2; i++) assert_string_equal(fnas_translations_text(translations, i), "");
    fnas_translations_free(translations);
    test_check(fixture, fnas_run_translate(fixture->context, run, &options, 0, NULL, NULL, &translations));
    fnas_translations_free(translations);
    fnas_worker_destroy(&worker);
    memcpy(weights->values, learnt, bytes);
    fnas_free(learnt);
}

static void assert_refused(fnas_status status, const char *text, size_t size, const fnas_translate_options *options, const char *says) {
    const char *texts[2] = {"ba", text};
    const size_t sizes[2] = {2, size};
    fnas_translations *translations;
    assert_int_equal(fnas_run_translate(fixture->context, run, options, 2, texts, sizes, &translations), status);
    assert_null(translations);
    if (!strstr(fnas_context_message(fixture->context), says)) fail_msg("%s", fnas_context_message(fixture->context));
}

static void what_cannot_be_translated_is_refused(void **state) {
    (void)state;
    const double nowhere = INFINITY;
    fnas_translate_options options = {.arch = archs[0], .name = "FILE", .first_line = 7};
    static char enormous[70000];
    for (size_t i = 0; i < sizeof enormous; i++) enormous[i] = i % 2 ? ' ' : 'b';
    assert_refused(FNAS_ERR_INPUT, "b\xFF", 2, &options, "FILE:8: not UTF-8");
    assert_refused(FNAS_ERR_INPUT, "b\0a", 3, &options, "FILE:8: there is a byte 0 in it");
    assert_refused(FNAS_ERR_INPUT, enormous, 65537, &options, "FILE:8: more than 65536 bytes");
    assert_refused(FNAS_ERR_INPUT, enormous, 1025, &options, "FILE:8: 1026 pieces, at most 1024");
    options.name = NULL;
    options.first_line = 0;
    assert_refused(FNAS_ERR_INPUT, "\xC0\xAF", 2, &options, "sentence:2: not UTF-8");
    options.arch = "nothing";
    assert_refused(FNAS_ERR_INPUT, "ba", 2, &options, "");
    options.arch = archs[0];
    options.beam.width = 17;
    assert_refused(FNAS_ERR_USAGE, "ba", 2, &options, "a beam of 17");
    options.beam = (fnas_beam_options){.length_penalty = &nowhere};
    assert_refused(FNAS_ERR_USAGE, "ba", 2, &options, "must be finite");
}

/* The longest sentence that is taken, by networks that hardly learnt anything: its translation ends. */
static void every_translation_ends(void **state) {
    (void)state;
    static char text[FNAS_PAIR_IDS_MAX];
    for (size_t i = 0; i < sizeof text; i++) text[i] = i % 2 ? ' ' : 'b';
    const char *texts[1] = {text};
    const size_t sizes[1] = {FNAS_PAIR_IDS_MAX - 1}; /* each of its characters is a piece, and so is what spm puts before it */
    const fnas_translate_options options = {.arch = archs[0], .beam = {.width = 1}};
    fnas_translations *translations;
    test_check(fixture, fnas_run_translate(fixture->context, run, &options, 1, texts, sizes, &translations));
    assert_true(strlen(fnas_translations_text(translations, 0)) < 100 * 1024);
    fnas_translations_free(translations);
}

static void networks_of_images_do_not_translate(void **state) {
    (void)state;
    fnas_run *other = test_run(fixture, "error,latency_ms", 1);
    const char *const names[] = {archs[0]};
    fnas_bleu_table *table;
    fnas_translations *translations;
    const size_t size = 2;
    assert_false(fnas_run_translates(other));
    assert_true(fnas_run_translates(run));
    assert_int_equal(fnas_run_bleu(fixture->context, other, &(fnas_bleu_options){.arch_count = 1, .archs = names}, &table), FNAS_ERR_USAGE);
    assert_int_equal(
        fnas_run_translate(fixture->context, other, &(fnas_translate_options){.arch = "a"}, 1, &names[0], &size, &translations),
        FNAS_ERR_USAGE);
    fnas_run_close(other);
}

/* ---- lists ---- */

static void assert_list(const char *file, const char *text, fnas_status status, int64_t count, const char *says) {
    fnas_arch_set list = {.decisions = fnas_space_decision_count(run->space)};
    const char *path = fnas_test_write(fixture, file, text, strlen(text));
    assert_int_equal(fnas_arch_file_read(fixture->context, run->space, path, &list), status);
    if (status != FNAS_OK && !strstr(fnas_context_message(fixture->context), says)) fail_msg("%s", fnas_context_message(fixture->context));
    if (status == FNAS_OK) {
        int32_t choices[64];
        assert_int_equal(list.count, count);
        for (int64_t i = 0; i < count; i++) {
            test_check(fixture, fnas_space_parse(fixture->context, run->space, archs[i], choices));
            assert_int_equal(fnas_arch_set_find(&list, choices), i);
        }
    }
    fnas_arch_set_free(&list);
}

/* As JSON, and as a cell: native strings have neither quotes nor line breaks. */
static void lists_come_in_all_forms(void **state) {
    (void)state;
    char text[8192];
    const char *a = archs[0], *b = archs[1];
    assert_null(strchr(a, '"'));
    snprintf(text, sizeof text, "device,arch,x\nd,\"%s\",1\nd,\"%s\",2\ne,\"%s\",3\n", a, b, a);
    assert_list("list.csv", text, FNAS_OK, 2, "");
    snprintf(text, sizeof text, " [\"%s\", \"%s\"]", a, b);
    assert_list("list.json", text, FNAS_OK, 2, "");
    snprintf(text, sizeof text, "{\"reference_archs\": [\"%s\"]}", a);
    assert_list("list.json", text, FNAS_OK, 1, "");
    snprintf(text, sizeof text, "{\"points\": [{\"arch\": \"%s\"}, {\"arch\": \"%s\"}]}", a, b);
    assert_list("list.json", text, FNAS_OK, 2, "");
    snprintf(text, sizeof text, "{\"arch\": \"%s\"}", a);
    assert_list("list.json", text, FNAS_OK, 1, "");
    assert_list("list.csv", "arch,x\n", FNAS_ERR_INPUT, 0, "no architecture stands in it");
    assert_list("list.csv", "arch\nnothing\n", FNAS_ERR_INPUT, 0, "list.csv:2: ");
    assert_list("list.csv", "arhc\nnothing\n", FNAS_ERR_INPUT, 0, "arch");
    assert_list("list.json", "[]", FNAS_ERR_INPUT, 0, "no architecture stands in it");
    assert_list("list.json", "[7]", FNAS_ERR_INPUT, 0, "entry 0 is neither");
    assert_list("list.json", "[\"nothing\"]", FNAS_ERR_INPUT, 0, "list.json: entry 0: ");
    assert_list("list.json", "{\"a\": 1}", FNAS_ERR_INPUT, 0, "an array of architectures is wanted");
    assert_list("list.json", "[\"", FNAS_ERR_INPUT, 0, "list.json:1");
}

static void questions_without_sense_are_refused(void **state) {
    (void)state;
    const char *const names[] = {archs[0]}, *const wrong[] = {"nothing"};
    const fnas_bleu_options bad[] = {{0},
                                     {.arch_count = 1, .archs = names, .part = FNAS_TEXT_SEARCH},
                                     {.arch_count = 1, .archs = names, .pairs = -1},
                                     {.arch_count = 1, .archs = names, .beam.width = -1},
                                     {.arch_count = 1, .archs = wrong},
                                     {.arch_count = 1, .archs = names, .data = "text:/nowhere"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fnas_bleu_table *table;
        assert_int_equal(fnas_run_bleu(fixture->context, run, &bad[i], &table), i < 4 ? FNAS_ERR_USAGE : FNAS_ERR_INPUT);
        assert_null(table);
    }
}

/* ---- files ---- */

/* Of the widest networks, so that both tell positions by the same sinusoids; all else is small. */
static const char NARROW[] =
    "{encoder-embed: 32, decoder-embed: 32, encoder-ffn: [32, 64, 32], decoder-ffn: [32], encoder-heads: [2, 4, 2], "
    "decoder-heads: [2], ende-heads: [4], ende-attn: [2]}";

static fnas_translator shape_of(const char *arch) {
    int32_t choices[64];
    fnas_translator shape;
    if (arch) test_check(fixture, fnas_space_parse(fixture->context, run->space, arch, choices));
    run->supernet->type->translator(run->supernet, arch ? choices : NULL, run->config.vocabulary, &shape);
    return shape;
}

/* Log probability of a test pair's target. */
static double log_probability(const fnas_translator *shape, const fnas_translator *largest, const fnas_parameters *weights) {
    const int64_t index = 0;
    fnas_sentences sentences;
    fnas_worker worker;
    fnas_translator_result result;
    test_check(fixture, fnas_worker_create(fixture->context, FNAS_COMPUTE_F32, &worker));
    test_check(fixture, fnas_sentences_create(fixture->context, 1, 1000, &sentences));
    fnas_sentences_fill(examples.pairs, FNAS_TEXT_TEST, 1, &index, &sentences);
    fnas_translator_batch batch = fnas_sentences_batch(&sentences);
    fnas_translator_request request = {.shape = shape, .largest = largest, .parameters = weights, .batch = &batch, .scale = 1};
    test_check(fixture, fnas_translator_run(fixture->context, &worker, &request, &result));
    fnas_sentences_free(&sentences);
    fnas_worker_destroy(&worker);
    return result.log_loss;
}

static void a_file_of_weights_is_the_network(void **state) {
    (void)state;
    const char *path = fnas_test_path(fixture, "net.safetensors");
    const fnas_export_options options = {.arch = NARROW, .format = "safetensors"};
    const fnas_translator shape = shape_of(NARROW), largest = shape_of(NULL);
    fnas_safetensors *file;
    fnas_parameters own = {0};
    int64_t count;
    test_check(fixture, fnas_run_export(fixture->context, run, &options, path));
    test_check(fixture, fnas_safetensors_read(fixture->context, path, 1 << 26, &file));
    test_check(fixture, fnas_safetensors_require_crc(fixture->context, file));
    assert_string_equal(fnas_safetensors_metadata(file, "format"), "fleetnas-network/1");
    assert_string_equal(fnas_safetensors_metadata(file, "arch"), NARROW);
    assert_string_equal(fnas_safetensors_metadata(file, "data"), run->config.data);
    test_check(fixture, fnas_translator_declare(fixture->context, &shape, &own));
    test_check(fixture, fnas_parameters_allocate(fixture->context, &own));
    fnas_safetensors_tensors(file, &count);
    assert_int_equal(count, own.item_count);
    for (int64_t i = 0; i < count; i++) {
        const void *data;
        const fnas_parameter *item = &own.items[i];
        test_check(fixture, fnas_safetensors_get(fixture->context, file, item->name, FNAS_SAFETENSORS_F32, item->rank, item->shape, &data));
        memcpy(own.values + item->offset, data, (size_t)item->count * sizeof(float));
    }
    double alone = log_probability(&shape, &shape, &own), shared = log_probability(&shape, &largest, &run->state.weights);
    assert_float_equal(alone, shared, 1e-4 * shared);                                            /* sums in another order */
    assert_true(fabs(log_probability(&largest, &largest, &run->state.weights) - shared) > 1e-2); /* of another network it is not */
    fnas_parameters_free(&own);
    fnas_safetensors_free(file);
}

static void assert_file(const char *path, int64_t index, const char *name, const void *bytes, size_t size) {
    char file[400];
    unsigned char *data;
    size_t found;
    assert_true(fnas_export_translator_file(path, index, file, sizeof file));
    assert_string_equal(file + strlen(fixture->folder) + 1, name);
    test_check(fixture, fnas_file_read(fixture->context, file, 1 << 26, &data, &found));
    assert_int_equal(found, size);
    assert_memory_equal(data, bytes, size);
    fnas_free(data);
}

/* What the models compute is held to onnxruntime by tests/export/test_onnx_translator.c. */
static void onnx_is_two_models_and_a_vocabulary(void **state) {
    (void)state;
    char path[200], file[400];
    const fnas_export_options options = {.arch = NARROW, .format = "onnx"};
    const fnas_translator shape = shape_of(NARROW), largest = shape_of(NULL);
    const fnas_onnx_translator net = {
        .shape = &shape, .largest = &largest, .parameters = &run->state.weights, .positions = FNAS_PAIR_IDS_MAX + 1};
    fnas_text encoder = {0}, decoder = {0};
    size_t size;
    snprintf(path, sizeof path, "%s", fnas_test_path(fixture, "net.onnx"));
    test_check(fixture, fnas_run_export(fixture->context, run, &options, path));
    test_check(fixture, fnas_onnx_encode_translator(fixture->context, &net, &encoder, &decoder));
    const unsigned char *vocabulary = fnas_vocabulary_bytes(run->vocabulary, &size);
    assert_file(path, 0, "net.encoder.onnx", encoder.data, encoder.size);
    assert_file(path, 1, "net.decoder.onnx", decoder.data, decoder.size);
    assert_file(path, 2, "net.vocabulary.model", vocabulary, size);
    assert_false(fnas_file_exists(path));
    assert_false(fnas_export_translator_file(path, 3, file, sizeof file));
    assert_false(fnas_export_translator_file(path, 0, file, strlen(path)));
    assert_true(fnas_export_translator_file("net", 1, file, sizeof file));
    assert_string_equal(file, "net.decoder.onnx");
    fnas_text_free(&encoder);
    fnas_text_free(&decoder);
}

static void files_without_sense_are_refused(void **state) {
    (void)state;
    const char *path = fnas_test_path(fixture, "none.onnx");
    const fnas_export_options bad[] = {{.arch = NARROW, .format = "onnx", .batch = 2},
                                       {.arch = NARROW, .format = "onnx", .data = "text:a"},
                                       {.arch = NARROW, .format = "safetensors", .data = "text:a"},
                                       {.arch = NARROW, .format = "ofa"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(fnas_run_export(fixture->context, run, &bad[i], path), FNAS_ERR_USAGE);
    assert_false(fnas_file_exists(path));
}

/* ---- verification ---- */

static fnas_status check_any(fnas_context *context, const fnas_space *space, const fnas_card *card) {
    (void)context;
    (void)space;
    (void)card;
    return FNAS_OK;
}

static fnas_status measure_any(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t count, const int32_t *choices,
                               int64_t rounds, double *latency_ms) {
    (void)context;
    (void)card;
    (void)rounds;
    for (int64_t i = 0; i < count; i++)
        latency_ms[i] = 1 + 1e-6 * (double)fnas_space_macs(space, choices + i * fnas_space_decision_count(space));
    return FNAS_OK;
}

static void see_pairs(void *user, const fnas_progress *progress) {
    int *seen = user;
    seen[0] += strcmp(progress->stage, "score on validation pairs") == 0;
    seen[1] += strcmp(progress->stage, "score on test pairs") == 0;
    seen[2] += strstr(progress->stage, "images") != NULL;
}

static void promises_are_verified_on_pairs(void **state) {
    (void)state;
    const fnas_verify_meter meter = {check_any, measure_any};
    const fnas_verify_options options = {.random_count = 3, .scale_count = 6, .test_images = 9, .candidates = 4};
    const fnas_card *cards[] = {fnas_run_device(run, 0)};
    fnas_verification *verification;
    int seen[3] = {0};
    fnas_context_set_progress(fixture->context, see_pairs, seen);
    test_check(fixture, fnas_verify_by(fixture->context, run, 1, cards, &options, &meter, &verification));
    fnas_context_set_progress(fixture->context, NULL, NULL);
    assert_true(seen[0] && seen[1] && !seen[2]);
    assert_int_equal(verification->test_images, 9);
    assert_true(fnas_verification_row_count(verification, 0) > 0);
    for (int64_t i = 0; i < fnas_verification_row_count(verification, 0); i++) {
        fnas_verify_row row = fnas_verification_row(verification, 0, i);
        int32_t choices[64];
        fnas_score score = FNAS_SCORE_UNKNOWN;
        test_check(fixture, fnas_space_parse(fixture->context, run->space, row.arch, choices));
        test_check(fixture, fnas_score_archs(fixture->context, run, &examples, FNAS_SCORE_TEST, 9, "score", 1, choices, &score));
        assert_float_equal(row.test_error_pct, score.error_pct, 0);
    }
    fnas_verification_free(verification);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bleu_is_that_of_sentences_translated_alone),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(a_stop_is_heard),
        cmocka_unit_test(texts_become_lines),
        cmocka_unit_test(what_cannot_be_translated_is_refused),
        cmocka_unit_test(every_translation_ends),
        cmocka_unit_test(networks_of_images_do_not_translate),
        cmocka_unit_test(lists_come_in_all_forms),
        cmocka_unit_test(questions_without_sense_are_refused),
        cmocka_unit_test(a_file_of_weights_is_the_network),
        cmocka_unit_test(onnx_is_two_models_and_a_vocabulary),
        cmocka_unit_test(files_without_sense_are_refused),
        cmocka_unit_test(promises_are_verified_on_pairs),
    };
    return cmocka_run_group_tests_name("translate", tests, start, stop);
}
