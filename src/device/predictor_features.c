#include "device/predictor_features.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "space/space.h"

#define FNAS_FEATURE_SAMPLES 2000 /* enough that a feature which is not tied to an entry shows itself without it */
#define FNAS_FEATURE_SEED UINT64_C(0x66656174757265)

typedef struct fnas_feature_study {
    const fnas_space *space;
    int64_t feature_count, onehot_size;
    double *features, *onehot; /* [F], [O]: of one architecture */
    int64_t *active;           /* [F]: samples where the feature is not zero */
    int64_t *together;         /* [F][O]: of these, samples where the entry is 1 */
    int64_t *entry;            /* [F]: the entry to which a feature belongs, or -1 */
    int32_t *choices;
} fnas_feature_study;

static void fnas_feature_study_release(fnas_feature_study *study) {
    fnas_free(study->features);
    fnas_free(study->onehot);
    fnas_free(study->active);
    fnas_free(study->together);
    fnas_free(study->entry);
    fnas_free(study->choices);
}

static bool fnas_feature_study_allocate(fnas_feature_study *study) {
    size_t f = (size_t)study->feature_count, o = (size_t)study->onehot_size;
    study->features = fnas_allocate(f, sizeof(double));
    study->onehot = fnas_allocate(o, sizeof(double));
    study->active = fnas_allocate(f, sizeof(int64_t));
    study->together = fnas_allocate(f * o, sizeof(int64_t));
    study->entry = fnas_allocate(f, sizeof(int64_t));
    study->choices = fnas_allocate((size_t)fnas_space_decision_count(study->space), sizeof(int32_t));
    return study->features && study->onehot && study->active && study->together && study->entry && study->choices;
}

static void fnas_feature_study_draw(fnas_feature_study *study, int64_t n) {
    fnas_space_random(study->space, FNAS_FEATURE_SEED, n, study->choices);
    fnas_space_to_onehot(study->space, study->choices, study->onehot);
    fnas_space_cost_features(study->space, study->onehot, study->features);
}

static void fnas_feature_study_sample(fnas_feature_study *study) {
    for (int64_t n = 0; n < FNAS_FEATURE_SAMPLES; n++) {
        fnas_feature_study_draw(study, n);
        for (int64_t j = 0; j < study->feature_count; j++) {
            if (study->features[j] == 0.0) continue;
            study->active[j]++;
            for (int64_t i = 0; i < study->onehot_size; i++) study->together[j * study->onehot_size + i] += study->onehot[i] != 0.0;
        }
    }
}

/* Standard deviations of the linear basis; scratch [2 * linear_count] is zero on entry. */
static void fnas_feature_study_scale(fnas_feature_study *study, fnas_feature_map *map, double *scratch) {
    double *basis = scratch, *mean = scratch + map->linear_count;
    for (int64_t n = 0; n < FNAS_FEATURE_SAMPLES; n++) {
        fnas_feature_study_draw(study, n);
        fnas_feature_map_linear(map, study->features, basis);
        for (int64_t j = 0; j < map->linear_count; j++) {
            mean[j] += basis[j] / FNAS_FEATURE_SAMPLES;
            map->scale[j] += basis[j] * basis[j] / FNAS_FEATURE_SAMPLES;
        }
    }
    for (int64_t j = 0; j < map->linear_count; j++) {
        double variance = map->scale[j] - mean[j] * mean[j];
        map->scale[j] = variance > 1e-12 * (1.0 + mean[j] * mean[j]) ? sqrt(variance) : 0.0;
    }
    map->scale[0] = 1.0;
}

/* The entry that is 1 wherever the feature is not zero; where several are (a feature seen in one sample, say), none. */
static int64_t fnas_feature_study_entry(const fnas_feature_study *study, int64_t j) {
    int64_t found = -1;
    for (int64_t i = 0; i < study->onehot_size && study->active[j] > 0; i++) {
        if (study->together[j * study->onehot_size + i] != study->active[j]) continue;
        if (found >= 0) return -1;
        found = i;
    }
    return found;
}

static const char *fnas_feature_entry_name(const fnas_space *space, int64_t entry) {
    for (int64_t d = 0; d < fnas_space_decision_count(space); d++) {
        int64_t choice = entry - fnas_space_onehot_offset(space, d);
        if (choice < fnas_space_choice_count(space, d)) return fnas_space_choice_name(space, d, choice);
    }
    return "";
}

/* How many earlier features belong to the same entry: raw counts and live counts of one operation are different things. */
static int64_t fnas_feature_rank(const fnas_feature_study *study, int64_t j) {
    int64_t rank = 0;
    for (int64_t i = 0; i < j; i++) rank += study->entry[i] == study->entry[j];
    return rank;
}

static bool fnas_feature_same_group(const fnas_feature_study *study, int64_t a, int64_t b) {
    if (study->entry[a] < 0 || study->entry[b] < 0) return false;
    bool same_name = strcmp(fnas_feature_entry_name(study->space, study->entry[a]),
                            fnas_feature_entry_name(study->space, study->entry[b])) == 0;
    return same_name && fnas_feature_rank(study, a) == fnas_feature_rank(study, b);
}

static void fnas_feature_study_group(fnas_feature_study *study, fnas_feature_map *map) {
    for (int64_t j = 0; j < study->feature_count; j++) study->entry[j] = fnas_feature_study_entry(study, j);
    for (int64_t j = 0; j < study->feature_count; j++) {
        map->group[j] = -1;
        for (int64_t i = 0; i < j && map->group[j] < 0; i++)
            if (fnas_feature_same_group(study, i, j)) map->group[j] = map->group[i];
        if (map->group[j] < 0) map->group[j] = (int32_t)map->group_count++;
    }
    for (int64_t j = 0; j < map->feature_count; j++) map->is_further[j] = study->entry[j] >= 0 && fnas_feature_rank(study, j) > 0;
    for (int64_t j = 0; j < map->feature_count; j++) map->group_size[map->group[j]]++;
    map->pools = map->group_count < map->feature_count;
    map->linear_count = 1 + map->group_count + map->feature_count;
    map->bound_count = 1 + map->feature_count;
    map->bounds[0][0] = 0;
    map->bounds[0][1] = -1;
    for (int64_t j = 0; j < map->feature_count; j++) {
        map->bounds[1 + j][0] = 1 + map->group[j];
        map->bounds[1 + j][1] = (int32_t)(1 + map->group_count + j);
    }
}

static fnas_status fnas_feature_study_measure(fnas_context *context, fnas_feature_study *study, fnas_feature_map *map) {
    fnas_feature_study_sample(study);
    fnas_feature_study_group(study, map);
    map->scale = fnas_allocate((size_t)map->linear_count, sizeof(double));
    double *scratch = fnas_allocate((size_t)map->linear_count, 2 * sizeof(double));
    fnas_status status = map->scale && scratch ? FNAS_OK : fnas_fail_memory(context, "cost features");
    if (status == FNAS_OK) fnas_feature_study_scale(study, map, scratch);
    fnas_free(scratch);
    return status;
}

fnas_status fnas_feature_map_create(fnas_context *context, const fnas_space *space, fnas_feature_map *map) {
    *map = (fnas_feature_map){.feature_count = fnas_space_cost_feature_count(space)};
    if (map->feature_count < 1 || map->feature_count > FNAS_PREDICTOR_MAX_FEATURES)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "space %s has %lld cost features: the predictor takes 1 to %d",
                         fnas_space_spec(space), (long long)map->feature_count, FNAS_PREDICTOR_MAX_FEATURES);
    map->group = fnas_allocate((size_t)map->feature_count, sizeof(int32_t));
    map->group_size = fnas_allocate((size_t)map->feature_count, sizeof(int32_t));
    map->is_further = fnas_allocate((size_t)map->feature_count, sizeof(bool));
    map->bounds = fnas_allocate((size_t)map->feature_count + 1, sizeof *map->bounds);
    fnas_feature_study study = {.space = space, .feature_count = map->feature_count, .onehot_size = fnas_space_onehot_size(space)};
    fnas_status status = FNAS_OK;
    if (!map->group || !map->group_size || !map->is_further || !map->bounds || !fnas_feature_study_allocate(&study))
        status = fnas_fail_memory(context, "cost features");
    else
        status = fnas_feature_study_measure(context, &study, map);
    fnas_feature_study_release(&study);
    if (status != FNAS_OK) fnas_feature_map_release(map);
    return status;
}

fnas_status fnas_feature_map_mean(fnas_context *context, const fnas_space *space, const fnas_feature_map *map, double *mean) {
    fnas_feature_study study = {.space = space, .feature_count = map->feature_count, .onehot_size = fnas_space_onehot_size(space)};
    double *basis = fnas_allocate((size_t)map->linear_count, sizeof *basis);
    fnas_status status = basis && fnas_feature_study_allocate(&study) ? FNAS_OK : fnas_fail_memory(context, "cost features");
    memset(mean, 0, (size_t)map->linear_count * sizeof *mean);
    for (int64_t n = 0; n < FNAS_FEATURE_SAMPLES && status == FNAS_OK; n++) {
        fnas_feature_study_draw(&study, n);
        fnas_feature_map_linear(map, study.features, basis);
        for (int64_t j = 0; j < map->linear_count; j++) mean[j] += basis[j] / FNAS_FEATURE_SAMPLES;
    }
    fnas_free(basis);
    fnas_feature_study_release(&study);
    return status;
}

void fnas_feature_map_release(fnas_feature_map *map) {
    fnas_free(map->group);
    fnas_free(map->group_size);
    fnas_free(map->is_further);
    fnas_free(map->bounds);
    fnas_free(map->scale);
    *map = (fnas_feature_map){0};
}

bool fnas_feature_map_is_kind(const fnas_feature_map *map, int64_t j) {
    return j == 0 || (j <= map->group_count && (!map->pools || map->group_size[j - 1] > 1));
}

void fnas_feature_map_linear(const fnas_feature_map *map, const double *features, double *basis) {
    basis[0] = 1.0;
    memset(basis + 1, 0, (size_t)map->group_count * sizeof *basis);
    for (int64_t j = 0; j < map->feature_count; j++) {
        basis[1 + map->group[j]] += features[j];
        basis[1 + map->group_count + j] = features[j];
    }
}

void fnas_feature_map_collapse(const fnas_feature_map *map, const double *coefficients, double *bias, double *weights) {
    *bias = coefficients[0];
    for (int64_t j = 0; j < map->feature_count; j++) weights[j] = coefficients[1 + map->group_count + j] + coefficients[1 + map->group[j]];
}
