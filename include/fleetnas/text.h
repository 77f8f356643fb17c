/* Parallel text: two files whose lines are translations of each other, made into one file that networks which translate are
 * trained on (fnas_search_options.data). */
#ifndef FLEETNAS_TEXT_H
#define FLEETNAS_TEXT_H

#include "fleetnas/context.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FNAS_PAIR_IDS_MAX 1024 /* of one side of a pair */

/* What a pair is for: the supernet's weights, the hypernetwork's search, validation, and the test that only the end touches. */
typedef enum fnas_text_part { FNAS_TEXT_TRAIN, FNAS_TEXT_SEARCH, FNAS_TEXT_VALIDATION, FNAS_TEXT_TEST, FNAS_TEXT_PARTS } fnas_text_part;

/* Why a pair is left out; the first that applies. */
typedef enum fnas_text_skip {
    FNAS_TEXT_ENORMOUS, /* a line of more than 65536 bytes */
    FNAS_TEXT_INVALID,  /* a line that is not UTF-8, or has a 0 in it */
    FNAS_TEXT_EMPTY,    /* a line without a piece */
    FNAS_TEXT_LONG,     /* a line of more pieces than are taken */
    FNAS_TEXT_UNEVEN,   /* one side has many times the pieces of the other */
    FNAS_TEXT_REPEATED, /* the same two lines stood there before */
    FNAS_TEXT_SKIPS
} fnas_text_skip;

/* "lines of more than 65536 bytes", ... Static storage. */
FNAS_API const char *fnas_text_skip_name(fnas_text_skip skip);

/* How parallel text is prepared. Zeros stand for the values in brackets. */
typedef struct fnas_text_request {
    const char *vocabulary;  /* a model of SentencePiece, of type unigram or bpe, with <s> and </s>; NULL: one is trained, by spm_train */
    const char *kind;        /* of one that is trained: "bpe" or "unigram" [bpe] */
    int64_t vocabulary_size; /* of one that is trained, 300..65536 [8000] */
    int64_t longest;         /* pieces of a side, 1..FNAS_PAIR_IDS_MAX [250] */
    double ratio;            /* of the pieces of the longer side to those of the shorter one, 1 and more [3] */
    double fractions[FNAS_TEXT_PARTS]; /* of the pairs, for parts without files of their own; train is the rest [-, 0.1, 0.05, 0.05] */
    uint64_t seed;
} fnas_text_request;

typedef struct fnas_text_prepared {
    int64_t read;                     /* pairs of lines */
    int64_t counts[FNAS_TEXT_PARTS];  /* pairs kept */
    int64_t skipped[FNAS_TEXT_SKIPS]; /* pairs left out, by reason */
    int64_t pieces;                   /* of all pairs kept, both sides */
    int64_t vocabulary;               /* pieces that there are */
    int64_t size_bytes;
} fnas_text_prepared;

/* Cuts the lines of `spec`, text:SOURCE,TARGET, into pieces and writes them, in parts, to `path`, with the vocabulary and the texts of the
 * validation and the test part. Where the names begin with "train.", files beside them whose names begin with "valid." and "test." in its
 * place are those parts, kept whole and in their order; parts without files are drawn from SOURCE and TARGET by (seed, the source's line),
 * so that equal sources are in one part, and repeated pairs are left out. Pairs that are unfit are left out and counted, the first few
 * named in the log. The file appears whole or not at all; equal calls make equal files, for any
 * number of threads. Cuts on the context's threads, reports progress and can be stopped. Errors:
 * FNAS_ERR_USAGE (the spec, a value out of range, a file that would be overwritten), FNAS_ERR_INPUT (a missing file, files of different
 * length, a vocabulary that does not fit, no spm_train, a part that would be empty), FNAS_ERR_UNSUPPORTED (a vocabulary of another type),
 * FNAS_ERR_IO, FNAS_ERR_MEMORY, FNAS_INTERRUPTED. */
FNAS_API FNAS_NODISCARD fnas_status fnas_text_prepare(fnas_context *context, const char *spec, const fnas_text_request *request,
                                                      const char *path, fnas_text_prepared *prepared);

#ifdef __cplusplus
}
#endif
#endif
