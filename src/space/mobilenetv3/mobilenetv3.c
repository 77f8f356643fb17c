#include "space/mobilenetv3/mobilenetv3.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* ---- decisions ---- */

static const char *const depth_names[] = {"2", "3", "4"}, *const kernel_names[] = {"3", "5", "7"},
                         *const expansion_names[] = {"3", "4", "6"};
static const char *const resolution_names[FNAS_MBV3_RESOLUTIONS] = {"128", "132", "136", "140", "144", "148", "152", "156", "160",
                                                                    "164", "168", "172", "176", "180", "184", "188", "192", "196",
                                                                    "200", "204", "208", "212", "216", "220", "224"};
/* As the columns of tables are called that tell architectures by number. */
static const char *const decision_names[FNAS_MBV3_DECISIONS] = {
    "r",    "d0",   "d1",   "d2",   "d3",   "d4",   "ks0",  "ks1",  "ks2",  "ks3",  "ks4", "ks5", "ks6", "ks7", "ks8", "ks9",
    "ks10", "ks11", "ks12", "ks13", "ks14", "ks15", "ks16", "ks17", "ks18", "ks19", "e0",  "e1",  "e2",  "e3",  "e4",  "e5",
    "e6",   "e7",   "e8",   "e9",   "e10",  "e11",  "e12",  "e13",  "e14",  "e15",  "e16", "e17", "e18", "e19"};

static fnas_decision decision_at(int64_t d) {
    if (d == FNAS_MBV3_RESOLUTION) return (fnas_decision){decision_names[d], FNAS_MBV3_RESOLUTIONS, resolution_names};
    const char *const *names = d < FNAS_MBV3_KERNEL ? depth_names : d < FNAS_MBV3_EXPANSION ? kernel_names : expansion_names;
    return (fnas_decision){decision_names[d], FNAS_MBV3_CHOICES, names};
}

/* The ten reference architectures of HELP (Lee et al. 2021: hardware_embedding_index.pt), rows 1316, 1587, 1621, 1636, 1980, 2329, 2487,
 * 3355, 3740 and 4948 of its 5,000 (ofa_archs.pt). */
static const char *const references[] = {"{\"wid\":null,\"ks\":[7,7,5,5,7,7,3,3,7,7,5,3,3,5,3,3,3,5,3,3],\"e\":[3,6,3,6,6,4,3,3,4,6,6,3,3,"
                                         "4,4,3,3,3,3,3],\"d\":[4,3,3,4,2],\"r\":196}",
                                         "{\"wid\":null,\"ks\":[7,3,3,3,5,3,3,3,5,7,3,3,3,7,5,3,3,5,3,3],\"e\":[4,3,6,3,6,6,3,3,3,6,3,3,6,"
                                         "3,3,3,6,3,3,3],\"d\":[3,2,2,3,2],\"r\":172}",
                                         "{\"wid\":null,\"ks\":[7,5,3,3,3,3,3,3,7,7,3,3,5,5,3,3,7,7,7,3],\"e\":[4,4,3,3,4,4,3,3,6,3,3,3,3,"
                                         "6,3,3,3,6,4,3],\"d\":[2,2,2,2,3],\"r\":204}",
                                         "{\"wid\":null,\"ks\":[3,7,5,7,3,3,5,3,3,3,5,3,7,5,3,7,7,5,5,3],\"e\":[4,3,3,6,3,3,4,3,6,6,4,6,3,"
                                         "6,6,6,4,4,4,6],\"d\":[4,3,4,4,4],\"r\":200}",
                                         "{\"wid\":null,\"ks\":[5,7,3,3,7,7,3,3,7,3,3,3,7,7,7,3,7,7,3,3],\"e\":[4,6,3,3,4,6,3,3,4,3,3,3,6,"
                                         "4,4,3,4,6,3,3],\"d\":[2,2,2,3,2],\"r\":136}",
                                         "{\"wid\":null,\"ks\":[7,7,5,7,3,7,3,3,3,7,7,3,3,3,7,7,3,5,7,7],\"e\":[6,4,3,6,6,6,3,3,6,4,6,3,6,"
                                         "6,4,3,4,6,6,3],\"d\":[4,2,3,4,4],\"r\":224}",
                                         "{\"wid\":null,\"ks\":[5,5,7,3,3,3,3,3,7,3,3,5,7,3,3,3,3,3,3,3],\"e\":[6,3,4,4,3,3,3,3,3,3,4,4,3,"
                                         "3,3,3,3,6,6,3],\"d\":[4,2,4,2,3],\"r\":132}",
                                         "{\"wid\":null,\"ks\":[7,3,3,3,3,7,5,7,7,3,3,3,3,3,3,7,7,7,3,7],\"e\":[3,6,3,3,6,4,3,4,6,4,3,3,6,"
                                         "3,4,3,4,3,3,6],\"d\":[2,4,2,4,4],\"r\":152}",
                                         "{\"wid\":null,\"ks\":[7,3,3,3,3,7,3,5,5,5,5,3,5,5,3,5,5,5,3,7],\"e\":[4,4,3,3,6,3,6,4,4,4,4,3,3,"
                                         "4,6,4,6,3,3,3],\"d\":[2,4,3,4,4],\"r\":152}",
                                         "{\"wid\":null,\"ks\":[3,3,7,7,7,7,7,7,5,7,3,3,3,5,5,3,3,7,3,3],\"e\":[3,3,4,6,6,6,4,3,6,3,3,3,3,"
                                         "3,6,3,6,6,3,3],\"d\":[4,4,3,4,2],\"r\":200}"};

/* ---- parameters ---- */

static const char *const keys[] = {"width", "classes", NULL};
enum { KEY_WIDTH, KEY_CLASSES };
#define MOST_CLASSES 100000

/* Base channels of MobileNetV3-Large, times the width multiplier. */
static int64_t channels_of(const fnas_mbv3 *mbv3, int64_t base) {
    return fnas_mbv3_round_channels(base * mbv3->width_tenths);
}

static void find_channels(fnas_mbv3 *mbv3) {
    static const int64_t bases[FNAS_MBV3_STAGES] = {24, 40, 80, 112, 160};
    mbv3->stem = mbv3->first = channels_of(mbv3, 16);
    for (int64_t stage = 0; stage < FNAS_MBV3_STAGES; stage++) mbv3->stages[stage] = channels_of(mbv3, bases[stage]);
    mbv3->last = channels_of(mbv3, 960);
    mbv3->mixed = channels_of(mbv3, 1280);
}

static fnas_status read_value(fnas_context *context, int key, const char *value, fnas_mbv3 *mbv3) {
    double width;
    if (key == KEY_CLASSES) {
        if (fnas_parse_int64(value, &mbv3->classes) && mbv3->classes >= 2 && mbv3->classes <= MOST_CLASSES) return FNAS_OK;
        return fnas_fail(context, FNAS_ERR_INPUT, "space mobilenetv3: classes=%s must be a whole number from 2 to %d", value, MOST_CLASSES);
    }
    if (!fnas_parse_double(value, &width) || (width != 1.0 && width != 1.2))
        return fnas_fail(context, FNAS_ERR_INPUT, "space mobilenetv3: width=%s must be 1.0 or 1.2", value);
    mbv3->width_tenths = width == 1.0 ? 10 : 12;
    return FNAS_OK;
}

static fnas_status read_parameters(fnas_context *context, const char *parameters, fnas_mbv3 *mbv3) {
    uint32_t seen = 0;
    for (;;) {
        int key;
        char value[64];
        FNAS_TRY(fnas_space_next_option(context, "mobilenetv3", keys, &parameters, &seen, &key, value, sizeof value));
        if (key < 0) return FNAS_OK;
        FNAS_TRY(read_value(context, key, value, mbv3));
    }
}

static fnas_status mbv3_open(fnas_context *context, const char *parameters, const fnas_space *previous, fnas_space *space) {
    static const fnas_mbv3 defaults = {.width_tenths = 12, .classes = 1000};
    fnas_mbv3 *mbv3 = fnas_allocate(1, sizeof *mbv3);
    space->detail = mbv3;
    space->decisions = fnas_allocate(FNAS_MBV3_DECISIONS, sizeof *space->decisions);
    if (!mbv3 || !space->decisions) return fnas_fail_memory(context, "a space");
    *mbv3 = previous ? *(const fnas_mbv3 *)previous->detail : defaults;
    FNAS_TRY(read_parameters(context, parameters, mbv3));
    find_channels(mbv3);
    space->decision_count = FNAS_MBV3_DECISIONS;
    for (int64_t d = 0; d < FNAS_MBV3_DECISIONS; d++) {
        space->decisions[d] = decision_at(d);
        space->onehot_size += space->decisions[d].choice_count;
    }
    space->image[0] = 3;
    space->image[1] = space->image[2] = FNAS_MBV3_RESOLUTION_MAX;
    space->classes = mbv3->classes;
    char spec[96];
    snprintf(spec, sizeof spec, "mobilenetv3:width=%" PRId64 ".%" PRId64 ",classes=%" PRId64, mbv3->width_tenths / 10,
             mbv3->width_tenths % 10, mbv3->classes);
    space->spec = fnas_strdup(spec);
    return space->spec ? FNAS_OK : fnas_fail_memory(context, "a space");
}

static void mbv3_image_of(const fnas_space *space, const int32_t *choices, int64_t image[3]) {
    (void)space;
    image[1] = image[2] = fnas_mbv3_resolution(choices[FNAS_MBV3_RESOLUTION]);
}

static void mbv3_close(fnas_space *space) {
    fnas_free(space->detail);
}

const fnas_mbv3 *fnas_mbv3_of(const fnas_space *space) {
    return space->type == &fnas_space_mobilenetv3 ? space->detail : NULL;
}

const fnas_space_type fnas_space_mobilenetv3 = {.name = "mobilenetv3",
                                                .open = mbv3_open,
                                                .close = mbv3_close,
                                                .parse = fnas_mbv3_parse,
                                                .format = fnas_mbv3_format,
                                                .canonical = fnas_mbv3_settle,
                                                .settle = fnas_mbv3_settle,
                                                .settled_count = fnas_mbv3_settled_count,
                                                .settled_random = fnas_mbv3_settled_random,
                                                .macs = fnas_mbv3_macs,
                                                .params = fnas_mbv3_params,
                                                .declare = fnas_mbv3_declare,
                                                .record = fnas_mbv3_record,
                                                .image_of = mbv3_image_of,
                                                .measured_only = true,
                                                .cost_feature_count = fnas_mbv3_cost_feature_count,
                                                .cost_features = fnas_mbv3_cost_features,
                                                .cost_features_vjp = fnas_mbv3_cost_features_vjp,
                                                .encodings = fnas_mbv3_encodings,
                                                .reference_archs = references,
                                                .reference_count = sizeof references / sizeof *references};
