/* Adding to a card what was measured later. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
#include "device/card_change.h"
#include "device/measure_internal.h"
#include "space/space.h"

/* ---- the same device ---- */

static fnas_status check_text(fnas_context *context, const fnas_card *card, const char *what, const char *before, const char *now) {
    if (!now || strcmp(before, now) == 0) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "card of device %s: its %s is \"%s\", this measurement's \"%s\": another device needs a card of its own",
                     card->view.name, what, before, now);
}

static fnas_status check_count(fnas_context *context, const fnas_card *card, const char *what, int64_t before, int64_t now) {
    if (before == now) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "card of device %s: its %s is %lld, this measurement's %lld: another device needs a card of its own", card->view.name,
                     what, (long long)before, (long long)now);
}

fnas_status fnas_card_check_same(fnas_context *context, const fnas_card *card, const fnas_card_view *now, bool with_energy) {
    const fnas_card_view *before = &card->view;
    FNAS_TRY(check_text(context, card, "name", before->name, now->name));
    FNAS_TRY(check_text(context, card, "runtime", before->runtime, now->runtime));
    FNAS_TRY(check_text(context, card, "runtime_version", before->runtime_version, now->runtime_version));
    FNAS_TRY(check_text(context, card, "processor", before->processor, now->processor));
    FNAS_TRY(check_text(context, card, "precision", before->precision, now->precision));
    FNAS_TRY(check_text(context, card, "isa", before->isa, now->isa));
    FNAS_TRY(check_text(context, card, "statistic", before->statistic, now->statistic));
    FNAS_TRY(check_count(context, card, "batch", before->batch, now->batch));
    FNAS_TRY(check_count(context, card, "threads", before->threads, now->threads));
    bool has_energy = before->measurement_count ? before->measurement_energy_mj : before->reference_energy_mj;
    if (has_energy == with_energy) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "card of device %s has %s energies, this measurement would have %s: measure as before",
                     before->name, has_energy ? "" : "no", with_energy ? "some" : "none");
}

fnas_status fnas_card_check_new(fnas_context *context, const fnas_card *card, const char *where, const fnas_arch_set *listed) {
    const fnas_card_view *view = &card->view;
    for (int64_t i = 0; i < view->measurement_count; i++) {
        int64_t place = fnas_arch_set_find(listed, view->measurement_choices + i * view->decision_count);
        if (place >= 0)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s: architecture %lld is on the card of device %s already: leave it out", where,
                             (long long)place, view->name);
    }
    return FNAS_OK;
}

/* The references tell whether times can stand side by side; a single one may be disturbed. */
static fnas_status compare_references(fnas_context *context, const fnas_card *card, const fnas_card *measured, double *change) {
    double ratios[FNAS_CARD_REFERENCES];
    FNAS_TRY(fnas_card_check_references(context, measured, card));
    for (int i = 0; i < FNAS_CARD_REFERENCES; i++) ratios[i] = measured->view.reference_latency_ms[i] / card->view.reference_latency_ms[i];
    *change = fnas_median(ratios, FNAS_CARD_REFERENCES) - 1;
    if (fabs(*change) <= FNAS_MEASURE_DRIFT_LIMIT) return FNAS_OK;
    return fnas_fail(
        context, FNAS_ERR_NUMERIC,
        "device %s: its references take %+.0f %% time in the median since its card was made, more than %.0f %% off: measure again "
        "on a quiet machine, or all anew",
        card->view.name, 100 * *change, 100 * FNAS_MEASURE_DRIFT_LIMIT);
}

/* ---- the sum ---- */

/* An array under this key, made where it is missing. Borrowed; NULL when out of memory. */
static json_t *array_of(json_t *object, const char *key) {
    json_t *array = json_object_get(object, key);
    if (array) return array;
    array = json_array();
    return json_object_set_new(object, key, array) ? NULL : array;
}

static bool add_rows(json_t *root, const json_t *measured) {
    json_t *rows = array_of(root, "measurements"), *row;
    size_t i;
    json_array_foreach(json_object_get(measured, "measurements"), i, row) if (!rows || json_array_append(rows, row)) return false;
    return rows != NULL;
}

static bool add_protocol(json_t *root, const fnas_card *measured, double change) {
    json_t *added = array_of(json_object_get(root, "protocol"), "added");
    const json_t *protocol = json_object_get(measured->root, "protocol");
    json_t *entry = json_pack("{s:s,s:I,s:O?,s:O?,s:O?,s:f}", "date", measured->view.date, "architectures",
                              (json_int_t)measured->view.measurement_count, "rounds", json_object_get(protocol, "rounds"), "seed",
                              json_object_get(protocol, "seed"), "drift", json_object_get(protocol, "drift"), "references_change", change);
    return json_array_append_new(added, entry) == 0; /* fails where either is missing */
}

static bool take_noise(json_t *root, const fnas_card *card, const fnas_card *measured) {
    if (measured->view.measurement_count < card->view.measurement_count && isfinite(card->view.noise_spearman)) return true;
    json_t *noise = json_object_get(measured->root, "noise_spearman");
    return json_object_set(root, "noise_spearman", noise) == 0;
}

fnas_status fnas_card_add(fnas_context *context, const fnas_card *card, const fnas_card *measured, fnas_card **sum) {
    double change;
    *sum = NULL;
    FNAS_TRY(fnas_card_check_same(context, card, &measured->view, measured->view.measurement_energy_mj != NULL));
    FNAS_TRY(compare_references(context, card, measured, &change));
    json_t *root = json_deep_copy(card->root);
    if (root && add_rows(root, measured->root) && add_protocol(root, measured, change) && take_noise(root, card, measured))
        return fnas_card_from_json(context, card->view.name, root, sum);
    json_decref(root);
    return fnas_fail_memory(context, card->view.name);
}
