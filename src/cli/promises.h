/* What a verification found, as tables: shared by verify and report. */
#ifndef CLI_PROMISES_H
#define CLI_PROMISES_H

#include "output.h"

void cli_promises_print(const fnas_verification *verification, bool ablated);

/* FNAS_ERR_NUMERIC, after saying so, where devices were left out because every measurement drifted: part of the answer is missing. Cards of
 * other machines are not an error: they were named, and this machine has nothing to say about them. */
FNAS_NODISCARD fnas_status cli_promises_conclude(const char *verb, const fnas_verification *verification);

#endif
