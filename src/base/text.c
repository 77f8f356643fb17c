#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

locale_t fnas_c_locale(void) {
    return newlocale(LC_ALL_MASK, "C", (locale_t)0); /* the C library's constant object: nothing is allocated */
}

static bool fnas_text_reserve(fnas_text *text, size_t more) {
    if (text->failed || more > SIZE_MAX - 1 - text->size) {
        text->failed = true;
        return false;
    }
    void *data = text->data;
    text->failed = !fnas_grow(&data, &text->capacity, text->size + more + 1, 1);
    text->data = data;
    return !text->failed;
}

void fnas_text_append_bytes(fnas_text *text, const void *bytes, size_t size) {
    if (!fnas_text_reserve(text, size)) return;
    if (size) memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = 0;
}

void fnas_text_append(fnas_text *text, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    locale_t previous = uselocale(fnas_c_locale());
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0) {
        text->failed = true;
    } else if (fnas_text_reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->size, (size_t)length + 1, format, again);
        text->size += (size_t)length;
    }
    uselocale(previous);
    va_end(again);
    va_end(arguments);
}

/* Length in bytes of the UTF-8 character at `p` (shortest form, no surrogates: RFC 3629), 0 when it is none. */
static size_t fnas_utf8_length(const unsigned char *p) {
    static const struct {
        unsigned char mask, lead, length;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 1, 0}, {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800}, {0xF8, 0xF0, 4, 0x10000}};
    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
        if ((p[0] & forms[form].mask) != forms[form].lead) continue;
        uint32_t code = p[0] & (unsigned char)~forms[form].mask;
        for (size_t i = 1; i < forms[form].length; i++) {
            if ((p[i] & 0xC0) != 0x80) return 0; /* also stops at the 0 byte */
            code = code << 6 | (p[i] & 0x3F);
        }
        bool legal = code >= forms[form].least && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
        return legal ? forms[form].length : 0;
    }
    return 0;
}

bool fnas_text_is_shown(const char *string) {
    for (const unsigned char *p = (const unsigned char *)string; *p;) {
        size_t length = fnas_utf8_length(p);
        bool control = *p < 0x20 || *p == 0x7F || (*p == 0xC2 && p[1] < 0xA0); /* C0, DEL; C1 */
        if (!length || control) return false;
        p += length;
    }
    return true;
}

static void fnas_text_append_json_ascii(fnas_text *text, unsigned char c) {
    if (c == '"' || c == '\\')
        fnas_text_append(text, "\\%c", c);
    else if (c == '\n')
        fnas_text_append_bytes(text, "\\n", 2);
    else if (c == '\t')
        fnas_text_append_bytes(text, "\\t", 2);
    else if (c < 0x20 || c == '<' || c == 0x7F)
        fnas_text_append(text, "\\u%04x", c);
    else
        fnas_text_append_bytes(text, &c, 1);
}

void fnas_text_append_json(fnas_text *text, const char *string) {
    fnas_text_append_bytes(text, "\"", 1);
    for (const unsigned char *p = (const unsigned char *)string; *p;) {
        size_t length = fnas_utf8_length(p);
        if (length == 1)
            fnas_text_append_json_ascii(text, *p);
        else if (length)
            fnas_text_append_bytes(text, p, length);
        else
            fnas_text_append_bytes(text, "\\ufffd", 6);
        p += length ? length : 1;
    }
    fnas_text_append_bytes(text, "\"", 1);
}

void fnas_text_append_html(fnas_text *text, const char *string) {
    for (; *string; string++) {
        switch (*string) {
        case '&':
            fnas_text_append_bytes(text, "&amp;", 5);
            break;
        case '<':
            fnas_text_append_bytes(text, "&lt;", 4);
            break;
        case '>':
            fnas_text_append_bytes(text, "&gt;", 4);
            break;
        case '"':
            fnas_text_append_bytes(text, "&quot;", 6);
            break;
        case '\'':
            fnas_text_append_bytes(text, "&#39;", 5);
            break;
        default:
            fnas_text_append_bytes(text, string, 1);
        }
    }
}

void fnas_text_append_number(fnas_text *text, double value) {
    if (!isfinite(value)) {
        fnas_text_append_bytes(text, "null", 4);
        return;
    }
    char number[40];
    locale_t c_locale = fnas_c_locale(), previous = uselocale(c_locale);
    for (int digits = 15; digits <= 17; digits++) { /* 15 always survive a double; %g drops trailing zeros */
        snprintf(number, sizeof number, "%.*g", digits, value);
        if (strtod_l(number, NULL, c_locale) == value) break;
    }
    uselocale(previous);
    fnas_text_append_bytes(text, number, strlen(number));
}

void fnas_text_free(fnas_text *text) {
    fnas_free(text->data);
    *text = (fnas_text){0};
}

static size_t fnas_count_digits(const char *p) {
    size_t n = 0;
    while (p[n] >= '0' && p[n] <= '9') n++;
    return n;
}

/* [+-] digits [. digits] [e [+-] digits], with a digit before or behind the point */
static bool fnas_is_decimal(const char *p) {
    p += *p == '+' || *p == '-';
    size_t whole = fnas_count_digits(p), fraction = 0;
    p += whole;
    if (*p == '.') {
        fraction = fnas_count_digits(++p);
        p += fraction;
    }
    if (!whole && !fraction) return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        size_t exponent = fnas_count_digits(p);
        if (!exponent) return false;
        p += exponent;
    }
    return !*p;
}

bool fnas_parse_double(const char *string, double *value) {
    if (!string || !fnas_is_decimal(string)) return false;
    double parsed = strtod_l(string, NULL, fnas_c_locale());
    if (!isfinite(parsed)) return false;
    *value = parsed;
    return true;
}

bool fnas_parse_int64(const char *string, int64_t *value) {
    if (!string) return false;
    const char *digits = string + (*string == '+' || *string == '-');
    size_t count = fnas_count_digits(digits);
    if (!count || digits[count]) return false;
    errno = 0;
    long long parsed = strtoll(string, NULL, 10);
    if (errno) return false;
    *value = parsed;
    return true;
}

#define FNAS_SUGGEST_LENGTH_MAX 96

static unsigned char fnas_lower(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Wagner and Fischer 1974, two rows. Both words are at most FNAS_SUGGEST_LENGTH_MAX long. */
static size_t fnas_edit_distance(const char *a, const char *b) {
    size_t previous[FNAS_SUGGEST_LENGTH_MAX + 1], current[FNAS_SUGGEST_LENGTH_MAX + 1], length_b = strlen(b);
    for (size_t j = 0; j <= length_b; j++) previous[j] = j;
    for (size_t i = 0; a[i]; i++) {
        current[0] = i + 1;
        for (size_t j = 0; j < length_b; j++) {
            size_t best = previous[j] + (fnas_lower(a[i]) != fnas_lower(b[j]));
            if (previous[j + 1] + 1 < best) best = previous[j + 1] + 1;
            if (current[j] + 1 < best) best = current[j] + 1;
            current[j + 1] = best;
        }
        memcpy(previous, current, sizeof previous);
    }
    return previous[length_b];
}

const char *fnas_suggest(const char *word, const char *const *candidates) {
    size_t length = strlen(word), nearest = length / 3 + 2;
    const char *found = NULL;
    if (length > FNAS_SUGGEST_LENGTH_MAX) return NULL;
    for (; *candidates; candidates++) {
        if (strlen(*candidates) > FNAS_SUGGEST_LENGTH_MAX) continue;
        size_t distance = fnas_edit_distance(word, *candidates);
        if (distance < nearest) {
            nearest = distance;
            found = *candidates;
        }
    }
    return found;
}
