#include "space/mobilenetv3/mobilenetv3.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* ---- decisions ---- */

static const char *const depth_names[] = {"2", "3", "4"}, *const kernel_names[] = {"3", "5", "7"},
                         *const expansion_names[] = {"3", "4", "6"};
/* As the columns of tables are called that tell architectures by number. */
static const char *const decision_names[FNAS_MBV3_DECISIONS] = {
    "r",    "d0",   "d1",   "d2",   "d3",   "d4",   "ks0",  "ks1",  "ks2",  "ks3",  "ks4", "ks5", "ks6", "ks7", "ks8", "ks9",
    "ks10", "ks11", "ks12", "ks13", "ks14", "ks15", "ks16", "ks17", "ks18", "ks19", "e0",  "e1",  "e2",  "e3",  "e4",  "e5",
    "e6",   "e7",   "e8",   "e9",   "e10",  "e11",  "e12",  "e13",  "e14",  "e15",  "e16", "e17", "e18", "e19"};

static fnas_decision decision_at(const fnas_mbv3 *mbv3, int64_t d) {
    if (d == FNAS_MBV3_RESOLUTION) return (fnas_decision){decision_names[d], mbv3->resolution_count, mbv3->resolution_names};
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

static const char *const keys[] = {"width", "classes", "resolutions", NULL};
enum { KEY_WIDTH, KEY_CLASSES, KEY_RESOLUTIONS };
#define MOST_CLASSES 100000
#define LEAST_WIDTH 10 /* hundredths */
#define MOST_WIDTH 200
#define LEAST_RESOLUTION 16
#define MOST_RESOLUTION 1024

static const fnas_mbv3 defaults = {
    .width_hundredths = 120, .classes = 1000, .resolution_first = 128, .resolution_step = 4, .resolution_count = 25};

/* Base channels of MobileNetV3-Large, times the width multiplier. */
static int64_t channels_of(const fnas_mbv3 *mbv3, int64_t base) {
    return fnas_mbv3_round_channels(base * mbv3->width_hundredths);
}

static void find_channels(fnas_mbv3 *mbv3) {
    static const int64_t bases[FNAS_MBV3_STAGES] = {24, 40, 80, 112, 160};
    mbv3->stem = mbv3->first = channels_of(mbv3, 16);
    for (int64_t stage = 0; stage < FNAS_MBV3_STAGES; stage++) mbv3->stages[stage] = channels_of(mbv3, bases[stage]);
    mbv3->last = channels_of(mbv3, 960);
    mbv3->mixed = channels_of(mbv3, 1280);
}

static void name_resolutions(fnas_mbv3 *mbv3) {
    for (int32_t r = 0; r < mbv3->resolution_count; r++) {
        snprintf(mbv3->resolution_text[r], sizeof mbv3->resolution_text[r], "%d", (int)fnas_mbv3_resolution(mbv3, r));
        mbv3->resolution_names[r] = mbv3->resolution_text[r];
    }
}

static fnas_status read_width(fnas_context *context, const char *value, fnas_mbv3 *mbv3) {
    double width;
    if (fnas_parse_double(value, &width) && width >= LEAST_WIDTH / 100.0 && width <= MOST_WIDTH / 100.0) {
        mbv3->width_hundredths = (int64_t)floor(100.0 * width + 0.5);
        if (fabs((double)mbv3->width_hundredths - 100.0 * width) < 1e-9) return FNAS_OK;
    }
    return fnas_fail(context, FNAS_ERR_INPUT, "space mobilenetv3: width=%s must be a number from 0.1 to 2 with at most two decimals",
                     value);
}

/* FROM-TO-STEP. */
static fnas_status read_resolutions(fnas_context *context, const char *value, fnas_mbv3 *mbv3) {
    long long first, last, step;
    int used = 0;
    bool read = sscanf(value, "%5lld-%5lld-%5lld%n", &first, &last, &step, &used) == 3 && value[used] == '\0';
    if (!read || first < LEAST_RESOLUTION || last > MOST_RESOLUTION || last < first || step < 1)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "space mobilenetv3: resolutions=%s must be FROM-TO-STEP, as in 128-224-4, with pixels from %d to %d", value,
                         LEAST_RESOLUTION, MOST_RESOLUTION);
    if ((last - first) % step != 0)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "space mobilenetv3: resolutions=%s: no whole number of steps of %lld goes from %lld to %lld", value, step, first,
                         last);
    if ((last - first) / step >= FNAS_MBV3_RESOLUTIONS_MAX)
        return fnas_fail(context, FNAS_ERR_INPUT, "space mobilenetv3: resolutions=%s are %lld, at most %d may be chosen from", value,
                         (last - first) / step + 1, FNAS_MBV3_RESOLUTIONS_MAX);
    mbv3->resolution_first = first;
    mbv3->resolution_step = step;
    mbv3->resolution_count = (last - first) / step + 1;
    return FNAS_OK;
}

static fnas_status read_value(fnas_context *context, int key, const char *value, fnas_mbv3 *mbv3) {
    if (key == KEY_WIDTH) return read_width(context, value, mbv3);
    if (key == KEY_RESOLUTIONS) return read_resolutions(context, value, mbv3);
    if (fnas_parse_int64(value, &mbv3->classes) && mbv3->classes >= 2 && mbv3->classes <= MOST_CLASSES) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "space mobilenetv3: classes=%s must be a whole number from 2 to %d", value, MOST_CLASSES);
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

/* ---- opening ---- */

static bool has_default_resolutions(const fnas_mbv3 *mbv3) {
    return mbv3->resolution_first == defaults.resolution_first && mbv3->resolution_step == defaults.resolution_step &&
           mbv3->resolution_count == defaults.resolution_count;
}

/* Where other resolutions are chosen from, the references have those that stand at the same place among these. */
static fnas_status find_references(fnas_context *context, fnas_space *space, fnas_mbv3 *mbv3) {
    fnas_mbv3 usual = defaults;
    fnas_space of_usual = {.type = &fnas_space_mobilenetv3, .detail = &usual};
    int64_t count = fnas_space_mobilenetv3.reference_count;
    if (has_default_resolutions(mbv3)) return FNAS_OK;
    name_resolutions(&usual);
    mbv3->references = fnas_allocate((size_t)(count * FNAS_MBV3_DECISIONS), sizeof *mbv3->references);
    if (!mbv3->references) return fnas_fail_memory(context, "a space");
    for (int64_t i = 0; i < count; i++) {
        int32_t *choices = mbv3->references + i * FNAS_MBV3_DECISIONS;
        FNAS_TRY(fnas_mbv3_parse(context, &of_usual, references[i], choices));
        int64_t last = usual.resolution_count - 1, scaled = choices[FNAS_MBV3_RESOLUTION] * (mbv3->resolution_count - 1);
        choices[FNAS_MBV3_RESOLUTION] = (int32_t)((2 * scaled + last) / (2 * last));
    }
    space->references = mbv3->references;
    space->reference_count = count;
    return FNAS_OK;
}

static fnas_status write_spec(fnas_context *context, fnas_space *space, const fnas_mbv3 *mbv3) {
    char resolutions[64] = "", spec[160];
    /* As few decimals as say it, one at least. */
    int decimals = mbv3->width_hundredths % 10 ? 2 : 1;
    if (!has_default_resolutions(mbv3))
        snprintf(resolutions, sizeof resolutions, ",resolutions=%" PRId64 "-%" PRId64 "-%" PRId64, mbv3->resolution_first,
                 fnas_mbv3_largest_resolution(mbv3), mbv3->resolution_step);
    snprintf(spec, sizeof spec, "mobilenetv3:width=%.*f,classes=%" PRId64 "%s", decimals, (double)mbv3->width_hundredths / 100.0,
             mbv3->classes, resolutions);
    space->spec = fnas_strdup(spec);
    return space->spec ? FNAS_OK : fnas_fail_memory(context, "a space");
}

static fnas_status mbv3_open(fnas_context *context, const char *parameters, const fnas_space *previous, fnas_space *space) {
    fnas_mbv3 *mbv3 = fnas_allocate(1, sizeof *mbv3);
    space->detail = mbv3;
    space->decisions = fnas_allocate(FNAS_MBV3_DECISIONS, sizeof *space->decisions);
    if (!mbv3 || !space->decisions) return fnas_fail_memory(context, "a space");
    *mbv3 = previous ? *(const fnas_mbv3 *)previous->detail : defaults;
    mbv3->references = NULL;
    FNAS_TRY(read_parameters(context, parameters, mbv3));
    find_channels(mbv3);
    name_resolutions(mbv3);
    space->decision_count = FNAS_MBV3_DECISIONS;
    for (int64_t d = 0; d < FNAS_MBV3_DECISIONS; d++) {
        space->decisions[d] = decision_at(mbv3, d);
        space->onehot_size += space->decisions[d].choice_count;
    }
    space->image[0] = 3;
    space->image[1] = space->image[2] = fnas_mbv3_largest_resolution(mbv3);
    space->classes = mbv3->classes;
    FNAS_TRY(find_references(context, space, mbv3));
    return write_spec(context, space, mbv3);
}

static void mbv3_image_of(const fnas_space *space, const int32_t *choices, int64_t image[3]) {
    image[1] = image[2] = fnas_mbv3_resolution(space->detail, choices[FNAS_MBV3_RESOLUTION]);
}

/* As Once-for-All trains them: the full network, then with elastic kernels, depths, expansions. Its resolution is elastic from the first
 * step. */
enum { PHASE_FULL, PHASE_KERNEL, PHASE_DEPTH, PHASE_EXPANSION, PHASES };
static const char *const phase_names[] = {"full", "kernel", "depth", "expansion", NULL};
/* Published: about Once-for-All's epochs. */
static const double phase_shares[] = {4, 2, 2, 2}, phase_published[] = {180, 120, 120, 120};
_Static_assert(sizeof phase_names == (PHASES + 1) * sizeof *phase_names && sizeof phase_shares == PHASES * sizeof *phase_shares &&
                   sizeof phase_published == PHASES * sizeof *phase_published && PHASES <= FNAS_SPACE_PHASES_MAX,
               "each phase has a name and two lengths");

static void mbv3_phase_choices(const fnas_space *space, int64_t phase, int64_t decision, int32_t *first, int32_t *last) {
    (void)space;
    if (decision == FNAS_MBV3_RESOLUTION) return;
    int64_t opens = decision < FNAS_MBV3_KERNEL ? PHASE_DEPTH : decision < FNAS_MBV3_EXPANSION ? PHASE_KERNEL : PHASE_EXPANSION;
    if (phase < opens) *first = *last;
}

static fnas_status mbv3_begin_phase(fnas_context *context, const fnas_space *space, int64_t phase, fnas_parameters *weights,
                                    float *moment) {
    (void)space;
    return phase == PHASE_EXPANSION ? fnas_mbv3_reorder(context, weights, moment) : FNAS_OK;
}

static void mbv3_close(fnas_space *space) {
    fnas_mbv3 *mbv3 = space->detail;
    if (mbv3) fnas_free(mbv3->references);
    fnas_free(mbv3);
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
                                                .phase_names = phase_names,
                                                .phase_shares = phase_shares,
                                                .phase_published = phase_published,
                                                .phase_choices = mbv3_phase_choices,
                                                .begin_phase = mbv3_begin_phase,
                                                .from_published = fnas_mbv3_from_published,
                                                .to_published = fnas_mbv3_to_published,
                                                .image_of = mbv3_image_of,
                                                .cost_feature_count = fnas_mbv3_cost_feature_count,
                                                .cost_features = fnas_mbv3_cost_features,
                                                .cost_features_vjp = fnas_mbv3_cost_features_vjp,
                                                .encodings = fnas_mbv3_encodings,
                                                .formats = fnas_mbv3_formats,
                                                .reference_archs = references,
                                                .reference_count = sizeof references / sizeof *references};
