#include "estimate/ingredients.h"

#include <string.h>

#include "estimate/merit.h"

#define TRAININGS "trainings"

/* Where the ingredient of a name [length] is switched on; NULL for a name that is none. */
static bool *find(fnas_ingredients *ingredients, const char *name, size_t length) {
    if (length == strlen(TRAININGS) && memcmp(name, TRAININGS, length) == 0) return &ingredients->trainings;
    for (int64_t k = 0; k < FNAS_MERIT_SCORES; k++) {
        const char *score = fnas_merit_score_name(k);
        if (length == strlen(score) && memcmp(name, score, length) == 0) return &ingredients->scores[k];
    }
    return NULL;
}

fnas_status fnas_ingredients_read(fnas_context *context, const char *text, fnas_ingredients *ingredients) {
    *ingredients = (fnas_ingredients){.trainings = text == NULL};
    for (int64_t k = 0; k < FNAS_MERIT_SCORES; k++) ingredients->scores[k] = text == NULL;
    for (const char *name = text; name;) {
        size_t length = strcspn(name, ",");
        bool *ingredient = find(ingredients, name, length);
        if (!ingredient)
            return fnas_fail(context, FNAS_ERR_USAGE,
                             "--ingredients: \"%.*s\" is none: there are naswot, zico, meco, expressivity and " TRAININGS
                             ", with commas between",
                             (int)(length < 40 ? length : 40), name);
        if (*ingredient) return fnas_fail(context, FNAS_ERR_USAGE, "--ingredients: %.*s stands twice", (int)length, name);
        *ingredient = true;
        name = name[length] ? name + length + 1 : NULL;
    }
    return FNAS_OK;
}
