/* Architectures as text. The native string is a line of YAML,
 *
 *     {encoder-embed: 640, decoder-embed: 512, encoder-ffn: [3072, ...], decoder-ffn: [...], encoder-heads: [...], decoder-heads: [...],
 *      ende-heads: [...], ende-attn: [...]}
 *
 * whose lists are as long as their side has layers. HAT's YAML of a sub-transformer says the same with longer keys and the numbers of
 * layers; both are read wherever an architecture is. */
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "space/transformer/transformer.h"

#define WHERE "architecture"

/* ---- which slots matter ---- */

static bool is_layers(int kind) {
    return kind == FNAS_TRANSFORMER_ENCODER_LAYERS || kind == FNAS_TRANSFORMER_DECODER_LAYERS;
}

static int64_t depth_of(const fnas_transformer *transformer, const int32_t *choices, int kind) {
    return fnas_transformer_depth(transformer, choices, fnas_transformer_is_decoder(kind));
}

void fnas_transformer_settle(const fnas_space *space, int32_t *choices) {
    const fnas_transformer *transformer = space->detail;
    if (fnas_space_is_average(choices)) return;
    for (int kind = FNAS_TRANSFORMER_SINGLE; kind < FNAS_TRANSFORMER_KINDS; kind++)
        for (int64_t layer = depth_of(transformer, choices, kind); layer < fnas_transformer_slots(transformer, kind); layer++)
            choices[transformer->first_of[kind] + layer] = 0;
}

/* In how many ways the layers of a side can be chosen whose number is this choice. */
static double layer_ways(const fnas_transformer *transformer, int decoder, int64_t depth_choice) {
    double ways = 1, layer_ways = 1;
    for (int kind = FNAS_TRANSFORMER_SINGLE; kind < FNAS_TRANSFORMER_KINDS; kind++)
        if (fnas_transformer_is_decoder(kind) == (decoder == 1)) layer_ways *= (double)transformer->lists[kind].count;
    for (int64_t i = 0; i < transformer->lists[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder].values[depth_choice]; i++) ways *= layer_ways;
    return ways;
}

static double side_ways(const fnas_transformer *transformer, int decoder) {
    double ways = 0;
    for (int64_t k = 0; k < transformer->lists[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder].count; k++)
        ways += layer_ways(transformer, decoder, k);
    return ways;
}

double fnas_transformer_settled_count(const fnas_space *space) {
    const fnas_transformer *transformer = space->detail;
    double count = 1;
    for (int side = 0; side < 2; side++)
        count *= (double)transformer->lists[FNAS_TRANSFORMER_ENCODER_EMBED + side].count * side_ways(transformer, side);
    return count;
}

void fnas_transformer_settled_random(const fnas_space *space, fnas_random *random, int32_t *choices) {
    const fnas_transformer *transformer = space->detail;
    for (int64_t d = 0; d < space->decision_count; d++) choices[d] = (int32_t)fnas_random_below(random, space->decisions[d].choice_count);
    for (int side = 0; side < 2; side++) {
        int kind = FNAS_TRANSFORMER_ENCODER_LAYERS + side;
        double left = fnas_random_uniform(random) * side_ways(transformer, side);
        int32_t depth = 0, last = (int32_t)transformer->lists[kind].count - 1;
        for (; depth < last && left >= layer_ways(transformer, side, depth); depth++) left -= layer_ways(transformer, side, depth);
        choices[kind] = depth;
    }
    fnas_transformer_settle(space, choices);
}

/* ---- writing ---- */

static void append_list(const fnas_transformer *transformer, const int32_t *choices, int kind, const char *between, fnas_text *text) {
    for (int64_t layer = 0; layer < depth_of(transformer, choices, kind); layer++)
        fnas_text_append(text, "%s%lld", layer ? between : "[", (long long)fnas_transformer_value(transformer, choices, kind, layer));
    fnas_text_append(text, "]");
}

fnas_status fnas_transformer_format(fnas_context *context, const fnas_space *space, const int32_t *choices, char *text, size_t size_bytes) {
    const fnas_transformer *transformer = space->detail;
    if (fnas_space_is_average(choices)) return fnas_transformer_format_averages(context, choices, text, size_bytes);
    fnas_text line = {0};
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        if (is_layers(kind)) continue;
        fnas_text_append(&line, "%s%s: ", kind ? ", " : "{", fnas_transformer_words_of[kind].key);
        if (kind < FNAS_TRANSFORMER_SINGLE)
            fnas_text_append(&line, "%lld", (long long)fnas_transformer_value(transformer, choices, kind, 0));
        else
            append_list(transformer, choices, kind, ", ", &line);
    }
    fnas_text_append(&line, "}");
    bool failed = line.failed, fits = !failed && line.size < size_bytes;
    if (fits) memcpy(text, line.data, line.size + 1);
    fnas_text_free(&line);
    if (failed) return fnas_fail_memory(context, "an architecture's text");
    return fits ? FNAS_OK : fnas_fail(context, FNAS_ERR_INTERNAL, "an architecture's text needs more than %zu bytes", size_bytes);
}

static void write_hat(const fnas_space *space, const int32_t *choices, const char *arch, fnas_text *text) {
    (void)arch;
    static const int order[FNAS_TRANSFORMER_KINDS] = {
        FNAS_TRANSFORMER_ENCODER_EMBED,  FNAS_TRANSFORMER_DECODER_EMBED,  FNAS_TRANSFORMER_ENCODER_FFN,   FNAS_TRANSFORMER_DECODER_FFN,
        FNAS_TRANSFORMER_ENCODER_LAYERS, FNAS_TRANSFORMER_DECODER_LAYERS, FNAS_TRANSFORMER_ENCODER_HEADS, FNAS_TRANSFORMER_DECODER_HEADS,
        FNAS_TRANSFORMER_CROSS_HEADS,    FNAS_TRANSFORMER_CROSS_SPAN};
    const fnas_transformer *transformer = space->detail;
    for (int i = 0; i < FNAS_TRANSFORMER_KINDS; i++) {
        int kind = order[i];
        fnas_text_append(text, "%s: ", fnas_transformer_words_of[kind].arch_key);
        if (kind < FNAS_TRANSFORMER_SINGLE)
            fnas_text_append(text, "%lld", (long long)fnas_transformer_value(transformer, choices, kind, 0));
        else
            append_list(transformer, choices, kind, ", ", text);
        fnas_text_append(text, "\n");
    }
}

const fnas_space_own_format fnas_transformer_formats[] = {{"hat", write_hat}, {NULL, NULL}};

/* ---- reading ---- */

typedef struct arch_reader {
    fnas_context *context;
    const fnas_space *space;
    const fnas_transformer *transformer;
    const fnas_yaml *yaml;
    const fnas_yaml_entry *entries[FNAS_TRANSFORMER_KINDS];
    int32_t *choices;
} arch_reader;

static int kind_of_key(const char *key) {
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        const fnas_transformer_words *words = &fnas_transformer_words_of[kind];
        if (strcmp(key, words->arch_key) == 0 || (!is_layers(kind) && strcmp(key, words->key) == 0)) return kind;
    }
    return -1;
}

static const char *nearest_key(const char *key) {
    const char *known[2 * FNAS_TRANSFORMER_KINDS + 1];
    size_t count = 0;
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        known[count++] = fnas_transformer_words_of[kind].arch_key;
        if (!is_layers(kind)) known[count++] = fnas_transformer_words_of[kind].key;
    }
    known[count] = NULL;
    return fnas_suggest(key, known);
}

static fnas_status sort_entries(arch_reader *reader) {
    const fnas_yaml *yaml = reader->yaml;
    for (int64_t i = 0; i < yaml->entry_count; i++) {
        const fnas_yaml_entry *entry = &yaml->entries[i];
        int kind = kind_of_key(entry->key);
        const char *nearest = kind < 0 ? nearest_key(entry->key) : NULL;
        if (kind < 0)
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: unknown key \"%.80s\"%s%s%s", yaml->where, (long long)entry->line,
                             entry->key, nearest ? ": did you mean \"" : ": remove it", nearest ? nearest : "", nearest ? "\"?" : "");
        if (reader->entries[kind])
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" and \"%s\" of line %lld say the same: keep one", yaml->where,
                             (long long)entry->line, entry->key, reader->entries[kind]->key, (long long)reader->entries[kind]->line);
        reader->entries[kind] = entry;
    }
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++)
        if (!reader->entries[kind] && !is_layers(kind))
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"%s\" is missing (or \"%s\")", yaml->where,
                             fnas_transformer_words_of[kind].arch_key, fnas_transformer_words_of[kind].key);
    return FNAS_OK;
}

static fnas_status fail_choice(const arch_reader *reader, const fnas_yaml_entry *entry, int64_t index, int kind, int64_t value) {
    const fnas_transformer_list *list = &reader->transformer->lists[kind];
    fnas_text known = {0};
    for (int64_t k = 0; k < list->count; k++) fnas_text_append(&known, "%s%s", k ? ", " : "", list->names[k]);
    fnas_status status = fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" has %" PRId64 ", this space has %s",
                                   reader->yaml->where, (long long)reader->yaml->items[entry->first + index].line, entry->key, value,
                                   known.data ? known.data : "no such choice");
    fnas_text_free(&known);
    return status;
}

static fnas_status read_single(arch_reader *reader, int kind) {
    const fnas_yaml_entry *entry = reader->entries[kind];
    int64_t value;
    FNAS_TRY(fnas_yaml_integer(reader->context, reader->yaml, entry, 1, FNAS_TRANSFORMER_WIDTH_MAX, &value));
    int32_t choice = fnas_transformer_find(&reader->transformer->lists[kind], value);
    if (choice < 0) return fail_choice(reader, entry, 0, kind, value);
    reader->choices[kind] = choice;
    return FNAS_OK;
}

/* The number of layers of a side: stated, or the length of its lists. */
static fnas_status read_depth(arch_reader *reader, int decoder) {
    int kind = FNAS_TRANSFORMER_ENCODER_LAYERS + decoder;
    if (reader->entries[kind]) return read_single(reader, kind);
    const fnas_yaml_entry *entry = reader->entries[FNAS_TRANSFORMER_ENCODER_FFN + decoder];
    int32_t choice = fnas_transformer_find(&reader->transformer->lists[kind], entry->is_list ? entry->count : 0);
    if (choice >= 0) {
        reader->choices[kind] = choice;
        return FNAS_OK;
    }
    if (entry->is_list && entry->count)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" has %lld layers, no %s of this space has so many",
                         reader->yaml->where, (long long)entry->line, entry->key, (long long)entry->count, decoder ? "decoder" : "encoder");
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" must be a list, an entry a layer", reader->yaml->where,
                     (long long)entry->line, entry->key);
}

/* As long as there are layers; where their number is stated, what stands behind them is for layers that there are not. */
static fnas_status read_layers(arch_reader *reader, int kind) {
    const fnas_yaml_entry *entry = reader->entries[kind];
    const fnas_transformer *transformer = reader->transformer;
    int64_t values[FNAS_TRANSFORMER_LAYERS_MAX], count = 0, slots = fnas_transformer_slots(transformer, kind),
                                                 depth = depth_of(transformer, reader->choices, kind);
    bool is_stated = reader->entries[FNAS_TRANSFORMER_ENCODER_LAYERS + fnas_transformer_is_decoder(kind)] != NULL;
    const char *side = fnas_transformer_is_decoder(kind) ? "decoder" : "encoder";
    if (entry->is_list && entry->count > slots)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" has %lld entries, one a layer: the %s has at most %lld layers",
                         reader->yaml->where, (long long)entry->line, entry->key, (long long)entry->count, side, (long long)slots);
    if (entry->is_list && (entry->count < depth || (entry->count > depth && !is_stated)))
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" has %lld entries, one a layer: the %s has %lld layers",
                         reader->yaml->where, (long long)entry->line, entry->key, (long long)entry->count, side, (long long)depth);
    FNAS_TRY(fnas_yaml_integers(reader->context, reader->yaml, entry, slots, -1, FNAS_TRANSFORMER_WIDTH_MAX, values, &count));
    for (int64_t layer = 0; layer < count; layer++) {
        int32_t choice = fnas_transformer_find(&transformer->lists[kind], values[layer]);
        if (choice < 0) return fail_choice(reader, entry, layer, kind, values[layer]);
        reader->choices[transformer->first_of[kind] + layer] = choice;
    }
    return FNAS_OK;
}

static fnas_status read_arch(arch_reader *reader) {
    FNAS_TRY(sort_entries(reader));
    FNAS_TRY(read_single(reader, FNAS_TRANSFORMER_ENCODER_EMBED));
    FNAS_TRY(read_single(reader, FNAS_TRANSFORMER_DECODER_EMBED));
    FNAS_TRY(read_depth(reader, 0));
    FNAS_TRY(read_depth(reader, 1));
    for (int kind = FNAS_TRANSFORMER_SINGLE; kind < FNAS_TRANSFORMER_KINDS; kind++) FNAS_TRY(read_layers(reader, kind));
    return FNAS_OK;
}

fnas_status fnas_transformer_parse_at(fnas_context *context, const fnas_space *space, const char *where, const char *text,
                                      int32_t *choices) {
    int32_t read[FNAS_TRANSFORMER_DECISIONS_MAX] = {0};
    fnas_yaml yaml;
    arch_reader reader = {.context = context, .space = space, .transformer = space->detail, .yaml = &yaml, .choices = read};
    fnas_status status = fnas_yaml_parse(context, where, text, strlen(text), &yaml);
    if (status == FNAS_OK) status = read_arch(&reader);
    fnas_yaml_free(&yaml);
    if (status != FNAS_OK) return status;
    fnas_transformer_settle(space, read);
    memcpy(choices, read, (size_t)space->decision_count * sizeof *choices);
    return FNAS_OK;
}

fnas_status fnas_transformer_parse(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices) {
    return fnas_transformer_parse_at(context, space, WHERE, text, choices);
}
