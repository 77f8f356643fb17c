/* Results of a protocol: many scores against a truth table, of several methods, budgets, devices and seeds, and the page that compares
 * them. */
#ifndef FLEETNAS_RESULTS_H
#define FLEETNAS_RESULTS_H

#include "fleetnas/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What was read of a folder of results. Immutable: thread-safe to read. Owned by the caller (fnas_results_free). */
typedef struct fnas_results fnas_results;

/* Reads a folder of results (docs/nb201.md says what its files are called):
 *
 *   splits.json: "search_devices" and "unseen_devices", arrays of names: which devices searches saw
 *
 *   OBJECTIVES,METHOD,BUDGET,DEVICE,SEED.json: one a score, as `fleetnas score --json` (of one front) or `fleetnas rival --json` prints
 *   it; OBJECTIVES are joined by "+", BUDGET is "evaluations-N" (of true objectives, a device) or "minutes-N" (of a search)
 *
 *   times.csv, optional: minutes,method,seed,stage,seconds
 *
 * scored (NULL: none) is a text file with one line for each configuration that was ever scored against the truth; lines that begin with
 * "#" and empty ones do not count. Names beginning with "." are passed over. Costs what the files are large. Errors: FNAS_ERR_INPUT naming
 * the file (a name or a field that is not understood, objectives in another order than error, latency_ms, energy_mj, a rival's evaluations
 * that the name does not allow, a number that is not finite or out of range, a ratio that is not that of its
 * hypervolumes, a score that stands there twice, as under SEED 1 and 01, two scores of a device by different truths, a device of two
 * objectives that splits.json has not, no score at all), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_results_open(fnas_context *context, const char *folder, const char *scored,
                                                      fnas_results **results);
FNAS_API void fnas_results_free(fnas_results *results); /* NULL is allowed */

/* Scores that were read. Cannot fail. */
FNAS_API int64_t fnas_results_count(const fnas_results *results);

/* The same page in two forms: mean ratio to the true hypervolume over the searched and over the unseen devices for each method and budget,
 * with the standard error of the mean over seeds (s / sqrt(n); only seeds count of which all devices of the group have a score), then by
 * device; against the minutes of search where there are several; three and more objectives by device; the time of each stage. The HTML is
 * self-contained and has the pictures: a radar (one axis a device, one line a method) for each number of evaluations, the curve over the
 * minutes. The Markdown refers to `svg` (NULL: to none) as its picture. Deterministic, no time of day. Atomic. Errors: FNAS_ERR_IO,
 * FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_results_write_markdown(fnas_context *context, const fnas_results *results, const char *title,
                                                                const char *svg, const char *path);
FNAS_API FNAS_NODISCARD fnas_status fnas_results_write_html(fnas_context *context, const fnas_results *results, const char *title,
                                                            const char *path);

/* The radar beside the largest number of evaluations as a document of its own. Errors: FNAS_ERR_INPUT (no score of two objectives),
 * FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_results_write_svg(fnas_context *context, const fnas_results *results, const char *path);

#ifdef __cplusplus
}
#endif
#endif
