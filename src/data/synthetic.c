/* Images that need no file: one smooth periodic pattern a class, shifted, scaled and covered with noise. For tests and first trials. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "data/dataset.h"

#define FNAS_PI 3.14159265358979323846
#define FNAS_WAVES 3
#define FNAS_SYNTHETIC_BYTES_MAX (INT64_C(1) << 31)

typedef struct fnas_synthetic_options {
    int64_t channels, height, width, classes, images;
} fnas_synthetic_options;

/* ---- options: CxHxW[,classes=K][,images=N] ---- */

static fnas_status fnas_fail_options(fnas_context *context, const char *options, const char *part) {
    return fnas_fail(
        context, FNAS_ERR_USAGE,
        "data set synthetic:%s: \"%s\" is not understood: write synthetic:CxHxW[,classes=K][,images=N] with C 1..%d, H and W 4..%d, "
        "classes 2..1000, images 10..1000000",
        options, part, FNAS_CHANNELS_MAX, FNAS_EXTENT_MAX);
}

static bool fnas_parse_within(const char *text, int64_t least, int64_t most, int64_t *value) {
    return fnas_parse_int64(text, value) && *value >= least && *value <= most;
}

static bool fnas_parse_shape(char *text, fnas_synthetic_options *out) {
    char *rest = NULL, *channels = strtok_r(text, "x", &rest), *height = strtok_r(NULL, "x", &rest), *width = strtok_r(NULL, "x", &rest);
    return width && !strtok_r(NULL, "x", &rest) && fnas_parse_within(channels, 1, FNAS_CHANNELS_MAX, &out->channels) &&
           fnas_parse_within(height, 4, FNAS_EXTENT_MAX, &out->height) && fnas_parse_within(width, 4, FNAS_EXTENT_MAX, &out->width);
}

static bool fnas_parse_option(const char *text, fnas_synthetic_options *out) {
    if (!strncmp(text, "classes=", 8)) return fnas_parse_within(text + 8, 2, 1000, &out->classes);
    if (!strncmp(text, "images=", 7)) return fnas_parse_within(text + 7, 10, 1000000, &out->images);
    return false;
}

static fnas_status fnas_parse_parts(fnas_context *context, const char *options, char *copy, fnas_synthetic_options *out) {
    char *rest = NULL, shown[64];
    bool first = true;
    for (char *part = strtok_r(copy, ",", &rest); part || first; part = strtok_r(NULL, ",", &rest)) {
        snprintf(shown, sizeof shown, "%s", part ? part : "");
        bool understood = part && (first ? fnas_parse_shape(part, out) : fnas_parse_option(part, out));
        if (!understood) return fnas_fail_options(context, options, shown);
        first = false;
    }
    return FNAS_OK;
}

static fnas_status fnas_parse_options(fnas_context *context, const char *options, fnas_synthetic_options *out) {
    *out = (fnas_synthetic_options){.classes = 10, .images = 2000};
    char *copy = fnas_strdup(options);
    if (!copy) return fnas_fail_memory(context, "the data set's name");
    fnas_status status = fnas_parse_parts(context, options, copy, out);
    fnas_free(copy);
    if (status == FNAS_OK && out->channels * out->height * out->width * (out->images + 4 * out->classes) > FNAS_SYNTHETIC_BYTES_MAX) {
        status = fnas_fail(context, FNAS_ERR_USAGE, "data set synthetic:%s: more than 2 GB of images: ask for fewer or smaller ones",
                           options);
    }
    return status;
}

/* ---- images ---- */

/* Sum of waves with whole numbers of periods, so that shifting it around the edges leaves no seam. */
static void fnas_draw_pattern(const fnas_dataset *dataset, int64_t label, float *pattern) {
    fnas_random random = fnas_random_begin(0, FNAS_STREAM_SYNTHETIC, 0, label);
    for (int64_t c = 0; c < dataset->channels; c++) {
        for (int wave = 0; wave < FNAS_WAVES; wave++) {
            double periods_y = (double)fnas_random_below(&random, 4), periods_x = (double)(fnas_random_below(&random, 7) - 3);
            double phase = 2 * FNAS_PI * fnas_random_uniform(&random), amplitude = 25 * (0.5 + fnas_random_uniform(&random));
            for (int64_t y = 0; y < dataset->height; y++) {
                double at_y = periods_y * (double)y / (double)dataset->height;
                for (int64_t x = 0; x < dataset->width; x++) {
                    double turns = at_y + periods_x * (double)x / (double)dataset->width;
                    pattern[(c * dataset->height + y) * dataset->width + x] += (float)(amplitude * cos(2 * FNAS_PI * turns + phase));
                }
            }
        }
    }
}

/* Nearly normal with a deviation of 25: four uniform bytes summed. */
static float fnas_draw_noise(fnas_random *random) {
    uint32_t bits = fnas_random_u32(random);
    int sum = (int)(bits & 0xFF) + (int)(bits >> 8 & 0xFF) + (int)(bits >> 16 & 0xFF) + (int)(bits >> 24);
    return 0.17f * (float)(sum - 510);
}

static uint8_t fnas_to_pixel(float value) {
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5f);
}

static void fnas_draw_image(const fnas_dataset *dataset, const float *pattern, fnas_random *random, uint8_t *pixels) {
    int64_t height = dataset->height, width = dataset->width;
    int64_t down = fnas_random_below(random, height / 4 + 1), right = fnas_random_below(random, width / 4 + 1);
    float contrast = 0.6f + 0.8f * (float)fnas_random_uniform(random);
    for (int64_t c = 0; c < dataset->channels; c++) {
        for (int64_t y = 0; y < height; y++) {
            const float *row = pattern + (c * height + (y + down) % height) * width;
            for (int64_t x = 0; x < width; x++)
                *pixels++ = fnas_to_pixel(128 + contrast * row[(x + right) % width] + fnas_draw_noise(random));
        }
    }
}

static void fnas_draw_part(const fnas_dataset *dataset, const float *patterns, int64_t part, fnas_image_set *set) {
    size_t bytes = fnas_dataset_image_bytes(dataset);
    for (int64_t i = 0; i < set->count; i++) {
        fnas_random random = fnas_random_begin(0, FNAS_STREAM_SYNTHETIC, part, i);
        set->labels[i] = (int32_t)(i % dataset->classes);
        fnas_draw_image(dataset, patterns + (size_t)set->labels[i] * bytes, &random, set->pixels + (size_t)i * bytes);
    }
}

static fnas_status fnas_draw_images(fnas_context *context, fnas_dataset *dataset) {
    size_t floats = fnas_dataset_image_bytes(dataset);
    float *patterns = fnas_allocate((size_t)dataset->classes * floats, sizeof *patterns);
    if (!patterns) return fnas_fail_memory(context, "synthetic images");
    for (int64_t label = 0; label < dataset->classes; label++) fnas_draw_pattern(dataset, label, patterns + (size_t)label * floats);
    fnas_draw_part(dataset, patterns, 1, &dataset->train);
    fnas_draw_part(dataset, patterns, 2, &dataset->test);
    fnas_free(patterns);
    return FNAS_OK;
}

fnas_status fnas_synthetic_make(fnas_context *context, const char *options, fnas_dataset *dataset) {
    fnas_synthetic_options parsed;
    FNAS_TRY(fnas_parse_options(context, options, &parsed));
    fnas_text name = {0};
    fnas_text_append(&name, "synthetic:%lldx%lldx%lld,classes=%lld,images=%lld", (long long)parsed.channels, (long long)parsed.height,
                     (long long)parsed.width, (long long)parsed.classes, (long long)parsed.images);
    dataset->name = name.data;
    if (name.failed) return fnas_fail_memory(context, "the data set's name");
    dataset->channels = parsed.channels;
    dataset->height = parsed.height;
    dataset->width = parsed.width;
    dataset->classes = parsed.classes;
    FNAS_TRY(fnas_image_set_allocate(context, dataset, parsed.images, &dataset->train));
    FNAS_TRY(fnas_image_set_allocate(context, dataset, (parsed.images + 4) / 5, &dataset->test));
    return fnas_draw_images(context, dataset);
}
