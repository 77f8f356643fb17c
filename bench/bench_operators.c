/* Speed of operators, from the table that also tests them (tests/compute/cases.h), at the batch sizes of a search.
 *
 *     bench_operators [filter]
 *
 * One thread, whose processor time is taken, so that other work on the machine disturbs little. Each case is run at least REPEATS times
 * after a first run that prepares it; prints the least and the median time, and its rate: GFLOP/s of convolutions and linear layers (a
 * multiplication and an addition are two), GB/s otherwise (each operand moved once in each direction used). The first lines are the floors
 * of this machine, from the same run: a copy of the largest activation, and a matrix product. */
#include <cblas.h>

#include "base/clock.h"
#include "base/statistics.h"
#include "compute/operands.h"

#define REPEATS 7
#define REPEATS_MAX 200
#define CASE_MS 60.0 /* short cases are repeated for so long */

typedef struct timing {
    double min_ms, median_ms;
    int64_t repeats;
} timing;

typedef fnas_status timed_function(fnas_context *context, fnas_engine *engine, void *user);

static fnas_status time_function(fnas_context *context, fnas_engine *engine, timed_function *function, void *user, timing *result) {
    double ms[REPEATS_MAX], total = 0;
    FNAS_TRY(function(context, engine, user));
    *result = (timing){.min_ms = INFINITY};
    while (result->repeats < REPEATS || (total < CASE_MS && result->repeats < REPEATS_MAX)) {
        double begin = fnas_thread_cpu_ms();
        FNAS_TRY(function(context, engine, user));
        double taken = fnas_thread_cpu_ms() - begin;
        ms[result->repeats++] = taken;
        total += taken;
        if (taken < result->min_ms) result->min_ms = taken;
    }
    result->median_ms = fnas_median(ms, result->repeats);
    return FNAS_OK;
}

/* ---- floors ---- */

#define COPY_FLOATS ((size_t)256 * 16 * 32 * 32)
#define PRODUCT_SIZE 512

static fnas_status run_copy(fnas_context *context, fnas_engine *engine, void *user) {
    (void)context;
    (void)engine;
    float *memory = user;
    memcpy(memory, memory + COPY_FLOATS, COPY_FLOATS * sizeof(float));
    return FNAS_OK;
}

static fnas_status run_product(fnas_context *context, fnas_engine *engine, void *user) {
    (void)context;
    (void)engine;
    float *a = user, *b = a + PRODUCT_SIZE * PRODUCT_SIZE, *c = b + PRODUCT_SIZE * PRODUCT_SIZE;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, PRODUCT_SIZE, PRODUCT_SIZE, PRODUCT_SIZE, 1.0f, a, PRODUCT_SIZE, b, PRODUCT_SIZE,
                0.0f, c, PRODUCT_SIZE);
    return FNAS_OK;
}

static void print_machine(const fnas_engine *engine) {
    char line[256], model[256] = "unknown processor";
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "model name : %255[^\n]", model) == 1) break;
    if (file) fclose(file);
    printf("%s; %s, %s, block %lld; one thread, seed %d\n", model, fnas_backend_version(), fnas_backend_isa(),
           (long long)fnas_engine_block(engine), TEST_SEED);
}

static fnas_status print_floors(fnas_context *context, fnas_engine *engine) {
    timing copy, product;
    float *memory = fnas_allocate(2 * COPY_FLOATS, sizeof(float));
    if (!memory) return fnas_fail_memory(context, "the benchmark");
    for (size_t i = 0; i < 2 * COPY_FLOATS; i++) memory[i] = 1.0f;
    fnas_status status = time_function(context, engine, run_copy, memory, &copy);
    if (status == FNAS_OK) status = time_function(context, engine, run_product, memory, &product);
    fnas_free(memory);
    FNAS_TRY(status);
    double cube = (double)PRODUCT_SIZE * PRODUCT_SIZE * PRODUCT_SIZE;
    printf("floor: copy of 16 MiB %.3f ms, %.1f GB/s read and written; sgemm of 512 %.1f GFLOP/s\n", copy.min_ms,
           2 * (double)(COPY_FLOATS * sizeof(float)) / copy.min_ms / 1e6, 2 * cube / product.min_ms / 1e6);
    return FNAS_OK;
}

/* ---- cases ---- */

static double flops_of(const operator_case *c) {
    const fnas_conv_shape *s = &c->conv;
    if (case_is_conv(c))
        return 2.0 * (double)(s->n * s->out_channels * fnas_conv_out_h(s) * fnas_conv_out_w(s)) *
               (double)(s->in_channels / s->groups * s->kernel_h * s->kernel_w);
    double products = (double)(c->matrix.n * c->matrix.in * c->matrix.out);
    return c->kind == LINEAR_FORWARD ? 2 * products : c->kind == LINEAR_BACKWARD ? 4 * products : 0;
}

/* Inputs are read, results written, sums both. */
static double bytes_of(const operands *all) {
    double bytes = 0;
    for (int i = 0; i < all->count; i++)
        if (!all->list[i].absent)
            bytes += (all->list[i].role == ADDED ? 2.0 : 1.0) * (double)(operand_floats(all, &all->list[i]) * sizeof(float));
    return bytes;
}

static fnas_status run_case(fnas_context *context, fnas_engine *engine, void *user) {
    return operands_run_fast(context, engine, user);
}

static fnas_status bench_case(fnas_context *context, fnas_engine *engine, const operator_case *c, const char *name) {
    operands all;
    timing t;
    operands_declare(&all, c, fnas_engine_block(engine));
    fnas_status status = operands_allocate(&all) ? FNAS_OK : fnas_fail_memory(context, "the benchmark");
    if (status == FNAS_OK) {
        operands_fill(&all, 0);
        status = time_function(context, engine, run_case, &all, &t);
    }
    if (status == FNAS_OK) {
        double flops = flops_of(c), rate = (flops > 0 ? flops : bytes_of(&all)) / t.min_ms / 1e6;
        printf("%-62s %9.3f %9.3f %5lld %9.1f %s", name, t.min_ms, t.median_ms, (long long)t.repeats, rate, flops > 0 ? "GFLOP/s" : "GB/s");
        const char *implementation = "";
        if (case_is_conv(c)) status = fnas_conv_implementation(context, engine, &c->conv, (fnas_conv_kind)c->kind, &implementation);
        printf("  %s\n", implementation);
    }
    operands_free(&all);
    return status;
}

static fnas_status bench_all(fnas_context *context, const char *filter) {
    static case_list list;
    fnas_engine *engine;
    FNAS_TRY(fnas_engine_create(context, FNAS_COMPUTE_F32, &engine));
    fnas_engine_prepare_thread(0);
    print_machine(engine);
    fnas_status status = print_floors(context, engine);
    printf("%-62s %9s %9s %5s %9s\n", "case", "min ms", "median", "runs", "rate");
    cases_for_speed(&list);
    for (int64_t i = 0; i < list.count && status == FNAS_OK; i++) {
        char name[200];
        case_name(&list.cases[i], name, sizeof name);
        if (!filter || strstr(name, filter)) status = bench_case(context, engine, &list.cases[i], name);
    }
    fnas_engine_destroy(engine);
    return status;
}

int main(int count, char **arguments) {
    fnas_context *context;
    if (fnas_context_create(&context) != FNAS_OK) return 3;
    fnas_status status = bench_all(context, count > 1 ? arguments[1] : NULL);
    if (status != FNAS_OK) fprintf(stderr, "bench_operators: %s\n", fnas_context_message(context));
    fnas_context_destroy(context);
    return fnas_status_exit_code(status);
}
