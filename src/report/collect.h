/* From runs, fronts, cards and verifications to a page's plain values. */
#ifndef FNAS_REPORT_COLLECT_H
#define FNAS_REPORT_COLLECT_H

#include "base/memory.h"
#include "fleetnas/report.h"
#include "report/page.h"

/* Everything of the page lives in the arena, or is borrowed from what was given. run, cards and verification may be NULL. FNAS_ERR_INPUT
 * where a front has no scored error or no second objective, or where fronts differ in their objectives. */
FNAS_NODISCARD fnas_status fnas_page_collect(fnas_context *context, fnas_arena *arena, const fnas_run *run, int64_t count,
                                             const fnas_card *const *cards, const fnas_front *const *fronts,
                                             const fnas_verification *verification, fnas_page *page);

#endif
