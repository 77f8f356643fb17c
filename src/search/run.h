/* The run directory, opened:
 *   config.json  checkpoint.safetensors  predictor.safetensors  metrics.csv  devices/NAME.json  fronts/   (equal for equal searches)
 *   log.sqlite   (what is of the moment: times, host, paths) */
#ifndef FNAS_SEARCH_RUN_H
#define FNAS_SEARCH_RUN_H

#include "fleetnas/predictor.h"
#include "search/state.h"

struct fnas_run {
    char *path;
    fnas_search_config config;
    fnas_space *space;    /* searched and measured */
    fnas_space *supernet; /* its macro for the shared weights */
    fnas_card **cards;    /* [config.device_count] */
    double *embeddings;   /* [device_count][10] */
    fnas_predictor *predictor;
    fnas_search_state state;
    char *data_spec;      /* with its path, from log.sqlite; NULL when unknown */
};

#endif
