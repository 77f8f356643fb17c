/* Numbers in the text of options. */
#ifndef FNAS_SEARCH_CONFIG_NUMBERS_H
#define FNAS_SEARCH_CONFIG_NUMBERS_H

#include "fleetnas/context.h"

bool fnas_option_is_none(const char *text);
/* A number from 0 on at `text`, up to a comma or the end, which *rest is then. */
bool fnas_option_number(const char *text, const char **rest, double *number);
/* "none", which is 0, or a number from 0 to `most`, which the message calls `range`. */
FNAS_NODISCARD fnas_status fnas_option_fraction(fnas_context *context, const char *option, const char *text, double most, const char *range,
                                                double *fraction);
/* "none", which is 0, or a whole number from 0 to `most`, which the message calls `what`. */
FNAS_NODISCARD fnas_status fnas_option_count(fnas_context *context, const char *option, const char *text, int64_t most, const char *what,
                                             int64_t *count);

#endif
