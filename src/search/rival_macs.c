/* A front that needs no accuracy: multiply-accumulates stand in for it, the more the better. */
#include <string.h>

#include "base/memory.h"
#include "search/rival.h"

/* Of all architectures of the table: [-MACs, normalised costs]. */
static void fill_points(const fnas_rival *rival, double *points) {
    const fnas_truth *truth = rival->truth;
    for (int64_t i = 0; i < truth->archs.count; i++) {
        fnas_truth_normalise(truth, truth->values + i * rival->objectives, points + i * rival->objectives);
        points[i * rival->objectives] = -(double)fnas_space_macs(rival->space, fnas_arch_set_at(&truth->archs, i));
    }
}

/* The costs of all are known, so that the front by MACs is; evenly thinned to what the answer and the budget have room for, so that no
 * error is seen of what is not returned. */
static fnas_status evaluate_front(fnas_rival *rival, const uint8_t *keep) {
    int64_t size = 0, seen = 0, room = rival->budget < rival->front_most ? rival->budget : rival->front_most;
    for (int64_t i = 0; i < rival->truth->archs.count; i++) size += keep[i];
    for (int64_t i = 0; i < rival->truth->archs.count; i++) {
        if (!keep[i]) continue;
        int64_t before = seen * room / size, after = ++seen * room / size, index;
        if (size > room && before == after) continue;
        FNAS_TRY(fnas_rival_evaluate(rival, fnas_arch_set_at(&rival->truth->archs, i), &index));
    }
    return FNAS_OK;
}

fnas_status fnas_rival_macs(fnas_rival *rival) {
    int64_t count = rival->truth->archs.count;
    if (!fnas_space_has_counts(rival->space))
        return fnas_fail(rival->context, FNAS_ERR_INPUT, "the space %s does not know its networks' MACs: use another rival",
                         fnas_space_name(rival->space));
    double *points = fnas_allocate((size_t)(count * rival->objectives), sizeof *points);
    uint8_t *keep = fnas_allocate((size_t)count, sizeof *keep);
    fnas_status status = points && keep ? FNAS_OK : fnas_fail_memory(rival->context, "a rival");
    if (status == FNAS_OK) {
        fill_points(rival, points);
        status = fnas_front_nondominated(rival->context, count, rival->objectives, points, keep);
    }
    if (status == FNAS_OK) status = evaluate_front(rival, keep);
    fnas_free(points);
    fnas_free(keep);
    return status;
}
