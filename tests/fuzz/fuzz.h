/* One file a parser: what libFuzzer calls (make fuzz), and what replay.c calls with the corpus and mutations of it (make test). */
#ifndef FNAS_TESTS_FUZZ_FUZZ_H
#define FNAS_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fleetnas/context.h"

/* Must not crash, hang or leak, whatever the bytes. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold; release builds check it too. */
#define FUZZ_REQUIRE(condition)                                                                                                            \
    do {                                                                                                                                   \
        if (!(condition)) {                                                                                                                \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                                                  \
            abort();                                                                                                                       \
        }                                                                                                                                  \
    } while (0)

static inline fnas_context *fuzz_context(void) {
    fnas_context *context;
    FUZZ_REQUIRE(fnas_context_create(&context) == FNAS_OK);
    return context;
}

/* A parser that refuses says why; nothing of these parsers fails for another reason than its input. */
static inline void fuzz_check(const fnas_context *context, fnas_status status) {
    FUZZ_REQUIRE(status == FNAS_OK || status == FNAS_ERR_INPUT || status == FNAS_ERR_USAGE || status == FNAS_ERR_UNSUPPORTED);
    FUZZ_REQUIRE(status == FNAS_OK || *fnas_context_message(context));
}

#endif
