/* Reading and checking device cards. */
#include "device/card.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "device/embedding.h"
#include "device/translating.h"
#include "space/arch_set.h"
#include "space/space.h"

#define NAME_MOST_BYTES 100 /* leaves room for an ending in what file systems allow */
#define CARD_LIMIT_BYTES ((size_t)64 << 20)
#define MEASUREMENTS_MAX 1000000
#define TEXT_MAX 4000 /* bytes of a name, a processor, ... */
#define WHERE_BYTES 4200
#define WORDS_MOST 1000000 /* of a sentence */
#define PREFIX_BYTES 320

typedef struct card_reader {
    fnas_context *context;
    const char *where; /* "CARD.json" */
    fnas_card *card;
    fnas_space *space;
} card_reader;

/* ---- fields ---- */

static fnas_status read_text(const card_reader *reader, const char *key, const char **value) {
    FNAS_TRY(fnas_json_string(reader->context, reader->card->root, reader->where, key, value));
    if (!**value) return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"%s\" is empty", reader->where, key);
    if (strlen(*value) > TEXT_MAX)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"%s\" is longer than %d bytes", reader->where, key, TEXT_MAX);
    for (const unsigned char *p = (const unsigned char *)*value; *p; p++) { /* they are shown on terminals, which obey control characters */
        bool control = *p < 0x20 || *p == 0x7F || (*p == 0xC2 && p[1] < 0xA0); /* ASCII's, and U+0080 to U+009F */
        if (control)
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"%s\" holds a control character: remove it", reader->where, key);
    }
    return FNAS_OK;
}

/* Fronts, verifications and lists of references are JSON too: who gives one of them must not have to guess from a missing member. */
static fnas_status fail_no_card(const card_reader *reader, const char *why) {
    return fnas_fail(reader->context, FNAS_ERR_INPUT,
                     "%s is not a device card: %s, a card's is \"" FNAS_CARD_FORMAT "\": `fleetnas device measure` makes one",
                     reader->where, why);
}

static fnas_status read_format(const card_reader *reader) {
    const json_t *root = reader->card->root;
    const char *format;
    if (!json_is_object(root)) return fail_no_card(reader, "it is no JSON object with a \"format\"");
    if (!json_is_string(json_object_get(root, "format"))) return fail_no_card(reader, "it has no text \"format\"");
    FNAS_TRY(read_text(reader, "format", &format));
    if (strcmp(format, FNAS_CARD_FORMAT) == 0) return FNAS_OK;
    char why[128];
    snprintf(why, sizeof why, "its \"format\" is \"%.80s\"", format);
    return fail_no_card(reader, why);
}

static fnas_status read_statistic(const card_reader *reader) {
    static const char *const names[] = {"min_cpu_ms", "median_wall_ms", "min_ms", "median_ms", "imported", NULL};
    FNAS_TRY(read_text(reader, "statistic", &reader->card->view.statistic));
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], reader->card->view.statistic) == 0) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT,
                     "%s: \"statistic\" is \"%s\": use min_cpu_ms, median_wall_ms, min_ms, median_ms or imported", reader->where,
                     reader->card->view.statistic);
}

static fnas_status read_noise(const card_reader *reader) {
    fnas_card_view *view = &reader->card->view;
    const json_t *noise = json_object_get(reader->card->root, "noise_spearman");
    view->noise_spearman = NAN;
    if (!noise || json_is_null(noise)) return FNAS_OK;
    FNAS_TRY(fnas_json_number(reader->context, reader->card->root, reader->where, "noise_spearman", &view->noise_spearman));
    if (view->noise_spearman >= -1 && view->noise_spearman <= 1) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"noise_spearman\" is %g, a rank correlation is -1 to 1", reader->where,
                     view->noise_spearman);
}

/* Imported cards of networks that translate do not say. */
static fnas_status read_sentences(const card_reader *reader) {
    fnas_card_view *view = &reader->card->view;
    const json_t *sentences = json_object_get(json_object_get(reader->card->root, "protocol"), "sentences");
    char where[WHERE_BYTES];
    if (!sentences) return FNAS_OK;
    if (!fnas_space_translates(reader->space))
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"protocol\" has \"sentences\", but networks of %s do not translate",
                         reader->where, fnas_space_name(reader->space));
    snprintf(where, sizeof where, "%.*s: \"sentences\" of \"protocol\"", WHERE_BYTES - 64, reader->where);
    FNAS_TRY(fnas_json_integer(reader->context, sentences, where, "vocabulary", FNAS_TRANSLATING_VOCABULARY_LEAST,
                               FNAS_TRANSLATING_VOCABULARY_MOST, &view->vocabulary));
    FNAS_TRY(fnas_json_integer(reader->context, sentences, where, "source_words", 1, WORDS_MOST, &view->source_words));
    return fnas_json_integer(reader->context, sentences, where, "target_words", 1, WORDS_MOST, &view->target_words);
}

static fnas_status read_description(const card_reader *reader) {
    fnas_card_view *view = &reader->card->view;
    const json_t *root = reader->card->root;
    json_t *protocol;
    FNAS_TRY(read_format(reader));
    FNAS_TRY(read_text(reader, "name", &view->name));
    FNAS_TRY(read_text(reader, "space", &view->space));
    FNAS_TRY(read_text(reader, "runtime", &view->runtime));
    FNAS_TRY(read_text(reader, "runtime_version", &view->runtime_version));
    FNAS_TRY(read_text(reader, "processor", &view->processor));
    FNAS_TRY(read_text(reader, "governor", &view->governor));
    FNAS_TRY(read_text(reader, "precision", &view->precision));
    FNAS_TRY(read_text(reader, "isa", &view->isa));
    FNAS_TRY(read_text(reader, "date", &view->date));
    FNAS_TRY(fnas_json_integer(reader->context, root, reader->where, "batch", 1, 1 << 20, &view->batch));
    FNAS_TRY(fnas_json_integer(reader->context, root, reader->where, "threads", 1, 1 << 16, &view->threads));
    FNAS_TRY(fnas_json_object(reader->context, root, reader->where, "protocol", &protocol));
    FNAS_TRY(read_statistic(reader));
    return read_noise(reader);
}

static fnas_status read_space(card_reader *reader) {
    fnas_status status = fnas_space_open_spec(reader->context, reader->card->view.space, &reader->space);
    if (status != FNAS_OK) return fnas_fail_prefix(reader->context, status, "%s: \"space\"", reader->where);
    reader->card->view.decision_count = fnas_space_decision_count(reader->space);
    return FNAS_OK;
}

/* ---- architectures and latencies ---- */

/* A field is named by a format with its index in it, and written out only where something is wrong: a card has tens of thousands. */
typedef struct card_field {
    const char *format; /* "\"measurements\"[%zu].arch" */
    size_t index;
} card_field;

static fnas_status fail_field(const card_reader *reader, card_field field, const char *what) {
    char name[96];
    snprintf(name, sizeof name, field.format, field.index);
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: %s %s", reader->where, name, what);
}

/* Milliseconds or millijoules beyond are slips of units or of columns, and squares of them no numbers. */
#define LEAST_COST 1e-12
#define MOST_COST 1e12

/* A latency or an energy: `what` is "a latency". */
static fnas_status read_cost(const card_reader *reader, const json_t *value, card_field field, const char *what, double *cost) {
    if (!json_is_number(value)) return fail_field(reader, field, "must be a number");
    *cost = json_number_value(value);
    if (*cost >= LEAST_COST && *cost <= MOST_COST) return FNAS_OK;
    char wrong[96];
    bool positive = isfinite(*cost) && *cost > 0;
    if (positive)
        snprintf(wrong, sizeof wrong, "is %g, %s is %g to %g", *cost, what, LEAST_COST, MOST_COST);
    else
        snprintf(wrong, sizeof wrong, "is %g, %s is finite and above 0", *cost, what);
    return fail_field(reader, field, wrong);
}

static fnas_status read_arch(const card_reader *reader, const json_t *value, card_field field, int32_t *choices) {
    if (!json_is_string(value)) return fail_field(reader, field, "must be a string");
    fnas_status status = fnas_space_parse_measured(reader->context, reader->space, json_string_value(value), choices);
    if (status == FNAS_OK) return FNAS_OK;
    char name[96];
    snprintf(name, sizeof name, field.format, field.index);
    return fnas_fail_prefix(reader->context, status, "%s: %s", reader->where, name);
}

static fnas_status check_reference_count(const card_reader *reader, const char *key, const json_t *array) {
    size_t count = json_array_size(array);
    if (count == FNAS_CARD_REFERENCES) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"reference.%s\" has %zu values, the embedding needs %d", reader->where, key,
                     count, FNAS_CARD_REFERENCES);
}

static fnas_status read_references(card_reader *reader) {
    fnas_card *card = reader->card;
    char where[PREFIX_BYTES];
    snprintf(where, sizeof where, "%s: \"reference\"", reader->where);
    json_t *reference, *archs, *latencies;
    FNAS_TRY(fnas_json_object(reader->context, card->root, reader->where, "reference", &reference));
    FNAS_TRY(fnas_json_array(reader->context, reference, where, "arch", &archs));
    FNAS_TRY(fnas_json_array(reader->context, reference, where, "latency_ms", &latencies));
    FNAS_TRY(check_reference_count(reader, "arch", archs));
    FNAS_TRY(check_reference_count(reader, "latency_ms", latencies));
    json_t *energies = json_object_get(reference, "energy_mj");
    if (energies) {
        FNAS_TRY(fnas_json_array(reader->context, reference, where, "energy_mj", &energies));
        FNAS_TRY(check_reference_count(reader, "energy_mj", energies));
        card->view.reference_energy_mj = card->energy_mj;
    }
    for (size_t i = 0; i < FNAS_CARD_REFERENCES; i++) {
        FNAS_TRY(read_arch(reader, json_array_get(archs, i), (card_field){"\"reference.arch\"[%zu]", i},
                           card->choices + (int64_t)i * card->view.decision_count));
        FNAS_TRY(read_cost(reader, json_array_get(latencies, i), (card_field){"\"reference.latency_ms\"[%zu]", i}, "a latency",
                           &card->latency_ms[i]));
        if (!energies) continue;
        FNAS_TRY(read_cost(reader, json_array_get(energies, i), (card_field){"\"reference.energy_mj\"[%zu]", i}, "an energy",
                           &card->energy_mj[i]));
    }
    return FNAS_OK;
}

/* All measurements have an energy, or none: an objective needs it of each. */
static fnas_status find_measured_energy(card_reader *reader) {
    fnas_card *card = reader->card;
    const json_t *rows = json_object_get(card->root, "measurements"), *row;
    size_t i, with = 0, without = 0, first_with = 0, first_without = 0;
    json_array_foreach(rows, i, row) {
        if (json_object_get(row, "energy_mj")) {
            if (!with++) first_with = i;
        } else if (!without++) {
            first_without = i;
        }
    }
    if (with && without)
        return fnas_fail(reader->context, FNAS_ERR_INPUT,
                         "%s: \"measurements\"[%zu] has an \"energy_mj\", [%zu] has none: give it for all of them or for none",
                         reader->where, first_with, first_without);
    if (with) card->view.measurement_energy_mj = card->energy_mj + FNAS_CARD_REFERENCES;
    return FNAS_OK;
}

static fnas_status read_measurement(card_reader *reader, size_t i) {
    fnas_card *card = reader->card;
    const json_t *row = json_array_get(json_object_get(card->root, "measurements"), i);
    if (!json_is_object(row)) return fail_field(reader, (card_field){"\"measurements\"[%zu]", i}, "must be an object");
    size_t at = FNAS_CARD_REFERENCES + i;
    const char *missing = !json_object_get(row, "arch") ? "arch" : !json_object_get(row, "latency_ms") ? "latency_ms" : NULL;
    if (missing)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"measurements\"[%zu]: \"%s\" is missing", reader->where, i, missing);
    FNAS_TRY(read_arch(reader, json_object_get(row, "arch"), (card_field){"\"measurements\"[%zu].arch", i},
                       card->choices + (int64_t)at * card->view.decision_count));
    FNAS_TRY(read_cost(reader, json_object_get(row, "latency_ms"), (card_field){"\"measurements\"[%zu].latency_ms", i}, "a latency",
                       &card->latency_ms[at]));
    if (!card->view.measurement_energy_mj) return FNAS_OK;
    return read_cost(reader, json_object_get(row, "energy_mj"), (card_field){"\"measurements\"[%zu].energy_mj", i}, "an energy",
                     &card->energy_mj[at]);
}

/* ---- duplicates ---- */

/* Architectures may stand once among the references and once among the measurements (an imported table has both). */
static fnas_status check_duplicates(const card_reader *reader, const char *what, int64_t first, int64_t count) {
    const fnas_card *card = reader->card;
    fnas_arch_set seen = {.decisions = card->view.decision_count};
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        int64_t place;
        status = fnas_arch_set_add(reader->context, &seen, card->choices + (first + i) * seen.decisions, &place);
        if (status == FNAS_OK && place < i)
            status = fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"%s\"[%lld] and [%lld] are the same architecture: keep one",
                               reader->where, what, (long long)place, (long long)i);
    }
    fnas_arch_set_free(&seen);
    return status;
}

/* ---- the embedding ---- */

static fnas_status find_embedding(card_reader *reader) {
    fnas_card *card = reader->card;
    const fnas_card_view *view = &card->view;
    int64_t averages = 0;
    for (int64_t i = 0; i < view->reference_count; i++) averages += fnas_space_is_average(card->choices + i * view->decision_count);
    card->view.of_averages = averages > 0;
    if (averages == 0) {
        fnas_embedding_from_latency(view->reference_count, view->reference_latency_ms, card->embedding);
        return FNAS_OK;
    }
    if (averages < view->reference_count)
        return fnas_fail(reader->context, FNAS_ERR_INPUT,
                         "%s: %lld of the references are rows of averages, the others architectures: all must be of one kind",
                         reader->where, (long long)averages);
    fnas_status status = fnas_embedding_from_averages(reader->context, reader->space, view->reference_count, card->choices,
                                                      card->latency_ms, card->embedding);
    return status == FNAS_OK ? status : fnas_fail_prefix(reader->context, status, "%s: \"reference\"", reader->where);
}

/* ---- the whole ---- */

static fnas_status count_measurements(card_reader *reader) {
    fnas_card_view *view = &reader->card->view;
    const json_t *measurements = json_object_get(reader->card->root, "measurements");
    if (!measurements) return FNAS_OK; /* a reference-only card */
    json_t *array;
    FNAS_TRY(fnas_json_array(reader->context, reader->card->root, reader->where, "measurements", &array));
    if (json_array_size(array) > MEASUREMENTS_MAX)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: \"measurements\" has %zu rows, at most %d are read", reader->where,
                         json_array_size(array), MEASUREMENTS_MAX);
    view->measurement_count = (int64_t)json_array_size(array);
    return FNAS_OK;
}

static fnas_status allocate_card(card_reader *reader) {
    fnas_card *card = reader->card;
    size_t archs = (size_t)(FNAS_CARD_REFERENCES + card->view.measurement_count);
    card->choices = fnas_allocate(archs * (size_t)card->view.decision_count, sizeof *card->choices);
    card->latency_ms = fnas_allocate(archs, sizeof *card->latency_ms);
    card->energy_mj = fnas_allocate(archs, sizeof *card->energy_mj);
    if (!card->choices || !card->latency_ms || !card->energy_mj) return fnas_fail_memory(reader->context, reader->where);
    card->view.reference_count = FNAS_CARD_REFERENCES;
    card->view.reference_choices = card->choices;
    card->view.reference_latency_ms = card->latency_ms;
    card->view.measurement_choices = card->choices + FNAS_CARD_REFERENCES * card->view.decision_count;
    card->view.measurement_latency_ms = card->latency_ms + FNAS_CARD_REFERENCES;
    return FNAS_OK;
}

static fnas_status read_card(card_reader *reader) {
    FNAS_TRY(read_description(reader));
    FNAS_TRY(read_space(reader));
    FNAS_TRY(read_sentences(reader));
    FNAS_TRY(count_measurements(reader));
    FNAS_TRY(allocate_card(reader));
    FNAS_TRY(read_references(reader));
    FNAS_TRY(find_measured_energy(reader));
    for (int64_t i = 0; i < reader->card->view.measurement_count; i++) FNAS_TRY(read_measurement(reader, (size_t)i));
    FNAS_TRY(check_duplicates(reader, "reference.arch", 0, FNAS_CARD_REFERENCES));
    FNAS_TRY(check_duplicates(reader, "measurements", FNAS_CARD_REFERENCES, reader->card->view.measurement_count));
    return find_embedding(reader);
}

fnas_status fnas_card_from_json(fnas_context *context, const char *where, json_t *root, fnas_card **card) {
    *card = NULL;
    fnas_card *made = fnas_allocate(1, sizeof *made);
    if (!made) {
        json_decref(root);
        return fnas_fail_memory(context, where);
    }
    made->root = root;
    card_reader reader = {context, where, made, NULL};
    fnas_status status = read_card(&reader);
    fnas_space_close(reader.space);
    if (status != FNAS_OK) {
        fnas_card_free(made);
        return status;
    }
    *card = made;
    return FNAS_OK;
}

fnas_status fnas_card_check_name(fnas_context *context, const char *name) {
    size_t length = strlen(name);
    bool is_safe = length > 0 && length <= NAME_MOST_BYTES && name[0] != '.' &&
                   strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == length;
    if (is_safe) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "device name \"%s\": use letters, digits, '.', '_' and '-' only, at most %d of them, and no '.' in front", name,
                     NAME_MOST_BYTES);
}

fnas_status fnas_card_load(fnas_context *context, const char *path, fnas_card **card) {
    json_t *root;
    *card = NULL;
    FNAS_TRY(fnas_json_read(context, path, CARD_LIMIT_BYTES, &root));
    return fnas_card_from_json(context, path, root, card);
}

fnas_status fnas_card_save(fnas_context *context, const fnas_card *card, const char *path) {
    return fnas_json_write_rows(context, path, card->root); /* a line an architecture */
}

void fnas_card_free(fnas_card *card) {
    if (!card) return;
    json_decref(card->root);
    fnas_free(card->choices);
    fnas_free(card->latency_ms);
    fnas_free(card->energy_mj);
    fnas_free(card);
}

fnas_card_view fnas_card_get(const fnas_card *card) {
    return card->view;
}

fnas_status fnas_card_check_space(fnas_context *context, const fnas_card *card, const fnas_space *space) {
    if (strcmp(card->view.space, fnas_space_spec(space)) == 0) return FNAS_OK;
    fnas_space *own;
    FNAS_TRY(fnas_space_open_spec(context, card->view.space, &own)); /* "nb201" and its spelled-out form are the same */
    bool is_same = strcmp(fnas_space_spec(own), fnas_space_spec(space)) == 0;
    fnas_space_close(own);
    if (is_same) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "device %s was measured on the space %s, not on %s: measure it on that one", card->view.name,
                     card->view.space, fnas_space_spec(space));
}

fnas_status fnas_card_check_references(fnas_context *context, const fnas_card *card, const fnas_card *other) {
    const fnas_card_view *a = &card->view, *b = &other->view;
    /* Their embeddings are of the space's own references, whichever rows they were estimated from. */
    if (a->of_averages && b->of_averages) return FNAS_OK;
    size_t bytes = (size_t)(a->reference_count * a->decision_count) * sizeof *a->reference_choices;
    if (a->reference_count == b->reference_count && a->decision_count == b->decision_count &&
        memcmp(a->reference_choices, b->reference_choices, bytes) == 0)
        return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "device %s was measured on other reference architectures than %s: a search knows its devices by latencies of the same "
                     "ones (measure or import both with the same --references)",
                     a->name, b->name);
}

void fnas_card_embedding(const fnas_card *card, double *embedding) {
    memcpy(embedding, card->embedding, (size_t)card->view.reference_count * sizeof *embedding);
}
