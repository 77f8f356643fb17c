/* What an estimate is made of: some of the scores of untrained networks, and trainings. */
#ifndef FNAS_ESTIMATE_INGREDIENTS_H
#define FNAS_ESTIMATE_INGREDIENTS_H

#include <stdbool.h>

#include "base/error.h"

/* Scores of untrained networks that complement each other: NASWOT, ZiCo, MeCo, expressivity. */
#define FNAS_MERIT_SCORES 4

typedef struct fnas_ingredients {
    bool scores[FNAS_MERIT_SCORES];
    bool trainings;
} fnas_ingredients;

/* From "naswot,meco,trainings": names of scores (merit.h), and "trainings", in any order, each once. NULL: all. Errors: FNAS_ERR_USAGE (a
 * name that is none, or stands twice; no name). */
FNAS_NODISCARD fnas_status fnas_ingredients_read(fnas_context *context, const char *text, fnas_ingredients *ingredients);

#endif
