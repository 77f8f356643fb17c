#include "messages.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

static bool cli_failed;

bool cli_has_failed(void) {
    return cli_failed;
}

#define MESSAGE_BYTES 8192

static void cli_say(const char *verb, const char *kind, char *text) {
    for (char *p = text; *p; p++) { /* text of files and of the command line must not steer the terminal */
        if (iscntrl((unsigned char)*p) && *p != '\n') *p = '?';
    }
    fprintf(stderr, "fleetnas%s%s: %s%s\n", *verb ? " " : "", verb, kind, text);
}

fnas_status cli_fail(const char *verb, fnas_status status, const char *format, ...) {
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli_failed = true;
    cli_say(verb, "", text);
    return status;
}

void cli_warn(const char *verb, const char *format, ...) {
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli_say(verb, "warning: ", text);
}
