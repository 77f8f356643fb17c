/* One measurement, from its options to its card. */
#ifndef FNAS_DEVICE_MEASURE_INTERNAL_H
#define FNAS_DEVICE_MEASURE_INTERNAL_H

#include "device/card.h"
#include "device/command_timing.h"
#include "device/timing.h"

#define FNAS_MEASURE_NAME_BYTES 128
#define FNAS_MEASURE_DRIFT_LIMIT 0.15 /* relative change of the statistic of an architecture that is measured again */

typedef struct fnas_measurement {
    fnas_context *context;
    const char *name;
    char stage[FNAS_MEASURE_NAME_BYTES + 16], data_name[FNAS_MEASURE_NAME_BYTES];
    fnas_timing_plan plan;
    fnas_timing_result result;
    bool by_command;
    fnas_command_setting command; /* of a measurement by command */
    fnas_command_facts facts;
    int32_t *choices; /* references, then the others */
    float *images;
    int64_t others;
} fnas_measurement;

/* The card's latency of an architecture. */
double fnas_measurement_latency(const fnas_measurement *measuring, int64_t arch);

/* Owned: fnas_card_free. Errors: FNAS_ERR_INPUT (a data set's name that no card can hold), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_measurement_card(const fnas_measurement *measuring, fnas_card **card);

#endif
