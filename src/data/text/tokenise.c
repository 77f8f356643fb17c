/* The tokenisation of mteval-v13a, as sacreBLEU has it: what is replaced, then four substitutions one after the other, then white space,
 * Unicode's included, made one. All but the last look at ASCII alone, so that bytes will do. */
#include <string.h>

#include "data/text/bleu.h"
#include "data/text/utf8.h"

/* ---- white space, as Python's str.split knows it ---- */

static bool is_space(uint32_t code) {
    if (code < 0x80) return (code >= 9 && code <= 13) || (code >= 0x1C && code <= 0x20);
    return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
           code == 0x202F || code == 0x205F || code == 0x3000;
}

/* Without the white space at its end. */
static size_t stripped_size(const char *text, size_t size) {
    uint32_t code;
    size_t end = 0;
    for (size_t at = 0; at < size;) {
        at += fnas_utf8_decode(text + at, size - at, &code);
        if (!is_space(code)) end = at;
    }
    return end;
}

static void append_split(fnas_text *into, const char *text, size_t size) {
    uint32_t code;
    bool wanted = false, first = true;
    for (size_t at = 0; at < size;) {
        size_t taken = fnas_utf8_decode(text + at, size - at, &code);
        if (is_space(code))
            wanted = !first;
        else {
            if (wanted) fnas_text_append_bytes(into, " ", 1);
            fnas_text_append_bytes(into, text + at, taken);
            wanted = first = false;
        }
        at += taken;
    }
}

/* ---- replacements ---- */

static void replace(fnas_text *text, const char *from, const char *to) {
    fnas_text out = {0};
    size_t from_size = strlen(from), begin = 0;
    const char *found;
    while (text->data && (found = memmem(text->data + begin, text->size - begin, from, from_size))) {
        fnas_text_append_bytes(&out, text->data + begin, (size_t)(found - text->data) - begin);
        fnas_text_append_bytes(&out, to, strlen(to));
        begin = (size_t)(found - text->data) + from_size;
    }
    if (!begin && !out.size) return;
    fnas_text_append_bytes(&out, text->data + begin, text->size - begin);
    out.failed |= text->failed;
    fnas_text_free(text);
    *text = out;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_stop(char c) {
    return c == '.' || c == ',';
}

/* ASCII's marks but . , - ' and, as the expression's range has it, the space. */
static bool is_mark(char c) {
    return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || (c >= ':' && c <= '@') ||
           c == '/';
}

/* The substitutions of pairs; a pair that was taken is behind us: the next begins with what follows it. */
typedef bool pair_function(char first, char second);

static bool stop_behind_other(char first, char second) {
    return !is_digit(first) && is_stop(second);
}

static bool stop_before_other(char first, char second) {
    return is_stop(first) && !is_digit(second);
}

static bool dash_behind_digit(char first, char second) {
    return is_digit(first) && second == '-';
}

static void part_marks(fnas_text *text) {
    fnas_text out = {0};
    for (size_t i = 0; i < text->size; i++) {
        bool mark = is_mark(text->data[i]);
        const char parted[] = {' ', text->data[i], ' '};
        fnas_text_append_bytes(&out, mark ? parted : parted + 1, mark ? 3 : 1);
    }
    out.failed |= text->failed;
    fnas_text_free(text);
    *text = out;
}

/* "ab" becomes "a b " where behind, else " a b". */
static void part_pairs(fnas_text *text, pair_function *is_pair, bool behind) {
    fnas_text out = {0};
    for (size_t i = 0; i < text->size; i++) {
        if (i + 1 == text->size || !is_pair(text->data[i], text->data[i + 1])) {
            fnas_text_append_bytes(&out, text->data + i, 1);
            continue;
        }
        const char parted[] = {' ', text->data[i], ' ', text->data[i + 1], ' '};
        fnas_text_append_bytes(&out, parted + behind, 4);
        i++;
    }
    out.failed |= text->failed;
    fnas_text_free(text);
    *text = out;
}

static void substitute(fnas_text *text) {
    static const char *const replaced[][2] = {{"<skipped>", ""}, {"-\n", ""},   {"\n", " "},  {"&quot;", "\""},
                                              {"&amp;", "&"},    {"&lt;", "<"}, {"&gt;", ">"}};
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++) replace(text, replaced[i][0], replaced[i][1]);
    fnas_text padded = {.failed = text->failed};
    fnas_text_append(&padded, " ");
    if (text->data) fnas_text_append_bytes(&padded, text->data, text->size);
    fnas_text_append(&padded, " ");
    fnas_text_free(text);
    *text = padded;
    part_marks(text);
    part_pairs(text, stop_behind_other, true);
    part_pairs(text, stop_before_other, false);
    part_pairs(text, dash_behind_digit, true);
}

fnas_status fnas_bleu_tokenise(fnas_context *context, const char *segment, size_t size, fnas_text *tokens) {
    fnas_text text = {0};
    if (size > FNAS_BLEU_BYTES_MAX) return fnas_fail(context, FNAS_ERR_INPUT, "a segment of more than %d bytes", FNAS_BLEU_BYTES_MAX);
    fnas_text_append_bytes(&text, segment, stripped_size(segment, size));
    substitute(&text);
    if (text.data) append_split(tokens, text.data, text.size);
    tokens->failed |= text.failed;
    fnas_text_free(&text);
    return tokens->failed ? fnas_fail_memory(context, "a segment") : FNAS_OK;
}
