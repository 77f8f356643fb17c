#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "space/nb201/nb201.h"

#define FNAS_NB201_OP_BYTES 64

static int fnas_nb201_position(const char *text, const char *at) {
    return (int)(at - text) + 1;
}

static fnas_status fnas_nb201_unknown_op(fnas_context *context, const char *text, const char *at, size_t length) {
    char name[FNAS_NB201_OP_BYTES];
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), at);
    const char *nearest = fnas_suggest(name, fnas_nb201_op_names);
    return fnas_fail(
        context, FNAS_ERR_INPUT, "unknown operation \"%s\" at position %d of cell \"%.*s\": use one of %s, %s, %s, %s, %s%s%s%s", name,
        fnas_nb201_position(text, at), FNAS_ARCH_TEXT_BYTES, text, fnas_nb201_op_names[0], fnas_nb201_op_names[1], fnas_nb201_op_names[2],
        fnas_nb201_op_names[3], fnas_nb201_op_names[4], nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

static fnas_status fnas_nb201_expect(fnas_context *context, const char *text, const char **cursor, const char *token) {
    size_t length = strlen(token);
    if (strncmp(*cursor, token, length) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "cell \"%.*s\": \"%s\" expected at position %d: write |op~0|+|op~0|op~1|+|op~0|op~1|op~2|", FNAS_ARCH_TEXT_BYTES,
                         text, token, fnas_nb201_position(text, *cursor));
    *cursor += length;
    return FNAS_OK;
}

/* "op~source|" */
static fnas_status fnas_nb201_parse_edge(fnas_context *context, const char *text, const char **cursor, int edge, int32_t *choice) {
    size_t length = strcspn(*cursor, "~|+");
    *choice = -1;
    for (int32_t op = 0; op < FNAS_NB201_OPS; op++)
        if (strlen(fnas_nb201_op_names[op]) == length && memcmp(fnas_nb201_op_names[op], *cursor, length) == 0) *choice = op;
    if (*choice < 0) return fnas_nb201_unknown_op(context, text, *cursor, length);
    *cursor += length;
    FNAS_TRY(fnas_nb201_expect(context, text, cursor, "~"));
    if (**cursor != '0' + fnas_nb201_source[edge])
        return fnas_fail(context, FNAS_ERR_INPUT, "cell \"%.*s\": node %d expected at position %d: this operation is that of edge %d<-%d",
                         FNAS_ARCH_TEXT_BYTES, text, fnas_nb201_source[edge], fnas_nb201_position(text, *cursor), fnas_nb201_target[edge],
                         fnas_nb201_source[edge]);
    *cursor += 1;
    return fnas_nb201_expect(context, text, cursor, "|");
}

fnas_status fnas_nb201_parse(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices) {
    (void)space;
    const char *cursor = text;
    int32_t parsed[FNAS_NB201_EDGES];
    for (int edge = 0; edge < FNAS_NB201_EDGES; edge++) {
        if (fnas_nb201_source[edge] == 0) FNAS_TRY(fnas_nb201_expect(context, text, &cursor, edge == 0 ? "|" : "+|"));
        FNAS_TRY(fnas_nb201_parse_edge(context, text, &cursor, edge, &parsed[edge]));
    }
    if (*cursor != '\0')
        return fnas_fail(context, FNAS_ERR_INPUT, "cell \"%.*s\": text behind its end at position %d: remove it", FNAS_ARCH_TEXT_BYTES,
                         text, fnas_nb201_position(text, cursor));
    memcpy(choices, parsed, sizeof parsed);
    return FNAS_OK;
}

fnas_status fnas_nb201_format(fnas_context *context, const fnas_space *space, const int32_t *choices, char *text, size_t size_bytes) {
    (void)space;
    size_t used = 0;
    for (int edge = 0; edge < FNAS_NB201_EDGES; edge++) {
        const char *before = fnas_nb201_source[edge] != 0 ? "" : edge == 0 ? "|" : "+|";
        int written = snprintf(text + used, size_bytes - used, "%s%s~%d|", before, fnas_nb201_op_names[choices[edge]],
                               fnas_nb201_source[edge]);
        if (written < 0 || (size_t)written >= size_bytes - used)
            return fnas_fail(context, FNAS_ERR_INTERNAL, "a cell string needs more than %zu bytes", size_bytes);
        used += (size_t)written;
    }
    return FNAS_OK;
}

/* Edges are in order of their targets, so one pass forward finds what data reach, and one backward what reaches the output. */
void fnas_nb201_canonical(const fnas_space *space, int32_t *choices) {
    (void)space;
    bool reached[FNAS_NB201_NODES] = {true}, reaching[FNAS_NB201_NODES] = {false};
    reaching[FNAS_NB201_NODES - 1] = true;
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        if (choices[e] != FNAS_NB201_NONE && reached[fnas_nb201_source[e]]) reached[fnas_nb201_target[e]] = true;
    }
    for (int e = FNAS_NB201_EDGES - 1; e >= 0; e--) {
        if (choices[e] != FNAS_NB201_NONE && reaching[fnas_nb201_target[e]]) reaching[fnas_nb201_source[e]] = true;
    }
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        if (!reached[fnas_nb201_source[e]] || !reaching[fnas_nb201_target[e]]) choices[e] = FNAS_NB201_NONE;
    }
}

/* What is on a path from the input to the output is all that the canonical form keeps. */
bool fnas_nb201_connected(const fnas_space *space, const int32_t *choices) {
    int32_t kept[FNAS_NB201_EDGES];
    memcpy(kept, choices, sizeof kept);
    fnas_nb201_canonical(space, kept);
    for (int e = 0; e < FNAS_NB201_EDGES; e++) {
        if (kept[e] != FNAS_NB201_NONE) return true;
    }
    return false;
}
