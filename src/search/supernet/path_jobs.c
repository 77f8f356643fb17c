#include "search/supernet/path_jobs.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

fnas_status fnas_path_jobs_create(fnas_context *context, int64_t capacity, fnas_path_jobs *jobs) {
    *jobs = (fnas_path_jobs){.capacity = capacity};
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->freed, NULL);
    jobs->jobs = fnas_allocate((size_t)capacity, sizeof *jobs->jobs);
    jobs->chains = fnas_allocate((size_t)capacity, sizeof *jobs->chains);
    jobs->source = fnas_allocate((size_t)capacity, sizeof *jobs->source);
    return jobs->jobs && jobs->chains && jobs->source ? FNAS_OK : fnas_fail_memory(context, "the order of the paths");
}

void fnas_path_jobs_free(fnas_path_jobs *jobs) {
    if (jobs->capacity > 0) {
        pthread_cond_destroy(&jobs->freed);
        pthread_mutex_destroy(&jobs->lock);
    }
    fnas_free(jobs->jobs);
    fnas_free(jobs->chains);
    fnas_free(jobs->source);
    *jobs = (fnas_path_jobs){0};
}

/* The costly first; of equal ones the earlier. */
static int compare_jobs(const void *left, const void *right) {
    const fnas_path_job *a = left, *b = right;
    if (a->cost != b->cost) return a->cost > b->cost ? -1 : 1;
    return a->path < b->path ? -1 : a->path > b->path;
}

/* Each job to the chain with the least cost so far (Graham 1969: at most 4/3 of the best spread). */
static void link_chains(fnas_path_jobs *jobs, int64_t chains_most) {
    jobs->chain_count = chains_most < jobs->count ? chains_most : jobs->count;
    for (int64_t c = 0; c < jobs->chain_count; c++) jobs->chains[c] = (fnas_path_chain){.next = -1};
    for (int64_t j = jobs->count - 1; j >= 0; j--) jobs->jobs[j].next = -1;
    for (int64_t j = 0; j < jobs->count; j++) {
        int64_t least = 0;
        for (int64_t c = 1; c < jobs->chain_count; c++) {
            bool empty = jobs->chains[c].next < 0 && jobs->chains[least].next >= 0;
            if (empty || jobs->chains[c].rest < jobs->chains[least].rest) least = c;
        }
        fnas_path_chain *chain = &jobs->chains[least];
        int64_t last = chain->next;
        while (last >= 0 && jobs->jobs[last].next >= 0) last = jobs->jobs[last].next;
        if (last < 0)
            chain->next = j;
        else
            jobs->jobs[last].next = j;
        jobs->jobs[j].chain = least;
        jobs->jobs[j].first = last < 0;
        chain->rest += jobs->jobs[j].cost;
    }
}

void fnas_path_jobs_plan(fnas_path_jobs *jobs, int64_t first, int64_t behind, int64_t decisions, const int32_t *choices,
                         const int64_t *first_example, const int64_t *example_counts, const double *costs, int64_t chains_most) {
    size_t bytes = (size_t)decisions * sizeof *choices;
    jobs->count = 0;
    for (int64_t p = first; p < behind; p++) {
        int64_t j = 0;
        for (; j < jobs->count; j++) {
            int64_t other = jobs->jobs[j].path;
            if (first_example[other] == first_example[p] && example_counts[other] == example_counts[p] &&
                memcmp(choices + other * decisions, choices + p * decisions, bytes) == 0)
                break;
        }
        if (j == jobs->count) jobs->jobs[jobs->count++] = (fnas_path_job){.path = p, .cost = costs[p]};
        jobs->jobs[j].copies++;
        jobs->source[p] = jobs->jobs[j].path;
    }
    qsort(jobs->jobs, (size_t)jobs->count, sizeof *jobs->jobs, compare_jobs);
    link_chains(jobs, chains_most);
}

/* The idle chain with the most left to do, -1: none is idle. */
static int64_t find_chain(const fnas_path_jobs *jobs) {
    int64_t best = -1;
    for (int64_t c = 0; c < jobs->chain_count; c++) {
        if (jobs->chains[c].busy || jobs->chains[c].next < 0) continue;
        if (best < 0 || jobs->chains[c].rest > jobs->chains[best].rest) best = c;
    }
    return best;
}

const fnas_path_job *fnas_path_jobs_take(fnas_path_jobs *jobs) {
    pthread_mutex_lock(&jobs->lock);
    int64_t c = find_chain(jobs);
    for (; c < 0; c = find_chain(jobs)) pthread_cond_wait(&jobs->freed, &jobs->lock);
    fnas_path_chain *chain = &jobs->chains[c];
    const fnas_path_job *job = &jobs->jobs[chain->next];
    chain->busy = true;
    chain->next = job->next;
    chain->rest -= job->cost;
    pthread_mutex_unlock(&jobs->lock);
    return job;
}

void fnas_path_jobs_done(fnas_path_jobs *jobs, const fnas_path_job *job) {
    pthread_mutex_lock(&jobs->lock);
    jobs->chains[job->chain].busy = false;
    pthread_cond_broadcast(&jobs->freed);
    pthread_mutex_unlock(&jobs->lock);
}
