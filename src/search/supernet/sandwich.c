/* Training shared weights from the largest network on (progressive shrinking, Cai et al. 2020): in the first phase the full network alone,
 * then with more and more of its choices open.
 *
 * While one network is open, each part of a step's images goes through it. As soon as there are several, each part goes through a sandwich
 * (Yu and Huang 2019, "Universally slimmable networks"; Yu et al. 2020, "BigNAS"): the largest network, the smallest of those that are
 * open, and random ones between them; all but the largest also learn what the largest, on the same images and just before, says of them
 * (in-place distillation). Once-for-All distils from a copy of the full network as it was after the first phase, which costs a pass of its
 * own; here the largest runs in any case, and what it says goes on to improve. */
#include "search/searcher.h"
#include "space/space.h"

/* What a path takes of the choices that are open: all of the last, all of the first, or random ones. */
typedef enum layer { LAYER_LARGEST, LAYER_SMALLEST, LAYER_BETWEEN } layer;

static layer layer_of(const fnas_paths *paths, int64_t path) {
    if (paths->teacher_count == 0) return LAYER_BETWEEN;
    int64_t place = path / paths->teacher_count;
    return place == 0 ? LAYER_LARGEST : place == 1 ? LAYER_SMALLEST : LAYER_BETWEEN;
}

static void draw_path(fnas_searcher *searcher, int64_t phase, int64_t path) {
    const fnas_space *space = searcher->run->space;
    int32_t *choices = searcher->paths.choices + path * searcher->decisions;
    layer place = layer_of(&searcher->paths, path);
    int64_t stream_step = FNAS_PURPOSE_COUNT * searcher->state->step + FNAS_PURPOSE_WEIGHTS;
    fnas_random random = fnas_random_begin(searcher->config->seed, FNAS_STREAM_SAMPLE, stream_step, path);
    for (int64_t d = 0; d < searcher->decisions; d++) {
        int32_t first, last;
        fnas_space_phase_choices(space, phase, d, &first, &last);
        int32_t drawn = first + (int32_t)fnas_random_below(&random, last - first + 1);
        choices[d] = place == LAYER_LARGEST ? last : place == LAYER_SMALLEST ? first : drawn;
    }
}

void fnas_sandwich_draw(fnas_searcher *searcher) {
    const fnas_search_config *config = searcher->config;
    fnas_paths *paths = &searcher->paths;
    int64_t phase = fnas_schedule_phase(config, searcher->state->step, searcher->state->total_steps);
    bool alone = phase == 0; /* space.h, phase_names: there is nothing to teach yet */
    paths->share_count = config->sandwiches;
    paths->teacher_count = alone ? 0 : config->sandwiches;
    paths->count = config->sandwiches * (alone ? 1 : config->sandwich_paths);
    for (int64_t p = 0; p < paths->count; p++) draw_path(searcher, phase, p);
}
