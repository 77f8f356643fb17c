/* Rows of HAT's latency tables. Such a row says of a sub-transformer its widths and numbers of layers, and of what is chosen a layer only
 * the average; it is no architecture, and can be none of the space: the tables have choices that the trained super-transformers lack. What
 * it says suffices for the cost features, which are functions of sums over layers.
 *
 * Where a card holds measurements, a row stands in the place of an architecture's choices as those sums, which are whole numbers, by kind;
 * the first of them, the encoder's width, is negative, which tells it from choices. As text it is a line of YAML with the columns' names.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "space/transformer/transformer.h"

#define WHERE "averages"
/* Averages are written in six digits, a sum over layers is off by no more than that; sums are whole. */
#define SUM_TOLERANCE 1e-5

static const char *const names[FNAS_TRANSFORMER_KINDS + 1] = {"encoder_embed_dim",
                                                              "decoder_embed_dim",
                                                              "encoder_layer_num",
                                                              "decoder_layer_num",
                                                              "encoder_ffn_embed_dim_avg",
                                                              "decoder_ffn_embed_dim_avg",
                                                              "encoder_self_attention_heads_avg",
                                                              "decoder_self_attention_heads_avg",
                                                              "decoder_ende_attention_heads_avg",
                                                              "decoder_arbitrary_ende_attn_avg",
                                                              NULL};

const char *const *fnas_transformer_average_names(void) {
    return names;
}

static double layers_of(const double *averages, int kind) {
    if (kind < FNAS_TRANSFORMER_SINGLE) return 1;
    return averages[FNAS_TRANSFORMER_ENCODER_LAYERS + fnas_transformer_is_decoder(kind)];
}

static fnas_status check_average(fnas_context *context, const char *where, const double *averages, int kind) {
    bool layers = kind == FNAS_TRANSFORMER_ENCODER_LAYERS || kind == FNAS_TRANSFORMER_DECODER_LAYERS;
    double most = layers ? FNAS_TRANSFORMER_LAYERS_MAX : FNAS_TRANSFORMER_WIDTH_MAX, value = averages[kind];
    if (!(value >= 1 && value <= most))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%s\" is %g, it must be from 1 to %g", where, names[kind], value, most);
    double sum = value * layers_of(averages, kind);
    if (fabs(sum - floor(sum + 0.5)) <= SUM_TOLERANCE * sum) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%s\" is %g: %s", where, names[kind], value,
                     kind < FNAS_TRANSFORMER_SINGLE ? "it must be whole" : "no average of whole numbers over so many layers");
}

fnas_status fnas_transformer_average_row(fnas_context *context, const fnas_space *space, const char *where, const double *averages,
                                         int32_t *row) {
    /* Numbers of layers first: the others are averages over them. */
    FNAS_TRY(check_average(context, where, averages, FNAS_TRANSFORMER_ENCODER_LAYERS));
    FNAS_TRY(check_average(context, where, averages, FNAS_TRANSFORMER_DECODER_LAYERS));
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) FNAS_TRY(check_average(context, where, averages, kind));
    memset(row, 0, (size_t)space->decision_count * sizeof *row);
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) row[kind] = (int32_t)floor(averages[kind] * layers_of(averages, kind) + 0.5);
    row[0] = -row[0];
    return FNAS_OK;
}

static fnas_status read_averages(fnas_context *context, const fnas_yaml *yaml, double *averages) {
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        const fnas_yaml_entry *entry = fnas_yaml_find(yaml, names[kind]);
        if (!entry) return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%s\" is missing", yaml->where, names[kind]);
        const fnas_yaml_item *item = &yaml->items[entry->first];
        if (!entry->is_list && item->plain && fnas_parse_double(item->text, &averages[kind])) continue;
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" must be a number", yaml->where, (long long)entry->line, names[kind]);
    }
    if (yaml->entry_count == FNAS_TRANSFORMER_KINDS) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: %lld keys, a row of averages has %d", yaml->where, (long long)yaml->entry_count,
                     FNAS_TRANSFORMER_KINDS);
}

fnas_status fnas_transformer_parse_averages(fnas_context *context, const fnas_space *space, const char *text, int32_t *row) {
    double averages[FNAS_TRANSFORMER_KINDS];
    fnas_yaml yaml;
    fnas_status status = fnas_yaml_parse(context, WHERE, text, strlen(text), &yaml);
    if (status == FNAS_OK) status = read_averages(context, &yaml, averages);
    fnas_yaml_free(&yaml);
    return status == FNAS_OK ? fnas_transformer_average_row(context, space, WHERE, averages, row) : status;
}

fnas_status fnas_transformer_format_averages(fnas_context *context, const int32_t *row, char *text, size_t size_bytes) {
    size_t used = 0;
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS && used < size_bytes; kind++) {
        double layers = kind < FNAS_TRANSFORMER_SINGLE ? 1 : row[FNAS_TRANSFORMER_ENCODER_LAYERS + fnas_transformer_is_decoder(kind)];
        int written = snprintf(text + used, size_bytes - used, "%s%s: %.8g", kind ? ", " : "{", names[kind],
                               (kind ? row[kind] : -row[kind]) / layers);
        used += written < 0 ? size_bytes : (size_t)written;
    }
    if (used + 2 > size_bytes) return fnas_fail(context, FNAS_ERR_INTERNAL, "a text of averages needs more than %zu bytes", size_bytes);
    memcpy(text + used, "}", 2);
    return FNAS_OK;
}
