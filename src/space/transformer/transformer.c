#include "space/transformer/transformer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* ---- words ---- */

const fnas_transformer_words fnas_transformer_words_of[FNAS_TRANSFORMER_KINDS] = {
    {"encoder-embed", "encoder-embed-choice", "encoder-embed-dim-subtransformer"},
    {"decoder-embed", "decoder-embed-choice", "decoder-embed-dim-subtransformer"},
    {"encoder-layers", "encoder-layer-num-choice", "encoder-layer-num-subtransformer"},
    {"decoder-layers", "decoder-layer-num-choice", "decoder-layer-num-subtransformer"},
    {"encoder-ffn", "encoder-ffn-embed-dim-choice", "encoder-ffn-embed-dim-all-subtransformer"},
    {"decoder-ffn", "decoder-ffn-embed-dim-choice", "decoder-ffn-embed-dim-all-subtransformer"},
    {"encoder-heads", "encoder-self-attention-heads-choice", "encoder-self-attention-heads-all-subtransformer"},
    {"decoder-heads", "decoder-self-attention-heads-choice", "decoder-self-attention-heads-all-subtransformer"},
    {"ende-heads", "decoder-ende-attention-heads-choice", "decoder-ende-attention-heads-all-subtransformer"},
    {"ende-attn", "decoder-arbitrary-ende-attn-choice", "decoder-arbitrary-ende-attn-all-subtransformer"}};

bool fnas_transformer_is_decoder(int kind) {
    return kind != FNAS_TRANSFORMER_ENCODER_EMBED && kind != FNAS_TRANSFORMER_ENCODER_LAYERS && kind != FNAS_TRANSFORMER_ENCODER_FFN &&
           kind != FNAS_TRANSFORMER_ENCODER_HEADS;
}

int64_t fnas_transformer_slots(const fnas_transformer *transformer, int kind) {
    return kind < FNAS_TRANSFORMER_SINGLE ? 1 : transformer->layers[fnas_transformer_is_decoder(kind)];
}

int64_t fnas_transformer_value(const fnas_transformer *transformer, const int32_t *choices, int kind, int64_t layer) {
    return transformer->lists[kind].values[choices[transformer->first_of[kind] + layer]];
}

int64_t fnas_transformer_depth(const fnas_transformer *transformer, const int32_t *choices, int decoder) {
    return fnas_transformer_value(transformer, choices, FNAS_TRANSFORMER_ENCODER_LAYERS + decoder, 0);
}

int32_t fnas_transformer_find(const fnas_transformer_list *list, int64_t value) {
    for (int32_t k = 0; k < list->count; k++)
        if (list->values[k] == value) return k;
    return -1;
}

int64_t fnas_transformer_span(int64_t value) {
    return value < 0 ? 1 : value + 1;
}

/* ---- parameters ---- */

static const char *const keys[] = {"encoder-embed",
                                   "decoder-embed",
                                   "encoder-layers",
                                   "decoder-layers",
                                   "encoder-ffn",
                                   "decoder-ffn",
                                   "encoder-heads",
                                   "decoder-heads",
                                   "ende-heads",
                                   "ende-attn",
                                   "qkv",
                                   "length",
                                   NULL};
enum { KEY_QKV = FNAS_TRANSFORMER_KINDS, KEY_LENGTH };

/* HAT's space0 for WMT'14 English to German. */
static const fnas_transformer defaults = {.lists = {{.count = 2, .values = {640, 512}},
                                                    {.count = 2, .values = {640, 512}},
                                                    {.count = 1, .values = {6}},
                                                    {.count = 6, .values = {6, 5, 4, 3, 2, 1}},
                                                    {.count = 3, .values = {3072, 2048, 1024}},
                                                    {.count = 3, .values = {3072, 2048, 1024}},
                                                    {.count = 2, .values = {8, 4}},
                                                    {.count = 2, .values = {8, 4}},
                                                    {.count = 2, .values = {8, 4}},
                                                    {.count = 3, .values = {-1, 1, 2}}},
                                          .qkv = 512,
                                          .length = 30};

static bool is_layers(int kind) {
    return kind == FNAS_TRANSFORMER_ENCODER_LAYERS || kind == FNAS_TRANSFORMER_DECODER_LAYERS;
}

static bool fits(int kind, int64_t value) {
    if (kind == FNAS_TRANSFORMER_CROSS_SPAN) return value >= -1 && value != 0 && value < FNAS_TRANSFORMER_LAYERS_MAX;
    return value >= 1 && value <= (is_layers(kind) ? FNAS_TRANSFORMER_LAYERS_MAX : FNAS_TRANSFORMER_WIDTH_MAX);
}

static const char *range_of(int kind) {
    if (kind == FNAS_TRANSFORMER_CROSS_SPAN) return "(-1, or 1 to 15)";
    return is_layers(kind) ? "from 1 to 16" : "from 1 to 65536";
}

/* "640+512". */
static fnas_status read_list(fnas_context *context, int kind, const char *value, fnas_transformer_list *list) {
    const char *at = value;
    list->count = 0;
    for (bool more = true; more;) {
        char number[16];
        size_t length = strcspn(at, "+");
        int64_t read = 0;
        if (list->count == FNAS_TRANSFORMER_CHOICES_MAX)
            return fnas_fail(context, FNAS_ERR_INPUT, "space transformer: %s=%s: at most %d may be chosen from", keys[kind], value,
                             FNAS_TRANSFORMER_CHOICES_MAX);
        snprintf(number, sizeof number, "%.*s", (int)(length < sizeof number ? length : sizeof number - 1), at);
        if (length >= sizeof number || !fnas_parse_int64(number, &read) || !fits(kind, read))
            return fnas_fail(context, FNAS_ERR_INPUT,
                             "space transformer: %s=%s: \"%s\" is no choice: write whole numbers %s with + between them", keys[kind], value,
                             number, range_of(kind));
        if (fnas_transformer_find(list, read) >= 0)
            return fnas_fail(context, FNAS_ERR_INPUT, "space transformer: %s=%s: %s is there twice", keys[kind], value, number);
        list->values[list->count++] = read;
        more = at[length] == '+';
        at += length + more;
    }
    return FNAS_OK;
}

static fnas_status read_number(fnas_context *context, const char *key, const char *value, int64_t most, int64_t *number) {
    if (fnas_parse_int64(value, number) && *number >= 1 && *number <= most) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "space transformer: %s=%s must be a whole number from 1 to %" PRId64, key, value, most);
}

static fnas_status read_parameters(fnas_context *context, const char *parameters, fnas_transformer *transformer) {
    uint32_t seen = 0;
    for (;;) {
        int key;
        char value[256];
        FNAS_TRY(fnas_space_next_option(context, "transformer", keys, &parameters, &seen, &key, value, sizeof value));
        if (key < 0) return FNAS_OK;
        if (key == KEY_QKV)
            FNAS_TRY(read_number(context, keys[key], value, FNAS_TRANSFORMER_WIDTH_MAX, &transformer->qkv));
        else if (key == KEY_LENGTH)
            FNAS_TRY(read_number(context, keys[key], value, FNAS_TRANSFORMER_LENGTH_MAX, &transformer->length));
        else
            FNAS_TRY(read_list(context, key, value, &transformer->lists[key]));
    }
}

static int64_t extreme(const fnas_transformer_list *list, bool largest) {
    int64_t found = list->values[0];
    for (int64_t k = 1; k < list->count; k++)
        if (largest == (list->values[k] > found)) found = list->values[k];
    return found;
}

static fnas_status check(fnas_context *context, const fnas_transformer *transformer) {
    for (int kind = FNAS_TRANSFORMER_ENCODER_HEADS; kind <= FNAS_TRANSFORMER_CROSS_HEADS; kind++)
        for (int64_t k = 0; k < transformer->lists[kind].count; k++)
            if (transformer->qkv % transformer->lists[kind].values[k] != 0)
                return fnas_fail(context, FNAS_ERR_INPUT,
                                 "space transformer: %s has %" PRId64 ", into which the attention's width of %" PRId64
                                 " (qkv) cannot be cut",
                                 keys[kind], transformer->lists[kind].values[k], transformer->qkv);
    int64_t span = fnas_transformer_span(extreme(&transformer->lists[FNAS_TRANSFORMER_CROSS_SPAN], true)),
            depth = extreme(&transformer->lists[FNAS_TRANSFORMER_ENCODER_LAYERS], false);
    if (span <= depth) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "space transformer: ende-attn has %" PRId64 ", the last %" PRId64 " encoder layers, and there may be only %" PRId64,
                     span - 1, span, depth);
}

/* ---- opening ---- */

static void name_choices(fnas_transformer *transformer) {
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++)
        for (int64_t k = 0; k < transformer->lists[kind].count; k++) {
            fnas_transformer_list *list = &transformer->lists[kind];
            snprintf(list->text[k], sizeof list->text[k], "%d", (int)list->values[k]);
            list->names[k] = list->text[k];
        }
}

static void lay_out(fnas_transformer *transformer, fnas_space *space) {
    for (int side = 0; side < 2; side++)
        transformer->layers[side] = extreme(&transformer->lists[FNAS_TRANSFORMER_ENCODER_LAYERS + side], true);
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        const fnas_transformer_list *list = &transformer->lists[kind];
        transformer->first_of[kind] = space->decision_count;
        for (int64_t layer = 0; layer < fnas_transformer_slots(transformer, kind); layer++) {
            int64_t d = space->decision_count++;
            char *name = transformer->names[d];
            if (kind < FNAS_TRANSFORMER_SINGLE)
                snprintf(name, sizeof transformer->names[d], "%s", keys[kind]);
            else
                snprintf(name, sizeof transformer->names[d], "%s-%d", keys[kind], (int)layer);
            transformer->row_of[d] = space->onehot_size;
            space->decisions[d] = (fnas_decision){name, list->count, list->names};
            space->onehot_size += list->count;
        }
    }
}

static fnas_status write_spec(fnas_context *context, fnas_space *space, const fnas_transformer *transformer) {
    fnas_text spec = {0};
    fnas_text_append(&spec, "transformer:");
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        fnas_text_append(&spec, "%s%s=", kind ? "," : "", keys[kind]);
        for (int64_t k = 0; k < transformer->lists[kind].count; k++)
            fnas_text_append(&spec, "%s%s", k ? "+" : "", transformer->lists[kind].names[k]);
    }
    fnas_text_append(&spec, ",qkv=%lld,length=%lld", (long long)transformer->qkv, (long long)transformer->length);
    space->spec = spec.failed ? NULL : fnas_strdup(spec.data);
    bool too_long = spec.size >= FNAS_SPACE_SPEC_BYTES;
    fnas_text_free(&spec);
    if (too_long)
        return fnas_fail(context, FNAS_ERR_INPUT, "space transformer: so many choices that its spec is longer than %d bytes: list fewer",
                         FNAS_SPACE_SPEC_BYTES - 1);
    return space->spec ? FNAS_OK : fnas_fail_memory(context, "a space");
}

/* ---- references ---- */

#define REFERENCES 10
#define REFERENCE_SEED UINT64_C(0x7265662d686174)

/* The place'th of the list in ascending order, place from 0 to 1. */
static int32_t choice_at(const fnas_transformer_list *list, double place) {
    int64_t wanted = (int64_t)(place * (double)(list->count - 1) + 0.5);
    for (int32_t k = 0; k < list->count; k++) {
        int64_t below = 0;
        for (int64_t i = 0; i < list->count; i++) below += list->values[i] < list->values[k];
        if (below == wanted) return k;
    }
    return 0;
}

/* Ten architectures that differ in what latency depends on: the decoder's layers from fewest to most, widths and feed-forward widths small
 * and large in a balanced way, the rest at random. */
static fnas_status find_references(fnas_context *context, fnas_space *space, fnas_transformer *transformer) {
    static const unsigned large[3] = {0x2B5, 0x16D, 0x0E6}; /* bit i: reference i has the wide encoder, decoder, decoder's layers */
    transformer->references = fnas_allocate((size_t)(REFERENCES * space->decision_count), sizeof *transformer->references);
    if (!transformer->references) return fnas_fail_memory(context, "a space");
    for (int64_t i = 0; i < REFERENCES; i++) {
        int32_t *choices = transformer->references + i * space->decision_count;
        fnas_space_random(space, REFERENCE_SEED, i, choices);
        choices[FNAS_TRANSFORMER_ENCODER_EMBED] = choice_at(&transformer->lists[FNAS_TRANSFORMER_ENCODER_EMBED], large[0] >> i & 1);
        choices[FNAS_TRANSFORMER_DECODER_EMBED] = choice_at(&transformer->lists[FNAS_TRANSFORMER_DECODER_EMBED], large[1] >> i & 1);
        choices[FNAS_TRANSFORMER_DECODER_LAYERS] = choice_at(&transformer->lists[FNAS_TRANSFORMER_DECODER_LAYERS],
                                                             (double)i / (REFERENCES - 1));
        for (int64_t layer = 0; layer < transformer->layers[1]; layer++)
            choices[transformer->first_of[FNAS_TRANSFORMER_DECODER_FFN] + layer] = choice_at(
                &transformer->lists[FNAS_TRANSFORMER_DECODER_FFN], large[2] >> i & 1);
        fnas_transformer_settle(space, choices);
        for (int64_t k = 0; k < i; k++) /* a space so small that two are the same has none */
            if (memcmp(choices, transformer->references + k * space->decision_count, (size_t)space->decision_count * sizeof *choices) == 0)
                return FNAS_OK;
    }
    space->references = transformer->references;
    space->reference_count = REFERENCES;
    return FNAS_OK;
}

/* ---- the type ---- */

static fnas_status transformer_open(fnas_context *context, const char *parameters, const fnas_space *previous, fnas_space *space) {
    fnas_transformer *transformer = fnas_allocate(1, sizeof *transformer);
    space->detail = transformer;
    space->decisions = fnas_allocate(FNAS_TRANSFORMER_DECISIONS_MAX, sizeof *space->decisions);
    if (!transformer || !space->decisions) return fnas_fail_memory(context, "a space");
    *transformer = previous ? *(const fnas_transformer *)previous->detail : defaults;
    transformer->references = NULL;
    FNAS_TRY(read_parameters(context, parameters, transformer));
    FNAS_TRY(check(context, transformer));
    name_choices(transformer);
    lay_out(transformer, space);
    FNAS_TRY(write_spec(context, space, transformer));
    return find_references(context, space, transformer);
}

static void transformer_close(fnas_space *space) {
    fnas_transformer *transformer = space->detail;
    if (transformer) fnas_free(transformer->references);
    fnas_free(transformer);
}

const fnas_transformer *fnas_transformer_of(const fnas_space *space) {
    return space->type == &fnas_space_transformer ? space->detail : NULL;
}

const fnas_space_type fnas_space_transformer = {.name = "transformer",
                                                .open = transformer_open,
                                                .close = transformer_close,
                                                .read_parameters = fnas_transformer_read_super,
                                                .parse = fnas_transformer_parse,
                                                .parse_at = fnas_transformer_parse_at,
                                                .format = fnas_transformer_format,
                                                .canonical = fnas_transformer_settle,
                                                .settle = fnas_transformer_settle,
                                                .settled_count = fnas_transformer_settled_count,
                                                .settled_random = fnas_transformer_settled_random,
                                                .macs = fnas_transformer_macs,
                                                .params = fnas_transformer_params,
                                                .translator = fnas_transformer_shape,
                                                .largest = fnas_transformer_largest,
                                                .formats = fnas_transformer_formats,
                                                .average_names = fnas_transformer_average_names,
                                                .average_row = fnas_transformer_average_row,
                                                .parse_averages = fnas_transformer_parse_averages,
                                                .average_features = fnas_transformer_average_costs,
                                                .cost_feature_count = fnas_transformer_cost_count,
                                                .cost_features = fnas_transformer_costs,
                                                .cost_features_vjp = fnas_transformer_costs_vjp,
                                                .error_feature_count = fnas_transformer_error_count,
                                                .error_features = fnas_transformer_errors,
                                                .error_features_vjp = fnas_transformer_errors_vjp,
                                                .encodings = fnas_transformer_encodings};
