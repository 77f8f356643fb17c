#include "inputs.h"

#include <stdlib.h>

fnas_status cli_cards_load(fnas_context *context, const char *verb, const cli_texts *paths, cli_cards *cards) {
    *cards = (cli_cards){.items = calloc((size_t)paths->count + 1, sizeof *cards->items)};
    if (!cards->items) return cli_fail(verb, FNAS_ERR_MEMORY, "out of memory");
    for (int64_t i = 0; i < paths->count; i++) {
        fnas_status status = fnas_card_load(context, paths->items[i], &cards->items[i]);
        if (status != FNAS_OK) return status;
        cards->count++;
    }
    return FNAS_OK;
}

void cli_cards_free(cli_cards *cards) {
    for (int64_t i = 0; i < cards->count; i++) fnas_card_free(cards->items[i]);
    free(cards->items);
    *cards = (cli_cards){0};
}

fnas_status cli_cards_load_on(fnas_context *context, const char *verb, const char *spec, const cli_texts *paths, cli_cards *cards,
                              fnas_space **space) {
    *cards = (cli_cards){0};
    *space = NULL;
    fnas_status status = spec ? fnas_space_open(context, spec, space) : FNAS_OK; /* cards of a described space need its file read */
    if (status == FNAS_OK) status = cli_cards_load(context, verb, paths, cards);
    if (status == FNAS_OK && !spec) status = fnas_space_open(context, fnas_card_get(cards->items[0]).space, space);
    for (int64_t i = 0; i < cards->count && status == FNAS_OK; i++) {
        status = fnas_card_check_space(context, cards->items[i], *space);
        if (status == FNAS_OK) continue;
        fnas_space_close(*space);
        *space = NULL;
    }
    return status;
}

fnas_status cli_query_open(fnas_context *context, const char *verb, const char *run, const cli_texts *card_paths, cli_query *query) {
    *query = (cli_query){0};
    fnas_status status = fnas_run_open(context, run, &query->run); /* first: it knows the space that cards may only name */
    if (status == FNAS_OK) status = cli_cards_load(context, verb, card_paths, &query->given);
    if (status != FNAS_OK) return status;

    bool given = query->given.count > 0;
    query->count = given ? query->given.count : fnas_run_device_count(query->run);
    query->cards = calloc((size_t)query->count + 1, sizeof *query->cards);
    if (!query->cards) return cli_fail(verb, FNAS_ERR_MEMORY, "out of memory");
    for (int64_t i = 0; i < query->count && status == FNAS_OK; i++) {
        query->cards[i] = given ? query->given.items[i] : fnas_run_device(query->run, i);
        if (given) status = fnas_card_check_space(context, query->cards[i], fnas_run_space(query->run));
    }
    return status;
}

void cli_query_close(cli_query *query) {
    free(query->cards);
    if (query->run) fnas_run_close(query->run);
    cli_cards_free(&query->given);
    *query = (cli_query){0};
}
