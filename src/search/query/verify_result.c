#include "base/json.h"
#include "base/memory.h"
#include "search/query/front_files.h"
#include "search/query/verify.h"

static void fnas_verify_rows_free(fnas_verify_rows *rows) {
    for (int64_t i = 0; rows->archs && i < rows->count; i++) fnas_free(rows->archs[i]);
    fnas_free(rows->archs);
    fnas_free(rows->rows);
}

void fnas_verification_free(fnas_verification *verification) {
    if (!verification) return;
    for (int64_t i = 0; i < verification->count; i++) {
        if (verification->rows) fnas_verify_rows_free(&verification->rows[i]);
        if (verification->names) fnas_free(verification->names[i]);
    }
    for (int64_t i = 0; i < verification->left_out_count; i++) {
        fnas_free((char *)(uintptr_t)verification->left_out[i].name); /* owned, const for those who ask */
        fnas_free((char *)(uintptr_t)verification->left_out[i].reason);
    }
    fnas_free(verification->left_out);
    fnas_free(verification->run);
    fnas_free(verification->space);
    fnas_free(verification->names);
    fnas_free(verification->devices);
    fnas_free(verification->rows);
    fnas_free(verification);
}

int64_t fnas_verification_count(const fnas_verification *verification) {
    return verification->count;
}

const fnas_verify_device *fnas_verification_device(const fnas_verification *verification, int64_t index) {
    return &verification->devices[index];
}

int64_t fnas_verification_row_count(const fnas_verification *verification, int64_t device) {
    return verification->rows[device].count;
}

fnas_verify_row fnas_verification_row(const fnas_verification *verification, int64_t device, int64_t row) {
    return verification->rows[device].rows[row];
}

int64_t fnas_verification_left_out_count(const fnas_verification *verification) {
    return verification->left_out_count;
}

fnas_verify_left_out fnas_verification_left_out(const fnas_verification *verification, int64_t index) {
    return verification->left_out[index];
}

/* ---- JSON ---- */

static json_t *fnas_verify_row_json(const fnas_verify_row *row) {
    json_t *object = json_object();
    if (fnas_json_set_text(object, "arch", row->arch) && fnas_json_set_number(object, "predicted_ms", row->predicted_ms) &&
        fnas_json_set_number(object, "measured_ms", row->measured_ms) &&
        fnas_json_set_number(object, "validation_error_pct", row->validation_error_pct) &&
        fnas_json_set_number(object, "test_error_pct", row->test_error_pct)) {
        return object;
    }
    json_decref(object);
    return NULL;
}

static bool fnas_verify_device_json(const fnas_verify_device *device, json_t *object) {
    return fnas_json_set_text(object, "device", device->name) && !json_object_set_new(object, "searched", json_boolean(device->searched)) &&
           !json_object_set_new(object, "front_points", json_integer(device->front_points)) &&
           fnas_json_set_number(object, "best_accuracy_pct", device->best_accuracy_pct) &&
           fnas_json_set_number(object, "median_ape_pct", device->median_ape_pct) &&
           fnas_json_set_number(object, "spearman", device->spearman) && fnas_json_set_number(object, "slowdown", device->slowdown) &&
           fnas_json_set_number(object, "hypervolume", device->hypervolume) &&
           fnas_json_set_number(object, "hypervolume_random", device->hypervolume_random) &&
           fnas_json_set_number(object, "hypervolume_random_deviation", device->hypervolume_random_deviation) &&
           fnas_json_set_number(object, "hypervolume_untrained", device->hypervolume_untrained) &&
           fnas_json_set_number(object, "hypervolume_mean_embedding", device->hypervolume_mean_embedding) &&
           fnas_json_set_number(object, "hypervolume_constant_preference", device->hypervolume_constant_preference);
}

static json_t *fnas_verify_entry_json(const fnas_verification *verification, int64_t device) {
    json_t *object = json_object(), *points = json_array();
    const fnas_verify_rows *rows = &verification->rows[device];
    bool done = fnas_verify_device_json(&verification->devices[device], object);
    for (int64_t i = 0; i < rows->count && done; i++) done = !json_array_append_new(points, fnas_verify_row_json(&rows->rows[i]));
    if (!json_object_set_new(object, "points", points) && done) return object;
    json_decref(object);
    return NULL;
}

static bool fnas_verify_left_out_json(const fnas_verification *verification, json_t *array) {
    bool done = array != NULL;
    for (int64_t i = 0; i < verification->left_out_count && done; i++) {
        json_t *entry = json_object();
        done = fnas_json_set_text(entry, "device", verification->left_out[i].name) &&
               fnas_json_set_text(entry, "reason", verification->left_out[i].reason);
        done = !json_array_append_new(array, entry) && done;
    }
    return done;
}

static bool fnas_verification_json(const fnas_verification *verification, json_t *root) {
    json_t *devices = json_array(), *left_out = json_array();
    bool done = fnas_json_set_text(root, "run", verification->run) && fnas_json_set_text(root, "space", verification->space) &&
                !json_object_set_new(root, "test_images", json_integer(verification->test_images)) &&
                !json_object_set_new(root, "scale_count", json_integer(verification->scale_count)) &&
                !json_object_set_new(root, "random_count", json_integer(verification->random_count)) &&
                !json_object_set_new(root, "seed", fnas_json_from_unsigned(verification->seed));
    for (int64_t i = 0; i < verification->count && done; i++) {
        done = !json_array_append_new(devices, fnas_verify_entry_json(verification, i));
    }
    done = fnas_verify_left_out_json(verification, left_out) && done;
    done = !json_object_set_new(root, "devices", devices) && done;
    return !json_object_set_new(root, "left_out", left_out) && done;
}

fnas_status fnas_verification_write_json(fnas_context *context, const fnas_verification *verification, const char *path) {
    json_t *root = json_object();
    fnas_status status = fnas_verification_json(verification, root) ? fnas_json_write(context, path, root)
                                                                    : fnas_fail_memory(context, path);
    json_decref(root);
    return status;
}
