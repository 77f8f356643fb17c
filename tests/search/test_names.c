/* A name that a card may have to be measured and searched for is one that a run's configuration may list, and the other way round. */
#include "base/support.h"

#include "device/card.h"
#include "search/names.h"

static void test_device_names(void **state) {
    fnas_test_place *place = *state;
    char long_name[102];
    memset(long_name, 'x', 101);
    long_name[101] = '\0';
    const char *const good[] = {"pi4", "server-int8", "A.b_c-9", "-", long_name + 1};
    const char *const bad[] = {"", ".", "..", ".hidden", "a/b", "a b", "caf\xC3\xA9", "a\n", long_name};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_status(FNAS_OK, fnas_card_check_name(place->context, good[i]));
        assert_true(fnas_device_name_is_safe(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_status(FNAS_ERR_INPUT, fnas_card_check_name(place->context, bad[i]));
        assert_message("use letters, digits");
        assert_false(fnas_device_name_is_safe(bad[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_device_names)};
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
