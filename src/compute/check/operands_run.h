/* Runs one operator case: the fast operator, and its naive twin (reference.h). */
#ifndef FNAS_COMPUTE_CHECK_OPERANDS_RUN_H
#define FNAS_COMPUTE_CHECK_OPERANDS_RUN_H

#include "compute/check/operands.h"

/* What every case is run with. */
#define FNAS_CASE_EPSILON 1e-5f   /* of norms */
#define FNAS_CASE_LOSS_SCALE 1.5f /* of the gradient of cross entropy */

/* On the operands' `fast`, of an engine with the block and type that they were declared with. Errors as the operator's. */
FNAS_NODISCARD fnas_status fnas_operands_run_fast(fnas_context *context, fnas_engine *engine, fnas_operands *all);
void fnas_operands_run_exact(fnas_operands *all); /* on their `exact` */

/* The naive twin on any double operands, in the order of the case's list; absent ones are NULL. labels [n]: of cross entropy. */
void fnas_case_run_exact(const fnas_operator_case *c, const int32_t *labels, double *const x[FNAS_OPERANDS_MOST]);

#endif
