/* MobileNetV3 as Once-for-All makes it elastic (Cai et al. 2020; Howard et al. 2019): a stem and a fixed block, five stages of two to four
 * inverted residual units, whose kernels and expansions are chosen one by one, and a head; the resolution of the image is chosen, too.
 * Twenty slots hold the choices of the units, four a stage; those beyond a stage's depth mean nothing. */
#ifndef FNAS_SPACE_MOBILENETV3_MOBILENETV3_H
#define FNAS_SPACE_MOBILENETV3_MOBILENETV3_H

#include "space/space.h"

#define FNAS_MBV3_STAGES 5
#define FNAS_MBV3_STAGE_SLOTS 4
#define FNAS_MBV3_SLOTS (FNAS_MBV3_STAGES * FNAS_MBV3_STAGE_SLOTS)
#define FNAS_MBV3_CHOICES 3 /* of a depth, a kernel, an expansion */
#define FNAS_MBV3_KERNEL_MAX 7
#define FNAS_MBV3_EXPANSION_MAX 6
#define FNAS_MBV3_RESOLUTIONS_MAX 64

/* Decisions, in this order. */
enum {
    FNAS_MBV3_RESOLUTION,
    FNAS_MBV3_DEPTH,
    FNAS_MBV3_KERNEL = FNAS_MBV3_DEPTH + FNAS_MBV3_STAGES,
    FNAS_MBV3_EXPANSION = FNAS_MBV3_KERNEL + FNAS_MBV3_SLOTS,
    FNAS_MBV3_DECISIONS = FNAS_MBV3_EXPANSION + FNAS_MBV3_SLOTS
};

/* What the choices stand for. */
extern const int64_t fnas_mbv3_depths[FNAS_MBV3_CHOICES], fnas_mbv3_kernels[FNAS_MBV3_CHOICES], fnas_mbv3_expansions[FNAS_MBV3_CHOICES];

typedef struct fnas_mbv3 {
    int64_t width_hundredths, classes;
    int64_t resolution_first, resolution_step, resolution_count;
    int64_t stem, first, stages[FNAS_MBV3_STAGES], last, mixed; /* channels */
    char resolution_text[FNAS_MBV3_RESOLUTIONS_MAX][8];
    const char *resolution_names[FNAS_MBV3_RESOLUTIONS_MAX];
    int32_t *references; /* [references][FNAS_MBV3_DECISIONS], owned; NULL: those of the type, as they are */
} fnas_mbv3;

int64_t fnas_mbv3_resolution(const fnas_mbv3 *mbv3, int32_t choice);
int64_t fnas_mbv3_largest_resolution(const fnas_mbv3 *mbv3);
/* The choice of a resolution, or -1. */
int32_t fnas_mbv3_resolution_choice(const fnas_mbv3 *mbv3, int64_t resolution);

/* The nearest multiple of 8 to a number of channels, from 8 on, and never less than nine tenths of it (OFA's make_divisible). */
int64_t fnas_mbv3_round_channels(int64_t hundredths);
/* Channels behind the reduction of squeeze-and-excitation. */
int64_t fnas_mbv3_squeezed(int64_t channels);
bool fnas_mbv3_stage_squeezes(int64_t stage);
bool fnas_mbv3_is_active(const int32_t *choices, int64_t slot);

/* ---- blocks.c: what a network is made of; counts, recordings and latency tables all go by this list ---- */

typedef enum fnas_mbv3_kind {
    FNAS_MBV3_STEM,      /* 3x3 convolution with stride 2, norm, h-swish */
    FNAS_MBV3_UNIT,      /* inverted residual */
    FNAS_MBV3_LAST,      /* 1x1 convolution, norm, h-swish */
    FNAS_MBV3_POOL,      /* global average */
    FNAS_MBV3_MIX,       /* 1x1 convolution of one pixel, h-swish */
    FNAS_MBV3_CLASSIFIER /* linear layer with bias */
} fnas_mbv3_kind;

typedef struct fnas_mbv3_block {
    fnas_mbv3_kind kind;
    fnas_value_shape in, out;
    /* Of a UNIT: 1x1 to `middle` channels (left out where that is those of the input), depthwise kernel with the stride, squeeze and
     * excitation, 1x1 to the output, to which the input is added where skip says so. */
    int64_t slot; /* -1: the fixed block */
    int64_t middle, kernel, stride;
    bool skip, squeeze, hard_swish; /* else ReLU */
} fnas_mbv3_block;

#define FNAS_MBV3_BLOCKS_MAX (2 + FNAS_MBV3_SLOTS + 4)
/* Blocks of an architecture in order; returns how many. */
int64_t fnas_mbv3_blocks(const fnas_mbv3 *mbv3, const int32_t *choices, fnas_mbv3_block blocks[FNAS_MBV3_BLOCKS_MAX]);

/* Architectures 0..count-1 of a resolution that together have every block there is at it, each slot's nine choices once. */
#define FNAS_MBV3_COVERING 9
void fnas_mbv3_covering(int32_t resolution, int64_t index, int32_t choices[FNAS_MBV3_DECISIONS]);

/* NULL for a space that is not mobilenetv3. */
const fnas_mbv3 *fnas_mbv3_of(const fnas_space *space);

/* ---- arch.c: OFA's JSON both ways, and which choices matter ---- */
fnas_status fnas_mbv3_parse(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices);
fnas_status fnas_mbv3_format(fnas_context *context, const fnas_space *space, const int32_t *choices, char *text, size_t size_bytes);
extern const fnas_space_own_format fnas_mbv3_formats[]; /* "ofa" */
void fnas_mbv3_settle(const fnas_space *space, int32_t *choices);
double fnas_mbv3_settled_count(const fnas_space *space);
void fnas_mbv3_settled_random(const fnas_space *space, fnas_random *random, int32_t *choices);

/* ---- count.c ---- */
int64_t fnas_mbv3_macs(const fnas_space *space, const int32_t *choices);
int64_t fnas_mbv3_params(const fnas_space *space, const int32_t *choices);

/* ---- supernet.c: parts of the recorded net are the blocks, by their number ---- */
fnas_status fnas_mbv3_declare(fnas_context *context, const fnas_space *space, fnas_parameters *parameters);
fnas_status fnas_mbv3_record(fnas_context *context, const fnas_space *space, const int32_t *choices, fnas_net **net);

/* ---- reorder.c: the middle channels of each unit, and the reduced ones of its squeeze and excitation, by importance, those that matter
 * most first: in the weights and in `moment`, which is laid out as they are. The largest network computes the same as before. ---- */
fnas_status fnas_mbv3_reorder(fnas_context *context, fnas_parameters *weights, float *moment);

/* ---- names.c: OFA's names of the shared weights ---- */
fnas_published fnas_mbv3_from_published(const char *published, char *name, size_t size_bytes);
bool fnas_mbv3_to_published(const char *name, char *published, size_t size_bytes);

/* ---- cost.c ---- */

/* Where rows of the one-hot begin behind that of the resolution, which has resolution_count. */
#define FNAS_MBV3_DEPTH_ROW(stage) ((stage)*FNAS_MBV3_CHOICES)
#define FNAS_MBV3_KERNEL_ROW(slot) FNAS_MBV3_DEPTH_ROW(FNAS_MBV3_STAGES + (slot))
#define FNAS_MBV3_EXPANSION_ROW(slot) FNAS_MBV3_KERNEL_ROW(FNAS_MBV3_SLOTS + (slot))

/* How far D makes a slot's stage reach it: 0 or 1 for a one-hot. rows: those behind the resolution's. vjp: adds to diff_rows. */
double fnas_mbv3_activity(const double *rows, int64_t slot);
void fnas_mbv3_activity_vjp(int64_t slot, double diff_activity, double *diff_rows);

int64_t fnas_mbv3_cost_feature_count(const fnas_space *space);
void fnas_mbv3_cost_features(const fnas_space *space, const double *onehot, double *features);
void fnas_mbv3_cost_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);

/* ---- encode.c: "ofa", and "onehot" ---- */
extern const fnas_space_encoding fnas_mbv3_encodings[];

#endif
