#include "compute/engine_internal.h"

#include <cblas.h>
#include <omp.h>
#include <pthread.h>

#include "base/memory.h"
#include "base/threads.h"

static pthread_once_t fnas_blas_once = PTHREAD_ONCE_INIT;

/* Process-wide in the pthread build of OpenBLAS: each engine then multiplies on the thread that calls. */
static void limit_blas_threads(void) {
    openblas_set_num_threads(1);
}

void fnas_engine_limit_blas(void) {
    pthread_once(&fnas_blas_once, limit_blas_threads);
}

const char *fnas_compute_type_name(fnas_compute_type type) {
    return type == FNAS_COMPUTE_BF16 ? "bf16" : "f32";
}

static const fnas_kernels *kernels_of(fnas_compute_type type) {
    return type == FNAS_COMPUTE_BF16 ? fnas_kernels_bf16() : &fnas_kernels_f32;
}

bool fnas_engine_supports(fnas_compute_type type) {
    return kernels_of(type) != NULL;
}

fnas_status fnas_engine_create(fnas_context *context, fnas_compute_type type, fnas_engine **engine) {
    *engine = NULL;
    const fnas_kernels *kernels = kernels_of(type);
    if (!kernels)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED,
                         "this processor (%s) has no bf16 arithmetic, or this build does not use it: use the precision f32",
                         fnas_backend_isa());
    fnas_engine_limit_blas();
    fnas_engine *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, "a compute engine");
    made->type = type;
    made->kernels = kernels;
    made->product = fnas_backend_product;
    fnas_status status = fnas_backend_create(context, type, &made->backend, &made->block);
    if (status != FNAS_OK) {
        fnas_free(made);
        return status;
    }
    *engine = made;
    return FNAS_OK;
}

void fnas_engine_destroy(fnas_engine *engine) {
    if (!engine) return;
    fnas_backend_destroy(engine->backend);
    fnas_free(engine->scratch);
    fnas_free(engine);
}

void fnas_engine_prepare_thread(int64_t worker) {
    (void)worker;
    omp_set_num_threads(1);
    fnas_engine_limit_blas();
    (void)fnas_flush_denormals();
}

void fnas_engine_set_product(fnas_engine *engine, fnas_product_function *product) {
    engine->product = product ? product : fnas_backend_product;
}

fnas_product_function *fnas_engine_product(const fnas_engine *engine) {
    return engine->product;
}

int64_t fnas_engine_block(const fnas_engine *engine) {
    return engine->block;
}

size_t fnas_engine_element_bytes(const fnas_engine *engine) {
    return engine->kernels->element_bytes;
}

void fnas_engine_from_floats(const fnas_engine *engine, size_t count, const float *src, void *dst) {
    engine->kernels->from_floats(count, src, dst);
}

void fnas_engine_to_floats(const fnas_engine *engine, size_t count, const void *src, float *dst) {
    engine->kernels->to_floats(count, src, dst);
}

int64_t fnas_engine_allocations(const fnas_engine *engine) {
    return engine->scratch_allocations + fnas_backend_preparations(engine->backend);
}

size_t fnas_align_bytes(size_t bytes) {
    return (bytes + FNAS_ALIGNMENT - 1) / FNAS_ALIGNMENT * FNAS_ALIGNMENT;
}

fnas_status fnas_engine_scratch(fnas_context *context, fnas_engine *engine, size_t bytes, void **scratch) {
    if (bytes > engine->scratch_bytes) {
        fnas_free(engine->scratch);
        engine->scratch_bytes = 0;
        engine->scratch = fnas_allocate(bytes, 1);
        if (!engine->scratch) return fnas_fail_memory(context, "the scratch memory of a compute engine");
        engine->scratch_bytes = bytes;
        engine->scratch_allocations++;
    }
    *scratch = engine->scratch;
    return FNAS_OK;
}
