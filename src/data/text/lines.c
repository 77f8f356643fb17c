#include "data/text/lines.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define BUFFER_BYTES (4 * FNAS_LINE_BYTES_MAX)

typedef struct line_file {
    const char *path;
    int descriptor; /* -1: not open */
    char *buffer;   /* [BUFFER_BYTES]; what is not yet read lies from begin to end */
    size_t begin, end;
    bool at_end; /* the file has no more */
} line_file;

struct fnas_lines {
    line_file files[FNAS_TEXT_SIDES];
    int64_t number;
};

static fnas_status open_file(fnas_context *context, const char *path, line_file *file) {
    struct stat info;
    *file = (line_file){.path = path, .descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file->descriptor < 0 || fstat(file->descriptor, &info)) return fnas_fail_errno(context, path, "open");
    if (!S_ISREG(info.st_mode)) return fnas_fail(context, FNAS_ERR_INPUT, "%s: no plain file", path);
    file->buffer = fnas_allocate(BUFFER_BYTES, 1);
    return file->buffer ? FNAS_OK : fnas_fail_memory(context, path);
}

fnas_status fnas_lines_open(fnas_context *context, const char *const paths[FNAS_TEXT_SIDES], fnas_lines **lines) {
    fnas_status status = FNAS_OK;
    fnas_lines *created = fnas_allocate(1, sizeof *created);
    *lines = NULL;
    if (!created) return fnas_fail_memory(context, paths[0]);
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) created->files[side].descriptor = -1;
    for (int side = 0; side < FNAS_TEXT_SIDES && status == FNAS_OK; side++) status = open_file(context, paths[side], &created->files[side]);
    if (status == FNAS_OK)
        *lines = created;
    else
        fnas_lines_close(created);
    return status;
}

void fnas_lines_close(fnas_lines *lines) {
    if (!lines) return;
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) {
        if (lines->files[side].descriptor >= 0) close(lines->files[side].descriptor);
        fnas_free(lines->files[side].buffer);
    }
    fnas_free(lines);
}

/* ---- one line ---- */

/* Moves what is left to the front and reads on; there must be room. */
static fnas_status fill(fnas_context *context, line_file *file) {
    memmove(file->buffer, file->buffer + file->begin, file->end - file->begin);
    file->end -= file->begin;
    file->begin = 0;
    ssize_t count = read(file->descriptor, file->buffer + file->end, BUFFER_BYTES - file->end);
    if (count < 0) return fnas_fail_errno(context, file->path, "read");
    file->end += (size_t)count;
    file->at_end = !count;
    return FNAS_OK;
}

static const char *find_end(const line_file *file, size_t from) {
    return memchr(file->buffer + file->begin + from, '\n', file->end - file->begin - from);
}

/* Passes over the rest of a line that is longer than the buffer. */
static fnas_status skip_rest(fnas_context *context, line_file *file) {
    const char *end = NULL;
    while (!end && !file->at_end) {
        file->begin = file->end;
        FNAS_TRY(fill(context, file));
        end = find_end(file, 0);
    }
    file->begin = end ? (size_t)(end - file->buffer) + 1 : file->end;
    return FNAS_OK;
}

static void strip(fnas_line *line, bool is_first) {
    if (line->size && line->text[line->size - 1] == '\r') line->size--;
    if (!is_first || line->size < 3 || memcmp(line->text, "\xEF\xBB\xBF", 3)) return;
    line->text += 3;
    line->size -= 3;
}

static fnas_status next_line(fnas_context *context, line_file *file, bool is_first, fnas_line *line, bool *more) {
    size_t seen = 0;
    const char *end;
    *line = (fnas_line){0};
    while (!(end = find_end(file, seen)) && !file->at_end && file->end - file->begin < BUFFER_BYTES) {
        seen = file->end - file->begin;
        FNAS_TRY(fill(context, file));
    }
    *more = end || file->begin < file->end;
    if (!end && !file->at_end) {
        line->is_enormous = true;
        return skip_rest(context, file);
    }
    line->text = file->buffer + file->begin;
    line->size = (end ? (size_t)(end - file->buffer) : file->end) - file->begin;
    file->begin += line->size + (end ? 1 : 0);
    line->is_enormous = line->size > FNAS_LINE_BYTES_MAX;
    strip(line, is_first);
    return FNAS_OK;
}

fnas_status fnas_lines_next(fnas_context *context, fnas_lines *lines, fnas_line_pair *pair, bool *more) {
    bool has[FNAS_TEXT_SIDES];
    pair->number = ++lines->number;
    for (int side = 0; side < FNAS_TEXT_SIDES; side++)
        FNAS_TRY(next_line(context, &lines->files[side], pair->number == 1, &pair->sides[side], &has[side]));
    *more = has[0];
    if (has[0] == has[1]) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s:%lld: the file ends before this line, which %s has: the lines of both must belong together, one by one",
                     lines->files[has[0] ? 1 : 0].path, (long long)pair->number, lines->files[has[0] ? 0 : 1].path);
}
