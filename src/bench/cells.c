#include "bench/cells.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define LIMIT_BYTES ((size_t)1 << 20)
#define CELLS_MOST 4096

static fnas_status read_line(fnas_context *context, const char *path, int64_t line, const char *text, const fnas_space *space,
                             fnas_arch_set *set) {
    int32_t choices[FNAS_ARCH_TEXT_BYTES];
    int64_t index, before = set->count;
    if (!*text || *text == '#') return FNAS_OK;
    fnas_status status = fnas_space_parse(context, space, text, choices);
    if (status != FNAS_OK) return fnas_fail_prefix(context, status, "%s:%lld", path, (long long)line);
    FNAS_TRY(fnas_arch_set_add(context, set, choices, &index));
    if (set->count == before)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: this architecture stands there twice", path, (long long)line);
    if (set->count > CELLS_MOST)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: more than %d architectures", path, (long long)line, CELLS_MOST);
    return FNAS_OK;
}

static fnas_status read_lines(fnas_context *context, const char *path, char *text, const fnas_space *space, fnas_arch_set *set) {
    char *rest = text, *line;
    for (int64_t number = 1; (line = strsep(&rest, "\n")); number++) {
        line[strcspn(line, "\r")] = '\0';
        FNAS_TRY(read_line(context, path, number, line, space, set));
    }
    return set->count ? FNAS_OK : fnas_fail(context, FNAS_ERR_INPUT, "%s: holds no architecture: write one a line", path);
}

fnas_status fnas_cells_read(fnas_context *context, const char *path, const fnas_space *space, fnas_arch_set *set) {
    unsigned char *data;
    size_t size_bytes;
    FNAS_TRY(fnas_file_read(context, path, LIMIT_BYTES, &data, &size_bytes));
    fnas_status status = read_lines(context, path, (char *)data, space, set);
    fnas_free(data);
    return status;
}
