#include "data/text/utf8.h"

size_t fnas_utf8_length(char first) {
    unsigned char byte = (unsigned char)first;
    if (byte < 0xC0) return 1;
    return byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

size_t fnas_utf8_decode(const char *text, size_t size, uint32_t *code) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t length = fnas_utf8_length(text[0]);
    *code = FNAS_UTF8_NONE;
    if (first < 0x80) *code = first;
    if (length == 1 || length > size || first >= 0xF8) return 1;
    uint32_t value = first & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[i] & 0xC0) != 0x80) return 1;
        value = value << 6 | ((unsigned char)text[i] & 0x3F);
    }
    if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return 1;
    *code = value;
    return length;
}

bool fnas_utf8_is_valid(const char *text, size_t size) {
    uint32_t code;
    for (size_t at = 0; at < size;) {
        at += fnas_utf8_decode(text + at, size - at, &code);
        if (code == FNAS_UTF8_NONE) return false;
    }
    return true;
}
