/* The compute backend of one worker thread, and the layout of its activations. */
#ifndef FNAS_COMPUTE_ENGINE_H
#define FNAS_COMPUTE_ENGINE_H

#include <stddef.h>

#include "base/error.h"

/* One worker's backend: stream, scratch, and a bounded cache of prepared kernels keyed by shape. Used by one thread at a time.
 * Kernels run on that one thread: paths are the unit of parallel work. */
typedef struct fnas_engine fnas_engine;

/* Type of activations and their gradients in memory. Statistics, gates, losses, logits, weights and their gradients are f32 whatever it is.
 */
typedef enum fnas_compute_type { FNAS_COMPUTE_F32, FNAS_COMPUTE_BF16 } fnas_compute_type;
const char *fnas_compute_type_name(fnas_compute_type type); /* "f32", "bf16" */

/* Whether this processor, its instruction set as it was limited, and this build can compute in a type. */
bool fnas_engine_supports(fnas_compute_type type);

/* FNAS_ERR_UNSUPPORTED where the type is not supported. */
FNAS_NODISCARD fnas_status fnas_engine_create(fnas_context *context, fnas_compute_type type, fnas_engine **engine);
void fnas_engine_destroy(fnas_engine *engine);

/* How often this engine has taken memory or prepared a kernel: unchanged by a call whose shape it has seen. For tests. */
int64_t fnas_engine_allocations(const fnas_engine *engine);

/* To be run once on each worker thread (fnas_team_create's on_start): one OpenMP thread, one BLAS thread, denormals flushed. */
void fnas_engine_prepare_thread(int64_t worker);
/* One BLAS thread from here on, for the whole process: what has no engine and multiplies must call it first. */
void fnas_engine_limit_blas(void);

/* Activations other than the input image lie as [N][ceil(C / block)][H][W][block], of the engine's precision, channels padded with zeros;
 * the block is what the convolution kernels of this processor choose (16 with AVX-512, 8 with AVX2, 1 for plain NCHW). */
int64_t fnas_engine_block(const fnas_engine *engine);
size_t fnas_engine_element_bytes(const fnas_engine *engine); /* of an activation */

/* Instruction set that the backend uses ("avx512_core_amx", "avx2", ...) and its version ("oneDNN 2.6.0"). Static storage. Asking for the
 * instruction set, or whether it has bf16 or int8, settles it: fnas_backend_limit_isa comes first. */
const char *fnas_backend_isa(void);
const char *fnas_backend_version(void);

/* Limits the instruction set of this process: native, avx512, avx2, sse41. Only before the first engine: FNAS_ERR_UNSUPPORTED afterwards,
 * or when the processor lacks it. */
FNAS_NODISCARD fnas_status fnas_backend_limit_isa(fnas_context *context, const char *isa);
bool fnas_backend_has_bf16(void); /* convolutions in bf16 run natively */
bool fnas_backend_has_int8(void); /* AVX2 and more */
/* The largest whole number of an int8 weight. Without VNNI two products of 8 bits are added in 16, where they could be clipped: a weight
 * has one bit less then. */
int fnas_backend_int8_weight_most(void);

typedef struct fnas_shape {
    int64_t n, c, h, w;
} fnas_shape;

/* Elements of activations: plain; in the engine's layout, with channel padding; of a buffer for these: a multiple of 16, so that what
 * follows stays aligned. */
int64_t fnas_shape_elements(fnas_shape shape);
size_t fnas_shape_blocked_elements(fnas_shape shape, int64_t block);
size_t fnas_shape_floats(fnas_shape shape, int64_t block);

/* Between plain NCHW and the engine's layout. */
void fnas_layout_pack(int64_t block, fnas_shape shape, const float *nchw, float *blocked);
void fnas_layout_unpack(int64_t block, fnas_shape shape, const float *blocked, float *nchw);

/* Between f32 and the engine's precision, element by element; count a multiple of 16. */
void fnas_engine_from_floats(const fnas_engine *engine, size_t count, const float *src, void *dst);
void fnas_engine_to_floats(const fnas_engine *engine, size_t count, const void *src, float *dst);

#endif
