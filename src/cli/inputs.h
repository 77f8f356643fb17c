/* What verbs open: device cards, and a run with the cards it is asked about. */
#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H

#include "options.h"

typedef struct cli_cards {
    fnas_card **items; /* owned */
    int64_t count;
} cli_cards;

FNAS_NODISCARD fnas_status cli_cards_load(fnas_context *context, const char *verb, const cli_texts *paths, cli_cards *cards);
void cli_cards_free(cli_cards *cards);

/* The space that `spec` names, or that of the first card where spec is NULL, and cards that must have been measured on it. Both are the
 * caller's, also after a failure. */
FNAS_NODISCARD fnas_status cli_cards_load_on(fnas_context *context, const char *verb, const char *spec, const cli_texts *paths,
                                             cli_cards *cards, fnas_space **space);

/* A run, and the devices asked about: those of the cards given, or else those that were searched. */
typedef struct cli_query {
    fnas_run *run;
    cli_cards given;
    const fnas_card **cards; /* [count], borrowed from `given` or from the run */
    int64_t count;
} cli_query;

FNAS_NODISCARD fnas_status cli_query_open(fnas_context *context, const char *verb, const char *run, const cli_texts *card_paths,
                                          cli_query *query);
void cli_query_close(cli_query *query);

#endif
