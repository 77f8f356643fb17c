/* A program that measures networks for us (its duties: docs/devices.md): started anew for each sample, or once and asked line by line.
 * The logits that it computes are compared with ours where it is given a place for them. */
#ifndef FNAS_DEVICE_COMMAND_H
#define FNAS_DEVICE_COMMAND_H

#include "device/answer.h"
#include "space/space.h"

/* Borrowed by what is made of it. */
typedef struct fnas_command_setting {
    const char *command;   /* as the user wrote it: fnas_words_split */
    const char *field;     /* of JSON answers, or NULL */
    const char *precision; /* "f32", "f16", "bf16", "int8": how far logits may be off */
    bool with_energy, serve;
    double timeout_s; /* of a sample */
    int64_t batch, threads, classes;
    bool has_networks;  /* of the space: without, the program is told of architectures only */
    int64_t vocabulary; /* above 0: networks translate (`classes` is as much), and read sentences instead of images */
} fnas_command_setting;

typedef struct fnas_command fnas_command;

/* Reads and checks the command; starts nothing yet. Files pass through `folder` (borrowed), in which IMAGES lies. Owned:
 * fnas_command_destroy. Errors: FNAS_ERR_INPUT (placeholders that are missing or of no use, fnas_words_split's), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_command_create(fnas_context *context, const fnas_command_setting *setting, const char *folder,
                                               fnas_command **command);
void fnas_command_destroy(fnas_command *command); /* ends a program that serves; NULL is allowed */

#define FNAS_COMMAND_IMAGES "images.f32" /* [batch, C, H, W] in the space's size */
#define FNAS_COMMAND_IMAGES_BYTES 64
/* The file of images in this size: FNAS_COMMAND_IMAGES, or "images-176x176.f32" where that is not the space's own. */
void fnas_command_images_name(const fnas_space *space, const int64_t image[3], char name[FNAS_COMMAND_IMAGES_BYTES]);
#define FNAS_COMMAND_SENTENCES "sentences.i64" /* batch, length, source [batch][length], target [batch][length], little-endian */
#define FNAS_COMMAND_ENCODER ".onnx"           /* of networks that translate; of images the whole network */
#define FNAS_COMMAND_DECODER ".decoder.onnx"
bool fnas_command_wants_files(const fnas_command *command);
bool fnas_command_checks_logits(const fnas_command *command);
double fnas_command_logits_bound(const char *precision); /* of their difference: |theirs - ours| / |ours|, Euclidean */

/* One sample of the architecture `arch` (its native string), whose network is in FOLDER/NAME.onnx where files are wanted, and takes
 * the images in FOLDER/IMAGES. *difference: of
 * its logits from those in FOLDER/NAME.logits; NaN when they are not compared. Errors: FNAS_ERR_INPUT for whatever the program does wrong
 * (fnas_process_*, fnas_answer_parse; no logits, logits that are not finite, too far off, or nearer to the network before),
 * FNAS_INTERRUPTED, FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_command_sample(fnas_context *context, fnas_command *command, const char *name, const char *images,
                                               const char *arch, fnas_answer *answer, double *difference);

#endif
