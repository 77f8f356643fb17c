#include "suggest.h"

#include <ctype.h>
#include <string.h>

/* Levenshtein distance without regard to case; words beyond CLI_WORD_MOST characters are never near. */
static size_t cli_distance(const char *a, const char *b) {
    size_t a_length = strlen(a), b_length = strlen(b), row[CLI_WORD_MOST + 1];
    if (a_length > CLI_WORD_MOST || b_length > CLI_WORD_MOST) return CLI_WORD_MOST;
    for (size_t j = 0; j <= b_length; j++) row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t change = diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            diagonal = row[j];
            size_t insert = row[j - 1] + 1, delete = row[j] + 1;
            row[j] = insert < delete ? insert : delete;
            if (change < row[j]) row[j] = change;
        }
    }
    return row[b_length];
}

const char *cli_suggest(const char *word, const char *(*next)(const void *state, int64_t index), const void *state) {
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2; /* must be less */
    for (int64_t i = 0;; i++) {
        const char *candidate = next(state, i);
        if (!candidate) return best;
        size_t distance = cli_distance(word, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
}
