/* Two files whose lines belong together, read side by side. */
#ifndef FNAS_DATA_TEXT_LINES_H
#define FNAS_DATA_TEXT_LINES_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_LINE_BYTES_MAX 65536 /* longer ones are passed over, whatever their length, without being kept in memory */

typedef enum fnas_text_side { FNAS_TEXT_SOURCE, FNAS_TEXT_TARGET, FNAS_TEXT_SIDES } fnas_text_side;

/* Without its end ("\n" or "\r\n") and, in the first line, without a byte order mark. */
typedef struct fnas_line {
    const char *text; /* [size], until the next line is read */
    size_t size;
    bool is_enormous; /* more than FNAS_LINE_BYTES_MAX: text and size say nothing */
} fnas_line;

typedef struct fnas_line_pair {
    fnas_line sides[FNAS_TEXT_SIDES];
    int64_t number; /* 1.. */
} fnas_line_pair;

typedef struct fnas_lines fnas_lines;

/* paths [2]: source and target, borrowed as long as it is open. *lines is owned: fnas_lines_close. Errors: FNAS_ERR_INPUT (missing, no
 * plain file), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_lines_open(fnas_context *context, const char *const paths[FNAS_TEXT_SIDES], fnas_lines **lines);
void fnas_lines_close(fnas_lines *lines); /* NULL is allowed */

/* The next two lines; *more false behind the last. Errors: FNAS_ERR_INPUT (one file ends before the other: file and line are named),
 * FNAS_ERR_IO. */
FNAS_NODISCARD fnas_status fnas_lines_next(fnas_context *context, fnas_lines *lines, fnas_line_pair *pair, bool *more);

#endif
