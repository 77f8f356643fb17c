/* The run directory:
 *   config.json  checkpoint.safetensors  predictor.safetensors  metrics.csv  devices/NAME.json  fronts/   (equal for equal searches)
 *   energy.safetensors (its predictor, where it is an objective)
 *   vocabulary.model (of networks that translate)                                   (so is this)
 *   space.json (a space that a file describes)  error.safetensors (errors that are no supernet's: surrogate.h)          (so are these)
 *   log.sqlite   (what is of the moment: times, host, paths) */
#ifndef FNAS_SEARCH_RUN_RUN_H
#define FNAS_SEARCH_RUN_RUN_H

#include "fleetnas/predictor.h"
#include "search/error/surrogate.h"
#include "search/hypernet/embedding.h"
#include "search/run/state.h"
#include "search/score/cache.h"
#include "search/supernet/examples.h"

struct fnas_run {
    char *path;
    fnas_search_config config;
    fnas_space *space;                    /* searched and measured */
    fnas_space *supernet;                 /* its macro for the shared weights */
    fnas_card **cards;                    /* [config.device_count] */
    double *embeddings;                   /* [device_count][embedding], as the hypernetwork takes them: see fnas_run_condition */
    fnas_embedding_scale embedding_scale; /* of the search devices */
    fnas_predictor *predictor;
    fnas_predictor *energy_predictor; /* NULL where energy is no objective */
    fnas_surrogate *surrogate;        /* of the error; NULL: the supernet's */
    fnas_search_state state;
    char *weights_path;          /* of a new run: where its shared weights come from; NULL: drawn */
    fnas_examples opened;        /* the data, from making the run until they are asked for */
    fnas_vocabulary *vocabulary; /* of networks that translate: RUN/vocabulary.model; NULL: of others */
    char *data_spec;             /* with its path, from log.sqlite; NULL when unknown */
    bool is_new;                 /* made from options, and not yet written: what may lie in its folder is not of this run */
    int lock;                    /* descriptor of the folder, locked while this process searches in it; -1: not locked */
    fnas_score_cache *scores;    /* errors asked for while the run is open for questions; NULL: not kept */
};

/* A file of the run; owned (fnas_free), NULL when out of memory. */
char *fnas_run_file(const fnas_run *run, const char *name);

/* A device's embedding as the hypernetwork takes it: fnas_embedding_condition on the run's scale. raw, conditioned [FNAS_EMBEDDING]. */
void fnas_run_condition(const fnas_run *run, const double *raw, double *conditioned);

/* A new run from options, with everything checked that needs no work. Nothing is written: a search that is refused leaves nothing behind.
 */
FNAS_NODISCARD fnas_status fnas_run_create(fnas_context *context, const fnas_search_options *options, fnas_run **run);

/* Makes its folder, once it is prepared and its steps can begin: cards, predictor, log, and last of these config.json. */
FNAS_NODISCARD fnas_status fnas_run_write(fnas_context *context, fnas_run *run);

/* Everything but state and predictor, from the folder, to go on with the search: fails while another process does. */
FNAS_NODISCARD fnas_status fnas_run_open_folder(fnas_context *context, const char *path, fnas_run **run);

/* The run's errors of architectures that are no supernet's, into error_pct and cross_entropy alike. */
void fnas_run_look_up_errors(const fnas_run *run, int64_t count, const int32_t *choices, fnas_score *scores);

/* Loads the predictors, or, as long as there is no checkpoint, trains them (and keeps them in the folder of a run that is not new);
 * allocates the state and loads the checkpoint, or initialises it as a pure function of configuration and cards. */
FNAS_NODISCARD fnas_status fnas_run_prepare(fnas_context *context, fnas_run *run);

/* Opens the data that the run was made on; fails when they cannot be given to the supernet. A run that was just made has them open and
 * hands them over: fnas_run_take_data. *examples is the caller's. */
FNAS_NODISCARD fnas_status fnas_run_take_data(fnas_context *context, fnas_run *run, fnas_examples *examples);
FNAS_NODISCARD fnas_status fnas_run_open_data(fnas_context *context, const fnas_run *run, const char *data, fnas_examples *examples);

/* Classes that an architecture can guess among; 0: its answers are sentences, which nobody guesses. */
int64_t fnas_run_class_count(const fnas_run *run);

/* C, H, W in which the data set's images are held for the supernet's passes: what its networks take or, where that differs from network to
 * network, the largest of it. Images in memory that are smaller than the largest stay as they are (but for their channels), so that no
 * network gets them through a size that is not its own, and one of their size gets their own pixels. */
void fnas_run_image_shape(const fnas_run *run, const fnas_dataset *dataset, int64_t shape[3]);

#endif
