#include <math.h>
#include <stdio.h>

#include "nn/translator/weights.h"

double fnas_translator_position(int64_t largest_width, int64_t position, int64_t column) {
    int64_t half = largest_width / 2, wave = column % half;
    if (column >= 2 * half) return 0; /* an odd width's last column */
    double rate = half > 1 ? exp(-log(10000.0) * (double)wave / (double)(half - 1)) : 1.0;
    double angle = (double)(position + FNAS_TRANSLATOR_FIRST_POSITION) * rate;
    return column < half ? sin(angle) : cos(angle);
}

/* ---- checks ---- */

static fnas_status check_heads(fnas_context *context, const fnas_translator *shape, const char *side, int64_t layer, int64_t heads) {
    if (heads >= 1 && shape->attention_width % heads == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s layer %lld has %lld heads, which do not divide the attention width %lld", side,
                     (long long)layer, (long long)heads, (long long)shape->attention_width);
}

static fnas_status check_side(fnas_context *context, const fnas_translator *shape, const fnas_translator_side *side, const char *name,
                              bool decoder) {
    if (side->width < 2 || side->width > 16384)
        return fnas_fail(context, FNAS_ERR_INPUT, "the %s's width is %lld: it must be 2 to 16384", name, (long long)side->width);
    if (side->layer_count < 1 || side->layer_count > FNAS_TRANSLATOR_LAYERS_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "the %s has %lld layers: they must be 1 to %d", name, (long long)side->layer_count,
                         FNAS_TRANSLATOR_LAYERS_MAX);
    for (int64_t l = 0; l < side->layer_count; l++) {
        const fnas_translator_layer *layer = &side->layers[l];
        if (layer->feed_forward < 1 || layer->feed_forward > 65536)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s layer %lld has a feed-forward width of %lld: it must be 1 to 65536", name,
                             (long long)l, (long long)layer->feed_forward);
        FNAS_TRY(check_heads(context, shape, name, l, layer->heads));
        if (!decoder) continue;
        FNAS_TRY(check_heads(context, shape, name, l, layer->cross_heads));
        if (layer->cross_sources < 1 || layer->cross_sources > FNAS_TRANSLATOR_SOURCES_MAX ||
            layer->cross_sources > shape->encoder.layer_count)
            return fnas_fail(context, FNAS_ERR_INPUT, "decoder layer %lld sees %lld layers of the encoder, which has %lld: at most %d",
                             (long long)l, (long long)layer->cross_sources, (long long)shape->encoder.layer_count,
                             FNAS_TRANSLATOR_SOURCES_MAX);
    }
    return FNAS_OK;
}

fnas_status fnas_translator_check(fnas_context *context, const fnas_translator *shape) {
    if (shape->vocabulary < 1 || shape->vocabulary > 1000000)
        return fnas_fail(context, FNAS_ERR_INPUT, "a vocabulary of %lld: it must be 1 to 1000000", (long long)shape->vocabulary);
    if (shape->attention_width < 1 || shape->attention_width > 16384)
        return fnas_fail(context, FNAS_ERR_INPUT, "the attention width is %lld: it must be 1 to 16384", (long long)shape->attention_width);
    FNAS_TRY(check_side(context, shape, &shape->encoder, "encoder", false));
    return check_side(context, shape, &shape->decoder, "decoder", true);
}

/* ---- declaration ---- */

typedef struct declaration {
    fnas_context *context;
    fnas_parameters *parameters;
    char prefix[48];
} declaration;

static fnas_status declare(declaration *to, const char *name, int rank, const int64_t *shape, fnas_initialiser initialiser,
                           int64_t fan_in) {
    char full[128];
    int32_t handle;
    snprintf(full, sizeof full, "%s.%s", to->prefix, name);
    return fnas_parameters_add(to->context, to->parameters, full, rank, shape, initialiser, fan_in, &handle);
}

/* U(-b, b) with b = 1 / sqrt(fan_in) has Glorot's b = sqrt(6 / (in + out)) where fan_in is (in + out) / 6. */
static fnas_status declare_linear(declaration *to, const char *name, int64_t out, int64_t in, int64_t glorot_out) {
    char text[64];
    int64_t fan_in = (in + glorot_out) / 6;
    snprintf(text, sizeof text, "%s.weight", name);
    FNAS_TRY(declare(to, text, 2, (int64_t[]){out, in}, FNAS_INIT_FAN_IN_UNIFORM, fan_in > 0 ? fan_in : 1));
    snprintf(text, sizeof text, "%s.bias", name);
    return declare(to, text, 1, &out, FNAS_INIT_ZERO, 0);
}

static fnas_status declare_norm(declaration *to, const char *name, int64_t width) {
    char text[64];
    snprintf(text, sizeof text, "%s.weight", name);
    FNAS_TRY(declare(to, text, 1, &width, FNAS_INIT_ONE, 0));
    snprintf(text, sizeof text, "%s.bias", name);
    return declare(to, text, 1, &width, FNAS_INIT_ZERO, 0);
}

static fnas_status declare_layer(declaration *to, const fnas_translator *largest, const char *side_name, const fnas_translator_side *side,
                                 int64_t l) {
    int64_t width = side->width, attention = largest->attention_width, middle = side->layers[l].feed_forward;
    snprintf(to->prefix, sizeof to->prefix, "%s.layers.%d", side_name, (int)l);
    FNAS_TRY(declare_linear(to, "self_attn.in_proj", 3 * attention, width, attention));
    FNAS_TRY(declare_linear(to, "self_attn.out_proj", width, attention, width));
    FNAS_TRY(declare_norm(to, "self_attn_layer_norm", width));
    FNAS_TRY(declare_linear(to, "fc1", middle, width, middle));
    FNAS_TRY(declare_linear(to, "fc2", width, middle, width));
    return declare_norm(to, "final_layer_norm", width);
}

static fnas_status declare_cross(declaration *to, const fnas_translator *largest) {
    int64_t attention = largest->attention_width, width = largest->decoder.width;
    FNAS_TRY(declare_linear(to, "encoder_attn.q_proj", attention, width, attention));
    FNAS_TRY(declare_linear(to, "encoder_attn.kv_proj", 2 * attention, largest->encoder.width, attention));
    FNAS_TRY(declare_linear(to, "encoder_attn.out_proj", width, attention, width));
    return declare_norm(to, "encoder_attn_layer_norm", width);
}

fnas_status fnas_translator_declare(fnas_context *context, const fnas_translator *largest, fnas_parameters *parameters) {
    if (parameters->item_count != 0) return fnas_fail(context, FNAS_ERR_INTERNAL, "a supernet is declared into an empty parameter set");
    FNAS_TRY(fnas_translator_check(context, largest));
    declaration to = {.context = context, .parameters = parameters, .prefix = "embed_tokens"};
    int64_t width = largest->encoder.width > largest->decoder.width ? largest->encoder.width : largest->decoder.width;
    /* A uniform number of variance 1 / width. */
    FNAS_TRY(declare(&to, "weight", 2, (int64_t[]){largest->vocabulary, width}, FNAS_INIT_FAN_IN_UNIFORM, width > 2 ? width / 3 : 1));
    for (int64_t l = 0; l < largest->encoder.layer_count; l++) FNAS_TRY(declare_layer(&to, largest, "encoder", &largest->encoder, l));
    for (int64_t l = 0; l < largest->decoder.layer_count; l++) {
        FNAS_TRY(declare_layer(&to, largest, "decoder", &largest->decoder, l));
        FNAS_TRY(declare_cross(&to, largest));
    }
    return FNAS_OK;
}
