/* BLEU: the tokenisation by cases written out by hand, scores by fractions that can be followed on paper, both beside a program in Python
 * that was written from the definition. */
#include "data/support_lines.h"

#include <math.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/random.h"
#include "data/text/bleu.h"
#include "data/text/utf8.h"

static void segments_are_split_as_mteval_does(void **state) {
    fnas_test_place *place = *state;
    static const char *const cases[][2] = {
        {"", ""},
        {" \t ", ""},
        {"Hello, world!", "Hello , world !"},
        {"It's a don't-care.", "It's a don't-care ."},
        {"3.14 and 1,000,000.", "3.14 and 1,000,000 ."},
        {".5, 5. x.y", ". 5 , 5 . x . y"},
        {"a.. b...", "a . . b . . ."},
        {"...1", ". . . 1"},
        {"1990-1995 pre-war -5", "1990 - 1995 pre-war -5"},
        {"1--2", "1 - -2"},
        {"[a] {b} `c` d/e f@g ^h_ ~i |j", "[ a ] { b } ` c ` d / e f @ g ^ h _ ~ i | j"},
        {"#1 $2 50% a&b (c)*d+ <e>=f;g:h?", "# 1 $ 2 50 % a & b ( c ) * d + < e > = f ; g : h ?"},
        {"&quot;x&quot; &lt;b&gt; R&amp;D", "\" x \" < b > R & D"},
        {"&amp;lt; &amp;amp;quot; &apos;", "< & amp ; quot ; & apos ;"}, /* replaced in one pass each, in their order */
        {"a<skipped>b < skipped >", "ab < skipped >"},
        {"wrap-\nped and\nline", "wrapped and line"},
        {"end-\n", "end-"}, /* the end is stripped first */
        {"\xC3\xA4.\xC3\xB6,1 \xE2\x80\x9Ex\xE2\x80\x9C", "\xC3\xA4 . \xC3\xB6 , 1 \xE2\x80\x9Ex\xE2\x80\x9C"},
        {"a\xC2\xA0"
         "b\xE3\x80\x80"
         "c\x1F"
         "d\xC2\x85"
         "e\xE2\x80\xA8",
         "a b c d e"},
        {"a\xE2\x80\x8B"
         "b",
         "a\xE2\x80\x8B"
         "b"}, /* no white space to Python */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fnas_text tokens = {0};
        assert_status(FNAS_OK, fnas_bleu_tokenise(place->context, cases[i][0], strlen(cases[i][0]), &tokens));
        assert_string_equal(tokens.data ? tokens.data : "", cases[i][1]);
        fnas_text_free(&tokens);
    }
}

static fnas_bleu_counts count(fnas_test_place *place, const char *translation, const char *reference) {
    fnas_bleu_counts counts = {0};
    assert_status(FNAS_OK, fnas_bleu_add(place->context, &counts, translation, strlen(translation), reference, strlen(reference)));
    return counts;
}

static void assert_counts(const fnas_bleu_counts *counts, const int64_t *correct, const int64_t *total, int64_t length, int64_t reference) {
    for (int i = 0; i < FNAS_BLEU_ORDER; i++) {
        assert_int_equal(counts->correct[i], correct[i]);
        assert_int_equal(counts->total[i], total[i]);
    }
    assert_int_equal(counts->length, length);
    assert_int_equal(counts->reference_length, reference);
}

/* Scores agree to rounding: four logarithms and a product in double precision. */
static void assert_score(const fnas_bleu_counts *counts, double wanted) {
    assert_true(fabs(fnas_bleu_score(counts).score - wanted) <= 1e-10);
}

static void scores_are_those_on_paper(void **state) {
    fnas_bleu_counts counts = count(*state, "this is a test", "this is a test");
    assert_score(&counts, 100);
    counts = count(*state, "this is a fest", "this is a test"); /* 3/4 2/3 1/2, and 0/1 as 1/2: (1/8)^(1/4) */
    assert_counts(&counts, (int64_t[]){3, 2, 1, 0}, (int64_t[]){4, 3, 2, 1}, 4, 4);
    assert_score(&counts, 59.46035575013605);
    counts = count(*state, "am I am a character sequence", "I am a symbol string sequence a a"); /* "am" twice counts once */
    assert_counts(&counts, (int64_t[]){4, 2, 1, 0}, (int64_t[]){6, 5, 4, 3}, 6, 8);
    assert_score(&counts, 23.26347269766329); /* e^(1 - 8/6) (4/6 2/5 1/4 1/6)^(1/4) */
    assert_true(fabs(fnas_bleu_score(&counts).brevity_penalty - 0.7165313105737893) <= 1e-15);
    counts = count(*state, "a b x c d y", "b a z d c w"); /* 4/6 1/10 1/16 1/24 */
    assert_score(&counts, 11.47874423330716);
    counts = count(*state, "the cat", "the cat"); /* no n-gram of 3: undefined, 0 */
    assert_score(&counts, 0);
    counts = count(*state, "x y z u v", "a b c d e");
    assert_score(&counts, 0);
    counts = count(*state, "", "a b");
    assert_score(&counts, 0);
    counts = count(*state, "The test is this, indeed.", "the test is this, indeed."); /* case matters */
    assert_int_equal(counts.correct[0], 6);
    assert_int_equal(counts.total[0], 7);
    counts = (fnas_bleu_counts){{9, 7, 5, 3}, {10, 8, 6, 4}, 11, 11};
    assert_score(&counts, 83.75922397086269);
}

static void segments_add_up(void **state) {
    fnas_test_place *place = *state;
    fnas_bleu_counts counts = {0};
    assert_status(FNAS_OK, fnas_bleu_add(place->context, &counts, "a b c d", 7, "a b c d", 7));
    assert_status(FNAS_OK, fnas_bleu_add(place->context, &counts, "e f", 3, "e f g", 5)); /* n-grams do not reach over the end */
    assert_counts(&counts, (int64_t[]){6, 4, 2, 1}, (int64_t[]){6, 4, 2, 1}, 6, 7);
    assert_score(&counts, 84.64817248906141); /* e^(1 - 7/6) */
}

/* ---- beside Python ---- */

static const char *const marks[] = {"&quot;", "&amp;lt;", "&lt;", "<skipped>", " 5-6 ", " 3.14, ",  "1,2.",         " x.y ",       ".",
                                    ",",      "...",      "-",    "0-",        "/",     "\xC2\x85", "\xE2\x80\xA8", "\xC2\xA0-5.", "\x1C"};

/* A line, and another that has something in common with it. */
static void append_pair(fnas_text *translation, fnas_text *reference, int64_t index) {
    fnas_text line = {0};
    fnas_random random = fnas_random_begin(2, FNAS_STREAM_TEST, index, 0);
    test_append_line(&line, index, index % 2);
    for (char *word = strtok(line.data, " "); word; word = strtok(NULL, " ")) {
        if (!fnas_utf8_is_valid(word, strlen(word))) continue;
        const char *mark = fnas_random_below(&random, 4) ? " " : marks[fnas_random_below(&random, sizeof marks / sizeof *marks)];
        if (fnas_random_below(&random, 8)) fnas_text_append(translation, "%s%s", word, mark);
        if (fnas_random_below(&random, 8)) fnas_text_append(reference, "%s%s", word, mark);
    }
    fnas_text_append(translation, "\n");
    fnas_text_append(reference, "\n");
    fnas_text_free(&line);
}

static void python_counts_the_same(void **state) {
    fnas_test_place *place = *state;
    fnas_text translations = {0}, references = {0};
    fnas_bleu_counts counts = {0};
    char command[512], wanted[256], got[256];
    for (int64_t i = 0; i < 3000; i++) {
        size_t begin = translations.size, reference_begin = references.size;
        append_pair(&translations, &references, i);
        assert_status(FNAS_OK, fnas_bleu_add(place->context, &counts, translations.data + begin, translations.size - begin - 1,
                                             references.data + reference_begin, references.size - reference_begin - 1));
    }
    const char *ours = fnas_test_write(place, "ours", translations.data, translations.size);
    const char *theirs = fnas_test_write(place, "theirs", references.data, references.size);
    fnas_text_free(&translations);
    fnas_text_free(&references);
    snprintf(command, sizeof command, "/usr/bin/python3 %s/tests/data/check_bleu.py %s %s", FNAS_TEST_ROOT, ours, theirs);
    FILE *oracle = popen(command, "r");
    assert_non_null(oracle);
    bool read = fgets(wanted, sizeof wanted, oracle);
    int code = pclose(oracle);
    if (WIFEXITED(code) && WEXITSTATUS(code) == 127) {
        print_message("skipped: /usr/bin/python3 is not installed\n");
        skip();
    }
    assert_true(read && !code);
    const int64_t *c = counts.correct, *t = counts.total;
    snprintf(got, sizeof got, "%ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %.9f\n", (long)c[0], (long)c[1], (long)c[2], (long)c[3], (long)t[0],
             (long)t[1], (long)t[2], (long)t[3], (long)counts.length, (long)counts.reference_length, fnas_bleu_score(&counts).score);
    assert_string_equal(got, wanted);
    assert_true(c[3] > 1000 && c[0] < t[0]); /* there was something to count */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(segments_are_split_as_mteval_does),
        fnas_test(scores_are_those_on_paper),
        fnas_test(segments_add_up),
        fnas_test(python_counts_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
