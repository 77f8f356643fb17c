/* The reader of NPZ: stored and deflated members, what is refused, and damage that must not go unseen. */
#include "base/support.h"

#include "base/error.h"
#include "base/support_npz.h"
#include "export/npz.h"

static const double NUMBERS[6] = {1, -2.5, 3e-300, 4, 0.1, 1e300};
static const float FLOATS[3] = {0.5f, -0.1f, 3e38f};
/* "ofa" in UTF-32, with zeros behind it as numpy pads. */
static const unsigned char WORD[20] = {'o', 0, 0, 0, 'f', 0, 0, 0, 'a', 0, 0, 0};

static const npz_part PARTS[] = {{.name = "W0", .shape = "(2, 3)", .data = NUMBERS, .size = sizeof NUMBERS, .version = 2},
                                 {.name = "b0", .type = "<f4", .shape = "(3,)", .data = FLOATS, .size = sizeof FLOATS},
                                 {.name = "input", .type = "<U5", .data = WORD, .size = sizeof WORD},
                                 {.name = "output", .type = "|S5", .shape = "(1,)", .data = "error", .size = 5},
                                 {.name = "none", .shape = "(0, 3)"}};
enum { PART_COUNT = sizeof PARTS / sizeof *PARTS };

static fnas_status read_archive(fnas_test_place *place, const bytes_buffer *archive, fnas_npz **npz) {
    return fnas_npz_read(place->context, fnas_test_write(place, "a.npz", archive->data, archive->size), 1 << 20, npz);
}

static void check_numbers(const fnas_npz *npz) {
    const fnas_npz_member *weights = fnas_npz_find(npz, "W0"), *biases = fnas_npz_find(npz, "b0");
    assert_non_null(weights);
    assert_int_equal(weights->array.rank, 2);
    assert_int_equal(weights->array.shape[0], 2);
    assert_int_equal(weights->array.shape[1], 3);
    for (int i = 0; i < 6; i++) assert_true(fnas_npy_number(&weights->array, i) == NUMBERS[i]);
    assert_non_null(biases);
    assert_int_equal(biases->array.rank, 1);
    assert_int_equal(biases->array.count, 3);
    for (int i = 0; i < 3; i++) assert_true(fnas_npy_number(&biases->array, i) == (double)FLOATS[i]);
}

static void check_texts(fnas_test_place *place, const fnas_npz *npz) {
    char text[8];
    assert_status(FNAS_OK, fnas_npy_text(place->context, "A", &fnas_npz_find(npz, "input")->array, text, sizeof text));
    assert_string_equal(text, "ofa");
    assert_status(FNAS_OK, fnas_npy_text(place->context, "A", &fnas_npz_find(npz, "output")->array, text, sizeof text));
    assert_string_equal(text, "error");
    assert_status(FNAS_ERR_INPUT, fnas_npy_text(place->context, "A", &fnas_npz_find(npz, "output")->array, text, 5));
    assert_message("A: a text of 5 characters, at most 4 are read");
    assert_status(FNAS_ERR_INPUT, fnas_npy_text(place->context, "A", &fnas_npz_find(npz, "b0")->array, text, sizeof text));
    assert_message("A: one text is expected");
}

static void archives_are_read(void **state) {
    fnas_test_place *place = *state;
    for (int deflated = 0; deflated < 2; deflated++) {
        bytes_buffer archive = {0};
        fnas_npz *npz = NULL;
        npz_archive(&archive, PARTS, PART_COUNT, deflated);
        assert_status(FNAS_OK, read_archive(place, &archive, &npz));
        assert_int_equal(npz->count, PART_COUNT);
        check_numbers(npz);
        check_texts(place, npz);
        assert_int_equal(fnas_npz_find(npz, "none")->array.count, 0);
        assert_null(fnas_npz_find(npz, "W1"));
        fnas_npz_free(npz);
        bytes_free(&archive);
    }
}

static void refuse_part(fnas_test_place *place, npz_part part, const char *words) {
    bytes_buffer archive = {0};
    fnas_npz *npz = NULL;
    npz_archive(&archive, &part, 1, false);
    if (read_archive(place, &archive, &npz) != FNAS_ERR_INPUT) fail_msg("not refused: %s", words);
    assert_null(npz);
    assert_message("a.npz: member \"W0\": ");
    assert_message(words);
    bytes_free(&archive);
}

static void wrong_arrays_are_refused(void **state) {
    fnas_test_place *place = *state;
    const npz_part good = {.name = "W0", .shape = "(2, 3)", .data = NUMBERS, .size = sizeof NUMBERS};
    npz_part part = good;
    part.type = ">f8";
    refuse_part(place, part, "has the type '>f8', which is big-endian: little-endian floats are read");
    part.type = "|O";
    refuse_part(place, part, "holds Python objects, which are never loaded");
    part.type = "<i8";
    refuse_part(place, part, "has the type '<i8', which is of another type");
    part.type = "<U0";
    refuse_part(place, part, "has the type '<U0'");
    part = good;
    part.order = "True";
    refuse_part(place, part, "is in Fortran order, C order is read: save numpy.ascontiguousarray(array)");
    part = good;
    part.size = 47;
    refuse_part(place, part, "shape [2, 3] of '<f8' takes 48 bytes, it has 47: truncated or damaged");
    part = good;
    part.shape = "(2, 4)";
    refuse_part(place, part, "shape [2, 4] of '<f8' takes 64 bytes, it has 48");
    part.shape = "(1000000000000, 1000000000000)";
    refuse_part(place, part, "has shape [1000000000000, 1000000000000], more than is read");
    part.shape = "(1000000000001,)";
    refuse_part(place, part, "an extent is expected");
    part.shape = "(1,1,1,1,1,1,1,1,6)";
    refuse_part(place, part, "more than 8 dimensions");
    part.shape = "(2, 3";
    refuse_part(place, part, "its header is damaged: an extent is expected");
    part.shape = "(2 3)";
    refuse_part(place, part, "its header is damaged: the end of a shape is expected");
    part.shape = "(2, 3), 'shape': (2, 3)";
    refuse_part(place, part, "each once");
    part = good;
    part.version = 3;
    refuse_part(place, part, "version 3.0 of NPY, 1.0 and 2.0 are read");
}

static void refuse_archive(fnas_test_place *place, const bytes_buffer *archive, const char *words) {
    fnas_npz *npz = NULL;
    assert_status(FNAS_ERR_INPUT, read_archive(place, archive, &npz));
    assert_null(npz);
    assert_message("a.npz: ");
    assert_message(words);
}

static void wrong_archives_are_refused(void **state) {
    fnas_test_place *place = *state;
    static const zip_part other[] = {{"README", "x", 1}}, text[] = {{"W0.npy", "numbers", 7}};
    bytes_buffer archive = {0};
    zip_archive(&archive, other, 1);
    refuse_archive(place, &archive, "member \"README\": no array of numpy: its name does not end in .npy");
    bytes_free(&archive);
    zip_archive(&archive, text, 1);
    refuse_archive(place, &archive, "member \"W0\": no array of numpy (it does not begin with \\x93NUMPY)");
    bytes_free(&archive);
    bytes_add(&archive, "\x93NUMPY\x01\x00", 8);
    refuse_archive(place, &archive, "no ZIP archive (it does not begin with \"PK\"): numpy.savez writes NPZ");
    bytes_free(&archive);
}

/* Neither a cut nor a bit that flipped gives other numbers without a word. */
static void damage_is_seen(void **state) {
    fnas_test_place *place = *state;
    for (int deflated = 0; deflated < 2; deflated++) {
        bytes_buffer archive = {0};
        fnas_npz *npz = NULL;
        int refused = 0;
        npz_archive(&archive, PARTS, 2, deflated);
        for (size_t size = 0; size < archive.size; size++) {
            const char *path = fnas_test_write(place, "cut.npz", archive.data, size);
            assert_status(FNAS_ERR_INPUT, fnas_npz_read(place->context, path, 1 << 20, &npz));
            assert_message("cut.npz: ");
        }
        for (size_t bit = 0; bit < 8 * archive.size; bit++) {
            archive.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
            fnas_status status = read_archive(place, &archive, &npz);
            assert_true(status == FNAS_OK || status == FNAS_ERR_INPUT);
            if (status == FNAS_OK && fnas_npz_find(npz, "W0") && fnas_npz_find(npz, "b0")) check_numbers(npz);
            refused += status != FNAS_OK;
            fnas_npz_free(npz);
            npz = NULL;
            archive.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        assert_true(refused > (int)(8 * sizeof NUMBERS)); /* each bit of a number at least */
        bytes_free(&archive);
    }
}

/* A megabyte of zeros in a kilobyte is refused by what it unpacks to, before it is unpacked. */
static void bombs_are_refused(void **state) {
    fnas_test_place *place = *state;
    enum { DOUBLES = (2 << 20) / 8 };
    double *zeros = calloc(DOUBLES, sizeof *zeros);
    assert_non_null(zeros);
    bytes_buffer archive = {0};
    const npz_part part = {.name = "W0", .shape = "(262144,)", .data = zeros, .size = DOUBLES * sizeof *zeros};
    npz_archive(&archive, &part, 1, true);
    assert_true(archive.size < 10000);
    refuse_archive(place, &archive, "bytes unpacked, at most 1048576 are read");
    size_t central = archive.size - 22 - 46 - strlen("W0.npy.");
    while (memcmp(archive.data + central, "PK\x01\x02", 4) != 0) central++;
    for (int at = 0; at < 4; at++) archive.data[central + 24 + at] = (unsigned char)(1000 >> 8 * at); /* and one that lies about it */
    refuse_archive(place, &archive, "described differently");
    unsigned char *extra = archive.data + 30 + strlen("W0.npy") + 4;
    for (int at = 0; at < 4; at++) extra[at] = (unsigned char)(1000 >> 8 * at);
    refuse_archive(place, &archive, "does not inflate to the size in the directory");
    free(zeros);
    bytes_free(&archive);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(archives_are_read), fnas_test(wrong_arrays_are_refused), fnas_test(wrong_archives_are_refused),
        fnas_test(damage_is_seen),    fnas_test(bombs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
