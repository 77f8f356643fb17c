#include <stdio.h>
#include <string.h>

#include "beams.h"
#include "output.h"
#include "runs.h"
#include "verbs.h"

#define VERB "bleu"

typedef struct bleu_values {
    cli_common common;
    cli_texts archs, files;
    const char *part, *data, *output;
    cli_beam beam;
    int64_t pairs, threads;
    bool json;
} bleu_values;

#define AT(member) offsetof(bleu_values, member)

static const cli_option bleu_options[] = {
    {"archs", 0, CLI_INPUTS, AT(files), "FILE",
     "architectures: CSV with a column arch, or JSON: an array of native strings, or what front --json and pick --json print", false},
    {"arch", 0, CLI_INPUTS, AT(archs), "ARCH", "an architecture, as front and pick write it, or a FILE.yml of HAT's", false},
    {"part", 0, CLI_CHOICE, AT(part), "test|validation", "whose pairs are translated [test]", false},
    {"pairs", 0, CLI_COUNT, AT(pairs), "N", "the first N of the part [all]", false},
    CLI_OPTIONS_BEAM(bleu_values, beam),
    {"output", 'o', CLI_OUTPUT, AT(output), "BLEU.csv", "also write the table", false},
    CLI_OPTION_DATA(bleu_values, "where the pairs lie now [where the search found them]"),
    CLI_OPTION_THREADS(bleu_values),
    CLI_OPTION_JSON(bleu_values),
    CLI_OPTIONS_END,
};

static const char *part_of(const bleu_values *values) {
    return values->part ? values->part : "test";
}

static void print_table(const bleu_values *values, const fnas_bleu_table *table) {
    printf("BLEU (as sacreBLEU: 13a, case as it is) of translations of %lld %s pairs\n%8s %8s %8s %14s  architecture\n",
           (long long)fnas_bleu_table_pairs(table), part_of(values), "BLEU", "brevity", "error, %", "cross entropy");
    for (int64_t i = 0; i < fnas_bleu_table_count(table); i++) {
        fnas_bleu_row row = fnas_bleu_table_row(table, i);
        printf("%8.2f %8.4f ", row.bleu, row.brevity_penalty);
        cli_print_fixed(8, 3, row.error_pct);
        printf(" ");
        cli_print_fixed(14, 4, row.cross_entropy);
        printf("  %s\n", row.arch);
    }
}

static void print_row(cli_json *json, fnas_bleu_row row) {
    cli_json_object(json, NULL);
    cli_json_text(json, "arch", row.arch);
    cli_json_number(json, "bleu", row.bleu);
    cli_json_number(json, "brevity_penalty", row.brevity_penalty);
    cli_json_array(json, "precisions");
    for (int n = 0; n < 4; n++) cli_json_number(json, NULL, row.precision[n]);
    cli_json_end(json, ']');
    cli_json_integer(json, "tokens", row.tokens);
    cli_json_integer(json, "reference_tokens", row.reference_tokens);
    cli_json_number(json, "error_pct", row.error_pct);
    cli_json_number(json, "cross_entropy", row.cross_entropy);
    cli_json_end(json, '}');
}

static void print_json(const bleu_values *values, const fnas_bleu_table *table) {
    cli_json json = {.file = stdout};
    cli_json_object(&json, NULL);
    cli_json_text(&json, "run", values->common.operands.items[0]);
    cli_json_text(&json, "part", part_of(values));
    cli_json_integer(&json, "pairs", fnas_bleu_table_pairs(table));
    cli_json_array(&json, "archs");
    for (int64_t i = 0; i < fnas_bleu_table_count(table); i++) print_row(&json, fnas_bleu_table_row(table, i));
    cli_json_end(&json, ']');
    cli_json_end(&json, '}');
}

static fnas_status bleu_of_run(fnas_context *context, const bleu_values *values, const fnas_run *run, const fnas_beam_options *beam) {
    const fnas_bleu_options options = {.arch_count = values->archs.count,
                                       .archs = values->archs.items,
                                       .file_count = values->files.count,
                                       .files = values->files.items,
                                       .part = strcmp(part_of(values), "test") == 0 ? FNAS_TEXT_TEST : FNAS_TEXT_VALIDATION,
                                       .pairs = values->pairs,
                                       .beam = *beam,
                                       .data = values->data,
                                       .output = values->output};
    fnas_bleu_table *table = NULL;
    fnas_status status = fnas_run_bleu(context, run, &options, &table);
    if (status != FNAS_OK) return status;
    if (values->output) status = fnas_bleu_table_write_csv(context, table, values->output);
    if (!values->json)
        print_table(values, table); /* also when the file could not be written: it took minutes */
    else if (status == FNAS_OK)
        print_json(values, table);
    fnas_bleu_table_free(table);
    return status;
}

static fnas_status bleu_run(fnas_context *context, void *untyped) {
    bleu_values *values = untyped;
    fnas_beam_options beam;
    fnas_run *run = NULL;
    if (!values->archs.count && !values->files.count)
        return cli_fail(VERB, FNAS_ERR_USAGE, "which architectures? name a list with --archs FILE, or --arch ARCH");
    fnas_context_set_threads(context, values->threads);
    fnas_status status = cli_beam_read(VERB, &values->beam, &beam);
    if (status == FNAS_OK) status = fnas_run_open(context, values->common.operands.items[0], &run);
    if (status == FNAS_OK) status = bleu_of_run(context, values, run, &beam);
    fnas_run_close(run);
    if (status == FNAS_INTERRUPTED) status = cli_fail(VERB, status, "interrupted: nothing was written");
    return status;
}

const cli_verb cli_bleu = {
    .name = "bleu",
    .summary = "how good the translations of a run's architectures are",
    .operands = "RUN",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .reads_from_folder = cli_run_holds,
    .details = "Each architecture translates the sources of the test part (or the validation part) with the run's shared weights, by beam "
               "search, and its translations are scored against the targets' texts, number for number as sacreBLEU 2 does by default. A "
               "translation has at most 1.5 times as many words as its source has pieces, and ten more (docs/text.md). Beside it stand "
               "the error and the cross entropy of the same pairs, word by word, as front and verify know them. An architecture that is "
               "named twice is translated with once.",
    .example = "fleetnas bleu run --archs front.csv -o bleu.csv",
    .options = bleu_options,
    .values_size = sizeof(bleu_values),
    .run = bleu_run,
};
