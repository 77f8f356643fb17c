/* What the indices of truth tables mean. */
#ifndef FNAS_SEARCH_TRUTH_INDEX_H
#define FNAS_SEARCH_TRUTH_INDEX_H

#include "fleetnas/truth.h"

/* *path: the first table with "arch" and "arch_index" (or "index"), where another has indices alone; NULL where none is needed or there is
 * none. Borrowed from the options. Also checks that the tables that tell their architectures otherwise agree on what their columns
 * "arch_index" say: they would be ordered or joined wrongly elsewhere. Errors: FNAS_ERR_INPUT naming file and line (two indices of an
 * architecture, two architectures of an index), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_truth_find_index(fnas_context *context, const fnas_space *space, const fnas_truth_options *options,
                                                 const char **path);

#endif
