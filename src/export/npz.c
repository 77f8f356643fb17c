#include "export/npz.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "export/zip.h"

#define SUFFIX ".npy"
#define SUFFIX_BYTES 4
#define NAME_SHOWN 100

static const fnas_zip_options of_numpy = {.writer = "numpy.savez writes NPZ", .allows_deflated = true};

static void format_where(const char *path, size_t name_bytes, const char *name, char *where) {
    snprintf(where, FNAS_NPZ_WHERE_BYTES, "%s: member \"%.*s\"", path, (int)(name_bytes < NAME_SHOWN ? name_bytes : NAME_SHOWN), name);
}

void fnas_npz_where(const fnas_npz *npz, const char *name, char *where) {
    format_where(npz->path, strlen(name), name, where);
}

static fnas_status read_member(fnas_context *context, fnas_npz *npz, const fnas_zip *zip, const fnas_zip_entry *entry, size_t *left_bytes) {
    fnas_npz_member *member = npz->members + npz->count;
    char where[FNAS_NPZ_WHERE_BYTES];
    size_t name_bytes = entry->name_bytes;
    format_where(npz->path, name_bytes, entry->name, where);
    if (name_bytes <= SUFFIX_BYTES || memcmp(entry->name + name_bytes - SUFFIX_BYTES, SUFFIX, SUFFIX_BYTES) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: no array of numpy: its name does not end in " SUFFIX, where);
    format_where(npz->path, name_bytes - SUFFIX_BYTES, entry->name, where);
    FNAS_TRY(fnas_zip_unpack(context, zip, entry, *left_bytes, &member->bytes));
    *left_bytes -= entry->unpacked_bytes;
    npz->count++; /* from here on it is released with the rest */
    member->name = fnas_allocate(name_bytes, 1);
    if (!member->name) return fnas_fail_memory(context, where);
    memcpy(member->name, entry->name, name_bytes - SUFFIX_BYTES);
    return fnas_npy_read(context, where, member->bytes, entry->unpacked_bytes, &member->array);
}

static fnas_status read_members(fnas_context *context, fnas_npz *npz, const unsigned char *bytes, size_t size_bytes, size_t limit_bytes) {
    fnas_zip zip;
    FNAS_TRY(fnas_zip_read(context, npz->path, &of_numpy, bytes, size_bytes, &zip));
    npz->members = fnas_allocate((size_t)zip.count, sizeof *npz->members);
    fnas_status status = npz->members ? FNAS_OK : fnas_fail_memory(context, npz->path);
    for (int64_t i = 0; i < zip.count && status == FNAS_OK; i++) status = read_member(context, npz, &zip, &zip.entries[i], &limit_bytes);
    fnas_zip_free(&zip);
    return status;
}

fnas_status fnas_npz_read(fnas_context *context, const char *path, size_t limit_bytes, fnas_npz **npz) {
    unsigned char *bytes;
    size_t size_bytes;
    *npz = NULL;
    FNAS_TRY(fnas_file_read(context, path, limit_bytes, &bytes, &size_bytes));
    fnas_npz *made = fnas_allocate(1, sizeof *made);
    if (made) made->path = fnas_strdup(path);
    fnas_status status = made && made->path ? read_members(context, made, bytes, size_bytes, limit_bytes) : fnas_fail_memory(context, path);
    fnas_free(bytes);
    if (status == FNAS_OK)
        *npz = made;
    else
        fnas_npz_free(made);
    return status;
}

void fnas_npz_free(fnas_npz *npz) {
    if (!npz) return;
    for (int64_t i = 0; i < npz->count; i++) {
        fnas_free(npz->members[i].name);
        fnas_free(npz->members[i].bytes);
    }
    fnas_free(npz->members);
    fnas_free(npz->path);
    fnas_free(npz);
}

const fnas_npz_member *fnas_npz_find(const fnas_npz *npz, const char *name) {
    for (int64_t i = 0; i < npz->count; i++)
        if (strcmp(npz->members[i].name, name) == 0) return &npz->members[i];
    return NULL;
}
