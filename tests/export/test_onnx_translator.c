/* A Transformer's ONNX models give in onnxruntime what the network computes; sentences are padded there. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "export/onnx_translator.h"
#include "export/safetensors.h"
#include "export/support_translator.h"

#define BOUND 1e-4 /* of the largest logit of a word */
#define PROGRAM FNAS_TEST_ROOT "/build/runners/onnxruntime-tensors.js"
#define POSITIONS 64

static void write_models(fnas_test_place *place, const test_translator *f, bool steps) {
    fnas_onnx_translator net = {.shape = &f->shape, .largest = &f->largest, .parameters = &f->parameters, .positions = POSITIONS};
    fnas_text encoder = {0}, decoder = {0};
    assert_status(FNAS_OK,
                  (steps ? fnas_onnx_encode_translator_steps : fnas_onnx_encode_translator)(place->context, &net, &encoder, &decoder));
    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, fnas_test_path(place, "encoder.onnx"), encoder.data, encoder.size));
    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, fnas_test_path(place, "decoder.onnx"), decoder.data, decoder.size));
    fnas_text_free(&encoder);
    fnas_text_free(&decoder);
}

/* [sentences][longest], and where there is a token. */
typedef struct padded {
    int64_t longest;
    int64_t ids[TRANSLATOR_SENTENCES * TRANSLATOR_TOKENS_MOST];
    float mask[TRANSLATOR_SENTENCES * TRANSLATOR_TOKENS_MOST];
} padded;

static void pad(const int32_t *ids, const int64_t *start, padded *table) {
    memset(table, 0, sizeof *table);
    for (int i = 0; i < TRANSLATOR_SENTENCES; i++)
        table->longest = start[i + 1] - start[i] > table->longest ? start[i + 1] - start[i] : table->longest;
    for (int i = 0; i < TRANSLATOR_SENTENCES; i++)
        for (int64_t t = 0; t < start[i + 1] - start[i]; t++) {
            table->ids[i * table->longest + t] = ids[start[i] + t];
            table->mask[i * table->longest + t] = 1;
        }
}

static fnas_safetensors_tensor tensor(const char *name, fnas_safetensors_type type, int64_t rows, int64_t columns, const void *data) {
    return (fnas_safetensors_tensor){.name = name, .type = type, .rank = 2, .shape = {rows, columns}, .data = data};
}

/* Runs NAME.onnx on tensors; the outputs are the caller's to free. */
static fnas_safetensors *run(fnas_test_place *place, const char *name, const fnas_safetensors_tensor *tensors, int64_t count) {
    char command[1024];
    fnas_safetensors *outputs;
    assert_status(FNAS_OK, fnas_safetensors_write(place->context, fnas_test_path(place, "inputs.safetensors"), tensors, count, NULL, 0));
    snprintf(command, sizeof command, "cd %s && node %s %s.onnx inputs.safetensors outputs.safetensors", place->folder, PROGRAM, name);
    assert_int_equal(system(command), 0);
    assert_status(FNAS_OK, fnas_safetensors_read(place->context, fnas_test_path(place, "outputs.safetensors"), 1 << 26, &outputs));
    return outputs;
}

/* Largest difference of a token's logits, relative to the largest of them. */
static double compare_token(const test_translator *f, int64_t token, const float *theirs) {
    const float *ours = f->logits + token * TRANSLATOR_VOCABULARY;
    double most = 0, worst = 0;
    for (int k = 0; k < TRANSLATOR_VOCABULARY; k++) most = fmax(most, fabs((double)ours[k]));
    for (int k = 0; k < TRANSLATOR_VOCABULARY; k++) {
        double apart = fabs((double)ours[k] - (double)theirs[k]) / most;
        if (!(apart <= BOUND)) fail_msg("token %d, word %d: %.8g, onnxruntime has %.8g", (int)token, k, (double)ours[k], (double)theirs[k]);
        worst = fmax(worst, apart);
    }
    return worst;
}

static void compare(const test_translator *f, const padded *target, const float *logits) {
    double worst = 0;
    for (int i = 0; i < TRANSLATOR_SENTENCES; i++)
        for (int64_t t = f->target_start[i]; t < f->target_start[i + 1]; t++)
            worst = fmax(worst, compare_token(f, t, logits + (i * target->longest + t - f->target_start[i]) * TRANSLATOR_VOCABULARY));
    print_message("onnxruntime: logits within %.2g\n", worst);
}

static void onnxruntime_gives_the_same_logits(void **state) {
    fnas_test_place *place = *state;
    test_translator f;
    padded source, target;
    fnas_safetensors_tensor inputs[5];
    int64_t memories;
    if (!fnas_file_exists(PROGRAM)) {
        print_message("skipped: the runners are not installed (make runners)\n");
        skip();
    }
    test_translator_begin(place, &f);
    test_translator_run(place, &f);
    write_models(place, &f, false);
    pad(f.source, f.source_start, &source);
    pad(f.input, f.target_start, &target);
    inputs[0] = tensor("source", FNAS_SAFETENSORS_I64, TRANSLATOR_SENTENCES, source.longest, source.ids);
    inputs[1] = tensor("source_mask", FNAS_SAFETENSORS_F32, TRANSLATOR_SENTENCES, source.longest, source.mask);
    fnas_safetensors *encoded = run(place, "encoder", inputs, 2);
    const fnas_safetensors_tensor *memory = fnas_safetensors_tensors(encoded, &memories);
    assert_int_equal(memories, 3);
    inputs[0] = tensor("target", FNAS_SAFETENSORS_I64, TRANSLATOR_SENTENCES, target.longest, target.ids);
    for (int64_t j = 0; j < memories; j++) inputs[2 + j] = memory[j];
    fnas_safetensors *decoded = run(place, "decoder", inputs, 2 + memories);
    const void *logits;
    const int64_t shape[3] = {TRANSLATOR_SENTENCES, target.longest, TRANSLATOR_VOCABULARY};
    assert_status(FNAS_OK, fnas_safetensors_get(place->context, decoded, "logits", FNAS_SAFETENSORS_F32, 3, shape, &logits));
    compare(&f, &target, logits);
    fnas_safetensors_free(encoded);
    fnas_safetensors_free(decoded);
    test_translator_end(&f);
}

/* ---- a word at a time ---- */

#define STEP_INPUTS_MOST (3 + 4 * FNAS_TRANSLATOR_LAYERS_MAX)

/* What the step before gave as "present..." is "past..." of this one; before the first there is nothing. Returns their number. */
static int64_t add_pasts(const test_translator *f, const fnas_safetensors *before, char (*names)[16], fnas_safetensors_tensor *inputs) {
    static const float nothing;
    int64_t count = 0, given;
    for (int64_t l = 0; l < f->shape.decoder.layer_count; l++)
        for (int i = 0; i < 2; i++, count++) {
            snprintf(names[count], sizeof names[count], "past%d.%s", (int)l, i ? "v" : "k");
            inputs[count] = (fnas_safetensors_tensor){
                .type = FNAS_SAFETENSORS_F32, .rank = 3, .shape = {TRANSLATOR_SENTENCES, 0, f->shape.attention_width}, .data = &nothing};
            const fnas_safetensors_tensor *tensors = before ? fnas_safetensors_tensors(before, &given) : NULL;
            for (int64_t k = 0; tensors && k < given; k++)
                if (strncmp(tensors[k].name, "present", 7) == 0 && strcmp(tensors[k].name + 7, names[count] + 4) == 0)
                    inputs[count] = tensors[k];
            inputs[count].name = names[count];
        }
    return count;
}

static double compare_step(fnas_test_place *place, const test_translator *f, int64_t t, fnas_safetensors *said) {
    const int64_t shape[3] = {TRANSLATOR_SENTENCES, 1, TRANSLATOR_VOCABULARY};
    const void *logits;
    double worst = 0;
    assert_status(FNAS_OK, fnas_safetensors_get(place->context, said, "logits", FNAS_SAFETENSORS_F32, 3, shape, &logits));
    for (int i = 0; i < TRANSLATOR_SENTENCES; i++)
        if (f->target_start[i] + t < f->target_start[i + 1])
            worst = fmax(worst, compare_token(f, f->target_start[i] + t, (const float *)logits + i * TRANSLATOR_VOCABULARY));
    return worst;
}

static void onnxruntime_says_the_same_by_steps(void **state) {
    fnas_test_place *place = *state;
    test_translator f;
    padded source, target;
    fnas_safetensors_tensor inputs[STEP_INPUTS_MOST];
    char names[2 * FNAS_TRANSLATOR_LAYERS_MAX][16];
    int64_t crosses;
    double worst = 0;
    if (!fnas_file_exists(PROGRAM)) {
        print_message("skipped: the runners are not installed (make runners)\n");
        skip();
    }
    test_translator_begin(place, &f);
    test_translator_run(place, &f);
    write_models(place, &f, true);
    pad(f.source, f.source_start, &source);
    pad(f.input, f.target_start, &target);
    inputs[0] = tensor("source", FNAS_SAFETENSORS_I64, TRANSLATOR_SENTENCES, source.longest, source.ids);
    inputs[1] = tensor("source_mask", FNAS_SAFETENSORS_F32, TRANSLATOR_SENTENCES, source.longest, source.mask);
    fnas_safetensors *encoded = run(place, "encoder", inputs, 2), *said = NULL;
    const fnas_safetensors_tensor *cross = fnas_safetensors_tensors(encoded, &crosses);
    assert_int_equal(crosses, 2 * f.shape.decoder.layer_count);
    for (int64_t k = 0; k < crosses; k++) inputs[3 + k] = cross[k];
    for (int64_t t = 0; t < target.longest; t++) {
        int64_t words[TRANSLATOR_SENTENCES];
        for (int i = 0; i < TRANSLATOR_SENTENCES; i++) words[i] = target.ids[i * target.longest + t];
        inputs[0] = tensor("word", FNAS_SAFETENSORS_I64, TRANSLATOR_SENTENCES, 1, words);
        inputs[2] = (fnas_safetensors_tensor){.name = "position", .type = FNAS_SAFETENSORS_I64, .rank = 1, .shape = {1}, .data = &t};
        int64_t pasts = add_pasts(&f, said, names, inputs + 3 + crosses);
        fnas_safetensors *now = run(place, "decoder", inputs, 3 + crosses + pasts);
        fnas_safetensors_free(said);
        said = now;
        worst = fmax(worst, compare_step(place, &f, t, said));
    }
    print_message("onnxruntime, a word at a time: logits within %.2g\n", worst);
    fnas_safetensors_free(encoded);
    fnas_safetensors_free(said);
    test_translator_end(&f);
}

static void equal_networks_give_equal_bytes(void **state) {
    fnas_test_place *place = *state;
    test_translator f;
    fnas_text texts[4] = {{0}};
    test_translator_begin(place, &f);
    fnas_onnx_translator net = {.shape = &f.shape, .largest = &f.largest, .parameters = &f.parameters, .positions = POSITIONS};
    for (int i = 0; i < 2; i++) assert_status(FNAS_OK, fnas_onnx_encode_translator(place->context, &net, &texts[i], &texts[2 + i]));
    for (int i = 0; i < 4; i += 2) {
        assert_int_equal(texts[i].size, texts[i + 1].size);
        assert_memory_equal(texts[i].data, texts[i + 1].data, texts[i].size);
    }
    for (int i = 0; i < 4; i++) fnas_text_free(&texts[i]);
    test_translator_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(equal_networks_give_equal_bytes), fnas_test(onnxruntime_gives_the_same_logits),
                                       fnas_test(onnxruntime_says_the_same_by_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
