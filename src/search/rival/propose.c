#include "search/rival/propose.h"

#include <string.h>

#include "base/memory.h"
#include "space/arch_find.h"

#define GENERATIONS 10
#define KEPT 20
#define FRUITLESS 10000 /* draws in a row that gave nothing new */

typedef struct breeding {
    fnas_rival *rival;
    fnas_rival_judge *judge;
    void *judging;
    int64_t decisions, features;
    int64_t count;    /* of the generation */
    int32_t *choices; /* [FNAS_RIVAL_GENERATION][decisions] */
    double *onehot;   /* [FNAS_RIVAL_GENERATION][features] */
    double promise[FNAS_RIVAL_GENERATION];
    int64_t kept;  /* the best so far, in order */
    int32_t *best; /* [KEPT][decisions] */
    double best_promise[KEPT];
    double least; /* that any promised */
} breeding;

void fnas_rival_features(const fnas_rival *rival, const int32_t *choices, double *onehot) {
    int32_t canonical[FNAS_ARCH_FIND_DECISIONS_MAX];
    memcpy(canonical, choices, (size_t)rival->decisions * sizeof *canonical);
    fnas_space_canonical(rival->space, canonical);
    fnas_space_to_onehot(rival->space, canonical, onehot);
}

/* ---- generations ---- */

/* Settles the next place of the generation and takes it, unless it is known. */
static void join(breeding *b) {
    int32_t *next = b->choices + b->count * b->decisions;
    fnas_space_settle(b->rival->space, next);
    if (fnas_arch_set_find(&b->rival->archive, next) >= 0) return;
    fnas_rival_features(b->rival, next, b->onehot + b->count * b->features);
    b->count++;
}

/* front [front_count]: places in the archive. */
static void fill_first(breeding *b, int64_t front_count, const int64_t *front) {
    fnas_rival *rival = b->rival;
    b->count = 0;
    for (int64_t tries = 0; tries < FNAS_RIVAL_GENERATION; tries++) {
        int32_t *next = b->choices + b->count * b->decisions;
        if (tries % 2 == 0) {
            fnas_rival_draw(rival, next);
        } else {
            const int32_t *parent = fnas_rival_arch(rival, front[fnas_random_below(&rival->random, front_count)]);
            memcpy(next, parent, (size_t)b->decisions * sizeof *next);
            fnas_rival_mutate(rival, next);
        }
        join(b);
    }
}

static void fill_next(breeding *b) {
    fnas_random *random = &b->rival->random;
    b->count = 0;
    for (int64_t tries = 0; tries < FNAS_RIVAL_GENERATION; tries++) {
        const int32_t *first = b->best + fnas_random_below(random, b->kept) * b->decisions;
        const int32_t *second = b->best + fnas_random_below(random, b->kept) * b->decisions;
        fnas_rival_breed(b->rival, first, second, b->choices + b->count * b->decisions);
        join(b);
    }
}

/* ---- the best ---- */

static bool is_kept(const breeding *b, const int32_t *choices) {
    for (int64_t i = 0; i < b->kept; i++)
        if (memcmp(b->best + i * b->decisions, choices, (size_t)b->decisions * sizeof *choices) == 0) return true;
    return false;
}

static void keep(breeding *b, const int32_t *choices, double promise) {
    size_t size = (size_t)b->decisions * sizeof *choices;
    int64_t at = b->kept;
    while (at > 0 && promise > b->best_promise[at - 1]) at--;
    if (at == KEPT || is_kept(b, choices)) return;
    if (b->kept < KEPT) b->kept++;
    memmove(b->best + (at + 1) * b->decisions, b->best + at * b->decisions, (size_t)(b->kept - at - 1) * size);
    memmove(b->best_promise + at + 1, b->best_promise + at, (size_t)(b->kept - at - 1) * sizeof *b->best_promise);
    memcpy(b->best + at * b->decisions, choices, size);
    b->best_promise[at] = promise;
}

static fnas_status judge_generation(breeding *b) {
    if (!b->count) return FNAS_OK;
    FNAS_TRY(b->judge(b->judging, b->count, b->onehot, b->promise));
    for (int64_t i = 0; i < b->count; i++) {
        if (!b->kept || b->promise[i] < b->least) b->least = b->promise[i];
        keep(b, b->choices + i * b->decisions, b->promise[i]);
    }
    return FNAS_OK;
}

/* front [archive.count], keeps [archive.count]: scratch. */
static fnas_status breed(breeding *b, int64_t *front, uint8_t *keeps) {
    const fnas_rival *rival = b->rival;
    int64_t front_count = 0;
    FNAS_TRY(fnas_front_nondominated(rival->context, rival->archive.count, rival->objectives, rival->points, keeps));
    for (int64_t i = 0; i < rival->archive.count; i++)
        if (keeps[i]) front[front_count++] = i;
    fill_first(b, front_count, front);
    FNAS_TRY(judge_generation(b));
    for (int64_t g = 1; g < GENERATIONS && b->kept; g++) {
        fill_next(b);
        FNAS_TRY(judge_generation(b));
    }
    return FNAS_OK;
}

static fnas_status search(breeding *b) {
    size_t count = (size_t)b->rival->archive.count;
    b->choices = fnas_allocate((size_t)(FNAS_RIVAL_GENERATION * b->decisions), sizeof *b->choices);
    b->onehot = fnas_allocate((size_t)(FNAS_RIVAL_GENERATION * b->features), sizeof *b->onehot);
    b->best = fnas_allocate((size_t)(KEPT * b->decisions), sizeof *b->best);
    int64_t *front = fnas_allocate(count, sizeof *front);
    uint8_t *keeps = fnas_allocate(count, sizeof *keeps);
    bool complete = b->choices && b->onehot && b->best && front && keeps;
    fnas_status status = complete ? breed(b, front, keeps) : fnas_fail_memory(b->rival->context, "a rival");
    fnas_free(front);
    fnas_free(keeps);
    fnas_free(b->choices);
    fnas_free(b->onehot);
    return status;
}

static fnas_status draw_new(fnas_rival *rival, int32_t *choices) {
    for (int64_t tries = 0; tries < FRUITLESS; tries++) {
        fnas_rival_draw(rival, choices);
        fnas_space_settle(rival->space, choices);
        if (fnas_arch_set_find(&rival->archive, choices) < 0) return FNAS_OK;
    }
    return fnas_fail(rival->context, FNAS_ERR_INPUT, "after %lld evaluations no architecture is found that is not known: ask for fewer",
                     (long long)rival->archive.count);
}

fnas_status fnas_rival_propose(fnas_rival *rival, fnas_rival_judge *judge, void *judging, int32_t *choices) {
    breeding b = {.rival = rival,
                  .judge = judge,
                  .judging = judging,
                  .decisions = rival->decisions,
                  .features = fnas_space_onehot_size(rival->space)};
    fnas_status status = judge ? search(&b) : FNAS_OK;
    if (status == FNAS_OK) {
        if (b.kept && b.best_promise[0] > b.least)
            memcpy(choices, b.best, (size_t)b.decisions * sizeof *choices);
        else
            status = draw_new(rival, choices);
    }
    fnas_free(b.best);
    return status;
}
