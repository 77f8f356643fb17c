/* How the loops of this folder are vectorised without tying the build to one processor.
 *
 * Element-wise loops are left to the compiler, once for each instruction set (FNAS_MULTIVERSION). Reductions go over LANES of partial sums,
 * lane l of a plane [H][W][block] holding elements of channel l % block: the same code serves every block, and as no sum is re-associated
 * or contracted
 * (-ffp-contract=off) the result has the same bits whichever version runs. */
#ifndef FNAS_COMPUTE_VECTOR_H
#define FNAS_COMPUTE_VECTOR_H

#include <stddef.h>
#include <stdint.h>

/* Needs ifunc (glibc); its resolvers run before the sanitizers are ready. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define FNAS_MULTIVERSION __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FNAS_MULTIVERSION
#endif

typedef float fnas_v8 __attribute__((vector_size(32), aligned(4), may_alias));

#define FNAS_LANES 32 /* floats that a reduction takes at once: enough independent sums to hide the latency of an addition */

/* Partial sums are taken in f32 over at most this many groups of lanes and then added in double: the error of a sum is at most this many
 * times the rounding error of one addition relative to the sum of magnitudes, however large the plane (and far less for rounding errors of
 * random sign). */
#define FNAS_LANE_GROUPS 64

#endif
