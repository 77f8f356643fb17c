#include "base/support.h"

#include "base/memory.h"
#include "base/path.h"

static void expect(const char *wanted, char *path) {
    assert_non_null(path);
    assert_string_equal(path, wanted);
    fnas_free(path);
}

static void names_are_joined(void **state) {
    (void)state;
    static const char *const cases[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) expect(cases[i][2], fnas_path_join(cases[i][0], cases[i][1]));
}

static void folders_are_cut_off(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"a", "."}, {"a/b", "a"}, {"/a", "/"}, {"a/b/c", "a/b"}, {"./c", "."}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) expect(cases[i][1], fnas_path_folder(cases[i][0]));
}

static void sqlite_sees_no_uri(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"file:a", "./file:a"}, {"files/a", "files/a"}, {"/file:a", "/file:a"}, {"a/file:b", "a/file:b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) expect(cases[i][1], fnas_path_for_sqlite(cases[i][0]));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_joined), cmocka_unit_test(folders_are_cut_off),
                                       cmocka_unit_test(sqlite_sees_no_uri)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
