/* How runs and fronts are named and written in files. */
#ifndef FNAS_SEARCH_QUERY_FRONT_FILES_H
#define FNAS_SEARCH_QUERY_FRONT_FILES_H

#include <jansson.h>

#include "search/run/run.h"

#define FNAS_RUN_ID_BYTES 256

/* What a run is called in files: "nb201-fashion-mnist-seed0-5f3c9a12...", by its content (the hypernetwork's bits), not by its folder:
 * files of equal searches are equal. */
void fnas_run_id(const fnas_run *run, char id[FNAS_RUN_ID_BYTES]);

/* Sets a number of an object, or nothing where it is not known (NaN). False when out of memory. */
bool fnas_json_set_number(json_t *object, const char *key, double value);
bool fnas_json_set_text(json_t *object, const char *key, const char *value);

#endif
