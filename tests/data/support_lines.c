#include "data/support_lines.h"

#include <stdarg.h>

#include "base/random.h"

static const char *const syllables[] = {"ba", "ri", "ton", "schl", "ie", "\xC3\xBC", "be", "r", "an", "en",       "wi", "nd", "ow", "s",
                                        "er", "ge", "st",  "ell",  "t",  "mo",       "da", "l", "it", "\xC3\xA4", "t",  "ul", "ka", "x"};

static const char *const odds[] = {"  ",
                                   "\t",
                                   "\r",
                                   " ",
                                   "\xC2\xA0",
                                   "\xE3\x80\x80",
                                   "\xE2\x96\x81",
                                   "\xE2\x80\x8B", /* spaces, U+2581 and none */
                                   "\xEF\xAC\x81",
                                   "\xEF\xBC\xA1\xEF\xBC\xA2\xEF\xBC\x93",
                                   "\xE2\x84\xA2",
                                   "\xC2\xBD",
                                   "\xEF\xB7\xBA",
                                   "\xE3\x8C\x80", /* ligatures, wide, TM, 1/2 */
                                   "e\xCC\x81",
                                   "o\xCC\x88\xCC\x84",
                                   "\xCC\x88",
                                   "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", /* combining marks, Hangul */
                                   "\xF0\x9F\x98\x80",
                                   "\xE4\xB8\xAD\xE6\x96\x87",
                                   "\xD0\xB6\xD0\xB8",
                                   "\xE0\xA4\x95\xE0\xA5\x8D\xE0\xA4\xB7",
                                   "\xF0\x9D\x95\x8F",
                                   "\xFF",
                                   "\xC3",
                                   "\xE2\x82",
                                   "\xED\xA0\x80",
                                   "\xC0\xAF",
                                   "\xF4\x90\x80\x80",
                                   "\x80\x80",
                                   "\xF8\x88\x80\x80\x80", /* no UTF-8 */
                                   "\x01",
                                   "\x7F",
                                   "\xEF\xBB\xBF",
                                   "\xEF\xBF\xBD",
                                   "<s>",
                                   "</s>",
                                   "<unk>",
                                   "<sep>",
                                   "<se",
                                   "[MASK]",
                                   "[MA",
                                   "<0x41>",
                                   "12.5",
                                   "007",
                                   "%s",
                                   ",",
                                   ".",
                                   "!?",
                                   "\"",
                                   "'",
                                   "(",
                                   ")",
                                   "-",
                                   "aaaaaaaaaaaa",
                                   "\xE2\x96\x81\xE2\x96\x81"};

static const char *pick(fnas_random *random, const char *const *texts, size_t count) {
    double u = fnas_random_uniform(random);
    return texts[(size_t)(u * u * (double)count)]; /* the first ones more often, so that there is something to learn */
}

static void append_word(fnas_text *text, fnas_random *random) {
    /* few words are frequent: their syllables are drawn anew from a small seed */
    double u = fnas_random_uniform(random);
    int64_t word = (int64_t)(u * u * u * 3000);
    fnas_random inner = fnas_random_begin(5, FNAS_STREAM_TEST, word, 1);
    int64_t count = 1 + fnas_random_below(&inner, 4);
    for (int64_t i = 0; i < count; i++) fnas_text_append(text, "%s", pick(&inner, syllables, sizeof syllables / sizeof *syllables));
}

void test_append_line(fnas_text *text, int64_t index, bool odd) {
    fnas_random random = fnas_random_begin(1, FNAS_STREAM_TEST, index, odd);
    int64_t words = fnas_random_below(&random, 25);
    for (int64_t i = 0; i < words; i++) {
        if (i && fnas_random_below(&random, 20)) fnas_text_append(text, " ");
        append_word(text, &random);
        if (odd && !fnas_random_below(&random, 4))
            fnas_text_append(text, "%s", odds[fnas_random_below(&random, sizeof odds / sizeof *odds)]);
    }
    if (!text->data) fnas_text_append(text, "%s", "");
}

bool test_has_program(const char *name) {
    char command[256];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", name);
    return !system(command);
}

void test_run_shell(const char *format, ...) {
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, sizeof command - 1);
    if (system(command)) fail_msg("this failed: %s", command);
}
