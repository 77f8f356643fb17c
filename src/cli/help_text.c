/* How a verb explains itself: its table of options as text. */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "wrap.h"

#define COLUMN 34 /* where descriptions of options begin */
#define TEXT_BYTES 2048

static const char *ellipsis(const cli_option *option) {
    return option->kind == CLI_INPUTS ? "..." : "";
}

/* "Usage: fleetnas VERB OPERANDS --required VALUE [options]" */
static void print_usage(const cli_verb *verb) {
    char text[TEXT_BYTES];
    int used = snprintf(text, sizeof text, "fleetnas %s%s%s", verb->name, *verb->operands ? " " : "", verb->operands);
    const cli_option *option;
    for (int64_t i = 0; (option = cli_option_at(verb, i)); i++) {
        if (!option->required) continue;
        used += snprintf(text + used, sizeof text - (size_t)used, " --%s %s%s", option->name, option->argument, ellipsis(option));
    }
    snprintf(text + used, sizeof text - (size_t)used, " [options]");
    int column = printf("Usage: ");
    cli_wrap(stdout, &(cli_wrapping){.column = column, .indent = column, .at_options = true}, text);
}

static void print_operands(const cli_verb *verb) {
    int width = 0;
    for (int64_t i = 0; verb->operand_name(i); i++) {
        int length = (int)strlen(verb->operand_name(i));
        width = length > width ? length : width;
    }
    printf("%s is one of\n", verb->operands);
    for (int64_t i = 0; verb->operand_name(i); i++) {
        int column = printf("  %-*s  ", width, verb->operand_name(i));
        cli_wrap(stdout, &(cli_wrapping){.column = column, .indent = column}, verb->operand_summary(i));
    }
}

/* "-o, --output FILE" */
static void name_option(const cli_option *option, char *text, size_t size) {
    char letter[8] = "";
    if (option->letter) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(text, size, "%s--%s%s%s%s", letter, option->name, option->argument ? " " : "", option->argument ? option->argument : "",
             option->argument ? ellipsis(option) : "");
}

static void print_option(const cli_option *option) {
    char left[128], right[TEXT_BYTES];
    name_option(option, left, sizeof left);
    snprintf(right, sizeof right, "%s%s", option->help, option->required ? " (required)" : "");
    if (strlen(left) < COLUMN - 2)
        printf("  %-*s", COLUMN - 2, left);
    else
        printf("  %s\n%*s", left, COLUMN, "");
    cli_wrap(stdout, &(cli_wrapping){.column = COLUMN, .indent = COLUMN}, right);
}

void cli_print_help(const cli_verb *verb) {
    printf("fleetnas %s: %s\n\n", verb->name, verb->summary);
    print_usage(verb);
    printf("\n");
    if (verb->operand_name) print_operands(verb);
    cli_wrap(stdout, &(cli_wrapping){0}, verb->details);
    printf("\nOptions:\n");
    const cli_option *option;
    for (int64_t i = 0; (option = cli_option_at(verb, i)); i++) print_option(option);
    printf("\nExample:\n");
    cli_wrap_command(stdout, verb->example);
}
