/* OFA's latency tables: read, written, the same bytes again; what is no such table is refused with its line. */
#include "base/support.h"

#include <sys/wait.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "export/ofa_table.h"

#define KEY "expanded_conv-input:7x7x192-output:7x7x320-expand:6-kernel:5-stride:1-idskip:0"
#define FIELDS "  count: 61\n  mean: 3.86\n  std: 0.05\n"

static const char table_text[] = "Conv-input:224x224x3-output:112x112x24:\n  count: 50\n  mean: 1.5\n  std: 0.0\n" KEY
                                 ":\n  count: 61\n  mean: 0.0001\n  std: 1.0e-05\n"
                                 "expanded_conv-input:112x112x24-output:112x112x24-expand:24-kernel:3-stride:1-idskip:1-se:0-hs:1:\n"
                                 "  count: 1\n  mean: 0.30000000000000004\n  std: 2.0\n"
                                 "Logits-input:1x1x1536-output:1000:\n  count: 7\n  mean: 4.0\n  std: 0.25\n";

static fnas_status parse(fnas_test_place *place, const char *text, fnas_ofa_table *table) {
    return fnas_ofa_table_parse(place->context, "T.yaml", (const unsigned char *)text, strlen(text), table);
}

static void refuse(fnas_test_place *place, const char *text, const char *words) {
    fnas_ofa_table table;
    assert_status(FNAS_ERR_INPUT, parse(place, text, &table));
    assert_null(table.entries);
    assert_message("T.yaml");
    assert_message(words);
}

static void a_table_is_read(void **state) {
    fnas_test_place *place = *state;
    fnas_ofa_table table;
    assert_status(FNAS_OK, parse(place, table_text, &table));
    assert_int_equal(table.count, 4);
    const fnas_ofa_entry *entry = &table.entries[1];
    static const int64_t input[3] = {7, 7, 192}, output[3] = {7, 7, 320};
    assert_string_equal(entry->block.type, "expanded_conv");
    assert_memory_equal(entry->block.input, input, sizeof input);
    assert_memory_equal(entry->block.output, output, sizeof output);
    assert_int_equal(entry->block.output_rank, 3);
    assert_int_equal(entry->block.expand, 6);
    assert_int_equal(entry->block.kernel, 5);
    assert_int_equal(entry->block.stride, 1);
    assert_int_equal(entry->block.skip, 0);
    assert_int_equal(entry->block.squeeze, -1);
    assert_int_equal(entry->count, 61);
    assert_true(entry->mean_ms == 0.0001 && entry->std_ms == 1e-5);
    assert_int_equal(table.entries[2].block.hard_swish, 1);
    assert_int_equal(table.entries[2].block.squeeze, 0);
    assert_true(table.entries[2].mean_ms == 0.30000000000000004);
    assert_int_equal(table.entries[3].block.output_rank, 1);
    assert_int_equal(table.entries[3].block.output[0], 1000);

    fnas_ofa_block block;
    assert_status(FNAS_OK, fnas_ofa_block_parse(place->context, "here", KEY, &block));
    assert_ptr_equal(fnas_ofa_table_find(&table, &block), &table.entries[1]);
    block.kernel = 7;
    assert_null(fnas_ofa_table_find(&table, &block));
    fnas_ofa_table_free(&table);
}

static void what_is_written_reads_the_same(void **state) {
    fnas_test_place *place = *state;
    fnas_ofa_table table;
    unsigned char *bytes;
    size_t size;
    const char *path = fnas_test_path(place, "224_lookup_table.yaml");
    assert_status(FNAS_OK, parse(place, table_text, &table));
    for (int round = 0; round < 2; round++) {
        assert_status(FNAS_OK, fnas_ofa_table_write(place->context, path, &table));
        fnas_ofa_table_free(&table);
        assert_status(FNAS_OK, fnas_file_read(place->context, path, 1 << 20, &bytes, &size));
        assert_string_equal((const char *)bytes, table_text);
        fnas_free(bytes);
        assert_status(FNAS_OK, fnas_ofa_table_read(place->context, path, &table));
    }

    table.entries[2].mean_ms = -1;
    assert_status(FNAS_ERR_INPUT, fnas_ofa_table_write(place->context, path, &table));
    assert_message("mean -1");
    table.entries[2] = table.entries[1];
    assert_status(FNAS_ERR_INPUT, fnas_ofa_table_write(place->context, path, &table));
    assert_message("entries 1 and 2 are the same block");
    table.entries[2].block.kernel = 0;
    assert_status(FNAS_ERR_INPUT, fnas_ofa_table_write(place->context, path, &table));
    assert_message("is no block");
    fnas_ofa_table_free(&table);
    assert_status(FNAS_ERR_INPUT, fnas_ofa_table_write(place->context, path, &table));
    assert_message("0 blocks");
}

/* Other writers' forms of the same: flow style, quoted keys, another order, comments. */
static void other_forms_are_read(void **state) {
    fnas_test_place *place = *state;
    fnas_ofa_table table;
    assert_status(FNAS_OK, parse(place, "# a comment\n---\n\"" KEY "\": {std: 0, mean: 2e-3, count: 3}\n...\n", &table));
    assert_int_equal(table.count, 1);
    assert_true(table.entries[0].mean_ms == 0.002 && table.entries[0].count == 3);
    fnas_ofa_table_free(&table);
}

static void wrong_tables_are_refused(void **state) {
    fnas_test_place *place = *state;
    static const char *const wrong[][2] = {
        {"", "empty"},
        {"{}", "the table is empty"},
        {"- 1\n", "T.yaml:1: a sequence"},
        {"text\n", "T.yaml:1: a latency table maps blocks"},
        {KEY ": 3\n", "T.yaml:1: count, mean and std are missing"},
        {KEY ":\n" FIELDS KEY ":\n" FIELDS, "T.yaml:5: " KEY " stands already in line 1"},
        {KEY ":\n  count: 1\n  count: 1\n", "T.yaml:3: \"count\" is given twice"},
        {KEY ":\n  count: 1\n  mean: 1\n", "has no \"std\""},
        {KEY ":\n" FIELDS "  median: 3\n", "T.yaml:5: unknown field \"median\""},
        {KEY ":\n  mean: -3\n", "T.yaml:2: \"mean\" is -3, a latency is above 0"},
        {KEY ":\n  mean: 0\n", "T.yaml:2: \"mean\" is 0, a latency is above 0"},
        {KEY ":\n  mean: .nan\n", "T.yaml:2: \"mean\" is \".nan\", it must be a finite number"},
        {KEY ":\n  mean: .inf\n", "it must be a finite number"},
        {KEY ":\n  mean: '3'\n", "it must be a finite number"},
        {KEY ":\n  mean:\n", "\"mean\" is \"\""},
        {KEY ":\n  mean: [3]\n", "T.yaml:2: a sequence"},
        {KEY ":\n  mean: {a: 3}\n", "a number is missing"},
        {KEY ":\n  count: 1.5\n", "\"count\" is 1.5, a number of measurements is whole"},
        {KEY ":\n  count: 0\n", "\"count\" is 0"},
        {KEY ":\n  std: -1\n", "\"std\" is -1, a standard deviation"},
        {KEY ": &a\n" FIELDS, "T.yaml:1: an anchor (&name): refused"},
        {KEY ":\n  mean: &a 3\n", "T.yaml:2: an anchor (&name): refused"},
        {KEY ":\n  mean: *a\n", "T.yaml:2: an alias (*name): refused"},
        {KEY ":\n  <<: *a\n", "T.yaml:2: "},
        {KEY ":\n  mean: !!python/object/apply:os.system [id]\n", "T.yaml:2: "},
        {KEY ":\n  mean: !!float 3\n", "T.yaml:2: a tag (!name): refused"},
        {"? {a: 1}\n: 3\n", "T.yaml:1: the key of a block is missing"},
        {KEY ":\n" FIELDS "---\n" KEY ":\n" FIELDS, "a second document"},
        {KEY ":\n  mean: 'a\n", "T.yaml:"},
        {KEY ":\n\tmean: 3\n", "T.yaml:2: "},
        {"Conv:\n" FIELDS, "T.yaml:1: \"Conv\" is no block"},
        {"Conv-input:224x224-output:112x112x24:\n" FIELDS, "is no block"},
        {"Conv-input:224x224x3-output:112x112:\n" FIELDS, "is no block"},
        {"Conv-input:0224x224x3-output:112x112x24:\n" FIELDS, "is no block"},
        {"Conv-input:0x224x3-output:112x112x24:\n" FIELDS, "is no block"},
        {"Conv-input:99999999x224x3-output:112x112x24:\n" FIELDS, "is no block"},
        {"Conv-input:224x224x3-output:112x112x24-expand:6:\n" FIELDS, "is no block"},
        {"expanded_conv-input:7x7x192-output:7x7x320:\n" FIELDS, "is no block"},
        {"expanded_conv-input:7x7x192-output:7x7x320-expand:6-kernel:5-stride:1-idskip:2:\n" FIELDS, "is no block"},
        {KEY "-se:0:\n" FIELDS, "is no block"},
        {KEY "-hs:0-se:0:\n" FIELDS, "is no block"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) refuse(place, wrong[i][0], wrong[i][1]);
}

/* What is cut off at any byte is refused or a whole table: never one with a field less. */
static void what_is_cut_off_is_no_wrong_table(void **state) {
    fnas_test_place *place = *state;
    int refused = 0;
    for (size_t size = 0; size < strlen(table_text); size++) {
        fnas_ofa_table table;
        fnas_status status = fnas_ofa_table_parse(place->context, "T.yaml", (const unsigned char *)table_text, size, &table);
        if (status == FNAS_OK)
            for (int64_t i = 0; i < table.count; i++) assert_true(table.entries[i].count >= 1 && table.entries[i].mean_ms > 0);
        else
            refused += status == FNAS_ERR_INPUT;
        fnas_ofa_table_free(&table);
    }
    assert_true(refused > (int)strlen(table_text) / 2);
}

/* Debian's python3-yaml, with which OFA reads its tables, as an oracle: it must find the same numbers in what we write. */
static void python_reads_what_we_write(void **state) {
    fnas_test_place *place = *state;
    static const char script[] =
        "import sys\n"
        "try:\n    import yaml\nexcept ImportError:\n    sys.exit(77)\n"
        "table = yaml.safe_load(open(sys.argv[1] + '/ours.yaml'))\n"
        "assert len(table) == 4\n"
        "block = table['" KEY "']\n"
        "assert block == {'count': 61, 'mean': 0.0001, 'std': 1e-05}, block\n"
        "assert all(type(b['mean']) is float and type(b['std']) is float and type(b['count']) is int for b in table.values()), table\n"
        "yaml.safe_dump(table, open(sys.argv[1] + '/theirs.yaml', 'w'), sort_keys=False)\n";
    fnas_ofa_table table;
    assert_status(FNAS_OK, parse(place, table_text, &table));
    assert_status(FNAS_OK, fnas_ofa_table_write(place->context, fnas_test_path(place, "ours.yaml"), &table));
    fnas_ofa_table_free(&table);
    const char *path = fnas_test_write_text(place, "check.py", script);
    char command[400];
    snprintf(command, sizeof command, "/usr/bin/python3 %s %s", path, place->folder);
    int code = system(command);
    if (WIFEXITED(code) && (WEXITSTATUS(code) == 77 || WEXITSTATUS(code) == 127)) {
        print_message("skipped: python3-yaml is not installed\n");
        skip();
    }
    assert_int_equal(code, 0);
    unsigned char *bytes;
    size_t size;
    assert_status(FNAS_OK, fnas_ofa_table_read(place->context, fnas_test_path(place, "theirs.yaml"), &table));
    assert_status(FNAS_OK, fnas_ofa_table_write(place->context, fnas_test_path(place, "ours.yaml"), &table));
    assert_status(FNAS_OK, fnas_file_read(place->context, fnas_test_path(place, "ours.yaml"), 1 << 20, &bytes, &size));
    assert_string_equal((const char *)bytes, table_text);
    fnas_free(bytes);
    fnas_ofa_table_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(a_table_is_read),          fnas_test(what_is_written_reads_the_same),    fnas_test(other_forms_are_read),
        fnas_test(wrong_tables_are_refused), fnas_test(what_is_cut_off_is_no_wrong_table), fnas_test(python_reads_what_we_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
