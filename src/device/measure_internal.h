/* One measurement, from its options to its card. */
#ifndef FNAS_DEVICE_MEASURE_INTERNAL_H
#define FNAS_DEVICE_MEASURE_INTERNAL_H

#include "device/card.h"
#include "device/command_timing.h"
#include "device/timing.h"

#define FNAS_MEASURE_NAME_BYTES 128
#define FNAS_MEASURE_DRIFT_LIMIT 0.15 /* relative change of the statistic of an architecture that is measured again */
#define FNAS_MEASURE_IMAGES 16 /* for calibration: enough for statistics that keep activations in range; latency asks no more of them */

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

/* How a card's device was measured, so that this machine can measure it anew: rounds 0 is the default. The plan is without architectures
 * and images. Errors as fnas_device_check_here. */
FNAS_NODISCARD fnas_status fnas_measurement_of_card(fnas_context *context, const fnas_space *space, const fnas_card *card, int64_t rounds,
                                                    fnas_measurement *measuring);
void fnas_measurement_release(fnas_measurement *measuring);

/* The vocabulary that networks of a card's device have, as its protocol says; 0 where they do not translate. FNAS_ERR_INPUT where it does
 * not say it as it should; messages name the device. */
FNAS_NODISCARD fnas_status fnas_measurement_vocabulary(fnas_context *context, const fnas_space *space, const fnas_card *card,
                                                       int64_t *vocabulary);

/* FNAS_ERR_NUMERIC where the machine's speed changed meanwhile. */
FNAS_NODISCARD fnas_status fnas_measurement_check_drift(const fnas_measurement *measuring);

/* Owned: fnas_card_free. Errors: FNAS_ERR_INPUT (a data set's name that no card can hold), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_measurement_card(const fnas_measurement *measuring, fnas_card **card);

#endif
