#include "wrap.h"

#include <string.h>

static bool breaks_at(const cli_wrapping *how, const char *space) {
    return *space == '\n' || (*space == ' ' && (!how->at_options || space[1] == '-' || space[1] == '['));
}

/* Characters up to where a line may end. */
static int piece_length(const cli_wrapping *how, const char *text) {
    int length = 0;
    while (text[length] && !breaks_at(how, text + length)) length++;
    return length;
}

void cli_wrap(FILE *file, const cli_wrapping *how, const char *text) {
    const char *behind = how->behind ? how->behind : "";
    int column = how->column, room = CLI_WIDTH - (int)strlen(behind);
    for (bool first = true;; first = false) {
        int length = piece_length(how, text);
        if (!first && (text[-1] == '\n' || column + 1 + length > room)) {
            fprintf(file, "%s\n%*s", text[-1] == '\n' ? "" : behind, how->indent, "");
            column = how->indent;
        } else if (!first) {
            fputc(' ', file);
            column++;
        }
        fprintf(file, "%.*s", length, text);
        column += length;
        if (!text[length]) break;
        text += length + 1;
    }
    fputc('\n', file);
}

void cli_wrap_command(FILE *file, const char *command) {
    fputs("  ", file);
    cli_wrap(file, &(cli_wrapping){.column = 2, .indent = 6, .at_options = true, .behind = " \\"}, command);
}
