/* Cost features, of what latency is nearly a sum of: products of widths and sums over layers,
 *
 *     encoder     layers x width (projections of attention), width x feed-forward widths
 *     decoder     width (the output's projection), layers, layers x width, width x feed-forward widths
 *     between     encoder width x encoder layers attended to (keys and values of cross attention)
 *
 * each relative to the largest of the space. They are functions of the ten numbers by which a row of HAT's latency tables describes a
 * sub-transformer, so that such a row can be learnt from although it does not say which layer is which. Numbers of heads cost nothing that
 * shows in these tables. With relaxed D a sum over layers is
 *
 *     sum over layers of active(layer) * sum over k of D_k value_k,     active(layer) = sum of D_depth over the depths beyond it,
 *
 * polynomial in D and exact where it is one-hot. */
#include "space/transformer/transformer.h"

typedef struct monomial {
    int first, second; /* kinds; second -1: none */
} monomial;

static const monomial monomials[] = {{FNAS_TRANSFORMER_ENCODER_LAYERS, FNAS_TRANSFORMER_ENCODER_EMBED},
                                     {FNAS_TRANSFORMER_ENCODER_FFN, FNAS_TRANSFORMER_ENCODER_EMBED},
                                     {FNAS_TRANSFORMER_DECODER_EMBED, -1},
                                     {FNAS_TRANSFORMER_DECODER_LAYERS, -1},
                                     {FNAS_TRANSFORMER_DECODER_LAYERS, FNAS_TRANSFORMER_DECODER_EMBED},
                                     {FNAS_TRANSFORMER_DECODER_FFN, FNAS_TRANSFORMER_DECODER_EMBED},
                                     {FNAS_TRANSFORMER_CROSS_SPAN, FNAS_TRANSFORMER_ENCODER_EMBED}};
#define COSTS ((int64_t)(sizeof monomials / sizeof *monomials))

/* ---- totals ---- */

static double weight_of(int kind, int64_t value) {
    return kind == FNAS_TRANSFORMER_CROSS_SPAN ? (double)fnas_transformer_span(value) : (double)value;
}

static double largest_total(const fnas_transformer *transformer, int kind) {
    double largest = 0;
    for (int64_t k = 0; k < transformer->lists[kind].count; k++) {
        double weight = weight_of(kind, transformer->lists[kind].values[k]);
        if (weight > largest) largest = weight;
    }
    return largest * (double)fnas_transformer_slots(transformer, kind);
}

double fnas_transformer_activity(const fnas_transformer *transformer, const double *onehot, int decoder, int64_t layer) {
    const fnas_transformer_list *depths = &transformer->lists[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder];
    const double *row = onehot + transformer->row_of[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder];
    double activity = 0;
    for (int64_t k = 0; k < depths->count; k++)
        if (depths->values[k] > layer) activity += row[k];
    return activity;
}

void fnas_transformer_activity_vjp(const fnas_transformer *transformer, int decoder, int64_t layer, double diff_activity,
                                   double *diff_onehot) {
    const fnas_transformer_list *depths = &transformer->lists[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder];
    double *row = diff_onehot + transformer->row_of[FNAS_TRANSFORMER_ENCODER_LAYERS + decoder];
    for (int64_t k = 0; k < depths->count; k++)
        if (depths->values[k] > layer) row[k] += diff_activity;
}

/* What D chooses of a kind in a layer. */
static double chosen(const fnas_transformer *transformer, const double *onehot, int kind, int64_t layer) {
    const fnas_transformer_list *list = &transformer->lists[kind];
    const double *row = onehot + transformer->row_of[transformer->first_of[kind] + layer];
    double sum = 0;
    for (int64_t k = 0; k < list->count; k++) sum += row[k] * weight_of(kind, list->values[k]);
    return sum;
}

void fnas_transformer_find_totals(const fnas_transformer *transformer, const double *onehot, fnas_transformer_totals *totals) {
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        totals->of[kind] = 0;
        for (int64_t layer = 0; layer < fnas_transformer_slots(transformer, kind); layer++) {
            double activity = kind < FNAS_TRANSFORMER_SINGLE
                                  ? 1
                                  : fnas_transformer_activity(transformer, onehot, fnas_transformer_is_decoder(kind), layer);
            totals->of[kind] += activity * chosen(transformer, onehot, kind, layer);
        }
        totals->of[kind] /= largest_total(transformer, kind);
    }
}

void fnas_transformer_totals_vjp(const fnas_transformer *transformer, const double *onehot, const fnas_transformer_totals *diff,
                                 double *diff_onehot) {
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        const fnas_transformer_list *list = &transformer->lists[kind];
        double slope = diff->of[kind] / largest_total(transformer, kind);
        int decoder = fnas_transformer_is_decoder(kind);
        for (int64_t layer = 0; layer < fnas_transformer_slots(transformer, kind); layer++) {
            double *row = diff_onehot + transformer->row_of[transformer->first_of[kind] + layer];
            bool single = kind < FNAS_TRANSFORMER_SINGLE;
            double activity = single ? 1 : fnas_transformer_activity(transformer, onehot, decoder, layer);
            for (int64_t k = 0; k < list->count; k++) row[k] += slope * activity * weight_of(kind, list->values[k]);
            if (!single)
                fnas_transformer_activity_vjp(transformer, decoder, layer, slope * chosen(transformer, onehot, kind, layer), diff_onehot);
        }
    }
}

/* ---- features ---- */

static void find_features(const fnas_transformer_totals *totals, double *features) {
    for (int64_t j = 0; j < COSTS; j++)
        features[j] = totals->of[monomials[j].first] * (monomials[j].second < 0 ? 1 : totals->of[monomials[j].second]);
}

int64_t fnas_transformer_cost_count(const fnas_space *space) {
    (void)space;
    return COSTS;
}

void fnas_transformer_costs(const fnas_space *space, const double *onehot, double *features) {
    fnas_transformer_totals totals;
    fnas_transformer_find_totals(space->detail, onehot, &totals);
    find_features(&totals, features);
}

void fnas_transformer_costs_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot) {
    fnas_transformer_totals totals, diff = {{0}};
    fnas_transformer_find_totals(space->detail, onehot, &totals);
    for (int64_t j = 0; j < COSTS; j++) {
        int first = monomials[j].first, second = monomials[j].second;
        diff.of[first] += diff_features[j] * (second < 0 ? 1 : totals.of[second]);
        if (second >= 0) diff.of[second] += diff_features[j] * totals.of[first];
    }
    fnas_transformer_totals_vjp(space->detail, onehot, &diff, diff_onehot);
}

void fnas_transformer_average_costs(const fnas_space *space, const int32_t *row, double *features) {
    const fnas_transformer *transformer = space->detail;
    fnas_transformer_totals totals;
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++)
        totals.of[kind] = (double)(kind ? row[kind] : -row[kind]) / largest_total(transformer, kind);
    find_features(&totals, features);
}
