#include "scores.h"

#include <math.h>
#include <stdlib.h>

/* ---- scoring ---- */

fnas_status cli_scores_take(fnas_context *context, const char *verb, const fnas_predictor *predictor, const fnas_space *space,
                            const cli_cards *cards, cli_scores *scores) {
    *scores = (cli_scores){cards, fnas_predictor_quantity(predictor), calloc((size_t)cards->count + 1, sizeof *scores->items)};
    if (!scores->items) return cli_fail(verb, FNAS_ERR_MEMORY, "out of memory");
    for (int64_t i = 0; i < cards->count; i++) {
        fnas_status status = fnas_predictor_evaluate(context, predictor, space, cards->items[i], &scores->items[i]);
        if (status != FNAS_OK) return status;
    }
    return FNAS_OK;
}

void cli_scores_free(cli_scores *scores) {
    free(scores->items);
    *scores = (cli_scores){0};
}

/* Of what is a number of its own for each card; `count` stays 0. */
static fnas_predictor_score mean_of(const cli_scores *scores) {
    fnas_predictor_score mean = {0};
    double share = 1.0 / (double)scores->cards->count;
    for (int64_t i = 0; i < scores->cards->count; i++) {
        const fnas_predictor_score *score = &scores->items[i];
        mean.spearman += share * score->spearman;
        mean.kendall += share * score->kendall;
        mean.median_ape_pct += share * score->median_ape_pct;
        mean.mean_ape_pct += share * score->mean_ape_pct;
        mean.coverage90_pct += share * score->coverage90_pct;
        mean.width90_median_pct += share * score->width90_median_pct;
    }
    return mean;
}

static const char *seen(const fnas_predictor_score *score) {
    return score->trained_on ? "trained on" : "never seen in training";
}

/* ---- text ---- */

static void print_percent(double value) {
    if (isfinite(value))
        printf("%.2f %%", value);
    else
        printf("unknown");
}

static void print_device(const fnas_card_view *card) {
    printf("%s %s, batch %lld, %lld thread%s", card->runtime, card->precision, (long long)card->batch, (long long)card->threads,
           card->threads == 1 ? "" : "s");
}

void cli_scores_print_card(const cli_scores *scores, int64_t index) {
    const fnas_card_view card = fnas_card_get(scores->cards->items[index]);
    const fnas_predictor_score *score = &scores->items[index];
    printf("%s: ", card.name);
    print_device(&card);
    printf("; %s\n  %-18s %lld architectures%s\n", seen(score), "scored on", (long long)score->count,
           score->trained_on ? " that were held out" : "");
    printf("  %-18s Spearman ", "rank correlation");
    cli_print_fixed(0, 4, score->spearman);
    printf(", Kendall ");
    cli_print_fixed(0, 4, score->kendall);
    printf("\n  %-18s median ", "error");
    print_percent(score->median_ape_pct);
    printf(", mean ");
    print_percent(score->mean_ape_pct);
    printf(" of the measured %s\n  %-18s hold ", fnas_quantity_unit(scores->quantity), "90 % intervals");
    print_percent(score->coverage90_pct);
    printf(" of the measurements, median width ");
    print_percent(score->width90_median_pct);
    printf(" of the prediction\n");
}

static void print_header(void) {
    printf("%-24s %6s  %17s  %16s  %18s\n", "", "", "rank correlation", "error, %", "90 % intervals, %");
    printf("%-24s %6s  %8s %8s  %7s %8s  %8s %9s  %s\n", "device", "archs", "Spearman", "Kendall", "median", "mean", "coverage", "width",
           "what");
}

static void print_figures(const fnas_predictor_score *score) {
    cli_print_fixed(10, 4, score->spearman);
    cli_print_fixed(9, 4, score->kendall);
    cli_print_fixed(9, 2, score->median_ape_pct);
    cli_print_fixed(9, 2, score->mean_ape_pct);
    cli_print_fixed(10, 1, score->coverage90_pct);
    cli_print_fixed(10, 1, score->width90_median_pct);
}

static void print_row(const cli_scores *scores, int64_t index) {
    const fnas_card_view card = fnas_card_get(scores->cards->items[index]);
    printf("%-24s %6lld", card.name, (long long)scores->items[index].count);
    print_figures(&scores->items[index]);
    printf("  %s; ", fnas_quantity_unit(scores->quantity));
    print_device(&card);
    printf("; %s\n", seen(&scores->items[index]));
}

static void print_mean(const cli_scores *scores) {
    fnas_predictor_score mean = mean_of(scores);
    printf("%-24s %6s", "mean", "");
    print_figures(&mean);
    printf("\n");
}

void cli_scores_print_table(const cli_scores *scores) {
    bool held_out = false;
    print_header();
    for (int64_t i = 0; i < scores->cards->count; i++) {
        print_row(scores, i);
        held_out |= scores->items[i].trained_on;
    }
    if (scores->cards->count > 1) print_mean(scores);
    if (held_out) printf("What was trained on is scored on architectures that were held out.\n");
}

/* ---- JSON ---- */

static void json_figures(cli_json *json, const fnas_predictor_score *score) {
    cli_json_number(json, "spearman", score->spearman);
    cli_json_number(json, "kendall", score->kendall);
    cli_json_number(json, "median_ape_pct", score->median_ape_pct);
    cli_json_number(json, "mean_ape_pct", score->mean_ape_pct);
    cli_json_number(json, "coverage90_pct", score->coverage90_pct);
    cli_json_number(json, "width90_median_pct", score->width90_median_pct);
}

void cli_scores_json_card(cli_json *json, const cli_scores *scores, int64_t index) {
    const fnas_card_view card = fnas_card_get(scores->cards->items[index]);
    cli_json_object(json, NULL);
    cli_json_text(json, "device", card.name);
    cli_json_text(json, "quantity", fnas_quantity_name(scores->quantity));
    cli_json_text(json, "unit", fnas_quantity_unit(scores->quantity));
    cli_json_text(json, "runtime", card.runtime);
    cli_json_text(json, "precision", card.precision);
    cli_json_integer(json, "batch", card.batch);
    cli_json_integer(json, "threads", card.threads);
    cli_json_flag(json, "trained_on", scores->items[index].trained_on);
    json_figures(json, &scores->items[index]);
    cli_json_integer(json, "n", scores->items[index].count);
    cli_json_end(json, '}');
}

void cli_scores_json_all(cli_json *json, const cli_scores *scores) {
    cli_json_object(json, NULL);
    cli_json_array(json, "devices");
    for (int64_t i = 0; i < scores->cards->count; i++) cli_scores_json_card(json, scores, i);
    cli_json_end(json, ']');
    if (scores->cards->count > 1) {
        fnas_predictor_score mean = mean_of(scores);
        cli_json_object(json, "mean");
        json_figures(json, &mean);
        cli_json_end(json, '}');
    }
    cli_json_end(json, '}');
}
