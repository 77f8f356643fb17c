/* What a verification found, as tables: shared by verify and report. */
#ifndef CLI_PROMISES_H
#define CLI_PROMISES_H

#include "output.h"

void cli_promises_print(const fnas_verification *verification, bool ablated);

#endif
