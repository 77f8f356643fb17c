/* Subwords: texts are cut and put together exactly as spm_encode and spm_decode do it; models that are damaged are refused. The expected
 * ids and texts in tests/files/text are what those two of SentencePiece 0.1.97 printed (tests/files/text/make.sh). */
#include "data/support_lines.h"

#include <math.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/text/vocabulary.h"

/* ---- files of lines ---- */

static fnas_text read_all(fnas_test_place *place, const char *path) {
    unsigned char *data;
    size_t size;
    fnas_text text = {0};
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 1 << 28, &data, &size));
    fnas_text_append_bytes(&text, data, size);
    fnas_free(data);
    return text;
}

static fnas_vocabulary *read_model(fnas_test_place *place, const char *path) {
    fnas_vocabulary *vocabulary;
    assert_status(FNAS_OK, fnas_vocabulary_read(place->context, path, &vocabulary));
    return vocabulary;
}

/* What spm_encode --output_format=id prints for a text of lines, and spm_decode --input_format=id of that. */
static void encode_lines(fnas_test_place *place, const fnas_vocabulary *vocabulary, const fnas_text *lines, fnas_text *ids,
                         fnas_text *decoded) {
    fnas_encoding encoding = {0};
    for (size_t begin = 0; begin < lines->size;) {
        const char *line = lines->data + begin, *end = memchr(line, '\n', lines->size - begin);
        assert_non_null(end);
        assert_status(FNAS_OK, fnas_vocabulary_encode(place->context, vocabulary, line, (size_t)(end - line), &encoding));
        for (int64_t i = 0; i < encoding.count; i++) fnas_text_append(ids, "%s%ld", i ? " " : "", (long)encoding.ids[i]);
        fnas_text_append(ids, "\n");
        if (encoding.count)
            assert_status(FNAS_OK, fnas_vocabulary_decode(place->context, vocabulary, encoding.ids, encoding.count, decoded));
        fnas_text_append(decoded, "\n");
        begin += (size_t)(end - line) + 1;
    }
    fnas_encoding_free(&encoding);
}

/* The first line that differs is named. */
static void assert_same_lines(const fnas_text *got, const fnas_text *wanted, const char *what) {
    size_t line = 1, begin = 0;
    for (size_t i = 0; i < wanted->size && i < got->size && got->data[i] == wanted->data[i]; i++)
        if (got->data[i] == '\n') line++, begin = i + 1;
    if (got->size == wanted->size && !memcmp(got->data, wanted->data, got->size)) return;
    fail_msg("%s: line %zu is\n%.*s\nand should be\n%.*s", what, line, (int)strcspn(got->data + begin, "\n"), got->data + begin,
             (int)strcspn(wanted->data + begin, "\n"), wanted->data + begin);
}

/* Compares FOLDER/lines through FOLDER/NAME.model with FOLDER/NAME.ids and FOLDER/NAME.text. */
static void compare(fnas_test_place *place, const char *folder, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s.model", folder, name);
    fnas_vocabulary *vocabulary = read_model(place, path);
    snprintf(path, sizeof path, "%s/lines", folder);
    fnas_text lines = read_all(place, path), got_ids = {0}, got_text = {0};
    snprintf(path, sizeof path, "%s/%s.ids", folder, name);
    fnas_text ids = read_all(place, path);
    snprintf(path, sizeof path, "%s/%s.text", folder, name);
    fnas_text text = read_all(place, path);
    encode_lines(place, vocabulary, &lines, &got_ids, &got_text);
    assert_same_lines(&got_ids, &ids, name);
    assert_same_lines(&got_text, &text, name);
    fnas_text_free(&lines);
    fnas_text_free(&got_ids);
    fnas_text_free(&got_text);
    fnas_text_free(&ids);
    fnas_text_free(&text);
    fnas_vocabulary_free(vocabulary);
}

static void golden_lines_come_out_as_recorded(void **state) {
    compare(*state, FNAS_TEST_FILES "/text", "unigram");
    compare(*state, FNAS_TEST_FILES "/text", "bpe");
    compare(*state, FNAS_TEST_FILES "/text", "bytes");
}

/* ---- beside the tools ---- */

static void write_lines(fnas_test_place *place, const char *name, int64_t count, bool odd) {
    fnas_text text = {0};
    for (int64_t i = 0; i < count; i++) {
        test_append_line(&text, i, odd);
        fnas_text_append(&text, "\n");
    }
    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, fnas_test_path(place, name), text.data, text.size));
    fnas_text_free(&text);
}

static void compare_with_tools(fnas_test_place *place, const char *name, const char *training) {
    const char *folder = place->folder;
    test_run_shell("cd '%s' && spm_train --input=plain --model_prefix=%s --num_threads=1 %s >log 2>&1 || { tail -3 log; false; }", folder,
                   name, training);
    test_run_shell("cd '%s' && spm_encode --model=%s.model --output_format=id <lines >%s.ids 2>log", folder, name, name);
    /* an empty line has no id; spm_decode would take it for one */
    test_run_shell("cd '%s' && sed 's/^$/1/' %s.ids | spm_decode --model=%s.model --input_format=id >%s.text 2>log", folder, name, name,
                   name);
    compare(place, folder, name);
}

static void ten_thousand_lines_are_as_the_tools_have_them(void **state) {
    fnas_test_place *place = *state;
    if (!test_has_program("spm_train") || !test_has_program("spm_encode") || !test_has_program("spm_decode")) {
        print_message("skipped: no spm_train, spm_encode and spm_decode (Debian's package sentencepiece)\n");
        skip();
    }
    write_lines(place, "plain", 2000, false);
    write_lines(place, "lines", 10000, true);
    compare_with_tools(place, "unigram", "--vocab_size=1000 --pad_id=3");
    compare_with_tools(place, "bpe", "--vocab_size=1000 --model_type=bpe");
    compare_with_tools(place, "bytes", "--vocab_size=900 --byte_fallback --user_defined_symbols='<sep>,[MASK],aa' --control_symbols='<x>'");
    compare_with_tools(place, "bpe_bytes", "--vocab_size=900 --model_type=bpe --byte_fallback --user_defined_symbols='<sep>,[MASK],aa'");
    compare_with_tools(place, "suffix", "--vocab_size=600 --treat_whitespace_as_suffix --unk_surface='?'");
    compare_with_tools(place, "spaces", "--vocab_size=600 --remove_extra_whitespaces=false --normalization_rule_name=identity");
    compare_with_tools(place, "bare", "--vocab_size=600 --model_type=bpe --add_dummy_prefix=false --normalization_rule_name=nfkc_cf");
    compare_with_tools(place, "neither",
                       "--vocab_size=600 --add_dummy_prefix=false --remove_extra_whitespaces=false --normalization_rule_name=nfkc");
}

/* ---- models made by hand ---- */

/* The wire format: fields of a message, one behind the other. */
static void put_number(fnas_text *message, int field, unsigned value) {
    fnas_text_append_bytes(message, (char[]){(char)(field << 3), (char)value}, 2);
}

static void put_bytes(fnas_text *message, int field, const void *bytes, size_t size) {
    assert_in_range(size, 0, 127); /* one byte of length */
    fnas_text_append_bytes(message, (char[]){(char)(field << 3 | 2), (char)size}, 2);
    fnas_text_append_bytes(message, bytes, size);
}

static void put_piece(fnas_text *model, const char *piece, float score, unsigned type) {
    fnas_text message = {0};
    put_bytes(&message, 1, piece, strlen(piece));
    fnas_text_append_bytes(&message, (char[]){2 << 3 | 5}, 1);
    fnas_text_append_bytes(&message, &score, sizeof score); /* of a little-endian machine */
    put_number(&message, 3, type);
    put_bytes(model, 1, message.data, message.size);
    fnas_text_free(&message);
}

/* Settings: type 1 unigram, 2 bpe; no dummy prefix. */
static void put_settings(fnas_text *model, unsigned type, bool byte_fallback) {
    fnas_text trainer = {0}, normaliser = {0};
    put_number(&trainer, 3, type);
    if (byte_fallback) fnas_text_append_bytes(&trainer, (char[]){(char)0x98, 2, 1}, 3); /* field 35 */
    put_bytes(model, 2, trainer.data, trainer.size);
    put_number(&normaliser, 4, 0);
    fnas_text_append_bytes(&normaliser, (char[]){3 << 3, 0}, 2);
    put_bytes(model, 3, normaliser.data, normaliser.size);
    fnas_text_free(&trainer);
    fnas_text_free(&normaliser);
}

static void assert_cut(fnas_test_place *place, const fnas_text *model, const char *text, const char *wanted) {
    fnas_vocabulary *vocabulary;
    fnas_text got = {0};
    fnas_encoding encoding = {0};
    assert_status(FNAS_OK, fnas_vocabulary_parse(place->context, "M", (const unsigned char *)model->data, model->size, &vocabulary));
    for (int again = 0; again < 2; again++) { /* nothing is left of the first time */
        assert_status(FNAS_OK, fnas_vocabulary_encode(place->context, vocabulary, text, strlen(text), &encoding));
        got.size = 0;
        for (int64_t i = 0; i < encoding.count; i++) fnas_text_append(&got, "%s%ld", i ? " " : "", (long)encoding.ids[i]);
        assert_string_equal(got.data, wanted);
    }
    fnas_encoding_free(&encoding);
    fnas_text_free(&got);
    fnas_vocabulary_free(vocabulary);
}

static void unused_pieces_are_taken_apart(void **state) {
    for (unsigned type = 1; type <= 2; type++) {
        fnas_text model = {0};
        put_piece(&model, "<unk>", 0, 2);
        put_piece(&model, "a", -5, 1);
        put_piece(&model, "b", -5, 1);
        put_piece(&model, "c", -5, 1);
        put_piece(&model, "ab", -1, 5);
        put_piece(&model, "abc", -2, 1);
        put_piece(&model, "aba", -3, 5);
        put_settings(&model, type, false);
        assert_cut(*state, &model, "abc", "5");
        assert_cut(*state, &model, "abd", "1 2 0");
        assert_cut(*state, &model, "abab", "1 2 1 2"); /* bpe: ab, ab */
        assert_cut(*state, &model, "abaa", "1 2 1 1"); /* bpe: aba, which was ab and a */
        fnas_text_free(&model);
    }
}

/* Of equal ways SentencePiece keeps the one that it came upon first: the one whose last piece begins first. */
static void ties_go_to_the_first(void **state) {
    fnas_text model = {0};
    put_piece(&model, "<unk>", 0, 2);
    put_piece(&model, "a", -1, 1);
    put_piece(&model, "c", -1, 1);
    put_piece(&model, "ab", -1, 1);
    put_piece(&model, "bc", -1, 1);
    put_settings(&model, 1, false);
    assert_cut(*state, &model, "abc", "1 4");
    fnas_text_free(&model);
}

static void refused(fnas_test_place *place, fnas_text *model, fnas_status wanted, const char *complaint) {
    fnas_vocabulary *vocabulary;
    assert_status(wanted, fnas_vocabulary_parse(place->context, "M", (const unsigned char *)model->data, model->size, &vocabulary));
    assert_null(vocabulary);
    assert_message("M: ");
    assert_message(complaint);
    fnas_text_free(model);
    *model = (fnas_text){0};
}

static void impossible_models_are_refused(void **state) {
    fnas_text model = {0};
    fnas_text_append(&model, "just a text");
    refused(*state, &model, FNAS_ERR_INPUT, "no model of SentencePiece");
    put_settings(&model, 1, false);
    refused(*state, &model, FNAS_ERR_INPUT, "no pieces");
    put_piece(&model, "a", -1, 1);
    refused(*state, &model, FNAS_ERR_INPUT, "no unknown piece");
    put_piece(&model, "<unk>", 0, 2);
    put_piece(&model, "a", -1, 1);
    put_piece(&model, "a", -2, 1);
    refused(*state, &model, FNAS_ERR_INPUT, "pieces 1 and 2 are the same");
    put_piece(&model, "<unk>", 0, 2);
    put_piece(&model, "<un>", 0, 2);
    refused(*state, &model, FNAS_ERR_INPUT, "two unknown pieces");
    put_piece(&model, "<unk>", 0, 2);
    put_piece(&model, "", -1, 1);
    refused(*state, &model, FNAS_ERR_INPUT, "piece 1 is empty");
    put_piece(&model, "<unk>", 0, 2);
    put_piece(&model, "a", -(float)INFINITY, 1);
    refused(*state, &model, FNAS_ERR_INPUT, "score of piece 1 is not finite");
    put_piece(&model, "a", -1, 7);
    refused(*state, &model, FNAS_ERR_INPUT, "piece 0 is of an unknown type");
    put_piece(&model, "<unk>", 0, 2);
    put_piece(&model, "<0x41>", 0, 6);
    refused(*state, &model, FNAS_ERR_INPUT, "piece 1 is no byte, or the model says that it has none");
    put_piece(&model, "<unk>", 0, 2);
    put_piece(&model, "<0x00>", 0, 6);
    put_settings(&model, 1, true);
    refused(*state, &model, FNAS_ERR_INPUT, "it lacks the piece <0x01>");
    put_piece(&model, "<unk>", 0, 2);
    put_settings(&model, 3, false);
    refused(*state, &model, FNAS_ERR_UNSUPPORTED, "another type");
    put_number(&model, 1, 1);
    refused(*state, &model, FNAS_ERR_INPUT, "field 1 has another form");
}

static void ids_and_lengths_out_of_range_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_vocabulary *vocabulary = read_model(place, FNAS_TEST_FILES "/text/unigram.model");
    fnas_vocabulary_marks marks = fnas_vocabulary_get(vocabulary);
    fnas_text text = {0};
    fnas_encoding encoding = {0};
    assert_int_equal(marks.size, 250);
    assert_true(marks.unknown == 0 && marks.begin == 1 && marks.end == 2 && marks.padding == 3);
    assert_status(FNAS_ERR_INPUT, fnas_vocabulary_decode(place->context, vocabulary, (const int32_t[]){5, 250}, 2, &text));
    assert_message("id 250: the vocabulary has 0..249");
    assert_status(FNAS_ERR_INPUT, fnas_vocabulary_decode(place->context, vocabulary, (const int32_t[]){-1}, 1, &text));
    char *enormous = fnas_allocate(FNAS_ENCODED_BYTES_MAX + 1, 1);
    memset(enormous, 'a', FNAS_ENCODED_BYTES_MAX + 1);
    assert_status(FNAS_OK, fnas_vocabulary_encode(place->context, vocabulary, enormous, FNAS_ENCODED_BYTES_MAX, &encoding));
    assert_status(FNAS_ERR_INPUT, fnas_vocabulary_encode(place->context, vocabulary, enormous, FNAS_ENCODED_BYTES_MAX + 1, &encoding));
    assert_message("more than 1048576 bytes");
    fnas_free(enormous);
    fnas_encoding_free(&encoding);
    fnas_text_free(&text);
    fnas_vocabulary_free(vocabulary);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(golden_lines_come_out_as_recorded), fnas_test(ten_thousand_lines_are_as_the_tools_have_them),
        fnas_test(unused_pieces_are_taken_apart),     fnas_test(ties_go_to_the_first),
        fnas_test(impossible_models_are_refused),     fnas_test(ids_and_lengths_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
