#include "bench/subnet.h"

#include <string.h>

#include "bench/operator.h"
#include "bench/pass.h"
#include "space/mobilenetv3/mobilenetv3.h"

/* ---- architectures ---- */

#define MIXED 5 /* of the covering networks: every kernel and expansion somewhere */
#define RESOLUTION_FIRST 128 /* of the space's own resolutions */
#define RESOLUTION_LAST 224
#define RESOLUTION_STEP 4

static void choose_alike(int32_t choice, int32_t *choices) {
    for (int64_t d = FNAS_MBV3_DEPTH; d < FNAS_MBV3_DECISIONS; d++) choices[d] = choice;
}

fnas_status fnas_subnet_choose(fnas_context *context, const char *word, int64_t resolution, int32_t *choices) {
    static const char *const alike[FNAS_MBV3_CHOICES] = {"smallest", "middle", "largest"};
    int32_t of_image = (int32_t)((resolution - RESOLUTION_FIRST) / RESOLUTION_STEP);
    if (resolution < RESOLUTION_FIRST || resolution > RESOLUTION_LAST || resolution % RESOLUTION_STEP != 0)
        return fnas_fail(context, FNAS_ERR_USAGE, "resolution=%lld: possible are 128, 132, ... %d", (long long)resolution,
                         RESOLUTION_LAST);
    for (int32_t choice = 0; choice < FNAS_MBV3_CHOICES; choice++)
        if (strcmp(word, alike[choice]) == 0) {
            choices[FNAS_MBV3_RESOLUTION] = of_image;
            choose_alike(choice, choices);
            return FNAS_OK;
        }
    if (strcmp(word, "mixed") != 0) return fnas_fail(context, FNAS_ERR_USAGE, "arch=%s: possible are " FNAS_SUBNETS, word);
    fnas_mbv3_covering(of_image, MIXED, choices);
    return FNAS_OK;
}

/* ---- the problems ---- */

fnas_status fnas_subnet_check_problem(fnas_context *context, const fnas_problem *problem) {
    int32_t choices[FNAS_MBV3_DECISIONS];
    FNAS_TRY(fnas_problem_check_type(context, problem));
    return fnas_subnet_choose(context, fnas_problem_word(problem, "arch"), fnas_problem_count(problem, "resolution"), choices);
}

const fnas_problem_key fnas_subnet_keys[] = {
    {"arch", FNAS_KEY_CHOICE, "middle", 0, 0, FNAS_SUBNETS, "the same choice everywhere (kernel 5, expansion 4, depth 3), or all of them"},
    {"resolution", FNAS_KEY_COUNT, "160", RESOLUTION_FIRST, RESOLUTION_LAST, NULL, "of the images"},
    {"images", FNAS_KEY_COUNT, "32", 1, 4096, NULL, "in the batch"},
    {"gradient", FNAS_KEY_CHOICE, "weights", 0, 0, "weights|gates|both", "weights: trains the supernet; gates: trains the hypernetwork"},
    FNAS_PRECISIONS_KEY,
    {"width", FNAS_KEY_CHOICE, "1.2", 0, 0, "1.0|1.2", "multiplier of all channels"},
    FNAS_KEYS_END,
};
