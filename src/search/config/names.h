/* Words of options and configuration, in the order of their enumerations. */
#ifndef FNAS_SEARCH_CONFIG_NAMES_H
#define FNAS_SEARCH_CONFIG_NAMES_H

#include "base/error.h"

extern const char *const fnas_names_objective[];
extern const char *const fnas_names_error[];
extern const char *const fnas_names_update[];
extern const char *const fnas_names_sampler[];
extern const char *const fnas_names_hypernet[];
extern const char *const fnas_names_start[];
extern const char *const fnas_names_scalarise[];
extern const char *const fnas_names_batch[];
extern const char *const fnas_names_precision[];
extern const char *const fnas_names_error_gradient[];
extern const char *const fnas_names_shared_weights[];
extern const char *const fnas_names_preset[];

/* The index of word among names (NULL-terminated), or `status` with a suggestion. */
FNAS_NODISCARD fnas_status fnas_name_find(fnas_context *context, fnas_status status, const char *what, const char *word,
                                          const char *const *names, int *index);

#endif
