/* log.sqlite: what is of the moment (times, host, paths), kept apart from what decides the outcome. */
#ifndef FNAS_SEARCH_RUN_LOG_H
#define FNAS_SEARCH_RUN_LOG_H

#include "base/error.h"

/* Each call opens, writes in one transaction and closes: a kill loses at most the call under way. */
FNAS_NODISCARD fnas_status fnas_run_log_event(fnas_context *context, const char *run, const char *event, const char *detail);
FNAS_NODISCARD fnas_status fnas_run_log_set(fnas_context *context, const char *run, const char *key, const char *value);
/* *value is owned by the caller (fnas_free); NULL when the key is absent. */
FNAS_NODISCARD fnas_status fnas_run_log_get(fnas_context *context, const char *run, const char *key, char **value);

#endif
