/* Search spaces: sets of named categorical decisions. */
#ifndef FLEETNAS_SPACE_H
#define FLEETNAS_SPACE_H

#include <stddef.h>

#include "fleetnas/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A space with its parameters. Immutable after opening: thread-safe to read. */
typedef struct fnas_space fnas_space;

/* Opens a space from "NAME" or "NAME:key=value,...", for example "nb201:channels=16,cells=5,classes=10,input=3x32x32" (NAS-Bench-201, Dong
 * and Yang 2020; these are its defaults) "mobilenetv3:width=1.2,classes=1000" (Once-for-All, Cai et al. 2020; docs/mobilenetv3.md) or
 * "transformer" (HAT, Wang et al. 2020; docs/transformer.md); from "transformer:FILE.yml", the YAML of a HAT super-transformer, after which
 * the spec has all that it says; or from the path of a file that describes it (docs/spaces.md; a path has a '/' or ends in ".json"). A
 * described space has the spec "file:NAME:CHECKSUM", wherever the file lies; a context that has opened the file, or a run or a predictor of
 * the space, opens that spec as well. Owned by the caller: fnas_space_close. Errors: FNAS_ERR_INPUT (unknown name or key with a suggestion,
 * value out of range, a description that is wrong: file, line and name; the spec of a file that this context has not seen), FNAS_ERR_IO,
 * FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_space_open(fnas_context *context, const char *spec, fnas_space **space);
FNAS_API void fnas_space_close(fnas_space *space);

/* The path in what fnas_space_open takes, borrowed: of "DIR/space.json" all, of "transformer:FILE.yml" the part behind the colon. NULL
 * where it opens no file. Thread-safe; cannot fail. */
FNAS_API const char *fnas_space_path(const char *spec);

/* Whether `spec` is the path of a file that names a table (docs/spaces.md, "table"), which opening it reads, too: path[size_bytes] is the
 * table's then, beside the file. False where it is no path, or a file that cannot be read or names none, or the path is too long. */
FNAS_API bool fnas_space_find_table(fnas_context *context, const char *spec, char *path, size_t size_bytes);

/* The canonical spec, with every parameter spelled out. Borrowed. Two spaces are the same when these are equal. */
FNAS_API const char *fnas_space_spec(const fnas_space *space);
FNAS_API const char *fnas_space_name(const fnas_space *space); /* "nb201" */

/* The same space with parameters replaced: overrides is "key=value,..." ("" for none). Owned by the caller. Errors as fnas_space_open. */
FNAS_API FNAS_NODISCARD fnas_status fnas_space_derive(fnas_context *context, const fnas_space *space, const char *overrides,
                                                      fnas_space **derived);

/* Decisions 0..count-1, each with choices 0..choices-1. The one-hot of an architecture is the concatenation of one row a decision. */
FNAS_API int64_t fnas_space_decision_count(const fnas_space *space);
FNAS_API const char *fnas_space_decision_name(const fnas_space *space, int64_t decision);
FNAS_API int64_t fnas_space_choice_count(const fnas_space *space, int64_t decision);
FNAS_API const char *fnas_space_choice_name(const fnas_space *space, int64_t decision, int64_t choice);
FNAS_API int64_t fnas_space_onehot_size(const fnas_space *space);
FNAS_API int64_t fnas_space_onehot_offset(const fnas_space *space, int64_t decision);
/* Number of architectures: the product of the choices (where decisions can be inactive, some of these are the same network). */
FNAS_API double fnas_space_cardinality(const fnas_space *space);
/* The same with each counted once: native strings that differ. */
FNAS_API double fnas_space_settled_count(const fnas_space *space);

/* An architecture is int32_t choices[decision_count]. Text form is the space's native string. parse: choices is written on success only;
 * errors: FNAS_ERR_INPUT, naming the position. format: text[size_bytes] is written; errors: FNAS_ERR_INPUT (a choice out of range),
 * FNAS_ERR_INTERNAL (too small a buffer). Thread-safe with a context each. */
#define FNAS_ARCH_TEXT_BYTES 1024 /* enough for every space's native string, with its 0 */
FNAS_API FNAS_NODISCARD fnas_status fnas_space_parse(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices);
FNAS_API FNAS_NODISCARD fnas_status fnas_space_format(fnas_context *context, const fnas_space *space, const int32_t *choices, char *text,
                                                      size_t size_bytes);

/* As fnas_space_parse, for what a user gives: where the space is transformer, text may also be the path (it ends in .yml or .yaml) of HAT's
 * YAML of a sub-transformer. Errors: FNAS_ERR_INPUT (naming file and line), FNAS_ERR_IO, FNAS_ERR_MEMORY. Thread-safe with a context each.
 */
FNAS_API FNAS_NODISCARD fnas_status fnas_space_parse_given(fnas_context *context, const fnas_space *space, const char *text,
                                                           int32_t *choices);

/* The index-th uniformly random architecture of a seed (draws are independent; repeats can happen). */
FNAS_API void fnas_space_random(const fnas_space *space, uint64_t seed, int64_t index, int32_t *choices);
/* count different ones, choices [count][decision_count], as their native strings say them. Deterministic. Errors: FNAS_ERR_INPUT (more than
 * the space has), FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_space_sample(fnas_context *context, const fnas_space *space, uint64_t seed, int64_t count,
                                                      int32_t *choices);

/* Whether the space knows its networks' sizes: false for one that a file describes, for which the two functions below return 0. */
FNAS_API bool fnas_space_has_counts(const fnas_space *space);
/* Exact closed forms. MACs of one image: convolutions and linear layers with their biases; of transformer, of one sentence. Parameters: of
 * the benchmark's network (affine norms); of transformer, without embeddings. */
FNAS_API int64_t fnas_space_macs(const fnas_space *space, const int32_t *choices);
FNAS_API int64_t fnas_space_params(const fnas_space *space, const int32_t *choices);

/* Whether the output of an architecture depends on its input: false for one that can do no more than guess, whatever its weights (for
 * nb201: a cell of which no path leads from the input to the output). Such a one is the fastest of all, and never of use. Thread-safe. */
FNAS_API bool fnas_space_connected(const fnas_space *space, const int32_t *choices);

/* The space's own reference architectures for the device embedding (ten; for nb201 those of HELP, Lee et al. 2021). index in 0..count-1;
 * choices is written. */
FNAS_API int64_t fnas_space_reference_count(const fnas_space *space);
FNAS_API void fnas_space_reference(const fnas_space *space, int64_t index, int32_t *choices);

/* The largest network, of which all others are parts: choices [decisions]. False, and nothing written, where the space has no such one.
 * Cannot fail otherwise. */
FNAS_API bool fnas_space_largest(const fnas_space *space, int32_t *choices);

/* Input image (of a space whose networks take images of several sizes, the largest) and classes: C, H, W; fails with FNAS_ERR_UNSUPPORTED
 * where a space has no images. */
FNAS_API FNAS_NODISCARD fnas_status fnas_space_image(fnas_context *context, const fnas_space *space, int64_t shape[3], int64_t *classes);

#ifdef __cplusplus
}
#endif
#endif
