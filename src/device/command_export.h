/* Networks as files for a measuring program, written by a child process: the compute library's threads and settings stay out of this one.
 */
#ifndef FNAS_DEVICE_COMMAND_EXPORT_H
#define FNAS_DEVICE_COMMAND_EXPORT_H

#include "device/timing.h"

#define FNAS_COMMAND_DRIFT "drift" /* the name of the returning architecture's files */

/* Writes to the folder, for architectures of plan->choices from `first` on until 512 MB of files are there (at least one, *count of them):
 * N.onnx and N.logits (ours, of the batch of images, by oneDNN in f32), where N is the architecture's number; the same of
 * plan->drift_choices; and the images that these take (fnas_command_images_name). Reports progress as plan->stage. Errors as
 * fnas_timing_run. */
FNAS_NODISCARD fnas_status fnas_command_export(fnas_context *context, const fnas_timing_plan *plan, const char *folder, int64_t first,
                                               int64_t *count);

#endif
