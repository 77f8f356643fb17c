#include "bench/peak.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/threads.h"
#include "bench/measure.h"
#include "compute/inference.h"
#include "compute/ops.h"
#include "device/host.h"

double fnas_ceilings_f32(const fnas_ceilings *ceilings) {
    return fmax(ceilings->sgemm_gflops, ceilings->conv_gflops);
}

/* ---- one ceiling: something to run over and over, on its own memory for each thread ---- */

typedef struct ceiling {
    fnas_status (*prepare)(fnas_context *context, struct ceiling *own);
    fnas_status (*run)(fnas_context *context, void *own);
    double work; /* flops or bytes of one run */
    float *a, *b, *c;
    size_t bytes; /* of copies */
    fnas_engine *engine;
    fnas_infer *infer;
} ceiling;

static void ceiling_release(ceiling *own) {
    fnas_free(own->a);
    fnas_free(own->b);
    fnas_free(own->c);
    if (own->engine) fnas_engine_destroy(own->engine);
    fnas_infer_destroy(own->infer);
}

static fnas_status ceiling_arrays(fnas_context *context, ceiling *own, size_t a, size_t b, size_t c) {
    own->a = fnas_allocate(a, sizeof(float));
    own->b = fnas_allocate(b, sizeof(float));
    own->c = fnas_allocate(c, sizeof(float));
    if (!own->a || !own->b || !own->c) return fnas_fail_memory(context, "the measurement of the machine");
    for (size_t i = 0; i < a; i++) own->a[i] = 0.5f;
    for (size_t i = 0; i < b; i++) own->b[i] = 0.25f;
    return FNAS_OK;
}

/* ---- matrix product ---- */

#define PRODUCT_SIZE 768

static fnas_status product_prepare(fnas_context *context, ceiling *own) {
    size_t floats = (size_t)PRODUCT_SIZE * PRODUCT_SIZE;
    own->work = 2.0 * PRODUCT_SIZE * PRODUCT_SIZE * PRODUCT_SIZE;
    return ceiling_arrays(context, own, floats, floats, floats);
}

static fnas_status product_run(fnas_context *context, void *user) {
    (void)context;
    ceiling *c = user;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, PRODUCT_SIZE, PRODUCT_SIZE, PRODUCT_SIZE, 1.0f, c->a, PRODUCT_SIZE, c->b,
                PRODUCT_SIZE, 0.0f, c->c, PRODUCT_SIZE);
    return FNAS_OK;
}

/* ---- convolution in f32: without padding, whose taps a library leaves out; all operands in the second-level cache ---- */

static const fnas_conv_shape conv_shape = {1, 64, 34, 34, 64, 3, 3, 1, 0, 1, false};

static fnas_status conv_prepare(fnas_context *context, ceiling *own) {
    const fnas_conv_shape *s = &conv_shape;
    FNAS_TRY(fnas_engine_create(context, FNAS_COMPUTE_F32, &own->engine));
    int64_t block = fnas_engine_block(own->engine), out_h = fnas_conv_out_h(s), out_w = fnas_conv_out_w(s);
    int64_t taps = s->in_channels * s->kernel_h * s->kernel_w;
    own->work = 2.0 * (double)(s->n * s->out_channels * out_h * out_w * taps);
    return ceiling_arrays(context, own, fnas_shape_floats((fnas_shape){s->n, s->in_channels, s->in_h, s->in_w}, block),
                          (size_t)(s->out_channels * taps), fnas_shape_floats((fnas_shape){s->n, s->out_channels, out_h, out_w}, block));
}

static fnas_status conv_run(fnas_context *context, void *user) {
    ceiling *c = user;
    return fnas_conv_forward(context, c->engine, &conv_shape, c->a, c->b, NULL, c->c);
}

/* ---- convolution in bf16: a chain of them, so that bringing the image in and the result out weighs little ---- */

#define CHAIN_LAYERS 8
#define CHAIN_CHANNELS 64
#define CHAIN_SIZE 40

static fnas_status chain_prepare(fnas_context *context, ceiling *own) {
    fnas_infer_layer layers[CHAIN_LAYERS + 3] = {{.kind = FNAS_INFER_INPUT, .c = CHAIN_CHANNELS, .h = CHAIN_SIZE, .w = CHAIN_SIZE}};
    int32_t inputs[CHAIN_LAYERS + 3];
    size_t taps = (size_t)CHAIN_CHANNELS * CHAIN_CHANNELS * 9;
    FNAS_TRY(ceiling_arrays(context, own, (size_t)CHAIN_CHANNELS * CHAIN_SIZE * CHAIN_SIZE, taps, CHAIN_CHANNELS));
    for (int i = 1; i <= CHAIN_LAYERS; i++) {
        int64_t size = CHAIN_SIZE - 2 * i;
        inputs[i] = i - 1;
        layers[i] = (fnas_infer_layer){.kind = FNAS_INFER_CONV,
                                       .input_count = 1,
                                       .inputs = &inputs[i],
                                       .c = CHAIN_CHANNELS,
                                       .h = size,
                                       .w = size,
                                       .kernel = 3,
                                       .stride = 1,
                                       .groups = 1,
                                       .weights = own->b};
        own->work += 2.0 * (double)taps * (double)(size * size);
    }
    inputs[CHAIN_LAYERS + 1] = CHAIN_LAYERS;
    inputs[CHAIN_LAYERS + 2] = CHAIN_LAYERS + 1;
    fnas_infer_layer pool = {
        .kind = FNAS_INFER_GLOBAL_POOL, .input_count = 1, .inputs = &inputs[CHAIN_LAYERS + 1], .c = CHAIN_CHANNELS, .h = 1, .w = 1};
    fnas_infer_layer head = {
        .kind = FNAS_INFER_LINEAR, .input_count = 1, .inputs = &inputs[CHAIN_LAYERS + 2], .c = 1, .h = 1, .w = 1, .weights = own->b};
    layers[CHAIN_LAYERS + 1] = pool;
    layers[CHAIN_LAYERS + 2] = head;
    fnas_infer_options options = {.precision = FNAS_INFER_BF16, .batch = 1, .threads = 1};
    return fnas_infer_create(context, layers, CHAIN_LAYERS + 3, &options, &own->infer);
}

static fnas_status chain_run(fnas_context *context, void *user) {
    ceiling *c = user;
    return fnas_infer_run(context, c->infer, c->a, c->c);
}

/* ---- copies ---- */

#define MEMORY_BYTES ((size_t)128 << 20) /* far beyond every cache */
#define CACHE_BYTES ((size_t)256 << 10)  /* source and target together fill half of a second-level cache */

static fnas_status copy_prepare(fnas_context *context, ceiling *own, size_t bytes) {
    own->bytes = bytes;
    own->work = 2 * (double)bytes;
    FNAS_TRY(ceiling_arrays(context, own, bytes / sizeof(float) + 1, bytes / sizeof(float) + 1, 1));
    return FNAS_OK;
}

static fnas_status memory_prepare(fnas_context *context, ceiling *own) {
    return copy_prepare(context, own, MEMORY_BYTES);
}

static fnas_status cache_prepare(fnas_context *context, ceiling *own) {
    return copy_prepare(context, own, CACHE_BYTES);
}

static fnas_status copy_run(fnas_context *context, void *user) {
    (void)context;
    ceiling *c = user;
    memcpy(c->b, c->a, c->bytes);
    return FNAS_OK;
}

/* ---- measuring ---- */

#define REPEATS 7
#define REPEAT_MS 30.0
#define QUICK_REPEAT_MS 5.0

/* Each worker runs its own ceiling `calls` times. */
typedef struct crowd {
    ceiling *ceilings;
    int64_t calls;
} crowd;

static fnas_status crowd_prepare(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)worker;
    crowd *all = user;
    return all->ceilings[item].prepare(context, &all->ceilings[item]);
}

static fnas_status crowd_run(fnas_context *context, void *user, int64_t item, int64_t worker) {
    (void)worker;
    crowd *all = user;
    for (int64_t i = 0; i < all->calls; i++) FNAS_TRY(all->ceilings[item].run(context, &all->ceilings[item]));
    return FNAS_OK;
}

static fnas_status measure_crowd(fnas_context *context, fnas_team *team, int64_t threads, bool quick, ceiling *ceilings, double *rate) {
    crowd all = {ceilings, 1};
    double alone_ms, least = INFINITY;
    FNAS_TRY(fnas_team_run(context, team, threads, crowd_prepare, &all));
    FNAS_TRY(fnas_measure_least(context, ceilings[0].run, &ceilings[0], 1, QUICK_REPEAT_MS, &alone_ms));
    all.calls = (int64_t)ceil((quick ? QUICK_REPEAT_MS : REPEAT_MS) / alone_ms);
    for (int64_t i = 0; i < (quick ? 3 : REPEATS); i++) {
        double begin = fnas_wall_ms(), cpu = fnas_thread_cpu_ms();
        FNAS_TRY(fnas_team_run(context, team, threads, crowd_run, &all));
        least = fmin(least, threads == 1 ? fnas_thread_cpu_ms() - cpu : fnas_wall_ms() - begin);
    }
    *rate = ceilings[0].work * (double)(threads * all.calls) / least / 1e6;
    return FNAS_OK;
}

typedef struct measured_ceiling {
    ceiling what;
    size_t offset; /* of its rate in fnas_ceilings */
} measured_ceiling;

static const measured_ceiling measured[] = {
    {{.prepare = product_prepare, .run = product_run}, offsetof(fnas_ceilings, sgemm_gflops)},
    {{.prepare = conv_prepare, .run = conv_run}, offsetof(fnas_ceilings, conv_gflops)},
    {{.prepare = memory_prepare, .run = copy_run}, offsetof(fnas_ceilings, memory_gbps)},
    {{.prepare = cache_prepare, .run = copy_run}, offsetof(fnas_ceilings, cache_gbps)},
    {{.prepare = chain_prepare, .run = chain_run}, offsetof(fnas_ceilings, bf16_gflops)}, /* the last: not everywhere */
};
#define MEASURED ((int64_t)(sizeof measured / sizeof *measured))

static fnas_status measure_one(fnas_context *context, fnas_team *team, int64_t threads, bool quick, const measured_ceiling *which,
                               fnas_ceilings *ceilings) {
    ceiling *each = fnas_allocate((size_t)threads, sizeof *each);
    if (!each) return fnas_fail_memory(context, "the measurement of the machine");
    for (int64_t t = 0; t < threads; t++) each[t] = which->what;
    double rate = 0;
    fnas_status status = measure_crowd(context, team, threads, quick, each, &rate);
    for (int64_t t = 0; t < threads; t++) ceiling_release(&each[t]);
    fnas_free(each);
    memcpy((char *)ceilings + which->offset, &rate, sizeof rate);
    return status;
}

static fnas_status measure_ceilings(fnas_context *context, int64_t threads, bool quick, fnas_ceilings *ceilings) {
    fnas_team *team;
    *ceilings = (fnas_ceilings){0};
    FNAS_TRY(fnas_team_create(context, threads, fnas_engine_prepare_thread, &team));
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < MEASURED - !fnas_backend_has_bf16() && status == FNAS_OK; i++)
        status = measure_one(context, team, threads, quick, &measured[i], ceilings);
    fnas_team_destroy(team);
    return status;
}

fnas_status fnas_machine_measure(fnas_context *context, int64_t threads, bool quick, fnas_machine *machine) {
    fnas_engine *engine;
    FNAS_TRY(fnas_engine_create(context, FNAS_COMPUTE_F32, &engine));
    *machine = (fnas_machine){
        .library = fnas_backend_version(), .isa = fnas_backend_isa(), .threads = threads, .block = fnas_engine_block(engine)};
    fnas_engine_destroy(engine);
    fnas_host_processor(machine->processor, sizeof machine->processor);
    FNAS_TRY(measure_ceilings(context, 1, quick, &machine->one));
    machine->all = machine->one;
    return threads == 1 ? FNAS_OK : measure_ceilings(context, threads, quick, &machine->all);
}

fnas_status fnas_copy_ms(fnas_context *context, double bytes, bool quick, double *ms) {
    ceiling copy = {0};
    *ms = 0;
    fnas_status status = copy_prepare(context, &copy, (size_t)(bytes / 2));
    if (status == FNAS_OK) status = fnas_measure_least(context, copy_run, &copy, quick ? 1 : REPEATS, QUICK_REPEAT_MS, ms);
    ceiling_release(&copy);
    return status;
}
