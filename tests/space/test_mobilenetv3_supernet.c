/* Training sub-networks of MobileNetV3's shared weights: the engine against the double-precision reference, the reference's gates against
 * central differences, where gates are, and that what a sub-network does not use gets no gradient. */
#include "base/support.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/path.h"
#include "space/mobilenetv3/mobilenetv3.h"

#define IMAGES 2
#define CLASSES 5
#define SPEC "mobilenetv3:width=0.5,classes=5,resolutions=64-160-4" /* small: the reference takes its time */
#define RESOLUTIONS 25
#define ONEHOT (RESOLUTIONS + FNAS_MBV3_CHOICES * (FNAS_MBV3_DECISIONS - 1))

typedef struct fixture {
    fnas_space *space;
    fnas_parameters parameters;
    int32_t choices[FNAS_MBV3_DECISIONS];
    fnas_net *net;
    int64_t floats;
    double *weights, *wide, *onehot, *gradient, *gates;
    float *images;
    int32_t labels[IMAGES];
} fixture;

/* Every kernel and every expansion somewhere, with and without strides, squeeze and excitation; each slot's own pair. */
static void choose(fixture *f, int64_t depths) {
    fnas_mbv3_covering(0, 5, f->choices);
    for (int64_t stage = 0; stage < FNAS_MBV3_STAGES; stage++) f->choices[FNAS_MBV3_DEPTH + stage] = (int32_t)(depths >> stage & 1);
}

/* As after training: norms and transforms are not what they begin with. */
static void draw_weights(fixture *f) {
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_TEST, 0, 0);
    fnas_parameters_initialise(&f->parameters, 3);
    for (int64_t i = 0; i < f->parameters.item_count; i++) {
        const fnas_parameter *item = &f->parameters.items[i];
        float *values = f->parameters.values + item->offset, spread = item->initialiser == FNAS_INIT_IDENTITY ? 0.1f : 0.2f;
        if (item->initialiser == FNAS_INIT_FAN_IN_UNIFORM) continue;
        for (int64_t k = 0; k < item->count; k++) values[k] += spread * (float)fnas_random_normal(&random);
    }
    for (int64_t i = 0; i < f->parameters.float_count; i++) f->weights[i] = f->parameters.values[i];
}

static void draw_images(fixture *f) {
    fnas_random random = fnas_random_begin(4, FNAS_STREAM_TEST, 0, 0);
    fnas_value_shape shape = f->net->values[0];
    int64_t count = IMAGES * shape.c * shape.h * shape.w;
    f->images = fnas_allocate((size_t)count, sizeof *f->images);
    f->wide = fnas_allocate((size_t)count, sizeof *f->wide);
    assert_true(f->images && f->wide);
    for (int64_t i = 0; i < count; i++) f->wide[i] = f->images[i] = (float)fnas_random_normal(&random);
    for (int i = 0; i < IMAGES; i++) f->labels[i] = i % CLASSES;
}

static void begin(fnas_test_place *place, fixture *f, int64_t depths) {
    memset(f, 0, sizeof *f);
    assert_status(FNAS_OK, fnas_space_open(place->context, SPEC, &f->space));
    assert_status(FNAS_OK, fnas_space_declare(place->context, f->space, &f->parameters));
    assert_status(FNAS_OK, fnas_parameters_allocate(place->context, &f->parameters));
    f->floats = f->parameters.float_count;
    f->weights = fnas_allocate((size_t)f->floats, sizeof *f->weights);
    f->gradient = fnas_allocate((size_t)f->floats, sizeof *f->gradient);
    f->onehot = fnas_allocate(ONEHOT, sizeof *f->onehot);
    f->gates = fnas_allocate(ONEHOT, sizeof *f->gates);
    assert_true(f->weights && f->gradient && f->onehot && f->gates);
    draw_weights(f);
    choose(f, depths);
    fnas_space_to_onehot(f->space, f->choices, f->onehot);
    assert_status(FNAS_OK, fnas_space_record(place->context, f->space, f->choices, &f->net));
    draw_images(f);
}

static void end(fixture *f) {
    fnas_net_destroy(f->net);
    fnas_parameters_free(&f->parameters);
    fnas_space_close(f->space);
    fnas_free(f->weights);
    fnas_free(f->wide);
    fnas_free(f->onehot);
    fnas_free(f->gradient);
    fnas_free(f->gates);
    fnas_free(f->images);
}

static double run_reference(fnas_test_place *place, fixture *f, bool gradients) {
    fnas_reference_request request = {.net = f->net,
                                      .layout = &f->parameters,
                                      .parameters = f->weights,
                                      .onehot = f->onehot,
                                      .images = f->wide,
                                      .labels = f->labels,
                                      .n = IMAGES,
                                      .label_smoothing = 0.1,
                                      .weight_gradient = gradients ? f->gradient : NULL,
                                      .gate_gradient = gradients ? f->gates : NULL};
    fnas_path_result result;
    assert_status(FNAS_OK, fnas_path_run_reference(place->context, &request, &result));
    return result.loss;
}

typedef struct found {
    fnas_status status;
    double loss, *gates;
    float *gradient;
} found;

static found run_engine(fnas_test_place *place, const fixture *f, fnas_compute_type type) {
    found made = {.gates = fnas_allocate(ONEHOT, sizeof(double)), .gradient = fnas_allocate((size_t)f->floats, sizeof(float))};
    fnas_worker worker;
    fnas_path_result result = {0};
    assert_true(made.gates && made.gradient);
    made.status = fnas_worker_create(place->context, type, &worker);
    if (made.status != FNAS_OK) return made;
    fnas_path_request request = {.net = f->net,
                                 .parameters = &f->parameters,
                                 .n = IMAGES,
                                 .images = f->images,
                                 .labels = f->labels,
                                 .label_smoothing = 0.1f,
                                 .scale = 1,
                                 .weight_gradient = made.gradient,
                                 .gate_gradient = made.gates};
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    fnas_worker_destroy(&worker);
    made.loss = result.loss;
    return made;
}

static void found_free(found *of) {
    fnas_free(of->gates);
    fnas_free(of->gradient);
}

/* The error of a whole tensor's gradient in relation to its length. A network of 50 layers in f32, each with sums of some hundred products
 * and a norm that multiplies what it gets: 50 * 10 * sqrt(300) * 6e-8 = 5e-4; and the few ReLUs near zero that turn. What cancels (a shift
 * of a channel that only convolutions with norms read) is held to the longest of all. */
#define TENSOR_BOUND 2e-3
#define LEAST_LENGTH 1e-3

static double length_of(const fnas_parameter *item, const float *ours, const double *reference) {
    double square = 0;
    for (int64_t i = item->offset; i < item->offset + item->count; i++)
        square += ours ? pow((double)ours[i] - reference[i], 2) : reference[i] * reference[i];
    return sqrt(square);
}

static double largest_error(const fixture *f, const float *ours) {
    double longest = 0, worst = 0;
    for (int64_t i = 0; i < f->parameters.item_count; i++) longest = fmax(longest, length_of(&f->parameters.items[i], NULL, f->gradient));
    for (int64_t i = 0; i < f->parameters.item_count; i++) {
        const fnas_parameter *item = &f->parameters.items[i];
        double error = length_of(item, ours, f->gradient) / fmax(length_of(item, NULL, f->gradient), LEAST_LENGTH * longest);
        if (!(error <= TENSOR_BOUND)) fail_msg("%s: gradient is off by %g", item->name, error);
        worst = fmax(worst, error);
    }
    return worst;
}

static void test_engine_agrees_with_reference(void **state) {
    fnas_test_place *place = *state;
    for (int64_t depths = 0x00; depths <= 0x1f; depths += 0x1f) {
        fixture f;
        double worst, gate_worst = 0, most = 0;
        begin(place, &f, depths);
        double loss = run_reference(place, &f, true);
        found ours = run_engine(place, &f, FNAS_COMPUTE_F32);
        assert_true(fabs(ours.loss - loss) <= 1e-5 * loss);
        worst = largest_error(&f, ours.gradient);
        for (int i = 0; i < ONEHOT; i++) most = fmax(most, fabs(f.gates[i]));
        for (int i = 0; i < ONEHOT; i++) gate_worst = fmax(gate_worst, fabs(ours.gates[i] - f.gates[i]) / most);
        print_message("f32: loss %.9g, reference %.9g; gradients of tensors within %.2g, of gates within %.2g\n", ours.loss, loss, worst,
                      gate_worst);
        assert_true(gate_worst <= TENSOR_BOUND);
        found_free(&ours);
        end(&f);
    }
}

/* In bf16 what is stored is rounded by up to 2^-8, some hundred times one after the other: gradients are held to their direction. */
static void test_bf16_follows_reference(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    begin(place, &f, 0);
    found ours = run_engine(place, &f, FNAS_COMPUTE_BF16);
    if (!fnas_engine_supports(FNAS_COMPUTE_BF16)) {
        assert_status(FNAS_ERR_UNSUPPORTED, ours.status);
        found_free(&ours);
        end(&f);
        print_message("skipped: networks in bf16, which this processor has not\n");
        skip();
    }
    assert_status(FNAS_OK, ours.status);
    double loss = run_reference(place, &f, true), dot = 0, square = 0, reference_square = 0;
    for (int64_t i = 0; i < f.floats; i++) {
        dot += (double)ours.gradient[i] * f.gradient[i];
        square += pow((double)ours.gradient[i], 2);
        reference_square += f.gradient[i] * f.gradient[i];
    }
    print_message("bf16: loss %.6g, reference %.6g, cosine of gradients %.5f\n", ours.loss, loss, dot / sqrt(square * reference_square));
    assert_true(fabs(ours.loss - loss) <= 4.0 / 256 * loss);
    assert_true(dot / sqrt(square * reference_square) >= 0.9);
    found_free(&ours);
    end(&f);
}

/* ---- gates ---- */

/* Away from one-hot entries, so that products of sites show. Of a million ReLUs some turn within the step: differences are good to three
 * digits. */
static void test_gates_equal_differences(void **state) {
    fnas_test_place *place = *state;
    static const int64_t decisions[] = {FNAS_MBV3_RESOLUTION, FNAS_MBV3_DEPTH,         FNAS_MBV3_DEPTH + 3,      FNAS_MBV3_KERNEL,
                                        FNAS_MBV3_KERNEL + 9, FNAS_MBV3_EXPANSION + 5, FNAS_MBV3_EXPANSION + 17, FNAS_MBV3_EXPANSION + 12};
    const double step = 1e-6;
    fixture f;
    begin(place, &f, 0);
    fnas_random random = fnas_random_begin(5, FNAS_STREAM_TEST, 0, 0);
    for (int i = 0; i < ONEHOT; i++) f.onehot[i] = 0.8 * f.onehot[i] + 0.3 * fnas_random_uniform(&random);
    run_reference(place, &f, true);
    for (size_t i = 0; i < sizeof decisions / sizeof *decisions; i++) {
        int64_t at = fnas_space_onehot_offset(f.space, decisions[i]) + f.choices[decisions[i]];
        double before = f.onehot[at];
        f.onehot[at] = before + step;
        double above = run_reference(place, &f, false);
        f.onehot[at] = before - step;
        double difference = (above - run_reference(place, &f, false)) / (2 * step);
        f.onehot[at] = before;
        if (!(fabs(difference - f.gates[at]) <= 1e-7 + 1e-3 * fabs(difference)))
            fail_msg("%s: gradient %.10g, central difference %.10g", fnas_space_decision_name(f.space, decisions[i]), f.gates[at],
                     difference);
        assert_true(fabs(difference) > 1e-5); /* a gate that a norm takes away would say nothing */
    }
    end(&f);
}

/* Only selected entries of active slots, and each of them. */
static void test_where_gates_are(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    begin(place, &f, 0x15);
    run_reference(place, &f, true);
    for (int64_t d = 0; d < FNAS_MBV3_DECISIONS; d++) {
        int64_t first = fnas_space_onehot_offset(f.space, d), slot = d < FNAS_MBV3_KERNEL ? -1 : (d - FNAS_MBV3_KERNEL) % FNAS_MBV3_SLOTS;
        bool active = slot < 0 || fnas_mbv3_is_active(f.choices, slot);
        for (int64_t c = 0; c < fnas_space_choice_count(f.space, d); c++) {
            bool wanted = active && c == f.choices[d];
            if ((fabs(f.gates[first + c]) > 1e-6) != wanted || (!wanted && f.gates[first + c] != 0))
                fail_msg("%s choice %d: gate gradient %g", fnas_space_decision_name(f.space, d), (int)c, f.gates[first + c]);
        }
    }
    end(&f);
}

/* A gate where only convolutions with norms read has the gradient zero: why none is there. (Norms have an
 * epsilon, which leaves a little.) */
static void test_gates_before_norms_vanish(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    begin(place, &f, 0);
    double *memory = fnas_allocate(ONEHOT, sizeof *memory);
    int64_t checked = 0;
    assert_non_null(memory);
    for (int64_t i = 0; i < f.net->node_count; i++) f.net->nodes[i].norm.epsilon = 1e-20f;
    run_reference(place, &f, true);
    memcpy(memory, f.gates, ONEHOT * sizeof *memory);
    for (int64_t i = 0; i + 1 < f.net->node_count; i++) {
        const fnas_node *node = &f.net->nodes[i], *next = &f.net->nodes[i + 1];
        if (next->kind != FNAS_NODE_RELU || next->source != node->result || checked > 0) continue;
        if (node->conv.groups > 1 || !node->norm.present) continue; /* an expansion's norm before a ReLU */
        fnas_gate_site *sites = fnas_allocate((size_t)f.net->site_count + 1, sizeof *sites), *kept = f.net->sites;
        memcpy(sites, kept, (size_t)f.net->site_count * sizeof *sites);
        sites[f.net->site_count] = (fnas_gate_site){i, {0, RESOLUTIONS, 1}};
        f.net->sites = sites;
        f.net->site_count++;
        memset(f.gates, 0, ONEHOT * sizeof *f.gates);
        memset(f.gradient, 0, (size_t)f.floats * sizeof *f.gradient);
        f.onehot[1] = 1; /* read by this site alone */
        run_reference(place, &f, true);
        print_message("behind a norm before a ReLU: %g, behind the stem's norm: %g\n", f.gates[1], memory[0]);
        assert_true(fabs(f.gates[1]) < 1e-7 * fabs(memory[0]));
        f.net->sites = kept;
        f.net->site_count--;
        fnas_free(sites);
        checked++;
    }
    assert_int_equal(checked, 1);
    fnas_free(memory);
    end(&f);
}

/* ---- weights ---- */

static int64_t count_of_gradients(const fixture *f, const char *name) {
    int32_t handle = fnas_parameters_find(&f->parameters, name);
    int64_t count = 0;
    assert_int_not_equal(handle, FNAS_PARAMETER_NONE);
    const fnas_parameter *item = &f->parameters.items[handle];
    for (int64_t i = 0; i < item->count; i++) count += f->gradient[item->offset + i] != 0;
    return count;
}

/* The first unit of stage 0 has index 5 of its nine pairs: kernel 5, expansion 6; the second index 0: kernel 3, expansion 3. */
static void test_slices_alone_get_gradients(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    begin(place, &f, 0);
    assert_int_equal(f.choices[FNAS_MBV3_KERNEL], 1);
    assert_int_equal(f.choices[FNAS_MBV3_EXPANSION], 2);
    assert_int_equal(f.choices[FNAS_MBV3_KERNEL + 1], 0);
    assert_int_equal(f.choices[FNAS_MBV3_EXPANSION + 1], 0);
    run_reference(place, &f, true);
    found ours = run_engine(place, &f, FNAS_COMPUTE_F32);
    for (int64_t i = 0; i < f.floats; i++) f.gradient[i] = f.gradient[i] != 0 || ours.gradient[i] != 0; /* of either */
    int64_t first = fnas_mbv3_of(f.space)->first, out = fnas_mbv3_of(f.space)->stages[0];
    assert_int_equal(count_of_gradients(&f, "stage0.unit0.depthwise"), 6 * first * 25);
    assert_int_equal(count_of_gradients(&f, "stage0.unit0.depthwise.transform5"), 625);
    assert_int_equal(count_of_gradients(&f, "stage0.unit0.depthwise.transform3"), 0);
    assert_int_equal(count_of_gradients(&f, "stage0.unit1.depthwise"), 3 * out * 25);      /* through the 5x5 transform */
    assert_int_equal(count_of_gradients(&f, "stage0.unit1.depthwise.transform5"), 9 * 25); /* rows of the centre that is read */
    assert_int_equal(count_of_gradients(&f, "stage0.unit1.depthwise.transform3"), 81);
    assert_int_equal(count_of_gradients(&f, "stage0.unit1.expand"), 3 * out * out);
    assert_int_equal(count_of_gradients(&f, "stage0.unit1.project"), out * 3 * out);
    assert_int_equal(count_of_gradients(&f, "stage0.unit2.expand"), 0); /* beyond the depth */
    found_free(&ours);
    end(&f);
}

/* 7x7 kernels go untransformed; the transforms begin as identities. */
static void test_parameters(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    begin(place, &f, 0);
    fnas_parameters_initialise(&f.parameters, 1);
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++)
        for (int64_t kernel = 3; kernel <= 5; kernel += 2) {
            char name[64];
            snprintf(name, sizeof name, "stage%d.unit%d.depthwise.transform%d", (int)(slot / 4), (int)(slot % 4), (int)kernel);
            int32_t handle = fnas_parameters_find(&f.parameters, name);
            assert_int_not_equal(handle, FNAS_PARAMETER_NONE);
            const fnas_parameter *item = &f.parameters.items[handle];
            assert_int_equal(item->shape[0], kernel * kernel);
            assert_int_equal(item->shape[1], kernel * kernel);
            for (int64_t i = 0; i < item->count; i++)
                assert_true(f.parameters.values[item->offset + i] == (i % (item->shape[1] + 1) == 0 ? 1.0f : 0.0f));
        }
    for (int64_t i = 0; i < f.net->node_count; i++) {
        const fnas_conv_spec *conv = &f.net->nodes[i].conv;
        if (f.net->nodes[i].kind != FNAS_NODE_CONV || conv->groups == 1 || f.net->nodes[i].part < 2) continue;
        assert_int_equal(conv->transform_count, (7 - conv->kernel) / 2);
    }
    end(&f);
}

/* ---- channels by importance ---- */

static const fnas_parameter *item_of(const fixture *f, int64_t slot, const char *name) {
    char full[64];
    snprintf(full, sizeof full, "stage%d.unit%d.%s", (int)(slot / 4), (int)(slot % 4), name);
    int32_t handle = fnas_parameters_find(&f->parameters, full);
    assert_int_not_equal(handle, FNAS_PARAMETER_NONE);
    return &f->parameters.items[handle];
}

static double column_length(const fnas_parameter *item, const float *flat, int64_t column) {
    double sum = 0;
    for (int64_t row = 0; row < item->shape[0]; row++) sum += fabs((double)flat[item->offset + row * item->shape[1] + column]);
    return sum;
}

static void run_logits(fnas_test_place *place, const fixture *f, float *logits) {
    fnas_worker worker;
    fnas_path_result result = {0};
    assert_status(FNAS_OK, fnas_worker_create(place->context, FNAS_COMPUTE_F32, &worker));
    fnas_path_request request = {
        .net = f->net, .parameters = &f->parameters, .n = IMAGES, .images = f->images, .labels = f->labels, .scale = 1, .logits = logits};
    assert_status(FNAS_OK, fnas_path_run(place->context, &worker, &request, &result));
    fnas_worker_destroy(&worker);
}

/* Where each channel of `item` went, by a value of it that no other has: the first of its row or column. */
static void find_moves(const fixture *f, const fnas_parameter *item, bool columns, const float *before, int64_t count, int64_t *from) {
    int64_t stride = columns ? 1 : item->count / count;
    for (int64_t c = 0; c < count; c++) {
        from[c] = 0;
        while (from[c] < count && before[item->offset + from[c] * stride] != f->parameters.values[item->offset + c * stride]) from[c]++;
        assert_true(from[c] < count);
    }
}

/* Every entry of a tensor, and of the moments, came from the channel it should. */
static void check_moves(const fixture *f, const fnas_parameter *item, bool columns, const float *before, const float *moment, int64_t count,
                        const int64_t *from) {
    int64_t row = columns ? item->shape[1] : item->count / count;
    for (int64_t i = 0; i < item->count; i++) {
        int64_t source = columns ? i / row * row + from[i % row] : from[i / row] * row + i % row;
        assert_true(f->parameters.values[item->offset + i] == before[item->offset + source]);
        assert_true(moment[item->offset + i] == (float)(item->offset + source)); /* which was its place */
    }
}

static void check_slot(const fixture *f, int64_t slot, const float *before, const float *moment) {
    static const char *const rows[] = {"expand", "expand.gamma", "expand.beta", "depthwise", "depthwise.gamma", "depthwise.beta"};
    const fnas_parameter *project = item_of(f, slot, "project");
    int64_t middle = project->shape[1], from[1024], squeezed[256];
    assert_true(middle <= 1024);
    find_moves(f, project, true, before, middle, from);
    check_moves(f, project, true, before, moment, middle, from);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) check_moves(f, item_of(f, slot, rows[i]), false, before, moment, middle, from);
    for (int64_t c = 1; c < middle; c++) {
        double above = column_length(project, f->parameters.values, c - 1), here = column_length(project, f->parameters.values, c);
        assert_true(above > here || (above == here && from[c - 1] < from[c]));
    }
    if (!fnas_mbv3_stage_squeezes(slot / FNAS_MBV3_STAGE_SLOTS)) return;
    const fnas_parameter *reduce = item_of(f, slot, "reduce"), *excite = item_of(f, slot, "excite");
    int64_t count = excite->shape[1];
    find_moves(f, item_of(f, slot, "reduce.bias"), false, before, count, squeezed);
    check_moves(f, item_of(f, slot, "reduce.bias"), false, before, moment, count, squeezed);
    check_moves(f, item_of(f, slot, "excite.bias"), false, before, moment, middle, from);
    for (int64_t c = 1; c < count; c++)
        assert_true(column_length(excite, f->parameters.values, c - 1) >= column_length(excite, f->parameters.values, c));
    for (int64_t r = 0; r < count; r++)
        for (int64_t c = 0; c < middle; c++) {
            int64_t at = reduce->offset + squeezed[r] * middle + from[c], other = excite->offset + from[c] * count + squeezed[r];
            assert_true(f->parameters.values[reduce->offset + r * middle + c] == before[at]);
            assert_true(moment[reduce->offset + r * middle + c] == (float)at);
            assert_true(f->parameters.values[excite->offset + c * count + r] == before[other]);
            assert_true(moment[excite->offset + c * count + r] == (float)other);
        }
}

/* Before expansions open, and in no other phase. Equal columns keep their order. The largest network's logits change by the rounding of
 * sums in another order alone: some 50 layers of sums of some hundred products each in f32, as for TENSOR_BOUND. */
static void test_channels_are_ordered(void **state) {
    fnas_test_place *place = *state;
    fixture f;
    begin(place, &f, 0x1f);
    fnas_net_destroy(f.net);
    for (int64_t d = 0; d < FNAS_MBV3_DECISIONS; d++) f.choices[d] = d == FNAS_MBV3_RESOLUTION ? 0 : FNAS_MBV3_CHOICES - 1;
    assert_status(FNAS_OK, fnas_space_record(place->context, f.space, f.choices, &f.net));
    const fnas_parameter *project = item_of(&f, 5, "project");
    for (int64_t row = 0; row < project->shape[0]; row++) { /* the last column is as important as the third, but for its sign */
        float *values = f.parameters.values + project->offset + row * project->shape[1];
        values[project->shape[1] - 1] = -values[2];
    }
    float *before = fnas_allocate((size_t)f.floats, sizeof *before), *moment = fnas_allocate((size_t)f.floats, sizeof *moment);
    float logits[2][IMAGES * CLASSES], largest = 0;
    assert_true(before && moment && f.floats < 1 << 24);
    for (int64_t i = 0; i < f.floats; i++) moment[i] = (float)i;
    memcpy(before, f.parameters.values, (size_t)f.floats * sizeof *before);
    run_logits(place, &f, logits[0]);
    for (int64_t phase = 1; phase < 3; phase++)
        assert_status(FNAS_OK, fnas_space_begin_phase(place->context, f.space, phase, &f.parameters, moment));
    assert_memory_equal(before, f.parameters.values, (size_t)f.floats * sizeof *before);
    assert_status(FNAS_OK, fnas_space_begin_phase(place->context, f.space, 3, &f.parameters, moment));
    for (int64_t slot = 0; slot < FNAS_MBV3_SLOTS; slot++) check_slot(&f, slot, before, moment);
    assert_memory_not_equal(before, f.parameters.values, (size_t)f.floats * sizeof *before);
    run_logits(place, &f, logits[1]);
    for (int i = 0; i < IMAGES * CLASSES; i++) largest = fmaxf(largest, fabsf(logits[0][i]));
    for (int i = 0; i < IMAGES * CLASSES; i++) assert_true(fabsf(logits[1][i] - logits[0][i]) <= TENSOR_BOUND * largest);
    assert_true(largest > 0.1f);
    for (int64_t i = 0; i < f.parameters.item_count; i++) { /* stem, fixed unit and head keep their places */
        const fnas_parameter *item = &f.parameters.items[i];
        if (strncmp(item->name, "stage", 5) == 0) continue;
        assert_memory_equal(before + item->offset, f.parameters.values + item->offset, (size_t)item->count * sizeof *before);
    }
    fnas_free(before);
    fnas_free(moment);
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_engine_agrees_with_reference),
                                       fnas_test(test_bf16_follows_reference),
                                       fnas_test(test_gates_equal_differences),
                                       fnas_test(test_where_gates_are),
                                       fnas_test(test_gates_before_norms_vanish),
                                       fnas_test(test_slices_alone_get_gradients),
                                       fnas_test(test_parameters),
                                       fnas_test(test_channels_are_ordered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
