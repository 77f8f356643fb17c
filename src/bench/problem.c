#include "bench/problem.h"

#include <stdio.h>
#include <string.h>

#define FAMILIES_MAX 64
#define NAME_BYTES 64

/* ---- names ---- */

/* "unknown thing: did you mean X?", or the list of what there is. */
static fnas_status fail_unknown(fnas_context *context, const char *said, const char *word, const char *const *known) {
    const char *near = fnas_suggest(word, known);
    if (near) return fnas_fail(context, FNAS_ERR_USAGE, "%s: did you mean \"%s\"?", said, near);
    fnas_text list = {0};
    for (int64_t i = 0; known[i]; i++) fnas_text_append(&list, "%s%s", i ? ", " : "", known[i]);
    fnas_status status = fnas_fail(context, FNAS_ERR_USAGE, "%s: there are %s", said, list.data ? list.data : "none");
    fnas_text_free(&list);
    return status;
}

static fnas_status find_family(fnas_context *context, const fnas_problem_family *const *families, const char *text, size_t length,
                               const fnas_problem_family **family) {
    const char *names[FAMILIES_MAX + 1] = {NULL};
    char name[NAME_BYTES], said[NAME_BYTES + 32];
    snprintf(name, sizeof name, "%.*s", (int)(length < NAME_BYTES ? length : NAME_BYTES - 1), text);
    for (int64_t i = 0; families[i] && i < FAMILIES_MAX; i++) {
        names[i] = families[i]->name;
        *family = families[i];
        if (strcmp(name, names[i]) == 0) return FNAS_OK;
    }
    snprintf(said, sizeof said, "unknown problem \"%s\"", name);
    return fail_unknown(context, said, name, names);
}

static int key_index(const fnas_problem_family *family, const char *name) {
    for (int i = 0; family->keys && family->keys[i].name; i++)
        if (strcmp(family->keys[i].name, name) == 0) return i;
    return -1;
}

static fnas_status find_key(fnas_context *context, const fnas_problem_family *family, const char *name, int *index) {
    *index = key_index(family, name);
    if (*index >= 0) return FNAS_OK;
    const char *names[FNAS_PROBLEM_KEYS_MAX + 1] = {NULL};
    char said[2 * NAME_BYTES + 32];
    for (int i = 0; family->keys[i].name; i++) names[i] = family->keys[i].name;
    snprintf(said, sizeof said, "problem %s has no key \"%s\"", family->name, name);
    return fail_unknown(context, said, name, names);
}

/* ---- values ---- */

static fnas_status check_count(fnas_context *context, const fnas_problem *problem, const fnas_problem_key *key, const char *value) {
    int64_t count;
    if (key->choices && strcmp(value, key->choices) == 0) return FNAS_OK;
    if (fnas_parse_int64(value, &count) && count >= key->least && count <= key->most) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE, "problem %s: %s=%s: must be a whole number from %lld to %lld", problem->family->name,
                     key->name, value, (long long)key->least, (long long)key->most);
}

static fnas_status check_choice(fnas_context *context, const fnas_problem *problem, const fnas_problem_key *key, const char *value) {
    const char *words[33] = {NULL};
    char copy[256], said[FNAS_PROBLEM_VALUE_BYTES + 2 * NAME_BYTES + 32];
    snprintf(copy, sizeof copy, "%s", key->choices);
    char *state, *word = strtok_r(copy, "|", &state);
    for (int64_t i = 0; word && i < 32; i++, word = strtok_r(NULL, "|", &state)) {
        words[i] = word;
        if (strcmp(word, value) == 0) return FNAS_OK;
    }
    snprintf(said, sizeof said, "problem %s: unknown %s=%s", problem->family->name, key->name, value);
    return fail_unknown(context, said, value, words);
}

static fnas_status set_value(fnas_context *context, fnas_problem *problem, int index, const char *value) {
    const fnas_problem_key *key = &problem->family->keys[index];
    if (problem->given[index])
        return fnas_fail(context, FNAS_ERR_USAGE, "problem %s: key \"%s\" is given twice", problem->family->name, key->name);
    if (key->kind == FNAS_KEY_COUNT) FNAS_TRY(check_count(context, problem, key, value));
    if (key->kind == FNAS_KEY_CHOICE) FNAS_TRY(check_choice(context, problem, key, value));
    problem->given[index] = true;
    snprintf(problem->values[index], sizeof problem->values[index], "%s", value);
    return FNAS_OK;
}

/* ---- the string ---- */

static fnas_status parse_key(fnas_context *context, fnas_problem *problem, const char *item, size_t length) {
    const char *equals = memchr(item, '=', length);
    size_t name_length = equals ? (size_t)(equals - item) : 0, value_length = equals ? length - name_length - 1 : 0;
    if (name_length == 0 || value_length == 0 || name_length >= NAME_BYTES || value_length >= FNAS_PROBLEM_VALUE_BYTES)
        return fnas_fail(context, FNAS_ERR_USAGE, "problem %s: \"%.*s\" is not key=value", problem->family->name,
                         (int)(length < 80 ? length : 80), item);
    char name[NAME_BYTES], value[FNAS_PROBLEM_VALUE_BYTES];
    snprintf(name, sizeof name, "%.*s", (int)name_length, item);
    snprintf(value, sizeof value, "%.*s", (int)value_length, equals + 1);
    int index;
    FNAS_TRY(find_key(context, problem->family, name, &index));
    return set_value(context, problem, index, value);
}

static fnas_status parse_keys(fnas_context *context, fnas_problem *problem, const char *text) {
    while (*text) {
        size_t length = strcspn(text, ",");
        FNAS_TRY(parse_key(context, problem, text, length));
        text += length;
        if (*text == ',' && !*++text)
            return fnas_fail(context, FNAS_ERR_USAGE, "problem %s: nothing stands behind the last comma", problem->family->name);
    }
    for (int i = 0; problem->family->keys[i].name; i++) {
        const fnas_problem_key *key = &problem->family->keys[i];
        if (problem->given[i]) continue;
        if (!key->fallback)
            return fnas_fail(context, FNAS_ERR_USAGE, "problem %s needs %s=...: %s", problem->family->name, key->name, key->help);
        snprintf(problem->values[i], sizeof problem->values[i], "%s", key->fallback);
    }
    return FNAS_OK;
}

static fnas_status parse_operand(fnas_context *context, fnas_problem *problem, const char *text) {
    if (!*text && problem->family->operand[0] != '[')
        return fnas_fail(context, FNAS_ERR_USAGE, "problem %s needs more: %s:%s", problem->family->name, problem->family->name,
                         problem->family->operand);
    if (strlen(text) >= FNAS_PROBLEM_VALUE_BYTES)
        return fnas_fail(context, FNAS_ERR_USAGE, "problem %s: what stands behind the colon is too long", problem->family->name);
    snprintf(problem->values[0], sizeof problem->values[0], "%s", text);
    return FNAS_OK;
}

fnas_status fnas_problem_parse(fnas_context *context, const fnas_problem_family *const *families, const char *text, fnas_problem *problem) {
    *problem = (fnas_problem){0};
    size_t length = strcspn(text, ":");
    FNAS_TRY(find_family(context, families, text, length, &problem->family));
    const fnas_problem_family *family = problem->family;
    if (text[length] && !text[length + 1])
        return fnas_fail(context, FNAS_ERR_USAGE, "problem %s: nothing stands behind the colon", family->name);
    const char *rest = text[length] ? text + length + 1 : "";
    FNAS_TRY(family->operand ? parse_operand(context, problem, rest) : parse_keys(context, problem, rest));
    return family->check ? family->check(context, problem) : FNAS_OK;
}

/* ---- what it says ---- */

const char *fnas_problem_word(const fnas_problem *problem, const char *key) {
    int index = problem->family->operand ? -1 : key_index(problem->family, key);
    return index < 0 ? "" : problem->values[index];
}

int64_t fnas_problem_count(const fnas_problem *problem, const char *key) {
    int64_t count = 0;
    return fnas_parse_int64(fnas_problem_word(problem, key), &count) ? count : 0;
}

bool fnas_problem_is(const fnas_problem *problem, const char *key, const char *word) {
    return strcmp(fnas_problem_word(problem, key), word) == 0;
}

const char *fnas_problem_operand(const fnas_problem *problem) {
    return problem->values[0];
}

void fnas_problem_append(const fnas_problem *problem, fnas_text *text) {
    const fnas_problem_family *family = problem->family;
    fnas_text_append(text, "%s", family->name);
    if (family->operand && *problem->values[0]) fnas_text_append(text, ":%s", problem->values[0]);
    for (int i = 0; !family->operand && family->keys[i].name; i++)
        fnas_text_append(text, "%c%s=%s", i ? ',' : ':', family->keys[i].name, problem->values[i]);
}

bool fnas_problem_is_of(const fnas_problem *problem, const char *family) {
    return strcmp(problem->family->name, family) == 0;
}
