/* The operands of one operator case, three times: as the fast operator sees them, exactly (double, plain), and the error allowed in each
 * result. Run by operands_run.h, bounded and compared by operands_bounds.h. */
#ifndef FNAS_COMPUTE_CHECK_OPERANDS_H
#define FNAS_COMPUTE_CHECK_OPERANDS_H

#include "compute/check/cases.h"

#define FNAS_OPERANDS_MOST 8 /* of one case */
#define FNAS_OPERANDS_SEED 20240229

typedef enum fnas_operand_role {
    FNAS_OPERAND_INPUT,
    FNAS_OPERAND_RESULT, /* written */
    FNAS_OPERAND_ADDED   /* added to */
} fnas_operand_role;

typedef struct fnas_operand {
    const char *name;
    fnas_operand_role role;
    bool blocked; /* an activation in the engine's layout */
    bool absent;  /* the operator gets NULL */
    fnas_shape shape;
    float *fast;             /* of the engine's type where blocked */
    double *exact, *allowed; /* plain [N][C][H][W]; allowed: of results */
} fnas_operand;

typedef struct fnas_operands {
    const fnas_operator_case *c; /* borrowed */
    fnas_operand list[FNAS_OPERANDS_MOST];
    int count;
    int64_t block;
    const fnas_engine *engine; /* borrowed; NULL: of f32 */
    int32_t *labels;
    float *plain, *floats; /* of the largest operand: plain, and as it lies in memory */
} fnas_operands;

/* Which operands the case has, without memory: in blocks of so many channels and f32, or in the engine's layout and type. */
void fnas_operands_declare(fnas_operands *all, const fnas_operator_case *c, int64_t block);
void fnas_operands_declare_on(fnas_operands *all, const fnas_operator_case *c, const fnas_engine *engine);

/* False when out of memory. To be freed either way, once declared. */
bool fnas_operands_allocate(fnas_operands *all);
void fnas_operands_free(fnas_operands *all);

/* Draws values, the same for the same number, and gives them to both sides. Results begin as NaN. */
void fnas_operands_fill(fnas_operands *all, int64_t case_index);

bool fnas_operands_are_bf16(const fnas_operands *all);
int64_t fnas_operand_size(const fnas_operand *o);                            /* elements, without padding */
size_t fnas_operand_floats(const fnas_operands *all, const fnas_operand *o); /* elements in memory, with padding */
size_t fnas_operand_bytes(const fnas_operands *all, const fnas_operand *o);  /* of the fast operator's */
void fnas_operand_load(fnas_operands *all, const fnas_operand *o);           /* the fast operator's memory, into `floats` */
void fnas_operand_unpack(fnas_operands *all, const fnas_operand *o);         /* that, and its elements into `plain` */

#endif
