#include "scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- scoring ---- */

/* A device given twice would count twice in the mean. */
static fnas_status check_names(const char *verb, const cli_cards *cards) {
    for (int64_t i = 1; i < cards->count; i++)
        for (int64_t before = 0; before < i; before++) {
            const char *name = fnas_card_get(cards->items[i]).name;
            if (strcmp(name, fnas_card_get(cards->items[before]).name) == 0)
                return cli_fail(verb, FNAS_ERR_USAGE, "--device: %s is given twice: leave one of its cards out", name);
        }
    return FNAS_OK;
}

static fnas_status take_one(fnas_context *context, const char *verb, const fnas_predictor *predictor, const fnas_space *space,
                            int64_t index, cli_scores *scores) {
    const fnas_card *card = scores->cards->items[index];
    fnas_status status = fnas_card_check_space(context, card, space);
    if (status != FNAS_OK) return status;
    status = fnas_predictor_evaluate(context, predictor, space, card, &scores->items[index]);
    scores->scored += status == FNAS_OK;
    if (status != FNAS_ERR_INPUT) return status;
    scores->left_out[index] = strdup(fnas_context_message(context));
    return scores->left_out[index] ? FNAS_OK : cli_fail(verb, FNAS_ERR_MEMORY, "out of memory");
}

static fnas_status fail_with_none(const char *verb, const cli_scores *scores) {
    if (scores->cards->count == 1) return cli_fail(verb, FNAS_ERR_INPUT, "%s", scores->left_out[0]);
    return cli_fail(verb, FNAS_ERR_INPUT, "none of the %lld cards can be scored: %s", (long long)scores->cards->count, scores->left_out[0]);
}

fnas_status cli_scores_take(fnas_context *context, const char *verb, const fnas_predictor *predictor, const fnas_space *space,
                            const cli_cards *cards, cli_scores *scores) {
    *scores = (cli_scores){.cards = cards,
                           .quantity = fnas_predictor_quantity(predictor),
                           .items = calloc((size_t)cards->count + 1, sizeof *scores->items),
                           .left_out = calloc((size_t)cards->count + 1, sizeof *scores->left_out)};
    if (!scores->items || !scores->left_out) return cli_fail(verb, FNAS_ERR_MEMORY, "out of memory");
    fnas_status status = check_names(verb, cards);
    for (int64_t i = 0; i < cards->count && status == FNAS_OK; i++) status = take_one(context, verb, predictor, space, i, scores);
    if (status != FNAS_OK) return status;
    if (!scores->scored) return fail_with_none(verb, scores);
    for (int64_t i = 0; i < cards->count; i++)
        if (scores->left_out[i]) cli_warn(verb, "%s is left out: %s", fnas_card_get(cards->items[i]).name, scores->left_out[i]);
    return FNAS_OK;
}

void cli_scores_free(cli_scores *scores) {
    for (int64_t i = 0; scores->left_out && i < scores->cards->count; i++) free(scores->left_out[i]);
    free(scores->left_out);
    free(scores->items);
    *scores = (cli_scores){0};
}

/* Of what is a number of its own for each card; `count` stays 0. */
static fnas_predictor_score mean_of(const cli_scores *scores) {
    fnas_predictor_score mean = {0};
    double share = 1.0 / (double)scores->scored;
    for (int64_t i = 0; i < scores->cards->count; i++) {
        if (scores->left_out[i]) continue;
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
        if (scores->left_out[i]) continue;
        print_row(scores, i);
        held_out |= scores->items[i].trained_on;
    }
    if (scores->scored > 1) print_mean(scores);
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

static void json_left_out(cli_json *json, const cli_scores *scores) {
    cli_json_array(json, "left_out");
    for (int64_t i = 0; i < scores->cards->count; i++) {
        if (!scores->left_out[i]) continue;
        cli_json_object(json, NULL);
        cli_json_text(json, "device", fnas_card_get(scores->cards->items[i]).name);
        cli_json_text(json, "reason", scores->left_out[i]);
        cli_json_end(json, '}');
    }
    cli_json_end(json, ']');
}

void cli_scores_json_all(cli_json *json, const cli_scores *scores) {
    cli_json_object(json, NULL);
    cli_json_array(json, "devices");
    for (int64_t i = 0; i < scores->cards->count; i++)
        if (!scores->left_out[i]) cli_scores_json_card(json, scores, i);
    cli_json_end(json, ']');
    json_left_out(json, scores);
    if (scores->scored > 1) {
        fnas_predictor_score mean = mean_of(scores);
        cli_json_object(json, "mean");
        json_figures(json, &mean);
        cli_json_end(json, '}');
    }
    cli_json_end(json, '}');
}
