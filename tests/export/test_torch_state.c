/* State dictionaries of PyTorch: what torch.save writes is read in both forms, all else is refused by name and place. */
#include "base/support.h"

#include <math.h>
#include <sys/resource.h>

#include "base/support_torch.h"
#include "export/torch_state.h"

#define FLOATS "ctorch\nFloatStorage\n"

static const char *const golden_paths[] = {FNAS_TEST_FILES "/torch/zip.pth", FNAS_TEST_FILES "/torch/old.pth",
                                           FNAS_TEST_FILES "/torch/nested.pth"};

static const float ramp[24] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};

static const fnas_torch_entry *entry_named(const fnas_torch_state *state, const char *name) {
    for (int64_t i = 0; i < state->count; i++)
        if (strcmp(state->entries[i].name, name) == 0) return &state->entries[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static void assert_entry(const fnas_torch_state *state, const char *name, int rank, const int64_t *shape, const float *values) {
    const fnas_torch_entry *entry = entry_named(state, name);
    int64_t count = 1;
    assert_int_equal(entry->rank, rank);
    for (int i = 0; i < rank; i++) {
        assert_int_equal(entry->shape[i], shape[i]);
        count *= shape[i];
    }
    assert_int_equal(entry->count, count);
    assert_memory_equal(entry->values, values, (size_t)count * sizeof *values);
}

/* Made by tests/files/torch/make.py with PyTorch 1.13. */
static void files_of_torch_are_read(void **state) {
    fnas_test_place *place = *state;
    for (size_t k = 0; k < sizeof golden_paths / sizeof *golden_paths; k++) {
        fnas_torch_state read;
        float turned[24];
        for (int i = 0; i < 24; i++) turned[i] = ramp[i % 4 * 6 + i / 4];
        assert_status(FNAS_OK, fnas_torch_state_read(place->context, golden_paths[k], &read));
        assert_int_equal(read.count, 10);
        assert_string_equal(read.entries[0].name, "ramp.weight"); /* the file's order */
        assert_entry(&read, "ramp.weight", 2, (int64_t[]){4, 6}, ramp);
        assert_entry(&read, "ramp.turned", 2, (int64_t[]){6, 4}, turned);
        assert_entry(&read, "ramp.part", 2, (int64_t[]){2, 3}, (float[]){8, 9, 10, 14, 15, 16});
        assert_entry(&read, "half", 1, (int64_t[]){4}, (float[]){1.5f, -2.25f, 65504.0f, 5.9604645e-8f});
        assert_entry(&read, "bfloat", 1, (int64_t[]){2}, (float[]){1.5f, -3.0f});
        assert_entry(&read, "double", 1, (int64_t[]){1}, (float[]){0.1f});
        assert_entry(&read, "scalar", 0, NULL, (float[]){2.5f});
        assert_entry(&read, "parameter", 2, (int64_t[]){2, 2}, (float[]){1, 1, 1, 1});
        assert_entry(&read, "empty", 2, (int64_t[]){0, 3}, NULL);
        assert_null(entry_named(&read, "count")->values);
        assert_int_equal(entry_named(&read, "count")->type, FNAS_TORCH_I64);
        fnas_torch_state_free(&read);
    }
}

static bytes_buffer read_file(const char *path) {
    bytes_buffer buffer = {0};
    char block[4096];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) bytes_add(&buffer, block, got);
    fclose(file);
    return buffer;
}

static void what_is_cut_off_is_refused(void **state) {
    fnas_test_place *place = *state;
    for (size_t k = 0; k < sizeof golden_paths / sizeof *golden_paths; k++) {
        bytes_buffer file = read_file(golden_paths[k]);
        fnas_torch_state read;
        for (size_t size = 0; size < file.size; size++) {
            assert_status(FNAS_ERR_INPUT, fnas_torch_state_parse(place->context, "A.pth", file.data, size, &read));
            assert_message("A.pth: ");
            assert_null(read.entries);
        }
        bytes_add_byte(&file, 0);
        assert_status(FNAS_ERR_INPUT, fnas_torch_state_parse(place->context, "A.pth", file.data, file.size, &read));
        bytes_free(&file);
    }
}

/* A bit of an archive that flipped is refused, or lies in what does not matter: never another number. */
static void flipped_bits_give_no_other_number(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer file = read_file(golden_paths[0]);
    int64_t refused = 0;
    for (size_t bit = 0; bit < 8 * file.size; bit++) {
        fnas_torch_state read;
        file.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (fnas_torch_state_parse(place->context, "A.pth", file.data, file.size, &read) == FNAS_OK)
            assert_entry(&read, "ramp.weight", 2, (int64_t[]){4, 6}, ramp);
        else
            refused++;
        fnas_torch_state_free(&read);
        file.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(refused > 8 * 900); /* the pickle's 900 bytes at least */
    bytes_free(&file);
}

/* ---- made by hand ---- */

static const torch_data storages[] = {{"0", ramp, 24, sizeof ramp}};

static fnas_status parse_archive(fnas_test_place *place, const bytes_buffer *pickle, fnas_torch_state *read) {
    bytes_buffer file = {0};
    torch_archive(&file, pickle, storages, 1, "little");
    fnas_status status = fnas_torch_state_parse(place->context, "A.pth", file.data, file.size, read);
    bytes_free(&file);
    return status;
}

/* The older form has no storage that the pickle does not name. */
static fnas_status parse_legacy(fnas_test_place *place, const bytes_buffer *pickle, fnas_torch_state *read) {
    bytes_buffer file = {0};
    torch_legacy(&file, pickle, storages, memmem(pickle->data, pickle->size, "storage", 7) != NULL, 0x88);
    fnas_status status = fnas_torch_state_parse(place->context, "A.pth", file.data, file.size, read);
    bytes_free(&file);
    return status;
}

/* Refused with these words in either form of the file. */
static void refuse_pickle(fnas_test_place *place, const bytes_buffer *pickle, const char *words) {
    fnas_torch_state read;
    assert_status(FNAS_ERR_INPUT, parse_archive(place, pickle, &read));
    assert_message("A.pth: ");
    assert_message(words);
    assert_null(read.entries);
    assert_status(FNAS_ERR_INPUT, parse_legacy(place, pickle, &read));
    assert_message(words);
}

static void refuse_bytes(fnas_test_place *place, const char *bytes, size_t size, const char *words) {
    bytes_buffer pickle = {0};
    torch_add(&pickle, "\x80\x02");
    bytes_add(&pickle, bytes, size);
    refuse_pickle(place, &pickle, words);
    bytes_free(&pickle);
}

#define REFUSE(bytes, words) refuse_bytes(place, bytes, sizeof(bytes) - 1, words)

static void both_forms_are_read(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer pickle = {0};
    fnas_torch_state read;
    torch_begin(&pickle);
    torch_entry(&pickle, "a", "0", 24, 4, 2, (int64_t[]){3, 5});
    torch_entry(&pickle, "b", "0", 24, 23, 1, (int64_t[]){1}); /* the same storage, its last element */
    pickle_text(&pickle, "c");                                 /* any stride along one element, as PyTorch has it */
    torch_tensor(&pickle, FLOATS, "0", 24, 2, 3, (int64_t[]){1, 2, 1}, (int64_t[]){INT64_MAX, 3, INT64_MAX});
    torch_end(&pickle);
    for (int legacy = 0; legacy < 2; legacy++) {
        assert_status(FNAS_OK, legacy ? parse_legacy(place, &pickle, &read) : parse_archive(place, &pickle, &read));
        assert_int_equal(read.count, 3);
        assert_entry(&read, "a", 2, (int64_t[]){3, 5}, ramp + 4);
        assert_entry(&read, "b", 1, (int64_t[]){1}, ramp + 23);
        assert_entry(&read, "c", 3, (int64_t[]){1, 2, 1}, (float[]){2, 5});
        fnas_torch_state_free(&read);
    }
    bytes_free(&pickle);
}

/* Version 3 of the rebuild names the dtype; its storage holds bytes. */
static void untyped_storages_are_read(void **state) {
    fnas_test_place *place = *state;
    static const char *const classes[] = {"ctorch.storage\nUntypedStorage\n", "ctorch\n_UntypedStorage\n"};
    static const torch_data bytes[] = {{"0", ramp, sizeof ramp, sizeof ramp}};
    for (int i = 0; i < 2; i++) {
        bytes_buffer pickle = {0}, file = {0};
        fnas_torch_state read;
        torch_begin(&pickle);
        pickle_text(&pickle, "a");
        torch_add(&pickle, "ctorch._utils\n_rebuild_tensor_v3\n(");
        torch_storage(&pickle, classes[i], "0", sizeof ramp);
        torch_integer(&pickle, i ? 21 : 20);
        torch_tuple(&pickle, 1, (int64_t[]){4});
        torch_tuple(&pickle, 1, (int64_t[]){1});
        torch_add(&pickle, "\x89" TORCH_DICT "ctorch\nfloat32\ntR");
        torch_end(&pickle);
        torch_archive(&file, &pickle, bytes, 1, NULL);
        fnas_status status = fnas_torch_state_parse(place->context, "A.pth", file.data, file.size, &read);
        assert_int_equal(status, i ? FNAS_ERR_INPUT : FNAS_OK); /* 21 to 24 are one too many */
        if (i) assert_message("tensor \"a\" reaches element 24 of a storage that has 24");
        if (!i) assert_entry(&read, "a", 1, (int64_t[]){4}, ramp + 20);
        fnas_torch_state_free(&read);
        bytes_free(&file);
        bytes_free(&pickle);
    }
}

static void code_is_refused_by_name(void **state) {
    fnas_test_place *place = *state;
    REFUSE("cos\nsystem\n(X\x02\x00\x00\x00idtR.", "byte 2: refused: the pickle asks for os.system;");
    REFUSE("cposix\nsystem\n.", "the pickle asks for posix.system;");
    REFUSE("cbuiltins\neval\n.", "the pickle asks for builtins.eval;");
    REFUSE("ctorch.hub\nload\n.", "the pickle asks for torch.hub.load;");
    REFUSE("ctorch._utils\n_rebuild_device_tensor_from_numpy\n.", "torch._utils._rebuild_device_tensor_from_numpy;");
    REFUSE("ctorch\nQInt8Storage\n.", "the pickle asks for torch.QInt8Storage;");
    REFUSE("cnumpy\nnd\x1b[array\n.", "the pickle asks for numpy.nd?[array;");
    REFUSE("cos\nsystem", "truncated");
    REFUSE("ctorch\nFloatStorage\n)R.", "a call of what only names a type");
    REFUSE("K\x01)R.", "a call of what is no function");
    REFUSE("ccollections\nOrderedDict\n]\x85R.", "an OrderedDict that is made of arguments");
}

/* Every byte that is not one of the opcodes of state dictionaries is refused, with its position; where it is an opcode, by its name. */
static void other_opcodes_are_refused(void **state) {
    fnas_test_place *place = *state;
    static const unsigned char known[] = "(.NJKMGX])}aesutqrhjcQRb\x85\x86\x87\x88\x89\x8a";
    int refused = 0;
    for (int code = 1; code < 256; code++) {
        char bytes[] = {']', 'q', 0, (char)code, 'x', 'x', '.'};
        if (strchr((const char *)known, code)) continue;
        refuse_bytes(place, bytes, sizeof bytes, "byte 5: ");
        refused++;
    }
    assert_int_equal(refused, 255 - (int)(sizeof known - 1));
    REFUSE("]\x93.", "refused: the pickle uses opcode STACK_GLOBAL");
    REFUSE("]ios\nsystem\n.", "opcode INST,");
    REFUSE("]o.", "opcode OBJ,");
    REFUSE("]\x81.", "opcode NEWOBJ,");
    REFUSE("]\x82\x01.", "opcode EXT1,");
    REFUSE("]Pid\n.", "opcode PERSID,");
    REFUSE("]\x80\x02.", "opcode PROTO,");
    REFUSE("]\xff.", "0xff is no opcode");
}

static void wrong_programs_are_refused(void **state) {
    fnas_test_place *place = *state;
    REFUSE(".", "does not end with one value");
    REFUSE("]].", "does not end with one value");
    REFUSE("](.", "does not end with one value");
    REFUSE("h\x01.", "recalls what was not remembered");
    REFUSE("q\x01.", "nothing is there to be remembered");
    REFUSE("]r\xff\xff\xff\xff.", "more remembered values");
    REFUSE("a.", "do not agree");
    REFUSE("](K\x01R.", "do not agree"); /* not below the mark */
    REFUSE("]e.", "no mark");
    REFUSE("}(K\x01u.", "a key without its value");
    REFUSE("](K\x01K\x02u.", "a dictionary that is none");
    REFUSE("}(K\x01K\x02"
           "e.",
           "a list that is none");
    REFUSE("]}b.", "a dictionary that is none"); /* attributes of a list */
    REFUSE("}]b.", "attributes that are no dictionary");
    REFUSE("\x8a\x09xxxxxxxxx.", "more than 64 bits");
    REFUSE("}X\x02\x00\x00\x00"
           "a\x00K\x01s.",
           "a 0 byte");
    REFUSE("K\x01Q.", "a persistent id that is no storage's");
    REFUSE("K\x01.", "it holds no dictionary");
    REFUSE("}.", "its state dictionary is empty");
    REFUSE("}K\x01K\x02s.", "one of its keys is no text");
    REFUSE("}X\x05\x00\x00\x00modelNs.", "its entry \"model\" is no tensor");
}

/* Opcodes, `count` times. */
static void add_repeated(bytes_buffer *buffer, const char *opcodes, size_t count) {
    size_t each = strlen(opcodes);
    char *all = malloc(each * count);
    assert_non_null(all);
    for (size_t i = 0; i < count; i++) memcpy(all + i * each, opcodes, each);
    bytes_add(buffer, all, each * count);
    free(all);
}

/* Marks have a limit; depth needs none, as nothing that reads values goes down by itself. */
static void marks_are_limited(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer marks = {0}, lists = {0}, tuples = {0};
    torch_add(&marks, "\x80\x02");
    add_repeated(&marks, "](", 100000);
    refuse_pickle(place, &marks, "more than 64 marks at once");
    torch_add(&lists, "\x80\x02");
    add_repeated(&lists, "]", 100000);
    add_repeated(&lists, "a", 99999);
    torch_add(&lists, ".");
    refuse_pickle(place, &lists, "it holds no dictionary");
    torch_add(&tuples, "\x80\x02)");
    add_repeated(&tuples, "\x85", 100000);
    torch_add(&tuples, ".");
    refuse_pickle(place, &tuples, "it holds no dictionary");
    bytes_free(&marks);
    bytes_free(&lists);
    bytes_free(&tuples);
}

/* One value, remembered, fills the stack as well as many would. */
static void recalled_values_are_limited(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer pickle = {0};
    bytes_add(&pickle, "\x80\x02Nq\x00", 5);
    for (int64_t i = 0; i < FNAS_TORCH_VALUES_MAX; i++) bytes_add(&pickle, "h\x00", 2);
    bytes_add(&pickle, ".", 1);
    refuse_pickle(place, &pickle, "more values at once than any state dictionary has");
    bytes_free(&pickle);
}

static void too_many_values_are_refused(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer pickle = {0};
    torch_add(&pickle, "\x80\x02](");
    add_repeated(&pickle, "N", FNAS_TORCH_VALUES_MAX);
    torch_add(&pickle, "e.");
    refuse_pickle(place, &pickle, "more values than any state dictionary has");
    bytes_free(&pickle);
}

/* A list that holds itself ends, and so does whatever looks at it. */
static void cycles_end(void **state) {
    fnas_test_place *place = *state;
    REFUSE("]q\x00h\x00"
           "a.",
           "it holds no dictionary");
    REFUSE("}q\x00X\x0a\x00\x00\x00state_dicth\x00s.", "no tensor");
}

/* ---- tensors and their storages ---- */

static void refuse_tensor(fnas_test_place *place, int64_t count, int64_t offset, int rank, const int64_t *shape, const int64_t *strides,
                          const char *words) {
    bytes_buffer pickle = {0};
    torch_begin(&pickle);
    pickle_text(&pickle, "w");
    torch_tensor(&pickle, FLOATS, "0", count, offset, rank, shape, strides);
    torch_end(&pickle);
    refuse_pickle(place, &pickle, words);
    bytes_free(&pickle);
}

#define SHAPE(...) ((int64_t[]){__VA_ARGS__})

static void tensors_beyond_their_storage_are_refused(void **state) {
    fnas_test_place *place = *state;
    refuse_tensor(place, 24, 0, 1, SHAPE(25), SHAPE(1), "tensor \"w\" reaches element 24 of a storage that has 24");
    refuse_tensor(place, 24, 1, 1, SHAPE(24), SHAPE(1), "reaches element 24");
    refuse_tensor(place, 24, 24, 0, NULL, NULL, "reaches element 24");
    refuse_tensor(place, 24, 0, 2, SHAPE(2, 2), SHAPE(23, 1), "reaches element 24");
    refuse_tensor(place, 24, 0, 2, SHAPE(4, 7), SHAPE(1, 1), "more elements than its storage");
    refuse_tensor(place, 24, 0, 2, SHAPE(1 << 20, 1 << 20), SHAPE(0, 0), "more elements than its storage");
    refuse_tensor(place, 24, 0, 2, SHAPE(INT64_MAX, 3), SHAPE(0, 0), "larger than any number can say");
    refuse_tensor(place, 24, 0, 2, SHAPE(INT64_C(1) << 62, 0), SHAPE(0, 0), "tensor \"w\" is larger than any number can say");
    refuse_tensor(place, 24, 0, 3, SHAPE(0, INT64_C(1) << 31, INT64_C(1) << 31), SHAPE(0, 0, 0), "larger than any number can say");
    refuse_tensor(place, 24, 0, 1, SHAPE(3), SHAPE(INT64_MAX), "larger than any number can say");
    refuse_tensor(place, 24, INT64_MAX, 1, SHAPE(2), SHAPE(1), "larger than any number can say");
    refuse_tensor(place, 24, -1, 1, SHAPE(1), SHAPE(1), "begins before its storage");
    refuse_tensor(place, 24, 0, 1, SHAPE(-1), SHAPE(1), "whose size is not made of numbers from 0 on");
    refuse_tensor(place, 24, 4, 1, SHAPE(2), SHAPE(-1), "whose stride is not made of numbers from 0 on");
    refuse_tensor(place, 24, 0, 8, SHAPE(2, 2, 2, 2, 2, 2, 2, 2), SHAPE(1, 1, 1, 1, 1, 1, 1, 1), "more elements than its storage");
    refuse_tensor(place, 24, 0, 9, SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1), SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1), "more than 8 axes");
    refuse_tensor(place, 23, 0, 1, SHAPE(1), SHAPE(1), "storage \"0\" has not the size that the pickle says");
    refuse_tensor(place, INT64_MAX, 0, 1, SHAPE(1), SHAPE(1), "storage \"0\" has not the size that the pickle says");
    refuse_tensor(place, -1, 0, 1, SHAPE(1), SHAPE(1), "a storage that is not made of class, key, location and count");
}

/* The arguments of a rebuild, as far as "(storage", behind which `rest` stands. */
static void refuse_rebuild(fnas_test_place *place, const char *function, const char *rest, const char *words) {
    bytes_buffer pickle = {0};
    torch_begin(&pickle);
    pickle_text(&pickle, "w");
    torch_add(&pickle, function);
    torch_storage(&pickle, FLOATS, "0", 24);
    torch_add(&pickle, rest);
    torch_end(&pickle);
    refuse_pickle(place, &pickle, words);
    bytes_free(&pickle);
}

static void wrong_arguments_are_refused(void **state) {
    fnas_test_place *place = *state;
    static const char version2[] = "ctorch._utils\n_rebuild_tensor_v2\n(", version3[] = "ctorch._utils\n_rebuild_tensor_v3\n(",
                      parameter[] = "ctorch._utils\n_rebuild_parameter\n(";
    refuse_rebuild(place, version2, "tR", "too few or too many arguments");
    refuse_rebuild(place, version2, "J\1\1\1\1))\x89" TORCH_DICT "NNtR", "too few or too many arguments");
    refuse_rebuild(place, version2, "N))\x89" TORCH_DICT "tR", "not made of storage, offset, size and stride");
    refuse_rebuild(place, version2, "K\1K\1\x85)\x89" TORCH_DICT "tR", "more or fewer strides than axes");
    refuse_rebuild(place, version2, "K\1N\x85N\x85\x89" TORCH_DICT "tR", "size is not made of numbers");
    refuse_rebuild(place, version2, "K\1))N" TORCH_DICT "tR", "without requires_grad");
    refuse_rebuild(place, version2, "K\1))\x89NtR", "without requires_grad");
    refuse_rebuild(place, version2, "K\1))\x89" TORCH_DICT "NNstR", "with hooks");
    refuse_rebuild(place, version3, "K\1))\x89" TORCH_DICT "NtR", "without its dtype");
    refuse_rebuild(place, version3, "K\1))\x89" TORCH_DICT "ctorch\nFloatStorage\ntR", "without its dtype");
    refuse_rebuild(place, version3, "K\1))\x89" TORCH_DICT "ctorch\nfloat64\ntR", "another dtype than its storage");
    refuse_rebuild(place, parameter, "\x88" TORCH_DICT "tR", "a parameter that is not made of a tensor");
    refuse_rebuild(place, "(", "l", "opcode LIST,");
}

static void refuse_storage(fnas_test_place *place, const char *id, const char *words) {
    bytes_buffer pickle = {0};
    torch_add(&pickle, "\x80\x02(");
    torch_add(&pickle, id);
    torch_add(&pickle, "tQ.");
    refuse_pickle(place, &pickle, words);
    bytes_free(&pickle);
}

static void wrong_storages_are_refused(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer pickle = {0}, id = {0};
    refuse_storage(place, "NNNNN", "a persistent id that is no storage's");
    pickle_text(&id, "storage");
    bytes_add_byte(&id, 0);
    torch_add(&pickle, "\x80\x02(");
    bytes_add(&pickle, id.data, id.size - 1);
    bytes_free(&id);
    torch_add(&pickle, "ctorch\nfloat32\n"); /* a dtype where a class must be */
    pickle_text(&pickle, "0");
    pickle_text(&pickle, "cpu");
    torch_add(&pickle, "K\1tQ.");
    refuse_pickle(place, &pickle, "a storage that is not made of class, key, location and count");
    bytes_free(&pickle);

    torch_add(&pickle, "\x80\x02("); /* a view, as releases before 0.4 wrote them */
    pickle_text(&pickle, "storage");
    torch_add(&pickle, FLOATS);
    pickle_text(&pickle, "0");
    pickle_text(&pickle, "cpu");
    torch_add(&pickle, "K\1)tQ.");
    refuse_pickle(place, &pickle, "a view of a storage");
    bytes_free(&pickle);

    torch_begin(&pickle); /* in neither form is it there */
    torch_entry(&pickle, "w", "7", 24, 0, 1, SHAPE(24));
    torch_end(&pickle);
    fnas_torch_state read;
    assert_status(FNAS_ERR_INPUT, parse_archive(place, &pickle, &read));
    assert_message("storage \"7\" is not in the archive");
    assert_status(FNAS_ERR_INPUT, parse_legacy(place, &pickle, &read));
    assert_message("storage \"0\" is one that no tensor lies in");
    bytes_free(&pickle);
}

static void names_are_given_once(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer pickle = {0};
    torch_begin(&pickle);
    torch_entry(&pickle, "same", "0", 24, 0, 1, SHAPE(1));
    torch_entry(&pickle, "same", "0", 24, 0, 1, SHAPE(1));
    torch_end(&pickle);
    refuse_pickle(place, &pickle, "tensor \"same\" is given twice");
    bytes_free(&pickle);
}

static void names_are_not_empty(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer pickle = {0};
    torch_begin(&pickle);
    torch_entry(&pickle, "", "0", 24, 0, 1, SHAPE(1));
    torch_end(&pickle);
    refuse_pickle(place, &pickle, "the name of entry 1 of its state dictionary is empty");
    bytes_free(&pickle);
}

/* One storage under many names takes its memory as often: they are counted before any is copied. */
static void names_of_one_storage_are_counted_first(void **state) {
    fnas_test_place *place = *state;
    const int64_t elements = 1 << 20;
    float *zeros = calloc((size_t)elements, sizeof *zeros);
    assert_non_null(zeros);
    const torch_data storage = {"0", zeros, (size_t)elements, (size_t)elements * sizeof *zeros};
    bytes_buffer pickle = {0}, file = {0};
    torch_begin(&pickle);
    for (int i = 0; i < 1100; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        torch_entry(&pickle, name, "0", elements, 0, 1, SHAPE(elements));
    }
    torch_end(&pickle);
    torch_legacy(&file, &pickle, &storage, 1, 0x88);
    struct rusage before, after;
    fnas_torch_state read;
    getrusage(RUSAGE_SELF, &before);
    assert_status(FNAS_ERR_INPUT, fnas_torch_state_parse(place->context, "A.pth", file.data, file.size, &read));
    assert_message("tensor \"w1024\" and those before it take more than 4 GB");
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024); /* kB; the tensors before it would take 4 GB */
    bytes_free(&file);
    bytes_free(&pickle);
    free(zeros);
}

/* Names go into messages and into JSON. */
static void names_can_be_shown(void **state) {
    fnas_test_place *place = *state;
    static const char *const names[] = {"\x1b[2J",
                                        "a\xff",
                                        "a\xc3",
                                        "\x7f",
                                        "a\n",
                                        "\xc2\x9b"
                                        "2J"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bytes_buffer pickle = {0};
        torch_begin(&pickle);
        torch_entry(&pickle, names[i], "0", 24, 0, 1, SHAPE(1));
        torch_end(&pickle);
        refuse_pickle(place, &pickle, "the name of entry 1 of its state dictionary is no text in UTF-8");
        bytes_free(&pickle);
    }
}

static void numbers_that_are_not_finite_are_refused(void **state) {
    fnas_test_place *place = *state;
    static const double doubles[] = {1, NAN, INFINITY, 1e39};
    static const torch_data data[] = {{"0", doubles, 4, sizeof doubles}};
    for (int64_t i = 0; i < 4; i++) {
        bytes_buffer pickle = {0}, file = {0};
        fnas_torch_state read;
        torch_begin(&pickle);
        pickle_text(&pickle, "w");
        torch_tensor(&pickle, "ctorch\nDoubleStorage\n", "0", 4, i, 0, NULL, NULL);
        torch_end(&pickle);
        torch_archive(&file, &pickle, data, 1, "little");
        fnas_status status = fnas_torch_state_parse(place->context, "A.pth", file.data, file.size, &read);
        assert_int_equal(status, i ? FNAS_ERR_INPUT : FNAS_OK);
        if (i) assert_message("tensor \"w\" holds numbers that are not finite as f32");
        fnas_torch_state_free(&read);
        bytes_free(&file);
        bytes_free(&pickle);
    }
}

/* ---- files ---- */

static void refuse_file(fnas_test_place *place, const bytes_buffer *file, const char *words) {
    fnas_torch_state read;
    assert_status(FNAS_ERR_INPUT, fnas_torch_state_parse(place->context, "A.pth", file->data, file->size, &read));
    assert_message("A.pth: ");
    assert_message(words);
}

static void make_pickle(bytes_buffer *pickle) {
    torch_begin(pickle);
    torch_entry(pickle, "w", "0", 24, 0, 1, SHAPE(24));
    torch_end(pickle);
}

static void reading_can_be_stopped(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer pickle = {0};
    fnas_torch_state read;
    make_pickle(&pickle);
    fnas_context_request_stop(place->context);
    assert_status(FNAS_INTERRUPTED, parse_archive(place, &pickle, &read));
    assert_null(read.entries);
    assert_status(FNAS_INTERRUPTED, parse_legacy(place, &pickle, &read));
    assert_status(FNAS_INTERRUPTED, fnas_torch_state_read(place->context, fnas_test_write(place, "a.pth", "a", 1), &read));
    bytes_free(&pickle);
}

static void wrong_archives_are_refused(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer pickle = {0}, file = {0};
    make_pickle(&pickle);
    torch_archive(&file, &pickle, storages, 1, "big");
    refuse_file(place, &file, "entry \"archive/byteorder\" does not say \"little\": only little-endian files are read");
    bytes_free(&file);

    torch_archive(&file, &pickle, storages, 1, NULL); /* a compressed storage */
    for (size_t at = 0; at + 46 < file.size; at++)
        if (memcmp(file.data + at, "PK\1\2", 4) == 0) file.data[at + 10] = 8;
    refuse_file(place, &file, "is compressed: only stored entries are read");
    bytes_free(&file);

    torch_archive(&file, &pickle, storages, 1, NULL);
    unsigned char *inside = memmem(file.data, file.size, ramp, sizeof ramp);
    assert_non_null(inside);
    inside[20] ^= 1;
    refuse_file(place, &file, "is damaged: its CRC-32");
    bytes_free(&file);

    bytes_add_byte(&pickle, '.');
    torch_archive(&file, &pickle, storages, 1, NULL);
    refuse_file(place, &file, "1 bytes stand behind its end");
    bytes_free(&file);
    bytes_free(&pickle);

    bytes_add(&file, "{\"a\": 1}", 8);
    refuse_file(place, &file, "neither a ZIP archive nor begins with PyTorch's magic number");
    bytes_free(&file);
}

static void wrong_old_files_are_refused(void **state) {
    fnas_test_place *place = *state;
    static const torch_data twice[] = {{"0", ramp, 24, sizeof ramp}, {"0", ramp, 24, sizeof ramp}},
                            more[] = {{"0", ramp, 24, sizeof ramp}, {"1", ramp, 24, sizeof ramp}}, fewer[] = {{"0", ramp, 23, sizeof ramp}};
    bytes_buffer pickle = {0}, file = {0};
    make_pickle(&pickle);
    torch_legacy(&file, &pickle, storages, 1, 0x89);
    refuse_file(place, &file, "its storages are big-endian");
    bytes_free(&file);
    torch_legacy(&file, &pickle, storages, 1, 'N');
    refuse_file(place, &file, "does not say \"little_endian\"");
    bytes_free(&file);
    torch_legacy(&file, &pickle, storages, 1, 0x88);
    file.data[18] = 0; /* of the protocol, 1001 */
    refuse_file(place, &file, "its protocol is not 1001");
    bytes_free(&file);
    torch_legacy(&file, &pickle, twice, 2, 0x88);
    refuse_file(place, &file, "storage \"0\" stands in the file twice");
    bytes_free(&file);
    torch_legacy(&file, &pickle, more, 2, 0x88);
    refuse_file(place, &file, "storage \"1\" is one that no tensor lies in");
    bytes_free(&file);
    torch_legacy(&file, &pickle, fewer, 1, 0x88);
    refuse_file(place, &file, "storage \"0\" has not the size that the pickle says");
    bytes_free(&file);
    torch_legacy(&file, &pickle, NULL, 0, 0x88);
    refuse_file(place, &file, "storage \"0\" is not in the file");
    bytes_free(&file);
    torch_legacy(&file, &pickle, storages, 1, 0x88);
    bytes_add_byte(&file, 0);
    refuse_file(place, &file, "1 bytes stand behind its end");
    bytes_free(&file);
    bytes_free(&pickle);
}

/* One storage that is said to be of two types: it would be read beyond its end as the wider one. */
static void storages_have_one_type(void **state) {
    fnas_test_place *place = *state;
    bytes_buffer pickle = {0};
    torch_begin(&pickle);
    torch_entry(&pickle, "a", "0", 24, 0, 1, SHAPE(24));
    pickle_text(&pickle, "b");
    torch_tensor(&pickle, "ctorch\nDoubleStorage\n", "0", 24, 0, 1, SHAPE(24), SHAPE(1));
    torch_end(&pickle);
    fnas_torch_state read;
    assert_status(FNAS_ERR_INPUT, parse_legacy(place, &pickle, &read));
    assert_message("storage \"0\" ");
    assert_status(FNAS_ERR_INPUT, parse_archive(place, &pickle, &read));
    assert_message("storage \"0\" has not the size");
    bytes_free(&pickle);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(files_of_torch_are_read),
        fnas_test(what_is_cut_off_is_refused),
        fnas_test(flipped_bits_give_no_other_number),
        fnas_test(both_forms_are_read),
        fnas_test(untyped_storages_are_read),
        fnas_test(code_is_refused_by_name),
        fnas_test(other_opcodes_are_refused),
        fnas_test(wrong_programs_are_refused),
        fnas_test(marks_are_limited),
        fnas_test(too_many_values_are_refused),
        fnas_test(recalled_values_are_limited),
        fnas_test(cycles_end),
        fnas_test(tensors_beyond_their_storage_are_refused),
        fnas_test(wrong_arguments_are_refused),
        fnas_test(wrong_storages_are_refused),
        fnas_test(names_are_given_once),
        fnas_test(names_are_not_empty),
        fnas_test(names_of_one_storage_are_counted_first),
        fnas_test(reading_can_be_stopped),
        fnas_test(names_can_be_shown),
        fnas_test(numbers_that_are_not_finite_are_refused),
        fnas_test(wrong_archives_are_refused),
        fnas_test(wrong_old_files_are_refused),
        fnas_test(storages_have_one_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
