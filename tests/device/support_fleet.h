/* Made-up devices on NAS-Bench-201, and the shared tables of real ones, as what the predictor reads of cards. */
#ifndef FNAS_TESTS_DEVICE_SUPPORT_FLEET_H
#define FNAS_TESTS_DEVICE_SUPPORT_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "fleetnas/device.h"

#define FLEET_DECISIONS 6
#define FLEET_REFERENCES 10
#define FLEET_UNKNOWNS 5 /* offset, skip, 1x1, 3x3, pooling */

/* Numbers behind one view. */
typedef struct fleet_device {
    char name[32];
    bool drops_dead; /* operations that reach nothing cost nothing */
    double cost[FLEET_UNKNOWNS];
    double reference_ms[FLEET_REFERENCES];
    double *latency_ms; /* of the fleet's architectures, with noise */
    fnas_card_view view;
} fleet_device;

typedef struct test_fleet {
    fnas_context *context;
    fnas_space *space;
    int32_t references[FLEET_REFERENCES * FLEET_DECISIONS];
    int64_t arch_count;
    int32_t *archs; /* [arch_count][FLEET_DECISIONS] */
    int64_t device_count;
    fleet_device *devices;
} test_fleet;

/* [1, counts of the four costly operations], of all or of those only that lie on a way from input to output. */
void fleet_counts(const int32_t *choices, bool live, double counts[FLEET_UNKNOWNS]);
double fleet_true_ms(const fleet_device *device, const int32_t *choices);

/* Devices with costs drawn by seed and relative noise; every second drops dead operations. Asserts on failure. */
void fleet_make(fnas_context *context, test_fleet *made, int64_t devices, int64_t archs, double noise, uint64_t seed);
/* The first `archs` of a seeded permutation of the table (0: all in order). False, with a message, where FLEETNAS_TEST_DATA is not set. */
bool fleet_read_tables(fnas_context *context, test_fleet *read, int64_t archs, uint64_t seed);
void fleet_free(test_fleet *fleet);
const fleet_device *fleet_find(const test_fleet *fleet, const char *name);

#endif
