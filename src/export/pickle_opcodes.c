#include "export/pickle_opcodes.h"

#include <stddef.h>

const char *fnas_pickle_opcode_name(unsigned char code) {
    switch (code) {
#define FNAS_PICKLE_NAME(name, value)                                                                                                      \
    case (value):                                                                                                                          \
        return #name;
        FNAS_PICKLE_OPCODES(FNAS_PICKLE_NAME)
#undef FNAS_PICKLE_NAME
    default:
        return NULL;
    }
}
