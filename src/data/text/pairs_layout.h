/* What reading and writing a file of pairs share. */
#ifndef FNAS_DATA_TEXT_PAIRS_LAYOUT_H
#define FNAS_DATA_TEXT_PAIRS_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "fleetnas/text.h"

#define FNAS_PAIRS_MAGIC "fleetnas-pairs-1"
#define FNAS_PAIRS_MAGIC_BYTES 16
#define FNAS_PAIRS_ENTRY_BYTES 16
#define FNAS_PAIRS_NAMES_MAX 1024

/* The trailer's numbers. */
enum {
    FNAS_PAIRS_WIDTH,
    FNAS_PAIRS_IDS,
    FNAS_PAIRS_COUNTS,
    FNAS_PAIRS_TEXT_BYTES = FNAS_PAIRS_COUNTS + FNAS_TEXT_PARTS,
    FNAS_PAIRS_MODEL_BYTES,
    FNAS_PAIRS_NAMES_BYTES,
    FNAS_PAIRS_SEED,
    FNAS_PAIRS_FILE_BYTES,
    FNAS_PAIRS_CHECKSUM,
    FNAS_PAIRS_NUMBERS
};

#define FNAS_PAIRS_TRAILER_BYTES (8 * FNAS_PAIRS_NUMBERS + FNAS_PAIRS_MAGIC_BYTES)

static inline void fnas_pairs_put(unsigned char *at, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) at[i] = (unsigned char)(value >> 8 * i);
}

static inline uint64_t fnas_pairs_number(const unsigned char *at, int bytes) {
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--) value = value << 8 | at[i];
    return value;
}

#endif
