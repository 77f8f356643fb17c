/* What is said on standard error. */
#ifndef CLI_MESSAGES_H
#define CLI_MESSAGES_H

#include "fleetnas/fleetnas.h"

/* Says "fleetnas VERB: message" on standard error and returns `status`. */
FNAS_NODISCARD fnas_status cli_fail(const char *verb, fnas_status status, const char *format, ...) FNAS_PRINTF(3, 4);
/* Says "fleetnas VERB: warning: message" on standard error. */
void cli_warn(const char *verb, const char *format, ...) FNAS_PRINTF(2, 3);
bool cli_has_failed(void); /* cli_fail has spoken: nothing more needs to be said */

#endif
