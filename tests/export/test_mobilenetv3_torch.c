/* Logits of sub-networks against PyTorch's for the same shared weights, with kernel transforms that are not identities: against those that
 * it gave once (mobilenetv3_logits.txt, written by torch_mobilenetv3.py), and against those that it gives here, where it is installed. */
#include "base/support.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "export/safetensors.h"
#include "nn/path.h"
#include "space/mobilenetv3/mobilenetv3.h"

#define SPEC "mobilenetv3:width=1.0,classes=10"
#define IMAGES 4
#define CLASSES 10
#define ARCHS 3
#define LINE_BYTES 1024
#define FILES FNAS_TEST_ROOT "/tests/export/"

typedef struct fixture {
    fnas_space *space;
    fnas_parameters parameters;
    float *images;
    float logits[ARCHS][IMAGES][CLASSES];
} fixture;

/* Depths 2, 3 and mixed ones; the second has odd sizes: 132, 66, 33, 17, 9, 5. */
static void choose(int index, int32_t *choices) {
    static const int32_t resolutions[ARCHS] = {0, 1, 0},
                         depths[ARCHS][FNAS_MBV3_STAGES] = {{0, 0, 0, 0, 0}, {1, 1, 1, 1, 1}, {2, 0, 1, 2, 0}};
    fnas_mbv3_covering(resolutions[index], 5 - index, choices);
    for (int stage = 0; stage < FNAS_MBV3_STAGES; stage++) choices[FNAS_MBV3_DEPTH + stage] = depths[index][stage];
}

/* As after training: norms, biases and transforms are not what they begin with. */
static void draw_weights(fixture *f) {
    fnas_random random = fnas_random_begin(12, FNAS_STREAM_TEST, 0, 0);
    fnas_parameters_initialise(&f->parameters, 12);
    for (int64_t i = 0; i < f->parameters.item_count; i++) {
        const fnas_parameter *item = &f->parameters.items[i];
        if (item->initialiser == FNAS_INIT_FAN_IN_UNIFORM) continue;
        for (int64_t k = 0; k < item->count; k++) f->parameters.values[item->offset + k] += 0.2f * (float)fnas_random_normal(&random);
    }
}

static void begin(fnas_test_place *place, fixture *f) {
    memset(f, 0, sizeof *f);
    assert_status(FNAS_OK, fnas_space_open(place->context, SPEC, &f->space));
    assert_status(FNAS_OK, fnas_space_declare(place->context, f->space, &f->parameters));
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &f->parameters));
    draw_weights(f);
    size_t pixels = IMAGES * 3 * 224 * 224;
    fnas_random random = fnas_random_begin(13, FNAS_STREAM_TEST, 0, 0);
    f->images = fnas_allocate(pixels, sizeof *f->images);
    assert_non_null(f->images);
    for (size_t i = 0; i < pixels; i++) f->images[i] = (float)fnas_random_normal(&random);
}

static void end(fixture *f) {
    fnas_parameters_free(&f->parameters);
    fnas_space_close(f->space);
    fnas_free(f->images);
}

static void run(fnas_test_place *place, fixture *f, fnas_worker *worker, int index) {
    int32_t choices[FNAS_MBV3_DECISIONS];
    fnas_net *net;
    fnas_path_result result;
    choose(index, choices);
    assert_status(FNAS_OK, fnas_space_record(place->context, f->space, choices, &net));
    fnas_path_request request = {.net = net, .parameters = &f->parameters, .n = IMAGES, .images = f->images, .logits = f->logits[index][0]};
    assert_status(FNAS_OK, fnas_path_run(place->context, worker, &request, &result));
    fnas_net_destroy(net);
}

static void run_all(fnas_test_place *place, fixture *f) {
    fnas_worker worker;
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    for (int index = 0; index < ARCHS; index++) run(place, f, &worker, index);
    fnas_worker_destroy(&worker);
}

/* ---- comparing ---- */

static void compare_row(const char *line, int index, int image, const float *logits, double *worst) {
    double most = 0, theirs[CLASSES];
    char *rest = (char *)line;
    for (int c = 0; c < CLASSES; c++) {
        const char *before = rest;
        theirs[c] = strtod(before, &rest);
        assert_true(rest != before);
        most = fmax(most, fabs(theirs[c]));
    }
    for (int c = 0; c < CLASSES; c++) {
        double difference = fabs((double)logits[c] - theirs[c]) / most;
        if (!(difference <= 1e-4))
            fail_msg("network %d, image %d, logit %d: %.8g, PyTorch has %.8g", index, image, c, (double)logits[c], theirs[c]);
        *worst = fmax(*worst, difference);
    }
}

static void compare(fnas_test_place *place, const fixture *f, FILE *file, const char *whose) {
    char line[LINE_BYTES], arch[FNAS_ARCH_TEXT_BYTES];
    double worst = 0;
    for (int index = 0; index < ARCHS; index++) {
        int32_t choices[FNAS_MBV3_DECISIONS];
        choose(index, choices);
        assert_status(FNAS_OK, fnas_space_format(place->context, f->space, choices, arch, sizeof arch));
        assert_non_null(fgets(line, sizeof line, file));
        line[strcspn(line, "\n")] = 0;
        assert_string_equal(line, arch);
        for (int image = 0; image < IMAGES; image++) {
            assert_non_null(fgets(line, sizeof line, file));
            compare_row(line, index, image, f->logits[index][image], &worst);
        }
    }
    print_message("%s: logits within %.2g\n", whose, worst);
}

static void test_golden_logits(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    begin(place, &f);
    run_all(place, &f);
    FILE *file = fopen(FILES "mobilenetv3_logits.txt", "r");
    assert_non_null(file);
    compare(place, &f, file, "as PyTorch gave them");
    fclose(file);
    end(&f);
}

/* ---- PyTorch here ---- */

static void write_case(fnas_test_place *place, const fixture *f, int index, const char *path) {
    const fnas_parameters *parameters = &f->parameters;
    size_t count = (size_t)parameters->item_count;
    fnas_safetensors_tensor *tensors = fnas_allocate(count + 1, sizeof *tensors);
    char(*names)[128] = fnas_allocate(count + 1, sizeof *names);
    assert_true(tensors && names);
    for (size_t i = 0; i < count; i++) {
        const fnas_parameter *item = &parameters->items[i];
        snprintf(names[i], sizeof names[i], "parameter/%s", item->name);
        tensors[i] = (fnas_safetensors_tensor){
            .name = names[i], .type = FNAS_SAFETENSORS_F32, .rank = item->rank, .data = parameters->values + item->offset};
        memcpy(tensors[i].shape, item->shape, sizeof item->shape);
    }
    int32_t choices[FNAS_MBV3_DECISIONS];
    char arch[FNAS_ARCH_TEXT_BYTES];
    int64_t image[3];
    choose(index, choices);
    fnas_space_image_of(f->space, choices, image);
    assert_status(FNAS_OK, fnas_space_format(place->context, f->space, choices, arch, sizeof arch));
    tensors[count] = (fnas_safetensors_tensor){.name = "images", .type = FNAS_SAFETENSORS_F32, .rank = 4, .data = f->images};
    memcpy(tensors[count].shape, (int64_t[]){IMAGES, image[0], image[1], image[2]}, 4 * sizeof(int64_t));
    const fnas_safetensors_text metadata[] = {{"space", fnas_space_spec(f->space)}, {"arch", arch}};
    assert_status(FNAS_OK, fnas_safetensors_write(place->context, path, tensors, (int64_t)count + 1, metadata, 2));
    fnas_free(tensors);
    fnas_free(names);
}

static void test_logits_of_torch(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    fnas_text command = {0};
    char name[32], output[512];
    begin(place, &f);
    run_all(place, &f);
    fnas_text_append(&command, "/usr/bin/python3 %storch_mobilenetv3.py %s/bench/peers", FILES, FNAS_TEST_ROOT);
    for (int index = 0; index < ARCHS; index++) {
        snprintf(name, sizeof name, "net%d.safetensors", index);
        const char *path = fnas_test_path(place, name);
        write_case(place, &f, index, path);
        fnas_text_append(&command, " %s", path);
    }
    snprintf(output, sizeof output, "%s", fnas_test_path(place, "logits.txt"));
    fnas_text_append(&command, " > %s", output);
    int status = system(command.data), code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    fnas_text_free(&command);
    if (code == 77 || code == 127) {
        end(&f);
        print_message("skipped: python3-torch is not installed\n");
        skip();
    }
    assert_int_equal(code, 0);
    FILE *file = fopen(output, "r");
    assert_non_null(file);
    compare(place, &f, file, "PyTorch");
    fclose(file);
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_golden_logits), fnas_test(test_logits_of_torch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
