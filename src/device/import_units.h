/* What the name of a column says about its unit. */
#ifndef FNAS_DEVICE_IMPORT_UNITS_H
#define FNAS_DEVICE_IMPORT_UNITS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a name ends in a word, in whatever case: latency_us, "latency (us)", latency.us. *length is that of what stands before; it is
 * kept where the name does not. */
bool fnas_import_ends_in(const char *name, const char *word, size_t *length);

/* The unit in which a column seems to be ("milliseconds"), and the ending that says so; NULL where the name says nothing. Static. */
const char *fnas_import_unit(const char *name, const char **ending);

#endif
