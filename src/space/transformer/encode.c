/* "onehot": D without what is chosen for layers that there are not, as the predictors of HAT's sub-transformers take it. */
#include <string.h>

#include "space/transformer/transformer.h"

static int64_t width(const fnas_transformer *transformer, int kind) {
    return transformer->lists[kind].count;
}

static void encode(const fnas_space *space, const double *onehot, double *input) {
    const fnas_transformer *transformer = space->detail;
    memcpy(input, onehot, (size_t)space->onehot_size * sizeof *input);
    for (int kind = FNAS_TRANSFORMER_SINGLE; kind < FNAS_TRANSFORMER_KINDS; kind++)
        for (int64_t layer = 0; layer < fnas_transformer_slots(transformer, kind); layer++) {
            double *row = input + transformer->row_of[transformer->first_of[kind] + layer];
            double activity = fnas_transformer_activity(transformer, onehot, fnas_transformer_is_decoder(kind), layer);
            for (int64_t k = 0; k < width(transformer, kind); k++) row[k] *= activity;
        }
}

static void encode_vjp(const fnas_space *space, const double *onehot, const double *diff_input, double *diff_onehot) {
    const fnas_transformer *transformer = space->detail;
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++)
        for (int64_t layer = 0; layer < fnas_transformer_slots(transformer, kind); layer++) {
            int64_t at = transformer->row_of[transformer->first_of[kind] + layer];
            int decoder = fnas_transformer_is_decoder(kind);
            bool single = kind < FNAS_TRANSFORMER_SINGLE;
            double activity = single ? 1 : fnas_transformer_activity(transformer, onehot, decoder, layer), diff_activity = 0;
            for (int64_t k = at; k < at + width(transformer, kind); k++) {
                diff_onehot[k] += activity * diff_input[k];
                diff_activity += onehot[k] * diff_input[k];
            }
            if (!single) fnas_transformer_activity_vjp(transformer, decoder, layer, diff_activity, diff_onehot);
        }
}

const fnas_space_encoding fnas_transformer_encodings[] = {{"onehot", NULL, NULL, fnas_space_onehot_size, encode, encode_vjp},
                                                          {.name = NULL}};
