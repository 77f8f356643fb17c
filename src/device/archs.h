/* Which architectures are measured. */
#ifndef FNAS_DEVICE_ARCHS_H
#define FNAS_DEVICE_ARCHS_H

#include "base/error.h"
#include "device/card.h"
#include "fleetnas/space.h"
#include "space/arch_set.h"

/* Ten references into choices [FNAS_CARD_REFERENCES][decisions]: from a JSON file (an array of native strings, or an object with
 * reference_archs), or the space's own (path NULL). Distinct. FNAS_ERR_INPUT names file and entry. */
FNAS_NODISCARD fnas_status fnas_archs_references(fnas_context *context, const fnas_space *space, const char *path, int32_t *choices);

#define FNAS_ARCHS_LISTED_MOST 15000

/* Distinct architectures in the order of a file of the same form, 1 to FNAS_ARCHS_LISTED_MOST. Released by fnas_arch_set_free, also after a
 * failure. FNAS_ERR_INPUT names file and entry. */
FNAS_NODISCARD fnas_status fnas_archs_listed(fnas_context *context, const fnas_space *space, const char *path, fnas_arch_set *list);

/* `count` distinct random architectures that are none of the taken ones [taken_count][decisions], the first ones of a sequence that is the
 * same for equal seeds, into choices [count][decisions]. FNAS_ERR_INPUT when the space has not so many. */
FNAS_NODISCARD fnas_status fnas_archs_random(fnas_context *context, const fnas_space *space, uint64_t seed, int64_t taken_count,
                                             const int32_t *taken, int64_t count, int32_t *choices);

#endif
