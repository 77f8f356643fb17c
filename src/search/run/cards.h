/* The cards of a run's devices, and their embeddings. For run.c. */
#ifndef FNAS_SEARCH_RUN_CARDS_H
#define FNAS_SEARCH_RUN_CARDS_H

#include "search/run/run.h"

/* From these files [device_count], checked and named; logs which embeddings are estimates. FNAS_ERR_INPUT names file and fault. */
FNAS_NODISCARD fnas_status fnas_run_take_cards(fnas_context *context, fnas_run *run, const char *const *paths);
/* To and from files of the run's folder, by the devices' names. */
FNAS_NODISCARD fnas_status fnas_run_save_cards(fnas_context *context, const fnas_run *run);
FNAS_NODISCARD fnas_status fnas_run_load_cards(fnas_context *context, fnas_run *run);

#endif
