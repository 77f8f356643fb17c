/* Device cards from tables: what is read, and everything wrong refused by file, line and name. */
#include "base/support.h"

#include <math.h>

#include "base/support_pt.h"
#include "base/text.h"
#include "device/card.h"
#include "device/import.h"
#include "device/import_units.h"
#include "fleetnas/device_import.h"
#include "space/arch_table.h"

#define CELLS 25 /* the ten references, then fifteen others */
#define DECISIONS 6

/* The references in front, then random cells that are none of them. */
static char cell[CELLS][FNAS_ARCH_TEXT_BYTES];

static fnas_space *open_space(fnas_test_place *place) {
    fnas_space *space;
    int32_t choices[DECISIONS];
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201", &space));
    int count = 0;
    for (int64_t draw = 0; count < CELLS; draw++) {
        if (count < 10)
            fnas_space_reference(space, count, choices);
        else
            fnas_space_random(space, 3, draw, choices);
        assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, cell[count], sizeof cell[count]));
        bool is_new = true;
        for (int k = 0; k < count; k++) is_new &= strcmp(cell[k], cell[count]) != 0;
        count += is_new;
    }
    return space;
}

static double latency_of(int arch) {
    return 1.25 + 0.5 * arch;
}

/* CELLS rows "arch,phone,board_ms,energy_mj"; row `spoilt` (-1: none) has these cells behind its arch. */
static const char *write_table(fnas_test_place *place, const char *name, const char *header, int spoilt, const char *cells) {
    fnas_text text = {0};
    fnas_text_append(&text, "%s\n", header);
    for (int i = 0; i < CELLS; i++) {
        if (i == spoilt)
            fnas_text_append(&text, "%s%s\n", cells[0] == '!' ? "" : cell[i], cells[0] == '!' ? cells + 1 : cells);
        else
            fnas_text_append(&text, "%s,%.17g,%.17g,%d\n", cell[i], latency_of(i), 2 * latency_of(i), i + 1);
    }
    const char *path = fnas_test_write_text(place, name, text.data);
    fnas_text_free(&text);
    return path;
}

#define HEADER "arch,phone,board_ms,energy_mj"

static fnas_status import_one(fnas_test_place *place, const fnas_space *space, const char *table, const char *archs,
                              const fnas_import_device *device, fnas_card **card) {
    fnas_import *import;
    *card = NULL;
    fnas_status status = fnas_import_open_csv(place->context, space, 1, &table, archs, &import);
    if (status == FNAS_OK) status = fnas_import_card(place->context, import, device, card);
    fnas_import_free(import);
    return status;
}

/* Importing this column is refused, and the message says these words. */
static void refuse(fnas_test_place *place, const fnas_space *space, const char *table, const char *archs, const char *column,
                   const char *words) {
    fnas_card *card;
    const fnas_import_device device = {.latency_column = column};
    assert_status(FNAS_ERR_INPUT, import_one(place, space, table, archs, &device, &card));
    assert_null(card);
    assert_message(words);
}

static void tables_become_cards(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    fnas_card *card;
    const char *table = write_table(place, "T.csv", HEADER, -1, "");
    fnas_import_device device = {.latency_column = "board_ms", .energy_column = "energy_mj", .runtime = "tflite", .batch = 8, .threads = 4};
    assert_status(FNAS_OK, import_one(place, space, table, NULL, &device, &card));
    fnas_card_view view = fnas_card_get(card);
    assert_string_equal(view.name, "board");
    assert_string_equal(view.statistic, "imported");
    assert_string_equal(view.runtime, "tflite");
    assert_string_equal(view.processor, "unknown");
    assert_int_equal(view.batch, 8);
    assert_int_equal(view.threads, 4);
    assert_int_equal(view.measurement_count, CELLS);
    for (int i = 0; i < CELLS; i++) {
        char text[FNAS_ARCH_TEXT_BYTES];
        assert_status(FNAS_OK, fnas_space_format(place->context, space, view.measurement_choices + i * DECISIONS, text, sizeof text));
        assert_string_equal(text, cell[i]);
        assert_true(view.measurement_latency_ms[i] == 2 * latency_of(i) && view.measurement_energy_mj[i] == i + 1);
    }
    for (int i = 0; i < 10; i++) assert_true(view.reference_latency_ms[i] == 2 * latency_of(i) && view.reference_energy_mj[i] == i + 1);
    fnas_card_free(card);

    device = (fnas_import_device){.latency_column = "phone", .name = "my-phone", .reference_only = true};
    assert_status(FNAS_OK, import_one(place, space, table, NULL, &device, &card));
    view = fnas_card_get(card);
    assert_string_equal(view.name, "my-phone");
    assert_int_equal(view.measurement_count, 0);
    assert_null(view.reference_energy_mj);
    assert_true(view.reference_latency_ms[9] == latency_of(9));
    /* It is a card like any other: written and read again. */
    const char *path = fnas_test_path(place, "CARD.json");
    assert_status(FNAS_OK, fnas_card_save(place->context, card, path));
    fnas_card_free(card);
    assert_status(FNAS_OK, fnas_card_load(place->context, path, &card));
    fnas_card_free(card);
    fnas_space_close(space);
}

/* Indices count from anywhere and in any order; two tables are joined by architecture. */
static void indices_are_translated(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    fnas_text archs = {0}, table = {0}, energy = {0};
    fnas_text_append(&archs, "remark,arch_index,arch\n");
    fnas_text_append(&table, "index,phone\n");
    fnas_text_append(&energy, "joule_mj,arch\n");
    for (int i = 0; i < CELLS; i++) {
        fnas_text_append(&archs, "x,%d,%s\n", 1000 - 7 * i, cell[i]);
        fnas_text_append(&table, "%d,%g\n", 1000 - 7 * (CELLS - 1 - i), latency_of(CELLS - 1 - i));
        fnas_text_append(&energy, "%d,%s\n", 3 * i + 1, cell[i]);
    }
    const char *archs_path = fnas_test_write_text(place, "A.csv", archs.data);
    const char *tables[] = {fnas_test_write_text(place, "E.csv", energy.data), fnas_test_write_text(place, "T.csv", table.data)};
    fnas_import *import;
    fnas_card *card;
    assert_status(FNAS_OK, fnas_import_open_csv(place->context, space, 2, tables, archs_path, &import));
    assert_int_equal(fnas_import_arch_count(import), CELLS);
    assert_int_equal(fnas_import_column_count(import), 2);
    assert_string_equal(fnas_import_column(import, 0), "joule_mj");
    assert_string_equal(fnas_import_column(import, 1), "phone");
    assert_null(fnas_import_column(import, 2));
    const fnas_import_device device = {.latency_column = "phone", .energy_column = "joule_mj"};
    assert_status(FNAS_OK, fnas_import_card(place->context, import, &device, &card));
    fnas_card_view view = fnas_card_get(card);
    for (int i = 0; i < 10; i++) assert_true(view.reference_latency_ms[i] == latency_of(i) && view.reference_energy_mj[i] == 3 * i + 1);
    assert_int_equal(view.measurement_count, CELLS);
    fnas_card_free(card);
    fnas_import_free(import);

    assert_status(FNAS_ERR_USAGE, fnas_import_open_csv(place->context, space, 1, &tables[1], NULL, &import));
    assert_message("T.csv has indices and no column \"arch\"");
    assert_status(FNAS_ERR_USAGE, fnas_import_open_csv(place->context, space, 1, &tables[0], archs_path, &import));
    assert_message("A.csv has no use");
    assert_null(import);
    fnas_text_append(&table, "7,3\n");
    refuse(place, space, fnas_test_write_text(place, "T.csv", table.data), archs_path, "phone", "T.csv:27: \"index\" is 7, ");
    fnas_text_append(&archs, "y,1000,%s\n", cell[3]);
    refuse(place, space, fnas_test_write_text(place, "T.csv", table.data), fnas_test_write_text(place, "A.csv", archs.data), "phone",
           "A.csv:27: the architecture or its index 1000 stands already in line 5");
    static const char *const wrong[][2] = {{"arch,arch_index\n|none~0|,1\n", "A.csv:2: "},
                                           {"arch,arch_index\n%s,-1\n", "A.csv:2: the index -1 is out of range"},
                                           {"arch,arch_index\n%s,99999999999\n", "A.csv:2: the index 99999999999 is out of range"},
                                           {"arch,arch_index\n%s,1.5\n", "A.csv:2: \"arch_index\" is \"1.5\", it must be a whole number"},
                                           {"cell,arch_index\n%s,1\n", "A.csv: column \"arch\" is missing"},
                                           {"arch,number\n%s,1\n", "A.csv: column \"arch_index\" is missing"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[512];
        snprintf(text, sizeof text, wrong[i][0], cell[0]);
        refuse(place, space, tables[1], fnas_test_write_text(place, "A.csv", text), "phone", wrong[i][1]);
    }
    fnas_text_free(&archs);
    fnas_text_free(&table);
    fnas_text_free(&energy);
    fnas_space_close(space);
}

/* A table with a column a decision needs neither native strings nor indices. */
static void decisions_tell_the_architecture(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    fnas_text table = {0};
    fnas_text_append(&table, "phone");
    for (int d = DECISIONS; d-- > 0;) fnas_text_append(&table, ",%s", fnas_space_decision_name(space, d));
    fnas_text_append(&table, ",arch_index"); /* means nothing without a table of indices */
    for (int i = 0; i < CELLS; i++) {
        int32_t choices[DECISIONS];
        assert_status(FNAS_OK, fnas_space_parse(place->context, space, cell[i], choices));
        fnas_text_append(&table, "\n%g", latency_of(i));
        for (int d = DECISIONS; d-- > 0;) fnas_text_append(&table, ",%s", fnas_space_choice_name(space, d, choices[d]));
        fnas_text_append(&table, ",7");
    }
    fnas_text_append(&table, "\n");
    const char *path = fnas_test_write_text(place, "T.csv", table.data);
    const fnas_import_device device = {.latency_column = "phone"};
    fnas_card *card;
    assert_status(FNAS_OK, import_one(place, space, path, NULL, &device, &card));
    for (int i = 0; i < 10; i++) assert_true(fnas_card_get(card).reference_latency_ms[i] == latency_of(i));
    fnas_card_free(card);
    fnas_text_append(&table, "3,none,none,none,none,none,nothing,7\n");
    refuse(place, space, fnas_test_write_text(place, "T.csv", table.data), NULL, "phone",
           "T.csv:27: decision 1<-0 has no choice \"nothing\" (its first is \"none\")");
    refuse(place, space, fnas_test_write_text(place, "T.csv", "phone,2<-0\n1,none\n"), NULL, "phone",
           "T.csv:1: no column tells which architecture a row is");
    fnas_text_free(&table);
    fnas_space_close(space);
}

/* An import and a table of errors read the same file, and say the same of it. */
static void imports_and_tables_read_alike(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space;
    static const char described[] =
        "{\"format\": \"fleetnas-space/1\", \"name\": \"s\", \"decisions\": [{\"name\": \"depth\", \"choices\": [\"1\", \"6\"]},"
        "{\"name\": \"first\", \"choices\": [\"conv\", \"pool\"]},"
        "{\"name\": \"second\", \"choices\": [\"conv\", \"pool\"], \"active\": {\"decision\": \"depth\", \"in\": [\"6\"]}}]}";
    assert_status(FNAS_OK, fnas_space_open(place->context, fnas_test_write_text(place, "space.json", described), &space));
    static const struct {
        const char *text, *message; /* NULL: both read the two rows 6/conv/pool and 1/pool/conv */
    } cases[] = {
        {"arch,ms\n6/conv/pool,1\n1/pool/pool,2\n", NULL},
        {"depth,first,second,ms\n6,conv,pool,1\n1,pool,,2\n", NULL},
        {"depth,first,second,ms\n6.0,conv,pool,1\n1e0,pool,conv,2\n", NULL},
        {"arch_index,depth,first,second,ms\n4,6,conv,pool,1\n9,1,pool,pool,2\n", NULL},
        {"index,ms,arch\n4,1,6/conv/pool\n9,2,1/pool/pool\n", NULL},
        {"depth,first,second,ms\n6,conv,,1\n", "T.csv:2: decision second has no choice here, and matters"},
        {"depth,first,second,ms\n,conv,conv,1\n", "T.csv:2: decision depth has no choice here, and matters"},
        {"depth,first,second,ms\n6.5,conv,pool,1\n", "T.csv:2: decision depth has no choice \"6.5\""},
        {"depth,first,ms\n6,conv,1\n", "T.csv:1: no column tells which architecture a row is"},
        {"arch,ms\n", "T.csv: a header and no row"},
        {"arch_index,ms\n1,2\n", "indices and no column \"arch\""},
    };
    const int32_t expected[2][3] = {{1, 0, 1}, {0, 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = fnas_test_write_text(place, "T.csv", cases[i].text);
        fnas_arch_table table = {0};
        fnas_import *import = NULL;
        fnas_status of_table = fnas_arch_table_read(place->context, space, path, &table);
        if (cases[i].message)
            assert_message(cases[i].message);
        else
            assert_memory_equal(table.choices, expected, sizeof expected);
        fnas_status of_import = fnas_import_open_csv(place->context, space, 1, &path, NULL, &import);
        if (cases[i].message)
            assert_message(cases[i].message);
        else
            assert_memory_equal(import->archs.choices, expected, sizeof expected);
        assert_true((of_table == FNAS_OK) == !cases[i].message && (of_import == FNAS_OK) == !cases[i].message);
        fnas_import_free(import);
        fnas_arch_table_free(&table);
    }
    fnas_space_close(space);
}

static void wrong_rows_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    static const char *const wrong[][2] = {
        {",1,2", "T.csv:14: 3 cells, the header has 4"},
        {",1,2,3,4", "T.csv:14: 5 cells, the header has 4"},
        {",-0.5,2,3", "T.csv:14: \"phone\" is -0.5, a latency is finite and above 0"},
        {",0,2,3", "T.csv:14: \"phone\" is 0, a latency is finite and above 0"},
        {",nan,2,3", "T.csv:14: \"phone\" is \"nan\", it must be a finite number"},
        {",inf,2,3", "T.csv:14: \"phone\" is \"inf\", it must be a finite number"},
        {",1e999,2,3", "T.csv:14: \"phone\" is \"1e999\", it must be a finite number"},
        {",,2,3", "T.csv:14: \"phone\" is \"\", it must be a finite number"},
        {",3 ms,2,3", "T.csv:14: \"phone\" is \"3 ms\", it must be a finite number"},
        {"!|skip_conect~0|+|none~0|none~1|+|none~0|none~1|none~2|,1,2,3", "T.csv:14: unknown operation \"skip_conect\""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuse(place, space, write_table(place, "T.csv", HEADER, 12, wrong[i][0]), NULL, "phone", wrong[i][1]);
    char twice[FNAS_ARCH_TEXT_BYTES + 16];
    snprintf(twice, sizeof twice, "!%s,1,2,3", cell[4]);
    refuse(place, space, write_table(place, "T.csv", HEADER, 12, twice), NULL, "phone",
           "T.csv:14: the architecture stands already in line 6");
    fnas_space_close(space);
}

static void wrong_columns_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    const char *table = write_table(place, "T.csv", HEADER, -1, "");
    refuse(place, space, table, NULL, "phon", "column \"phon\" is missing: did you mean \"phone\"?");
    refuse(place, space, table, NULL, "arch", "column \"arch\" is missing");
    refuse(place, space, table, NULL, "energy_mj", "column \"energy_mj\" seems to be in millijoules");
    static const char *const endings[][2] = {{"_us", "microseconds"},   {"_S", "seconds"},  {"_ns", "nanoseconds"},
                                             {" (us)", "microseconds"}, {"[s]", "seconds"}, {"_fps", "images a second"}};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char header[64], column[32];
        snprintf(column, sizeof column, "latency%s", endings[i][0]);
        snprintf(header, sizeof header, "arch,%s,x,y", column);
        refuse(place, space, write_table(place, "U.csv", header, -1, ""), NULL, column, endings[i][1]);
        assert_message("milliseconds are needed");
    }
    refuse(place, space, write_table(place, "U.csv", "arch,phone,phone,y", -1, ""), NULL, "phone", "two columns are named \"phone\"");

    fnas_card *card;
    fnas_import_device device = {.latency_column = "phone", .energy_column = "board_ms"};
    table = write_table(place, "T.csv", HEADER, -1, "");
    assert_status(FNAS_ERR_INPUT, import_one(place, space, table, NULL, &device, &card));
    assert_message("column \"board_ms\" seems to be in milliseconds");
    device.energy_column = "energy_mj";
    assert_status(FNAS_ERR_INPUT, import_one(place, space, write_table(place, "T.csv", HEADER, 12, ",1,2,0"), NULL, &device, &card));
    assert_message("T.csv:14: \"energy_mj\" is 0, an energy is finite and above 0");
    device = (fnas_import_device){.latency_column = "phone", .name = "a/b"};
    assert_status(FNAS_ERR_INPUT, import_one(place, space, table, NULL, &device, &card));
    assert_message("device name \"a/b\"");
    device = (fnas_import_device){.latency_column = "phone", .runtime = "\xff"};
    assert_status(FNAS_ERR_INPUT, import_one(place, space, write_table(place, "T.csv", HEADER, -1, ""), NULL, &device, &card));
    assert_message("valid UTF-8");

    fnas_import *import; /* a column of this name in both */
    const char *two[] = {write_table(place, "T.csv", HEADER, -1, ""), write_table(place, "U.csv", "arch,phone,a,b", -1, "")};
    assert_status(FNAS_OK, fnas_import_open_csv(place->context, space, 2, two, NULL, &import));
    device = (fnas_import_device){.latency_column = "phone"};
    assert_status(FNAS_ERR_INPUT, fnas_import_card(place->context, import, &device, &card));
    assert_message("column \"phone\" is in ");
    fnas_import_free(import);
    fnas_space_close(space);
}

/* What the name of a column says, row by row; only one unit is a latency's, only one an energy's. */
static void units_are_told_by_names(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    static const struct {
        const char *unit, *endings; /* with blanks between */
    } rows[] = {
        {"nanoseconds", "ns nsec nanos nanosecond nanoseconds"},
        {"microseconds", "us \xc2\xb5s \xce\xbcs usec micros microsecond microseconds"},
        {"milliseconds", "ms msec millis millisecond milliseconds"},
        {"seconds", "s sec secs second seconds"},
        {"minutes", "min mins minute minutes"},
        {"hours", "h hr hrs hour hours"},
        {"images a second", "fps"},
        {"hertz", "hz"},
        {"nanojoules", "nj nanojoule nanojoules"},
        {"microjoules", "uj \xc2\xb5j \xce\xbcj microjoule microjoules"},
        {"millijoules", "mj millijoule millijoules"},
        {"joules", "j joule joules"},
        {"kilojoules", "kj kilojoule kilojoules"},
        {"milliwatt-hours", "mwh"},
        {"watt-hours", "wh"},
        {"kilowatt-hours", "kwh"},
        {"milliwatts", "mw milliwatt milliwatts"},
        {"watts", "w watt watts"},
        {"kilowatts", "kw kilowatt kilowatts"},
        {"percent", "pct percent"},
        {"millions", "million millions"},
        {"bytes", "bytes"},
        {"kilobytes", "kb"},
        {"megabytes", "mb"},
        {"gigabytes", "gb"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char endings[128], *rest = NULL;
        snprintf(endings, sizeof endings, "%s", rows[i].endings);
        for (char *word = strtok_r(endings, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
            char column[64], header[96], refused[64];
            fnas_card *card;
            snprintf(column, sizeof column, "phone_%s", word);
            snprintf(header, sizeof header, "arch,%s,other,energy_mj", column);
            snprintf(refused, sizeof refused, "seems to be in %s", rows[i].unit);
            const char *table = write_table(place, "U.csv", header, -1, "");
            const fnas_import_device as_latency = {.name = "d", .latency_column = column},
                                     as_energy = {.name = "d", .latency_column = "other", .energy_column = column};
            bool is_latency = strcmp(rows[i].unit, "milliseconds") == 0, is_energy = strcmp(rows[i].unit, "millijoules") == 0;
            fnas_status status = import_one(place, space, table, NULL, &as_latency, &card);
            if ((status == FNAS_OK) != is_latency) fail_msg("a latency named %s: status %d", column, (int)status);
            if (!is_latency) assert_message(refused);
            fnas_card_free(card);
            status = import_one(place, space, table, NULL, &as_energy, &card);
            if ((status == FNAS_OK) != is_energy) fail_msg("an energy named %s: status %d", column, (int)status);
            if (!is_energy) assert_message(refused);
            fnas_card_free(card);
        }
    }
    const char *ending;
    static const char *const silent[] = {"phone", "ms", "pixel3_256", "atoms", "jetson-nano", "params", "batch_1h2"};
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) assert_null(fnas_import_unit(silent[i], &ending));
    assert_int_equal(fnas_import_name_bytes("pi5_latency_ms"), 3);
    assert_int_equal(fnas_import_name_bytes("pixel3_256_ms"), 10);
    assert_int_equal(fnas_import_name_bytes("gpu (ms)"), 4);
    assert_int_equal(fnas_import_name_bytes("phone"), 5);
    fnas_space_close(space);
}

/* Allocation number `json_left` of jansson's fails, and none before or behind it. */
static long json_left;
static void *json_failing(size_t bytes) {
    return json_left-- == 0 ? NULL : malloc(bytes);
}

/* Wherever memory ends, a card is whole or there is none. */
static void a_card_is_whole_or_none(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    const char *table = write_table(place, "T.csv", HEADER, -1, "");
    fnas_import *import;
    assert_status(FNAS_OK, fnas_import_open_csv(place->context, space, 1, &table, NULL, &import));
    const fnas_import_device device = {.latency_column = "phone", .energy_column = "energy_mj"};
    char *whole = NULL;
    const char *path = fnas_test_path(place, "CARD.json");
    json_t *kept;
    for (long at = -1, failures = 0;; at++) { /* -1: no failure */
        fnas_card *card;
        json_left = at;
        json_set_alloc_funcs(json_failing, free);
        fnas_status status = fnas_import_card(place->context, import, &device, &card);
        bool reached = json_left < 0;
        json_set_alloc_funcs(malloc, free);
        if (status != FNAS_OK) {
            assert_null(card);
            failures++;
            continue;
        }
        assert_int_equal(fnas_card_get(card).measurement_count, CELLS);
        assert_non_null(fnas_card_get(card).reference_energy_mj);
        assert_status(FNAS_OK, fnas_card_save(place->context, card, path));
        fnas_card_free(card);
        kept = json_load_file(path, 0, NULL);
        assert_int_equal(json_object_del(kept, "date"), 0);
        char *text = json_dumps(kept, 0);
        json_decref(kept);
        if (whole) assert_string_equal(text, whole);
        if (whole)
            free(text);
        else
            whole = text;
        if (at >= 0 && !reached) {
            assert_true(failures > 100);
            break;
        }
    }
    free(whole);
    fnas_import_free(import);

    /* A column's name that is not UTF-8 cannot stand in the protocol. */
    const fnas_import_device other = {.latency_column = "phone", .energy_column = "\xff_mj"};
    fnas_card *card;
    assert_status(FNAS_ERR_INPUT,
                  import_one(place, space, write_table(place, "T.csv", "arch,phone,board,\xff_mj", -1, ""), NULL, &other, &card));
    fnas_space_close(space);
}

static void missing_rows_are_named(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    fnas_text text = {0}, energy = {0};
    fnas_text_append(&text, "arch,phone\n");
    fnas_text_append(&energy, "arch,e_mj\n");
    for (int i = 0; i < 11; i++) {
        if (i != 9) fnas_text_append(&text, "%s,%d\n", cell[i], i + 1);
        if (i != 10) fnas_text_append(&energy, "%s,%d\n", cell[i], i + 1);
    }
    const char *table = fnas_test_write_text(place, "T.csv", text.data);
    refuse(place, space, table, NULL, "phone", "T.csv has no row for the reference architecture |nor_conv_3x3~0|+|nor_conv_3x3~0|");
    fnas_text_append(&text, "%s,8\n", cell[9]);
    const char *tables[] = {fnas_test_write_text(place, "T.csv", text.data), fnas_test_write_text(place, "E.csv", energy.data)};
    fnas_import *import;
    fnas_card *card;
    const fnas_import_device device = {.latency_column = "phone", .energy_column = "e_mj"};
    assert_status(FNAS_OK, fnas_import_open_csv(place->context, space, 2, tables, NULL, &import));
    assert_status(FNAS_ERR_INPUT, fnas_import_card(place->context, import, &device, &card));
    assert_message("E.csv has no row for ");
    fnas_import_free(import);

    fnas_text references = {0}; /* ten others that the table has */
    fnas_text_append(&references, "{\"reference_archs\": [");
    for (int i = 1; i < 11; i++) fnas_text_append(&references, "%s\"%s\"", i > 1 ? ", " : "", cell[i]);
    fnas_text_append(&references, "]}");
    const fnas_import_device other = {.latency_column = "phone", .references = fnas_test_write_text(place, "R.json", references.data)};
    assert_status(FNAS_OK, import_one(place, space, tables[0], NULL, &other, &card));
    assert_true(fnas_card_get(card).reference_latency_ms[0] == 2 && fnas_card_get(card).reference_latency_ms[9] == 11);
    fnas_card_free(card);
    fnas_text_free(&references);
    fnas_text_free(&text);
    fnas_text_free(&energy);
    fnas_space_close(space);
}

/* ---- HELP ---- */

static const char *write_pt(fnas_test_place *place, const char *name, const bytes_buffer *pickle) {
    bytes_buffer archive = {0};
    zip_pt(&archive, pickle);
    const char *path = fnas_test_write(place, name, archive.data, archive.size);
    bytes_free(&archive);
    return path;
}

/* Architecture i has index CELLS - 1 - i; `count` of them are in the map. */
static const char *write_map(fnas_test_place *place, const char *name, int count, int repeated) {
    bytes_buffer pickle = {0};
    pickle_begin(&pickle, '}');
    bytes_add(&pickle, "(", 1);
    for (int i = 0; i < count; i++) {
        pickle_text(&pickle, cell[i]);
        pickle_integer(&pickle, i == repeated ? 0 : CELLS - 1 - i);
    }
    bytes_add(&pickle, "u.", 2);
    const char *path = write_pt(place, name, &pickle);
    bytes_free(&pickle);
    return path;
}

static const char *write_list(fnas_test_place *place, const char *name, int count, int spoilt, double value) {
    double values[CELLS + 1];
    bytes_buffer pickle = {0};
    for (int i = 0; i < count; i++) values[i] = i == spoilt ? value : latency_of(CELLS - 1 - i);
    pickle_list(&pickle, values, (size_t)count, 1);
    const char *path = write_pt(place, name, &pickle);
    bytes_free(&pickle);
    return path;
}

static void help_files_become_cards(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    const char *map = write_map(place, "map.pt", CELLS, -1);
    const char *files[] = {write_list(place, "pixel3.pt", CELLS, -1, 0), write_list(place, "gold.v2.pt", CELLS, 3, 40)};
    fnas_import *import;
    fnas_card *card;
    assert_status(FNAS_OK, fnas_import_open_help(place->context, space, 2, files, map, &import));
    assert_int_equal(fnas_import_column_count(import), 2);
    assert_string_equal(fnas_import_column(import, 1), "gold.v2");
    fnas_import_device device = {.latency_column = "pixel3"};
    assert_status(FNAS_OK, fnas_import_card(place->context, import, &device, &card));
    fnas_card_view view = fnas_card_get(card);
    assert_string_equal(view.name, "pixel3");
    assert_int_equal(view.measurement_count, CELLS);
    for (int i = 0; i < 10; i++) assert_true(view.reference_latency_ms[i] == latency_of(i));
    fnas_card_free(card);
    device.latency_column = "gold.v2";
    assert_status(FNAS_OK, fnas_import_card(place->context, import, &device, &card));
    assert_true(fnas_card_get(card).measurement_latency_ms[3] == 40);
    fnas_card_free(card);
    fnas_import_free(import);
    fnas_space_close(space);
}

static void refuse_help(fnas_test_place *place, const fnas_space *space, const char *file, const char *map, const char *words) {
    fnas_import *import;
    fnas_card *card = NULL;
    const fnas_import_device device = {.latency_column = "pixel3"};
    fnas_status status = fnas_import_open_help(place->context, space, 1, &file, map, &import);
    if (status == FNAS_OK) status = fnas_import_card(place->context, import, &device, &card);
    fnas_import_free(import);
    assert_int_equal(status, FNAS_ERR_INPUT);
    assert_null(card);
    assert_message(words);
}

static void wrong_help_files_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    const char *map = write_map(place, "map.pt", CELLS, -1), *good = write_list(place, "pixel3.pt", CELLS, -1, 0);
    refuse_help(place, space, good, write_map(place, "short.pt", CELLS - 1, -1), "no architecture has the index 0");
    refuse_help(place, space, good, write_map(place, "twice.pt", CELLS, 5), "twice.pt: entry 24: the architecture or its index 0");
    map = write_map(place, "map.pt", CELLS, -1);
    refuse_help(place, space, write_list(place, "pixel3.pt", CELLS - 1, -1, 0), map, "pixel3.pt holds 24 numbers");
    refuse_help(place, space, write_list(place, "pixel3.pt", CELLS, 7, -3), map, "pixel3.pt: entry 7 is -3, a latency");
    refuse_help(place, space, write_list(place, "pixel3.pt", CELLS, 7, 0), map, "pixel3.pt: entry 7 is 0, a latency");
    refuse_help(place, space, map, map, "holds a dictionary, latencies are a list");
    map = write_map(place, "map.pt", CELLS, -1);
    good = write_list(place, "pixel3.pt", CELLS, -1, 0);
    refuse_help(place, space, good, good, "holds a list, an index map is a dictionary");
    bytes_buffer pickle = {0};
    pickle_begin(&pickle, ']');
    bytes_add(&pickle, "cos\nsystem\n.", 12);
    refuse_help(place, space, write_pt(place, "pixel3.pt", &pickle), map, "data.pkl: byte 5: opcode GLOBAL is refused");
    bytes_free(&pickle);
    fnas_import *import;
    char other[200];
    snprintf(other, sizeof other, "%s/./pixel3.pt", place->folder);
    const char *same[] = {write_list(place, "pixel3.pt", CELLS, -1, 0), other};
    assert_status(FNAS_ERR_INPUT, fnas_import_open_help(place->context, space, 2, same, map, &import));
    assert_message("would be the same device");
    fnas_space_close(space);
}

/* ---- HAT ---- */

/* HAT's columns over a space whose decisions they are: here, cells instead of averages. The rows of two devices, the second's from the
 * back. */
static const char *write_hat(fnas_test_place *place, const fnas_space *space, const char *name, bool with_devices, int spoilt,
                             const char *latencies) {
    fnas_text text = {0};
    fnas_text_append(&text, with_devices ? "task,device" : "remark");
    for (int d = 0; d < DECISIONS; d++) fnas_text_append(&text, ",%s", fnas_space_decision_name(space, d));
    fnas_text_append(&text, ",latency_mean_encoder,latency_mean_decoder,latency_std_encoder,latency_std_decoder\n");
    for (int row = 0; row < (with_devices ? 2 : 1) * CELLS; row++) {
        int arch = row < CELLS ? row : 2 * CELLS - 1 - row;
        int32_t choices[DECISIONS];
        fnas_text_append(&text, with_devices ? "%s,%s" : "x", row == spoilt && !strcmp(latencies, "task") ? "fr" : "de",
                         row < CELLS ? "xeon" : "pi");
        assert_status(FNAS_OK, fnas_space_parse(place->context, space, cell[row == spoilt && !strcmp(latencies, "again") ? arch - 1 : arch],
                                                choices));
        for (int d = 0; d < DECISIONS; d++) fnas_text_append(&text, ",%s", fnas_space_choice_name(space, d, choices[d]));
        if (row == spoilt && *latencies == ',')
            fnas_text_append(&text, "%s\n", latencies);
        else
            fnas_text_append(&text, ",%g,%g,0.5,0\n", latency_of(arch), row < CELLS ? 1.0 : 100.0);
    }
    const char *path = fnas_test_write_text(place, name, text.data);
    fnas_text_free(&text);
    return path;
}

static void hat_tables_become_cards(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    fnas_import *import;
    fnas_card *card;
    const char *path = write_hat(place, space, "lat.csv", true, -1, "");
    assert_status(FNAS_OK, fnas_import_open_hat(place->context, space, 1, &path, &import));
    assert_int_equal(fnas_import_column_count(import), 2);
    assert_string_equal(fnas_import_column(import, 1), "pi");
    assert_int_equal(fnas_import_arch_count(import), CELLS);
    fnas_import_device device = {.latency_column = "pi"};
    assert_status(FNAS_OK, fnas_import_card(place->context, import, &device, &card));
    fnas_card_view view = fnas_card_get(card);
    assert_int_equal(view.measurement_count, CELLS);
    for (int i = 0; i < 10; i++) assert_true(view.reference_latency_ms[i] == latency_of(i) + 100);
    fnas_card_free(card);

    device.references_from_table = true; /* 25 rows: every second */
    assert_status(FNAS_OK, fnas_import_card(place->context, import, &device, &card));
    for (int i = 0; i < 10; i++) assert_true(fnas_card_get(card).reference_latency_ms[i] == latency_of(2 * i) + 100);
    fnas_card_free(card);
    device.references = path;
    assert_status(FNAS_ERR_USAGE, fnas_import_card(place->context, import, &device, &card));
    fnas_import_free(import);

    path = write_hat(place, space, "wmt14ende.cpu_xeon.csv", false, -1, ""); /* as HAT's own script writes it */
    assert_status(FNAS_OK, fnas_import_open_hat(place->context, space, 1, &path, &import));
    assert_int_equal(fnas_import_column_count(import), 1);
    assert_string_equal(fnas_import_column(import, 0), "wmt14ende.cpu_xeon");
    fnas_import_free(import);
    fnas_space_close(space);
}

static void wrong_hat_tables_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place);
    fnas_import *import;
    static const char *const wrong[][2] = {
        {",-1,2,0,0", "lat.csv:9: \"latency_mean_encoder\" is -1, a latency is finite and above 0"},
        {",1,0,0,0", "lat.csv:9: \"latency_mean_decoder\" is 0, a latency"},
        {",1,nan,0,0", "lat.csv:9: \"latency_mean_decoder\" is \"nan\", it must be a finite number"},
        {",1,2,-3,0", "lat.csv:9: \"latency_std_encoder\" is -3, a standard deviation is not negative"},
        {",1,2,0", "lat.csv:9: 11 cells, the header has 12"},
        {"again", "lat.csv:9: the same features stand already in row 7 of xeon"},
        {"task", "lat.csv:9: the task is \"fr\", in line 2 it is \"de\""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *path = write_hat(place, space, "lat.csv", true, 7, wrong[i][0]);
        assert_status(FNAS_ERR_INPUT, fnas_import_open_hat(place->context, space, 1, &path, &import));
        assert_message(wrong[i][1]);
        assert_null(import);
    }
    static const char *const headers[][2] = {
        {"encoder_embed_dim,latency_mean_encoder,latency_mean_decoder\n512,1,2\n", "no column \"1<-0\""},
        {"encoder_embed_dim,latency_mean_encoder\n512,1\n", "\"latency_mean_decoder\" is missing"}};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const char *path = fnas_test_write_text(place, "lat.csv", headers[i][0]);
        assert_status(FNAS_ERR_INPUT, fnas_import_open_hat(place->context, space, 1, &path, &import));
        assert_message(headers[i][1]);
    }
    const char *two[] = {write_hat(place, space, "a.csv", true, -1, ""), write_hat(place, space, "b.csv", true, -1, "")};
    assert_status(FNAS_ERR_INPUT, fnas_import_open_hat(place->context, space, 2, two, &import));
    assert_message("b.csv:2: the device xeon is in ");
    fnas_space_close(space);
}

/* All 19 devices of the paper from the shared tables: the embedding of one, and that a card's measurements are the table. */
static void shared_tables_are_read(void **state) {
    fnas_test_place *place = *state;
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    if (!folder) {
        print_message("skipped: FLEETNAS_TEST_DATA does not name the folder of the shared tables\n");
        skip();
    }
    char table[512], archs[512];
    snprintf(table, sizeof table, "%s/nb201/latency_ms.csv", folder);
    snprintf(archs, sizeof archs, "%s/nb201/architectures.csv", folder);
    const char *tables[] = {table};
    fnas_space *space = open_space(place);
    fnas_import *import;
    fnas_card *card;
    assert_status(FNAS_OK, fnas_import_open_csv(place->context, space, 1, tables, archs, &import));
    assert_int_equal(fnas_import_column_count(import), 19);
    assert_int_equal(fnas_import_arch_count(import), 15625);
    const fnas_import_device device = {.latency_column = "1080ti_1"};
    assert_status(FNAS_OK, fnas_import_card(place->context, import, &device, &card));
    fnas_card_view view = fnas_card_get(card);
    assert_int_equal(view.measurement_count, 15625);
    assert_true(view.measurement_latency_ms[0] == 10.7544 && view.measurement_latency_ms[1] == 12.9003); /* its first rows */
    fnas_card_free(card);
    fnas_import_free(import);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(tables_become_cards),           fnas_test(indices_are_translated),       fnas_test(decisions_tell_the_architecture),
        fnas_test(imports_and_tables_read_alike), fnas_test(wrong_rows_are_refused),       fnas_test(wrong_columns_are_refused),
        fnas_test(missing_rows_are_named),        fnas_test(units_are_told_by_names),      fnas_test(a_card_is_whole_or_none),
        fnas_test(help_files_become_cards),       fnas_test(wrong_help_files_are_refused), fnas_test(hat_tables_become_cards),
        fnas_test(wrong_hat_tables_are_refused),  fnas_test(shared_tables_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
