#include "base/words.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char BLANKS[] = " \t\n";
static const char SHELL_SIGNS[] = "|&;<>()$`"; /* each ends or changes a word of a shell where it is not quoted */

typedef struct splitter {
    fnas_context *context;
    const char *what;
    const char *at;
    fnas_text word;
} splitter;

static fnas_status fail_sign(const splitter *splitting) {
    return fnas_fail(splitting->context, FNAS_ERR_INPUT,
                     "%s has \"%c\", but is run without a shell: quote it if the program is meant to see it, or use sh -c '...'",
                     splitting->what, *splitting->at);
}

static fnas_status fail_open(const splitter *splitting, const char *quote) {
    return fnas_fail(splitting->context, FNAS_ERR_INPUT, "%s: %s without its end: close it, or quote it as \\%s", splitting->what, quote,
                     quote);
}

static fnas_status take_single(splitter *splitting) {
    const char *end = strchr(++splitting->at, '\'');
    if (!end) return fail_open(splitting, "'");
    fnas_text_append_bytes(&splitting->word, splitting->at, (size_t)(end - splitting->at));
    splitting->at = end + 1;
    return FNAS_OK;
}

static fnas_status take_double(splitter *splitting) {
    for (splitting->at++; *splitting->at != '"'; splitting->at++) {
        if (!*splitting->at) return fail_open(splitting, "\"");
        if (*splitting->at == '$' || *splitting->at == '`') return fail_sign(splitting);
        bool escapes = *splitting->at == '\\' && splitting->at[1] && strchr("$`\"\\\n", splitting->at[1]);
        if (escapes) splitting->at++;
        if (!escapes || *splitting->at != '\n') fnas_text_append_bytes(&splitting->word, splitting->at, 1);
    }
    splitting->at++;
    return FNAS_OK;
}

static fnas_status take_word(splitter *splitting) {
    fnas_text_append_bytes(&splitting->word, "", 0); /* '' is a word */
    while (*splitting->at && !strchr(BLANKS, *splitting->at)) {
        if (*splitting->at == '\'') {
            FNAS_TRY(take_single(splitting));
        } else if (*splitting->at == '"') {
            FNAS_TRY(take_double(splitting));
        } else if (strchr(SHELL_SIGNS, *splitting->at)) {
            return fail_sign(splitting);
        } else {
            if (*splitting->at == '\\' && !*++splitting->at) return fail_open(splitting, "\\");
            if (*splitting->at != '\n') fnas_text_append_bytes(&splitting->word, splitting->at, 1); /* \ and a new line are nothing */
            splitting->at++;
        }
    }
    return FNAS_OK;
}

static fnas_status append_word(splitter *splitting, fnas_words *words) {
    void *items = words->items;
    bool grown = !splitting->word.failed && fnas_grow(&items, &words->capacity, words->count + 2, sizeof *words->items);
    words->items = items;
    if (!grown) return fnas_fail_memory(splitting->context, splitting->what);
    words->items[words->count++] = splitting->word.data;
    words->items[words->count] = NULL;
    splitting->word = (fnas_text){0};
    return FNAS_OK;
}

fnas_status fnas_words_split(fnas_context *context, const char *what, const char *text, fnas_words *words) {
    splitter splitting = {context, what, text, {0}};
    fnas_status status = FNAS_OK;
    *words = (fnas_words){0};
    for (;;) {
        splitting.at += strspn(splitting.at, BLANKS);
        if (!*splitting.at || status != FNAS_OK) break;
        status = take_word(&splitting);
        if (status == FNAS_OK) status = append_word(&splitting, words);
    }
    fnas_text_free(&splitting.word);
    if (status == FNAS_OK && !words->count) return fnas_fail(context, FNAS_ERR_INPUT, "%s is empty: name a program", what);
    return status;
}

void fnas_words_free(fnas_words *words) {
    for (size_t i = 0; i < words->count; i++) fnas_free(words->items[i]);
    fnas_free(words->items);
    *words = (fnas_words){0};
}
