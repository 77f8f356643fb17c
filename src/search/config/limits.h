/* Limits of both options and config.json: what is written must be read again. */
#ifndef FNAS_SEARCH_CONFIG_LIMITS_H
#define FNAS_SEARCH_CONFIG_LIMITS_H

#include <stdint.h>

#define FNAS_SEARCH_STEPS_MAX INT64_C(1000000000000)
/* Times an epoch's steps, at most the ten million images of a data set, this is FNAS_SEARCH_STEPS_MAX. */
#define FNAS_SEARCH_EPOCHS_MAX INT64_C(100000)
#define FNAS_SEARCH_MINUTES_MAX 1e6
#define FNAS_SEARCH_PATHS_MAX 4096
#define FNAS_SEARCH_PIECES_MAX 1e6 /* as data/text/vocabulary.h has it */

#endif
