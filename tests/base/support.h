/* What tests share: cmocka with its includes, a context, a folder that is removed behind each test, files in it. */
#ifndef FNAS_TESTS_BASE_SUPPORT_H
#define FNAS_TESTS_BASE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fleetnas/context.h"

typedef struct fnas_test_place {
    fnas_context *context;
    char folder[64];
    char path[4][160]; /* of test_path, used in turn */
    int next;
} fnas_test_place;

static inline int fnas_test_setup(void **state) {
    fnas_test_place *place = calloc(1, sizeof *place);
    if (!place || fnas_context_create(&place->context) != FNAS_OK) return -1;
    snprintf(place->folder, sizeof place->folder, "/tmp/fnas-test-XXXXXX");
    if (!mkdtemp(place->folder)) return -1;
    *state = place;
    return 0;
}

static inline int fnas_test_remove(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static inline int fnas_test_teardown(void **state) {
    fnas_test_place *place = *state;
    nftw(place->folder, fnas_test_remove, 16, FTW_DEPTH | FTW_PHYS);
    fnas_context_destroy(place->context);
    free(place);
    return 0;
}

/* "FOLDER/name"; valid for three more calls. */
static inline const char *fnas_test_path(fnas_test_place *place, const char *name) {
    char *path = place->path[place->next++ % 4];
    snprintf(path, sizeof place->path[0], "%s/%s", place->folder, name);
    return path;
}

static inline const char *fnas_test_write(fnas_test_place *place, const char *name, const void *data, size_t size) {
    const char *path = fnas_test_path(place, name);
    remove(path); /* rewriting a file in place makes some file systems wait for the disk */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *fnas_test_write_text(fnas_test_place *place, const char *name, const char *text) {
    return fnas_test_write(place, name, text, strlen(text));
}

#define assert_status(expected, expression)                                                                                                \
    do {                                                                                                                                   \
        fnas_status assert_status_ = (expression);                                                                                         \
        if (assert_status_ != (expected)) {                                                                                                \
            fail_msg("%s: status %d, expected %d; message \"%s\"", #expression, (int)assert_status_, (int)(expected),                      \
                     fnas_context_message(place->context));                                                                                \
        }                                                                                                                                  \
    } while (0)

/* The message of the context holds this text. */
#define assert_message(part)                                                                                                               \
    do {                                                                                                                                   \
        if (!strstr(fnas_context_message(place->context), part)) {                                                                         \
            fail_msg("message \"%s\" lacks \"%s\"", fnas_context_message(place->context), part);                                           \
        }                                                                                                                                  \
    } while (0)

#define fnas_test(function) cmocka_unit_test_setup_teardown(function, fnas_test_setup, fnas_test_teardown)

#endif
