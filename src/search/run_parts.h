/* What the files of the run directory share. */
#ifndef FNAS_SEARCH_RUN_PARTS_H
#define FNAS_SEARCH_RUN_PARTS_H

#include "search/run.h"

#define FNAS_RUN_SPACE_FILE "space.json"
#define FNAS_RUN_ERROR_FILE "error.safetensors"

/* Nothing but its path; NULL when out of memory. */
fnas_run *fnas_run_new(const char *path);
/* Errors: FNAS_ERR_INPUT while another process searches in it, FNAS_ERR_IO. */
FNAS_NODISCARD fnas_status fnas_run_lock(fnas_context *context, fnas_run *run);

/* Cards and embeddings from paths [config.device_count]. Errors: FNAS_ERR_INPUT naming the file, FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_run_load_cards(fnas_context *context, fnas_run *run, const char *const *paths);
/* The run's own copy of a card; owned (fnas_free), NULL when out of memory. */
char *fnas_run_card_path(const fnas_run *run, int64_t index);

/* FNAS_ERR_INPUT where an objective counts what the space does not know. */
FNAS_NODISCARD fnas_status fnas_run_check_counts(fnas_context *context, const fnas_run *run);

/* Its name in the run's folder. Static. */
const char *fnas_run_predictor_file(fnas_quantity quantity);
/* FNAS_ERR_INPUT naming the path, where the predictor is of another quantity or space. */
FNAS_NODISCARD fnas_status fnas_run_check_predictor(fnas_context *context, const fnas_run *run, const fnas_predictor *predictor,
                                                    fnas_quantity quantity, const char *path);

#endif
