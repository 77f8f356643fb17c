#include "search/score/cache.h"

#include <math.h>
#include <pthread.h>

#include "base/memory.h"
#include "space/arch_set.h"

#define FNAS_SCORE_PARTS 2

typedef struct fnas_score_table {
    int64_t images;
    fnas_arch_set archs;
    fnas_score *scores; /* [archs.count] */
    size_t capacity;
} fnas_score_table;

struct fnas_score_cache {
    pthread_mutex_t lock;
    fnas_score_table tables[FNAS_SCORE_PARTS];
};

fnas_status fnas_score_cache_create(fnas_context *context, int64_t decisions, fnas_score_cache **cache) {
    *cache = fnas_allocate(1, sizeof **cache);
    if (!*cache) return fnas_fail_memory(context, "known errors");
    pthread_mutex_init(&(*cache)->lock, NULL);
    for (int i = 0; i < FNAS_SCORE_PARTS; i++) (*cache)->tables[i].archs.decisions = decisions;
    return FNAS_OK;
}

static void fnas_score_table_clear(fnas_score_table *table) {
    int64_t decisions = table->archs.decisions;
    fnas_arch_set_free(&table->archs);
    fnas_free(table->scores);
    *table = (fnas_score_table){.archs.decisions = decisions};
}

void fnas_score_cache_free(fnas_score_cache *cache) {
    if (!cache) return;
    for (int i = 0; i < FNAS_SCORE_PARTS; i++) fnas_score_table_clear(&cache->tables[i]);
    pthread_mutex_destroy(&cache->lock);
    fnas_free(cache);
}

static fnas_score fnas_score_table_value(const fnas_score_table *table, int64_t images, const int32_t *choices) {
    int64_t index = table->images == images ? fnas_arch_set_find(&table->archs, choices) : -1;
    return index < 0 ? FNAS_SCORE_UNKNOWN : table->scores[index];
}

int64_t fnas_score_cache_lookup(fnas_score_cache *cache, fnas_score_part part, int64_t images, int64_t count, const int32_t *choices,
                                fnas_score *scores) {
    int64_t unknown = 0;
    if (cache) pthread_mutex_lock(&cache->lock);
    for (int64_t i = 0; i < count; i++) {
        const fnas_score_table *table = cache ? &cache->tables[part] : NULL;
        scores[i] = table ? fnas_score_table_value(table, images, choices + i * table->archs.decisions) : FNAS_SCORE_UNKNOWN;
        unknown += isnan(scores[i].error_pct);
    }
    if (cache) pthread_mutex_unlock(&cache->lock);
    return unknown;
}

static fnas_status fnas_score_table_add(fnas_context *context, fnas_score_table *table, const int32_t *choices, fnas_score score) {
    int64_t index;
    if (!fnas_grow((void **)&table->scores, &table->capacity, (size_t)table->archs.count + 1, sizeof *table->scores)) {
        return fnas_fail_memory(context, "known errors");
    }
    FNAS_TRY(fnas_arch_set_add(context, &table->archs, choices, &index));
    table->scores[index] = score;
    return FNAS_OK;
}

fnas_status fnas_score_cache_store(fnas_context *context, fnas_score_cache *cache, fnas_score_part part, int64_t images, int64_t count,
                                   const int32_t *choices, const fnas_score *scores) {
    if (!cache) return FNAS_OK;
    pthread_mutex_lock(&cache->lock);
    fnas_score_table *table = &cache->tables[part];
    if (table->images != images) fnas_score_table_clear(table);
    table->images = images;
    fnas_status status = FNAS_OK;
    for (int64_t i = 0; i < count && status == FNAS_OK; i++) {
        status = fnas_score_table_add(context, table, choices + i * table->archs.decisions, scores[i]);
    }
    pthread_mutex_unlock(&cache->lock);
    return status;
}

void fnas_score_cache_visit(fnas_score_cache *cache, fnas_score_visitor *visitor, void *user) {
    if (!cache) return;
    pthread_mutex_lock(&cache->lock);
    for (int part = 0; part < FNAS_SCORE_PARTS; part++) {
        const fnas_score_table *table = &cache->tables[part];
        for (int64_t i = 0; i < table->archs.count; i++)
            visitor(user, (fnas_score_part)part, table->images, fnas_arch_set_at(&table->archs, i), table->scores[i]);
    }
    pthread_mutex_unlock(&cache->lock);
}

void fnas_score_cache_clear(fnas_score_cache *cache) {
    if (!cache) return;
    pthread_mutex_lock(&cache->lock);
    for (int part = 0; part < FNAS_SCORE_PARTS; part++) fnas_score_table_clear(&cache->tables[part]);
    pthread_mutex_unlock(&cache->lock);
}
