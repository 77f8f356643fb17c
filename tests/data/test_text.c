/* Parallel text: which pairs of lines are kept, what the file holds, what is refused, and batches of it. */
#include "data/support_lines.h"

#include "base/file.h"
#include "base/memory.h"
#include "data/text/batches.h"
#include "data/text/utf8.h"
#include "data/text/vocabulary_train.h"

#define MODEL FNAS_TEST_FILES "/text/unigram.model"

static const fnas_text_request usual = {.vocabulary = MODEL, .ratio = 100, .seed = 3};
/* With bytes, so that texts come back whole. */
static const fnas_text_request lossless = {.vocabulary = FNAS_TEST_FILES "/text/bytes.model", .ratio = 100, .seed = 3};

/* ---- files ---- */

static const char *spec_of(fnas_test_place *place, const char *source, const char *target) {
    static char spec[400];
    snprintf(spec, sizeof spec, "text:%s/%s,%s/%s", place->folder, source, place->folder, target);
    return spec;
}

/* Lines of one language: the other's are the same with their number in front. Invalid and empty ones do not come. */
static void write_pair_files(fnas_test_place *place, const char *source, const char *target, int64_t first, int64_t count) {
    fnas_text lines[2] = {{0}, {0}};
    for (int64_t i = 0; i < count; i++) {
        fnas_text line = {0};
        test_append_line(&line, first + i, false);
        fnas_text_append(&lines[0], "%lld %s\n", (long long)(first + i), line.data);
        fnas_text_append(&lines[1], "%s %lld\n", line.data, (long long)(first + i));
        fnas_text_free(&line);
    }
    fnas_test_write(place, source, lines[0].data, lines[0].size);
    fnas_test_write(place, target, lines[1].data, lines[1].size);
    for (int side = 0; side < 2; side++) fnas_text_free(&lines[side]);
}

static fnas_text read_all(fnas_test_place *place, const char *path) {
    unsigned char *data;
    size_t size;
    fnas_text text = {0};
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 1 << 28, &data, &size));
    fnas_text_append_bytes(&text, data, size);
    fnas_free(data);
    return text;
}

static fnas_pairs *prepare(fnas_test_place *place, const char *spec, const fnas_text_request *request, const char *name,
                           fnas_text_prepared *prepared) {
    fnas_pairs *pairs;
    const char *path = fnas_test_path(place, name);
    assert_status(FNAS_OK, fnas_text_prepare(place->context, spec, request, path, prepared));
    assert_status(FNAS_OK, fnas_pairs_open(place->context, path, &pairs));
    return pairs;
}

/* The ids are those of the text. */
static void assert_encoded(fnas_test_place *place, const fnas_pairs *pairs, fnas_text_part part, int64_t index, fnas_text_side side,
                           const char *text, size_t size) {
    int32_t ids[FNAS_PAIR_IDS_MAX];
    fnas_encoding encoding = {0};
    assert_status(FNAS_OK, fnas_vocabulary_encode(place->context, fnas_pairs_get(pairs).vocabulary, text, size, &encoding));
    assert_int_equal(fnas_pairs_length(pairs, part, index, side), encoding.count);
    fnas_pairs_ids(pairs, part, index, side, ids);
    assert_memory_equal(ids, encoding.ids, (size_t)encoding.count * sizeof *ids);
    fnas_encoding_free(&encoding);
}

/* ---- keeping ---- */

static void parts_hold_every_pair_once(void **state) {
    fnas_test_place *place = *state;
    fnas_text_prepared prepared;
    enum { n = 1000 };
    int seen[n] = {0};
    write_pair_files(place, "a.en", "a.de", 0, n);
    fnas_pairs *pairs = prepare(place, spec_of(place, "a.en", "a.de"), &lossless, "a.pairs", &prepared);
    fnas_pairs_info info = fnas_pairs_get(pairs);
    assert_int_equal(prepared.read, n);
    assert_string_equal(info.languages[0], "en");
    assert_string_equal(info.languages[1], "de");
    assert_true(strstr(info.name, ",source=en,target=de,pairs=1000,vocabulary=420"));
    /* 800, 100, 50, 50 are expected; six standard deviations */
    static const int64_t expected[FNAS_TEXT_PARTS] = {800, 100, 50, 50}, spread[FNAS_TEXT_PARTS] = {76, 57, 42, 42};
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) {
        assert_int_equal(info.counts[part], prepared.counts[part]);
        assert_in_range(info.counts[part], expected[part] - spread[part], expected[part] + spread[part]);
        bool sorted = true;
        for (int64_t i = 0, last = -1; i < info.counts[part]; i++) {
            int32_t ids[FNAS_PAIR_IDS_MAX];
            fnas_text text = {0};
            fnas_pairs_ids(pairs, (fnas_text_part)part, i, FNAS_TEXT_SOURCE, ids);
            assert_status(FNAS_OK, fnas_vocabulary_decode(place->context, info.vocabulary, ids,
                                                          fnas_pairs_length(pairs, (fnas_text_part)part, i, FNAS_TEXT_SOURCE), &text));
            int64_t number = strtol(text.data, NULL, 10);
            assert_in_range(number, 0, n - 1);
            assert_int_equal(seen[number]++, 0);
            sorted &= number > last;
            last = number;
            fnas_text_free(&text);
        }
        assert_false(sorted); /* the first ones are a random sample */
    }
    for (int64_t i = 0; i < info.counts[FNAS_TEXT_TEST]; i++) {
        size_t sizes[2];
        const char *source = fnas_pairs_text(pairs, FNAS_TEXT_TEST, i, FNAS_TEXT_SOURCE, &sizes[0]);
        const char *target = fnas_pairs_text(pairs, FNAS_TEXT_TEST, i, FNAS_TEXT_TARGET, &sizes[1]);
        assert_int_equal(sizes[0], sizes[1]);
        const char *number = (const char *)memrchr(target, ' ', sizes[1]) + 1; /* texts have no 0 behind them */
        size_t digits = (size_t)(target + sizes[1] - number);
        assert_memory_equal(source, number, digits);
        assert_int_equal(source[digits], ' ');
        assert_encoded(place, pairs, FNAS_TEXT_TEST, i, FNAS_TEXT_SOURCE, source, sizes[0]);
        assert_encoded(place, pairs, FNAS_TEXT_TEST, i, FNAS_TEXT_TARGET, target, sizes[1]);
    }
    fnas_pairs_close(pairs);
}

static void equal_calls_make_equal_files(void **state) {
    fnas_test_place *place = *state;
    fnas_text_prepared prepared;
    fnas_text_request other = usual;
    other.seed = 4;
    write_pair_files(place, "a.en", "a.de", 0, 1300); /* more than are cut at a time */
    const char *spec = spec_of(place, "a.en", "a.de");
    fnas_context_set_threads(place->context, 1);
    fnas_pairs_close(prepare(place, spec, &usual, "1", &prepared));
    fnas_context_set_threads(place->context, 3);
    fnas_pairs_close(prepare(place, spec, &usual, "2", &prepared));
    fnas_pairs_close(prepare(place, spec, &other, "3", &prepared));
    fnas_text files[3] = {read_all(place, fnas_test_path(place, "1")), read_all(place, fnas_test_path(place, "2")),
                          read_all(place, fnas_test_path(place, "3"))};
    assert_int_equal(files[0].size, files[1].size);
    assert_memory_equal(files[0].data, files[1].data, files[0].size);
    assert_true(files[0].size != files[2].size || memcmp(files[0].data, files[2].data, files[0].size));
    for (int i = 0; i < 3; i++) fnas_text_free(&files[i]);
}

/* Many sources with several targets each: none is in two parts. Pairs that are there twice are kept once. */
static void equal_sources_are_in_one_part(void **state) {
    fnas_test_place *place = *state;
    fnas_text_prepared prepared;
    fnas_text sources = {0}, targets = {0};
    int part_of[100];
    for (int i = 0; i < 100; i++) part_of[i] = -1;
    for (int i = 0; i < 400; i++) {
        fnas_text_append(&sources, "ba %d\n", i % 100);
        fnas_text_append(&targets, "ri %d\n", i < 300 ? i : i - 300);
    }
    fnas_test_write(place, "a.en", sources.data, sources.size);
    fnas_test_write(place, "a.de", targets.data, targets.size);
    fnas_text_request request = lossless;
    request.fractions[FNAS_TEXT_VALIDATION] = request.fractions[FNAS_TEXT_TEST] = 0.3;
    fnas_pairs *pairs = prepare(place, spec_of(place, "a.en", "a.de"), &request, "a.pairs", &prepared);
    assert_int_equal(prepared.skipped[FNAS_TEXT_REPEATED], 100);
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) {
        for (int64_t i = 0; i < prepared.counts[part]; i++) {
            int32_t ids[FNAS_PAIR_IDS_MAX];
            fnas_text text = {0};
            fnas_pairs_ids(pairs, (fnas_text_part)part, i, FNAS_TEXT_SOURCE, ids);
            assert_status(FNAS_OK, fnas_vocabulary_decode(place->context, fnas_pairs_get(pairs).vocabulary, ids,
                                                          fnas_pairs_length(pairs, (fnas_text_part)part, i, FNAS_TEXT_SOURCE), &text));
            int source = atoi(text.data + 3);
            if (part_of[source] < 0) part_of[source] = part;
            assert_int_equal(part_of[source], part);
            fnas_text_free(&text);
        }
    }
    fnas_pairs_close(pairs);
    fnas_text_free(&sources);
    fnas_text_free(&targets);
}

static fnas_text logged;

static void keep_line(void *user, fnas_log_level level, const char *text) {
    (void)user, (void)level;
    fnas_text_append(&logged, "%s\n", text);
}

static void assert_logged(const char *part) {
    if (!logged.data || !strstr(logged.data, part)) fail_msg("the log \"%s\" lacks \"%s\"", logged.data ? logged.data : "", part);
}

/* Line 1 begins with a byte order mark, lines end as on Windows, the last one does not end. */
static void unfit_pairs_are_counted_and_named(void **state) {
    fnas_test_place *place = *state;
    fnas_text_prepared prepared;
    fnas_text sources = {0}, targets = {0};
    fnas_text_append(&sources, "\xEF\xBB\xBF"
                               "ba\r\n\r\nba\r\nba \xFF\r\nbe\r\nka\r\n");
    fnas_text_append(&targets, "ri\r\nri\r\n \t\r\nri\r\nri \xED\xA0\x80\r\n");
    fnas_text_append_bytes(&targets, "r\0i\r\n", 5);
    for (int side = 0; side < 2; side++) { /* enormous in the source, in both, in the target: of one byte too many, and of many */
        fnas_text *text = side ? &targets : &sources;
        for (int line = 0; line < 3; line++) {
            int64_t size = line == 1 ? 3000000 : line == (side ? 2 : 0) ? FNAS_LINE_BYTES_MAX + 1 : 2;
            for (int64_t i = 0; i < size; i++) fnas_text_append_bytes(text, "x", 1);
            fnas_text_append(text, "\n");
        }
    }
    for (int i = 0; i < 12; i++) fnas_text_append(&sources, "ba "); /* 12 and 1 pieces; 9 and 8; 8 and 1 */
    fnas_text_append(&sources, "\nba ba ba ba ba ba ba ba ba\nba ba ba ba ba ba ba ba\n");
    fnas_text_append(&targets, "ba\nba ba ba ba ba ba ba ba\nba\n");
    for (int i = 0; i < 40; i++) {
        fnas_text_append(&sources, "ba ri %d\n", i);
        fnas_text_append(&targets, "ri ba %d\n", i);
    }
    fnas_text_append(&sources, "the last");
    fnas_text_append(&targets, "the end\r");
    fnas_test_write(place, "a.en", sources.data, sources.size);
    fnas_test_write(place, "a.de", targets.data, targets.size);
    fnas_text_request request = usual;
    request.longest = 11;
    request.ratio = 7;
    for (int part = FNAS_TEXT_SEARCH; part < FNAS_TEXT_PARTS; part++) request.fractions[part] = 0.25;
    fnas_context_set_log(place->context, keep_line, NULL);
    fnas_pairs *pairs = prepare(place, spec_of(place, "a.en", "a.de"), &request, "a.pairs", &prepared);
    static const int64_t wanted[FNAS_TEXT_SKIPS] = {3, 3, 2, 1, 1, 0};
    for (int skip = 0; skip < FNAS_TEXT_SKIPS; skip++) assert_int_equal(prepared.skipped[skip], wanted[skip]);
    assert_int_equal(prepared.read, 6 + 3 + 3 + 40 + 1);
    int64_t kept = 0;
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) kept += prepared.counts[part];
    assert_int_equal(kept, prepared.read - 10);
    assert_logged("a.en:2: left out: an empty line\n");
    assert_logged("a.de:3: left out: an empty line\n");
    assert_logged("a.en:4: left out: not UTF-8, or a 0 in it\n");
    assert_logged("a.de:5: left out: not UTF-8, or a 0 in it\n");
    assert_logged("a.de:6: left out: not UTF-8, or a 0 in it\n");
    assert_logged("a.en:7: left out: a line of more than 65536 bytes\n");
    assert_logged("a.en:8: left out: a line of more than 65536 bytes\n");
    assert_logged("a.de:9: left out: a line of more than 65536 bytes\n");
    assert_logged("a.en:10: left out: too many pieces\n");
    assert_logged("a.en:12: left out: sides of too different lengths\n");
    fnas_pairs_close(pairs);
    fnas_text_free(&sources);
    fnas_text_free(&targets);
    fnas_text_free(&logged);
    logged = (fnas_text){0};
}

/* WMT's layout. Lines of those parts are kept in their order, also long, uneven and repeated ones. */
static void parts_with_files_of_their_own_are_kept_whole(void **state) {
    fnas_test_place *place = *state;
    fnas_text_prepared prepared;
    static const char valid[] = "ba\nba\nba ba ba ba ba ba ba ba ba ba ba ba ba\n", valid_de[] = "ri\nri\nri\n";
    write_pair_files(place, "train.en", "train.de", 0, 100);
    write_pair_files(place, "test.en", "test.de", 500, 20);
    fnas_test_write_text(place, "valid.en", valid);
    const char *spec = spec_of(place, "train.en", "train.de");
    assert_status(FNAS_ERR_INPUT, fnas_text_prepare(place->context, spec, &usual, fnas_test_path(place, "o"), &prepared));
    assert_message("/valid.en is there, ");
    assert_message("/valid.de is not: both are needed, or neither");
    fnas_test_write_text(place, "valid.de", valid_de);
    fnas_text_request request = usual;
    request.longest = 5;
    request.ratio = 1;
    fnas_pairs *pairs = prepare(place, spec, &request, "o", &prepared);
    assert_int_equal(prepared.read, 123);
    assert_int_equal(prepared.counts[FNAS_TEXT_VALIDATION], 3);
    assert_int_equal(prepared.counts[FNAS_TEXT_TEST], 20);
    assert_int_equal(fnas_pairs_length(pairs, FNAS_TEXT_VALIDATION, 2, FNAS_TEXT_SOURCE), 13);
    for (int64_t i = 0; i < 20; i++) {
        size_t size;
        assert_int_equal(strtol(fnas_pairs_text(pairs, FNAS_TEXT_TEST, i, FNAS_TEXT_SOURCE, &size), NULL, 10), 500 + i);
    }
    fnas_pairs_close(pairs);
}

/* ---- refusing ---- */

static void refused(fnas_test_place *place, const char *spec, const fnas_text_request *request, fnas_status wanted, const char *complaint) {
    fnas_text_prepared prepared;
    const char *path = fnas_test_path(place, "refused");
    assert_status(wanted, fnas_text_prepare(place->context, spec, request, path, &prepared));
    assert_message(complaint);
    assert_false(fnas_file_exists(path));
}

static void files_that_do_not_belong_together_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_text_prepared prepared;
    char end[200];
    fnas_test_write_text(place, "3.en", "a\nb\nc\n");
    fnas_test_write_text(place, "2.de", "a\nb\n");
    fnas_test_write_text(place, "0.de", "");
    snprintf(end, sizeof end, "%s/2.de:3: the file ends before this line, which %s/3.en has", place->folder, place->folder);
    refused(place, spec_of(place, "3.en", "2.de"), &usual, FNAS_ERR_INPUT, end);
    snprintf(end, sizeof end, "%s/2.de:3: the file ends", place->folder);
    refused(place, spec_of(place, "2.de", "3.en"), &usual, FNAS_ERR_INPUT, end);
    snprintf(end, sizeof end, "%s/0.de:1: the file ends", place->folder);
    refused(place, spec_of(place, "3.en", "0.de"), &usual, FNAS_ERR_INPUT, end);
    refused(place, spec_of(place, "0.de", "0.de"), &usual, FNAS_ERR_INPUT, "of 0 pairs of lines none is left for the train part");
    refused(place, spec_of(place, "3.en", "3.en"), &usual, FNAS_ERR_INPUT, "of 3 pairs of lines none is left for the ");
    refused(place, spec_of(place, "3.en", "absent"), &usual, FNAS_ERR_INPUT, "absent: no such file");
    refused(place, "text:one", &usual, FNAS_ERR_USAGE, "text:SOURCE,TARGET");
    refused(place, "text:,two", &usual, FNAS_ERR_USAGE, "text:SOURCE,TARGET");
    write_pair_files(place, "a.en", "a.de", 0, 100);
    const char *spec = spec_of(place, "a.en", "a.de");
    assert_status(FNAS_ERR_USAGE, fnas_text_prepare(place->context, spec, &usual, fnas_test_path(place, "a.de"), &prepared));
    assert_message("would overwrite");
    fnas_context_request_stop(place->context);
    refused(place, spec, &usual, FNAS_INTERRUPTED, "was not written");
}

static void requests_and_vocabularies_that_do_not_fit_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_text_request request = usual;
    write_pair_files(place, "a.en", "a.de", 0, 100);
    const char *spec = spec_of(place, "a.en", "a.de");
    request.vocabulary = fnas_test_write_text(place, "text", "no model");
    refused(place, spec, &request, FNAS_ERR_INPUT, "text: no model of SentencePiece");
    /* one of <unk> and a, without <s> and </s>: pieces with text, score -1, type */
    static const char bare[] = "\x0A\x0E\x0A\x05<unk>\x15\x00\x00\x80\xBF\x18\x02\x0A\x0A\x0A\x01"
                               "a\x15\x00\x00\x80\xBF\x18\x01";
    request.vocabulary = fnas_test_write(place, "bare", bare, sizeof bare - 1);
    refused(place, spec, &request, FNAS_ERR_INPUT, "bare: it lacks <s>, which a translation begins with");
    request = usual;
    request.longest = 1025;
    refused(place, spec, &request, FNAS_ERR_USAGE, "at most 1025 pieces a side: it must be 1..1024");
    request = usual;
    request.ratio = 0.5;
    refused(place, spec, &request, FNAS_ERR_USAGE, "a ratio of lengths of 0.5");
    request = usual;
    request.fractions[FNAS_TEXT_TEST] = 0.9;
    refused(place, spec, &request, FNAS_ERR_USAGE, "their sum below 1");
    request = (fnas_text_request){.vocabulary_size = 299};
    refused(place, spec, &request, FNAS_ERR_USAGE, "a vocabulary of 299 pieces: it must have 300..65536");
    request = (fnas_text_request){.kind = "word"};
    refused(place, spec, &request, FNAS_ERR_USAGE, "a vocabulary of type \"word\"");
    char *before = fnas_strdup(getenv("PATH"));
    setenv("PATH", place->folder, 1);
    request = (fnas_text_request){0};
    refused(place, spec, &request, FNAS_ERR_INPUT, "install Debian's package sentencepiece, or name a model with --vocabulary");
    setenv("PATH", before, 1);
    fnas_free(before);
}

/* ---- a vocabulary of our own ---- */

static void paths_are_stripped_from_models(void **state) {
    fnas_test_place *place = *state;
    fnas_text model = read_all(place, MODEL), stripped = {0}, again = {0};
    assert_non_null(memmem(model.data, model.size, "\x0A\x05lines", 7));
    assert_status(FNAS_OK, fnas_vocabulary_strip(place->context, (const unsigned char *)model.data, model.size, &stripped));
    assert_int_equal(stripped.size, model.size - 7 - 9); /* also the prefix, "unigram" */
    assert_null(memmem(stripped.data, stripped.size, "lines", 5));
    assert_status(FNAS_OK, fnas_vocabulary_strip(place->context, (const unsigned char *)stripped.data, stripped.size, &again));
    assert_int_equal(again.size, stripped.size);
    assert_memory_equal(again.data, stripped.data, again.size);
    fnas_text_free(&again);
    assert_status(FNAS_ERR_INPUT, fnas_vocabulary_strip(place->context, (const unsigned char *)model.data, model.size - 1, &again));
    fnas_text_free(&model);
    fnas_text_free(&stripped);
    fnas_text_free(&again);
}

static void vocabularies_are_trained_the_same_each_time(void **state) {
    fnas_test_place *place = *state;
    fnas_text_prepared prepared;
    if (!test_has_program("spm_train")) {
        print_message("skipped: no spm_train (Debian's package sentencepiece)\n");
        skip();
    }
    write_pair_files(place, "a.en", "a.de", 0, 400);
    const char *spec = spec_of(place, "a.en", "a.de");
    fnas_text_request request = {.kind = "unigram", .vocabulary_size = 400, .seed = 1};
    fnas_pairs *pairs = prepare(place, spec, &request, "1", &prepared);
    fnas_vocabulary_marks marks = fnas_vocabulary_get(fnas_pairs_get(pairs).vocabulary);
    assert_int_equal(prepared.vocabulary, 400);
    assert_true(marks.size == 400 && marks.unknown == 0 && marks.begin == 1 && marks.end == 2 && marks.padding == 3);
    fnas_pairs_close(pairs);
    fnas_pairs_close(prepare(place, spec, &request, "2", &prepared));
    fnas_text first = read_all(place, fnas_test_path(place, "1")), second = read_all(place, fnas_test_path(place, "2"));
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    fnas_text_free(&first);
    fnas_text_free(&second);
    request.vocabulary_size = 60000;
    refused(place, spec, &request, FNAS_ERR_INPUT, "Another --vocabulary-size may do");
    assert_message("spm_train");
}

/* ---- the file ---- */

static void damaged_files_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_text_prepared prepared;
    fnas_pairs *pairs;
    write_pair_files(place, "a.en", "a.de", 0, 100);
    fnas_pairs_close(prepare(place, spec_of(place, "a.en", "a.de"), &usual, "a.pairs", &prepared));
    fnas_text file = read_all(place, fnas_test_path(place, "a.pairs"));
    unsigned char *bytes = (unsigned char *)file.data;
    assert_int_equal(file.size, prepared.size_bytes);
    for (size_t i = 0; i < file.size; i += 1 + i % 7) { /* any byte that is another one */
        bytes[i] ^= 0x10;
        assert_status(FNAS_ERR_INPUT, fnas_pairs_parse(place->context, "F", bytes, file.size, &pairs));
        assert_null(pairs);
        bytes[i] ^= 0x10;
    }
    for (size_t size = 0; size < file.size; size += 1 + size / 9) {
        assert_status(FNAS_ERR_INPUT, fnas_pairs_parse(place->context, "F", bytes, size, &pairs));
        assert_message("F: ");
    }
    assert_status(FNAS_ERR_INPUT, fnas_pairs_open(place->context, fnas_test_path(place, "a.en"), &pairs));
    assert_message("a.en: no prepared text: `fleetnas data prepare text:SOURCE,TARGET -o FILE` makes it");
    assert_status(FNAS_ERR_INPUT, fnas_pairs_open(place->context, place->folder, &pairs));
    fnas_text_free(&file);
}

/* ---- batches ---- */

typedef struct test_rows {
    fnas_text_rows rows;
    int32_t *memory;
} test_rows;

static test_rows fill(const fnas_text_batches *batches, const fnas_text_batch *batch) {
    int64_t source = batch->count * batch->lengths[0], target = batch->count * batch->lengths[1];
    test_rows made = {.memory = malloc((size_t)(source + 2 * target + 2 * batch->count) * sizeof(int32_t))};
    assert_non_null(made.memory);
    int32_t *at = made.memory;
    made.rows = (fnas_text_rows){
        at, at + source, at + source + target, {at + source + 2 * target, at + source + 2 * target + batch->count}};
    fnas_text_batch_fill(batches, batch, &made.rows);
    return made;
}

static void assert_row(const fnas_pairs *pairs, const fnas_text_batch *batch, const fnas_text_rows *rows, int64_t row) {
    int32_t ids[2][FNAS_PAIR_IDS_MAX];
    const int32_t *source = rows->source + row * batch->lengths[0], *target = rows->target + row * batch->lengths[1];
    const int32_t *wanted = rows->wanted + row * batch->lengths[1];
    int64_t lengths[2];
    for (int side = 0; side < 2; side++) {
        lengths[side] = fnas_pairs_length(pairs, FNAS_TEXT_TRAIN, batch->indices[row], (fnas_text_side)side);
        fnas_pairs_ids(pairs, FNAS_TEXT_TRAIN, batch->indices[row], (fnas_text_side)side, ids[side]);
        assert_int_equal(rows->lengths[side][row], lengths[side] + 1);
    }
    for (int64_t k = 0; k < batch->lengths[0]; k++)
        assert_int_equal(source[k], k < lengths[0] ? ids[0][k] : k == lengths[0] ? 2 : 3); /* </s> is 2, <pad> 3, <s> 1 */
    for (int64_t k = 0; k < batch->lengths[1]; k++) {
        assert_int_equal(target[k], k == 0 ? 1 : k <= lengths[1] ? ids[1][k - 1] : 3);
        assert_int_equal(wanted[k], k < lengths[1] ? ids[1][k] : k == lengths[1] ? 2 : 3);
    }
}

static void batches_hold_every_pair_once_an_epoch(void **state) {
    fnas_test_place *place = *state;
    fnas_text_prepared prepared;
    fnas_text_batches *batches, *resumed;
    enum { most = 400 };
    write_pair_files(place, "a.en", "a.de", 0, 1000);
    fnas_pairs *pairs = prepare(place, spec_of(place, "a.en", "a.de"), &usual, "a.pairs", &prepared);
    int64_t n = prepared.counts[FNAS_TEXT_TRAIN], ids = 0, places = 0, moved = 0, first_of_epoch[2] = {-1, -1};
    assert_status(FNAS_OK, fnas_text_batches_create(place->context, pairs, FNAS_TEXT_TRAIN, 7, 0, most, &batches));
    assert_status(FNAS_OK, fnas_text_batches_create(place->context, pairs, FNAS_TEXT_TRAIN, 7, 0, most, &resumed));
    int64_t count = fnas_text_batches_count(batches);
    int *seen = calloc((size_t)n, sizeof *seen);
    assert_non_null(seen);
    for (int64_t i = 0; i < 2 * count; i++) {
        fnas_text_batch batch = fnas_text_batches_at(batches, i);
        assert_true(batch.count >= 1 && batch.count * batch.lengths[0] <= most && batch.count * batch.lengths[1] <= most);
        test_rows made = fill(batches, &batch);
        for (int64_t row = 0; row < batch.count; row++) {
            assert_int_equal(seen[batch.indices[row]]++, i / count);
            assert_row(pairs, &batch, &made.rows, row);
            ids += made.rows.lengths[0][row] + made.rows.lengths[1][row];
        }
        places += batch.count * (batch.lengths[0] + batch.lengths[1]);
        if (i % count == 0) first_of_epoch[i / count] = batch.indices[0];
        free(made.memory);
    }
    for (int64_t i = 0; i < n; i++) assert_int_equal(seen[i], 2);
    assert_true((double)ids > 0.85 * (double)places); /* of batches in file order it would be half */
    assert_int_not_equal(first_of_epoch[0], first_of_epoch[1]);
    for (int64_t i = 2 * count - 1; i >= 0; i--) { /* from anywhere, without what went before */
        fnas_text_batch a = fnas_text_batches_at(resumed, i), b = fnas_text_batches_at(batches, i);
        assert_int_equal(a.count, b.count);
        assert_memory_equal(a.indices, b.indices, (size_t)a.count * sizeof *a.indices);
    }
    fnas_text_batches_free(resumed);
    assert_status(FNAS_OK, fnas_text_batches_create(place->context, pairs, FNAS_TEXT_TRAIN, 7, 1, most, &resumed));
    for (int64_t i = 0; i < count; i++) moved += fnas_text_batches_at(resumed, i).indices[0] != fnas_text_batches_at(batches, i).indices[0];
    assert_true(moved > 0);
    fnas_text_batches_free(resumed);
    fnas_text_batches_free(batches);
    assert_status(FNAS_ERR_USAGE, fnas_text_batches_create(place->context, pairs, FNAS_TEXT_TRAIN, 7, 0, 20, &batches));
    assert_message("a batch of at most 20 ids: pair ");
    free(seen);
    fnas_pairs_close(pairs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(parts_hold_every_pair_once),
        fnas_test(equal_calls_make_equal_files),
        fnas_test(equal_sources_are_in_one_part),
        fnas_test(unfit_pairs_are_counted_and_named),
        fnas_test(parts_with_files_of_their_own_are_kept_whole),
        fnas_test(files_that_do_not_belong_together_are_refused),
        fnas_test(requests_and_vocabularies_that_do_not_fit_are_refused),
        fnas_test(paths_are_stripped_from_models),
        fnas_test(vocabularies_are_trained_the_same_each_time),
        fnas_test(damaged_files_are_refused),
        fnas_test(batches_hold_every_pair_once_an_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
