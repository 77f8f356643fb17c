/* Pictures and pages of fronts. */
#ifndef FLEETNAS_REPORT_H
#define FLEETNAS_REPORT_H

#include "fleetnas/search.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An SVG picture of one front, axes with units, a point's architecture and values as its title. plot: "staircase": error (%) over the first
 * other objective, points joined as a staircase; "pairs": a matrix of plots, one for each two objectives, in which marks are filled where
 * no other point is better in both; "parallel": parallel coordinates (Inselberg 1985), one axis an objective, one line a point. NULL:
 * staircase for two objectives, pairs for more. For light and dark pages; no external resources. Atomic. Errors: FNAS_ERR_USAGE (another
 * plot), FNAS_ERR_INPUT (no error was scored), FNAS_ERR_IO, FNAS_ERR_MEMORY. Thread-safe. */
FNAS_API FNAS_NODISCARD fnas_status fnas_front_write_svg(fnas_context *context, const fnas_front *front, const char *plot,
                                                         const char *path);

/* One self-contained HTML page: how the run was made, an overview of the devices, and for each front of fronts [count] its picture and
 * table; with a verification (NULL: none) also measured beside predicted latency and the hypervolumes, matched by device name. cards
 * [count] (NULL, or entries NULL: unknown) are the fronts' devices: their runtime, precision, batch and threads stand beside the numbers.
 * Everything is borrowed for the call. The page depends on its arguments alone (no time of day, no host). Atomic. Errors: FNAS_ERR_INPUT (a
 * front without scored error), FNAS_ERR_IO, FNAS_ERR_MEMORY. Thread-safe. */
FNAS_API FNAS_NODISCARD fnas_status fnas_report_write_html(fnas_context *context, const fnas_run *run, int64_t count,
                                                           const fnas_card *const *cards, const fnas_front *const *fronts,
                                                           const fnas_verification *verification, const char *path);

#ifdef __cplusplus
}
#endif
#endif
