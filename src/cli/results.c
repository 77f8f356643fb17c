#include <stdio.h>
#include <string.h>

#include "files.h"
#include "verbs.h"

#define VERB "results"

typedef struct results_values {
    cli_common common;
    const char *output, *html, *svg, *scored, *title;
} results_values;

#define AT(member) offsetof(results_values, member)

static const cli_option results_options[] = {
    {"output", 'o', CLI_OUTPUT, AT(output), "PAGE.md", "where the page goes", true},
    {"html", 0, CLI_OUTPUT, AT(html), "PAGE.html", "also as a self-contained page with its pictures", false},
    {"svg", 0, CLI_OUTPUT, AT(svg), "FILE", "also the radar beside the largest number of evaluations, which PAGE.md then shows", false},
    {"scored", 0, CLI_INPUT, AT(scored), "FILE.txt",
     "one line for each configuration that was ever scored against the truth (\"#\": a comment)", false},
    {"title", 0, CLI_TEXT, AT(title), "TEXT", "of the page [Results]", false},
    CLI_OPTIONS_END,
};

/* How PAGE.md refers to a picture: by its name where both lie in one folder. */
static const char *results_refer(const char *page, const char *svg) {
    const char *page_name = strrchr(page, '/'), *svg_name = strrchr(svg, '/');
    size_t page_folder = page_name ? (size_t)(page_name - page) : 0, svg_folder = svg_name ? (size_t)(svg_name - svg) : 0;
    bool same = !page_name == !svg_name && page_folder == svg_folder && !strncmp(page, svg, page_folder);
    return same && svg_name ? svg_name + 1 : svg;
}

/* Every name in the folder is that of a score, or is refused; nobody looks at hidden ones. */
static bool results_reads(const char *inside) {
    return inside[0] != '.' && !strchr(inside, '/');
}

static fnas_status results_write(fnas_context *context, const results_values *values, const fnas_results *results) {
    const char *title = values->title ? values->title : "Results";
    fnas_status status = FNAS_OK;
    if (values->svg) status = fnas_results_write_svg(context, results, values->svg);
    if (status == FNAS_OK && values->html) status = fnas_results_write_html(context, results, title, values->html);
    if (status == FNAS_OK)
        status = fnas_results_write_markdown(context, results, title, values->svg ? results_refer(values->output, values->svg) : NULL,
                                             values->output);
    if (status == FNAS_OK) printf("%s: %lld scores\n", values->output, (long long)fnas_results_count(results));
    return status;
}

/* Every file of the folder is a score, or refused: a page in it would be the last that is made of it. */
static fnas_status results_check(const results_values *values) {
    const char *const names[] = {"output", "html", "svg"}, *const paths[] = {values->output, values->html, values->svg};
    const char *folder = values->common.operands.items[0];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i] && cli_is_inside(paths[i], folder))
            return cli_fail(VERB, FNAS_ERR_USAGE, "--%s %s: lies in %s, which holds scores alone: name another place", names[i], paths[i],
                            folder);
    return FNAS_OK;
}

static fnas_status results_run(fnas_context *context, void *untyped) {
    const results_values *values = untyped;
    fnas_results *results = NULL;
    if (results_check(values) != FNAS_OK) return FNAS_ERR_USAGE;
    fnas_status status = fnas_results_open(context, values->common.operands.items[0], values->scored, &results);
    if (status == FNAS_OK) status = results_write(context, values, results);
    fnas_results_free(results);
    return status;
}

const cli_verb cli_results = {
    .name = "results",
    .summary = "one page that compares the scores of many methods, devices and seeds",
    .operands = "FOLDER",
    .operands_least = 1,
    .operands_most = 1,
    .operands_are_read = true,
    .reads_from_folder = results_reads,
    .details = "FOLDER holds splits.json (\"search_devices\", \"unseen_devices\") and scores as `score --json` and `rival --json` print "
               "them, called OBJECTIVES,METHOD,BUDGET,DEVICE,SEED.json: error+latency_ms,nsga2,evaluations-100,pixel3,1.json; BUDGET is "
               "evaluations-N (a device) or minutes-N (of a search); and perhaps times.csv. scripts/run-nb201.sh fills such a folder "
               "(docs/nb201.md). Tables of the mean ratio to the true hypervolume with its standard error over seeds, a radar (one axis a "
               "device), the curve over the minutes.",
    .example = "fleetnas results build/nb201/results -o build/nb201/results.md --html build/nb201/results.html",
    .options = results_options,
    .values_size = sizeof(results_values),
    .run = results_run,
};
