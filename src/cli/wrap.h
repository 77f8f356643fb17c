/* Text for a terminal: words on lines of at most CLI_WIDTH characters. */
#ifndef CLI_WRAP_H
#define CLI_WRAP_H

#include <stdbool.h>
#include <stdio.h>

#define CLI_WIDTH 110

typedef struct cli_wrapping {
    int column;         /* where the first line goes on: so many characters stand there already */
    int indent;         /* where the other lines begin */
    bool at_options;    /* break only before what begins with "-" or "[", so that an option keeps its value */
    const char *behind; /* what ends a line that goes on: " \\" in a command, NULL for nothing */
} cli_wrapping;

/* Prints the text, breaking it at single spaces; a newline in it begins a line. What has no place to break stays whole. Ends with a
 * newline. */
void cli_wrap(FILE *file, const cli_wrapping *how, const char *text);

/* A command line as a shell reads it, indented; it goes on behind a backslash, before an option. No option may stand inside of quotes. */
void cli_wrap_command(FILE *file, const char *command);

#endif
