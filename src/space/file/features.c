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

/* From diff_activity [decision_count], which is used up, to diff_onehot, added. */
static void fnas_file_space_activity_vjp(const fnas_file_space *file, const double *onehot, const double *activity, double *diff_activity,
                                         double *diff_onehot) {
    for (int64_t i = file->decision_count - 1; i >= 0; i--) { /* children before their parents */
        int64_t d = file->order[i], parent = file->decisions[d].parent;
        if (parent < 0) continue;
        for (int64_t k = 0; k < file->decisions[parent].choice_count; k++)
            if (file->decisions[d].active_with[k]) diff_onehot[file->offset[parent] + k] += diff_activity[d] * activity[parent];
        diff_activity[parent] += diff_activity[d] * fnas_file_space_consent(file, d, onehot);
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
    fnas_file_space_activity_vjp(file, onehot, activity, diff_activity, diff_onehot);
}

/* ---- the one-hot, without what is not active ---- */

static void fnas_file_space_encode(const fnas_space *space, const double *onehot, double *input) {
    const fnas_file_space *file = space->detail;
    double activity[FNAS_FILE_SPACE_DECISIONS_MAX];
    fnas_file_space_activity(file, onehot, activity);
    for (int64_t d = 0; d < file->decision_count; d++)
        for (int64_t k = 0; k < file->decisions[d].choice_count; k++)
            input[file->offset[d] + k] = activity[d] * onehot[file->offset[d] + k];
}

static void fnas_file_space_encode_vjp(const fnas_space *space, const double *onehot, const double *diff_input, double *diff_onehot) {
    const fnas_file_space *file = space->detail;
    double activity[FNAS_FILE_SPACE_DECISIONS_MAX], diff_activity[FNAS_FILE_SPACE_DECISIONS_MAX] = {0};
    fnas_file_space_activity(file, onehot, activity);
    for (int64_t d = 0; d < file->decision_count; d++)
        for (int64_t k = 0; k < file->decisions[d].choice_count; k++) {
            int64_t at = file->offset[d] + k;
            diff_onehot[at] += activity[d] * diff_input[at];
            diff_activity[d] += onehot[at] * diff_input[at];
        }
    fnas_file_space_activity_vjp(file, onehot, activity, diff_activity, diff_onehot);
}

const fnas_space_encoding fnas_file_space_encodings[] = {
    {"onehot", NULL, NULL, fnas_space_onehot_size, fnas_file_space_encode, fnas_file_space_encode_vjp}, {.name = NULL}};

/* ---- stated costs ---- */

int64_t fnas_file_space_cost_count(const fnas_space *space) {
    const fnas_file_space *file = space->detail;
    return file->cost_count ? file->cost_count : file->feature_count;
}

/* value [decision_count]: value / largest value where D is one-hot, linear in D between; 0 where a decision has none. */
static void fnas_file_space_ratios(const fnas_file_space *file, const double *onehot, double *value) {
    for (int64_t d = 0; d < file->decision_count; d++) {
        const fnas_file_decision *decision = &file->decisions[d];
        value[d] = 0;
        for (int64_t k = 0; decision->ratios && k < decision->choice_count; k++)
            value[d] += decision->ratios[k] * onehot[file->offset[d] + k];
    }
}

/* The product of a cost's factors, without factor number `without` (-1: of all). */
static double fnas_file_cost_product(const fnas_file_cost *cost, int64_t without, const double *activity, const double *value) {
    double product = 1;
    for (int64_t i = 0; i < cost->factor_count; i++)
        if (i != without) product *= activity[cost->factors[i]] * value[cost->factors[i]];
    return product;
}

void fnas_file_space_costs(const fnas_space *space, const double *onehot, double *costs) {
    const fnas_file_space *file = space->detail;
    double activity[FNAS_FILE_SPACE_DECISIONS_MAX], value[FNAS_FILE_SPACE_DECISIONS_MAX];
    if (!file->cost_count) {
        fnas_file_space_features(space, onehot, costs);
        return;
    }
    fnas_file_space_activity(file, onehot, activity);
    fnas_file_space_ratios(file, onehot, value);
    for (int64_t c = 0; c < file->cost_count; c++) costs[c] = fnas_file_cost_product(&file->costs[c], -1, activity, value);
}

void fnas_file_space_costs_vjp(const fnas_space *space, const double *onehot, const double *diff_costs, double *diff_onehot) {
    const fnas_file_space *file = space->detail;
    double activity[FNAS_FILE_SPACE_DECISIONS_MAX], value[FNAS_FILE_SPACE_DECISIONS_MAX],
        diff_activity[FNAS_FILE_SPACE_DECISIONS_MAX] = {0};
    if (!file->cost_count) {
        fnas_file_space_features_vjp(space, onehot, diff_costs, diff_onehot);
        return;
    }
    fnas_file_space_activity(file, onehot, activity);
    fnas_file_space_ratios(file, onehot, value);
    for (int64_t c = 0; c < file->cost_count; c++)
        for (int64_t i = 0; i < file->costs[c].factor_count; i++) {
            int64_t d = file->costs[c].factors[i];
            double slope = diff_costs[c] * fnas_file_cost_product(&file->costs[c], i, activity, value);
            diff_activity[d] += slope * value[d];
            for (int64_t k = 0; k < file->decisions[d].choice_count; k++)
                diff_onehot[file->offset[d] + k] += slope * activity[d] * file->decisions[d].ratios[k];
        }
    fnas_file_space_activity_vjp(file, onehot, activity, diff_activity, diff_onehot);
}
