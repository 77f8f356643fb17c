#include "base/support.h"

#include <lzma.h>
#include <math.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "data/resize.h"

/* ---- IDX files of a small data set: 12 train images and 4 test images of 5x4 ---- */

enum { TRAIN = 12, TEST = 4, HEIGHT = 5, WIDTH = 4, AREA = HEIGHT * WIDTH };

typedef struct idx_file {
    const char *name;
    unsigned char bytes[16 + TRAIN * AREA + 1];
    size_t size;
} idx_file;

static void begin_idx(idx_file *file, const char *name, int rank, int count) {
    unsigned char header[16] = {0, 0, 8, (unsigned char)rank, 0, 0, 0, (unsigned char)count, 0, 0, 0, HEIGHT, 0, 0, 0, WIDTH};
    file->name = name;
    file->size = rank == 3 ? 16 : 8;
    memcpy(file->bytes, header, file->size);
}

static uint8_t pixel_of(int part, int image, int k) {
    return (uint8_t)(part * 100 + image * 17 + k * 3);
}

static void make_idx_files(idx_file files[4]) {
    static const char *const names[4] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                         "t10k-labels-idx1-ubyte"};
    for (int i = 0; i < 4; i++) {
        int part = i / 2, count = part ? TEST : TRAIN, each = i % 2 ? 1 : AREA;
        begin_idx(&files[i], names[i], i % 2 ? 1 : 3, count);
        for (int image = 0; image < count; image++) {
            for (int k = 0; k < each; k++)
                files[i].bytes[files[i].size++] = each == 1 ? (unsigned char)(image % 10) : pixel_of(part, image, k);
        }
    }
}

static void write_idx_files(fnas_test_place *place, const idx_file files[4], bool compressed) {
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, compressed ? "%s.gz" : "%s", files[i].name);
        if (compressed) {
            gzFile out = gzopen(fnas_test_path(place, name), "wb");
            assert_int_equal(gzwrite(out, files[i].bytes, (unsigned int)files[i].size), files[i].size);
            assert_int_equal(gzclose(out), Z_OK);
        } else {
            fnas_test_write(place, name, files[i].bytes, files[i].size);
        }
    }
}

static fnas_status open_folder(fnas_test_place *place, const char *kind, fnas_dataset **dataset) {
    char spec[128];
    snprintf(spec, sizeof spec, "%s:%s", kind, place->folder);
    return fnas_dataset_open(place->context, spec, dataset);
}

static void check_small_set(fnas_test_place *place) {
    fnas_dataset *dataset;
    float image[AREA];
    int32_t label;
    assert_status(FNAS_OK, open_folder(place, "fashion-mnist", &dataset));
    fnas_dataset_info info = fnas_dataset_get(dataset);
    assert_string_equal(info.name, "fashion-mnist");
    assert_int_equal(strncmp(info.spec, "fashion-mnist:/", 15), 0);
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.height, HEIGHT);
    assert_int_equal(info.width, WIDTH);
    assert_int_equal(info.classes, 10);
    assert_int_equal(info.train_count, TRAIN);
    assert_int_equal(info.test_count, TEST);
    for (int i = 0; i < TRAIN; i++) {
        assert_status(FNAS_OK, fnas_dataset_image(place->context, dataset, NULL, i, image, &label));
        assert_int_equal(label, i % 10);
        for (int k = 0; k < AREA; k++) assert_int_equal(lround((image[k] * info.std[0] + info.mean[0]) * 255), pixel_of(0, i, k));
    }
    assert_status(FNAS_OK, fnas_dataset_test_image(place->context, dataset, NULL, 3, image, &label));
    assert_int_equal(label, 3);
    assert_int_equal(lround((image[7] * info.std[0] + info.mean[0]) * 255), pixel_of(1, 3, 7));
    fnas_dataset_close(dataset);
}

static void idx_files_are_read(void **state) {
    fnas_test_place *place = *state;
    idx_file files[4];
    make_idx_files(files);
    write_idx_files(place, files, false);
    check_small_set(place);
    write_idx_files(place, files, true); /* the packed ones are taken first */
    for (int i = 0; i < 4; i++) fnas_test_write_text(place, files[i].name, "not this one");
    check_small_set(place);
}

static void the_environment_names_a_folder(void **state) {
    fnas_test_place *place = *state;
    idx_file files[4];
    fnas_dataset *dataset;
    make_idx_files(files);
    write_idx_files(place, files, false);
    setenv("FLEETNAS_FASHION_MNIST", place->folder, 1);
    assert_status(FNAS_OK, fnas_dataset_open(place->context, "fashion-mnist", &dataset));
    assert_int_equal(fnas_dataset_get(dataset).train_count, TRAIN);
    assert_string_equal(fnas_dataset_get(dataset).spec, "fashion-mnist");
    fnas_dataset_close(dataset);
    setenv("FLEETNAS_FASHION_MNIST", "/nonexistent", 1);
    assert_status(FNAS_ERR_INPUT, fnas_dataset_open(place->context, "fashion-mnist", &dataset));
    assert_message("/nonexistent/train-images-idx3-ubyte.gz: missing: install the Debian package dataset-fashion-mnist");
    unsetenv("FLEETNAS_FASHION_MNIST");
}

static void refuse_idx(fnas_test_place *place, const idx_file files[4], const char *message) {
    fnas_dataset *dataset;
    write_idx_files(place, files, false);
    assert_status(FNAS_ERR_INPUT, open_folder(place, "fashion-mnist", &dataset));
    assert_message(message);
    assert_null(dataset);
}

static void damaged_idx_files_are_named(void **state) {
    fnas_test_place *place = *state;
    idx_file good[4], files[4];
    make_idx_files(good);

    for (int i = 0; i < 4; i++) {
        char message[100];
        for (size_t cut = 0; cut < good[i].size; cut++) { /* truncated at every byte */
            memcpy(files, good, sizeof files);
            files[i].size = cut;
            snprintf(message, sizeof message, "%s: truncated", good[i].name);
            refuse_idx(place, files, message);
        }
        memcpy(files, good, sizeof files);
        files[i].bytes[files[i].size++] = 0;
        snprintf(message, sizeof message, "%s: too long", good[i].name);
        refuse_idx(place, files, message);
        memcpy(files, good, sizeof files);
        files[i].bytes[3] ^= 2; /* images called labels and the other way round */
        snprintf(message, sizeof message, "%s: not an IDX file of %s: magic", good[i].name, i % 2 ? "labels" : "images");
        refuse_idx(place, files, message);
    }
    memcpy(files, good, sizeof files);
    files[1].bytes[8 + 5] = 10;
    refuse_idx(place, files, "train-labels-idx1-ubyte: label 5 is 10, it must be 0..9");
    memcpy(files, good, sizeof files);
    files[3].bytes[7] = 3;
    files[3].size--;
    refuse_idx(place, files, "t10k-labels-idx1-ubyte: 3 labels for the 4 images of");
    memcpy(files, good, sizeof files);
    files[2].bytes[11] = WIDTH;
    files[2].bytes[15] = HEIGHT;
    refuse_idx(place, files, "t10k-images-idx3-ubyte: images of 4x5, those of the train part are 5x4");
    memcpy(files, good, sizeof files);
    memset(files[0].bytes + 4, 0xFF, 12); /* extents whose product overflows */
    refuse_idx(place, files, "train-images-idx3-ubyte: truncated");
    memcpy(files, good, sizeof files);
    files[0].bytes[7] = files[1].bytes[7] = 0; /* no images at all */
    files[0].size = 16;
    files[1].size = 8;
    refuse_idx(place, files, "0 images of 1x5x4");
}

/* ---- CIFAR-10: files of 7 records ---- */

enum { RECORDS = 7, RECORD = 3073 };

static const char *cifar_name(int file) {
    static const char *const names[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                        "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
    return names[file];
}

static uint8_t cifar_pixel(int file, int record, int k) {
    return (uint8_t)(file * 31 + record * 7 + k + k / 1024 * 50);
}

static size_t make_cifar_file(int file, unsigned char *bytes) {
    for (int i = 0; i < RECORDS; i++) {
        bytes[i * RECORD] = (unsigned char)((file + i) % 10);
        for (int k = 0; k < RECORD - 1; k++) bytes[i * RECORD + 1 + k] = cifar_pixel(file, i, k);
    }
    return RECORDS * RECORD;
}

static void write_cifar_files(fnas_test_place *place) {
    static unsigned char bytes[RECORDS * RECORD], packed[RECORDS * RECORD + 4096];
    for (int file = 0; file < 6; file++) {
        size_t size = make_cifar_file(file, bytes), used = 0;
        char name[32];
        if (file % 2) {
            snprintf(name, sizeof name, "%s.xz", cifar_name(file));
            assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, bytes, size, packed, &used, sizeof packed), LZMA_OK);
            fnas_test_write(place, name, packed, used);
        } else {
            fnas_test_write(place, cifar_name(file), bytes, size);
        }
    }
}

static fnas_status read_cifar(fnas_test_place *place, fnas_dataset **dataset) {
    *dataset = fnas_allocate(1, sizeof **dataset);
    return fnas_cifar10_read(place->context, place->folder, RECORDS, *dataset);
}

static void cifar_files_are_read(void **state) {
    fnas_test_place *place = *state;
    write_cifar_files(place);
    for (int64_t threads = 1; threads <= 3; threads++) {
        fnas_dataset *dataset;
        fnas_context_set_threads(place->context, threads);
        assert_status(FNAS_OK, read_cifar(place, &dataset));
        assert_int_equal(dataset->train.count, 5 * RECORDS);
        assert_int_equal(dataset->test.count, RECORDS);
        for (int file = 0; file < 6; file++) {
            for (int i = 0; i < RECORDS; i++) {
                const fnas_image_set *set = file < 5 ? &dataset->train : &dataset->test;
                int at = file < 5 ? file * RECORDS + i : i;
                assert_int_equal(set->labels[at], (file + i) % 10);
                for (int k = 0; k < 3072; k += 97) assert_int_equal(set->pixels[at * 3072 + k], cifar_pixel(file, i, k));
            }
        }
        fnas_dataset_close(dataset);
    }
}

/* A search's folder need not have the test batch: then there is no test part to read. */
static void cifar_without_its_test_batch(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset;
    float image[3072];
    int32_t label;
    write_cifar_files(place);
    assert_int_equal(remove(fnas_test_path(place, "test_batch.bin.xz")), 0);
    assert_status(FNAS_OK, read_cifar(place, &dataset));
    assert_int_equal(dataset->train.count, 5 * RECORDS);
    assert_int_equal(fnas_dataset_get(dataset).test_count, 0);
    assert_status(FNAS_ERR_USAGE, fnas_dataset_test_image(place->context, dataset, NULL, 0, image, &label));
    assert_int_equal(dataset->train.pixels[(4 * RECORDS + 1) * 3072], cifar_pixel(4, 1, 0));
    fnas_dataset_close(dataset);
}

static void refuse_cifar(fnas_test_place *place, const char *message) {
    fnas_dataset *dataset;
    assert_status(FNAS_ERR_INPUT, read_cifar(place, &dataset));
    assert_message(message);
    fnas_dataset_close(dataset);
}

static void damaged_cifar_files_are_named(void **state) {
    fnas_test_place *place = *state;
    static unsigned char bytes[RECORDS * RECORD + 1];
    write_cifar_files(place);
    make_cifar_file(2, bytes);
    fnas_test_write(place, "data_batch_3.bin", bytes, RECORDS * RECORD - 1);
    refuse_cifar(place, "data_batch_3.bin: truncated: 21510 bytes, expected 21511 (7 records of 3073)");
    fnas_test_write(place, "data_batch_3.bin", bytes, RECORDS * RECORD + 1);
    refuse_cifar(place, "data_batch_3.bin: too long");
    bytes[4 * RECORD] = 10;
    fnas_test_write(place, "data_batch_3.bin", bytes, RECORDS * RECORD);
    refuse_cifar(place, "data_batch_3.bin: record 4 has label 10, it must be 0..9");
    make_cifar_file(2, bytes);
    fnas_test_write(place, "data_batch_3.bin", bytes, RECORDS * RECORD);
    assert_int_equal(truncate(fnas_test_path(place, "data_batch_4.bin.xz"), 100), 0);
    refuse_cifar(place, "data_batch_4.bin.xz: the xz data is truncated");
    assert_int_equal(remove(fnas_test_path(place, "data_batch_4.bin.xz")), 0);
    refuse_cifar(place, "data_batch_4.bin: cannot open: No such file");
    assert_int_equal(remove(fnas_test_path(place, "data_batch_1.bin")), 0);
    refuse_cifar(place, "data_batch_1.bin: cannot open: No such file"); /* the first of two */
}

static void small_files_are_no_cifar10(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset;
    write_cifar_files(place);
    assert_status(FNAS_ERR_INPUT, open_folder(place, "cifar10", &dataset));
    assert_message("data_batch_1.bin: truncated: 21511 bytes, expected 30730000 (10000 records of 3073)");
}

/* ---- specs ---- */

static void unknown_specs_are_explained(void **state) {
    fnas_test_place *place = *state;
    static const char *const cases[][2] = {
        {"fashon-mnist", "unknown data set \"fashon-mnist\": did you mean \"fashion-mnist\"?"},
        {"cifar100:/x", "did you mean \"cifar10\"?"},
        {"imagenet", "unknown data set \"imagenet\": known are fashion-mnist[:DIR]"},
        {"", "unknown data set \"\""},
        {"cifar10", "cifar10 needs the folder"},
        {"cifar10:", "nothing stands behind the colon"},
        {"folder", "folder needs the folder of the class folders"},
        {"synthetic", "synthetic needs the shape"},
        {"synthetic:3x8", "\"3x8\" is not understood"},
        {"synthetic:3x8x8x8", "\"3x8x8x8\" is not understood"},
        {"synthetic:3x8x2", "\"3x8x2\" is not understood"},
        {"synthetic:17x8x8", "is not understood"},
        {"synthetic:3x8x8,classes=1", "\"classes=1\" is not understood"},
        {"synthetic:3x8x8,images=9", "\"images=9\" is not understood"},
        {"synthetic:3x8x8,colour=1", "\"colour=1\" is not understood"},
        {"synthetic:,", "is not understood"},
        {"synthetic:16x1024x1024,images=1000", "more than 2 GB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fnas_dataset *dataset;
        assert_status(FNAS_ERR_USAGE, fnas_dataset_open(place->context, cases[i][0], &dataset));
        assert_message(cases[i][1]);
        assert_null(dataset);
    }
    fnas_dataset *dataset;
    assert_status(FNAS_ERR_INPUT, fnas_dataset_open(place->context, "cifar10:/nonexistent", &dataset));
    assert_message("/nonexistent: cannot open the folder: No such file");
    fnas_dataset_close(NULL);
}

/* ---- synthetic images, normalisation, augmentation ---- */

static fnas_dataset *open_synthetic(fnas_test_place *place, const char *spec) {
    fnas_dataset *dataset;
    assert_status(FNAS_OK, fnas_dataset_open(place->context, spec, &dataset));
    return dataset;
}

static void synthetic_sets_repeat(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *a = open_synthetic(place, "synthetic:3x8x9,images=100"),
                 *b = open_synthetic(place, "synthetic:3x8x9,images=100,classes=10");
    fnas_dataset_info info = fnas_dataset_get(a);
    assert_string_equal(info.name, "synthetic:3x8x9,classes=10,images=100");
    assert_string_equal(info.spec, info.name);
    assert_int_equal(info.test_count, 20);
    assert_memory_equal(a->train.pixels, b->train.pixels, 100 * 3 * 8 * 9);
    assert_memory_equal(a->test.pixels, b->test.pixels, 20 * 3 * 8 * 9);
    assert_memory_not_equal(a->train.pixels, a->test.pixels, 20 * 3 * 8 * 9);
    for (int i = 0; i < 100; i++) assert_int_equal(a->train.labels[i], i % 10);
    fnas_dataset_close(a);
    fnas_dataset_close(b);
}

/* They can be learned: the nearest class mean of the train part recognises most test images. */
static void synthetic_classes_differ(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset = open_synthetic(place, "synthetic:3x16x16,classes=5,images=500");
    static double means[5][768];
    int right = 0;
    for (int i = 0; i < 500; i++) {
        for (int k = 0; k < 768; k++) means[i % 5][k] += dataset->train.pixels[i * 768 + k] / 100.0;
    }
    for (int i = 0; i < 100; i++) {
        int best = 0;
        double least = INFINITY;
        for (int c = 0; c < 5; c++) {
            double distance = 0;
            for (int k = 0; k < 768; k++) distance += pow(dataset->test.pixels[i * 768 + k] - means[c][k], 2);
            if (distance < least) best = c, least = distance;
        }
        right += best == dataset->test.labels[i];
    }
    assert_in_range(right, 60, 100); /* chance: 20 */
    fnas_dataset_close(dataset);
}

static void train_part_has_mean_0_and_deviation_1(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset = open_synthetic(place, "synthetic:2x8x8,images=200");
    double sum[2] = {0}, squares[2] = {0};
    for (int i = 0; i < 200; i++) {
        float image[128];
        int32_t label;
        assert_status(FNAS_OK, fnas_dataset_image(place->context, dataset, NULL, i, image, &label));
        for (int k = 0; k < 128; k++) {
            sum[k / 64] += image[k];
            squares[k / 64] += (double)image[k] * image[k];
        }
    }
    for (int c = 0; c < 2; c++) {
        assert_true(fabs(sum[c] / 12800) < 1e-5); /* float32 rounding of mean and deviation */
        assert_true(fabs(squares[c] / 12800 - 1) < 1e-5);
    }
    fnas_dataset_close(dataset);
}

/* Every crop is looked for among all shifts and flips of the original, padded by black. */
static bool is_shift(const fnas_dataset *dataset, const float *original, const float *crop, int down, int right, bool flip) {
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 8; x++) {
            int from_y = y + down, from_x = (flip ? 7 - x : x) + right;
            bool inside = from_y >= 0 && from_y < 8 && from_x >= 0 && from_x < 8;
            float expected = inside ? original[from_y * 8 + from_x] : -dataset->mean[0] / dataset->std[0];
            if (fabsf(crop[y * 8 + x] - expected) > 1e-6f) return false;
        }
    }
    return true;
}

static void crops_and_flips_are_even(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset = open_synthetic(place, "synthetic:1x8x8,images=10");
    enum { draws = 1800 };
    int counts[18] = {0};
    float original[64], crop[64];
    int32_t label;
    assert_int_equal(fnas_dataset_get(dataset).crop_padding, 1);
    assert_status(FNAS_OK, fnas_dataset_image(place->context, dataset, NULL, 4, original, &label));
    for (int i = 0; i < draws; i++) {
        int found = -1;
        assert_status(FNAS_OK, fnas_dataset_augmented(place->context, dataset, NULL, 4, 1, i / 100, i % 100, crop, &label));
        assert_int_equal(label, 4);
        for (int k = 0; k < 18; k++) {
            if (is_shift(dataset, original, crop, k % 3 - 1, k / 3 % 3 - 1, k / 9)) found = k;
        }
        assert_int_not_equal(found, -1);
        counts[found]++;
    }
    double chi2 = 0;
    for (int k = 0; k < 18; k++) chi2 += pow(counts[k] - draws / 18.0, 2) / (draws / 18.0);
    assert_true(chi2 < 46); /* 17 degrees of freedom, p = 2e-4 */
    fnas_dataset_close(dataset);
}

typedef struct fill_job {
    const fnas_dataset *dataset;
    float *images;
} fill_job;

static fnas_status fill_one(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)worker;
    fill_job *job = user;
    int32_t label;
    return fnas_dataset_augmented(context, job->dataset, NULL, item * 7 % 50, 5, 3, item, job->images + item * 192, &label);
}

static void batches_do_not_depend_on_threads(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset = open_synthetic(place, "synthetic:3x8x8,images=50");
    static float batch[64 * 192], apart[64 * 192];
    int64_t indices[64];
    int32_t labels[64];
    for (int i = 0; i < 64; i++) indices[i] = i * 7 % 50;
    assert_status(FNAS_OK,
                  fnas_batch_fill(place->context, dataset, NULL, 64, indices, &(fnas_augment){.seed = 5, .step = 3}, batch, labels));
    fnas_team *team;
    assert_status(FNAS_OK, fnas_team_create(place->context, 3, NULL, &team));
    assert_status(FNAS_OK, fnas_team_run(place->context, team, 64, fill_one, &(fill_job){dataset, apart}));
    fnas_team_destroy(team);
    assert_memory_equal(batch, apart, sizeof batch);
    for (int i = 0; i < 64; i++) assert_int_equal(labels[i], indices[i] % 10);
    assert_status(FNAS_OK,
                  fnas_batch_fill(place->context, dataset, NULL, 64, indices, &(fnas_augment){.seed = 5, .step = 4}, apart, labels));
    assert_memory_not_equal(batch, apart, sizeof batch);

    assert_status(FNAS_OK, fnas_batch_fill(place->context, dataset, NULL, 64, indices, NULL, batch, labels));
    for (int i = 0; i < 64; i++) {
        assert_status(FNAS_OK, fnas_dataset_image(place->context, dataset, NULL, indices[i], apart, &labels[i]));
        assert_memory_equal(batch + i * 192, apart, 192 * sizeof(float));
    }
    fnas_dataset_close(dataset);
}

/* Other sizes: what is made of an image is what resizing makes of the data set's own, augmented or not. */
static void images_are_resized(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset = open_synthetic(place, "synthetic:1x8x8,images=20");
    static float own[64], small[16], large[3 * 12 * 10], wanted[120];
    int32_t label;
    for (int augmented = 0; augmented < 2; augmented++) {
        const int64_t four[3] = {1, 4, 4}, odd[3] = {3, 12, 10}, *const shapes[] = {NULL, four, odd};
        float *const images[] = {own, small, large};
        for (int i = 0; i < 3; i++) {
            assert_status(FNAS_OK, augmented ? fnas_dataset_augmented(place->context, dataset, shapes[i], 7, 1, 2, 3, images[i], &label)
                                             : fnas_dataset_image(place->context, dataset, shapes[i], 7, images[i], &label));
            assert_int_equal(label, 7);
        }
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 4; x++) {
                const float *at = own + 16 * y + 2 * x;
                assert_true(fabs(small[4 * y + x] - ((double)at[0] + at[1] + at[8] + at[9]) / 4) < 1e-6);
            }
        fnas_resize_aligned(1, 8, 8, 12, 10, own, wanted);
        for (int c = 0; c < 3; c++) assert_memory_equal(large + 120 * c, wanted, sizeof wanted);
    }
    fnas_dataset_close(dataset);
}

static char said[200];

static void keep_said(void *user, fnas_log_level level, const char *text) {
    (void)user, (void)level;
    snprintf(said, sizeof said, "%s", text);
}

static void what_is_resized_is_said(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *grey = open_synthetic(place, "synthetic:1x8x8,images=20"), *colour = open_synthetic(place, "synthetic:3x8x8,images=20");
    static const struct {
        int64_t shape[3];
        const char *line;
    } cases[] = {{{1, 8, 8}, ""},
                 {{3, 8, 8}, "images of 1x8x8 are made 3x8x8 (grey repeated)"},
                 {{1, 4, 4}, "images of 1x8x8 are made 1x4x4 (means of pixels)"},
                 {{1, 4, 8}, "images of 1x8x8 are made 1x4x8 (bilinear)"},
                 {{3, 32, 32}, "images of 1x8x8 are made 3x32x32 (bilinear)"}};
    fnas_context_set_log(place->context, keep_said, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        *said = 0;
        assert_status(FNAS_OK, fnas_dataset_fit(place->context, grey, cases[i].shape));
        assert_true(*cases[i].line ? strstr(said, cases[i].line) != NULL : !*said);
    }
    assert_status(FNAS_ERR_INPUT, fnas_dataset_fit(place->context, colour, (const int64_t[]){1, 8, 8}));
    assert_message("the space takes images 1x8x8, the data set synthetic:3x8x8,classes=10,images=20 has 3 channels");
    assert_status(FNAS_ERR_INPUT, fnas_dataset_fit(place->context, grey, (const int64_t[]){1, 8, 0}));
    fnas_dataset_close(grey);
    fnas_dataset_close(colour);
}

static void wrong_indices_are_refused(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset = open_synthetic(place, "synthetic:1x8x8,images=50");
    float image[64];
    int32_t label;
    assert_status(FNAS_ERR_USAGE, fnas_dataset_image(place->context, dataset, NULL, 50, image, &label));
    assert_message("image 50 of synthetic:1x8x8,classes=10,images=50 does not exist: there are 0..49");
    assert_status(FNAS_ERR_USAGE, fnas_dataset_image(place->context, dataset, NULL, -1, image, &label));
    assert_status(FNAS_ERR_USAGE, fnas_dataset_test_image(place->context, dataset, NULL, 10, image, &label));
    assert_status(FNAS_ERR_USAGE, fnas_dataset_augmented(place->context, dataset, NULL, 50, 0, 0, 0, image, &label));
    assert_status(FNAS_ERR_USAGE, fnas_batch_fill(place->context, dataset, NULL, 1, (int64_t[]){50}, NULL, image, &label));
    fnas_dataset_close(dataset);
}

/* ---- the real ones ---- */

static void check_balance(const fnas_image_set *set) {
    int64_t counts[10] = {0};
    for (int64_t i = 0; i < set->count; i++) counts[set->labels[i]]++;
    for (int c = 0; c < 10; c++) assert_int_equal(counts[c], set->count / 10);
}

static void real_fashion_mnist(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset;
    if (access("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz", R_OK)) {
        print_message("skipped: the package dataset-fashion-mnist is not installed\n");
        skip();
    }
    assert_status(FNAS_OK, fnas_dataset_open(place->context, "fashion-mnist", &dataset));
    fnas_dataset_info info = fnas_dataset_get(dataset);
    assert_int_equal(info.train_count, 60000);
    assert_int_equal(info.test_count, 10000);
    assert_int_equal(info.height * info.width, 784);
    assert_int_equal(info.crop_padding, 2);
    assert_true(fabs(info.mean[0] - 0.2860) < 1e-4); /* published with the data set: 0.2860, 0.3530 */
    assert_true(fabs(info.std[0] - 0.3530) < 1e-4);
    check_balance(&dataset->train);
    check_balance(&dataset->test);
    assert_int_equal(dataset->train.labels[0], 9); /* an ankle boot */
    fnas_dataset_close(dataset);
}

static void real_cifar10(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset;
    const char *shared = getenv("FLEETNAS_TEST_DATA");
    char spec[300];
    snprintf(spec, sizeof spec, "cifar10:%s/cifar10", shared ? shared : "");
    if (!shared || access(spec + 8, R_OK)) {
        print_message("skipped: FLEETNAS_TEST_DATA/cifar10 is absent\n");
        skip();
    }
    assert_status(FNAS_OK, fnas_dataset_open(place->context, spec, &dataset));
    fnas_dataset_info info = fnas_dataset_get(dataset);
    assert_int_equal(info.train_count, 50000);
    assert_int_equal(info.test_count, 10000);
    assert_int_equal(info.crop_padding, 4);
    check_balance(&dataset->train);
    check_balance(&dataset->test);
    for (int c = 0; c < 3; c++) { /* the published mean and deviation are those of these pixels */
        double sum = 0, squares = 0, count = 50000.0 * 1024;
        for (int64_t i = 0; i < 50000; i++) {
            for (int k = 0; k < 1024; k++) {
                double value = dataset->train.pixels[(i * 3 + c) * 1024 + k] / 255.0;
                sum += value;
                squares += value * value;
            }
        }
        assert_true(fabs(sum / count - info.mean[c]) < 1e-6);
        assert_true(fabs(sqrt(squares / count - pow(sum / count, 2)) - info.std[c]) < 1e-5);
    }
    fnas_dataset_close(dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(idx_files_are_read),
        fnas_test(the_environment_names_a_folder),
        fnas_test(damaged_idx_files_are_named),
        fnas_test(cifar_files_are_read),
        fnas_test(cifar_without_its_test_batch),
        fnas_test(damaged_cifar_files_are_named),
        fnas_test(small_files_are_no_cifar10),
        fnas_test(unknown_specs_are_explained),
        fnas_test(synthetic_sets_repeat),
        fnas_test(synthetic_classes_differ),
        fnas_test(train_part_has_mean_0_and_deviation_1),
        fnas_test(crops_and_flips_are_even),
        fnas_test(batches_do_not_depend_on_threads),
        fnas_test(images_are_resized),
        fnas_test(what_is_resized_is_said),
        fnas_test(wrong_indices_are_refused),
        fnas_test(real_fashion_mnist),
        fnas_test(real_cifar10),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
