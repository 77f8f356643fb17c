/* JSON by jansson, with errors that name file and field. */
#ifndef FNAS_BASE_JSON_H
#define FNAS_BASE_JSON_H

#include <jansson.h>

#include "base/error.h"
#include "base/text.h"

/* Reads a JSON file (at most limit_bytes, strict, duplicate keys refused): "PATH:LINE:COLUMN: message". *root is owned: json_decref. */
FNAS_NODISCARD fnas_status fnas_json_read(fnas_context *context, const char *path, size_t limit_bytes, json_t **root);

/* The same for a text in memory; `where` takes the place of the path. */
FNAS_NODISCARD fnas_status fnas_json_parse(fnas_context *context, const char *where, const char *text, size_t size_bytes, json_t **root);

/* For messages: the line of a 0-terminated JSON text, known to be an object, on which the value of a member begins; with index >= 0 the
 * line of that element of it. 1 where there is none. */
int64_t fnas_json_line(const char *text, const char *key, int64_t index);

/* Writes atomically, with a newline behind: 2-space indent, keys in insertion order, numbers in their shortest form. Each member of an
 * object has a line; arrays without objects or arrays in them are on one line; reals keep a point or an exponent. */
FNAS_NODISCARD fnas_status fnas_json_write(fnas_context *context, const char *path, const json_t *root);

/* The same for long tables: two levels of members have a line each, below them an element is on one line (but each text of an array of
 * texts, which are long, has its own); reals that are whole are written without a point. */
FNAS_NODISCARD fnas_status fnas_json_write_rows(fnas_context *context, const char *path, const json_t *root);

/* What fnas_json_write writes. Owned: fnas_text_free; `failed` without memory. */
fnas_text fnas_json_text(const json_t *root);

/* A number of 64 bits without sign: an integer, or its digits in quotes from 2^63 on, where integers of JSON readers end. Owned; NULL when
 * out of memory. */
json_t *fnas_json_from_unsigned(uint64_t value);

/* Typed members of an object. `where` names file or object in messages: 'WHERE: "key" must be a number'. Strings and
 * arrays are borrowed from the object. Numbers must be finite. Missing members fail unless fallback variants are used. */
FNAS_NODISCARD fnas_status fnas_json_string(fnas_context *context, const json_t *object, const char *where, const char *key,
                                            const char **value);
FNAS_NODISCARD fnas_status fnas_json_number(fnas_context *context, const json_t *object, const char *where, const char *key, double *value);
FNAS_NODISCARD fnas_status fnas_json_integer(fnas_context *context, const json_t *object, const char *where, const char *key,
                                             int64_t minimum, int64_t maximum, int64_t *value);
FNAS_NODISCARD fnas_status fnas_json_array(fnas_context *context, const json_t *object, const char *where, const char *key, json_t **value);
FNAS_NODISCARD fnas_status fnas_json_object(fnas_context *context, const json_t *object, const char *where, const char *key,
                                            json_t **value);

#endif
