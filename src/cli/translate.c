#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "beams.h"
#include "goals.h"
#include "input_lines.h"
#include "inputs.h"
#include "output.h"
#include "runs.h"
#include "verbs.h"

#define VERB "translate"

typedef struct translate_values {
    cli_common common;
    const char *device, *prefer, *arch;
    cli_beam beam;
    int64_t threads;
    bool json;
} translate_values;

#define AT(member) offsetof(translate_values, member)

static const cli_option translate_options[] = {
    {"device", 0, CLI_INPUT, AT(device), "CARD.json", "the device whose architecture translates, searched or never seen", false},
    {"prefer", 0, CLI_TEXT, AT(prefer), "OBJECTIVE=WEIGHT,...",
     "weights that sum to one: error=0.7,latency_ms=0.3 [all objectives weigh the same]", false},
    {"arch", 0, CLI_INPUT, AT(arch), "ARCH",
     "the architecture, as front and pick write it, or a FILE.yml of HAT's, in the place of a device's", false},
    CLI_OPTIONS_BEAM(translate_values, beam),
    CLI_OPTION_JSON(translate_values),
    CLI_OPTION_THREADS(translate_values),
    CLI_OPTIONS_END,
};

/* What translates; latency_ms: NaN where no device was named. */
typedef struct translator {
    const fnas_run *run;
    char arch[4096];
    const char *device, *source;
    double latency_ms;
    fnas_beam_options beam;
} translator;

/* ---- choosing ---- */

static fnas_status read_preference(const translate_values *values, const fnas_front *sketch, double *preference) {
    const cli_objectives objectives = cli_objectives_of(sketch);
    if (values->prefer) return cli_preference_read(VERB, values->prefer, &objectives, preference);
    for (int64_t o = 0; o < objectives.count; o++) preference[o] = 1 / (double)objectives.count;
    return FNAS_OK;
}

/* As `pick --prefer`: the hypernetwork's own answer. A first front, without errors, says what the run's objectives are. */
static fnas_status choose(fnas_context *context, const translate_values *values, const cli_query *query, translator *chosen) {
    double preference[CLI_OBJECTIVES_MOST];
    fnas_front_options options = {.points = 1};
    fnas_front *sketch = NULL, *front = NULL;
    fnas_status status = fnas_run_front(context, query->run, query->cards[0], &options, &sketch);
    if (status == FNAS_OK) status = read_preference(values, sketch, preference);
    options.constant_preference = preference;
    if (status == FNAS_OK) status = fnas_run_front(context, query->run, query->cards[0], &options, &front);
    if (status == FNAS_OK) {
        snprintf(chosen->arch, sizeof chosen->arch, "%s", fnas_front_arch(front, 0));
        chosen->device = fnas_card_get(query->cards[0]).name;
        for (int64_t o = 0; o < fnas_front_objective_count(front); o++) {
            if (strcmp(fnas_front_objective_at(front, o).name, "latency_ms") != 0) continue;
            chosen->latency_ms = fnas_front_values(front, 0)[o];
            chosen->source = fnas_front_source(front, o, 0);
        }
    }
    if (sketch) fnas_front_free(sketch);
    if (front) fnas_front_free(front);
    return status;
}

static void say_choice(const translate_values *values, const translator *chosen) {
    if (values->common.quiet || !chosen->device) return;
    fprintf(stderr, "fleetnas " VERB ": %s", chosen->arch);
    if (isfinite(chosen->latency_ms)) fprintf(stderr, ", latency_ms %.4g on %s (%s)", chosen->latency_ms, chosen->device, chosen->source);
    fputs("\n", stderr);
}

/* ---- translating ---- */

static void print_lines(const cli_lines *lines, const fnas_translations *translations, cli_json *json) {
    for (int64_t i = 0; i < lines->count; i++) {
        const char *text = fnas_translations_text(translations, i);
        if (json)
            cli_json_text(json, NULL, text);
        else
            printf("%s\n", text);
    }
}

/* Answers are on their way before the next lines are read: whoever writes these may wait for them. */
static fnas_status translate_some(fnas_context *context, const translator *chosen, const cli_lines *lines, cli_json *json) {
    const fnas_translate_options options = {.arch = chosen->arch, .beam = chosen->beam, .name = lines->name, .first_line = lines->first};
    fnas_translations *translations;
    fnas_status status = fnas_run_translate(context, chosen->run, &options, lines->count, (const char *const *)lines->texts, lines->sizes,
                                            &translations);
    if (status != FNAS_OK) return status;
    print_lines(lines, translations, json);
    fnas_translations_free(translations);
    if (!json && fflush(stdout)) return cli_fail(VERB, FNAS_ERR_IO, "standard output: cannot write");
    return FNAS_OK;
}

static fnas_status translate_all(fnas_context *context, const translator *chosen, cli_lines *lines, cli_json *json) {
    fnas_status status = FNAS_OK;
    do {
        status = cli_lines_next(context, VERB, lines);
        if (status == FNAS_OK && lines->count) status = translate_some(context, chosen, lines, json);
    } while (status == FNAS_OK && lines->count);
    return status;
}

/* Nothing is printed unless all of it is there. */
static fnas_status translate_json(fnas_context *context, const translator *chosen, cli_lines *lines) {
    char *text = NULL;
    size_t size = 0;
    cli_json json = {.file = open_memstream(&text, &size)};
    if (!json.file) return cli_fail(VERB, FNAS_ERR_MEMORY, "out of memory");
    cli_json_object(&json, NULL);
    cli_json_text(&json, "arch", chosen->arch);
    if (chosen->device) cli_json_text(&json, "device", chosen->device);
    if (isfinite(chosen->latency_ms)) {
        cli_json_number(&json, "latency_ms", chosen->latency_ms);
        cli_json_text(&json, "latency_source", chosen->source);
    }
    cli_json_array(&json, "lines");
    fnas_status status = translate_all(context, chosen, lines, &json);
    cli_json_end(&json, ']');
    cli_json_end(&json, '}');
    bool whole = !fclose(json.file);
    if (status == FNAS_OK && !whole) status = cli_fail(VERB, FNAS_ERR_MEMORY, "out of memory");
    if (status == FNAS_OK) fwrite(text, 1, size, stdout); /* whether it arrived is asked when the verb has ended */
    free(text);
    return status;
}

/* ---- the verb ---- */

static fnas_status check(const translate_values *values) {
    if (!values->arch == !values->device)
        return cli_fail(VERB, FNAS_ERR_USAGE, "say which network translates: --device CARD.json or --arch ARCH, one of them");
    if (values->prefer && values->arch) return cli_fail(VERB, FNAS_ERR_USAGE, "--prefer has no use with --arch: leave one out");
    return FNAS_OK;
}

static fnas_status translate_with(fnas_context *context, const translate_values *values, const cli_query *query, cli_lines *lines,
                                  translator *chosen) {
    chosen->run = query->run;
    if (!fnas_run_translates(query->run))
        return cli_fail(VERB, FNAS_ERR_USAGE, "%s: its networks do not translate", values->common.operands.items[0]);
    fnas_status status = FNAS_OK;
    if (values->device)
        status = choose(context, values, query, chosen);
    else if (snprintf(chosen->arch, sizeof chosen->arch, "%s", values->arch) >= (int)sizeof chosen->arch)
        status = cli_fail(VERB, FNAS_ERR_INPUT, "--arch: longer than any architecture");
    if (status != FNAS_OK) return status;
    say_choice(values, chosen);
    return values->json ? translate_json(context, chosen, lines) : translate_all(context, chosen, lines, NULL);
}

static fnas_status translate_run(fnas_context *context, void *untyped) {
    translate_values *values = untyped;
    const cli_texts *operands = &values->common.operands, cards = {.items = &values->device, .count = values->device ? 1 : 0};
    translator chosen = {.latency_ms = NAN};
    cli_lines lines = {0};
    cli_query query = {0};
    fnas_context_set_threads(context, values->threads);
    fnas_status status = check(values);
    if (status == FNAS_OK) status = cli_beam_read(VERB, &values->beam, &chosen.beam);
    if (status == FNAS_OK) status = cli_lines_open(VERB, operands->count > 1 ? operands->items[1] : NULL, &lines);
    if (status == FNAS_OK) status = cli_query_open(context, VERB, operands->items[0], &cards, &query);
    if (status == FNAS_OK) status = translate_with(context, values, &query, &lines, &chosen);
    cli_query_close(&query);
    cli_lines_close(&lines);
    return status;
}

const cli_verb cli_translate = {
    .name = "translate",
    .summary = "translate lines of text with a network of a run",
    .operands = "RUN [FILE]",
    .operands_least = 1,
    .operands_most = 2,
    .operands_are_read = true,
    .details =
        "Reads lines of UTF-8 from FILE, or from standard input where there is none or \"-\", and writes a line for each to standard "
        "output: its translation by the run's shared weights, found by beam search. A device's architecture is the one that pick "
        "--prefer answers with; what pick --max finds goes into --arch. An empty line stays empty. A line is one sentence: one of "
        "more than 65536 bytes or 1024 pieces, one that is not UTF-8 or has a 0 in it is an error that names it (exit code 2); "
        "lines are taken 1024 at a time (from a terminal one), and those of blocks before it are translated. A translation has at most 1.5 "
        "times "
        "as many words as its source has pieces, and ten more: each ends (docs/text.md).\n--json: \"arch\", \"device\", "
        "\"latency_ms\" and \"lines\", once all of them are there.",
    .example = "fleetnas translate run --device devices/phone.json --prefer error=0.7,latency_ms=0.3 < source.en > target.de",
    .options = translate_options,
    .values_size = sizeof(translate_values),
    .run = translate_run,
};
