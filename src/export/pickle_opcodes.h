/* The opcodes of pickles up to protocol 5, as Python's Lib/pickletools.py names them: what is refused can be named. */
#ifndef FNAS_EXPORT_PICKLE_OPCODES_H
#define FNAS_EXPORT_PICKLE_OPCODES_H

/* X(name, code) */
#define FNAS_PICKLE_OPCODES(X)                                                                                                             \
    X(INT, 'I')                                                                                                                            \
    X(BININT, 'J')                                                                                                                         \
    X(BININT1, 'K')                                                                                                                        \
    X(BININT2, 'M')                                                                                                                        \
    X(LONG, 'L')                                                                                                                           \
    X(LONG1, 0x8a)                                                                                                                         \
    X(LONG4, 0x8b)                                                                                                                         \
    X(STRING, 'S')                                                                                                                         \
    X(BINSTRING, 'T')                                                                                                                      \
    X(SHORT_BINSTRING, 'U')                                                                                                                \
    X(BINBYTES, 'B')                                                                                                                       \
    X(SHORT_BINBYTES, 'C')                                                                                                                 \
    X(BINBYTES8, 0x8e)                                                                                                                     \
    X(BYTEARRAY8, 0x96)                                                                                                                    \
    X(NEXT_BUFFER, 0x97)                                                                                                                   \
    X(READONLY_BUFFER, 0x98)                                                                                                               \
    X(NONE, 'N')                                                                                                                           \
    X(NEWTRUE, 0x88)                                                                                                                       \
    X(NEWFALSE, 0x89)                                                                                                                      \
    X(UNICODE, 'V')                                                                                                                        \
    X(SHORT_BINUNICODE, 0x8c)                                                                                                              \
    X(BINUNICODE, 'X')                                                                                                                     \
    X(BINUNICODE8, 0x8d)                                                                                                                   \
    X(FLOAT, 'F')                                                                                                                          \
    X(BINFLOAT, 'G')                                                                                                                       \
    X(EMPTY_LIST, ']')                                                                                                                     \
    X(APPEND, 'a')                                                                                                                         \
    X(APPENDS, 'e')                                                                                                                        \
    X(LIST, 'l')                                                                                                                           \
    X(EMPTY_TUPLE, ')')                                                                                                                    \
    X(TUPLE, 't')                                                                                                                          \
    X(TUPLE1, 0x85)                                                                                                                        \
    X(TUPLE2, 0x86)                                                                                                                        \
    X(TUPLE3, 0x87)                                                                                                                        \
    X(EMPTY_DICT, '}')                                                                                                                     \
    X(DICT, 'd')                                                                                                                           \
    X(SETITEM, 's')                                                                                                                        \
    X(SETITEMS, 'u')                                                                                                                       \
    X(EMPTY_SET, 0x8f)                                                                                                                     \
    X(ADDITEMS, 0x90)                                                                                                                      \
    X(FROZENSET, 0x91)                                                                                                                     \
    X(POP, '0')                                                                                                                            \
    X(DUP, '2')                                                                                                                            \
    X(MARK, '(')                                                                                                                           \
    X(POP_MARK, '1')                                                                                                                       \
    X(GET, 'g')                                                                                                                            \
    X(BINGET, 'h')                                                                                                                         \
    X(LONG_BINGET, 'j')                                                                                                                    \
    X(PUT, 'p')                                                                                                                            \
    X(BINPUT, 'q')                                                                                                                         \
    X(LONG_BINPUT, 'r')                                                                                                                    \
    X(MEMOIZE, 0x94)                                                                                                                       \
    X(EXT1, 0x82)                                                                                                                          \
    X(EXT2, 0x83)                                                                                                                          \
    X(EXT4, 0x84)                                                                                                                          \
    X(GLOBAL, 'c')                                                                                                                         \
    X(STACK_GLOBAL, 0x93)                                                                                                                  \
    X(REDUCE, 'R')                                                                                                                         \
    X(BUILD, 'b')                                                                                                                          \
    X(INST, 'i')                                                                                                                           \
    X(OBJ, 'o')                                                                                                                            \
    X(NEWOBJ, 0x81)                                                                                                                        \
    X(NEWOBJ_EX, 0x92)                                                                                                                     \
    X(PROTO, 0x80)                                                                                                                         \
    X(STOP, '.')                                                                                                                           \
    X(FRAME, 0x95)                                                                                                                         \
    X(PERSID, 'P')                                                                                                                         \
    X(BINPERSID, 'Q')

typedef enum fnas_pickle_opcode {
#define FNAS_PICKLE_ENUM(name, code) FNAS_OP_##name = (code),
    FNAS_PICKLE_OPCODES(FNAS_PICKLE_ENUM)
#undef FNAS_PICKLE_ENUM
} fnas_pickle_opcode;

/* "REDUCE"; NULL for a byte that is none. Static. */
const char *fnas_pickle_opcode_name(unsigned char code);

#endif
