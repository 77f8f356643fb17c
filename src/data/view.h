/* What is shown of a picture: the part of it, mirrored or not, and what is done to its colours. */
#ifndef FNAS_DATA_VIEW_H
#define FNAS_DATA_VIEW_H

#include "base/random.h"
#include "data/resize.h"

/* The view of a picture of a certain extent, in its own pixels. */
typedef struct fnas_view {
    fnas_axis down, across;
    bool flip;
    bool changes_colours, saturation_first;
    double brightness, saturation; /* factors */
} fnas_view;

/* For evaluation: the picture is resized until an image of height / 0.875 x width / 0.875 (rounded; a square one: until its shorter side is
 * that long) fits in, and its centre cut out. Szegedy et al. 2016 and everybody since. */
fnas_view fnas_view_centre(int64_t picture_height, int64_t picture_width, int64_t height, int64_t width);

/* All of a picture in another size, as it is. */
fnas_view fnas_view_whole(int64_t picture_height, int64_t picture_width, int64_t height, int64_t width);

/* For training: a random part of 8 to 100 % of the area with sides 3:4 to 4:3, after ten failed draws the largest such part of the centre
 * (Szegedy et al. 2015), mirrored with probability 1/2; brightness times 1 - 32/255 .. 1 + 32/255 and saturation times 0.5 .. 1.5, in
 * either order: the colour distortion that Once-for-All calls "tf" (Cai et al. 2020). Always draws as much from `random` as it needs
 * for the part, then one draw each for the rest. */
fnas_view fnas_view_random(fnas_random random, int64_t picture_height, int64_t picture_width, int64_t height, int64_t width);

/* The least of a picture's pixels that fall on one of the outcome, in either direction: above 1 the picture has more than are needed. */
double fnas_view_step(const fnas_view *view);

/* Shows a picture that was decoded at eighths / 8 of the extent that the view was made for: image [3, height, width] of 0..255. Errors:
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_view_show(fnas_context *context, const fnas_view *view, const fnas_picture *picture, int64_t eighths,
                                          float *image);

#endif
