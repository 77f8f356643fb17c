/* HAT's YAML: of a super-transformer, then of a sub-transformer or a row of averages of space0. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "space/transformer/transformer.h"

/* What is printed is read again as the same. */
static void check_choices(fnas_context *context, const fnas_space *space, const int32_t *choices) {
    char text[FNAS_ARCH_TEXT_BYTES];
    int32_t again[FNAS_TRANSFORMER_DECISIONS_MAX], settled[FNAS_TRANSFORMER_DECISIONS_MAX];
    size_t bytes = (size_t)fnas_space_decision_count(space) * sizeof *choices;
    memcpy(settled, choices, bytes);
    fnas_space_settle(space, settled);
    FUZZ_REQUIRE(fnas_space_format(context, space, choices, text, sizeof text) == FNAS_OK);
    FUZZ_REQUIRE(fnas_space_parse_measured(context, space, text, again) == FNAS_OK);
    FUZZ_REQUIRE(memcmp(again, settled, bytes) == 0);
}

static void check_features(const fnas_space *space, const int32_t *choices) {
    double onehot[FNAS_TRANSFORMER_DECISIONS_MAX * FNAS_TRANSFORMER_CHOICES_MAX], features[64];
    FUZZ_REQUIRE(fnas_space_cost_feature_count(space) <= 64);
    fnas_space_measured_features(space, choices, onehot, features);
    for (int64_t j = 0; j < fnas_space_cost_feature_count(space); j++) FUZZ_REQUIRE(features[j] > 0);
}

static void check_architecture(fnas_context *context, const fnas_space *space, const int32_t *choices) {
    fnas_text yaml = {0};
    int32_t again[FNAS_TRANSFORMER_DECISIONS_MAX];
    check_choices(context, space, choices);
    fnas_transformer_formats[0].write(space, choices, NULL, &yaml);
    FUZZ_REQUIRE(yaml.data && fnas_space_parse(context, space, yaml.data, again) == FNAS_OK);
    FUZZ_REQUIRE(fnas_space_params(space, choices) == fnas_space_params(space, again));
    FUZZ_REQUIRE(fnas_space_macs(space, choices) > 0);
    fnas_text_free(&yaml);
}

/* A file that is read gives a spec that opens, as itself. */
static void check_super(fnas_context *context, const char *parameters) {
    fnas_text spec = {0};
    fnas_space *space;
    fnas_text_append(&spec, "transformer:%s", parameters);
    fnas_status status = fnas_space_open(context, spec.data, &space);
    fuzz_check(context, status); /* so many choices that the spec is too long */
    fnas_text_free(&spec);
    if (status != FNAS_OK) return;
    for (int64_t i = 0; i < 3; i++) {
        int32_t choices[FNAS_TRANSFORMER_DECISIONS_MAX];
        fnas_space_random(space, 1, i, choices);
        check_architecture(context, space, choices);
        check_features(space, choices);
    }
    fnas_space *again;
    FUZZ_REQUIRE(fnas_space_open_spec(context, fnas_space_spec(space), &again) == FNAS_OK);
    FUZZ_REQUIRE(strcmp(fnas_space_spec(space), fnas_space_spec(again)) == 0);
    fnas_space_close(again);
    fnas_space_close(space);
}

static void check_sub(fnas_context *context, const char *text) {
    fnas_space *space;
    int32_t choices[FNAS_TRANSFORMER_DECISIONS_MAX];
    FUZZ_REQUIRE(fnas_space_open(context, "transformer", &space) == FNAS_OK);
    fnas_status status = fnas_space_parse(context, space, text, choices);
    fuzz_check(context, status);
    if (status == FNAS_OK) check_architecture(context, space, choices);
    status = fnas_space_parse_measured(context, space, text, choices);
    fuzz_check(context, status);
    if (status == FNAS_OK) check_choices(context, space, choices);
    if (status == FNAS_OK) check_features(space, choices);
    fnas_space_close(space);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fnas_context *context = fuzz_context();
    fnas_text parameters = {0};
    char *text = calloc(size + 1, 1);
    FUZZ_REQUIRE(text);
    if (size) memcpy(text, data, size);
    fnas_status status = fnas_transformer_parse_super(context, "S.yml", data, size, &parameters);
    fuzz_check(context, status);
    if (status == FNAS_OK) check_super(context, parameters.data);
    check_sub(context, text);
    fnas_text_free(&parameters);
    free(text);
    fnas_context_destroy(context);
    return 0;
}
