/* What a measuring program prints: one measurement, as text whose last number is milliseconds, or as a JSON object. */
#ifndef FNAS_DEVICE_ANSWER_H
#define FNAS_DEVICE_ANSWER_H

#include "base/error.h"

#define FNAS_ANSWER_TEXT_BYTES 96

typedef struct fnas_answer {
    double ms;
    double energy_mj;                     /* NaN when it was not asked for */
    char runtime[FNAS_ANSWER_TEXT_BYTES]; /* "" when it does not say; printable ASCII */
    char runtime_version[FNAS_ANSWER_TEXT_BYTES], processor[FNAS_ANSWER_TEXT_BYTES], isa[FNAS_ANSWER_TEXT_BYTES];
} fnas_answer;

/* Reads an answer. Where all of `text`, or its last line that is not blank, is a JSON object, the milliseconds are its number `field`
 * (NULL: "ms"), the energy is "energy_mj", and "runtime", "runtime_version", "processor" and "isa" say what measured; an "error" becomes
 * the failure. Otherwise, unless a field is named, the last number in the text is the milliseconds; with_energy: the last but one is, and
 * the last the energy. `who` names the program. Errors: FNAS_ERR_INPUT (no number, not a plain one, not finite or not above 0: it quotes
 * what is wrong), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_answer_parse(fnas_context *context, const char *who, const char *text, const char *field, bool with_energy,
                                             fnas_answer *answer);

#endif
