/* Scores of untrained networks stand in for the error, the higher the better (training_free.h). */
#include "estimate/training_free.h"
#include "base/memory.h"
#include "fleetnas/data.h"
#include "search/rival/rival.h"

#define IMAGES 64

/* ---- images ---- */

static fnas_status check_data(fnas_context *context, const fnas_space *space, const fnas_dataset *dataset) {
    fnas_dataset_info info = fnas_dataset_get(dataset);
    FNAS_TRY(fnas_dataset_fit(context, dataset, space->image));
    if (info.train_count >= IMAGES) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "the data set %s has %lld training images, NASWOT looks at %d", info.name,
                     (long long)info.train_count, IMAGES);
}

/* IMAGES of the train part, drawn without replacement. */
static fnas_status read_images(fnas_rival *rival, const fnas_space *space, const fnas_dataset *dataset, float *images) {
    fnas_dataset_info info = fnas_dataset_get(dataset);
    int32_t labels[IMAGES];
    FNAS_TRY(check_data(rival->context, space, dataset));
    int64_t *order = fnas_allocate((size_t)info.train_count, sizeof *order);
    fnas_status status = order ? FNAS_OK : fnas_fail_memory(rival->context, "images");
    if (status == FNAS_OK) {
        fnas_random_permutation(&rival->random, info.train_count, order);
        status = fnas_batch_fill(rival->context, dataset, space->image, IMAGES, order, NULL, images, labels);
    }
    fnas_free(order);
    return status;
}

static fnas_status load_images(fnas_rival *rival, const fnas_space *space, float *images) {
    fnas_dataset *dataset;
    FNAS_TRY(fnas_dataset_open(rival->context, rival->data, &dataset));
    fnas_status status = read_images(rival, space, dataset, images);
    fnas_dataset_close(dataset);
    return status;
}

/* ---- scores ---- */

static fnas_status stand_in(fnas_rival *rival, const fnas_space *space, const fnas_training_free_options *options, double *scores) {
    const fnas_arch_set *archs = &rival->truth->archs;
    FNAS_TRY(fnas_training_free_scores(rival->context, space, options, archs->count, archs->choices, scores));
    for (int64_t i = 0; i < archs->count; i++) scores[i] = -scores[i];
    return fnas_rival_stand_in(rival, scores);
}

/* images: room for them, NULL where the kind looks at none. */
static fnas_status run_on(fnas_rival *rival, const fnas_space *space, fnas_training_free_kind kind, float *images, double *scores) {
    fnas_training_free_options options = {.kind = kind, .seed = rival->seed, .repeats = 1, .images = images};
    if (images) {
        FNAS_TRY(load_images(rival, space, images));
        options.image_count = IMAGES;
    }
    return stand_in(rival, space, &options, scores);
}

static fnas_status run_on_proxy(fnas_rival *rival, const fnas_space *space, fnas_training_free_kind kind) {
    int64_t shape[3], classes;
    FNAS_TRY(fnas_space_image(rival->context, space, shape, &classes));
    bool looks = kind == FNAS_TRAINING_FREE_NASWOT;
    float *images = looks ? fnas_allocate((size_t)(IMAGES * shape[0] * shape[1] * shape[2]), sizeof *images) : NULL;
    double *scores = fnas_allocate((size_t)rival->truth->archs.count, sizeof *scores);
    fnas_status status = scores && (images || !looks) ? run_on(rival, space, kind, images, scores)
                                                      : fnas_fail_memory(rival->context, "a rival");
    fnas_free(images);
    fnas_free(scores);
    return status;
}

static fnas_status run(fnas_rival *rival, fnas_training_free_kind kind) {
    fnas_space *space;
    if (!fnas_space_has_supernet(rival->space))
        return fnas_fail(rival->context, FNAS_ERR_INPUT, "the space %s has no networks to score: use another rival",
                         fnas_space_name(rival->space));
    fnas_status status = fnas_space_derive(rival->context, rival->space, rival->proxy ? rival->proxy : "", &space);
    if (status == FNAS_ERR_INPUT && rival->proxy)
        return fnas_fail(rival->context, FNAS_ERR_USAGE, "--proxy %.100s: %s", rival->proxy, fnas_context_message(rival->context));
    FNAS_TRY(status);
    status = run_on_proxy(rival, space, kind);
    fnas_space_close(space);
    return status;
}

fnas_status fnas_rival_naswot(fnas_rival *rival) {
    FNAS_TRY(fnas_rival_require_table(rival));
    return run(rival, FNAS_TRAINING_FREE_NASWOT);
}

fnas_status fnas_rival_synflow(fnas_rival *rival) {
    FNAS_TRY(fnas_rival_require_table(rival));
    return run(rival, FNAS_TRAINING_FREE_SYNFLOW);
}
