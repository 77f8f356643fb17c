#include "scores.h"

#include <math.h>

static void print_percent(double value) {
    if (isfinite(value))
        printf("%.2f %%", value);
    else
        printf("unknown");
}

void cli_scores_print(fnas_quantity quantity, const fnas_card_view *card, const fnas_predictor_score *score) {
    printf("%s: %s %s, batch %lld, %lld thread%s; %s\n", card->name, card->runtime, card->precision, (long long)card->batch,
           (long long)card->threads, card->threads == 1 ? "" : "s", score->trained_on ? "trained on" : "never seen in training");
    printf("  %-18s %lld architectures%s\n", "scored on", (long long)score->count, score->trained_on ? " that were held out" : "");
    printf("  %-18s Spearman ", "rank correlation");
    cli_print_fixed(0, 4, score->spearman);
    printf(", Kendall ");
    cli_print_fixed(0, 4, score->kendall);
    printf("\n  %-18s median ", "error");
    print_percent(score->median_ape_pct);
    printf(", mean ");
    print_percent(score->mean_ape_pct);
    printf(" of the measured %s\n  %-18s hold ", fnas_quantity_unit(quantity), "90 % intervals");
    print_percent(score->coverage90_pct);
    printf(" of the measurements, median width ");
    print_percent(score->width90_median_pct);
    printf(" of the prediction\n");
}

void cli_scores_print_header(void) {
    printf("%-24s %6s  %17s  %16s  %18s\n", "", "", "rank correlation", "error, %", "90 % intervals, %");
    printf("%-24s %6s  %8s %8s  %7s %8s  %8s %9s  %s\n", "device", "archs", "Spearman", "Kendall", "median", "mean", "coverage", "width",
           "what");
}

void cli_scores_print_row(fnas_quantity quantity, const fnas_card_view *card, const fnas_predictor_score *score) {
    printf("%-24s %6lld  ", card->name, (long long)score->count);
    cli_print_fixed(8, 4, score->spearman);
    cli_print_fixed(9, 4, score->kendall);
    printf("  ");
    cli_print_fixed(7, 2, score->median_ape_pct);
    cli_print_fixed(9, 2, score->mean_ape_pct);
    printf("  ");
    cli_print_fixed(8, 1, score->coverage90_pct);
    cli_print_fixed(10, 1, score->width90_median_pct);
    printf("  %s; %s, batch %lld, %lld thread%s\n", fnas_quantity_unit(quantity), card->runtime, (long long)card->batch,
           (long long)card->threads, card->threads == 1 ? "" : "s");
}

void cli_scores_json(cli_json *json, fnas_quantity quantity, const fnas_card_view *card, const fnas_predictor_score *score) {
    cli_json_text(json, "device", card->name);
    cli_json_text(json, "quantity", fnas_quantity_name(quantity));
    cli_json_text(json, "unit", fnas_quantity_unit(quantity));
    cli_json_text(json, "runtime", card->runtime);
    cli_json_text(json, "precision", card->precision);
    cli_json_integer(json, "batch", card->batch);
    cli_json_integer(json, "threads", card->threads);
    cli_json_flag(json, "trained_on", score->trained_on);
    cli_json_number(json, "spearman", score->spearman);
    cli_json_number(json, "kendall", score->kendall);
    cli_json_number(json, "median_ape_pct", score->median_ape_pct);
    cli_json_number(json, "mean_ape_pct", score->mean_ape_pct);
    cli_json_number(json, "coverage90_pct", score->coverage90_pct);
    cli_json_number(json, "width90_median_pct", score->width90_median_pct);
    cli_json_integer(json, "n", score->count);
}
