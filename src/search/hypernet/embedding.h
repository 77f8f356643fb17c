/* Embeddings of devices as the hypernetwork takes them. */
#ifndef FNAS_SEARCH_HYPERNET_EMBEDDING_H
#define FNAS_SEARCH_HYPERNET_EMBEDDING_H

#include "device/card.h"
#include "search/hypernet/hypernet.h"

#define FNAS_EMBEDDING FNAS_CARD_REFERENCES /* entries of an embedding: one a reference architecture */

/* Mean and spread of each entry over the search devices. Zero-initialised: embeddings are taken as they are. */
typedef struct fnas_embedding_scale {
    bool is_known;
    double mean[FNAS_EMBEDDING], spread[FNAS_EMBEDDING];
    double centre, width; /* of what the hypernetwork takes */
} fnas_embedding_scale;

/* The scale of the search devices' embeddings [count][FNAS_EMBEDDING], for a kind of hypernetwork. */
void fnas_embedding_scale_fit(fnas_hypernet_kind kind, int64_t count, const double *embeddings, fnas_embedding_scale *scale);

/* Each entry becomes its deviation from the fleet's mean in units of the spread. Embeddings of real devices are alike (each rises with the
 * cost of its reference architecture); what tells devices apart is what deviates. raw and conditioned may be the same array. */
void fnas_embedding_condition(const fnas_embedding_scale *scale, const double *raw, double *conditioned);

#endif
