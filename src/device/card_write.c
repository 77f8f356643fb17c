/* Writing device cards: as JSON that people can read and compare line by line. Objects go down two levels; below that, one line an element.
 */
#include "device/card.h"

#define INDENT_LEVELS 2

static void write_value(fnas_text *text, const json_t *value, int level);

static void new_line(fnas_text *text, int level) {
    fnas_text_append(text, "\n%*s", 2 * level, "");
}

/* An array of texts is spread over lines at any level: cell strings are long. */
static bool is_spread(const json_t *value, int level) {
    return level < INDENT_LEVELS || (json_is_array(value) && json_is_string(json_array_get(value, 0)));
}

static void write_array(fnas_text *text, const json_t *array, int level) {
    bool spread = is_spread(array, level) && json_array_size(array) > 0;
    fnas_text_append(text, "[");
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i) fnas_text_append(text, spread ? "," : ", ");
        if (spread) new_line(text, level + 1);
        write_value(text, json_array_get(array, i), level + 1);
    }
    if (spread) new_line(text, level);
    fnas_text_append(text, "]");
}

static void write_object(fnas_text *text, const json_t *object, int level) {
    bool spread = is_spread(object, level) && json_object_size(object) > 0;
    fnas_text_append(text, "{");
    bool is_first = true;
    for (void *member = json_object_iter((json_t *)(uintptr_t)object); member;
         member = json_object_iter_next((json_t *)(uintptr_t)object, member)) {
        if (!is_first) fnas_text_append(text, spread ? "," : ", ");
        if (spread) new_line(text, level + 1);
        is_first = false;
        fnas_text_append_json(text, json_object_iter_key(member));
        fnas_text_append(text, ": ");
        write_value(text, json_object_iter_value(member), level + 1);
    }
    if (spread) new_line(text, level);
    fnas_text_append(text, "}");
}

static void write_value(fnas_text *text, const json_t *value, int level) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(text, value, level);
        break;
    case JSON_ARRAY:
        write_array(text, value, level);
        break;
    case JSON_STRING:
        fnas_text_append_json(text, json_string_value(value));
        break;
    case JSON_INTEGER:
        fnas_text_append(text, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        fnas_text_append_number(text, json_real_value(value));
        break;
    case JSON_TRUE:
        fnas_text_append(text, "true");
        break;
    case JSON_FALSE:
        fnas_text_append(text, "false");
        break;
    case JSON_NULL:
        fnas_text_append(text, "null");
        break;
    }
}

void fnas_card_write_text(const fnas_card *card, fnas_text *text) {
    write_value(text, card->root, 0);
    fnas_text_append(text, "\n");
}
