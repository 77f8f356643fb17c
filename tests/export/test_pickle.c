/* The restricted reader of .pt files: what torch.save writes of lists and dictionaries is read, all else is refused by name and place. */
#include "base/support.h"

#include <math.h>
#include <sys/wait.h>

#include "base/random.h"
#include "base/support_pt.h"
#include "export/pickle.h"
#include "export/zip.h"

static fnas_status read_bytes(fnas_test_place *place, const bytes_buffer *buffer, fnas_pickle *pickle) {
    return fnas_pickle_read(place->context, "A.pt: data.pkl", buffer->data, buffer->size, pickle);
}

/* These bytes behind "PROTO 2" are refused with these words. */
static void refuse_bytes(fnas_test_place *place, const char *bytes, size_t size, const char *words) {
    bytes_buffer buffer = {0};
    fnas_pickle pickle;
    bytes_add(&buffer, "\x80\x02", 2);
    bytes_add(&buffer, bytes, size);
    assert_status(FNAS_ERR_INPUT, read_bytes(place, &buffer, &pickle));
    assert_message("A.pt: data.pkl: ");
    assert_message(words);
    assert_null(pickle.numbers);
    bytes_free(&buffer);
}

#define REFUSE(bytes, words) refuse_bytes(place, bytes, sizeof(bytes) - 1, words)

static void lists_are_read(void **state) {
    fnas_test_place *place = *state;
    static const double values[] = {1.5, 2, 255, 256, 65535, 65536, -1, 2147483647, -2147483648.0, 1e-300, -0.25};
    enum { COUNT = sizeof values / sizeof *values };
    for (int integers = 0; integers < 2; integers++) {
        bytes_buffer buffer = {0};
        fnas_pickle pickle;
        pickle_list(&buffer, values, COUNT, integers);
        assert_status(FNAS_OK, read_bytes(place, &buffer, &pickle));
        assert_false(pickle.is_map);
        assert_null(pickle.keys);
        assert_int_equal(pickle.count, COUNT);
        for (int i = 0; i < COUNT; i++) {
            assert_true(pickle.numbers[i] == values[i]);
            assert_int_equal(pickle.is_integer[i], integers && values[i] == floor(values[i]));
        }
        fnas_pickle_free(&pickle);
        bytes_free(&buffer);
    }
}

static void long_lists_come_in_batches(void **state) {
    fnas_test_place *place = *state;
    static double values[15625];
    static const size_t counts[] = {0, 1, 999, 1000, 1001, 2001, 15625};
    for (int i = 0; i < 15625; i++) values[i] = 0.25 + i;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        bytes_buffer buffer = {0};
        fnas_pickle pickle;
        pickle_list(&buffer, values, counts[k], 1);
        assert_status(FNAS_OK, read_bytes(place, &buffer, &pickle));
        assert_int_equal(pickle.count, counts[k]);
        if (counts[k]) assert_memory_equal(pickle.numbers, values, counts[k] * sizeof *values);
        fnas_pickle_free(&pickle);
        bytes_free(&buffer);
    }
}

static void maps_are_read(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer buffer = {0};
    fnas_pickle pickle;
    pickle_begin(&buffer, '}');
    pickle_text(&buffer, "one"); /* alone: SETITEM */
    bytes_add(&buffer, "q\x01", 2);
    pickle_integer(&buffer, 1);
    bytes_add(&buffer, "s(", 2);
    pickle_text(&buffer, "|none~0|");
    bytes_add(&buffer, "r\x00\x01\x00\x00", 5);
    pickle_integer(&buffer, 70000);
    pickle_text(&buffer, "");
    pickle_float(&buffer, 0.5);
    bytes_add(&buffer, "u.", 2);
    assert_status(FNAS_OK, read_bytes(place, &buffer, &pickle));
    assert_true(pickle.is_map);
    assert_int_equal(pickle.count, 3);
    assert_string_equal(pickle.keys[0], "one");
    assert_string_equal(pickle.keys[1], "|none~0|");
    assert_string_equal(pickle.keys[2], "");
    assert_true(pickle.numbers[0] == 1 && pickle.numbers[1] == 70000 && pickle.numbers[2] == 0.5);
    assert_true(pickle.is_integer[1] && !pickle.is_integer[2]);
    fnas_pickle_free(&pickle);
    bytes_free(&buffer);
}

/* Every byte that is not one of the sixteen opcodes is refused, with its position; those that could run code by their names. */
static void other_opcodes_are_refused(void **state) {
    fnas_test_place *place = *state;
    static const unsigned char known[] = "(.GJKMX]}aeqrsu";
    int refused = 0;
    for (int code = 0; code < 256; code++) {
        char bytes[] = {']', 'q', 0, (char)code, 'x', 'x', 'x', 'x', 'x', '.'};
        if (code && strchr((const char *)known, code)) continue;
        refuse_bytes(place, bytes, sizeof bytes, "byte 5: ");
        refused++;
    }
    assert_int_equal(refused, 256 - 15);
    REFUSE("cos\nsystem\n(X\x02\x00\x00\x00idtR.", "byte 2: opcode GLOBAL is refused");
    REFUSE("]\x93.", "byte 3: opcode STACK_GLOBAL is refused");
    REFUSE("](K\x01R.", "byte 6: opcode REDUCE is refused");
    REFUSE("]ios\nsystem\n.", "opcode INST is refused");
    REFUSE("]o.", "opcode OBJ is refused");
    REFUSE("]\x81.", "opcode NEWOBJ is refused");
    REFUSE("]b.", "opcode BUILD is refused");
    REFUSE("]Q.", "opcode BINPERSID is refused");
    REFUSE("]\x82\x01.", "opcode EXT1 is refused");
    REFUSE("]h\x00"
           "a.",
           "opcode BINGET is refused");
    REFUSE("]\x80\x02.", "opcode PROTO is refused");
    REFUSE("]\xff.", "0xff is no opcode");
}

static void wrong_values_are_refused(void **state) {
    fnas_test_place *place = *state;
    REFUSE("]G\x7f\xf8\x00\x00\x00\x00\x00\x00"
           "a.",
           "byte 3: the number is NaN");
    REFUSE("]G\xff\xf0\x00\x00\x00\x00\x00\x00"
           "a.",
           "byte 3: the number is infinite");
    REFUSE("K\x01.", "a value outside of a list");
    REFUSE("](]e.", "byte 4: a list or dictionary inside of another");
    REFUSE("}}.", "a list or dictionary inside of another");
    REFUSE(".", "it holds nothing");
    REFUSE("]K\x01.", "values are left over");
    REFUSE("](.", "values are left over");
    REFUSE("]a.", "do not agree");
    REFUSE("]K\x01K\x02"
           "a.",
           "do not agree");
    REFUSE("](K\x01"
           "a.",
           "do not agree");
    REFUSE("]K\x01"
           "e.",
           "do not agree");
    REFUSE("](K\x01(e.", "a mark where none belongs");
    REFUSE("(]e.", "a mark where none belongs");
    REFUSE("](K\x01u.", "a dictionary that is none");
    REFUSE("}(K\x01"
           "e.",
           "a list that is none");
    REFUSE("}(K\x01K\x02u.", "no text");
    REFUSE("}(X\x01\x00\x00\x00"
           "au.",
           "do not agree");
    REFUSE("}X\x01\x00\x00\x00"
           "aX\x01\x00\x00\x00"
           "bs.",
           "a text where a number must be");
    REFUSE("]X\x01\x00\x00\x00"
           "aa.",
           "a text where a number must be");
    REFUSE("}(X\x02\x00\x00\x00"
           "abK\x01X\x02\x00\x00\x00"
           "abK\x02u.",
           "the key \"ab\" is given twice");
    REFUSE("}X\x02\x00\x00\x00"
           "a\x00K\x01s.",
           "a 0 byte");
    REFUSE("}X\xff\xff\xff\xff"
           "a",
           "keys have at most");
    REFUSE("q\x00]", "nothing is there to be remembered");
    REFUSE("].K\x01", "byte 4: 2 bytes stand behind its end");
    bytes_buffer buffer = {0};
    fnas_pickle pickle;
    bytes_add(&buffer, "\x80\x04]\x94.", 5);
    assert_status(FNAS_ERR_INPUT, read_bytes(place, &buffer, &pickle));
    assert_message("protocol 4, only protocol 2 is read");
    buffer.data[0] = ']';
    assert_status(FNAS_ERR_INPUT, read_bytes(place, &buffer, &pickle));
    assert_message("does not begin with PROTO");
    bytes_free(&buffer);
}

static void make_map(bytes_buffer *buffer) {
    pickle_begin(buffer, '}');
    bytes_add(buffer, "(", 1);
    for (int i = 0; i < 5; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %d", i);
        pickle_text(buffer, key);
        pickle_float(buffer, i + 0.5);
    }
    bytes_add(buffer, "u.", 2);
}

static void what_is_cut_off_is_refused(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer buffer = {0}, archive = {0};
    fnas_pickle pickle;
    make_map(&buffer);
    for (size_t size = 0; size < buffer.size; size++) {
        assert_status(FNAS_ERR_INPUT, fnas_pickle_read(place->context, "A", buffer.data, size, &pickle));
        assert_message("A: byte ");
    }
    zip_pt(&archive, &buffer);
    for (size_t size = 0; size < archive.size; size++) {
        const char *path = fnas_test_write(place, "cut.pt", archive.data, size);
        assert_status(FNAS_ERR_INPUT, fnas_pickle_read_pt(place->context, path, &pickle));
        assert_message("cut.pt: ");
    }
    assert_status(FNAS_OK, fnas_pickle_read_pt(place->context, fnas_test_write(place, "cut.pt", archive.data, archive.size), &pickle));
    assert_int_equal(pickle.count, 5);
    fnas_pickle_free(&pickle);
    bytes_free(&archive);
    bytes_free(&buffer);
}

/* A bit of an archive that flipped is either refused or lies in what does not matter: never another number. */
static void flipped_bits_give_no_other_number(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer buffer = {0}, archive = {0};
    make_map(&buffer);
    zip_pt(&archive, &buffer);
    int refused = 0;
    for (size_t bit = 0; bit < 8 * archive.size; bit++) {
        fnas_zip_entry entry;
        archive.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        fnas_status status = fnas_zip_find(place->context, "A.pt", archive.data, archive.size, "data.pkl", &entry);
        if (status == FNAS_OK) {
            assert_int_equal(entry.size_bytes, buffer.size);
            assert_memory_equal(entry.data, buffer.data, buffer.size);
        } else {
            assert_int_equal(status, FNAS_ERR_INPUT);
            refused++;
        }
        archive.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(refused > (int)(8 * buffer.size));
    bytes_free(&archive);
    bytes_free(&buffer);
}

static void refuse_zip(fnas_test_place *place, const bytes_buffer *archive, const char *words) {
    fnas_zip_entry entry;
    assert_status(FNAS_ERR_INPUT, fnas_zip_find(place->context, "A.pt", archive->data, archive->size, "data.pkl", &entry));
    assert_message("A.pt: ");
    assert_message(words);
}

static size_t find_bytes(const bytes_buffer *buffer, const char *bytes, size_t size, size_t from) {
    for (size_t at = from; at + size <= buffer->size; at++)
        if (memcmp(buffer->data + at, bytes, size) == 0) return at;
    fail_msg("not found");
    return 0;
}

static void wrong_archives_are_refused(void **state) {
    fnas_test_place *place = *state;
    static const zip_part two[] = {{"a/data.pkl", "x", 1}, {"b/data.pkl", "y", 1}}, same[] = {{"a/version", "3", 1}, {"a/version", "3", 1}},
                          none[] = {{"data.pkl", "x", 1}, {"a/b/data.pkl", "x", 1}, {"/data.pkl", "x", 1}};
    bytes_buffer archive = {0};
    zip_archive(&archive, two, 2);
    refuse_zip(place, &archive, "second one of its kind");
    bytes_free(&archive);
    zip_archive(&archive, same, 2);
    refuse_zip(place, &archive, "\"a/version\" stands in the archive twice");
    bytes_free(&archive);
    zip_archive(&archive, none, 3);
    refuse_zip(place, &archive, "no entry FOLDER/data.pkl");
    bytes_free(&archive);
    bytes_add(&archive, "\x80\x02]q", 4);
    refuse_zip(place, &archive, "no ZIP archive");
    bytes_free(&archive);
}

/* Compressed, encrypted, overlapping, larger than it can be: what a bomb needs. */
static void bombs_are_refused(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer pickle = {0}, archive = {0};
    make_map(&pickle);
    zip_pt(&archive, &pickle);
    size_t central = find_bytes(&archive, "PK\x01\x02", 4, 0), second = find_bytes(&archive, "PK\x01\x02", 4, central + 1);
    unsigned char *entry = archive.data + central;

    entry[10] = archive.data[8] = 8;
    refuse_zip(place, &archive, "\"archive/data.pkl\" is compressed: only stored entries are read");
    entry[10] = archive.data[8] = 0;

    entry[8] |= 1;
    refuse_zip(place, &archive, "is encrypted");
    entry[8] &= 0xFE;

    entry[27] = 0x7F; /* unpacked it would take 2 GB */
    refuse_zip(place, &archive, "claims another size unpacked");
    entry[23] = 0x7F; /* and stored as well */
    refuse_zip(place, &archive, "would reach beyond the end");
    entry[23] = entry[27] = 0xFF;
    entry[20] = entry[21] = entry[22] = entry[24] = entry[25] = entry[26] = 0xFF;
    refuse_zip(place, &archive, "larger than 4 GB");
    bytes_free(&archive);

    zip_pt(&archive, &pickle); /* many entries over the same bytes */
    archive.data[second + 42] = 0;
    refuse_zip(place, &archive, "described differently");
    bytes_free(&archive);
    bytes_free(&pickle);
}

static void overlapping_entries_are_refused(void **state) {
    fnas_test_place *place = *state;
    static char kilobyte[1024];
    static const zip_part parts[] = {{"a/1", kilobyte, sizeof kilobyte}, {"a/2", kilobyte, sizeof kilobyte}};
    bytes_buffer archive = {0};
    zip_archive(&archive, parts, 2);
    size_t second_local = find_bytes(&archive, "PK\x03\x04", 4, 1), first = find_bytes(&archive, "PK\x01\x02", 4, 0);
    /* The first entry's data now reach over the second's header and data. */
    size_t longer = sizeof kilobyte + 900;
    for (int at = 20; at <= 24; at += 4) {
        archive.data[first + at] = longer & 0xFF;
        archive.data[first + at + 1] = longer >> 8 & 0xFF;
    }
    assert_true(second_local > 0);
    refuse_zip(place, &archive, "claim more bytes than the file has");
    bytes_free(&archive);
}

/* A state dictionary has an entry for each tensor. */
static void many_entries_are_found_by_name(void **state) {
    fnas_test_place *place = *state;
    enum { COUNT = 3000 };
    static char names[COUNT][16];
    static zip_part parts[COUNT];
    bytes_buffer archive = {0};
    fnas_zip zip;
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "a/data/%d", i * 7 % COUNT);
        parts[i] = (zip_part){names[i], names[i] + 7, strlen(names[i]) - 7};
    }
    zip_archive(&archive, parts, COUNT);
    assert_status(FNAS_OK, fnas_zip_read(place->context, "A.pth", &fnas_zip_of_torch, archive.data, archive.size, &zip));
    assert_int_equal(zip.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        fnas_zip_entry *entry = fnas_zip_entry_named(&zip, names[i], strlen(names[i]));
        assert_non_null(entry);
        assert_int_equal(entry->size_bytes, strlen(names[i]) - 7);
        assert_memory_equal(entry->data, names[i] + 7, entry->size_bytes);
        assert_status(FNAS_OK, fnas_zip_check_crc(place->context, &zip, entry));
    }
    assert_null(fnas_zip_entry_named(&zip, "a/data/3000", 11));
    assert_null(fnas_zip_entry_named(&zip, "a/data/299", 6));
    fnas_zip_free(&zip);
    bytes_free(&archive);
    snprintf(names[1], sizeof names[1], "%s", names[2999]); /* far from each other in the file */
    zip_archive(&archive, parts, COUNT);
    assert_status(FNAS_ERR_INPUT, fnas_zip_read(place->context, "A.pth", &fnas_zip_of_torch, archive.data, archive.size, &zip));
    assert_message("stands in the archive twice");
    assert_null(zip.entries);
    bytes_free(&archive);
    parts[0].name = "a/\x1b[2J";
    zip_archive(&archive, parts, 1);
    assert_status(FNAS_ERR_INPUT, fnas_zip_read(place->context, "A.pth", &fnas_zip_of_torch, archive.data, archive.size, &zip));
    assert_message("control characters in its name");
    bytes_free(&archive);
}

/* PyTorch of Debian as an oracle. */
static void torch_files_are_read(void **state) {
    fnas_test_place *place = *state;
    static const char script[] = "import sys\n"
                                 "try:\n    import torch\nexcept ImportError:\n    sys.exit(77)\n"
                                 "torch.save([i * 0.1 for i in range(15625)], sys.argv[1] + '/floats.pt')\n"
                                 "torch.save([16, 9, 300, 70000, -5], sys.argv[1] + '/whole.pt')\n"
                                 "torch.save({'cell %d' % (i * 7 % 15625): i for i in range(15625)}, sys.argv[1] + '/map.pt')\n"
                                 "torch.save({'a': torch.zeros(2)}, sys.argv[1] + '/tensor.pt')\n"
                                 "torch.save([(1.0, 2)], sys.argv[1] + '/tuple.pt')\n";
    const char *path = fnas_test_write_text(place, "make.py", script);
    char command[400];
    snprintf(command, sizeof command, "/usr/bin/python3 %s %s 2>/dev/null", path, place->folder);
    int code = system(command);
    if (!WIFEXITED(code) || WEXITSTATUS(code) != 0) {
        print_message("skipped: python3-torch is not installed\n");
        skip();
    }
    fnas_pickle pickle;
    assert_status(FNAS_OK, fnas_pickle_read_pt(place->context, fnas_test_path(place, "floats.pt"), &pickle));
    assert_int_equal(pickle.count, 15625);
    for (int i = 0; i < 15625; i++) assert_true(pickle.numbers[i] == i * 0.1);
    fnas_pickle_free(&pickle);
    assert_status(FNAS_OK, fnas_pickle_read_pt(place->context, fnas_test_path(place, "whole.pt"), &pickle));
    assert_int_equal(pickle.count, 5);
    assert_true(pickle.numbers[0] == 16 && pickle.numbers[3] == 70000 && pickle.numbers[4] == -5 && pickle.is_integer[4]);
    fnas_pickle_free(&pickle);
    assert_status(FNAS_OK, fnas_pickle_read_pt(place->context, fnas_test_path(place, "map.pt"), &pickle));
    assert_int_equal(pickle.count, 15625);
    for (int i = 0; i < 15625; i++) {
        char key[32];
        snprintf(key, sizeof key, "cell %d", i * 7 % 15625);
        assert_string_equal(pickle.keys[i], key);
        assert_true(pickle.numbers[i] == i && pickle.is_integer[i]);
    }
    fnas_pickle_free(&pickle);
    assert_status(FNAS_ERR_INPUT, fnas_pickle_read_pt(place->context, fnas_test_path(place, "tensor.pt"), &pickle));
    assert_message("tensor.pt: ");
    assert_message("opcode GLOBAL is refused");
    assert_status(FNAS_ERR_INPUT, fnas_pickle_read_pt(place->context, fnas_test_path(place, "tuple.pt"), &pickle));
    assert_message("opcode TUPLE2 is refused");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(lists_are_read),
        fnas_test(long_lists_come_in_batches),
        fnas_test(maps_are_read),
        fnas_test(other_opcodes_are_refused),
        fnas_test(wrong_values_are_refused),
        fnas_test(what_is_cut_off_is_refused),
        fnas_test(flipped_bits_give_no_other_number),
        fnas_test(wrong_archives_are_refused),
        fnas_test(bombs_are_refused),
        fnas_test(overlapping_entries_are_refused),
        fnas_test(many_entries_are_found_by_name),
        fnas_test(torch_files_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
