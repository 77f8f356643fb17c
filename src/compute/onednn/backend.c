/* The instruction set, and the process-wide oneDNN engine with the channel block that its convolutions choose. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "compute/onednn/common.h"

/* Jitted kernels that oneDNN keeps for all engines; resolutions and widths make thousands of shapes, so it must be bounded. */
#define PROCESS_CACHE_CAPACITY 1024

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static bool isa_settled; /* oneDNN refuses to limit the instruction set once anything has asked for it */
static bool process_started;
static fnas_onednn process;

fnas_status fnas_onednn_fail(fnas_context *context, dnnl_status_t status, const char *what) {
    switch (status) {
    case dnnl_out_of_memory:
        return fnas_fail_memory(context, what);
    case dnnl_unimplemented:
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "%s: oneDNN has no kernel for it on this processor", what);
    default:
        return fnas_fail(context, FNAS_ERR_INTERNAL, "%s: oneDNN failed with status %d", what, (int)status);
    }
}

/* ---- instruction set ---- */

typedef struct isa_limit {
    const char *name;
    dnnl_cpu_isa_t isa;
} isa_limit;

static const isa_limit isa_limits[] = {
    {"native", dnnl_cpu_isa_all}, {"avx512", dnnl_cpu_isa_avx512_core}, {"avx2", dnnl_cpu_isa_avx2}, {"sse41", dnnl_cpu_isa_sse41}};

/* Asks the processor itself: asking oneDNN would settle the instruction set. */
static bool processor_supports(dnnl_cpu_isa_t isa) {
    if (isa == dnnl_cpu_isa_all) return true;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (isa == dnnl_cpu_isa_avx512_core)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq");
    if (isa == dnnl_cpu_isa_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return __builtin_cpu_supports("sse4.1");
#else
    return false;
#endif
}

fnas_status fnas_backend_limit_isa(fnas_context *context, const char *isa) {
    const isa_limit *limit = NULL;
    for (size_t i = 0; i < sizeof isa_limits / sizeof *isa_limits; i++)
        if (strcmp(isa, isa_limits[i].name) == 0) limit = &isa_limits[i];
    if (!limit) return fnas_fail(context, FNAS_ERR_INPUT, "instruction set \"%s\" is unknown: use native, avx512, avx2 or sse41", isa);
    if (!processor_supports(limit->isa))
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED, "this processor does not have the instruction set %s", isa);

    pthread_mutex_lock(&process_lock);
    bool accepted = !isa_settled && dnnl_set_max_cpu_isa(limit->isa) == dnnl_success;
    pthread_mutex_unlock(&process_lock);
    if (accepted) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_UNSUPPORTED,
                     "the instruction set is already settled in this process: limit it to %s before anything is computed", isa);
}

static dnnl_cpu_isa_t effective_isa(void) {
    pthread_mutex_lock(&process_lock);
    isa_settled = true;
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    pthread_mutex_unlock(&process_lock);
    return isa;
}

const char *fnas_backend_isa(void) {
    switch (effective_isa()) {
    case dnnl_cpu_isa_sse41:
        return "sse41";
    case dnnl_cpu_isa_avx:
        return "avx";
    case dnnl_cpu_isa_avx2:
        return "avx2";
    case dnnl_cpu_isa_avx2_vnni:
        return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core:
        return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni:
        return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16:
        return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx:
        return "avx512_core_amx";
    default:
        return "generic";
    }
}

bool fnas_backend_has_bf16(void) {
    dnnl_cpu_isa_t isa = effective_isa();
    return isa == dnnl_cpu_isa_avx512_core_bf16 || isa == dnnl_cpu_isa_avx512_core_amx;
}

static bool has_vnni(void) {
    dnnl_cpu_isa_t isa = effective_isa();
    return isa == dnnl_cpu_isa_avx2_vnni || isa == dnnl_cpu_isa_avx512_core_vnni || isa == dnnl_cpu_isa_avx512_core_bf16 ||
           isa == dnnl_cpu_isa_avx512_core_amx;
}

bool fnas_backend_has_int8(void) {
    dnnl_cpu_isa_t isa = effective_isa();
    return has_vnni() || isa == dnnl_cpu_isa_avx2 || isa == dnnl_cpu_isa_avx512_core;
}

int fnas_backend_int8_weight_most(void) {
    return has_vnni() ? 127 : 63;
}

const char *fnas_backend_version(void) {
    static char text[48];
    pthread_mutex_lock(&process_lock);
    const dnnl_version_t *version = dnnl_version();
    if (!text[0]) snprintf(text, sizeof text, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
    pthread_mutex_unlock(&process_lock);
    return text;
}

/* ---- the engine of the process ---- */

/* Which layout a convolution of 16 to 16 channels takes for its source when it may choose. */
static dnnl_status_t chosen_layout(dnnl_engine_t engine, dnnl_memory_desc_t *layout) {
    const dnnl_dims_t activation = {1, 16, 32, 32}, weight = {16, 16, 3, 3}, stride = {1, 1}, padding = {1, 1};
    dnnl_memory_desc_t activation_any, weight_any;
    dnnl_convolution_desc_t convolution;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&activation_any, 4, activation, dnnl_f32, dnnl_format_tag_any);
    if (status == dnnl_success) status = dnnl_memory_desc_init_by_tag(&weight_any, 4, weight, dnnl_f32, dnnl_format_tag_any);
    if (status == dnnl_success)
        status = dnnl_convolution_forward_desc_init(&convolution, dnnl_forward_training, dnnl_convolution_direct, &activation_any,
                                                    &weight_any, NULL, &activation_any, stride, padding, padding);
    if (status == dnnl_success) status = dnnl_primitive_desc_create(&description, &convolution, NULL, engine, NULL);
    if (status == dnnl_success) {
        *layout = *dnnl_primitive_desc_query_md(description, dnnl_query_src_md, 0);
        dnnl_primitive_desc_destroy(description);
    }
    return status;
}

static dnnl_status_t find_block(fnas_onednn *onednn) {
    static const struct {
        int64_t block;
        dnnl_format_tag_t tag;
    } candidates[] = {{16, dnnl_nChw16c}, {8, dnnl_nChw8c}};
    const dnnl_dims_t activation = {1, 16, 32, 32};
    dnnl_memory_desc_t chosen, candidate;
    dnnl_status_t status = chosen_layout(onednn->engine, &chosen);
    if (status != dnnl_success) return status;
    onednn->block = 1;
    onednn->activation_tag = dnnl_nchw;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        status = dnnl_memory_desc_init_by_tag(&candidate, 4, activation, dnnl_f32, candidates[i].tag);
        if (status != dnnl_success) return status;
        if (!dnnl_memory_desc_equal(&chosen, &candidate)) continue;
        onednn->block = candidates[i].block;
        onednn->activation_tag = candidates[i].tag;
    }
    return dnnl_success;
}

static dnnl_status_t start(fnas_onednn *onednn) {
    dnnl_status_t status = dnnl_set_primitive_cache_capacity(PROCESS_CACHE_CAPACITY);
    if (status == dnnl_success) status = dnnl_engine_create(&onednn->engine, dnnl_cpu, 0);
    if (status == dnnl_success) status = dnnl_primitive_attr_create(&onednn->attributes);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_scratchpad_mode(onednn->attributes, dnnl_scratchpad_mode_user);
    if (status == dnnl_success) status = find_block(onednn);
    if (status != dnnl_success) {
        dnnl_primitive_attr_destroy(onednn->attributes);
        dnnl_engine_destroy(onednn->engine);
        *onednn = (fnas_onednn){0};
    }
    return status;
}

fnas_status fnas_onednn_get(fnas_context *context, const fnas_onednn **onednn) {
    pthread_mutex_lock(&process_lock);
    isa_settled = true;
    dnnl_status_t status = process_started ? dnnl_success : start(&process);
    process_started = status == dnnl_success;
    pthread_mutex_unlock(&process_lock);
    *onednn = &process;
    FNAS_TRY_DNNL(context, status, "the convolution library");
    return FNAS_OK;
}
