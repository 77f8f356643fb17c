/* What a card says of the machine. */
#include "base/support.h"

#include <string.h>

#include "device/host.h"

/* Boards have no "model name" in /proc/cpuinfo, and not all have a model there. */
static void test_processor_names(void **state) {
    fnas_test_place *place = *state;
    const char *x86 = fnas_test_write_text(place, "x86", "processor\t: 0\nmodel\t\t: 1\nmodel name\t: Quick 9000 \n"),
               *board = fnas_test_write_text(place, "board", "processor\t: 0\nCPU part\t: 0xd08\n\nModel\t\t: Small Board 4\n"),
               *bare = fnas_test_write_text(place, "bare", "processor\t: 0\n"), *tree = fnas_test_write_text(place, "tree", "Tree Board 2");
    char text[64];
    fnas_host_processor_from(x86, tree, text, sizeof text);
    assert_string_equal(text, "Quick 9000");
    fnas_host_processor_from(board, tree, text, sizeof text);
    assert_string_equal(text, "Small Board 4");
    fnas_host_processor_from(bare, tree, text, sizeof text);
    assert_string_equal(text, "Tree Board 2");
    fnas_host_processor_from(bare, "/absent", text, sizeof text);
    assert_true(strlen(text) > 0);
    fnas_host_processor_from(board, tree, text, 6); /* as much as fits */
    assert_string_equal(text, "Small");
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_processor_names)};
    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
