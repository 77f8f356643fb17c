/* Words of options and configuration, in the order of their enumerations. */
#ifndef FNAS_SEARCH_NAMES_H
#define FNAS_SEARCH_NAMES_H

#include "base/error.h"

extern const char *const fnas_names_objective[],
    *const fnas_names_error[], *const fnas_names_update[],
                                   *const fnas_names_sampler[],
                                       *const fnas_names_hypernet[],
                                           *const fnas_names_start[], *const fnas_names_scalarise[],
                                                                          *const fnas_names_batch[], *const fnas_names_precision[],
                                                                                                         *const fnas_names_error_gradient[],
                                                                                                             *const fnas_names_preset[];

/* The index of word among names (NULL-terminated), or `status` with a suggestion. */
FNAS_NODISCARD fnas_status fnas_name_find(fnas_context *context, fnas_status status, const char *what, const char *word,
                                          const char *const *names, int *index);

#endif
