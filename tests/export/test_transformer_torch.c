/* Logits and gradients of a Transformer's sub-network against PyTorch's in double precision, for the same weights of the largest one:
 * against what it gave once (transformer_torch.txt, written by torch_transformer.py), and against what it gives here, where it is
 * installed. */
#include "base/support.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "export/safetensors.h"
#include "nn/transformer/transformer.h"

#define VOCABULARY 23
#define SENTENCES 3
#define TOKENS_MOST 40
#define SMOOTHING 0.1f
#define LINE_BYTES 1024
#define BOUND 1e-4 /* relative to the largest of a row, or to a gradient's length */
#define FILES FNAS_TEST_ROOT "/tests/export/"

typedef struct fixture {
    fnas_transformer largest, shape;
    fnas_parameters parameters;
    int32_t source[TOKENS_MOST], input[TOKENS_MOST], label[TOKENS_MOST];
    int64_t source_start[SENTENCES + 1], target_start[SENTENCES + 1];
    float *gradient, *logits;
} fixture;

static void shape_side(fnas_transformer_side *largest, fnas_transformer_side *side, int64_t width, int64_t narrow, int64_t layers) {
    *largest = (fnas_transformer_side){.width = width, .layer_count = 4, .width_gate = -1, .layers_gate = -1};
    for (int64_t l = 0; l < 4; l++) largest->layers[l] = (fnas_transformer_layer){48, 8, 8, 3, -1, -1, -1, -1};
    *side = *largest;
    side->width = narrow;
    side->layer_count = layers;
    for (int64_t l = 0; l < layers; l++) {
        side->layers[l].feed_forward = 16 * (1 + l % 3);
        side->layers[l].heads = l % 2 ? 4 : 8;
        side->layers[l].cross_heads = l % 2 ? 8 : 2;
        side->layers[l].cross_sources = 1 + l % 3;
    }
}

/* Ids below the vocabulary; sentences of different lengths. */
static void draw_sentences(fnas_random *random, fixture *f) {
    for (int i = 0; i < SENTENCES; i++) {
        f->source_start[i + 1] = f->source_start[i] + 3 + 4 * i;
        f->target_start[i + 1] = f->target_start[i] + 9 - 3 * i;
    }
    for (int i = 0; i < TOKENS_MOST; i++) {
        f->source[i] = (int32_t)fnas_random_below(random, VOCABULARY);
        f->input[i] = (int32_t)fnas_random_below(random, VOCABULARY);
        f->label[i] = (int32_t)fnas_random_below(random, VOCABULARY);
    }
}

static void begin(fnas_test_place *place, fixture *f) {
    fnas_random random = fnas_random_begin(21, FNAS_STREAM_TEST, 0, 0);
    memset(f, 0, sizeof *f);
    f->largest = f->shape = (fnas_transformer){.vocabulary = VOCABULARY, .attention_width = 32};
    shape_side(&f->largest.encoder, &f->shape.encoder, 40, 24, 4);
    shape_side(&f->largest.decoder, &f->shape.decoder, 36, 28, 3);
    draw_sentences(&random, f);
    assert_status(FNAS_OK, fnas_transformer_declare(place->context, &f->largest, &f->parameters));
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &f->parameters));
    fnas_parameters_initialise(&f->parameters, 21);
    for (int64_t i = 0; i < f->parameters.item_count; i++) {
        const fnas_parameter *item = &f->parameters.items[i];
        for (int64_t k = 0; item->rank == 1 && k < item->count; k++)
            f->parameters.values[item->offset + k] += 0.2f * (float)fnas_random_normal(&random);
    }
    f->gradient = fnas_allocate((size_t)f->parameters.float_count, sizeof *f->gradient);
    f->logits = fnas_allocate((size_t)f->target_start[SENTENCES] * VOCABULARY, sizeof *f->logits);
    assert_true(f->gradient && f->logits);
}

static void end(fixture *f) {
    fnas_parameters_free(&f->parameters);
    fnas_free(f->gradient);
    fnas_free(f->logits);
}

static void run(fnas_test_place *place, fixture *f) {
    fnas_transformer_batch batch = {SENTENCES, f->source, f->source_start, f->input, f->label, f->target_start};
    fnas_transformer_request request = {.shape = &f->shape,
                                        .largest = &f->largest,
                                        .parameters = &f->parameters,
                                        .batch = &batch,
                                        .label_smoothing = SMOOTHING,
                                        .scale = 1,
                                        .weight_gradient = f->gradient,
                                        .logits = f->logits};
    fnas_transformer_result result;
    fnas_worker worker;
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    assert_status(FNAS_OK, fnas_transformer_run(place->context, &worker, &request, &result));
    fnas_worker_destroy(&worker);
}

/* ---- comparing ---- */

/* "NAME length product product" */
static void compare_gradient(const char *line, const fixture *f, const fnas_parameter *item, double *worst) {
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
    double most = 0, theirs[VOCABULARY];
    char *rest = (char *)line;
    for (int k = 0; k < VOCABULARY; k++) {
        const char *before = rest;
        theirs[k] = strtod(before, &rest);
        assert_true(rest != before);
        most = fmax(most, fabs(theirs[k]));
    }
    for (int k = 0; k < VOCABULARY; k++) {
        double difference = fabs((double)logits[k] - theirs[k]) / most;
        if (!(difference <= BOUND)) fail_msg("token %d, word %d: %.8g, PyTorch has %.8g", (int)token, k, (double)logits[k], theirs[k]);
        *worst = fmax(*worst, difference);
    }
}

static void compare(const fixture *f, FILE *file, const char *whose) {
    char line[LINE_BYTES];
    double gradients = 0, logits = 0;
    for (int64_t i = 0; i < f->parameters.item_count; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        compare_gradient(line, f, &f->parameters.items[i], &gradients);
    }
    for (int64_t t = 0; t < f->target_start[SENTENCES]; t++) {
        assert_non_null(fgets(line, sizeof line, file));
        compare_row(line, t, f->logits + t * VOCABULARY, &logits);
    }
    print_message("%s: logits within %.2g, gradients within %.2g\n", whose, logits, gradients);
}

static void test_golden(void **state) {
    fixture f;
    begin(*state, &f);
    run(*state, &f);
    FILE *file = fopen(FILES "transformer_torch.txt", "r");
    assert_non_null(file);
    compare(&f, file, "as PyTorch gave them");
    fclose(file);
    end(&f);
}

/* ---- PyTorch here ---- */

static void describe_side(fnas_text *text, const char *name, const fnas_transformer_side *side, int64_t largest) {
    fnas_text_append(text, "\"%s\": {\"width\": %d, \"largest\": %d, \"layers\": [", name, (int)side->width, (int)largest);
    for (int64_t l = 0; l < side->layer_count; l++) {
        const fnas_transformer_layer *layer = &side->layers[l];
        fnas_text_append(text, "%s{\"ffn\": %d, \"heads\": %d, \"cross_heads\": %d, \"cross_sources\": %d}", l ? ", " : "",
                         (int)layer->feed_forward, (int)layer->heads, (int)layer->cross_heads, (int)layer->cross_sources);
    }
    fnas_text_append(text, "]}");
}

static fnas_safetensors_tensor array_of(const char *name, fnas_safetensors_type type, int64_t count, const void *data) {
    return (fnas_safetensors_tensor){.name = name, .type = type, .rank = 1, .shape = {count}, .data = data};
}

static void write_case(fnas_test_place *place, const fixture *f, const char *path) {
    const fnas_parameters *parameters = &f->parameters;
    int64_t count = parameters->item_count, targets = f->target_start[SENTENCES];
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
    tensors[count] = array_of("source", FNAS_SAFETENSORS_I32, f->source_start[SENTENCES], f->source);
    tensors[count + 1] = array_of("input", FNAS_SAFETENSORS_I32, targets, f->input);
    tensors[count + 2] = array_of("label", FNAS_SAFETENSORS_I32, targets, f->label);
    tensors[count + 3] = array_of("source_start", FNAS_SAFETENSORS_I64, SENTENCES + 1, f->source_start);
    tensors[count + 4] = array_of("target_start", FNAS_SAFETENSORS_I64, SENTENCES + 1, f->target_start);
    fnas_text shape = {0};
    fnas_text_append(&shape, "{\"vocabulary\": %d, \"attention\": %d, ", VOCABULARY, (int)f->shape.attention_width);
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
    fixture f;
    char output[256], command[1024];
    begin(place, &f);
    run(place, &f);
    const char *path = fnas_test_path(place, "net.safetensors");
    write_case(place, &f, path);
    snprintf(output, sizeof output, "%s", fnas_test_path(place, "torch.txt"));
    snprintf(command, sizeof command, "/usr/bin/python3 %storch_transformer.py %s/bench/peers %s > %s", FILES, FNAS_TEST_ROOT, path,
             output);
    int status = system(command), code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == 77 || code == 127) {
        end(&f);
        print_message("skipped: python3-torch is not installed\n");
        skip();
    }
    assert_int_equal(code, 0);
    FILE *file = fopen(output, "r");
    assert_non_null(file);
    compare(&f, file, "PyTorch");
    fclose(file);
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_golden), fnas_test(test_of_torch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
