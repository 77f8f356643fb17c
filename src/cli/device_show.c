#include <math.h>
#include <stdio.h>

#include "inputs.h"
#include "output.h"
#include "verbs.h"

typedef struct show_values {
    cli_common common;
    const char *space;
    bool json;
} show_values;

static const cli_option show_options[] = {
    {"space", 0, CLI_SPACE, offsetof(show_values, space), "SPACE", "their space: needed where it is a FILE.json [the first card's]",
     false},
    CLI_OPTION_JSON(show_values),
    CLI_OPTIONS_END,
};

#define EMBEDDING_MOST 64

static void show_range(const double *values, int64_t count, double *least, double *most) {
    *least = INFINITY;
    *most = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        *least = fmin(*least, values[i]);
        *most = fmax(*most, values[i]);
    }
}

static void show_fact(const char *name, const char *value) {
    if (value && *value) printf("  %-18s %s\n", name, value);
}

/* energy_mj may be NULL. */
static void show_costs(const char *name, const double *latency_ms, const double *energy_mj, int64_t count) {
    if (!count) {
        printf("  %-18s none\n", name);
        return;
    }
    double least, most;
    show_range(latency_ms, count, &least, &most);
    printf("  %-18s %lld, %.5g to %.5g ms", name, (long long)count, least, most);
    if (energy_mj) {
        show_range(energy_mj, count, &least, &most);
        printf(", %.5g to %.5g mJ", least, most);
    }
    printf("\n");
}

static void show_card(const fnas_card *card) {
    fnas_card_view view = fnas_card_get(card);
    printf("%s\n", view.name);
    show_fact("space", view.space);
    show_fact("runtime", view.runtime);
    show_fact("runtime version", view.runtime_version);
    show_fact("precision", view.precision);
    show_fact("instruction set", view.isa);
    show_fact("processor", view.processor);
    show_fact("governor", view.governor);
    printf("  %-18s batch %lld, %lld thread%s\n", "used with", (long long)view.batch, (long long)view.threads,
           view.threads == 1 ? "" : "s");
    if (view.vocabulary)
        printf("  %-18s %lld words to read, %lld to say, a vocabulary of %lld\n", "sentences", (long long)view.source_words,
               (long long)view.target_words, (long long)view.vocabulary);
    show_fact("latency is", view.statistic);
    show_fact("date", view.date);
    show_costs("references", view.reference_latency_ms, view.reference_energy_mj, view.reference_count);
    show_costs("measurements", view.measurement_latency_ms, view.measurement_energy_mj, view.measurement_count);
    double embedding[EMBEDDING_MOST];
    if (view.reference_count <= EMBEDDING_MOST) {
        fnas_card_embedding(card, embedding);
        printf("  %-18s", "embedding");
        for (int64_t i = 0; i < view.reference_count; i++) printf(" %.4f", embedding[i]);
        printf("\n");
        if (view.of_averages)
            printf("  %-18s of the space's reference architectures, as a regression on the device's own ten rows of averages has them\n",
                   "");
    }
    if (isfinite(view.noise_spearman))
        printf("  %-18s %.4f (rank correlation between two halves of the rounds%s)\n", "noise", view.noise_spearman,
               view.noise_spearman < CLI_NOISE_POOR ? ": these latencies are noisy" : "");
}

/* One line a card: for several cards at once. */
static void show_table(const cli_cards *cards) {
    printf("%3s %-20s %-8s %-9s %-16s %5s %7s %6s %22s %7s\n", "", "device", "runtime", "precision", "instruction set", "batch", "threads",
           "archs", "latency_ms", "noise");
    for (int64_t i = 0; i < cards->count; i++) {
        fnas_card_view view = fnas_card_get(cards->items[i]);
        bool measured = view.measurement_count > 0;
        double least, most;
        show_range(measured ? view.measurement_latency_ms : view.reference_latency_ms,
                   measured ? view.measurement_count : view.reference_count, &least, &most);
        char range[64];
        snprintf(range, sizeof range, "%.4g to %.4g", least, most);
        printf("%3lld %-20s %-8s %-9s %-16s %5lld %7lld %6lld %22s ", (long long)(i + 1), view.name, view.runtime, view.precision, view.isa,
               (long long)view.batch, (long long)view.threads, (long long)view.measurement_count, range);
        cli_print_cell(7, 4, view.noise_spearman);
        printf("\n");
    }
    printf("noise: rank correlation between two halves of the rounds, 1 is none\n");
}

static void show_correlations(const cli_cards *cards) {
    int64_t common = 0;
    fnas_card_spearman(cards->items[0], cards->items[1], &common);
    printf("\nRank correlation (Spearman) of the latencies, on architectures that both have measured (%lld of the first two)\n",
           (long long)common);
    printf("%-24s", "");
    for (int64_t i = 0; i < cards->count; i++) printf(" %7lld", (long long)(i + 1));
    printf("\n");
    for (int64_t i = 0; i < cards->count; i++) {
        printf("%3lld %-20.20s", (long long)(i + 1), fnas_card_get(cards->items[i]).name);
        for (int64_t j = 0; j < cards->count; j++) cli_print_cell(8, 3, fnas_card_spearman(cards->items[i], cards->items[j], NULL));
        printf("\n");
    }
}

static void show_json_card(cli_json *json, const fnas_card *card) {
    fnas_card_view view = fnas_card_get(card);
    double embedding[EMBEDDING_MOST], least, most;
    cli_json_object(json, NULL);
    cli_json_text(json, "name", view.name);
    cli_json_text(json, "space", view.space);
    cli_json_text(json, "runtime", view.runtime);
    cli_json_text(json, "runtime_version", view.runtime_version);
    cli_json_text(json, "processor", view.processor);
    cli_json_text(json, "governor", view.governor);
    cli_json_text(json, "precision", view.precision);
    cli_json_text(json, "isa", view.isa);
    cli_json_integer(json, "batch", view.batch);
    cli_json_integer(json, "threads", view.threads);
    if (view.vocabulary) { /* of networks that translate */
        cli_json_integer(json, "vocabulary", view.vocabulary);
        cli_json_integer(json, "source_words", view.source_words);
        cli_json_integer(json, "target_words", view.target_words);
    }
    cli_json_text(json, "statistic", view.statistic);
    cli_json_text(json, "date", view.date);
    cli_json_integer(json, "references", view.reference_count);
    cli_json_integer(json, "measurements", view.measurement_count);
    show_range(view.measurement_count ? view.measurement_latency_ms : view.reference_latency_ms,
               view.measurement_count ? view.measurement_count : view.reference_count, &least, &most);
    cli_json_number(json, "latency_ms_least", least);
    cli_json_number(json, "latency_ms_most", most);
    const double *energies = view.measurement_count ? view.measurement_energy_mj : view.reference_energy_mj;
    show_range(energies, energies ? view.measurement_count ? view.measurement_count : view.reference_count : 0, &least, &most);
    cli_json_number(json, "energy_mj_least", least); /* null where the card has none */
    cli_json_number(json, "energy_mj_most", most);
    cli_json_number(json, "noise_spearman", view.noise_spearman);
    cli_json_flag(json, "of_averages", view.of_averages); /* then a regression has the embedding */
    cli_json_array(json, "embedding");
    if (view.reference_count <= EMBEDDING_MOST) {
        fnas_card_embedding(card, embedding);
        for (int64_t i = 0; i < view.reference_count; i++) cli_json_number(json, NULL, embedding[i]);
    }
    cli_json_end(json, ']');
    cli_json_end(json, '}');
}

static void show_json(const cli_cards *cards) {
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_array(&json, "devices");
    for (int64_t i = 0; i < cards->count; i++) show_json_card(&json, cards->items[i]);
    cli_json_end(&json, ']');
    cli_json_array(&json, "spearman");
    for (int64_t i = 0; i < cards->count; i++) {
        cli_json_array(&json, NULL);
        for (int64_t j = 0; j < cards->count; j++) cli_json_number(&json, NULL, fnas_card_spearman(cards->items[i], cards->items[j], NULL));
        cli_json_end(&json, ']');
    }
    cli_json_end(&json, ']');
    cli_json_end(&json, '}');
}

static fnas_status show_run(fnas_context *context, void *untyped) {
    const show_values *values = untyped;
    cli_cards cards;
    fnas_space *space = NULL;
    fnas_status status = values->space ? cli_cards_load_on(context, "device show", values->space, &values->common.operands, &cards, &space)
                                       : cli_cards_load(context, "device show", &values->common.operands, &cards);
    if (status == FNAS_OK && values->json) {
        show_json(&cards);
    } else if (status == FNAS_OK) {
        if (cards.count == 1) {
            show_card(cards.items[0]);
        } else {
            show_table(&cards);
            show_correlations(&cards);
        }
    }
    if (space) fnas_space_close(space);
    cli_cards_free(&cards);
    return status;
}

const cli_verb cli_device_show = {
    .name = "device show",
    .summary = "say what device cards hold, and how alike their devices are",
    .operands = "CARD.json...",
    .operands_least = 1,
    .operands_most = 1000,
    .operands_are_read = true,
    .details = "Checks each card and prints its facts, the range of its latencies, its embedding and its noise. With several cards, also "
               "the rank correlations between them: devices close to 1 rank architectures alike, and one front serves them all.",
    .example = "fleetnas device show devices/server.json devices/phone.json",
    .options = show_options,
    .values_size = sizeof(show_values),
    .run = show_run,
};
