/* Shared by the oneDNN files; nothing outside this folder includes it. */
#ifndef FNAS_COMPUTE_ONEDNN_COMMON_H
#define FNAS_COMPUTE_ONEDNN_COMMON_H

#include <dnnl.h>

#include "compute/backend.h"

typedef struct fnas_onednn {
    dnnl_engine_t engine;
    dnnl_primitive_attr_t attributes; /* scratchpads are the caller's */
    int64_t block;
    dnnl_format_tag_t activation_tag;
} fnas_onednn;

/* The process's oneDNN engine; made once, never released. Settles the instruction set. Thread-safe. */
FNAS_NODISCARD fnas_status fnas_onednn_get(fnas_context *context, const fnas_onednn **onednn);

FNAS_NODISCARD fnas_status fnas_onednn_fail(fnas_context *context, dnnl_status_t status, const char *what);

#define FNAS_TRY_DNNL(context, expression, what)                                                                                           \
    do {                                                                                                                                   \
        dnnl_status_t fnas_dnnl_status_ = (expression);                                                                                    \
        if (fnas_dnnl_status_ != dnnl_success) return fnas_onednn_fail(context, fnas_dnnl_status_, what);                                  \
    } while (0)

#endif
