#include "search/config/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

bool fnas_option_is_none(const char *text) {
    return strcmp(text, "none") == 0;
}

bool fnas_option_number(const char *text, const char **rest, double *number) {
    char *end;
    *number = strtod(text, &end);
    *rest = end;
    return end != text && (*end == '\0' || *end == ',') && isfinite(*number) && *number >= 0;
}

fnas_status fnas_option_fraction(fnas_context *context, const char *option, const char *text, double most, const char *range,
                                 double *fraction) {
    const char *rest = "";
    if (fnas_option_is_none(text)) {
        *fraction = 0;
        return FNAS_OK;
    }
    if (fnas_option_number(text, &rest, fraction) && *rest == '\0' && *fraction <= most) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE, "--%s %s: must be none or a number from 0 to %s", option, text, range);
}

fnas_status fnas_option_count(fnas_context *context, const char *option, const char *text, int64_t most, const char *what, int64_t *count) {
    int64_t number = 0;
    if (fnas_option_is_none(text) || (fnas_parse_int64(text, &number) && number >= 0 && number <= most)) {
        *count = number;
        return FNAS_OK;
    }
    return fnas_fail(context, FNAS_ERR_USAGE, "--%s %s: must be none or a whole number from 0 to %lld, %s", option, text, (long long)most,
                     what);
}
