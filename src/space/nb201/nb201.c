#include "space/nb201/nb201.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

const int fnas_nb201_source[FNAS_NB201_EDGES] = {0, 0, 1, 0, 1, 2};
const int fnas_nb201_target[FNAS_NB201_EDGES] = {1, 2, 2, 3, 3, 3};
const char *const fnas_nb201_op_names[FNAS_NB201_OPS + 1] = {"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", NULL};

static const fnas_decision fnas_nb201_decisions[FNAS_NB201_EDGES] = {
    {"1<-0", FNAS_NB201_OPS, fnas_nb201_op_names}, {"2<-0", FNAS_NB201_OPS, fnas_nb201_op_names},
    {"2<-1", FNAS_NB201_OPS, fnas_nb201_op_names}, {"3<-0", FNAS_NB201_OPS, fnas_nb201_op_names},
    {"3<-1", FNAS_NB201_OPS, fnas_nb201_op_names}, {"3<-2", FNAS_NB201_OPS, fnas_nb201_op_names}};

/* The ten reference architectures of HELP (Lee et al. 2021), in its order: 11982, 431, 55, 9, 14451, 8636, 9881, 13479, 6196, 1462 of the
 * benchmark. */
static const char *const fnas_nb201_references[] = {
    "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|",
    "|skip_connect~0|+|skip_connect~0|avg_pool_3x3~1|+|none~0|skip_connect~1|none~2|",
    "|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "|none~0|+|nor_conv_1x1~0|none~1|+|nor_conv_3x3~0|nor_conv_1x1~1|nor_conv_1x1~2|",
    "|skip_connect~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|",
    "|nor_conv_3x3~0|+|avg_pool_3x3~0|skip_connect~1|+|none~0|nor_conv_1x1~1|avg_pool_3x3~2|",
    "|skip_connect~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|none~0|nor_conv_1x1~1|avg_pool_3x3~2|",
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"};

static const fnas_nb201 fnas_nb201_defaults = {.channels = 16, .cells = 5, .classes = 10, .image = {3, 32, 32}};

fnas_value_shape fnas_nb201_stage_shape(const fnas_nb201 *nb201, int64_t stage) {
    return (fnas_value_shape){nb201->channels << stage, nb201->image[1] >> stage, nb201->image[2] >> stage};
}

/* ---- parameters ---- */

static const char *const fnas_nb201_keys[] = {"channels", "cells", "classes", "input", NULL};

static fnas_status fnas_nb201_integer(fnas_context *context, const char *key, const char *value, int64_t minimum, int64_t maximum,
                                      int64_t *number) {
    if (!fnas_parse_int64(value, number) || *number < minimum || *number > maximum)
        return fnas_fail(context, FNAS_ERR_INPUT, "space nb201: %s=%s must be a whole number from %lld to %lld", key, value,
                         (long long)minimum, (long long)maximum);
    return FNAS_OK;
}

/* "CxHxW". Two reductions halve height and width, and their two branches agree only for even sizes: hence multiples of 4. */
static fnas_status fnas_nb201_input(fnas_context *context, const char *value, int64_t image[3]) {
    char copy[64];
    strncpy(copy, value, sizeof copy - 1);
    copy[sizeof copy - 1] = '\0';
    char *parts[3] = {copy, NULL, NULL};
    for (int i = 1; i < 3; i++) {
        parts[i] = strchr(parts[i - 1], 'x');
        if (!parts[i])
            return fnas_fail(context, FNAS_ERR_INPUT, "space nb201: input=%s must be CHANNELSxHEIGHTxWIDTH, for example 3x32x32", value);
        *parts[i]++ = '\0';
    }
    for (int i = 0; i < 3; i++)
        if (!fnas_parse_int64(parts[i], &image[i]))
            return fnas_fail(context, FNAS_ERR_INPUT, "space nb201: input=%s must be CHANNELSxHEIGHTxWIDTH, for example 3x32x32", value);
    if (image[0] < 1 || image[0] > 16) return fnas_fail(context, FNAS_ERR_INPUT, "space nb201: input=%s: channels must be 1 to 16", value);
    for (int i = 1; i < 3; i++)
        if (image[i] < 8 || image[i] > 1024 || image[i] % 4 != 0)
            return fnas_fail(context, FNAS_ERR_INPUT, "space nb201: input=%s: height and width must be multiples of 4 from 8 to 1024",
                             value);
    return FNAS_OK;
}

static fnas_status fnas_nb201_read(fnas_context *context, const char *parameters, fnas_nb201 *nb201) {
    uint32_t seen = 0;
    for (;;) {
        int key;
        char value[64];
        FNAS_TRY(fnas_space_next_option(context, "nb201", fnas_nb201_keys, &parameters, &seen, &key, value, sizeof value));
        switch (key) {
        case 0:
            FNAS_TRY(fnas_nb201_integer(context, "channels", value, 1, 256, &nb201->channels));
            break;
        case 1:
            FNAS_TRY(fnas_nb201_integer(context, "cells", value, 1, 20, &nb201->cells));
            break;
        case 2:
            FNAS_TRY(fnas_nb201_integer(context, "classes", value, 2, 1000, &nb201->classes));
            break;
        case 3:
            FNAS_TRY(fnas_nb201_input(context, value, nb201->image));
            break;
        default:
            return FNAS_OK;
        }
    }
}

static fnas_status fnas_nb201_open(fnas_context *context, const char *parameters, const fnas_space *previous, fnas_space *space) {
    fnas_nb201 *nb201 = fnas_allocate(1, sizeof *nb201);
    space->detail = nb201;
    space->decisions = fnas_allocate(FNAS_NB201_EDGES, sizeof *space->decisions);
    if (!nb201 || !space->decisions) return fnas_fail_memory(context, "a space");
    *nb201 = previous ? *(const fnas_nb201 *)previous->detail : fnas_nb201_defaults;
    FNAS_TRY(fnas_nb201_read(context, parameters, nb201));
    memcpy(space->decisions, fnas_nb201_decisions, sizeof fnas_nb201_decisions);
    space->decision_count = FNAS_NB201_EDGES;
    space->onehot_size = FNAS_NB201_EDGES * FNAS_NB201_OPS;
    memcpy(space->image, nb201->image, sizeof space->image);
    space->classes = nb201->classes;
    fnas_text spec = {0};
    fnas_text_append(&spec, "nb201:channels=%lld,cells=%lld,classes=%lld,input=%lldx%lldx%lld", (long long)nb201->channels,
                     (long long)nb201->cells, (long long)nb201->classes, (long long)nb201->image[0], (long long)nb201->image[1],
                     (long long)nb201->image[2]);
    space->spec = spec.failed ? NULL : fnas_strdup(spec.data);
    fnas_text_free(&spec);
    return space->spec ? FNAS_OK : fnas_fail_memory(context, "a space");
}

static void fnas_nb201_close(fnas_space *space) {
    fnas_free(space->detail);
}

const fnas_space_type fnas_space_nb201 = {.name = "nb201",
                                          .open = fnas_nb201_open,
                                          .close = fnas_nb201_close,
                                          .parse = fnas_nb201_parse,
                                          .format = fnas_nb201_format,
                                          .macs = fnas_nb201_macs,
                                          .params = fnas_nb201_params,
                                          .declare = fnas_nb201_declare,
                                          .record = fnas_nb201_record,
                                          .canonical = fnas_nb201_canonical,
                                          .connected = fnas_nb201_connected,
                                          .cost_feature_count = fnas_nb201_cost_feature_count,
                                          .structure_feature_count = fnas_nb201_structure_feature_count,
                                          .structure_features = fnas_nb201_structure_features,
                                          .structure_features_vjp = fnas_nb201_structure_features_vjp,
                                          .cost_features = fnas_nb201_cost_features,
                                          .cost_features_vjp = fnas_nb201_cost_features_vjp,
                                          .reference_archs = fnas_nb201_references,
                                          .reference_count = sizeof fnas_nb201_references / sizeof fnas_nb201_references[0]};
