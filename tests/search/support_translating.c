#include "search/support_translating.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "fleetnas/text.h"

enum { LINES = 600, WORDS = 12 };

/* A word of one language for each of the other. The first words are frequent, so that a network which hardly learnt anything says some that
 * are right. */
void test_translating_pairs(fnas_test_place *place) {
    static const char *const words[2][6] = {{"ba", "ri", "ton", "be", "en", "er"}, {"an", "ka", "da", "st", "ge", "mo"}};
    fnas_text texts[2] = {{0}, {0}};
    for (int64_t i = 0; i < LINES; i++) {
        fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, i, 9);
        int64_t count = 6 + fnas_random_below(&random, WORDS - 5);
        for (int64_t w = 0; w < count; w++) {
            double u = fnas_random_uniform(&random);
            for (int side = 0; side < 2; side++) fnas_text_append(&texts[side], "%s%s", w ? " " : "", words[side][(int)(6 * u * u * u)]);
        }
        for (int side = 0; side < 2; side++) fnas_text_append(&texts[side], "\n");
    }
    char spec[400];
    snprintf(spec, sizeof spec, "text:%s,%s", fnas_test_write(place, "a.en", texts[0].data, texts[0].size),
             fnas_test_write(place, "a.de", texts[1].data, texts[1].size));
    const fnas_text_request request = {.vocabulary = FNAS_TEST_FILES "/text/bpe.model", .seed = 3};
    fnas_text_prepared prepared;
    test_check(place, fnas_text_prepare(place->context, spec, &request, fnas_test_path(place, "text.pairs"), &prepared));
    for (int side = 0; side < 2; side++) fnas_text_free(&texts[side]);
}

static char *save_card(fnas_test_place *place, const char *name, const double *op_ms) {
    char file[64];
    fnas_card *card = test_card(place, TEST_TRANSLATING_SPACE, name, op_ms);
    snprintf(file, sizeof file, "%s.json", name);
    char *path = fnas_strdup(fnas_test_path(place, file));
    test_check(place, fnas_card_save(place->context, card, path));
    fnas_card_free(card);
    return path;
}

fnas_run *test_translating_run(fnas_test_place *place, int64_t steps) {
    static const double first_ms[3] = {2, 1, 0.5}, last_ms[3] = {0.5, 1, 3};
    char *devices[2] = {save_card(place, "first", first_ms), save_card(place, "last", last_ms)};
    char data[200], folder[200];
    fnas_run *run;
    test_translating_pairs(place);
    snprintf(data, sizeof data, "text:%s", fnas_test_path(place, "text.pairs"));
    snprintf(folder, sizeof folder, "%s", fnas_test_path(place, "run"));
    fnas_search_options options = {.space = TEST_TRANSLATING_SPACE,
                                   .data = data,
                                   .run = folder,
                                   .device_count = 2,
                                   .devices = (const char *const *)devices,
                                   .preset = "quick",
                                   .steps = steps,
                                   .seed = 5};
    test_check(place, fnas_search_run(place->context, &options));
    test_check(place, fnas_run_open(place->context, folder, &run));
    for (int i = 0; i < 2; i++) fnas_free(devices[i]);
    return run;
}
