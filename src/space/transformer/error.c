/* Error features, of what an error is nearly a sum of: the cost features, and what these cannot say,
 *
 *     widths          of the encoder, of the decoder, their product
 *     numbers         of layers, one by one (a further layer is worth less than the one before), alone and times each width
 *     shares          of each choice among its side's layers (a doubled feed-forward width is worth less than the doubling before), alone
 *                     and times the side's width (what is narrow gains less from all of it)
 *
 * docs/transformer.md says what each of these groups explains of a supernet's errors. */
#include "space/transformer/transformer.h"

/* Share of the choice k among the layers that its side may have. */
static double share(const fnas_transformer *transformer, const double *onehot, int kind, int64_t k) {
    int64_t slots = fnas_transformer_slots(transformer, kind);
    double sum = 0;
    for (int64_t layer = 0; layer < slots; layer++)
        sum += fnas_transformer_activity(transformer, onehot, fnas_transformer_is_decoder(kind), layer) *
               onehot[transformer->row_of[transformer->first_of[kind] + layer] + k];
    return sum / (double)slots;
}

static void share_vjp(const fnas_transformer *transformer, const double *onehot, int kind, int64_t k, double diff_share,
                      double *diff_onehot) {
    int64_t slots = fnas_transformer_slots(transformer, kind);
    int decoder = fnas_transformer_is_decoder(kind);
    for (int64_t layer = 0; layer < slots; layer++) {
        int64_t entry = transformer->row_of[transformer->first_of[kind] + layer] + k;
        double diff = diff_share / (double)slots;
        diff_onehot[entry] += diff * fnas_transformer_activity(transformer, onehot, decoder, layer);
        fnas_transformer_activity_vjp(transformer, decoder, layer, diff * onehot[entry], diff_onehot);
    }
}

/* ---- all, one after the other ---- */

int64_t fnas_transformer_error_count(const fnas_space *space) {
    const fnas_transformer *transformer = space->detail;
    int64_t count = fnas_transformer_cost_count(space) + 3;
    for (int decoder = 0; decoder < 2; decoder++) count += 3 * transformer->lists[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder].count;
    for (int kind = FNAS_TRANSFORMER_SINGLE; kind < FNAS_TRANSFORMER_KINDS; kind++) count += 2 * transformer->lists[kind].count;
    return count;
}

void fnas_transformer_errors(const fnas_space *space, const double *onehot, double *features) {
    const fnas_transformer *transformer = space->detail;
    fnas_transformer_totals totals;
    fnas_transformer_find_totals(transformer, onehot, &totals);
    const double *widths = &totals.of[FNAS_TRANSFORMER_ENCODER_EMBED]; /* of the encoder, of the decoder */
    fnas_transformer_costs(space, onehot, features);
    double *next = features + fnas_transformer_cost_count(space);
    *next++ = widths[0];
    *next++ = widths[1];
    *next++ = widths[0] * widths[1];
    for (int decoder = 0; decoder < 2; decoder++)
        for (int64_t k = 0; k < transformer->lists[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder].count; k++) {
            double entry = onehot[transformer->row_of[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder] + k];
            *next++ = entry;
            for (int side = 0; side < 2; side++) *next++ = entry * widths[side];
        }
    for (int kind = FNAS_TRANSFORMER_SINGLE; kind < FNAS_TRANSFORMER_KINDS; kind++)
        for (int64_t k = 0; k < transformer->lists[kind].count; k++) {
            double part = share(transformer, onehot, kind, k);
            *next++ = part;
            *next++ = part * widths[fnas_transformer_is_decoder(kind)];
        }
}

void fnas_transformer_errors_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot) {
    const fnas_transformer *transformer = space->detail;
    fnas_transformer_totals totals;
    fnas_transformer_find_totals(transformer, onehot, &totals);
    const double *widths = &totals.of[FNAS_TRANSFORMER_ENCODER_EMBED]; /* of the encoder, of the decoder */
    const double *diff = diff_features + fnas_transformer_cost_count(space);
    fnas_transformer_totals diff_totals = {{0}};
    double *diff_widths = &diff_totals.of[FNAS_TRANSFORMER_ENCODER_EMBED];
    diff_widths[0] = diff[0] + diff[2] * widths[1];
    diff_widths[1] = diff[1] + diff[2] * widths[0];
    diff += 3;
    fnas_transformer_costs_vjp(space, onehot, diff_features, diff_onehot);
    for (int decoder = 0; decoder < 2; decoder++)
        for (int64_t k = 0; k < transformer->lists[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder].count; k++, diff += 3) {
            int64_t entry = transformer->row_of[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder] + k;
            diff_onehot[entry] += diff[0] + diff[1] * widths[0] + diff[2] * widths[1];
            for (int side = 0; side < 2; side++) diff_widths[side] += diff[1 + side] * onehot[entry];
        }
    for (int kind = FNAS_TRANSFORMER_SINGLE; kind < FNAS_TRANSFORMER_KINDS; kind++)
        for (int64_t k = 0; k < transformer->lists[kind].count; k++, diff += 2) {
            int side = fnas_transformer_is_decoder(kind);
            share_vjp(transformer, onehot, kind, k, diff[0] + diff[1] * widths[side], diff_onehot);
            diff_widths[side] += diff[1] * share(transformer, onehot, kind, k);
        }
    fnas_transformer_totals_vjp(transformer, onehot, &diff_totals, diff_onehot);
}
