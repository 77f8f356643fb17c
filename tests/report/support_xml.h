/* A small judge of markup, for tests. */
#ifndef TESTS_REPORT_SUPPORT_XML_H
#define TESTS_REPORT_SUPPORT_XML_H

#include <stdbool.h>
#include <stdint.h>

/* NULL when every tag is closed in order, attributes are quoted, '&' starts an entity and no control character is there; else what is wrong
 * (static storage). */
const char *xml_fault(const char *document);

/* Occurrences of `part`. */
int64_t count_of(const char *document, const char *part);

/* The number behind the index-th occurrence of `key` ("cx=\""); fails the test when there is none. */
double number_behind(const char *document, const char *key, int64_t index);

#endif
