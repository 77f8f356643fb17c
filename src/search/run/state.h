/* What a search learns, and its checkpoint. */
#ifndef FNAS_SEARCH_RUN_STATE_H
#define FNAS_SEARCH_RUN_STATE_H

#include "nn/parameters.h"
#include "search/config/config.h"
#include "search/supernet/error_model.h"

typedef struct fnas_search_state {
    int64_t step;            /* steps done */
    int64_t total_steps;     /* config.steps, or what --minutes came to */
    int64_t hypernet_steps;  /* Adam steps done */
    fnas_parameters weights; /* of the supernet */
    float *weight_moment;    /* [weights.float_count] */
    float *weight_moment2;   /* the same, of Adam; NULL where the weights are not trained by it */
    fnas_hypernet_shape shape;
    int64_t hypernet_count;
    float *hypernet, *hypernet_moment1, *hypernet_moment2; /* [hypernet_count] */
    double error_low, error_high; /* scale of the cross entropy, for normalisation: see fnas_error_model_range; 0 without a supernet */
    fnas_error_model error_model; /* empty without a supernet, as the weights are */
} fnas_search_state;

/* Allocates for a supernet space and configuration; nothing initialised. */
FNAS_NODISCARD fnas_status fnas_search_state_allocate(fnas_context *context, const fnas_search_config *config, const fnas_space *supernet,
                                                      int64_t embedding, fnas_search_state *state);
void fnas_search_state_free(fnas_search_state *state);

/* checkpoint.safetensors: plain layouts only, atomic; byte-identical for equal states. A state of other settings is not loaded:
 * FNAS_ERR_INPUT. */
FNAS_NODISCARD fnas_status fnas_search_state_save(fnas_context *context, const fnas_search_config *config, const fnas_search_state *state,
                                                  const char *path);
FNAS_NODISCARD fnas_status fnas_search_state_load(fnas_context *context, const char *path, const fnas_search_config *config,
                                                  fnas_search_state *state);

#endif
