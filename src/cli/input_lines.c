#include "input_lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_MOST 1024 /* at a time: enough that those of like lengths are translated together */
#define STOP_MS 200     /* how often a wait for text looks whether it should end */

fnas_status cli_lines_open(const char *verb, const char *path, cli_lines *lines) {
    bool standard = !path || !strcmp(path, "-");
    *lines = (cli_lines){.file = standard ? stdin : fopen(path, "rb"), .name = standard ? "standard input" : path, .first = 1};
    if (!lines->file) return cli_fail(verb, FNAS_ERR_INPUT, "%s: cannot open: %s", path, strerror(errno));
    lines->most = isatty(fileno(lines->file)) ? 1 : LINES_MOST;
    lines->buffer = malloc(CLI_LINES_BUFFER);
    lines->texts = calloc((size_t)lines->most, sizeof *lines->texts);
    lines->sizes = calloc((size_t)lines->most, sizeof *lines->sizes);
    lines->capacities = calloc((size_t)lines->most, sizeof *lines->capacities);
    bool good = lines->buffer && lines->texts && lines->sizes && lines->capacities;
    return good ? FNAS_OK : cli_fail(verb, FNAS_ERR_MEMORY, "out of memory");
}

void cli_lines_close(cli_lines *lines) {
    for (int64_t i = 0; lines->texts && i < lines->most; i++) free(lines->texts[i]);
    free(lines->texts);
    free(lines->sizes);
    free(lines->capacities);
    free(lines->buffer);
    if (lines->file && lines->file != stdin) fclose(lines->file);
    *lines = (cli_lines){0};
}

/* Room for one more byte in line `index`. */
static bool grow(cli_lines *lines, int64_t index) {
    if (lines->sizes[index] < lines->capacities[index]) return true;
    size_t capacity = lines->capacities[index] ? 2 * lines->capacities[index] : 256;
    char *grown = realloc(lines->texts[index], capacity);
    if (!grown) return false;
    lines->texts[index] = grown;
    lines->capacities[index] = capacity;
    return true;
}

static void trim(cli_lines *lines, int64_t index) {
    char *text = lines->texts[index];
    size_t *size = &lines->sizes[index];
    bool marked = lines->first + index == 1 && *size >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3);
    if (marked) memmove(text, text + 3, *size -= 3);
    if (*size && text[*size - 1] == '\r') --*size;
}

/* More bytes in the buffer, none at the end. Text may be long in coming, or never end: a wish to stop is heard before each read. */
static fnas_status fill(fnas_context *context, const char *verb, cli_lines *lines) {
    struct pollfd wait = {.fd = fileno(lines->file), .events = POLLIN};
    int ready;
    do {
        if (fnas_context_stop_requested(context))
            return cli_fail(verb, FNAS_INTERRUPTED, "interrupted before line %lld of %s was read", (long long)(lines->first + lines->count),
                            lines->name);
        ready = poll(&wait, 1, STOP_MS);
    } while (ready == 0 || (ready < 0 && errno == EINTR));
    ssize_t size = read(wait.fd, lines->buffer, CLI_LINES_BUFFER);
    if (size < 0) return cli_fail(verb, FNAS_ERR_IO, "%s: cannot read: %s", lines->name, strerror(errno));
    lines->at = 0;
    lines->held = (size_t)size;
    return FNAS_OK;
}

/* Line `index`; *more false where the file had ended before it. */
static fnas_status read_line(fnas_context *context, const char *verb, cli_lines *lines, int64_t index, bool *more) {
    *more = false;
    lines->sizes[index] = 0;
    if (!grow(lines, index)) return cli_fail(verb, FNAS_ERR_MEMORY, "out of memory"); /* so that an empty line has a text, too */
    for (;;) {
        fnas_status status = lines->at == lines->held ? fill(context, verb, lines) : FNAS_OK;
        if (status != FNAS_OK) return status;
        if (!lines->held) break;
        char byte = lines->buffer[lines->at++];
        *more = true;
        if (byte == '\n') break;
        if (lines->sizes[index] > CLI_LINE_BYTES_MAX + 4) continue; /* the mark at the beginning and "\r" do not count */
        if (!grow(lines, index)) return cli_fail(verb, FNAS_ERR_MEMORY, "out of memory");
        lines->texts[index][lines->sizes[index]++] = byte;
    }
    trim(lines, index);
    return FNAS_OK;
}

fnas_status cli_lines_next(fnas_context *context, const char *verb, cli_lines *lines) {
    bool more = true;
    lines->first += lines->count;
    for (lines->count = 0; lines->count < lines->most; lines->count++) {
        fnas_status status = read_line(context, verb, lines, lines->count, &more);
        if (status != FNAS_OK) return status;
        if (!more) break;
    }
    return FNAS_OK;
}
