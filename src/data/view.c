#include "data/view.h"

#include <math.h>

#define FNAS_CENTRE 0.875 /* of the resized picture, that is shown in evaluation */
#define FNAS_AREA_LEAST 0.08
#define FNAS_RATIO_MOST (4.0 / 3.0) /* of width to height; the least is its inverse */
#define FNAS_PART_DRAWS 10
#define FNAS_BRIGHTNESS (32.0 / 255.0)
#define FNAS_SATURATION 0.5

/* ---- evaluation ---- */

/* Of a picture `from` pixels long, resized to `resized`, the middle `count`. */
static fnas_axis fnas_middle(int64_t from, int64_t resized, int64_t count) {
    double step = (double)from / (double)resized;
    return (fnas_axis){.start = rint((double)(resized - count) / 2) * step, .step = step, .high = from, .count = count};
}

fnas_view fnas_view_centre(int64_t picture_height, int64_t picture_width, int64_t height, int64_t width) {
    int64_t down = llround((double)height / FNAS_CENTRE), across = llround((double)width / FNAS_CENTRE);
    if (down * picture_width >= across * picture_height) /* the height decides, the rest of the width is cut off */
        across = down * picture_width / picture_height;
    else
        down = across * picture_height / picture_width;
    return (fnas_view){.down = fnas_middle(picture_height, down, height), .across = fnas_middle(picture_width, across, width)};
}

/* ---- training ---- */

static double fnas_draw_between(fnas_random *random, double least, double most) {
    return least + (most - least) * fnas_random_uniform(random);
}

/* A part of a picture. */
typedef struct fnas_cutout {
    int64_t top, left, height, width;
} fnas_cutout;

static fnas_cutout fnas_central_part(int64_t height, int64_t width) {
    fnas_cutout part = {.height = height, .width = width};
    double ratio = (double)width / (double)height;
    if (ratio > FNAS_RATIO_MOST) part.width = llround((double)height * FNAS_RATIO_MOST);
    if (ratio < 1 / FNAS_RATIO_MOST) part.height = llround((double)width * FNAS_RATIO_MOST);
    part.top = (height - part.height) / 2;
    part.left = (width - part.width) / 2;
    return part;
}

static fnas_cutout fnas_draw_part(fnas_random *random, int64_t height, int64_t width) {
    for (int draw = 0; draw < FNAS_PART_DRAWS; draw++) {
        double area = fnas_draw_between(random, FNAS_AREA_LEAST, 1) * (double)height * (double)width;
        double ratio = exp(fnas_draw_between(random, -log(FNAS_RATIO_MOST), log(FNAS_RATIO_MOST)));
        fnas_cutout part = {.height = llround(sqrt(area / ratio)), .width = llround(sqrt(area * ratio))};
        if (part.height < 1 || part.width < 1 || part.height > height || part.width > width) continue;
        part.top = fnas_random_below(random, height - part.height + 1);
        part.left = fnas_random_below(random, width - part.width + 1);
        return part;
    }
    return fnas_central_part(height, width);
}

static fnas_axis fnas_stretch(int64_t first, int64_t length, int64_t count) {
    return (fnas_axis){
        .start = (double)first, .step = (double)length / (double)count, .low = first, .high = first + length, .count = count};
}

fnas_view fnas_view_whole(int64_t picture_height, int64_t picture_width, int64_t height, int64_t width) {
    return (fnas_view){.down = fnas_stretch(0, picture_height, height), .across = fnas_stretch(0, picture_width, width)};
}

fnas_view fnas_view_random(fnas_random random, int64_t picture_height, int64_t picture_width, int64_t height, int64_t width) {
    fnas_cutout part = fnas_draw_part(&random, picture_height, picture_width);
    fnas_view view = {
        .down = fnas_stretch(part.top, part.height, height), .across = fnas_stretch(part.left, part.width, width), .changes_colours = true};
    view.flip = fnas_random_u32(&random) & 1;
    view.saturation_first = fnas_random_u32(&random) & 1;
    view.brightness = fnas_draw_between(&random, 1 - FNAS_BRIGHTNESS, 1 + FNAS_BRIGHTNESS);
    view.saturation = fnas_draw_between(&random, 1 - FNAS_SATURATION, 1 + FNAS_SATURATION);
    return view;
}

/* ---- colours ---- */

static float fnas_within_byte(float value) {
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

static void fnas_brighten(float factor, float rgb[3]) {
    for (int c = 0; c < 3; c++) rgb[c] = fnas_within_byte(factor * rgb[c]);
}

/* Away from, or towards, the pixel's grey (ITU-R BT.601). */
static void fnas_saturate(float factor, float rgb[3]) {
    float grey = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    for (int c = 0; c < 3; c++) rgb[c] = fnas_within_byte(grey + factor * (rgb[c] - grey));
}

static void fnas_change_colours(const fnas_view *view, int64_t area, float *image) {
    float brightness = (float)view->brightness, saturation = (float)view->saturation;
    for (int64_t k = 0; k < area; k++) {
        float rgb[3] = {image[k], image[area + k], image[2 * area + k]};
        if (view->saturation_first) fnas_saturate(saturation, rgb);
        fnas_brighten(brightness, rgb);
        if (!view->saturation_first) fnas_saturate(saturation, rgb);
        for (int c = 0; c < 3; c++) image[c * area + k] = rgb[c];
    }
}

static void fnas_mirror(int64_t rows, int64_t width, float *image) {
    for (float *row = image; row < image + rows * width; row += width)
        for (int64_t x = 0; x < width / 2; x++) {
            float kept = row[x];
            row[x] = row[width - 1 - x];
            row[width - 1 - x] = kept;
        }
}

/* ---- showing ---- */

double fnas_view_step(const fnas_view *view) {
    return fmin(view->down.step, view->across.step);
}

/* The axis in a picture that was decoded smaller, `length` pixels long. */
static fnas_axis fnas_scaled(const fnas_axis *axis, double scale, int64_t length) {
    fnas_axis scaled = *axis;
    scaled.start *= scale;
    scaled.step *= scale;
    scaled.low = (int64_t)floor((double)axis->low * scale);
    scaled.high = (int64_t)ceil((double)axis->high * scale);
    if (scaled.high > length) scaled.high = length;
    return scaled;
}

fnas_status fnas_view_show(fnas_context *context, const fnas_view *view, const fnas_picture *picture, int64_t eighths, float *image) {
    double scale = (double)eighths / 8;
    fnas_axis down = fnas_scaled(&view->down, scale, picture->height), across = fnas_scaled(&view->across, scale, picture->width);
    FNAS_TRY(fnas_resample(context, picture, &down, &across, image));
    if (view->flip) fnas_mirror(FNAS_PICTURE_CHANNELS * down.count, across.count, image);
    if (view->changes_colours) fnas_change_colours(view, down.count * across.count, image);
    return FNAS_OK;
}
