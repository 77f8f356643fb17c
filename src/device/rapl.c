#include "device/rapl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define PATH_BYTES 4200

/* A counter's file holds one number and a newline; it is read anew from its beginning. */
static fnas_status read_number(fnas_context *context, const char *what, int file, uint64_t *value) {
    char text[32] = {0};
    int64_t number;
    ssize_t size = pread(file, text, sizeof text - 1, 0);
    if (size < 0) return fnas_fail(context, FNAS_ERR_IO, "%s: cannot read: %s", what, strerror(errno));
    text[strcspn(text, "\n")] = '\0';
    if (!fnas_parse_int64(text, &number) || number < 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s holds \"%s\", a count of microjoules is expected", what, text);
    *value = (uint64_t)number;
    return FNAS_OK;
}

static fnas_status open_counter(fnas_context *context, const char *path, int *file) {
    *file = open(path, O_RDONLY | O_CLOEXEC);
    if (*file >= 0) return FNAS_OK;
    if (errno == EACCES)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "%s may not be read: energy counters are for root alone unless it allows others",
                         path);
    return fnas_fail(context, FNAS_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
}

static fnas_status read_range(fnas_context *context, const char *path, uint64_t *range_uj) {
    int file;
    FNAS_TRY(open_counter(context, path, &file));
    fnas_status status = read_number(context, path, file, range_uj);
    close(file);
    if (status == FNAS_OK && *range_uj == 0) return fnas_fail(context, FNAS_ERR_INPUT, "%s is 0", path);
    return status;
}

/* Package number `index`; none there: count stays. Its parts (intel-rapl:0:0, ...) are contained in it. */
static fnas_status open_package(fnas_context *context, const char *folder, int index, fnas_rapl *rapl) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/intel-rapl:%d/energy_uj", folder, index);
    if (access(path, F_OK) != 0) return FNAS_OK;
    int *file = &rapl->files[rapl->count];
    FNAS_TRY(open_counter(context, path, file));
    int64_t at = rapl->count++;
    FNAS_TRY(read_number(context, path, *file, &rapl->last_uj[at]));
    snprintf(path, sizeof path, "%s/intel-rapl:%d/max_energy_range_uj", folder, index);
    return read_range(context, path, &rapl->ranges_uj[at]);
}

fnas_status fnas_rapl_open(fnas_context *context, const char *folder, fnas_rapl *rapl) {
    *rapl = (fnas_rapl){0};
    for (int index = 0; index < FNAS_RAPL_PACKAGES_MAX; index++) FNAS_TRY(open_package(context, folder, index, rapl));
    if (rapl->count) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_UNSUPPORTED,
                     "%s has no energy counters (intel-rapl:0): few virtual machines show them; a program of yours can tell energies "
                     "(--command-energy)",
                     folder);
}

void fnas_rapl_close(fnas_rapl *rapl) {
    for (int64_t i = 0; i < rapl->count; i++) close(rapl->files[i]);
    *rapl = (fnas_rapl){0};
}

fnas_status fnas_rapl_read(fnas_context *context, fnas_rapl *rapl, double *total_mj) {
    for (int64_t i = 0; i < rapl->count; i++) {
        uint64_t now_uj = 0;
        FNAS_TRY(read_number(context, "an energy counter", rapl->files[i], &now_uj));
        uint64_t used_uj = now_uj >= rapl->last_uj[i] ? now_uj - rapl->last_uj[i] : now_uj + (rapl->ranges_uj[i] - rapl->last_uj[i]);
        rapl->total_mj += (double)used_uj / 1e3;
        rapl->last_uj[i] = now_uj;
    }
    *total_mj = rapl->total_mj;
    return FNAS_OK;
}
