/* Text: growing buffers, strict numbers, suggestions. */
#ifndef FNAS_BASE_TEXT_H
#define FNAS_BASE_TEXT_H

#include <locale.h>
#include <stddef.h>

#include "base/error.h"

/* A growing text. Zero-initialise; release with fnas_text_free. After an allocation failed, `failed` stays true and appends do nothing. */
typedef struct fnas_text {
    char *data; /* NULL until the first append; then 0-terminated */
    size_t size, capacity;
    bool failed;
} fnas_text;

/* Formats in the C locale. */
void fnas_text_append(fnas_text *text, const char *format, ...) FNAS_PRINTF(2, 3);
void fnas_text_append_bytes(fnas_text *text, const void *bytes, size_t size);
/* As a quoted JSON string; '<' and bytes that are not UTF-8 are escaped, so that it is safe inside <script>. */
void fnas_text_append_json(fnas_text *text, const char *string);
void fnas_text_append_html(fnas_text *text, const char *string); /* & < > " ' escaped (also fit for SVG) */
/* The shortest decimal that reads back as the same double (at most 17 digits); "null" when not finite. */
void fnas_text_append_number(fnas_text *text, double value);
/* Whether a string is UTF-8 without control characters, so that it may be printed on a terminal and written as JSON. */
bool fnas_text_is_shown(const char *string);
void fnas_text_free(fnas_text *text);

/* The C locale, for printing and reading numbers whatever the program has set. Never released. Thread-safe. */
locale_t fnas_c_locale(void);

/* The whole of `string` as a number, in the C locale; no blanks, no hex, no inf/nan. False when it is not. */
bool fnas_parse_double(const char *string, double *value);
bool fnas_parse_int64(const char *string, int64_t *value);

/* The candidate nearest to `word` by edit distance without regard to case (at most a third of its length + 1), or NULL. Candidates:
 * NULL-terminated. */
const char *fnas_suggest(const char *word, const char *const *candidates);

#endif
