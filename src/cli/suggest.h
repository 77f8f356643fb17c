/* What a misspelt word may have meant. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stdint.h>

#define CLI_WORD_MOST 64 /* characters: longer words are near none */

/* The candidate nearest to `word` by edit distance, or NULL where none is near. next(state, i) is candidate i, NULL behind the last. */
const char *cli_suggest(const char *word, const char *(*next)(const void *state, int64_t index), const void *state);

#endif
