/* A card by other references, of architectures that it has measured. */
#include <string.h>

#include "base/memory.h"
#include "device/archs.h"
#include "device/card.h"
#include "space/space.h"

/* What a reference has, one list a number, and a measurement one by one. */
static const char *const numbers[] = {"latency_ms", "energy_mj", "min_cpu_ms", "median_wall_ms"};
enum { LATENCY, ENERGY, NUMBERS = sizeof numbers / sizeof *numbers };

typedef struct rebasing {
    fnas_context *context;
    const fnas_card *card;
    fnas_arch_set before, measured, after; /* its references, its measurements, the new references */
    json_t *root;                          /* of the new card */
} rebasing;

/* Borrowed; NULL where there is none. */
static json_t *number_of_reference(const rebasing *r, int64_t reference, int number) {
    return json_array_get(json_object_get(json_object_get(r->card->root, "reference"), numbers[number]), (size_t)reference);
}

static json_t *number_of_measurement(const rebasing *r, int64_t measurement, int number) {
    return json_object_get(json_array_get(json_object_get(r->card->root, "measurements"), (size_t)measurement), numbers[number]);
}

static json_t *number_of(const rebasing *r, const int32_t *choices, int number) {
    int64_t reference = fnas_arch_set_find(&r->before, choices);
    return reference >= 0 ? number_of_reference(r, reference, number)
                          : number_of_measurement(r, fnas_arch_set_find(&r->measured, choices), number);
}

static fnas_status take_archs(const rebasing *r, const fnas_space *space, json_t *archs) {
    for (int64_t i = 0; i < r->after.count; i++) {
        const int32_t *choices = fnas_arch_set_at(&r->after, i);
        char text[FNAS_ARCH_TEXT_BYTES];
        FNAS_TRY(fnas_space_format(r->context, space, choices, text, sizeof text));
        if (fnas_arch_set_find(&r->before, choices) < 0 && fnas_arch_set_find(&r->measured, choices) < 0)
            return fnas_fail(
                r->context, FNAS_ERR_INPUT,
                "device %s: the reference architecture %s is not on its card: measure it (device measure --add --archs-file), or "
                "name another",
                r->card->view.name, text);
        if (json_array_append_new(archs, json_string(text))) return fnas_fail_memory(r->context, r->card->view.name);
    }
    return FNAS_OK;
}

/* A number that only some of the ten have is left out, but for energies, which then mean a card of two kinds of rows. */
static fnas_status take_number(const rebasing *r, int number, json_t *reference) {
    int64_t found = 0;
    for (int64_t i = 0; i < r->after.count; i++) found += number_of(r, fnas_arch_set_at(&r->after, i), number) != NULL;
    if (number == ENERGY && found && found < r->after.count)
        return fnas_fail(r->context, FNAS_ERR_INPUT, "device %s: %lld of the ten references have an energy on its card, the others none",
                         r->card->view.name, (long long)found);
    if (found < r->after.count) return FNAS_OK;
    json_t *values = json_array();
    if (json_object_set_new(reference, numbers[number], values)) return fnas_fail_memory(r->context, r->card->view.name);
    for (int64_t i = 0; i < r->after.count; i++)
        if (json_array_append(values, number_of(r, fnas_arch_set_at(&r->after, i), number)))
            return fnas_fail_memory(r->context, r->card->view.name);
    return FNAS_OK;
}

static fnas_status take_references(const rebasing *r, const fnas_space *space) {
    json_t *reference = json_object(), *archs = json_array();
    if (json_object_set_new(r->root, "reference", reference)) {
        json_decref(archs);
        return fnas_fail_memory(r->context, r->card->view.name);
    }
    if (json_object_set_new(reference, "arch", archs)) return fnas_fail_memory(r->context, r->card->view.name);
    FNAS_TRY(take_archs(r, space, archs));
    for (int number = 0; number < NUMBERS; number++) FNAS_TRY(take_number(r, number, reference));
    return FNAS_OK;
}

/* A reference that is none any more as a measurement; without an energy where the others have none. Owned; NULL when out of memory. */
static json_t *row_of(const rebasing *r, int64_t reference) {
    json_t *row = json_object();
    const json_t *archs = json_object_get(json_object_get(r->card->root, "reference"), "arch");
    bool failed = json_object_set(row, "arch", json_array_get(archs, (size_t)reference)) != 0;
    bool has_energies = !r->card->view.measurement_count || r->card->view.measurement_energy_mj;
    for (int number = 0; number < NUMBERS && !failed; number++) {
        json_t *value = number == ENERGY && !has_energies ? NULL : number_of_reference(r, reference, number);
        if (value) failed = json_object_set(row, numbers[number], value) != 0;
    }
    if (!failed) return row;
    json_decref(row);
    return NULL;
}

static fnas_status keep_references(const rebasing *r) {
    const fnas_card_view *view = &r->card->view;
    json_t *rows = json_object_get(r->root, "measurements");
    if (view->measurement_energy_mj && !view->reference_energy_mj) return FNAS_OK;
    for (int64_t i = 0; i < r->before.count; i++) {
        const int32_t *choices = fnas_arch_set_at(&r->before, i);
        if (fnas_arch_set_find(&r->after, choices) >= 0 || fnas_arch_set_find(&r->measured, choices) >= 0) continue;
        if (json_array_append_new(rows, row_of(r, i))) return fnas_fail_memory(r->context, view->name);
    }
    return FNAS_OK;
}

static fnas_status rebase(rebasing *r, const fnas_space *space, const char *references) {
    const fnas_card_view *view = &r->card->view;
    int32_t *choices = fnas_allocate((size_t)(FNAS_CARD_REFERENCES * view->decision_count), sizeof *choices);
    if (!choices) return fnas_fail_memory(r->context, view->name);
    fnas_status status = fnas_archs_references(r->context, space, references, choices);
    if (status == FNAS_OK) status = fnas_arch_set_add_all(r->context, &r->after, FNAS_CARD_REFERENCES, choices);
    fnas_free(choices);
    FNAS_TRY(status);
    FNAS_TRY(fnas_arch_set_add_all(r->context, &r->before, view->reference_count, view->reference_choices));
    FNAS_TRY(fnas_arch_set_add_all(r->context, &r->measured, view->measurement_count, view->measurement_choices));
    r->root = json_deep_copy(r->card->root);
    if (!r->root) return fnas_fail_memory(r->context, view->name);
    FNAS_TRY(take_references(r, space));
    return keep_references(r);
}

fnas_status fnas_card_rebase(fnas_context *context, const fnas_space *space, const fnas_card *card, const char *references,
                             fnas_card **rebased) {
    int64_t decisions = fnas_space_decision_count(space);
    rebasing r = {.context = context,
                  .card = card,
                  .before = {.decisions = decisions},
                  .measured = {.decisions = decisions},
                  .after = {.decisions = decisions}};
    *rebased = NULL;
    fnas_status status = fnas_card_check_space(context, card, space);
    if (status == FNAS_OK) status = rebase(&r, space, references);
    fnas_arch_set_free(&r.before);
    fnas_arch_set_free(&r.measured);
    fnas_arch_set_free(&r.after);
    if (status == FNAS_OK) return fnas_card_from_json(context, card->view.name, r.root, rebased);
    json_decref(r.root);
    return status;
}
