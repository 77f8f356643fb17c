#include "search/query/front_files.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "search/query/front_result.h"

/* FNV-1a of the hypernetwork's parameters. */
static uint64_t fnas_run_digest(const fnas_run *run) {
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (int64_t i = 0; i < run->state.hypernet_count; i++) {
        uint32_t bits;
        memcpy(&bits, &run->state.hypernet[i], sizeof bits);
        digest = (digest ^ bits) * UINT64_C(0x100000001b3);
    }
    return digest;
}

void fnas_run_id(const fnas_run *run, char id[FNAS_RUN_ID_BYTES]) {
    const char *data = run->config.data && *run->config.data ? run->config.data : "no-data";
    snprintf(id, FNAS_RUN_ID_BYTES, "%s-%.100s-seed%" PRIu64 "-%016" PRIx64, fnas_space_name(run->space), data, run->config.seed,
             fnas_run_digest(run));
}

bool fnas_json_set_number(json_t *object, const char *key, double value) {
    return isnan(value) || !json_object_set_new(object, key, json_real(value));
}

bool fnas_json_set_text(json_t *object, const char *key, const char *value) {
    return !json_object_set_new(object, key, json_string(value));
}

/* An objective whose values are not known is left out of the file: with error not scored, it is NaN at every point. */
static bool fnas_front_objective_known(const fnas_front *front, int64_t objective) {
    for (int64_t i = 0; i < front->point_count; i++) {
        if (isnan(front->values[i * front->objective_count + objective])) return false;
    }
    return true;
}

/* ---- JSON ---- */

static bool fnas_front_json_objectives(const fnas_front *front, json_t *objectives) {
    bool done = objectives != NULL;
    for (int64_t k = 0; k < front->objective_count && done; k++) {
        if (!fnas_front_objective_known(front, k)) continue;
        fnas_front_objective objective = fnas_front_objective_at(front, k);
        json_t *entry = json_object();
        done = fnas_json_set_text(entry, "name", objective.name) && fnas_json_set_text(entry, "unit", objective.unit) &&
               fnas_json_set_text(entry, "source", objective.source);
        done = !json_array_append_new(objectives, entry) && done;
    }
    return done;
}

/* The numbers [objectives] of the known objectives, in their order. */
static bool fnas_front_json_numbers(const fnas_front *front, const double *numbers, json_t *array) {
    bool done = array != NULL;
    for (int64_t k = 0; k < front->objective_count && done; k++) {
        if (fnas_front_objective_known(front, k)) done = !json_array_append_new(array, json_real(numbers[k]));
    }
    return done;
}

static bool fnas_front_json_points(const fnas_run *run, const fnas_front *front, json_t *points) {
    bool done = points != NULL;
    for (int64_t i = 0; i < front->point_count && done; i++) {
        json_t *point = json_object(), *preference = json_array(), *values = json_array();
        done = fnas_json_set_text(point, "arch", fnas_front_arch(front, i));
        done = fnas_front_json_numbers(front, fnas_front_preference(front, i), preference) && done;
        done = fnas_front_json_numbers(front, fnas_front_values(front, i), values) && done;
        done = !json_object_set_new(point, "preference", preference) && done;
        done = !json_object_set_new(point, "values", values) && done;
        if (isfinite(front->high_ms[i])) {
            json_t *interval = json_pack("[f,f]", front->low_ms[i], front->high_ms[i]);
            done = !json_object_set_new(point, "latency_ms_interval90", interval) && done;
        }
        done = !json_object_set_new(point, "measured", json_boolean(fnas_front_measured(front, i))) && done;
        bool connected = fnas_space_connected(run->space, fnas_front_choices(front, i));
        done = !json_object_set_new(point, "connected", json_boolean(connected)) && done;
        done = !json_array_append_new(points, point) && done;
    }
    return done;
}

static bool fnas_front_json(const fnas_run *run, const fnas_front *front, json_t *root) {
    char id[FNAS_RUN_ID_BYTES];
    fnas_run_id(run, id);
    bool done = fnas_json_set_text(root, "run", id) && fnas_json_set_text(root, "space", fnas_space_spec(run->space)) &&
                fnas_json_set_text(root, "device", front->device);
    json_t *objectives = json_array(), *points = json_array();
    done = fnas_front_json_objectives(front, objectives) && fnas_front_json_points(run, front, points) && done;
    done = !json_object_set_new(root, "objectives", objectives) && done;
    return !json_object_set_new(root, "points", points) && done;
}

fnas_status fnas_front_write_json(fnas_context *context, const fnas_run *run, const fnas_front *front, const char *path) {
    json_t *root = json_object();
    fnas_status status = fnas_front_json(run, front, root) ? fnas_json_write(context, path, root) : fnas_fail_memory(context, path);
    json_decref(root);
    return status;
}

/* ---- CSV ---- */

static void fnas_front_csv_header(fnas_text *text, const fnas_front *front) {
    fnas_text_append(text, "device,arch");
    for (int64_t k = 0; k < front->objective_count; k++) fnas_text_append(text, ",preference_%s", fnas_front_objective_at(front, k).name);
    for (int64_t k = 0; k < front->objective_count; k++) {
        if (fnas_front_objective_known(front, k)) fnas_text_append(text, ",%s", fnas_front_objective_at(front, k).name);
    }
    fnas_text_append(text, "\n");
}

static void fnas_front_csv_row(fnas_text *text, const fnas_front *front, int64_t point) {
    fnas_csv_append_cell(text, front->device);
    fnas_text_append(text, ",");
    fnas_csv_append_cell(text, fnas_front_arch(front, point));
    const double *preference = fnas_front_preference(front, point), *values = fnas_front_values(front, point);
    for (int64_t k = 0; k < front->objective_count; k++) {
        fnas_text_append(text, ",");
        fnas_text_append_number(text, preference[k]);
    }
    for (int64_t k = 0; k < front->objective_count; k++) {
        if (!fnas_front_objective_known(front, k)) continue;
        fnas_text_append(text, ",");
        fnas_text_append_number(text, values[k]);
    }
    fnas_text_append(text, "\n");
}

fnas_status fnas_front_write_csv(fnas_context *context, const fnas_front *front, const char *path) {
    fnas_text text = {0};
    fnas_front_csv_header(&text, front);
    for (int64_t i = 0; i < front->point_count; i++) fnas_front_csv_row(&text, front, i);
    fnas_status status = text.failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text.data, text.size);
    fnas_text_free(&text);
    return status;
}
