/* Predictors and state of a run: loaded, or made. */
#include "base/file.h"
#include "base/memory.h"
#include "search/run_parts.h"

#define WEAK_SPEARMAN 0.5

static bool has_file(const fnas_run *run, const char *name) {
    char *path = fnas_run_file(run, name);
    bool exists = path && fnas_file_exists(path);
    fnas_free(path);
    return exists;
}

static fnas_status train_predictor(fnas_context *context, const fnas_run *run, fnas_quantity quantity, const char *path,
                                   fnas_predictor **predictor) {
    /* What a checkpoint has learnt it learnt from one predictor: another (--predictor may have given it) must not take its place. */
    if (!run->is_new && has_file(run, "checkpoint.safetensors"))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s is missing, which the checkpoint was made with: put it back, or, where the search trained it, train it again "
                         "with `fleetnas predictor fit --quantity %s`, the cards of %s/devices in the order of config.json and --seed %llu",
                         path, fnas_quantity_name(quantity), run->path, (unsigned long long)run->config.seed);
    fnas_predictor_options options = {.quantity = quantity, .seed = run->config.seed};
    FNAS_TRY(fnas_predictor_fit(context, run->space, run->config.device_count, (const fnas_card *const *)run->cards, &options, predictor));
    return run->is_new ? FNAS_OK : fnas_predictor_save(context, *predictor, path);
}

static fnas_status prepare_predictor(fnas_context *context, const fnas_run *run, fnas_quantity quantity, fnas_predictor **predictor) {
    char *path = fnas_run_file(run, fnas_run_predictor_file(quantity));
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = FNAS_OK;
    if (*predictor) {
        /* given with the options and already checked */
    } else if (!run->is_new && fnas_file_exists(path)) {
        status = fnas_predictor_load(context, path, predictor);
        if (status == FNAS_OK) status = fnas_run_check_predictor(context, run, *predictor, quantity, path);
    } else {
        status = train_predictor(context, run, quantity, path, predictor);
    }
    fnas_free(path);
    return status;
}

/* Says what the errors are, once. */
static fnas_status prepare_errors(fnas_context *context, fnas_run *run) {
    fnas_surrogate *surrogate = run->surrogate;
    if (!surrogate || !run->is_new) return FNAS_OK;
    FNAS_TRY(fnas_surrogate_fit(context, run->config.seed, surrogate));
    if (surrogate->is_exact) {
        fnas_log(context, FNAS_LOG_INFO, "errors: column \"%s\" of a table that has every architecture of the space (%lld rows)",
                 surrogate->column, (long long)surrogate->row_count);
        return FNAS_OK;
    }
    fnas_log(context, FNAS_LOG_INFO,
             "errors: a surrogate, fitted to the column \"%s\" of %lld architectures%s; on held-out ones rank correlation (Spearman) %.3f, "
             "mean absolute error %.3g points",
             surrogate->column, (long long)surrogate->row_count, surrogate->scale > 0 ? "" : " (linear)", surrogate->spearman,
             surrogate->mean_error_pct);
    if (surrogate->spearman < WEAK_SPEARMAN)
        fnas_log(context, FNAS_LOG_WARNING, "a rank correlation of %.3f tells architectures hardly apart: a larger table would say more",
                 surrogate->spearman);
    return FNAS_OK;
}

static fnas_status prepare_state(fnas_context *context, fnas_run *run) {
    FNAS_TRY(fnas_search_state_allocate(context, &run->config, run->supernet, FNAS_EMBEDDING, &run->state));
    char *path = fnas_run_file(run, "checkpoint.safetensors");
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = FNAS_OK;
    if (!run->is_new && fnas_file_exists(path)) {
        status = fnas_search_state_load(context, path, &run->state);
    } else {
        fnas_parameters_initialise(&run->state.weights, run->config.seed);
        run->state.total_steps = run->config.steps;
        status = fnas_hypernet_initialise(context, &run->state.shape, run->config.start, run->config.seed, run->config.device_count,
                                          run->embeddings, run->state.hypernet);
    }
    fnas_free(path);
    return status;
}

fnas_status fnas_run_prepare(fnas_context *context, fnas_run *run) {
    FNAS_TRY(prepare_errors(context, run));
    FNAS_TRY(prepare_predictor(context, run, FNAS_QUANTITY_LATENCY, &run->predictor));
    if (fnas_search_has_objective(&run->config, FNAS_OBJECTIVE_ENERGY))
        FNAS_TRY(prepare_predictor(context, run, FNAS_QUANTITY_ENERGY, &run->energy_predictor));
    return prepare_state(context, run);
}
