#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support_xml.h"

enum { DEPTH_MOST = 64, NAME_BYTES = 32 };

static char fault[256];

static const char *fail_at(const char *what, const char *at) {
    snprintf(fault, sizeof fault, "%s at \"%.60s\"", what, at);
    return fault;
}

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == ':';
}

static bool is_entity(const char *at) {
    const char *end = strchr(at, ';');
    if (!end || end - at < 2 || end - at > 8) return false;
    for (const char *c = at + 1; c < end; c++)
        if (!is_name(*c) && *c != '#') return false;
    return true;
}

static const char *read_name(const char *at, char name[NAME_BYTES]) {
    int64_t length = 0;
    for (; is_name(*at) && length < NAME_BYTES - 1; at++) name[length++] = *at;
    name[length] = 0;
    return at;
}

/* Behind the attributes of a start tag; NULL when one is not quoted or holds '<' or a bare '&'. *closed: "/>". */
static const char *read_attributes(const char *at, bool *closed) {
    *closed = false;
    for (;;) {
        char name[NAME_BYTES];
        while (*at == ' ' || *at == '\n') at++;
        if (at[0] == '/' && at[1] == '>') {
            *closed = true;
            return at + 2;
        }
        if (*at == '>') return at + 1;
        at = read_name(at, name);
        if (!name[0]) return NULL;
        if (*at != '=') continue; /* "open", as HTML allows */
        if (at[1] != '"') return NULL;
        for (at += 2; *at != '"'; at++)
            if (!*at || *at == '<' || (*at == '&' && !is_entity(at))) return NULL;
        at++;
    }
}

static bool is_void(const char *name) {
    return strcmp(name, "meta") == 0;
}

const char *xml_fault(const char *document) {
    char open[DEPTH_MOST][NAME_BYTES];
    int64_t depth = 0;
    for (const char *at = document; *at;) {
        unsigned char c = (unsigned char)*at;
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) return fail_at("control character", at);
        if (*at == '&' && !is_entity(at)) return fail_at("bare &", at);
        if (*at != '<') {
            at++;
            continue;
        }
        if (at[1] == '?' || at[1] == '!') {
            at = strchr(at, '>');
            if (!at) return "declaration without an end";
            at++;
            continue;
        }
        char name[NAME_BYTES];
        const char *start = at;
        if (at[1] == '/') {
            at = read_name(at + 2, name);
            if (*at != '>' || depth == 0 || strcmp(open[--depth], name) != 0) return fail_at("end tag out of order", start);
            at++;
            continue;
        }
        bool closed;
        at = read_name(at + 1, name);
        if (!name[0]) return fail_at("bare <", start);
        at = read_attributes(at, &closed);
        if (!at) return fail_at("bad attribute", start);
        if (closed || is_void(name)) continue;
        if (depth == DEPTH_MOST) return "too deep";
        strcpy(open[depth++], name);
    }
    return depth == 0 ? NULL : fail_at("not closed", open[depth - 1]);
}

int64_t count_of(const char *document, const char *part) {
    int64_t count = 0;
    for (const char *at = strstr(document, part); at; at = strstr(at + 1, part)) count++;
    return count;
}

double number_behind(const char *document, const char *key, int64_t index) {
    const char *at = strstr(document, key);
    for (; at && index > 0; index--) at = strstr(at + 1, key);
    assert_non_null(at);
    return strtod(at + strlen(key), NULL);
}
