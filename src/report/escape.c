#include "report/escape.h"

static bool is_forbidden(char c) {
    unsigned char byte = (unsigned char)c;
    return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f;
}

void fnas_report_append(fnas_text *text, const char *string) {
    for (; *string; string++) {
        const char single[2] = {*string, 0};
        if (is_forbidden(*string))
            fnas_text_append(text, "\xEF\xBF\xBD");
        else
            fnas_text_append_html(text, single);
    }
}
