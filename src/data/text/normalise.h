/* What SentencePiece does to a text before it is cut into pieces (Kudo and Richardson 2018, "SentencePiece: a simple and language
 * independent subword tokenizer", section 3.2): replacements by the longest rule that fits, spaces made one and shown as U+2581. */
#ifndef FNAS_DATA_TEXT_NORMALISE_H
#define FNAS_DATA_TEXT_NORMALISE_H

#include "base/text.h"
#include "data/text/trie.h"

#define FNAS_NORMALISED_MAX (1 << 24) /* bytes of a text that was normalised */

#define FNAS_SPACE_MARK "\xE2\x96\x81" /* U+2581 */
#define FNAS_SPACE_MARK_BYTES 3

/* As the file says, and what it has not, as it is without it. */
typedef struct fnas_normaliser {
    const unsigned char *units; /* [unit_count][4]: rules as a double array (Aoe 1989) in the layout of darts-clone; borrowed */
    size_t unit_count;
    const char *replacements; /* [replacement_bytes], each with a 0 behind it */
    size_t replacement_bytes;
    bool dummy_prefix, remove_extra_spaces, escape_spaces;
    bool spaces_behind;       /* the dummy space stands at the end */
    const fnas_trie *symbols; /* texts that stay as they are; NULL: none */
} fnas_normaliser;

#define FNAS_NORMALISER_DEFAULT ((fnas_normaliser){.dummy_prefix = true, .remove_extra_spaces = true, .escape_spaces = true})

/* Takes the rules as they stand in a model: their size (u32), the double array, the replacements. bytes [size] are borrowed as long as the
 * normaliser is used. Errors: FNAS_ERR_INPUT. */
FNAS_NODISCARD fnas_status fnas_normaliser_set_rules(fnas_context *context, fnas_normaliser *normaliser, const unsigned char *bytes,
                                                     size_t size);

/* Appends the text [size] as it is cut into pieces. What is not UTF-8 becomes U+FFFD, a byte at a time. Errors: FNAS_ERR_INPUT (it grows
 * beyond FNAS_NORMALISED_MAX), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_normalise(fnas_context *context, const fnas_normaliser *normaliser, const char *text, size_t size,
                                          fnas_text *normal);

#endif
