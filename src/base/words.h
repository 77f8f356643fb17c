/* A command line as words, by the quoting rules of POSIX (IEEE Std 1003.1, Shell Command Language, 2.2), without a shell: nothing is
 * expanded. */
#ifndef FNAS_BASE_WORDS_H
#define FNAS_BASE_WORDS_H

#include <stddef.h>

#include "base/error.h"

typedef struct fnas_words {
    char **items; /* count words, then NULL */
    size_t count, capacity;
} fnas_words;

/* Splits `text` at blanks; '...', "..." and \ quote. `what` names it in messages. What only a shell could do (a pipe, a redirection, a
 * variable) is refused where it is not quoted, and not passed on as a word. Release with fnas_words_free, also after a failure. Errors:
 * FNAS_ERR_INPUT (no word, a quote without its end, a sign that wants a shell), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_words_split(fnas_context *context, const char *what, const char *text, fnas_words *words);
void fnas_words_free(fnas_words *words);

#endif
