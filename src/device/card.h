/* A device card in memory: its JSON, kept whole so that keys we do not know survive, and what was read from it. */
#ifndef FNAS_DEVICE_CARD_H
#define FNAS_DEVICE_CARD_H

#include "base/json.h"
#include "fleetnas/device.h"

#define FNAS_CARD_FORMAT "fleetnas-device/1"
#define FNAS_CARD_REFERENCES 10

struct fnas_card {
    json_t *root;
    fnas_card_view view; /* points into root and the arrays below */
    int32_t *choices;    /* of references, then of measurements */
    double *latency_ms;
    double embedding[FNAS_CARD_REFERENCES];
    double *energy_mj; /* as latency_ms; what the card does not have stays 0 and out of the view */
};

/* Whether a device to search for may be called so: a run keeps its card in a file of that name. FNAS_ERR_INPUT says what is allowed. */
FNAS_NODISCARD fnas_status fnas_card_check_name(fnas_context *context, const char *name);

/* Embeddings can be compared only over the same reference architectures: FNAS_ERR_INPUT, naming both, unless the cards have them in common.
 */
FNAS_NODISCARD fnas_status fnas_card_check_references(fnas_context *context, const fnas_card *card, const fnas_card *other);

/* Checks `root` (whose reference is taken over, also on failure) and reads it; `where` names it in messages. */
FNAS_NODISCARD fnas_status fnas_card_from_json(fnas_context *context, const char *where, json_t *root, fnas_card **card);

#endif
