#include <string.h>

#include "space/file/file.h"

int64_t fnas_file_space_feature_count(const fnas_space *space) {
    return ((const fnas_file_space *)space->detail)->feature_count;
}

/* How far D makes the parent choose what activates decision d: 0 or 1 for a one-hot. */
static double fnas_file_space_consent(const fnas_file_space *file, int64_t d, const double *onehot) {
    const fnas_file_decision *decision = &file->decisions[d];
    if (decision->parent < 0) return 1;
    const double *row = onehot + file->offset[decision->parent];
    double sum = 0;
    for (int64_t k = 0; k < file->decisions[decision->parent].choice_count; k++) sum += decision->active_with[k] ? row[k] : 0;
    return sum;
}

/* activity [decision_count]: the product of the consents on the way from the root. */
static void fnas_file_space_activity(const fnas_file_space *file, const double *onehot, double *activity) {
    for (int64_t i = 0; i < file->decision_count; i++) {
        int64_t d = file->order[i], parent = file->decisions[d].parent;
        activity[d] = (parent < 0 ? 1 : activity[parent]) * fnas_file_space_consent(file, d, onehot);
    }
}

void fnas_file_space_features(const fnas_space *space, const double *onehot, double *features) {
    const fnas_file_space *file = space->detail;
    double activity[FNAS_FILE_SPACE_DECISIONS_MAX], *value = features + file->onehot_size;
    fnas_file_space_activity(file, onehot, activity);
    for (int64_t d = 0; d < file->decision_count; d++) {
        const fnas_file_decision *decision = &file->decisions[d];
        const double *row = onehot + file->offset[d];
        double sum = 0;
        for (int64_t k = 0; k < decision->choice_count; k++) {
            features[file->offset[d] + k] = activity[d] * row[k];
            if (decision->values) sum += decision->values[k] * row[k];
        }
        if (decision->values) *value++ = activity[d] * sum;
    }
}

void fnas_file_space_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot) {
    const fnas_file_space *file = space->detail;
    double activity[FNAS_FILE_SPACE_DECISIONS_MAX], diff_activity[FNAS_FILE_SPACE_DECISIONS_MAX];
    const double *diff_value = diff_features + file->onehot_size;
    fnas_file_space_activity(file, onehot, activity);
    for (int64_t d = 0; d < file->decision_count; d++) {
        const fnas_file_decision *decision = &file->decisions[d];
        double of_value = decision->values ? *diff_value++ : 0;
        diff_activity[d] = 0;
        for (int64_t k = 0; k < decision->choice_count; k++) {
            int64_t at = file->offset[d] + k;
            double slope = diff_features[at] + (decision->values ? of_value * decision->values[k] : 0);
            diff_onehot[at] += activity[d] * slope;
            diff_activity[d] += onehot[at] * slope;
        }
    }
    for (int64_t i = file->decision_count - 1; i >= 0; i--) { /* children before their parents */
        int64_t d = file->order[i], parent = file->decisions[d].parent;
        if (parent < 0) continue;
        for (int64_t k = 0; k < file->decisions[parent].choice_count; k++)
            if (file->decisions[d].active_with[k]) diff_onehot[file->offset[parent] + k] += diff_activity[d] * activity[parent];
        diff_activity[parent] += diff_activity[d] * fnas_file_space_consent(file, d, onehot);
    }
}
