/* Logits and gradients of a Transformer's sub-network against PyTorch's in double precision, for the same weights of the largest one:
 * against what it gave once (translator_torch.txt, written by torch_translator.py), and against what it gives here, where it is
 * installed. */
#include "export/support_translator.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "base/text.h"
#include "export/safetensors.h"

#define LINE_BYTES 1024
#define BOUND 1e-4 /* relative to the largest of a row, or to a gradient's length */
#define FILES FNAS_TEST_ROOT "/tests/export/"

/* ---- comparing ---- */

/* "NAME length product product" */
static void compare_gradient(const char *line, const test_translator *f, const fnas_parameter *item, double *worst) {
    const float *gradient = f->gradient + item->offset;
    double theirs[3], ours[3] = {0};
    char name[128];
    assert_int_equal(sscanf(line, "%127s %lf %lf %lf", name, &theirs[0], &theirs[1], &theirs[2]), 4);
    assert_string_equal(name, item->name);
    for (int64_t i = 0; i < item->count; i++) {
        double g = (double)gradient[i], at = (double)i;
        ours[0] += g * g;
        ours[1] += g * cos(at);
        ours[2] += g * sin(at * at);
    }
    ours[0] = sqrt(ours[0]);
    for (int k = 0; k < 3; k++) {
        double difference = fabs(ours[k] - theirs[k]) / fmax(theirs[0], 1e-6);
        if (!(difference <= BOUND)) fail_msg("gradient of %s: %.9g, PyTorch has %.9g", name, ours[k], theirs[k]);
        *worst = fmax(*worst, difference);
    }
}

static void compare_row(const char *line, int64_t token, const float *logits, double *worst) {
    double most = 0, theirs[TRANSLATOR_VOCABULARY];
    char *rest = (char *)line;
    for (int k = 0; k < TRANSLATOR_VOCABULARY; k++) {
        const char *before = rest;
        theirs[k] = strtod(before, &rest);
        assert_true(rest != before);
        most = fmax(most, fabs(theirs[k]));
    }
    for (int k = 0; k < TRANSLATOR_VOCABULARY; k++) {
        double difference = fabs((double)logits[k] - theirs[k]) / most;
        if (!(difference <= BOUND)) fail_msg("token %d, word %d: %.8g, PyTorch has %.8g", (int)token, k, (double)logits[k], theirs[k]);
        *worst = fmax(*worst, difference);
    }
}

static void compare(const test_translator *f, FILE *file, const char *whose) {
    char line[LINE_BYTES];
    double gradients = 0, logits = 0;
    for (int64_t i = 0; i < f->parameters.item_count; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        compare_gradient(line, f, &f->parameters.items[i], &gradients);
    }
    for (int64_t t = 0; t < f->target_start[TRANSLATOR_SENTENCES]; t++) {
        assert_non_null(fgets(line, sizeof line, file));
        compare_row(line, t, f->logits + t * TRANSLATOR_VOCABULARY, &logits);
    }
    print_message("%s: logits within %.2g, gradients within %.2g\n", whose, logits, gradients);
}

static void test_golden(void **state) {
    test_translator f;
    test_translator_begin(*state, &f);
    test_translator_run(*state, &f);
    FILE *file = fopen(FILES "translator_torch.txt", "r");
    assert_non_null(file);
    compare(&f, file, "as PyTorch gave them");
    fclose(file);
    test_translator_end(&f);
}

/* ---- PyTorch here ---- */

static void describe_side(fnas_text *text, const char *name, const fnas_translator_side *side, int64_t largest) {
    fnas_text_append(text, "\"%s\": {\"width\": %d, \"largest\": %d, \"layers\": [", name, (int)side->width, (int)largest);
    for (int64_t l = 0; l < side->layer_count; l++) {
        const fnas_translator_layer *layer = &side->layers[l];
        fnas_text_append(text, "%s{\"ffn\": %d, \"heads\": %d, \"cross_heads\": %d, \"cross_sources\": %d}", l ? ", " : "",
                         (int)layer->feed_forward, (int)layer->heads, (int)layer->cross_heads, (int)layer->cross_sources);
    }
    fnas_text_append(text, "]}");
}

static fnas_safetensors_tensor array_of(const char *name, fnas_safetensors_type type, int64_t count, const void *data) {
    return (fnas_safetensors_tensor){.name = name, .type = type, .rank = 1, .shape = {count}, .data = data};
}

static void write_case(fnas_test_place *place, const test_translator *f, const char *path) {
    const fnas_parameters *parameters = &f->parameters;
    int64_t count = parameters->item_count, targets = f->target_start[TRANSLATOR_SENTENCES];
    fnas_safetensors_tensor *tensors = fnas_allocate((size_t)count + 5, sizeof *tensors);
    char(*names)[128] = fnas_allocate((size_t)count, sizeof *names);
    assert_true(tensors && names);
    for (int64_t i = 0; i < count; i++) {
        const fnas_parameter *item = &parameters->items[i];
        snprintf(names[i], sizeof names[i], "parameter/%s", item->name);
        tensors[i] = (fnas_safetensors_tensor){
            .name = names[i], .type = FNAS_SAFETENSORS_F32, .rank = item->rank, .data = parameters->values + item->offset};
        memcpy(tensors[i].shape, item->shape, sizeof item->shape);
    }
    tensors[count] = array_of("source", FNAS_SAFETENSORS_I32, f->source_start[TRANSLATOR_SENTENCES], f->source);
    tensors[count + 1] = array_of("input", FNAS_SAFETENSORS_I32, targets, f->input);
    tensors[count + 2] = array_of("label", FNAS_SAFETENSORS_I32, targets, f->label);
    tensors[count + 3] = array_of("source_start", FNAS_SAFETENSORS_I64, TRANSLATOR_SENTENCES + 1, f->source_start);
    tensors[count + 4] = array_of("target_start", FNAS_SAFETENSORS_I64, TRANSLATOR_SENTENCES + 1, f->target_start);
    fnas_text shape = {0};
    fnas_text_append(&shape, "{\"vocabulary\": %d, \"attention\": %d, ", TRANSLATOR_VOCABULARY, (int)f->shape.attention_width);
    describe_side(&shape, "encoder", &f->shape.encoder, f->largest.encoder.width);
    fnas_text_append(&shape, ", ");
    describe_side(&shape, "decoder", &f->shape.decoder, f->largest.decoder.width);
    fnas_text_append(&shape, "}");
    const fnas_safetensors_text metadata[] = {{"shape", shape.data}, {"smoothing", "0.1"}};
    assert_status(FNAS_OK, fnas_safetensors_write(place->context, path, tensors, count + 5, metadata, 2));
    fnas_text_free(&shape);
    fnas_free(tensors);
    fnas_free(names);
}

static void test_of_torch(void **state) {
    fnas_test_place *place = *state;
    test_translator f;
    char output[256], command[1024];
    test_translator_begin(place, &f);
    test_translator_run(place, &f);
    const char *path = fnas_test_path(place, "net.safetensors");
    write_case(place, &f, path);
    snprintf(output, sizeof output, "%s", fnas_test_path(place, "torch.txt"));
    snprintf(command, sizeof command, "/usr/bin/python3 %storch_translator.py %s/bench/peers %s > %s", FILES, FNAS_TEST_ROOT, path, output);
    int status = system(command), code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == 77 || code == 127) {
        test_translator_end(&f);
        print_message("skipped: python3-torch is not installed\n");
        skip();
    }
    assert_int_equal(code, 0);
    FILE *file = fopen(output, "r");
    assert_non_null(file);
    compare(&f, file, "PyTorch");
    fclose(file);
    test_translator_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_golden), fnas_test(test_of_torch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
