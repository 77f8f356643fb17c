/* Problem strings: "NAME", "NAME:key=value,..." or, for families with an operand, "NAME:OPERAND". */
#ifndef FNAS_BENCH_PROBLEM_H
#define FNAS_BENCH_PROBLEM_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

#define FNAS_PROBLEM_KEYS_MAX 16
#define FNAS_PROBLEM_VALUE_BYTES 256

typedef enum fnas_problem_key_kind { FNAS_KEY_COUNT, FNAS_KEY_CHOICE, FNAS_KEY_TEXT } fnas_problem_key_kind;

typedef struct fnas_problem_key {
    const char *name;
    fnas_problem_key_kind kind;
    const char *fallback; /* its value when it is not given; NULL: it must be */
    int64_t least, most;  /* of a COUNT */
    const char *choices;  /* of a CHOICE: "a|b|c"; of a TEXT: what it is called; of a COUNT: a word that may stand instead, or NULL */
    const char *help;
} fnas_problem_key;

typedef struct fnas_problem fnas_problem;
struct fnas_bench;

typedef struct fnas_problem_family {
    const char *name, *summary;
    const char *operand;          /* NULL: keys; otherwise what the text behind the colon is called. "[X]": it may be missing */
    const fnas_problem_key *keys; /* ends with a NULL name; NULL with an operand */
    /* What no key alone can tell: shapes that are impossible, files that are not there. NULL: nothing. */
    fnas_status (*check)(fnas_context *context, const fnas_problem *problem);
    /* Checks, times, adds rows. */
    fnas_status (*run)(struct fnas_bench *bench, const fnas_problem *problem);
} fnas_problem_family;

struct fnas_problem {
    const fnas_problem_family *family;
    char values[FNAS_PROBLEM_KEYS_MAX][FNAS_PROBLEM_VALUE_BYTES]; /* by key; [0] holds an operand */
    bool given[FNAS_PROBLEM_KEYS_MAX];
};

/* families: NULL-terminated. FNAS_ERR_USAGE with a suggestion for a name, key or word that is not known; FNAS_ERR_INPUT from a family's
 * own check. */
FNAS_NODISCARD fnas_status fnas_problem_parse(fnas_context *context, const fnas_problem_family *const *families, const char *text,
                                              fnas_problem *problem);

/* The values of keys that the family has. */
int64_t fnas_problem_count(const fnas_problem *problem, const char *key);
bool fnas_problem_given(const fnas_problem *problem, const char *key); /* rather than left at its default */
const char *fnas_problem_word(const fnas_problem *problem, const char *key);
bool fnas_problem_is(const fnas_problem *problem, const char *key, const char *word);
const char *fnas_problem_operand(const fnas_problem *problem); /* "" when missing */

bool fnas_problem_is_of(const fnas_problem *problem, const char *family);

/* The string again, with every key spelled out. */
void fnas_problem_append(const fnas_problem *problem, fnas_text *text);

#endif
