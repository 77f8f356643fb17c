/* Runtimes: what executes an inference graph on this machine. A new runtime is one new file with one table, named in runtime.c. */
#ifndef FNAS_DEVICE_RUNTIME_H
#define FNAS_DEVICE_RUNTIME_H

#include "base/text.h"
#include "compute/multiply.h"
#include "graph/graph.h"

typedef enum fnas_precision { FNAS_PRECISION_F32, FNAS_PRECISION_BF16, FNAS_PRECISION_INT8 } fnas_precision;
#define FNAS_PRECISION_COUNT 3

typedef struct fnas_runtime_options {
    fnas_precision precision;
    int64_t batch, threads;
    int64_t calibration_count;       /* int8: images whose activations give the scales */
    const float *calibration_images; /* [calibration_count, C, H, W] */
} fnas_runtime_options;

/* How a runtime translates (translating.h): networks are run by the code of nn/translator, on the engine's type that the precision is of,
 * with products by the runtime's library. */
typedef struct fnas_runtime_translation {
    bool precisions[FNAS_PRECISION_COUNT];
    fnas_product_function *product;   /* in f32; NULL: the engine's own */
    void (*use_threads)(int threads); /* of the products, from here on */
} fnas_runtime_translation;

/* Settings are process-wide (threads of OpenBLAS and OpenMP): one kind of instance at a time in one process. */
typedef struct fnas_runtime {
    const char *name;
    bool precisions[FNAS_PRECISION_COUNT]; /* which it knows; the processor may lack them still */
    bool knows_isa;                        /* can be limited to an instruction set (fnas_backend_limit_isa) */
    void (*version)(char *text, size_t size_bytes);
    const char *(*isa)(void);                    /* what its kernels are chosen for; static storage */
    const fnas_runtime_translation *translation; /* NULL: it knows networks of images alone, which the rest is about */
    /* Prepares a graph, which is borrowed only while creating. FNAS_ERR_UNSUPPORTED where the processor lacks the precision. */
    fnas_status (*create)(fnas_context *context, const fnas_graph *graph, const fnas_runtime_options *options, void **instance);
    /* images [batch, C, H, W], logits [batch, classes]. No allocation. */
    fnas_status (*run)(fnas_context *context, void *instance, const float *images, float *logits);
    /* The same, and to node_ms [node_count] is added what each node of the graph took: processor time with one thread, else the time that
     * passed. What a runtime fuses counts where it is computed. */
    fnas_status (*run_timed)(fnas_context *context, void *instance, const float *images, float *logits, double *node_ms);
    size_t (*bytes)(const void *instance);
    void (*describe)(const void *instance, fnas_text *text); /* one line a step, for tests and the curious */
    void (*destroy)(void *instance);                         /* NULL is allowed */
} fnas_runtime;

extern const fnas_runtime fnas_runtime_onednn, fnas_runtime_onednn_plain, fnas_runtime_blas;
extern const fnas_runtime_translation fnas_translation_blas;

/* By name; an unknown one fails with a suggestion. */
FNAS_NODISCARD fnas_status fnas_runtime_find(fnas_context *context, const char *name, const fnas_runtime **runtime);
FNAS_NODISCARD fnas_status fnas_precision_find(fnas_context *context, const char *name, fnas_precision *precision);
const char *fnas_precision_name(fnas_precision precision); /* "f32", "bf16", "int8" */
/* Whether runtime, precision and isa go together, as far as it can be told without asking the processor. */
FNAS_NODISCARD fnas_status fnas_runtime_check(fnas_context *context, const fnas_runtime *runtime, fnas_precision precision,
                                              const char *isa);
/* Whether the runtime translates in a precision: FNAS_ERR_UNSUPPORTED says what does. */
FNAS_NODISCARD fnas_status fnas_runtime_check_translation(fnas_context *context, const fnas_runtime *runtime, fnas_precision precision);

#endif
