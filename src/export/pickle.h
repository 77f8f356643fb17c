/* A reader of just those pickles (protocol 2) that hold one flat list of numbers, or one dictionary of numbers by text. It knows sixteen
 * opcodes, none of which can name, import or call anything; any other is refused by its name. The numbers of pickletools' documentation
 * (Python's Lib/pickletools.py) are the format's specification. */
#ifndef FNAS_EXPORT_PICKLE_H
#define FNAS_EXPORT_PICKLE_H

#include <stddef.h>

#include "base/error.h"

#define FNAS_PICKLE_ITEMS_MAX 4000000 /* entries */
#define FNAS_PICKLE_KEY_MAX 4096      /* bytes of a key */

/* What a pickle held. Owned: fnas_pickle_free. */
typedef struct fnas_pickle {
    bool is_map;      /* a dictionary; otherwise a list */
    int64_t count;    /* of entries */
    double *numbers;  /* [count] finite; integers are exact */
    bool *is_integer; /* [count] */
    char **keys;      /* [count] distinct, UTF-8 without 0 bytes; NULL for a list */
} fnas_pickle;

/* Reads size_bytes bytes of a pickle. `where` names it in messages. Errors: FNAS_ERR_INPUT "WHERE: byte 17: opcode REDUCE is refused: ..."
 * (another opcode, a number that is not finite, two equal keys, anything behind STOP, more than FNAS_PICKLE_ITEMS_MAX entries),
 * FNAS_ERR_MEMORY. O(n log n). Runs nothing. */
FNAS_NODISCARD fnas_status fnas_pickle_read(fnas_context *context, const char *where, const unsigned char *bytes, size_t size_bytes,
                                            fnas_pickle *pickle);
void fnas_pickle_free(fnas_pickle *pickle); /* leaves it empty */

/* The same from a .pt file of PyTorch: the pickle FOLDER/data.pkl of a ZIP archive with stored entries (torch.save of a list or a
 * dictionary). At most 64 MB. Errors also as fnas_zip_find, FNAS_ERR_IO. */
FNAS_NODISCARD fnas_status fnas_pickle_read_pt(fnas_context *context, const char *path, fnas_pickle *pickle);

#endif
