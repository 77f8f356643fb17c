/* How far a fast operator may be from its naive twin, and whether it is.
 *
 * A dot product of k terms in f32 differs from the exact one by at most about lambda * sqrt(k) * u * sum |a b| with overwhelming
 * probability (Higham and Mary 2019, "A new approach to probabilistic rounding error analysis"; u = 2^-24), so results are held to (6
 * sqrt(k) + 4) u times the same operator applied to the magnitudes of its operands; 4 covers the few roundings beside the sum.
 *
 * In bf16 operands are what bf16 can hold, products of two of them are exact in f32 and sums are f32, so the same bound holds up to the
 * result. That is rounded when it is stored (u = 2^-8), and where it is added to, at most three times. */
#ifndef FNAS_COMPUTE_CHECK_OPERANDS_BOUNDS_H
#define FNAS_COMPUTE_CHECK_OPERANDS_BOUNDS_H

#include "compute/check/operands.h"

/* What should have come out, and how far from it a result may be: `exact` and `allowed` of filled operands. Once: what is added to is
 * overwritten. */
void fnas_operands_compute(fnas_operands *all);

/* The largest error of a result over the error allowed: above 1 where it is too large, infinite where it is NaN or its padding is not
 * zero. After fnas_operands_compute. */
double fnas_operand_error(fnas_operands *all, const fnas_operand *o);

/* Runs a case both ways on values drawn for this number; false with a message where they differ, or where the operator fails. */
bool fnas_case_agrees(fnas_context *context, fnas_engine *engine, const fnas_operator_case *c, int64_t index, char *message,
                      size_t size_bytes);

#endif
