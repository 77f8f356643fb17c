/* Pictures and pages of fronts. */
#ifndef FLEETNAS_REPORT_H
#define FLEETNAS_REPORT_H

#include "fleetnas/search.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An SVG picture of one front: error over the second objective, axes with units, a point's architecture as its title. Atomic. Errors: FNAS_ERR_IO, FNAS_ERR_INPUT (no scored error). */
FNAS_API FNAS_NODISCARD fnas_status fnas_front_write_svg(fnas_context *context, const fnas_front *front, const char *path);

/* One self-contained HTML page: for each device its front (picture and table), predicted beside measured where a verification is given (may be NULL), and how it was made. Atomic. */
FNAS_API FNAS_NODISCARD fnas_status fnas_report_write_html(fnas_context *context, const fnas_run *run, int64_t count, const fnas_front *const *fronts,
                                                           const fnas_verification *verification, const char *path);

#ifdef __cplusplus
}
#endif
#endif
