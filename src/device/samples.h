/* Samples of a measurement by command, in an SQLite file as they come, so that a measurement that dies goes on where it was. What has been
 * added for half a second is on the disk. */
#ifndef FNAS_DEVICE_SAMPLES_H
#define FNAS_DEVICE_SAMPLES_H

#include <stddef.h>

#include "base/error.h"

typedef struct fnas_samples fnas_samples;

typedef struct fnas_samples_setting {
    const char *key, *value;
} fnas_samples_setting;

/* When in its measurement a sample was taken: the part (number of its first architecture), the round, the turn within the round. */
typedef struct fnas_samples_turn {
    int64_t part, round, turn;
} fnas_samples_turn;

typedef struct fnas_sample {
    int64_t arch;                     /* -1: the returning architecture that shows drift */
    double ms, energy_mj, difference; /* energy and difference (of logits): NaN when unknown */
} fnas_sample;

/* Opens or makes the file. All settings must be those that it was made with. Owned: fnas_samples_close. Errors: FNAS_ERR_INPUT (another
 * measurement's samples: names the setting and both values; another version's; not such a file), FNAS_ERR_IO (not writable; in use),
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_samples_open(fnas_context *context, const char *path, int64_t count, const fnas_samples_setting *settings,
                                             fnas_samples **samples);

/* Removes all samples and settings from the file, also those of another version and what a damaged file still holds of some; where there
 * is none, none is made. A file and not its name: who measures into it is not cut off from it. Errors: as fnas_samples_open. */
FNAS_NODISCARD fnas_status fnas_samples_forget(fnas_context *context, const char *path);

/* The first value that is held for the key stays; another is refused with FNAS_ERR_INPUT. */
FNAS_NODISCARD fnas_status fnas_samples_hold(fnas_context *context, fnas_samples *samples, const char *key, const char *value);
/* What is held for the key, or "". */
FNAS_NODISCARD fnas_status fnas_samples_held(fnas_context *context, fnas_samples *samples, const char *key, char *text, size_t size_bytes);

/* Whether the sample was taken already. */
FNAS_NODISCARD fnas_status fnas_samples_find(fnas_context *context, fnas_samples *samples, fnas_samples_turn turn, bool *found,
                                             fnas_sample *sample);
FNAS_NODISCARD fnas_status fnas_samples_add(fnas_context *context, fnas_samples *samples, fnas_samples_turn turn,
                                            const fnas_sample *sample);

/* Writes what is left. NULL is allowed. Errors: FNAS_ERR_IO. */
FNAS_NODISCARD fnas_status fnas_samples_close(fnas_context *context, fnas_samples *samples);

#endif
