#include "device/answer.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

/* Whoever reports more has mistaken the unit. */
#define MOST_MS 1e9    /* eleven days */
#define LEAST_MS 1e-9  /* a thousandth of a clock's tick: no network is so fast */
#define MOST_MJ 1e12   /* a kilowatt for as long */
#define LEAST_MJ 1e-12 /* the least time at a watt */
#define TOKEN_BYTES 64
#define QUOTE_BYTES 120

typedef struct answer_reader {
    fnas_context *context;
    const char *who, *text, *field;
    bool with_energy;
    fnas_answer *answer;
} answer_reader;

/* ---- numbers ---- */

typedef struct quantity {
    const char *what, *unit;
    double least, most;
} quantity;
static const quantity latency = {"a latency", "ms", LEAST_MS, MOST_MS}, energy = {"an energy", "mJ", LEAST_MJ, MOST_MJ};

static fnas_status check_number(const answer_reader *reader, const quantity *kind, double value) {
    if (isfinite(value) && value >= kind->least && value <= kind->most) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s gives %s of %g: it must be finite, above 0 (%g and more) and at most %g %s",
                     reader->who, kind->what, value, kind->least, kind->most, kind->unit);
}

/* ---- JSON ---- */

static fnas_status take_number(const answer_reader *reader, const json_t *object, const char *field, const quantity *kind, double *value) {
    const json_t *number = json_object_get(object, field);
    if (!json_is_number(number))
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: its answer has %s \"%s\": print a JSON object in which that is %s in %s",
                         reader->who, number ? "no number as" : "no", field, kind->what, kind->unit);
    *value = json_number_value(number);
    return check_number(reader, kind, *value);
}

/* What a program says is shown on terminals: signs of control, and what is not ASCII, become '?'. Up to the end of the line. */
static void quote_line(const char *text, char *quote, size_t size) {
    size_t used = 0;
    for (; *text && *text != '\n' && used + 1 < size; text++) quote[used++] = *text >= ' ' && *text < 127 ? *text : '?';
    quote[used] = '\0';
}

/* What goes into a card is shown on terminals. */
static void take_text(const json_t *object, const char *key, char *text) {
    const char *value = json_string_value(json_object_get(object, key));
    size_t used = 0;
    for (; value && *value && used + 1 < FNAS_ANSWER_TEXT_BYTES; value++)
        if (*value >= ' ' && *value < 127) text[used++] = *value;
    text[used] = '\0';
}

static fnas_status read_object(const answer_reader *reader, const json_t *object) {
    const json_t *error = json_object_get(object, "error");
    fnas_answer *answer = reader->answer;
    if (error && !json_is_null(error)) {
        char reason[QUOTE_BYTES * 2];
        quote_line(json_is_string(error) ? json_string_value(error) : "an error", reason, sizeof reason);
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s failed: %s", reader->who, reason);
    }
    FNAS_TRY(take_number(reader, object, reader->field ? reader->field : "ms", &latency, &answer->ms));
    if (reader->with_energy) FNAS_TRY(take_number(reader, object, "energy_mj", &energy, &answer->energy_mj));
    take_text(object, "runtime", answer->runtime);
    take_text(object, "runtime_version", answer->runtime_version);
    take_text(object, "processor", answer->processor);
    take_text(object, "isa", answer->isa);
    return FNAS_OK;
}

/* Of a text its last line that holds something. */
static const char *last_line(const char *text, size_t *size) {
    *size = strlen(text);
    while (*size && isspace((unsigned char)text[*size - 1])) (*size)--;
    size_t first = *size;
    while (first && text[first - 1] != '\n') first--;
    *size -= first;
    return text + first;
}

static json_t *load_object(const char *text, size_t size, json_error_t *error) {
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, error);
    if (json_is_object(value)) return value;
    json_decref(value);
    return NULL;
}

static bool begins_object(const char *text) {
    return text[strspn(text, " \t\r\n")] == '{';
}

/* The object that all of the text is, or that its last line is. Owned; NULL when there is none. What begins as an object and is none is
 * refused: some number in it would pass for the result. */
static fnas_status find_object(const answer_reader *reader, json_t **object) {
    json_error_t error = {.text = ""};
    size_t size;
    const char *line = last_line(reader->text, &size);
    *object = load_object(reader->text, strlen(reader->text), &error);
    if (!*object) *object = load_object(line, size, &error);
    if (*object || !(begins_object(reader->text) || begins_object(line))) return FNAS_OK;
    char reason[QUOTE_BYTES];
    quote_line(error.text, reason, sizeof reason);
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s prints an object that is no JSON: %s", reader->who, reason);
}

/* ---- text ---- */

typedef struct token {
    const char *start;
    size_t size;
} token;

static bool is_number_sign(char c) {
    return isdigit((unsigned char)c) || c == '.' || c == ',';
}

static bool is_word_sign(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* "nan" and "inf" are what a broken program prints for a number: taken for words, an older number would pass for the result. */
static size_t size_of_no_number(const char *at) {
    static const char *const names[] = {"infinity", "inf", "nan"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size = strlen(names[i]);
        if (strncasecmp(at, names[i], size) == 0 && !is_word_sign(at[size])) return size;
    }
    return 0;
}

static size_t size_of_exponent(const char *at) {
    size_t size = 1;
    if (*at != 'e' && *at != 'E') return 0;
    if (at[1] == '+' || at[1] == '-') size++;
    if (!isdigit((unsigned char)at[size])) return 0;
    while (isdigit((unsigned char)at[size])) size++;
    return size;
}

/* The number that starts here, with points and commas as they stand ("1.2.3" is one); size 0 where none does. */
static token token_at(const char *at) {
    const char *digits = at + (*at == '-' || *at == '+');
    size_t size = size_of_no_number(digits);
    if (size) return (token){at, (size_t)(digits - at) + size};
    bool starts = isdigit((unsigned char)*digits) || (*digits == '.' && isdigit((unsigned char)digits[1]));
    if (!starts) return (token){at, 0};
    while (is_number_sign(digits[size])) size++;
    while (size && !isdigit((unsigned char)digits[size - 1])) size--; /* the end of a sentence */
    size += size_of_exponent(digits + size);
    return (token){at, (size_t)(digits - at) + size};
}

/* A terminal's colours have numbers in them: ESC [ 0 m. */
static size_t size_of_colour(const char *at) {
    size_t size = 2;
    if (at[0] != '\x1b' || at[1] != '[') return 0;
    while (isdigit((unsigned char)at[size]) || at[size] == ';') size++;
    return size + (at[size] != '\0');
}

/* The last number of a text, at [1], and the one before it on its line: numbers of two lines are of two things. Digits inside a word
 * ("resnet50") are none. */
static void find_last(const char *text, token last[2]) {
    bool in_word = false, new_line = false;
    for (const char *at = text; *at;) {
        size_t colour = size_of_colour(at);
        token found = colour || in_word ? (token){at, 0} : token_at(at);
        new_line = new_line || *at == '\n';
        if (found.size) {
            last[0] = new_line ? (token){NULL, 0} : last[1];
            last[1] = found;
            new_line = false;
        }
        at += colour ? colour : found.size ? found.size : 1;
        in_word = !colour && is_word_sign(at[-1]);
    }
}

static fnas_status number_of(const answer_reader *reader, token number, const quantity *kind, double *value) {
    char text[TOKEN_BYTES];
    snprintf(text, sizeof text, "%.*s", (int)fmin((double)number.size, TOKEN_BYTES - 1), number.start);
    const char *digits = text + (text[0] == '+');
    if (size_of_no_number(digits + (*digits == '-')))
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s gives \"%s\" as %s: it must be finite and above 0", reader->who, text,
                         kind->what);
    if (number.size < TOKEN_BYTES && fnas_parse_double(digits, value)) return check_number(reader, kind, *value);
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s gives \"%s\" as %s: print a plain number, as 1234.5", reader->who, text,
                     kind->what);
}

static fnas_status fail_without(const answer_reader *reader, const char *what) {
    char quote[QUOTE_BYTES];
    quote_line(reader->text + strspn(reader->text, " \t\r\n"), quote, sizeof quote);
    if (!*quote) return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s prints nothing on its standard output: print %s", reader->who, what);
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s prints \"%s\": print %s", reader->who, quote, what);
}

static fnas_status read_text(const answer_reader *reader) {
    token last[2] = {{NULL, 0}, {NULL, 0}};
    fnas_answer *answer = reader->answer;
    find_last(reader->text, last);
    if (!last[1].size) return fail_without(reader, "the milliseconds of a run as the last number");
    if (!reader->with_energy) return number_of(reader, last[1], &latency, &answer->ms);
    if (!last[0].size) return fail_without(reader, "two numbers on its last line that has any, milliseconds and millijoules of a run");
    FNAS_TRY(number_of(reader, last[0], &latency, &answer->ms));
    return number_of(reader, last[1], &energy, &answer->energy_mj);
}

fnas_status fnas_answer_parse(fnas_context *context, const char *who, const char *text, const char *field, bool with_energy,
                              fnas_answer *answer) {
    answer_reader reader = {context, who, text, field, with_energy, answer};
    *answer = (fnas_answer){.ms = NAN, .energy_mj = NAN};
    json_t *object;
    fnas_status status = find_object(&reader, &object);
    if (status != FNAS_OK) return status;
    if (object)
        status = read_object(&reader, object);
    else if (field)
        status = fail_without(&reader, "a JSON object, on one line or as the whole of the output");
    else
        status = read_text(&reader);
    json_decref(object);
    return status;
}
