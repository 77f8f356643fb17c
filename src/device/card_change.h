/* Cards made of cards. */
#ifndef FNAS_DEVICE_CARD_CHANGE_H
#define FNAS_DEVICE_CARD_CHANGE_H

#include "device/card.h"
#include "space/arch_set.h"

/* Whether a measurement is of the card's device, as far as the facts of `now` tell (name, runtime, runtime_version, processor, precision,
 * isa, statistic: NULL is not compared; batch, threads), and has energies where the card's measurements have. FNAS_ERR_INPUT names what
 * differs. */
FNAS_NODISCARD fnas_status fnas_card_check_same(fnas_context *context, const fnas_card *card, const fnas_card_view *now, bool with_energy);

/* Whether none of the listed architectures is among the card's measurements already. FNAS_ERR_INPUT names `where` and the first that is. */
FNAS_NODISCARD fnas_status fnas_card_check_new(fnas_context *context, const fnas_card *card, const char *where,
                                               const fnas_arch_set *listed);

/* The card with the measurements of another one of the same device and the same references behind its own; its references stay as they
 * are. The noise is that of the larger of the two; protocol.added says how the new ones were measured. Owned: fnas_card_free. Errors:
 * FNAS_ERR_INPUT (another device), FNAS_ERR_NUMERIC (the references take more than 15 % more or less time in the median),
 * FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_card_add(fnas_context *context, const fnas_card *card, const fnas_card *measured, fnas_card **sum);

#endif
