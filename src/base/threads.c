#include "base/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "base/memory.h"

#define FNAS_WORKERS_MAX 256

typedef struct fnas_worker {
    fnas_team *team;
    fnas_context *context;
    pthread_t thread;
    int64_t index;
} fnas_worker;

struct fnas_team {
    int64_t workers, started; /* `started` threads besides the caller */
    void (*on_start)(int64_t worker);
    fnas_worker *worker;
    pthread_t maker;          /* who created it, and is worker 0 */
    uint64_t maker_denormals; /* how it treated them before */
    bool has_flushed_maker;

    pthread_mutex_t lock; /* guards all below but `next` */
    pthread_cond_t work_given, work_done;
    int64_t generation; /* counts runs; a change wakes the threads */
    int64_t busy;       /* threads that have not finished this run */
    bool leaving;

    fnas_team_function *function;
    void *user;
    int64_t count;
    atomic_int_fast64_t next;  /* the item to hand out next */
    int64_t failed_item;       /* smallest that failed; `count` when none did */
    fnas_status failed_status; /* with it, and its message */
    fnas_context *failed_context;
};

#define FNAS_MXCSR_DENORMALS 0x8040u            /* FTZ is bit 15, DAZ is bit 6 */
#define FNAS_FPCR_DENORMALS (UINT64_C(1) << 24) /* FZ */

uint64_t fnas_flush_denormals(void) {
#if defined(__SSE__)
    unsigned control = _mm_getcsr();
    _mm_setcsr(control | FNAS_MXCSR_DENORMALS);
    return control & FNAS_MXCSR_DENORMALS;
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(control));
    __asm__ __volatile__("msr fpcr, %0" : : "r"(control | FNAS_FPCR_DENORMALS));
    return control & FNAS_FPCR_DENORMALS;
#else
    return 0;
#endif
}

void fnas_restore_denormals(uint64_t before) {
#if defined(__SSE__)
    _mm_setcsr((_mm_getcsr() & ~FNAS_MXCSR_DENORMALS) | (unsigned)before);
#elif defined(__aarch64__)
    uint64_t control;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(control));
    __asm__ __volatile__("msr fpcr, %0" : : "r"((control & ~FNAS_FPCR_DENORMALS) | before));
#else
    (void)before;
#endif
}

/* Items are handed out in order, so whatever item fails, all smaller ones were handed out too and will be compared: the smallest wins on
 * any number of threads. Nothing more is handed out after a failure. */
static void fnas_team_record_failure(fnas_team *team, fnas_worker *worker, int64_t item, fnas_status status) {
    pthread_mutex_lock(&team->lock);
    atomic_store(&team->next, team->count);
    if (item < team->failed_item) {
        team->failed_item = item;
        team->failed_status = fnas_fail(team->failed_context, status, "%s", fnas_context_message(worker->context));
    }
    pthread_mutex_unlock(&team->lock);
}

static int64_t fnas_team_take(fnas_team *team) {
    int_fast64_t item = atomic_load(&team->next);
    while (item < team->count && !atomic_compare_exchange_weak(&team->next, &item, item + 1)) {
    }
    return item;
}

static void fnas_team_work(fnas_team *team, fnas_worker *worker) {
    for (int64_t item = fnas_team_take(team); item < team->count; item = fnas_team_take(team)) {
        fnas_status status = team->function(worker->context, team->user, item, worker->index);
        if (status != FNAS_OK) fnas_team_record_failure(team, worker, item, status);
    }
}

static void fnas_team_start_worker(fnas_team *team, int64_t index) {
    (void)fnas_flush_denormals();
    if (team->on_start) team->on_start(index);
}

static void *fnas_team_thread(void *argument) {
    fnas_worker *worker = argument;
    fnas_team *team = worker->team;
    fnas_team_start_worker(team, worker->index);
    int64_t seen = 0;
    pthread_mutex_lock(&team->lock);
    for (;;) {
        while (team->generation == seen && !team->leaving) pthread_cond_wait(&team->work_given, &team->lock);
        if (team->leaving) break;
        seen = team->generation;
        pthread_mutex_unlock(&team->lock);
        fnas_team_work(team, worker);
        pthread_mutex_lock(&team->lock);
        if (!--team->busy) pthread_cond_signal(&team->work_done);
    }
    pthread_mutex_unlock(&team->lock);
    return NULL;
}

/* Threads are born with all signals blocked: Ctrl-C is the program's own thread's affair. */
static fnas_status fnas_team_start_threads(fnas_context *context, fnas_team *team) {
    sigset_t all, previous;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous);
    int code = 0;
    for (int64_t i = 1; i < team->workers && !code; i++) {
        code = pthread_create(&team->worker[i].thread, NULL, fnas_team_thread, &team->worker[i]);
        if (!code) team->started++;
    }
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    if (code) return fnas_fail(context, FNAS_ERR_MEMORY, "cannot start %lld threads: use fewer", (long long)team->workers);
    return FNAS_OK;
}

fnas_status fnas_team_create(fnas_context *context, int64_t workers, void (*on_start)(int64_t worker), fnas_team **team) {
    *team = NULL;
    if (workers < 1 || workers > FNAS_WORKERS_MAX) {
        return fnas_fail(context, FNAS_ERR_USAGE, "threads must be 1..%d, not %lld", FNAS_WORKERS_MAX, (long long)workers);
    }
    fnas_team *created = fnas_allocate(1, sizeof *created);
    if (!created) return fnas_fail_memory(context, "a team of threads");
    created->workers = workers;
    created->on_start = on_start;
    created->maker = pthread_self();
    pthread_mutex_init(&created->lock, NULL);
    pthread_cond_init(&created->work_given, NULL);
    pthread_cond_init(&created->work_done, NULL);

    fnas_status status = FNAS_OK;
    created->worker = fnas_allocate((size_t)workers, sizeof *created->worker);
    if (!created->worker) status = fnas_fail_memory(context, "a team of threads");
    for (int64_t i = 0; i < workers && status == FNAS_OK; i++) {
        created->worker[i].team = created;
        created->worker[i].index = i;
        if (fnas_context_create(&created->worker[i].context) != FNAS_OK) status = fnas_fail_memory(context, "a team of threads");
    }
    if (status == FNAS_OK) status = fnas_team_start_threads(context, created);
    if (status != FNAS_OK) {
        fnas_team_destroy(created);
        return status;
    }
    uint64_t denormals = fnas_flush_denormals();
    fnas_team_start_worker(created, 0);
    created->maker_denormals = denormals;
    created->has_flushed_maker = true;
    *team = created;
    return FNAS_OK;
}

void fnas_team_destroy(fnas_team *team) {
    if (!team) return;
    pthread_mutex_lock(&team->lock);
    team->leaving = true;
    pthread_cond_broadcast(&team->work_given);
    pthread_mutex_unlock(&team->lock);
    for (int64_t i = 1; i <= team->started; i++) pthread_join(team->worker[i].thread, NULL);
    if (team->has_flushed_maker && pthread_equal(team->maker, pthread_self())) fnas_restore_denormals(team->maker_denormals);
    for (int64_t i = 0; team->worker && i < team->workers; i++) fnas_context_destroy(team->worker[i].context);
    pthread_cond_destroy(&team->work_done);
    pthread_cond_destroy(&team->work_given);
    pthread_mutex_destroy(&team->lock);
    fnas_free(team->worker);
    fnas_free(team);
}

static void fnas_team_attach(fnas_team *team, fnas_context *context) {
    for (int64_t i = 0; i < team->workers; i++) {
        fnas_context_set_parent(team->worker[i].context, context);
        fnas_context_set_threads(team->worker[i].context, 1); /* what runs on a worker does not start more threads */
    }
}

fnas_status fnas_team_run(fnas_context *context, fnas_team *team, int64_t count, fnas_team_function *function, void *user) {
    pthread_mutex_lock(&team->lock);
    fnas_team_attach(team, context);
    team->function = function;
    team->user = user;
    team->count = count;
    team->failed_item = count;
    team->failed_status = FNAS_OK;
    team->failed_context = context;
    atomic_store(&team->next, 0);
    team->busy = team->started;
    team->generation++;
    pthread_cond_broadcast(&team->work_given);
    pthread_mutex_unlock(&team->lock);

    uint64_t denormals = fnas_flush_denormals(); /* the caller may be another thread than the one that made the team */
    fnas_team_work(team, &team->worker[0]);
    fnas_restore_denormals(denormals);

    pthread_mutex_lock(&team->lock);
    while (team->busy) pthread_cond_wait(&team->work_done, &team->lock);
    fnas_team_attach(team, NULL);
    pthread_mutex_unlock(&team->lock);
    return team->failed_status;
}
