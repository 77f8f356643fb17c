/* Image folders: what is listed, in which order, what is refused and skipped, and that images are the same however they are asked for. */
#include "data/support_pictures.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

#include "base/text.h"
#include "data/dataset.h"
#include "fleetnas/data.h"

/* ---- what is logged ---- */

static fnas_text logged;

static void keep_line(void *user, fnas_log_level level, const char *text) {
    (void)user, (void)level;
    fnas_text_append(&logged, "%s\n", text);
}

static void listen(fnas_test_place *place) {
    fnas_text_free(&logged);
    logged = (fnas_text){0};
    fnas_context_set_log(place->context, keep_line, NULL);
}

static void assert_logged(const char *part) {
    if (!logged.data || !strstr(logged.data, part)) fail_msg("the log \"%s\" lacks \"%s\"", logged.data ? logged.data : "", part);
}

static int forget(void **state) {
    (void)state;
    fnas_text_free(&logged);
    return 0;
}

/* ---- folders of pictures of one colour each ---- */

/* Red tells the class, green the number of the image, blue the part. */
static void write_image(fnas_test_place *place, const char *name, int red, int green, int blue) {
    test_write_plain(place, name, 12, 10, (const uint8_t[]){(uint8_t)red, (uint8_t)green, (uint8_t)blue});
}

static fnas_status open_in(fnas_test_place *place, const char *name, fnas_dataset **dataset) {
    char spec[200];
    snprintf(spec, sizeof spec, "folder:%s", fnas_test_path(place, name));
    return fnas_dataset_open(place->context, spec, dataset);
}

enum { SIDE = 8, AREA = SIDE * SIDE };
static const int64_t shape[3] = {3, SIDE, SIDE};

static int value_of(const fnas_dataset *dataset, const float *image, int channel) {
    fnas_dataset_info info = fnas_dataset_get(dataset);
    return (int)lround(255 * (image[channel * AREA + AREA / 2] * info.std[channel] + info.mean[channel]));
}

static void check_image(fnas_test_place *place, const fnas_dataset *dataset, bool test, int64_t index, int red, int green, int blue) {
    float image[3 * AREA];
    int32_t label;
    assert_status(FNAS_OK, test ? fnas_dataset_test_image(place->context, dataset, shape, index, image, &label)
                                : fnas_dataset_image(place->context, dataset, shape, index, image, &label));
    assert_int_equal(value_of(dataset, image, 0), red);
    assert_int_equal(value_of(dataset, image, 1), green);
    assert_int_equal(value_of(dataset, image, 2), blue);
    assert_int_equal(label, red / 10);
}

/* Names that a locale would sort otherwise than their bytes. */
static void write_two_levels(fnas_test_place *place) {
    write_image(place, "set/train/b/2.png", 10, 1, 0);
    write_image(place, "set/train/b/10.PNG", 10, 0, 0);
    write_image(place, "set/train/B/x.png", 0, 0, 0);
    write_image(place, "set/train/c/a.jpeg", 20, 2, 0);
    write_image(place, "set/train/c/Z.JPG", 20, 1, 0);
    write_image(place, "set/train/c/9.jpg", 20, 0, 0);
    write_image(place, "set/val/b/1.png", 10, 0, 9);
    write_image(place, "set/val/B/1.png", 0, 0, 9);
    write_image(place, "set/val/c/1.png", 20, 0, 9);
}

static void parts_classes_and_order(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset;
    write_two_levels(place);
    assert_status(FNAS_OK, open_in(place, "set", &dataset));
    fnas_dataset_info info = fnas_dataset_get(dataset);
    assert_int_equal(info.classes, 3);
    assert_int_equal(info.train_count, 6);
    assert_int_equal(info.test_count, 3);
    assert_int_equal(info.channels, 3);
    assert_int_equal(info.height, 0);
    assert_int_equal(strncmp(info.spec, "folder:/", 8), 0);
    assert_non_null(strstr(info.name, ",classes=3,train=6,test=3"));
    assert_null(strstr(info.name, place->folder));
    static const int order[6][2] = {{0, 0}, {10, 0}, {20, 0}, {10, 1}, {20, 1}, {20, 2}}; /* the classes take turns */
    for (int i = 0; i < 6; i++) check_image(place, dataset, false, i, order[i][0], order[i][1], 0);
    for (int i = 0; i < 3; i++) check_image(place, dataset, true, i, 10 * i, 0, 9);
    fnas_dataset_close(dataset);
}

static void a_folder_without_val_has_no_test_part(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset;
    write_image(place, "set/train/a/1.png", 0, 0, 0);
    write_image(place, "set/train/b/1.png", 10, 0, 0);
    assert_status(FNAS_OK, open_in(place, "set", &dataset));
    assert_int_equal(fnas_dataset_get(dataset).test_count, 0);
    fnas_dataset_close(dataset);
}

/* Of 21 images numbers 9 and 19, of 3 the last, of 1 none; a class may be called train. */
static void one_level_is_split(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset;
    char name[32];
    for (int i = 0; i < 21; i++) {
        snprintf(name, sizeof name, "set/a/%02d.png", i);
        write_image(place, name, 0, i, 0);
    }
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "set/b/%02d.png", i);
        write_image(place, name, 10, i, 0);
    }
    write_image(place, "set/train/1.png", 20, 0, 0);
    assert_status(FNAS_OK, open_in(place, "set", &dataset));
    fnas_dataset_info info = fnas_dataset_get(dataset);
    assert_int_equal(info.classes, 3);
    assert_int_equal(info.train_count, 19 + 2 + 1);
    assert_int_equal(info.test_count, 3);
    check_image(place, dataset, true, 0, 0, 9, 0);
    check_image(place, dataset, true, 1, 10, 2, 0);
    check_image(place, dataset, true, 2, 0, 19, 0);
    check_image(place, dataset, false, 2, 20, 0, 0);
    fnas_dataset_close(dataset);
}

static void the_name_is_that_of_the_images(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *here, *there;
    write_two_levels(place);
    assert_status(FNAS_OK, open_in(place, "set", &here));
    assert_int_equal(rename(fnas_test_path(place, "set"), fnas_test_path(place, "moved")), 0);
    assert_status(FNAS_OK, open_in(place, "moved", &there));
    assert_string_equal(fnas_dataset_get(here).name, fnas_dataset_get(there).name);
    fnas_dataset_close(there);
    assert_int_equal(rename(fnas_test_path(place, "moved/train/b/2.png"), fnas_test_path(place, "moved/train/b/3.png")), 0);
    assert_status(FNAS_OK, open_in(place, "moved", &there));
    assert_string_not_equal(fnas_dataset_get(here).name, fnas_dataset_get(there).name);
    fnas_dataset_close(here);
    fnas_dataset_close(there);
}

/* ---- what is left out ---- */

static void other_things_are_ignored_and_counted(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset;
    write_two_levels(place);
    write_image(place, "set/train/b/inner/1.png", 1, 1, 1);
    write_image(place, "set/train/loose.png", 1, 1, 1);
    write_image(place, "set/cover.png", 1, 1, 1);
    write_image(place, "set/test/b/1.png", 1, 1, 1);
    fnas_test_write_text(place, "set/train/b/notes.txt", "x");
    fnas_test_write_text(place, "set/train/b/.hidden.png", "x");
    fnas_test_write_text(place, "set/train/b/empty.png", "");
    assert_int_equal(symlink("2.png", fnas_test_path(place, "set/train/b/link.png")), 0);
    assert_int_equal(symlink("b", fnas_test_path(place, "set/train/linked")), 0);
    listen(place);
    assert_status(FNAS_OK, open_in(place, "set", &dataset));
    assert_int_equal(fnas_dataset_get(dataset).train_count, 6);
    assert_logged("set: ignored: 2 images outside class folders, 1 folder beside train and val, 1 hidden name, 2 symbolic links, 1 folder "
                  "inside a class, 1 file that is no "
                  "image by its name");
    assert_logged("set: 1 image left out, having no byte: train/b/empty.png");
    fnas_dataset_close(dataset);
}

/* Damaged ones are met when they are decoded; the next image of the class stands in. */
static void damaged_images_are_replaced(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset;
    write_two_levels(place);
    fnas_test_write_text(place, "set/train/b/10.PNG", "no picture");
    fnas_test_write_text(place, "set/train/c/a.jpeg", "no picture either");
    listen(place);
    assert_status(FNAS_OK, open_in(place, "set", &dataset));
    for (int again = 0; again < 2; again++) {
        check_image(place, dataset, false, 1, 10, 1, 0);
        check_image(place, dataset, false, 5, 20, 0, 0); /* behind the last comes the first */
        check_image(place, dataset, false, 4, 20, 1, 0);
    }
    assert_logged(
        "set/train/b/10.PNG: neither a JPEG nor a PNG file by its first bytes; left out: the next image of its class takes its place");
    assert_null(strstr(strstr(logged.data, "10.PNG") + 1, "10.PNG")); /* said once */
    fnas_test_write_text(place, "set/train/b/2.png", "gone as well");
    float image[3 * AREA];
    int32_t label;
    assert_status(FNAS_ERR_INPUT, fnas_dataset_image(place->context, dataset, shape, 3, image, &label));
    assert_message("set/train/b/2.png: no image of its class can be decoded");
    assert_int_equal(remove(fnas_test_path(place, "set/train/B/x.png")), 0);
    assert_status(FNAS_ERR_IO, fnas_dataset_image(place->context, dataset, shape, 0, image, &label));
    assert_message("set/train/B/x.png: cannot open");
    fnas_dataset_close(dataset);
}

/* ---- what is refused ---- */

static void refuse(fnas_test_place *place, const char *name, const char *message) {
    fnas_dataset *dataset;
    assert_status(FNAS_ERR_INPUT, open_in(place, name, &dataset));
    assert_message(message);
    assert_null(dataset);
}

static void folders_laid_out_otherwise_are_explained(void **state) {
    fnas_test_place *place = *state;
    refuse(place, "nowhere", "nowhere: cannot open");
    test_make_folders(place, "empty/");
    refuse(place, "empty", "empty: no folder of a class in it: an image folder is DIR/train/CLASS/*.jpg");
    write_image(place, "flat/1.png", 0, 0, 0);
    refuse(place, "flat",
           "no folder of a class in it: an image folder is DIR/train/CLASS/*.jpg with DIR/val/CLASS/*.jpg, or DIR/CLASS/*.jpg; "
           "there: 1 image outside class folders");
    write_image(place, "one/a/1.png", 0, 0, 0);
    refuse(place, "one", "one: one class only (a): a data set has at least two");
    write_image(place, "one/train/a/1.png", 0, 0, 0);
    refuse(place, "one", "one: one class only (a)");
    test_make_folders(place, "hollow/b/");
    write_image(place, "hollow/a/1.png", 0, 0, 0);
    refuse(place, "hollow", "hollow/b: the class has no image");
    fnas_test_write_text(place, "hollow/b/1.png", "");
    refuse(place, "hollow", "hollow/b: the class has no image");
    write_two_levels(place);
    write_image(place, "set/val/d/1.png", 0, 0, 0);
    refuse(place, "set", "set/val/d: the train part has no class of this name");
    assert_int_equal(remove(fnas_test_path(place, "set/val/d/1.png")) + rmdir(fnas_test_path(place, "set/val/d")), 0);
    assert_int_equal(remove(fnas_test_path(place, "set/val/b/1.png")) + rmdir(fnas_test_path(place, "set/val/b")), 0);
    refuse(place, "set", "set/val: no folder of the train part's class b: both parts must have the same classes");
    write_image(place, "set/val/b/1.png", 10, 0, 9);
    assert_int_equal(remove(fnas_test_path(place, "set/val/c/1.png")) + rmdir(fnas_test_path(place, "set/val/c")), 0);
    refuse(place, "set", "set/val: no folder of the train part's class c"); /* the last */
    write_image(place, "between/0.png", 0, 0, 0);
    write_image(place, "between/a/1.png", 0, 0, 0);
    write_image(place, "between/b.png", 0, 0, 0);
    refuse(place, "between", "between: one class only (a)");
    write_image(place, "sorted/train/a/1.png", 0, 0, 0);
    write_image(place, "sorted/train/b/1.png", 0, 0, 0);
    write_image(place, "sorted/val/1.png", 0, 0, 0);
    refuse(place, "sorted", "sorted/val: no folder of a class in it, but 1 images: move them into folders");
    fnas_test_write_text(place, "text", "something");
    refuse(place, "text", "text: no file of prepared images");
}

/* ---- shapes, threads ---- */

static void shapes_are_checked(void **state) {
    fnas_test_place *place = *state;
    fnas_dataset *dataset;
    static float image[3 * 1024];
    int32_t label;
    write_two_levels(place);
    listen(place);
    assert_status(FNAS_OK, open_in(place, "set", &dataset));
    assert_status(FNAS_ERR_USAGE, fnas_dataset_image(place->context, dataset, NULL, 0, image, &label));
    assert_message("its images have no size of their own");
    assert_status(FNAS_ERR_INPUT, fnas_dataset_fit(place->context, dataset, (const int64_t[]){1, 8, 8}));
    assert_message("the space takes images 1x8x8, the data set folder:");
    assert_status(FNAS_ERR_INPUT, fnas_dataset_fit(place->context, dataset, (const int64_t[]){3, 8, 1025}));
    assert_status(FNAS_OK, fnas_dataset_fit(place->context, dataset, (const int64_t[]){3, 32, 32}));
    assert_logged("pictures are cut and resized to 3x32x32");
    assert_status(FNAS_OK, fnas_dataset_image(place->context, dataset, (const int64_t[]){3, 32, 16}, 3, image, &label));
    assert_status(FNAS_ERR_USAGE, fnas_dataset_image(place->context, dataset, shape, 6, image, &label));
    fnas_dataset_close(dataset);
}

/* Pictures with something to see in them, larger than what is asked for, so that JPEGs are decoded smaller. */
static void write_photographs(fnas_test_place *place, int count) {
    enum { H = 90, W = 120 };
    static uint8_t pixels[H * W * 3];
    char name[64];
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < H * W * 3; k++) pixels[k] = (uint8_t)(128 + 80 * sin(0.02 * i * (k / 3 % W) + k % 3) + k / 3 / W / 2);
        test_bytes bytes = test_jpeg(H, W, TEST_RGB, pixels, i % 9, false);
        snprintf(name, sizeof name, "set/%c/%02d.jpg", "ab"[i % 2], i);
        test_make_folders(place, name);
        fnas_test_write(place, name, bytes.data, bytes.size);
        free(bytes.data);
    }
}

enum { BATCH = 40 };

static void fill(fnas_test_place *place, const fnas_dataset *dataset, int64_t threads, const fnas_augment *augment, float *images) {
    int64_t indices[BATCH];
    int32_t labels[BATCH];
    int64_t count = fnas_dataset_get(dataset).train_count;
    for (int i = 0; i < BATCH; i++) indices[i] = i * 7 % count;
    fnas_context_set_threads(place->context, threads);
    assert_status(FNAS_OK, fnas_batch_fill(place->context, dataset, shape, BATCH, indices, augment, images, labels));
    for (int i = 0; i < BATCH; i++) assert_int_equal(labels[i], indices[i] % 2); /* the classes take turns */
}

static void batches_are_the_same_for_any_threads(void **state) {
    fnas_test_place *place = *state;
    static float one[BATCH * 3 * AREA], three[BATCH * 3 * AREA], alone[3 * AREA];
    fnas_dataset *dataset;
    int32_t label;
    write_photographs(place, 24);
    fnas_test_write_text(place, "set/a/04.jpg", "damaged");
    assert_status(FNAS_OK, open_in(place, "set", &dataset));
    fnas_augment augment = {.seed = 5, .step = 3};
    fill(place, dataset, 1, NULL, one);
    fill(place, dataset, 3, NULL, three);
    assert_memory_equal(one, three, sizeof one);
    fill(place, dataset, 1, &augment, one);
    fill(place, dataset, 3, &augment, three);
    assert_memory_equal(one, three, sizeof one);
    assert_status(FNAS_OK, fnas_dataset_augmented(place->context, dataset, shape, 4 * 7 % 22, 5, 3, 4, alone, &label));
    assert_memory_equal(one + 4 * 3 * AREA, alone, sizeof alone);
    augment.step = 4;
    fill(place, dataset, 3, &augment, three);
    assert_memory_not_equal(one, three, sizeof one);
    fnas_dataset_close(dataset);
}

/* ---- prepared files ---- */

static fnas_status prepare(fnas_test_place *place, int64_t side, fnas_prepared *prepared) {
    char spec[200];
    snprintf(spec, sizeof spec, "folder:%s", fnas_test_path(place, "set"));
    return fnas_dataset_prepare(place->context, spec, side, fnas_test_path(place, "packed"), prepared);
}

/* Whole pictures in the file are those of the folder; a smaller side makes others. */
static void prepared_images_are_those_of_the_folder(void **state) {
    fnas_test_place *place = *state;
    static float direct[BATCH * 3 * AREA], packed[BATCH * 3 * AREA];
    const fnas_augment augment = {.seed = 1, .step = 2};
    fnas_dataset *folder, *file;
    fnas_prepared prepared;
    char name[64];
    for (int i = 0; i < 24; i++) {
        snprintf(name, sizeof name, "set/%c/%02d.png", "ab"[i % 2], i);
        test_write_plain(place, name, 20 + i, 30 - i, (const uint8_t[]){(uint8_t)(9 * i), (uint8_t)(255 - 7 * i), 100});
    }
    assert_status(FNAS_OK, prepare(place, 0, &prepared));
    assert_int_equal(prepared.train_count, 22);
    assert_int_equal(prepared.test_count, 2);
    assert_int_equal(prepared.classes, 2);
    assert_int_equal(prepared.side, 256);
    assert_false(prepared.was_current);
    assert_status(FNAS_OK, open_in(place, "set", &folder));
    assert_status(FNAS_OK, fnas_dataset_open(place->context, fnas_test_path(place, "packed"), &file)); /* without the word before it */
    assert_non_null(strstr(fnas_dataset_get(file).name, ",classes=2,train=22,test=2,side=256"));
    for (int augmented = 0; augmented < 2; augmented++) {
        fill(place, folder, 2, augmented ? &augment : NULL, direct);
        fill(place, file, 2, augmented ? &augment : NULL, packed);
        assert_memory_equal(direct, packed, sizeof direct);
    }
    int32_t labels[2];
    assert_status(FNAS_OK, fnas_batch_fill_test(place->context, file, shape, 2, packed, labels));
    assert_status(FNAS_OK, fnas_batch_fill_test(place->context, folder, shape, 2, direct, labels));
    assert_memory_equal(direct, packed, 2 * 3 * AREA * sizeof(float));
    fnas_dataset_close(folder);
    fnas_dataset_close(file);
}

static void prepared_images_are_no_larger_than_asked(void **state) {
    fnas_test_place *place = *state;
    fnas_prepared prepared;
    fnas_dataset *file;
    struct stat info;
    write_photographs(place, 6);
    fnas_test_write_text(place, "set/a/04.jpg", "damaged");
    listen(place);
    assert_status(FNAS_OK, prepare(place, 16, &prepared));
    assert_int_equal(prepared.damaged, 1);
    assert_int_equal(prepared.train_count + prepared.test_count, 5);
    assert_logged("left out: ");
    assert_logged("set/a/04.jpg: neither a JPEG nor a PNG file");
    assert_int_equal(stat(fnas_test_path(place, "packed"), &info), 0);
    assert_int_equal(prepared.size_bytes, info.st_size);
    size_t ends = 16 + 5 * 24 + strlen(place->folder) + strlen("/set") + 1 + 11 * 8 + 16;
    assert_int_equal(prepared.size_bytes, 5 * 16 * 21 * 3 + ends); /* 90 x 120 to 16 x 21.3, upright or lying */
    assert_status(FNAS_OK, open_in(place, "packed", &file));
    fnas_dataset_close(file);
    assert_status(FNAS_OK, prepare(place, 16, &prepared));
    assert_true(prepared.was_current);
    assert_int_equal(prepared.damaged, 1);
    assert_status(FNAS_OK, prepare(place, 24, &prepared)); /* of another size it is made anew */
    assert_false(prepared.was_current);
    assert_status(FNAS_ERR_USAGE, prepare(place, 7, &prepared));
    assert_message("a shorter side of 7 pixels: it must be 8..4096");
    assert_status(FNAS_ERR_USAGE, fnas_dataset_prepare(place->context, "cifar10:x", 16, fnas_test_path(place, "p"), &prepared));
    assert_message("cifar10:x: images are prepared from a folder of them, folder:DIR");
}

static void stale_files_are_refused_and_made_anew(void **state) {
    fnas_test_place *place = *state;
    fnas_prepared prepared;
    fnas_dataset *file;
    write_photographs(place, 6);
    assert_status(FNAS_OK, prepare(place, 16, &prepared));
    const struct timespec times[2] = {{1000000000, 5}, {1000000000, 5}};
    assert_int_equal(utimensat(AT_FDCWD, fnas_test_path(place, "set/a/02.jpg"), times, 0), 0);
    assert_status(FNAS_ERR_INPUT, open_in(place, "packed", &file));
    assert_message("packed: stale: ");
    assert_message("has changed since it was made of it: make it anew with `fleetnas data prepare folder:");
    assert_status(FNAS_OK, prepare(place, 16, &prepared));
    assert_false(prepared.was_current);
    assert_status(FNAS_OK, open_in(place, "packed", &file));
    fnas_dataset_close(file);
    assert_int_equal(rename(fnas_test_path(place, "set"), fnas_test_path(place, "away")), 0);
    listen(place);
    assert_status(FNAS_OK, open_in(place, "packed", &file)); /* it needs no folder */
    assert_logged("which is not here: taken as it is");
    fnas_dataset_close(file);
}

static int count_files(const char *path) {
    int count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder)) count++;
    closedir(folder);
    return count - 2;
}

static void an_interrupted_preparation_leaves_nothing(void **state) {
    fnas_test_place *place = *state;
    fnas_prepared prepared;
    write_photographs(place, 6);
    fnas_context_request_stop(place->context);
    assert_status(FNAS_INTERRUPTED, prepare(place, 16, &prepared));
    assert_message("packed was not written");
    assert_int_equal(count_files(place->folder), 1);
}

static void a_class_that_cannot_be_decoded_is_named(void **state) {
    fnas_test_place *place = *state;
    fnas_prepared prepared;
    write_image(place, "set/train/a/1.png", 0, 0, 0);
    test_make_folders(place, "set/train/b/");
    fnas_test_write_text(place, "set/train/b/1.png", "damaged");
    assert_status(FNAS_ERR_INPUT, prepare(place, 16, &prepared));
    assert_message("set/train/b: no image of the class can be decoded");
    assert_int_equal(count_files(place->folder), 1);
}

/* Cut at any byte, or with any byte of its list or trailer changed, it is refused. */
static void damaged_prepared_files_are_refused(void **state) {
    fnas_test_place *place = *state;
    static unsigned char bytes[20000], spoilt[20000];
    fnas_prepared prepared;
    write_photographs(place, 6);
    assert_status(FNAS_OK, prepare(place, 16, &prepared));
    size_t size = (size_t)prepared.size_bytes, first = 16 + 6 * 16 * 21 * 3;
    FILE *file = fopen(fnas_test_path(place, "packed"), "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), size);
    fclose(file);
    for (size_t cut = 0; cut < size; cut += cut < first - 40 && cut > 20 ? 97 : 1) {
        fnas_test_write(place, "cut", bytes, cut);
        refuse(place, "cut", cut == 0 ? "cut: the file is empty" : cut < 16 ? "cut: no file of prepared images" : "cut: truncated");
    }
    for (size_t at = first; at < size; at++) {
        memcpy(spoilt, bytes, size);
        spoilt[at] ^= 0x20;
        fnas_test_write(place, "spoilt", spoilt, size);
        refuse(place, "spoilt", "make it anew with `fleetnas data prepare`");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(parts_classes_and_order),
        fnas_test(a_folder_without_val_has_no_test_part),
        fnas_test(one_level_is_split),
        fnas_test(the_name_is_that_of_the_images),
        fnas_test(other_things_are_ignored_and_counted),
        fnas_test(damaged_images_are_replaced),
        fnas_test(folders_laid_out_otherwise_are_explained),
        fnas_test(shapes_are_checked),
        fnas_test(batches_are_the_same_for_any_threads),
        fnas_test(prepared_images_are_those_of_the_folder),
        fnas_test(prepared_images_are_no_larger_than_asked),
        fnas_test(stale_files_are_refused_and_made_anew),
        fnas_test(an_interrupted_preparation_leaves_nothing),
        fnas_test(a_class_that_cannot_be_decoded_is_named),
        fnas_test(damaged_prepared_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
