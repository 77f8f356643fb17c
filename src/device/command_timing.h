/* Timing architectures by a program: interleaved rounds as in timing.h, one call a sample, each sample kept on the disk as it comes. */
#ifndef FNAS_DEVICE_COMMAND_TIMING_H
#define FNAS_DEVICE_COMMAND_TIMING_H

#include "device/command.h"
#include "device/timing.h"

#define FNAS_COMMAND_DRIFT_EVERY 16 /* architectures between two samples of the drift architecture */

/* What only the program knows, and how far its logits were off. */
typedef struct fnas_command_facts {
    fnas_answer device;        /* its texts; "" where it did not say */
    bool checks_logits;        /* every sample's were compared */
    double largest_difference; /* of a sample's logits (command.h); NaN when not compared */
    bool samples_kept;         /* the file has some that this measurement goes on from: also set when it fails */
} fnas_command_facts;

/* plan->runtime, precision and isa are not used. Samples go to the file samples_path and are taken from it where they are there; it stays,
 * also on success. image_source names the images. In the result cpu_ms and wall_ms are both what the program said, energy_mj is set where
 * it was asked for. Errors: FNAS_ERR_INPUT (the program's and the file's, naming the architecture), FNAS_INTERRUPTED, and those of
 * fnas_timing_run. Release the result with fnas_timing_result_free, also after a failure. */
FNAS_NODISCARD fnas_status fnas_command_timing_run(fnas_context *context, const fnas_timing_plan *plan, const fnas_command_setting *setting,
                                                   const char *samples_path, const char *image_source, fnas_timing_result *result,
                                                   fnas_command_facts *facts);

#endif
