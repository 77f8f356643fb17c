#include "export/torch_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "export/zip.h"

#define WHERE_BYTES 4200
#define SHOWN_KEY_MAX 100
#define COUNT_BYTES 8 /* in front of a storage of the older form */

/* The key as it can be shown: it need not be one that the pickle has. */
static fnas_status fail_storage(fnas_context *context, const char *where, const fnas_torch_storage *storage, const char *what) {
    char key[SHOWN_KEY_MAX + 1];
    size_t shown = storage->key_bytes < SHOWN_KEY_MAX ? storage->key_bytes : SHOWN_KEY_MAX;
    for (size_t i = 0; i < shown; i++) key[i] = storage->key[i] > ' ' && storage->key[i] < 0x7F ? (char)storage->key[i] : '?';
    key[shown] = '\0';
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: storage \"%s\" %s", where, key, what);
}

/* What a storage takes in the file; false where that is more than a number can say. */
static bool storage_bytes(const fnas_torch_storage *storage, size_t *bytes) {
    return fnas_size_multiply((size_t)storage->count, fnas_torch_type_bytes(storage->type), bytes);
}

/* ---- a ZIP archive: FOLDER/data.pkl, FOLDER/byteorder, FOLDER/data/KEY ---- */

/* Old files do not say it; they come from little-endian machines, as all that PyTorch was released for were. */
static fnas_status check_byte_order(fnas_context *context, const fnas_zip *zip, const char *folder, size_t folder_bytes) {
    char name[FNAS_ZIP_NAME_MAX + 16];
    int length = snprintf(name, sizeof name, "%.*s/byteorder", (int)folder_bytes, folder);
    const fnas_zip_entry *entry = fnas_zip_entry_named(zip, name, (size_t)length);
    if (!entry || (entry->size_bytes == 6 && memcmp(entry->data, "little", 6) == 0)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: entry \"%s\" does not say \"little\": only little-endian files are read: save it on another machine", zip->where,
                     name);
}

static fnas_status find_in_archive(fnas_context *context, const fnas_zip *zip, const char *folder, size_t folder_bytes,
                                   fnas_torch_storage *storage) {
    char name[2 * FNAS_ZIP_NAME_MAX + 16];
    size_t bytes;
    fnas_zip_entry *entry = NULL;
    if (storage->key_bytes <= FNAS_ZIP_NAME_MAX) {
        int length = snprintf(name, sizeof name, "%.*s/data/%.*s", (int)folder_bytes, folder, (int)storage->key_bytes,
                              (const char *)storage->key);
        entry = fnas_zip_entry_named(zip, name, (size_t)length);
    }
    if (!entry) return fail_storage(context, zip->where, storage, "is not in the archive: the file is damaged");
    if (!storage_bytes(storage, &bytes) || bytes != entry->size_bytes)
        return fail_storage(context, zip->where, storage, "has not the size that the pickle says: the file is truncated or damaged");
    FNAS_TRY(fnas_zip_check_crc(context, zip, entry));
    storage->data = entry->data;
    return FNAS_OK;
}

static fnas_status read_archived_pickle(fnas_context *context, const fnas_zip *zip, fnas_zip_entry *entry, fnas_torch_pickle *pickle) {
    char where[WHERE_BYTES];
    snprintf(where, sizeof where, "%s: %.*s", zip->where, (int)entry->name_bytes, entry->name);
    FNAS_TRY(fnas_zip_check_crc(context, zip, entry));
    FNAS_TRY(fnas_torch_pickle_read(context, where, entry->data, entry->size_bytes, pickle));
    if (pickle->size_bytes == entry->size_bytes) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: byte %zu: %zu bytes stand behind its end: refused", where, pickle->size_bytes,
                     entry->size_bytes - pickle->size_bytes);
}

static fnas_status read_archive(fnas_context *context, const fnas_zip *zip, fnas_torch_pickle *pickle) {
    static const char base[] = "data.pkl";
    fnas_zip_entry *entry;
    FNAS_TRY(fnas_zip_entry_of(context, zip, base, &entry));
    size_t folder_bytes = entry->name_bytes - sizeof base;
    FNAS_TRY(check_byte_order(context, zip, entry->name, folder_bytes));
    FNAS_TRY(read_archived_pickle(context, zip, entry, pickle));
    for (size_t i = 0; i < pickle->storage_count; i++) {
        if (fnas_context_stop_requested(context)) return fnas_fail(context, FNAS_INTERRUPTED, "%s: stopped while it was read", zip->where);
        FNAS_TRY(find_in_archive(context, zip, entry->name, folder_bytes, &pickle->storages[i]));
    }
    return FNAS_OK;
}

/* ---- the older form: pickles of a magic number, a protocol, a system, the object, its storages' keys; then the storages ---- */

/* 0x1950a86a20f9469cfc6c, as protocol 2 has it. */
static const unsigned char magic[] = {0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
#define LEGACY_PROTOCOL 1001

typedef struct legacy_reader {
    fnas_context *context;
    const char *where;
    const unsigned char *bytes;
    size_t size_bytes, at;
} legacy_reader;

static fnas_status next_pickle(legacy_reader *reader, const char *what, fnas_torch_pickle *pickle) {
    char where[WHERE_BYTES];
    snprintf(where, sizeof where, "%s: %s (from byte %zu)", reader->where, what, reader->at);
    FNAS_TRY(fnas_torch_pickle_read(reader->context, where, reader->bytes + reader->at, reader->size_bytes - reader->at, pickle));
    reader->at += pickle->size_bytes;
    return FNAS_OK;
}

static fnas_status read_protocol(legacy_reader *reader) {
    fnas_torch_pickle pickle;
    FNAS_TRY(next_pickle(reader, "protocol", &pickle));
    const fnas_torch_value *root = &pickle.values[pickle.root];
    bool known = root->kind == FNAS_TORCH_INTEGER && root->number == LEGACY_PROTOCOL;
    fnas_torch_pickle_free(&pickle);
    if (known) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: its protocol is not %d, the one that torch.save wrote before version 1.6",
                     reader->where, LEGACY_PROTOCOL);
}

static fnas_status read_system(legacy_reader *reader) {
    fnas_torch_pickle pickle;
    FNAS_TRY(next_pickle(reader, "system", &pickle));
    const fnas_torch_value *root = &pickle.values[pickle.root];
    const fnas_torch_value *little = root->kind == FNAS_TORCH_DICT ? fnas_torch_dict_find(&pickle, root, "little_endian") : NULL;
    bool has = little && little->kind == FNAS_TORCH_FLAG, is_little = has && little->number;
    fnas_torch_pickle_free(&pickle);
    if (!has)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: it does not say \"little_endian\": the file is damaged", reader->where);
    if (is_little) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: its storages are big-endian, only little-endian files are read", reader->where);
}

static int compare_keys(const void *a, const void *b) {
    const fnas_torch_storage *p = *(fnas_torch_storage *const *)a, *q = *(fnas_torch_storage *const *)b;
    size_t shorter = p->key_bytes < q->key_bytes ? p->key_bytes : q->key_bytes;
    int order = shorter ? memcmp(p->key, q->key, shorter) : 0;
    return order ? order : (p->key_bytes > q->key_bytes) - (p->key_bytes < q->key_bytes);
}

/* The first of the storages with the key of *wanted, among those sorted by key; count where there is none. */
static size_t find_first(fnas_torch_storage *const *sorted, size_t count, const fnas_torch_storage *wanted) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_keys(&sorted[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && compare_keys(&sorted[low], &wanted) == 0 ? low : count;
}

/* Takes the next storage from the file and gives it to all that are called so. */
static fnas_status take_storage(legacy_reader *reader, fnas_torch_storage *const *sorted, size_t count, const fnas_torch_storage *named) {
    size_t first = find_first(sorted, count, named), bytes;
    uint64_t elements = 0;
    if (first == count) return fail_storage(reader->context, reader->where, named, "is one that no tensor lies in: refused");
    const fnas_torch_storage *storage = sorted[first];
    if (storage->data) return fail_storage(reader->context, reader->where, named, "stands in the file twice: refused");
    if (reader->size_bytes - reader->at < COUNT_BYTES)
        return fail_storage(reader->context, reader->where, named, "is missing: the file is truncated");
    memcpy(&elements, reader->bytes + reader->at, COUNT_BYTES); /* little-endian, as we are: export/safetensors.c */
    reader->at += COUNT_BYTES;
    if (elements != (uint64_t)storage->count)
        return fail_storage(reader->context, reader->where, named, "has not the size that the pickle says: the file is damaged");
    if (!storage_bytes(storage, &bytes) || bytes > reader->size_bytes - reader->at)
        return fail_storage(reader->context, reader->where, named, "reaches beyond the end of the file: truncated");
    for (size_t i = first; i < count && compare_keys(&sorted[i], &sorted[first]) == 0; i++) {
        if (sorted[i]->type != storage->type || sorted[i]->count != storage->count)
            return fail_storage(reader->context, reader->where, named, "is of two types or sizes: refused");
        sorted[i]->data = reader->bytes + reader->at;
    }
    reader->at += bytes;
    return FNAS_OK;
}

static fnas_status take_storages(legacy_reader *reader, const fnas_torch_pickle *keys, fnas_torch_storage *const *sorted, size_t count) {
    const fnas_torch_value *list = &keys->values[keys->root];
    if (list->kind != FNAS_TORCH_LIST)
        return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: the keys of its storages are no list: the file is damaged", reader->where);
    for (size_t i = 0; i < list->count; i++) {
        const fnas_torch_value *key = &keys->values[list->items[i]];
        if (key->kind != FNAS_TORCH_TEXT)
            return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: the key of a storage is no text: the file is damaged", reader->where);
        FNAS_TRY(take_storage(reader, sorted, count, &(fnas_torch_storage){.key = key->text, .key_bytes = (size_t)key->number}));
    }
    for (size_t i = 0; i < count; i++)
        if (!sorted[i]->data) return fail_storage(reader->context, reader->where, sorted[i], "is not in the file: it is damaged");
    if (reader->at == reader->size_bytes) return FNAS_OK;
    return fnas_fail(reader->context, FNAS_ERR_INPUT, "%s: byte %zu: %zu bytes stand behind its end: refused", reader->where, reader->at,
                     reader->size_bytes - reader->at);
}

static fnas_status attach_storages(legacy_reader *reader, fnas_torch_pickle *pickle) {
    fnas_torch_pickle keys = {0};
    fnas_torch_storage **sorted = fnas_allocate(pickle->storage_count, sizeof *sorted);
    if (!sorted) return fnas_fail_memory(reader->context, reader->where);
    for (size_t i = 0; i < pickle->storage_count; i++) sorted[i] = &pickle->storages[i];
    qsort(sorted, pickle->storage_count, sizeof *sorted, compare_keys);
    fnas_status status = next_pickle(reader, "keys of storages", &keys);
    if (status == FNAS_OK) status = take_storages(reader, &keys, sorted, pickle->storage_count);
    fnas_torch_pickle_free(&keys);
    fnas_free(sorted);
    return status;
}

static fnas_status read_legacy(legacy_reader *reader, fnas_torch_pickle *pickle) {
    FNAS_TRY(read_protocol(reader));
    FNAS_TRY(read_system(reader));
    FNAS_TRY(next_pickle(reader, "object", pickle));
    return attach_storages(reader, pickle);
}

/* ---- the whole ---- */

static fnas_status read_either(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                               fnas_torch_pickle *pickle) {
    fnas_zip zip;
    if (size_bytes >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0) {
        legacy_reader reader = {.context = context, .where = where, .bytes = bytes, .size_bytes = size_bytes, .at = sizeof magic};
        return read_legacy(&reader, pickle);
    }
    if (size_bytes < 2 || memcmp(bytes, "PK", 2) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: no file of torch.save: it is neither a ZIP archive nor begins with PyTorch's magic number", where);
    FNAS_TRY(fnas_zip_read(context, where, &fnas_zip_of_torch, bytes, size_bytes, &zip));
    fnas_status status = read_archive(context, &zip, pickle);
    fnas_zip_free(&zip);
    return status;
}

fnas_status fnas_torch_file_read(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                 fnas_torch_pickle *pickle) {
    *pickle = (fnas_torch_pickle){0};
    fnas_status status = read_either(context, where, bytes, size_bytes, pickle);
    if (status != FNAS_OK) fnas_torch_pickle_free(pickle);
    return status;
}
