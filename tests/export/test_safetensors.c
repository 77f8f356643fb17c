#include "base/support.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "export/safetensors.h"

#define LIMIT ((size_t)1 << 24)

static const float floats[6] = {0, 1, -2, 3.5f, 1e-30f, 5};
static const double doubles[2] = {0.1, -7};
static const int64_t step = INT64_C(1) << 40;
static const uint8_t bytes[3] = {1, 2, 255};

static const fnas_safetensors_tensor example[] = {
    {"bytes", FNAS_SAFETENSORS_U8, 1, {3}, bytes},    {"weights", FNAS_SAFETENSORS_F32, 2, {2, 3}, floats},
    {"step", FNAS_SAFETENSORS_I64, 0, {0}, &step},    {"empty", FNAS_SAFETENSORS_F32, 2, {0, 4}, NULL},
    {"range", FNAS_SAFETENSORS_F64, 1, {2}, doubles},
};
static const fnas_safetensors_text about[] = {{"format", "fleetnas"}, {"space", "nb201:\"quoted\""}};

static const char *write_example(fnas_test_place *place, const char *name) {
    const char *path = fnas_test_path(place, name);
    assert_status(FNAS_OK, fnas_safetensors_write(place->context, path, example, 5, about, 2));
    return path;
}

static void what_is_written_is_read(void **state) {
    fnas_test_place *place = *state;
    fnas_safetensors *file;
    assert_status(FNAS_OK, fnas_safetensors_read(place->context, write_example(place, "a.safetensors"), LIMIT, &file));
    int64_t count;
    fnas_safetensors_tensors(file, &count);
    assert_int_equal(count, 5);
    for (int i = 0; i < 5; i++) {
        const void *data;
        const fnas_safetensors_tensor *tensor = &example[i];
        static const size_t sizes[5] = {3, 24, 8, 0, 16};
        assert_status(FNAS_OK, fnas_safetensors_get(place->context, file, tensor->name, tensor->type, tensor->rank, tensor->shape, &data));
        if (sizes[i]) assert_memory_equal(data, tensor->data, sizes[i]);
    }
    assert_string_equal(fnas_safetensors_metadata(file, "format"), "fleetnas");
    assert_string_equal(fnas_safetensors_metadata(file, "space"), "nb201:\"quoted\"");
    assert_null(fnas_safetensors_metadata(file, "absent"));
    assert_null(fnas_safetensors_find(file, "absent"));
    assert_null(fnas_safetensors_find(file, "__metadata__"));
    fnas_safetensors_free(file);
    fnas_safetensors_free(NULL);
}

/* CRC-32 of ISO 3309, bit by bit. */
static uint32_t crc_by_definition(const unsigned char *data, size_t size) {
    uint32_t remainder = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        remainder ^= data[i];
        for (int bit = 0; bit < 8; bit++) remainder = remainder >> 1 ^ (remainder & 1 ? 0xEDB88320u : 0);
    }
    return ~remainder;
}

/* The bytes as the format's description gives them, by hand. */
static void bytes_are_fixed(void **state) {
    fnas_test_place *place = *state;
    static const char header[] = "{\"__metadata__\":{\"format\":\"fleetnas\",\"space\":\"nb201:\\\"quoted\\\"\",\"crc32\":\"????????\"},"
                                 "\"step\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                                 "\"range\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[8,24]},"
                                 "\"weights\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[24,48]},"
                                 "\"empty\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[48,48]},"
                                 "\"bytes\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[48,51]}}";
    unsigned char *data;
    size_t size, length = sizeof header - 1;
    assert_status(FNAS_OK, fnas_file_read(place->context, write_example(place, "a.safetensors"), LIMIT, &data, &size));
    size_t padded = data[0] + 256u * data[1];
    assert_int_equal((8 + padded) % 64, 0);
    assert_true(padded >= length && padded < length + 64);
    char crc[9], *place_of_crc = strstr((char *)data + 8, "\"crc32\":\"");
    assert_non_null(place_of_crc);
    snprintf(crc, sizeof crc, "%08x", (unsigned)crc_by_definition(data + 8 + padded, 51));
    assert_memory_equal(place_of_crc + 9, crc, 8);
    memset(place_of_crc + 9, '?', 8);
    assert_memory_equal(data + 8, header, length);
    for (size_t i = length; i < padded; i++) assert_int_equal(data[8 + i], ' ');
    assert_int_equal(size, 8 + padded + 51);
    assert_memory_equal(data + 8 + padded, &step, 8);
    assert_memory_equal(data + 8 + padded + 24, floats, 24);
    fnas_free(data);
}

static void unfit_tensors_are_named(void **state) {
    fnas_test_place *place = *state;
    fnas_safetensors *file;
    const void *data;
    assert_status(FNAS_OK, fnas_safetensors_read(place->context, write_example(place, "a.safetensors"), LIMIT, &file));
    assert_status(FNAS_ERR_INPUT, fnas_safetensors_get(place->context, file, "weights", FNAS_SAFETENSORS_F32, 2, (int64_t[]){3, 3}, &data));
    assert_message("a.safetensors: tensor \"weights\" has shape [2, 3], expected [3, 3]");
    assert_status(FNAS_ERR_INPUT, fnas_safetensors_get(place->context, file, "weights", FNAS_SAFETENSORS_F32, 1, (int64_t[]){6}, &data));
    assert_message("has shape [2, 3], expected [6]");
    assert_status(FNAS_ERR_INPUT, fnas_safetensors_get(place->context, file, "weights", FNAS_SAFETENSORS_F64, 2, (int64_t[]){2, 3}, &data));
    assert_message("has dtype F32, expected F64");
    assert_status(FNAS_ERR_INPUT, fnas_safetensors_get(place->context, file, "biases", FNAS_SAFETENSORS_F32, 1, (int64_t[]){1}, &data));
    assert_message("tensor \"biases\" is missing");
    fnas_safetensors_free(file);
}

static void writer_refuses_nonsense(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_write_text(place, "kept", "old");
    const fnas_safetensors_tensor twice[] = {example[0], example[1], example[0]};
    assert_status(FNAS_ERR_INTERNAL, fnas_safetensors_write(place->context, path, twice, 3, NULL, 0));
    assert_message("\"bytes\"");
    const fnas_safetensors_tensor negative = {"x", FNAS_SAFETENSORS_F32, 1, {-1}, floats};
    assert_status(FNAS_ERR_INTERNAL, fnas_safetensors_write(place->context, path, &negative, 1, NULL, 0));
    const fnas_safetensors_tensor reserved = {"__metadata__", FNAS_SAFETENSORS_F32, 1, {1}, floats};
    assert_status(FNAS_ERR_INTERNAL, fnas_safetensors_write(place->context, path, &reserved, 1, NULL, 0));
    const fnas_safetensors_text checksum = {"crc32", "00000000"};
    assert_status(FNAS_ERR_INTERNAL, fnas_safetensors_write(place->context, path, example, 1, &checksum, 1));
    assert_message("\"crc32\" is reserved");
    const fnas_safetensors_tensor high = {"x", FNAS_SAFETENSORS_F32, 9, {1}, floats};
    assert_status(FNAS_ERR_INTERNAL, fnas_safetensors_write(place->context, path, &high, 1, NULL, 0));
    assert_status(FNAS_ERR_IO, fnas_safetensors_write(place->context, fnas_test_path(place, "no/folder"), example, 1, NULL, 0));
    unsigned char *data;
    size_t size;
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 100, &data, &size));
    assert_string_equal((char *)data, "old");
    fnas_free(data);
}

static const char *write_raw(fnas_test_place *place, const char *header, size_t data_size) {
    static unsigned char raw[4096];
    uint64_t length = strlen(header);
    memset(raw, 0, sizeof raw);
    memcpy(raw, &length, 8);
    memcpy(raw + 8, header, length);
    return fnas_test_write(place, "raw", raw, 8 + length + data_size);
}

static void headers_are_checked(void **state) {
    fnas_test_place *place = *state;
    static const struct {
        const char *header;
        size_t data_size;
        const char *message;
    } cases[] = {
        {"[]", 0, "must be a JSON object"},
        {" {}", 0, "must be a JSON object"},
        {"{", 0, "header, byte"},
        {"{}", 4, "4 bytes at the end belong to no tensor"},
        {"{\"a\":1}", 0, "tensor \"a\" must be an object"},
        {"{\"a\":{}}", 0, "has no \"dtype\""},
        {"{\"a\":{\"dtype\":\"F128\",\"shape\":[1],\"data_offsets\":[0,16]}}", 16, "unknown dtype \"F128\""},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "has no \"shape\""},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "more than 8 dimensions"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "a dimension"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "a dimension"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "[begin, end]"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "ends before it begins"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "ends before it begins"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "truncated"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "size of its shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0, "size of its shape"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2,
         "duplicate"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}", 3,
         "a hole before it"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3,
         "overlaps"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[1,1]}}", 2,
         "overlaps"},
        {"{\"__metadata__\":[]}", 0, "an object of strings"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "\"a\" must be a string"},
        {"{\"__metadata__\":{\"crc32\":\"0000000\"}}", 0, "damaged: the CRC-32 of its data is 00000000, its header says 0000000:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fnas_safetensors *file;
        const char *path = write_raw(place, cases[i].header, cases[i].data_size);
        assert_status(FNAS_ERR_INPUT, fnas_safetensors_read(place->context, path, LIMIT, &file));
        assert_message("raw: ");
        assert_message(cases[i].message);
        assert_null(file);
    }
}

static void lengths_are_checked(void **state) {
    fnas_test_place *place = *state;
    fnas_safetensors *file;
    static const uint64_t lengths[] = {UINT64_MAX, 100000001, 100};
    static const char *const messages[] = {"not a safetensors file", "not a safetensors file", "truncated: the header takes 100 bytes"};
    for (int i = 0; i < 3; i++) {
        unsigned char raw[16] = {0};
        memcpy(raw, &lengths[i], 8);
        assert_status(FNAS_ERR_INPUT, fnas_safetensors_read(place->context, fnas_test_write(place, "raw", raw, sizeof raw), LIMIT, &file));
        assert_message(messages[i]);
    }
    assert_status(FNAS_ERR_INPUT, fnas_safetensors_read(place->context, write_example(place, "big"), 100, &file));
    assert_message("larger than the 100 bytes");
}

/* Legal and unlike what we write: order of keys, no alignment, unknown member, zero-size tensors, a scalar. */
static void files_of_others_are_read(void **state) {
    fnas_test_place *place = *state;
    const char *path = write_raw(place,
                                 "{\"z\":{\"data_offsets\":[1,9],\"shape\":[1],\"dtype\":\"F64\",\"note\":0},"
                                 "\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},"
                                 "\"e\":{\"dtype\":\"BF16\",\"shape\":[0],\"data_offsets\":[1,1]}}   ",
                                 9);
    fnas_safetensors *file;
    const void *data;
    assert_status(FNAS_OK, fnas_safetensors_read(place->context, path, LIMIT, &file));
    assert_status(FNAS_OK, fnas_safetensors_get(place->context, file, "z", FNAS_SAFETENSORS_F64, 1, (int64_t[]){1}, &data));
    assert_int_equal((uintptr_t)data % sizeof(double), 0);
    assert_true(*(const double *)data == 0);
    assert_status(FNAS_OK, fnas_safetensors_get(place->context, file, "a", FNAS_SAFETENSORS_U8, 0, NULL, &data));
    assert_status(FNAS_OK, fnas_safetensors_get(place->context, file, "e", FNAS_SAFETENSORS_BF16, 1, (int64_t[]){0}, &data));
    fnas_safetensors_free(file);
    assert_status(FNAS_OK, fnas_safetensors_read(place->context, write_raw(place, "{}", 0), LIMIT, &file));
    fnas_safetensors_free(file);
}

static void every_truncation_is_refused(void **state) {
    fnas_test_place *place = *state;
    unsigned char *data;
    size_t size;
    assert_status(FNAS_OK, fnas_file_read(place->context, write_example(place, "whole"), LIMIT, &data, &size));
    for (size_t cut = 0; cut < size; cut++) {
        fnas_safetensors *file;
        assert_status(FNAS_ERR_INPUT, fnas_safetensors_read(place->context, fnas_test_write(place, "cut", data, cut), LIMIT, &file));
        assert_message("cut: ");
    }
    fnas_free(data);
}

/* Any one bit of the data; and without the checksum, as files of other programs are, the same bytes are believed by who does not require
 * it. */
static void flipped_data_are_refused(void **state) {
    fnas_test_place *place = *state;
    unsigned char *data;
    size_t size;
    fnas_safetensors *file;
    assert_int_equal(crc_by_definition((const unsigned char *)"123456789", 9), 0xCBF43926u); /* the known check value */
    assert_status(FNAS_OK, fnas_file_read(place->context, write_example(place, "whole"), LIMIT, &data, &size));
    size_t begin = 8 + data[0] + 256u * data[1];
    for (size_t bit = 8 * begin; bit < 8 * size; bit++) {
        data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_status(FNAS_ERR_INPUT, fnas_safetensors_read(place->context, fnas_test_write(place, "flipped", data, size), LIMIT, &file));
        assert_message("flipped: damaged: the CRC-32");
        assert_null(file);
        data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_status(FNAS_OK, fnas_safetensors_read(place->context, fnas_test_write(place, "whole", data, size), LIMIT, &file));
    assert_status(FNAS_OK, fnas_safetensors_require_crc(place->context, file));
    fnas_safetensors_free(file);
    memcpy(strstr((char *)data + 8, "crc32"), "no_32", 5);
    data[size - 1] ^= 1;
    assert_status(FNAS_OK, fnas_safetensors_read(place->context, fnas_test_write(place, "other", data, size), LIMIT, &file));
    assert_status(FNAS_ERR_INPUT, fnas_safetensors_require_crc(place->context, file));
    assert_message("other: damaged: metadata \"crc32\" is missing");
    fnas_safetensors_free(file);
    fnas_free(data);
}

/* Reads every byte that the reader believes in: the sanitizers watch. */
static uint32_t sum_of_bytes(const fnas_safetensors *file) {
    int64_t count;
    uint32_t sum = 0;
    const fnas_safetensors_tensor *tensors = fnas_safetensors_tensors(file, &count);
    for (int64_t i = 0; i < count; i++) {
        static const size_t width[] = {8, 8, 8, 4, 4, 4, 2, 2, 2, 2, 1, 1, 1};
        size_t size = width[tensors[i].type];
        for (int64_t k = 0; k < tensors[i].rank; k++) size *= (size_t)tensors[i].shape[k];
        for (size_t k = 0; k < size; k++) sum += ((const unsigned char *)tensors[i].data)[k];
    }
    return sum;
}

static void flipped_bits_never_crash(void **state) {
    fnas_test_place *place = *state;
    unsigned char *data;
    size_t size, refused = 0, accepted = 0;
    uint32_t sum = 0;
    uint64_t seed = 20;
    print_message("seed %d\n", (int)seed);
    assert_status(FNAS_OK, fnas_file_read(place->context, write_example(place, "whole"), LIMIT, &data, &size));
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_TEST, 0, 0);
    for (int i = 0; i < 2000; i++) {
        size_t flips = 1 + (size_t)fnas_random_below(&random, 3), at[3];
        unsigned char bit[3];
        for (size_t k = 0; k < flips; k++) {
            at[k] = (size_t)fnas_random_below(&random, (int64_t)size);
            bit[k] = (unsigned char)(1u << fnas_random_below(&random, 8));
            data[at[k]] ^= bit[k];
        }
        fnas_safetensors *file;
        fnas_status status = fnas_safetensors_read(place->context, fnas_test_write(place, "flipped", data, size), LIMIT, &file);
        if (status == FNAS_OK) sum += sum_of_bytes(file);
        if (status == FNAS_OK)
            accepted++;
        else if (status == FNAS_ERR_INPUT)
            refused++;
        fnas_safetensors_free(file);
        for (size_t k = flips; k-- > 0;) data[at[k]] ^= bit[k];
    }
    print_message("%zu refused, %zu accepted, sum %u\n", refused, accepted, sum);
    assert_int_equal(refused + accepted, 2000);
    assert_true(refused > 1000 && accepted > 50);
    fnas_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(what_is_written_is_read),  fnas_test(bytes_are_fixed),
        fnas_test(unfit_tensors_are_named),  fnas_test(writer_refuses_nonsense),
        fnas_test(headers_are_checked),      fnas_test(lengths_are_checked),
        fnas_test(files_of_others_are_read), fnas_test(every_truncation_is_refused),
        fnas_test(flipped_data_are_refused), fnas_test(flipped_bits_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
