/* UTF-8, one character at a time. */
#ifndef FNAS_DATA_TEXT_UTF8_H
#define FNAS_DATA_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FNAS_UTF8_NONE UINT32_MAX

/* The character at the beginning of text [size >= 1] and how many bytes it takes; FNAS_UTF8_NONE and 1 for what is no character (a stray or
 * missing byte, a surrogate, a longer form than needed, more than U+10FFFF). */
size_t fnas_utf8_decode(const char *text, size_t size, uint32_t *code);

/* How long the character would be that begins with this byte, whatever follows; 1 for a byte that begins none. */
size_t fnas_utf8_length(char first);

bool fnas_utf8_is_valid(const char *text, size_t size);

#endif
