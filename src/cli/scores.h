/* How well a predictor does on devices, as a table or as JSON: shared by predictor fit and predictor eval. */
#ifndef CLI_SCORES_H
#define CLI_SCORES_H

#include "output.h"

/* One device, a line a kind of score, with what the device is. */
void cli_scores_print(fnas_quantity quantity, const fnas_card_view *card, const fnas_predictor_score *score);
/* Several, a line each, below a heading. */
void cli_scores_print_header(void);
void cli_scores_print_row(fnas_quantity quantity, const fnas_card_view *card, const fnas_predictor_score *score);
void cli_scores_json(cli_json *json, fnas_quantity quantity, const fnas_card_view *card,
                     const fnas_predictor_score *score); /* the members, inside an open object */

#endif
