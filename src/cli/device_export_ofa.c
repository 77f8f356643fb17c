#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "verbs.h"

#define VERB "device export ofa"
#define RESOLUTIONS_MOST 64

typedef struct export_values {
    cli_common common;
    const char *output, *resolutions;
    int64_t rounds;
    uint64_t seed;
    bool json;
} export_values;

#define AT(member) offsetof(export_values, member)

static const cli_option export_options[] = {
    {"output", 'o', CLI_PLACE, AT(output), "FOLDER|FILE.yaml",
     "a folder, made where absent, that gets RESOLUTION_lookup_table.yaml for each; or the file of one resolution", true},
    {"resolutions", 0, CLI_TEXT, AT(resolutions), "R,R,...", "which ones: 128 to 224 in steps of 4 [all 25]", false},
    {"rounds", 0, CLI_COUNT, AT(rounds), "N", "timed runs of each network, 12 to 1000 [12]", false},
    {"seed", 0, CLI_SEED, AT(seed), "N", "of the networks that check the tables [0]", false},
    CLI_OPTION_JSON(export_values),
    CLI_OPTIONS_END,
};

/* "160,176": whole numbers with commas between them; their count, or -1. */
static int64_t read_resolutions(const char *text, int64_t resolutions[RESOLUTIONS_MOST]) {
    int64_t count = 0;
    for (const char *at = text; count < RESOLUTIONS_MOST; at++) {
        char *end;
        if (*at < '0' || *at > '9') return -1;
        resolutions[count++] = strtoll(at, &end, 10);
        if (*end == '\0') return count;
        if (*end != ',') return -1;
        at = end;
    }
    return -1;
}

static void say(const export_values *values, const fnas_card_view *view, const fnas_ofa_agreement *agreement) {
    cli_json json = {.file = stdout};
    if (!values->json) {
        printf("%s: %lld blocks of %s, batch %lld, %lld thread%s\n", values->output, (long long)agreement->blocks, view->name,
               (long long)view->batch, (long long)view->threads, view->threads == 1 ? "" : "s");
        printf("The sum of its blocks against %lld other networks as a whole: median error %.2g %%, largest %.2g %%, mean %+.2g %%, "
               "Spearman %.4f\n",
               (long long)agreement->networks, agreement->median_error_pct, agreement->largest_error_pct, agreement->bias_pct,
               agreement->spearman);
        return;
    }
    cli_json_object(&json, NULL);
    cli_json_text(&json, "output", values->output);
    cli_json_text(&json, "device", view->name);
    cli_json_integer(&json, "blocks", agreement->blocks);
    cli_json_integer(&json, "networks", agreement->networks);
    cli_json_number(&json, "median_error_pct", agreement->median_error_pct);
    cli_json_number(&json, "largest_error_pct", agreement->largest_error_pct);
    cli_json_number(&json, "bias_pct", agreement->bias_pct);
    cli_json_number(&json, "spearman", agreement->spearman);
    cli_json_end(&json, '}');
}

static fnas_status export_card(fnas_context *context, const export_values *values, const fnas_export_ofa *options) {
    fnas_card *card = NULL;
    fnas_space *space = NULL;
    fnas_ofa_agreement agreement;
    fnas_status status = fnas_card_load(context, values->common.operands.items[0], &card);
    if (status == FNAS_OK) status = fnas_space_open(context, fnas_card_get(card).space, &space);
    if (status == FNAS_OK) status = fnas_device_export_ofa(context, space, card, options, values->output, &agreement);
    if (status == FNAS_OK) {
        fnas_card_view view = fnas_card_get(card);
        say(values, &view, &agreement);
    }
    fnas_space_close(space);
    fnas_card_free(card);
    return status;
}

static fnas_status export_run(fnas_context *context, void *untyped) {
    const export_values *values = untyped;
    int64_t resolutions[RESOLUTIONS_MOST];
    fnas_export_ofa options = {.rounds = values->rounds, .seed = values->seed};
    if (values->resolutions) {
        options.resolutions = resolutions;
        options.resolution_count = read_resolutions(values->resolutions, resolutions);
        if (options.resolution_count < 0)
            return cli_fail(VERB, FNAS_ERR_USAGE, "--resolutions %s: write resolutions with commas between them, as in 160,176,192",
                            values->resolutions);
    }
    return export_card(context, values, &options);
}

const cli_verb cli_device_export_ofa = {
    .name = "device export ofa",
    .summary = "measure a device's latency tables for Once-for-All",
    .operands = "CARD.json",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .details = "Measures every block of MobileNetV3 on the card's device, which is this machine with the card's runtime, precision, batch "
               "and threads, and writes the YAML tables that OFA's latency estimator reads, one a resolution. Blocks are timed inside of "
               "networks, where they work; of a network's rounds the faster half counts. What the sums of the blocks are off by is told "
               "from other networks, measured as a whole in the same rounds. A device whose card is not there yet: device measure --space "
               "mobilenetv3 --reference-only.",
    .example = "fleetnas device export ofa here.json --resolutions 160,176,192,208,224 -o here-tables",
    .options = export_options,
    .values_size = sizeof(export_values),
    .run = export_run,
};
