#include "import_cards.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "output.h"

#define PATH_BYTES 4096
#define BATCH_MOST (1 << 20)

/* ---- batch sizes ---- */

/* Whether a name ends in _N; *number is N. */
static bool name_number(const char *name, int64_t *number) {
    const char *underscore = strrchr(name, '_');
    if (!underscore || !underscore[1] || strspn(underscore + 1, "0123456789") != strlen(underscore + 1)) return false;
    errno = 0;
    *number = strtoll(underscore + 1, NULL, 10);
    return errno == 0 && *number >= 1 && *number <= BATCH_MOST;
}

/* Reads the next number of "1,32,256"; false at the end, *wrong where there is none. */
static bool next_suffix(const char **at, int64_t *number, bool *wrong) {
    if (!**at) return false;
    char *end;
    errno = 0;
    *number = **at >= '0' && **at <= '9' ? strtoll(*at, &end, 10) : -1;
    *wrong = *number < 1 || *number > BATCH_MOST || errno != 0 || (*end && (*end != ',' || !end[1]));
    if (*wrong) return false;
    *at = *end ? end + 1 : end;
    return true;
}

static int64_t batch_of(const cli_import_values *values, const char *name) {
    int64_t number, suffix, otherwise = values->batch ? values->batch : 1;
    bool wrong;
    if (!values->batch_suffixes || !name_number(name, &number)) return otherwise;
    for (const char *at = values->batch_suffixes; next_suffix(&at, &suffix, &wrong);)
        if (suffix == number) return number;
    return otherwise;
}

/* What a device is called after its column, in whose unit a batch size would hide. */
static void device_stem(const char *latency_column, char stem[PATH_BYTES]) {
    size_t length = fnas_import_name_bytes(latency_column);
    snprintf(stem, PATH_BYTES, "%.*s", (int)(length < PATH_BYTES ? length : PATH_BYTES - 1), latency_column);
}

/* A device of batch 256 whose card says 1 compares wrongly with others, and nobody would see it. */
static void hint_at_batches(const char *verb, const cli_import_values *values, const char *const *names, int64_t count) {
    if (values->batch || values->batch_suffixes || values->common.quiet) return;
    for (int64_t i = 0; i < count; i++) {
        int64_t number;
        char stem[PATH_BYTES];
        device_stem(names[i], stem);
        if (!name_number(stem, &number) || number == 1 || (number & (number - 1)) != 0) continue;
        cli_warn(verb, "\"%s\" ends in %lld, and its card says batch 1: if that is the batch size, import with --batch-suffixes", stem,
                 (long long)number);
        return;
    }
}

/* ---- where cards go ---- */

fnas_status cli_import_check(const char *verb, const cli_import_values *values) {
    int64_t number;
    bool wrong = false;
    if (values->references && values->references_from_table)
        return cli_fail(verb, FNAS_ERR_USAGE, "--references and --references-from-table exclude each other: leave one out");
    const char *at = values->batch_suffixes;
    while (at && next_suffix(&at, &number, &wrong)) continue;
    if (wrong)
        return cli_fail(verb, FNAS_ERR_USAGE, "--batch-suffixes %s: write batch sizes with commas between them, as in 1,32,256",
                        values->batch_suffixes);
    return cli_has_suffix(values->output, ".json") ? cli_check_output(verb, values->output) : FNAS_OK;
}

static fnas_status card_path(const char *verb, const cli_import_values *values, const char *name, char path[PATH_BYTES]) {
    int length = cli_has_suffix(values->output, ".json") ? snprintf(path, PATH_BYTES, "%s", values->output)
                                                         : snprintf(path, PATH_BYTES, "%s/%s.json", values->output, name);
    return length < PATH_BYTES ? FNAS_OK : cli_fail(verb, FNAS_ERR_INPUT, "%s: the path is too long", values->output);
}

/* ---- cards ---- */

typedef struct card_list {
    fnas_card **items;
    int64_t count;
} card_list;

static void free_cards(card_list *cards) {
    for (int64_t i = 0; cards->items && i < cards->count; i++) fnas_card_free(cards->items[i]);
    free(cards->items);
}

static fnas_status make_card(fnas_context *context, const fnas_import *import, const cli_import_values *values, const char *latency_column,
                             const char *energy_column, fnas_card **card) {
    char stem[PATH_BYTES];
    device_stem(latency_column, stem);
    fnas_import_device device = {.name = values->name,
                                 .latency_column = latency_column,
                                 .energy_column = energy_column,
                                 .runtime = values->runtime,
                                 .runtime_version = values->runtime_version,
                                 .processor = values->processor,
                                 .precision = values->precision,
                                 .isa = values->isa,
                                 .batch = batch_of(values, values->name ? values->name : stem),
                                 .threads = values->threads,
                                 .references = values->references,
                                 .references_from_table = values->references_from_table,
                                 .reference_only = values->reference_only};
    return fnas_import_card(context, import, &device, card);
}

static void say_card(const fnas_card *card, const char *path) {
    fnas_card_view view = fnas_card_get(card);
    printf("%s: %s, batch %lld, %lld thread%s, %lld %s and %lld references%s\n", path, view.name, (long long)view.batch,
           (long long)view.threads, view.threads == 1 ? "" : "s", (long long)view.measurement_count,
           view.of_averages ? "rows of averages" : "architectures", (long long)view.reference_count,
           view.reference_energy_mj ? ", with energy" : "");
}

static void say_json_card(cli_json *json, const fnas_card *card, const char *path) {
    fnas_card_view view = fnas_card_get(card);
    cli_json_object(json, NULL);
    cli_json_text(json, "name", view.name);
    cli_json_text(json, "card", path);
    cli_json_text(json, "space", view.space);
    cli_json_integer(json, "batch", view.batch);
    cli_json_integer(json, "threads", view.threads);
    cli_json_integer(json, "references", view.reference_count);
    cli_json_integer(json, "measurements", view.measurement_count);
    cli_json_flag(json, "energy", view.reference_energy_mj != NULL);
    cli_json_end(json, '}');
}

/* What cards of a folder are called is known only now. */
static fnas_status check_cards(const char *verb, const cli_import_values *values, const card_list *cards) {
    fnas_status status = FNAS_OK;
    char path[PATH_BYTES];
    for (int64_t i = 0; i < cards->count && status == FNAS_OK; i++) {
        status = card_path(verb, values, fnas_card_get(cards->items[i]).name, path);
        if (status == FNAS_OK) status = cli_check_overwrites(values, path);
    }
    return status;
}

static fnas_status save_cards(fnas_context *context, const char *verb, const cli_import_values *values, const card_list *cards) {
    bool to_file = cli_has_suffix(values->output, ".json");
    cli_json json = {.file = stdout};
    char path[PATH_BYTES];
    fnas_status status = check_cards(verb, values, cards);
    if (status == FNAS_OK && !to_file) status = cli_make_folder(verb, values->output);
    for (int64_t i = 0; i < cards->count && status == FNAS_OK; i++) {
        status = card_path(verb, values, fnas_card_get(cards->items[i]).name, path);
        if (status == FNAS_OK) status = fnas_card_save(context, cards->items[i], path);
        if (status == FNAS_OK && !values->json) say_card(cards->items[i], path);
    }
    if (status != FNAS_OK || !values->json) return status;
    cli_json_object(&json, NULL);
    cli_json_array(&json, "cards");
    for (int64_t i = 0; i < cards->count && status == FNAS_OK; i++) {
        status = card_path(verb, values, fnas_card_get(cards->items[i]).name, path);
        if (status == FNAS_OK) say_json_card(&json, cards->items[i], path);
    }
    cli_json_end(&json, ']');
    cli_json_end(&json, '}');
    return status;
}

/* Two columns can give one name ("a" and "a_ms"); the second card would replace the first. */
static fnas_status check_names(const char *verb, const card_list *cards) {
    for (int64_t i = 0; i < cards->count; i++)
        for (int64_t k = 0; k < i; k++)
            if (strcmp(fnas_card_get(cards->items[i]).name, fnas_card_get(cards->items[k]).name) == 0)
                return cli_fail(verb, FNAS_ERR_INPUT, "two devices would be called \"%s\": rename a column",
                                fnas_card_get(cards->items[i]).name);
    return FNAS_OK;
}

fnas_status cli_import_write(fnas_context *context, const char *verb, const fnas_import *import, const cli_import_values *values,
                             const char *const *latency_columns, int64_t count, const char *energy_column) {
    if (count > 1 && cli_has_suffix(values->output, ".json"))
        return cli_fail(verb, FNAS_ERR_USAGE, "-o %s: %lld devices need a folder: name one", values->output, (long long)count);
    if (count > 1 && values->name)
        return cli_fail(verb, FNAS_ERR_USAGE,
                        "--name %s: %lld devices cannot have one name: leave it out, they are called as their columns", values->name,
                        (long long)count);
    card_list cards = {.items = calloc((size_t)count + 1, sizeof *cards.items)};
    if (!cards.items) return cli_fail(verb, FNAS_ERR_MEMORY, "out of memory");
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        status = make_card(context, import, values, latency_columns[i], energy_column, &cards.items[i]);
        if (status == FNAS_OK) cards.count++;
    }
    if (status == FNAS_OK) status = check_names(verb, &cards);
    if (status == FNAS_OK) status = save_cards(context, verb, values, &cards);
    if (status == FNAS_OK) hint_at_batches(verb, values, latency_columns, count);
    free_cards(&cards);
    return status;
}

fnas_status cli_import_write_all(fnas_context *context, const char *verb, const fnas_import *import, const cli_import_values *values) {
    int64_t count = fnas_import_column_count(import);
    const char **columns = calloc((size_t)count + 1, sizeof *columns);
    if (!columns) return cli_fail(verb, FNAS_ERR_MEMORY, "out of memory");
    for (int64_t i = 0; i < count; i++) columns[i] = fnas_import_column(import, i);
    fnas_status status = count ? cli_import_write(context, verb, import, values, columns, count, NULL)
                               : cli_fail(verb, FNAS_ERR_INPUT, "the table has no column but the architecture's");
    free(columns);
    return status;
}
