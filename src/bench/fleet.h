/* Made-up devices: cards as a measurement would write them. */
#ifndef FNAS_BENCH_FLEET_H
#define FNAS_BENCH_FLEET_H

#include "device/card.h"
#include "fleetnas/space.h"

/* The index-th device of a seed: each operation of each decision adds its own time to a constant. Measured on the space's references and on
 * `measurements` random architectures. Owned: fnas_card_free. */
FNAS_NODISCARD fnas_status fnas_fleet_card(fnas_context *context, const fnas_space *space, uint64_t seed, int64_t index,
                                           int64_t measurements, fnas_card **card);

#endif
