#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every verb has these. */
static const cli_option common_options[] = {
    {"quiet", 'q', CLI_FLAG, offsetof(cli_common, quiet), NULL, "no progress, no notes; warnings and errors stay", false},
    {"help", 'h', CLI_FLAG, offsetof(cli_common, help), NULL, "this text", false},
    CLI_OPTIONS_END,
};

/* ---- lists of words ---- */

static bool cli_texts_add(cli_texts *texts, const char *text) {
    const char **grown = realloc(texts->items, (size_t)(texts->count + 1) * sizeof *grown);
    if (!grown) return false;
    texts->items = grown;
    texts->items[texts->count++] = text;
    return true;
}

void cli_texts_free(cli_texts *texts) {
    free(texts->items);
    *texts = (cli_texts){0};
}

/* ---- the tables ---- */

const cli_option *cli_option_at(const cli_verb *verb, int64_t index) {
    int64_t own = 0;
    while (verb->options[own].name) own++;
    if (index < own) return &verb->options[index];
    const cli_option *option = &common_options[index - own];
    return option->name ? option : NULL;
}

static const char *cli_option_name_at(const void *verb, int64_t index) {
    const cli_option *option = cli_option_at(verb, index);
    return option ? option->name : NULL;
}

static const cli_option *cli_option_named(const cli_verb *verb, const char *name, size_t length) {
    const cli_option *option;
    for (int64_t i = 0; (option = cli_option_at(verb, i)); i++) {
        if (strlen(option->name) == length && !strncmp(option->name, name, length)) return option;
    }
    return NULL;
}

static const cli_option *cli_option_lettered(const cli_verb *verb, char letter) {
    const cli_option *option;
    for (int64_t i = 0; (option = cli_option_at(verb, i)); i++) {
        if (option->letter && option->letter == letter) return option;
    }
    return NULL;
}

static fnas_status cli_fail_usage(const cli_verb *verb, const char *message) {
    fnas_status status = cli_fail(verb->name, FNAS_ERR_USAGE, "%s", message);
    fprintf(stderr, "Try: fleetnas help %s\n", verb->name);
    return status;
}

#define CLI_FAIL_USAGE(verb, ...)                                                                                                          \
    do {                                                                                                                                   \
        char message_[1024];                                                                                                               \
        snprintf(message_, sizeof message_, __VA_ARGS__);                                                                                  \
        return cli_fail_usage(verb, message_);                                                                                             \
    } while (0)

/* ---- values ---- */

bool cli_parse_real(const char *text, double *value) {
    if (!isdigit((unsigned char)*text) && *text != '-' && *text != '.') return false; /* no blanks, no "inf", no "nan" */
    if (strpbrk(text, "xXnN")) return false;                                          /* no hexadecimal */
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return !*end && end != text && isfinite(*value);
}

static bool cli_parse_whole(const char *text, uint64_t most, uint64_t *value) {
    size_t digits = strspn(text, "0123456789");
    if (!digits || text[digits]) return false;
    errno = 0;
    unsigned long long number = strtoull(text, NULL, 10);
    *value = number;
    return !errno && number <= most;
}

static fnas_status cli_set_whole(const cli_verb *verb, const cli_option *option, const char *text, uint64_t least, uint64_t most,
                                 uint64_t *value) {
    if (cli_parse_whole(text, most, value) && *value >= least) return FNAS_OK;
    CLI_FAIL_USAGE(verb, "--%s %s: must be a whole number from %llu to %llu", option->name, text, (unsigned long long)least,
                   (unsigned long long)most);
}

static fnas_status cli_set_real(const cli_verb *verb, const cli_option *option, const char *text, double *value) {
    if (cli_parse_real(text, value) && *value > 0) return FNAS_OK;
    CLI_FAIL_USAGE(verb, "--%s %s: must be a number above 0", option->name, text);
}

/* The words of "a|b|c". */
typedef struct cli_words {
    char copy[256];
    const char *words[32];
    int64_t count;
} cli_words;

static void cli_words_split(const char *text, cli_words *split) {
    *split = (cli_words){0};
    snprintf(split->copy, sizeof split->copy, "%s", text);
    char *state, *word = strtok_r(split->copy, "|", &state);
    while (word && split->count < (int64_t)(sizeof split->words / sizeof *split->words)) {
        split->words[split->count++] = word;
        word = strtok_r(NULL, "|", &state);
    }
}

static const char *cli_words_at(const void *words, int64_t index) {
    const cli_words *split = words;
    return index < split->count ? split->words[index] : NULL;
}

static fnas_status cli_set_choice(const cli_verb *verb, const cli_option *option, const char *text, const char **value) {
    cli_words choices;
    cli_words_split(option->argument, &choices);
    *value = text;
    for (int64_t i = 0; i < choices.count; i++) {
        if (!strcmp(choices.words[i], text)) return FNAS_OK;
    }
    const char *near = cli_suggest(text, cli_words_at, &choices);
    if (near) CLI_FAIL_USAGE(verb, "--%s %s: did you mean %s? It is one of %s", option->name, text, near, option->argument);
    CLI_FAIL_USAGE(verb, "--%s %s: must be one of %s", option->name, text, option->argument);
}

static fnas_status cli_set(const cli_verb *verb, const cli_option *option, const char *text, void *values) {
    void *place = (char *)values + option->offset;
    uint64_t whole = 0;
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)place = true;
        return FNAS_OK;
    case CLI_TEXT:
    case CLI_INPUT:
    case CLI_DATA:
    case CLI_SPACE:
    case CLI_COMMAND:
    case CLI_OUTPUT:
    case CLI_PLACE:
        *(const char **)place = text;
        if (!*text) CLI_FAIL_USAGE(verb, "--%s: is empty", option->name);
        return FNAS_OK;
    case CLI_CHOICE:
        return cli_set_choice(verb, option, text, place);
    case CLI_COUNT:
    case CLI_WHOLE:
        if (cli_set_whole(verb, option, text, option->kind == CLI_COUNT, 1000000000, &whole) != FNAS_OK) return FNAS_ERR_USAGE;
        *(int64_t *)place = (int64_t)whole;
        return FNAS_OK;
    case CLI_SEED:
        return cli_set_whole(verb, option, text, 0, UINT64_MAX, place);
    case CLI_REAL:
        return cli_set_real(verb, option, text, place);
    case CLI_INPUTS:
    case CLI_OUTPUTS:
    case CLI_REPEATED:
        if (!*text) CLI_FAIL_USAGE(verb, "--%s: is empty", option->name);
        return cli_texts_add(place, text) ? FNAS_OK : cli_fail(verb->name, FNAS_ERR_MEMORY, "out of memory");
    }
    return FNAS_ERR_INTERNAL;
}

/* ---- parsing ---- */

typedef struct cli_reader {
    const cli_verb *verb;
    char **words;
    int count, next;
    void *values;
    const char *greedy; /* the last option that took several words, for the message about missing operands */
} cli_reader;

static int64_t cli_option_index(const cli_verb *verb, const cli_option *option) {
    int64_t index = 0;
    while (cli_option_at(verb, index) != option) index++;
    return index;
}

static bool cli_looks_like_option(const char *word) {
    return word[0] == '-' && word[1];
}

static fnas_status cli_fail_unknown(const cli_verb *verb, const char *word, size_t length) {
    char name[CLI_WORD_MOST];
    size_t dashes = strspn(word, "-");
    snprintf(name, sizeof name, "%.*s", (int)(length - dashes), word + dashes);
    const char *near = cli_suggest(name, cli_option_name_at, verb);
    if (near) CLI_FAIL_USAGE(verb, "unknown option %.*s: did you mean --%s?", (int)length, word, near);
    CLI_FAIL_USAGE(verb, "unknown option %.*s", (int)length, word);
}

static bool cli_is_repeatable(const cli_option *option) {
    return option->kind == CLI_INPUTS || option->kind == CLI_OUTPUTS || option->kind == CLI_REPEATED;
}

/* A value that decides something may stand once: of two, one would be ignored. */
static fnas_status cli_note_seen(cli_reader *reader, const cli_option *option) {
    bool *seen = &((cli_common *)reader->values)->seen[cli_option_index(reader->verb, option)];
    bool again = *seen && !cli_is_repeatable(option) && option->kind != CLI_FLAG;
    *seen = true;
    if (again) CLI_FAIL_USAGE(reader->verb, "--%s is given twice", option->name);
    return FNAS_OK;
}

/* `attached` is what stands behind "=" or behind the letter, or NULL. */
static fnas_status cli_read_option(cli_reader *reader, const cli_option *option, const char *attached) {
    if (cli_note_seen(reader, option) != FNAS_OK) return FNAS_ERR_USAGE;
    if (option->kind == CLI_FLAG) {
        if (attached) CLI_FAIL_USAGE(reader->verb, "--%s takes no value", option->name);
        return cli_set(reader->verb, option, NULL, reader->values);
    }
    if (attached) return cli_set(reader->verb, option, attached, reader->values);
    if (reader->next >= reader->count || cli_looks_like_option(reader->words[reader->next])) {
        double number;
        if (reader->next >= reader->count || !cli_parse_real(reader->words[reader->next], &number)) {
            CLI_FAIL_USAGE(reader->verb, "--%s needs a value: --%s %s", option->name, option->name, option->argument);
        }
    }
    fnas_status status = cli_set(reader->verb, option, reader->words[reader->next++], reader->values);
    if (option->kind != CLI_INPUTS) return status;
    reader->greedy = option->name;
    while (status == FNAS_OK && reader->next < reader->count && !cli_looks_like_option(reader->words[reader->next])) {
        status = cli_set(reader->verb, option, reader->words[reader->next++], reader->values);
    }
    return status;
}

static fnas_status cli_read_long(cli_reader *reader, const char *word) {
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const cli_option *option = cli_option_named(reader->verb, word + 2, length - 2);
    if (!option) return cli_fail_unknown(reader->verb, word, length);
    return cli_read_option(reader, option, equals ? equals + 1 : NULL);
}

static fnas_status cli_read_short(cli_reader *reader, const char *word) {
    const cli_option *option = cli_option_lettered(reader->verb, word[1]);
    if (!option || (option->kind == CLI_FLAG && word[2])) return cli_fail_unknown(reader->verb, word, strlen(word));
    return cli_read_option(reader, option, word[2] ? word + 2 : NULL);
}

static fnas_status cli_read_operand(cli_reader *reader, const char *word) {
    cli_common *common = reader->values;
    if (common->operands.count == reader->verb->operands_most) {
        if (!reader->verb->operands_most) CLI_FAIL_USAGE(reader->verb, "\"%s\" is one word too many: this verb takes options only", word);
        CLI_FAIL_USAGE(reader->verb, "\"%s\" is one word too many: this verb takes %s", word, reader->verb->operands);
    }
    return cli_texts_add(&common->operands, word) ? FNAS_OK : cli_fail(reader->verb->name, FNAS_ERR_MEMORY, "out of memory");
}

static fnas_status cli_read_words(cli_reader *reader) {
    bool options_end = false;
    while (reader->next < reader->count) {
        const char *word = reader->words[reader->next++];
        fnas_status status;
        if (!options_end && !strcmp(word, "--")) {
            options_end = true;
            continue;
        }
        if (options_end || !cli_looks_like_option(word))
            status = cli_read_operand(reader, word);
        else
            status = word[1] == '-' ? cli_read_long(reader, word) : cli_read_short(reader, word);
        if (status != FNAS_OK) return status;
    }
    return FNAS_OK;
}

static fnas_status cli_check_complete(const cli_reader *reader) {
    const cli_verb *verb = reader->verb;
    const cli_common *common = reader->values;
    if (common->operands.count < verb->operands_least) {
        if (reader->greedy) {
            CLI_FAIL_USAGE(verb, "%s is missing (--%s takes every word up to the next option: put %s first)", verb->operands,
                           reader->greedy, verb->operands);
        }
        CLI_FAIL_USAGE(verb, "%s is missing", verb->operands);
    }
    const cli_option *option;
    for (int64_t i = 0; (option = cli_option_at(verb, i)); i++) {
        if (option->required && !common->seen[i]) CLI_FAIL_USAGE(verb, "--%s %s is missing", option->name, option->argument);
    }
    return FNAS_OK;
}

fnas_status cli_parse(const cli_verb *verb, int count, char **words, void *values) {
    cli_reader reader = {.verb = verb, .words = words, .count = count, .values = values};
    ((cli_common *)values)->verb = verb;
    fnas_status status = cli_read_words(&reader);
    if (status != FNAS_OK || ((const cli_common *)values)->help) return status;
    return cli_check_complete(&reader);
}

bool cli_is_given(const cli_verb *verb, const void *values, const char *name) {
    const cli_option *option = cli_option_named(verb, name, strlen(name));
    return option && ((const cli_common *)values)->seen[cli_option_index(verb, option)];
}

void cli_values_free(const cli_verb *verb, void *values) {
    cli_texts_free(&((cli_common *)values)->operands);
    for (const cli_option *option = verb->options; option->name; option++) {
        if (cli_is_repeatable(option)) cli_texts_free((cli_texts *)((char *)values + option->offset));
    }
}
