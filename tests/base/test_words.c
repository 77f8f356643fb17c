/* Command lines as words: POSIX quoting, and no shell. */
#include "base/support.h"

#include "base/words.h"

static void words_are(fnas_test_place *place, const char *text, size_t count, const char *const *expected) {
    fnas_words words;
    assert_status(FNAS_OK, fnas_words_split(place->context, "the command", text, &words));
    assert_int_equal(words.count, count);
    for (size_t i = 0; i < count; i++) assert_string_equal(words.items[i], expected[i]);
    assert_null(words.items[count]);
    fnas_words_free(&words);
}

#define WORDS(text, ...)                                                                                                                   \
    do {                                                                                                                                   \
        static const char *const expected_[] = {__VA_ARGS__};                                                                              \
        words_are(place, text, sizeof expected_ / sizeof *expected_, expected_);                                                           \
    } while (0)

static void quoting_is_that_of_posix(void **state) {
    fnas_test_place *place = *state;
    WORDS("a", "a");
    WORDS("  a \t b\nc  ", "a", "b", "c");
    WORDS("run '' \"\" x", "run", "", "", "x");
    WORDS("'a b'\"c d\"e", "a bc de");
    WORDS("'$HOME | `x` \\'", "$HOME | `x` \\");
    WORDS("\"a \\\" \\\\ \\$ \\n\"", "a \" \\ $ \\n");
    WORDS("a\\ b \\| \\'", "a b", "|", "'");
    WORDS("a\\\nb \"c\\\nd\"", "ab", "cd");
    WORDS("run {onnx} --x=1 a*b ~ #c", "run", "{onnx}", "--x=1", "a*b", "~", "#c");
    WORDS("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15",
          "16", "17");
}

static void refused(fnas_test_place *place, const char *text, const char *complaint) {
    fnas_words words;
    assert_status(FNAS_ERR_INPUT, fnas_words_split(place->context, "the command", text, &words));
    assert_message(complaint);
    fnas_words_free(&words);
}

static void what_wants_a_shell_is_refused(void **state) {
    fnas_test_place *place = *state;
    refused(place, "", "the command is empty");
    refused(place, " \t", "the command is empty");
    refused(place, "a 'b", "the command: ' without its end");
    refused(place, "a \"b\\\"", "\" without its end");
    refused(place, "a \\", "\\ without its end");
    refused(place, "a | tail -1", "the command has \"|\", but is run without a shell");
    refused(place, "a;b", "has \";\"");
    refused(place, "a > b", "has \">\"");
    refused(place, "a $HOME", "has \"$\"");
    refused(place, "a \"$HOME\"", "has \"$\"");
    refused(place, "a `b`", "has \"`\"");
    refused(place, "(a)", "has \"(\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(quoting_is_that_of_posix), fnas_test(what_wants_a_shell_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
