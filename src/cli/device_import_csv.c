#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_cards.h"
#include "verbs.h"

#define VERB "device import csv"

static const cli_option csv_options[] = {
    CLI_IMPORT_OPTION_SPACE,
    CLI_IMPORT_OPTION_OUTPUT,
    {"column", 0, CLI_REPEATED, CLI_IMPORT_AT(columns), "latency_ms=COL",
     "column with a device's latencies; energy_mj=COL: with its energies", false},
    {"all", 0, CLI_FLAG, CLI_IMPORT_AT(all), NULL, "every column but the architecture's is a device's latencies in ms", false},
    CLI_IMPORT_OPTION_INPUT("archs", archs, "ARCHS.csv|MAP.pt",
                            "what a table's arch_index means: CSV with arch and arch_index, or HELP's index map"),
    CLI_IMPORT_OPTION_TEXT("name", name, "NAME", "what to call the one device [the column, without _ms or _latency_ms]"),
    CLI_IMPORT_OPTIONS,
    CLI_OPTIONS_END,
};

/* What --column and --all name. */
typedef struct chosen_columns {
    const char **latency;
    int64_t latency_count;
    const char *energy;
} chosen_columns;

static fnas_status add_column(const char *word, chosen_columns *chosen) {
    static const char latency[] = "latency_ms=", energy[] = "energy_mj=";
    if (!strncmp(word, latency, sizeof latency - 1) && word[sizeof latency - 1]) {
        chosen->latency[chosen->latency_count++] = word + sizeof latency - 1;
        return FNAS_OK;
    }
    if (strncmp(word, energy, sizeof energy - 1) != 0 || !word[sizeof energy - 1])
        return cli_fail(VERB, FNAS_ERR_USAGE, "--column %s: write latency_ms=COLUMN or energy_mj=COLUMN (other units must be converted)",
                        word);
    if (chosen->energy) return cli_fail(VERB, FNAS_ERR_USAGE, "--column %s: energy_mj is given twice", word);
    chosen->energy = word + sizeof energy - 1;
    return FNAS_OK;
}

static fnas_status read_columns(const cli_import_values *values, chosen_columns *chosen) {
    chosen->latency = calloc((size_t)values->columns.count + 1, sizeof *chosen->latency);
    if (!chosen->latency) return cli_fail(VERB, FNAS_ERR_MEMORY, "out of memory");
    for (int64_t i = 0; i < values->columns.count; i++)
        if (add_column(values->columns.items[i], chosen) != FNAS_OK) return FNAS_ERR_USAGE;
    if (values->all && values->columns.count) return cli_fail(VERB, FNAS_ERR_USAGE, "--all and --column exclude each other: leave one out");
    if (!values->all && !chosen->latency_count)
        return cli_fail(VERB, FNAS_ERR_USAGE, "which column has the latencies? --column latency_ms=COL, or --all for one device a column");
    if (chosen->energy && chosen->latency_count > 1)
        return cli_fail(VERB, FNAS_ERR_USAGE, "--column energy_mj=%s: it is the energy of one device: import the devices one by one",
                        chosen->energy);
    return FNAS_OK;
}

static fnas_status csv_run(fnas_context *context, void *untyped) {
    const cli_import_values *values = untyped;
    const cli_texts *tables = &values->common.operands;
    chosen_columns chosen = {0};
    fnas_space *space = NULL;
    fnas_import *import = NULL;
    fnas_status status = read_columns(values, &chosen);
    if (status == FNAS_OK) status = cli_import_check(VERB, values);
    if (status == FNAS_OK) status = fnas_space_open(context, values->space, &space);
    if (status == FNAS_OK) status = fnas_import_open_csv(context, space, tables->count, tables->items, values->archs, &import);
    if (status == FNAS_OK)
        status = values->all ? cli_import_write_all(context, VERB, import, values)
                             : cli_import_write(context, VERB, import, values, chosen.latency, chosen.latency_count, chosen.energy);
    fnas_import_free(import);
    fnas_space_close(space);
    free(chosen.latency);
    return status;
}

const cli_verb cli_device_import_csv = {
    .name = "device import csv",
    .summary = "make device cards from CSV tables of latencies",
    .operands = "TABLE.csv...",
    .operands_least = 1,
    .operands_most = 100,
    .operands_are_read = true,
    .details = "A row's architecture is told by a column arch (native strings), by arch_index or index with --archs, or by one column a "
               "decision of the space with the names of its choices. Several tables are joined by architecture. Latencies are milliseconds "
               "and energies millijoules for one batch, finite and above 0; a column whose name ends in another unit is refused. Every row "
               "is checked, also with --reference-only. What nobody says of a device stands in its card as unknown.",
    .example =
        "fleetnas device import csv latency_ms.csv --archs architectures.csv --space nb201 --all --batch-suffixes 1,32,256 -o devices",
    .options = csv_options,
    .values_size = sizeof(cli_import_values),
    .run = csv_run,
};
