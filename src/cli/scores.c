#include "scores.h"

void cli_scores_print_header(void) {
    printf("%-24s %8s %8s %8s %12s %12s %12s %12s  %s\n", "device", "archs", "spearman", "kendall", "median APE %", "mean APE %",
           "coverage90 %", "width90 %", "");
}

void cli_scores_print_row(fnas_quantity quantity, const fnas_card_view *card, const fnas_predictor_score *score) {
    printf("%-24s %8lld ", card->name, (long long)score->count);
    cli_print_cell(8, 4, score->spearman);
    printf(" ");
    cli_print_cell(8, 4, score->kendall);
    printf(" ");
    cli_print_cell(12, 3, score->median_ape_pct);
    printf(" ");
    cli_print_cell(12, 3, score->mean_ape_pct);
    printf(" ");
    cli_print_cell(12, 3, score->coverage90_pct);
    printf(" ");
    cli_print_cell(12, 3, score->width90_median_pct);
    printf("  %s, %s, batch %lld, %lld thread%s; %s\n", fnas_quantity_unit(quantity), card->runtime, (long long)card->batch,
           (long long)card->threads, card->threads == 1 ? "" : "s",
           score->trained_on ? "trained on; architectures held out" : "never seen");
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
