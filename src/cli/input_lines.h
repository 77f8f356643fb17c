/* Lines of a file or of standard input, some at a time. */
#ifndef CLI_INPUT_LINES_H
#define CLI_INPUT_LINES_H

#include <stdio.h>

#include "options.h"

/* Zero-initialise; cli_lines_close. */
typedef struct cli_lines {
    FILE *file;
    const char *name; /* for messages */
    int64_t most;     /* lines at a time: one from a terminal, where somebody waits for its answer */
    int64_t first;    /* number of the first line that is held */
    int64_t count;    /* lines that are held */
    char **texts;     /* [count], of sizes [count] bytes: without "\n" or "\r\n", the first of all without a byte order mark */
    size_t *sizes;
    size_t *capacities; /* [most] */
    char *buffer;       /* bytes at .. held - 1 were read and belong to no line yet */
    size_t at, held;
} cli_lines;

/* A file, or standard input for NULL and "-". FNAS_ERR_INPUT, FNAS_ERR_MEMORY; said on standard error. */
FNAS_NODISCARD fnas_status cli_lines_open(const char *verb, const char *path, cli_lines *lines);
/* The next ones in the place of those that were held; none behind the last. Of a line of more than CLI_LINE_BYTES_MAX only so many and a
 * few more are kept. FNAS_ERR_IO, FNAS_ERR_MEMORY, FNAS_INTERRUPTED, also while it waits for text; said on standard error. */
#define CLI_LINES_BUFFER 65536
#define CLI_LINE_BYTES_MAX 65536
FNAS_NODISCARD fnas_status cli_lines_next(fnas_context *context, const char *verb, cli_lines *lines);
void cli_lines_close(cli_lines *lines);

#endif
