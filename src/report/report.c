#include "fleetnas/report.h"

#include <string.h>

#include "base/file.h"
#include "report/collect.h"

enum { ARENA_BYTES = 64 * 1024 };

static fnas_status write_text(fnas_context *context, const char *path, fnas_text *text) {
    fnas_status status = text->failed ? fnas_fail_memory(context, path) : fnas_file_write_atomic(context, path, text->data, text->size);
    fnas_text_free(text);
    return status;
}

static fnas_status find_plot(fnas_context *context, const fnas_front *front, const char *name, fnas_page_plot *plot) {
    static const char *const names[] = {
        [FNAS_PAGE_STAIRCASE] = "staircase", [FNAS_PAGE_PAIRS] = "pairs", [FNAS_PAGE_PARALLEL] = "parallel"};
    *plot = fnas_front_objective_count(front) > 2 ? FNAS_PAGE_PAIRS : FNAS_PAGE_STAIRCASE;
    if (!name) return FNAS_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *plot = (fnas_page_plot)i;
        return FNAS_OK;
    }
    return fnas_fail(context, FNAS_ERR_USAGE, "unknown plot \"%s\": there are staircase, pairs and parallel", name);
}

fnas_status fnas_front_write_svg(fnas_context *context, const fnas_front *front, const char *plot_name, const char *path) {
    fnas_arena *arena;
    fnas_page page;
    fnas_page_plot plot;
    fnas_text text = {0};
    FNAS_TRY(find_plot(context, front, plot_name, &plot));
    FNAS_TRY(fnas_arena_create(context, ARENA_BYTES, &arena));
    fnas_status status = fnas_page_collect(context, arena, NULL, 1, NULL, &front, NULL, &page);
    if (status == FNAS_OK) {
        fnas_page_append_front(&text, &page, &page.devices[0], plot, true);
        status = write_text(context, path, &text);
    }
    fnas_arena_destroy(arena);
    return status;
}

fnas_status fnas_report_write_html(fnas_context *context, const fnas_run *run, int64_t count, const fnas_card *const *cards,
                                   const fnas_front *const *fronts, const fnas_verification *verification, const char *path) {
    fnas_arena *arena;
    fnas_page page;
    fnas_text text = {0};
    FNAS_TRY(fnas_arena_create(context, ARENA_BYTES, &arena));
    fnas_status status = fnas_page_collect(context, arena, run, count, cards, fronts, verification, &page);
    if (status == FNAS_OK) {
        fnas_page_append(&text, &page);
        status = write_text(context, path, &text);
    }
    fnas_arena_destroy(arena);
    return status;
}
