/* Asking a search to stop once it has reported so many steps. */
#ifndef FNAS_TESTS_SEARCH_SUPPORT_STOP_H
#define FNAS_TESTS_SEARCH_SUPPORT_STOP_H

#include <string.h>

#include "fleetnas/context.h"

typedef struct stop_request {
    fnas_context *context;
    int64_t at;
} stop_request;

static inline void stop_at(void *user, const fnas_progress *progress) {
    stop_request *stopper = user;
    if (strcmp(progress->stage, "search") == 0 && progress->done >= stopper->at) fnas_context_request_stop(stopper->context);
}

#endif
