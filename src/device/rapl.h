/* Energy of the processor's packages, from the counters that Linux shows (RAPL, "running average power limit": Intel since Sandy Bridge,
 * AMD since Zen; rarely in virtual machines; readable by root alone unless allowed). */
#ifndef FNAS_DEVICE_RAPL_H
#define FNAS_DEVICE_RAPL_H

#include "base/error.h"

#define FNAS_RAPL_FOLDER "/sys/class/powercap"
#define FNAS_RAPL_PACKAGES_MAX 16

typedef struct fnas_rapl {
    int64_t count;
    int files[FNAS_RAPL_PACKAGES_MAX]; /* descriptors of the counters */
    uint64_t ranges_uj[FNAS_RAPL_PACKAGES_MAX], last_uj[FNAS_RAPL_PACKAGES_MAX];
    double total_mj; /* since it was opened, as of the last reading */
} fnas_rapl;

/* The counters of all packages in a folder. Errors: FNAS_ERR_UNSUPPORTED (there are none, or they may not be read: the message says which),
 * FNAS_ERR_IO. Released by fnas_rapl_close, also after a failure. */
FNAS_NODISCARD fnas_status fnas_rapl_open(fnas_context *context, const char *folder, fnas_rapl *rapl);
void fnas_rapl_close(fnas_rapl *rapl);

/* Millijoules that all packages together used since they were opened. Counters wrap: read more often than once a minute. */
FNAS_NODISCARD fnas_status fnas_rapl_read(fnas_context *context, fnas_rapl *rapl, double *total_mj);

#endif
