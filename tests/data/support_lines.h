/* Made-up lines of text: words of a small language, and everything that Unicode and damaged files put between them. */
#ifndef FNAS_TESTS_DATA_SUPPORT_LINES_H
#define FNAS_TESTS_DATA_SUPPORT_LINES_H

#include "base/support.h"
#include "base/text.h"

/* Appends line `index` without a newline: the same one on every machine. odd: with what is unusual or no UTF-8 among the words. */
void test_append_line(fnas_text *text, int64_t index, bool odd);

/* Whether a program is there. */
bool test_has_program(const char *name);

/* Runs a shell script that must succeed. */
void test_run_shell(const char *format, ...);

#endif
