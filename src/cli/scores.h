/* How well a predictor does on devices, as a table or as JSON: shared by predictor fit and predictor eval. */
#ifndef CLI_SCORES_H
#define CLI_SCORES_H

#include "inputs.h"
#include "output.h"

/* Of each card, in their order. */
typedef struct cli_scores {
    const cli_cards *cards; /* borrowed */
    fnas_quantity quantity;
    fnas_predictor_score *items; /* [cards->count], owned */
    char **left_out;             /* [cards->count], owned: why a card is not scored; NULL: it is */
    int64_t scored;              /* cards that are */
} cli_scores;

/* Cards that cannot be scored (FNAS_ERR_INPUT: too few measurements) are left out, and named in a warning; where that leaves none, or
 * another failure comes, nothing is said of any. Two cards of one name are refused (FNAS_ERR_USAGE). Released by cli_scores_free, also
 * after a failure. */
FNAS_NODISCARD fnas_status cli_scores_take(fnas_context *context, const char *verb, const fnas_predictor *predictor,
                                           const fnas_space *space, const cli_cards *cards, cli_scores *scores);
void cli_scores_free(cli_scores *scores);

/* One card, a line a kind of score, with what the device is. */
void cli_scores_print_card(const cli_scores *scores, int64_t index);
/* All cards, a line each below a heading; where they are several, also the plain mean over them ("-" where some card's is not known). */
void cli_scores_print_table(const cli_scores *scores);

/* One card's members, an object. */
void cli_scores_json_card(cli_json *json, const cli_scores *scores, int64_t index);
/* {"devices": [...], "left_out": [{"device", "reason"}]}, with "mean" where several are scored. */
void cli_scores_json_all(cli_json *json, const cli_scores *scores);

#endif
