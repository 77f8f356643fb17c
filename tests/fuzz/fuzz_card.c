/* Device cards: what is read holds what the library promises of a card. */
#include <math.h>
#include <string.h>

#include "device/card.h"
#include "fuzz/fuzz.h"

static void check_costs(const double *costs, int64_t count) {
    for (int64_t i = 0; costs && i < count; i++) FUZZ_REQUIRE(isfinite(costs[i]) && costs[i] > 0);
}

static void check_card(const fnas_card *card) {
    fnas_card_view view = fnas_card_get(card);
    double embedding[FNAS_CARD_REFERENCES];
    FUZZ_REQUIRE(view.reference_count == FNAS_CARD_REFERENCES && view.measurement_count >= 0);
    FUZZ_REQUIRE(view.batch >= 1 && view.threads >= 1);
    check_costs(view.reference_latency_ms, view.reference_count);
    check_costs(view.reference_energy_mj, view.reference_count);
    check_costs(view.measurement_latency_ms, view.measurement_count);
    check_costs(view.measurement_energy_mj, view.measurement_count);
    fnas_card_embedding(card, embedding);
    for (int i = 0; i < FNAS_CARD_REFERENCES; i++) FUZZ_REQUIRE(embedding[i] >= 0 && embedding[i] <= 1);
    double self = fnas_card_spearman(card, card, NULL);
    FUZZ_REQUIRE(isnan(self) || fabs(self - 1) < 1e-9);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    fnas_card *card;
    json_error_t error;
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &error); /* as fnas_json_read has it */
    if (root) {
        fnas_status status = fnas_card_from_json(context, "CARD.json", root, &card);
        fuzz_check(context, status);
        if (status == FNAS_OK) check_card(card);
        fnas_card_free(card);
    }
    fnas_context_destroy(context);
    return 0;
}
