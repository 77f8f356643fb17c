/* Everything that decides the outcome of a search: written to config.json, equal for equal searches (no time, host, path, thread count). */
#ifndef FNAS_SEARCH_CONFIG_CONFIG_H
#define FNAS_SEARCH_CONFIG_CONFIG_H

#include "compute/engine.h"
#include "fleetnas/search.h"
#include "search/hypernet/hypernet.h"
#include "search/sampler.h"
#include "search/scalarise.h"
#include "space/space.h"

#define FNAS_OBJECTIVES_MAX 8

typedef enum fnas_objective_kind {
    FNAS_OBJECTIVE_ERROR,
    FNAS_OBJECTIVE_LATENCY,
    FNAS_OBJECTIVE_MACS,
    FNAS_OBJECTIVE_PARAMS,
    FNAS_OBJECTIVE_ENERGY
} fnas_objective_kind;
typedef enum fnas_update_kind { FNAS_UPDATE_MGD, FNAS_UPDATE_MEAN, FNAS_UPDATE_SEQUENTIAL, FNAS_UPDATE_SAMPLE } fnas_update_kind;
/* Whence the gradient of the error with respect to D. */
typedef enum fnas_error_gradient_kind {
    FNAS_ERROR_GRADIENT_GATES, /* the paper's: of the path's own loss, through its gates */
    FNAS_ERROR_GRADIENT_MODEL  /* of a regression over the losses of architectures on common images (supernet/error_model.h) */
} fnas_error_gradient_kind;
/* Whence the error of an architecture. */
typedef enum fnas_error_kind {
    FNAS_ERROR_SUPERNET,  /* from shared weights on images */
    FNAS_ERROR_SURROGATE, /* from a function fitted to a table (error/surrogate.h) */
    FNAS_ERROR_TABLE      /* from a table of the whole space */
} fnas_error_kind;
/* What becomes of the shared weights behind the warm-up. */
typedef enum fnas_weights_kind { FNAS_WEIGHTS_MOVING, FNAS_WEIGHTS_FROZEN } fnas_weights_kind;
typedef enum fnas_batch_kind { FNAS_BATCH_SHARED, FNAS_BATCH_FULL } fnas_batch_kind;

typedef struct fnas_search_config {
    char *space;    /* canonical spec of the space that is searched and measured */
    char *supernet; /* canonical spec of the supernet's macro: the same decisions */
    char *data;     /* data set without its path: "fashion-mnist", "cifar10", "synthetic:..."; "" where there is no supernet */
    char *preset;
    char *proxy;         /* overrides that made the supernet's macro from the space, "" for none */
    char **device_names; /* search devices, in order; their cards are devices/NAME.json in the run */
    int64_t device_count;
    fnas_objective_kind objectives[FNAS_OBJECTIVES_MAX];
    int64_t objective_count;
    fnas_error_kind error; /* what follows on the supernet, its data and its images says nothing unless it is FNAS_ERROR_SUPERNET */
    fnas_update_kind update;
    fnas_sampler_kind sampler;
    fnas_hypernet_kind hypernet;
    fnas_start_kind start;
    fnas_scalarise_kind scalarise;
    fnas_batch_kind batch;
    fnas_compute_type precision; /* of the activations in training; everything else, and all scores, are f32 */
    fnas_error_gradient_kind error_gradient;
    double uniform_fraction; /* of the paths that train the supernet: drawn uniformly, so that no operation starves */
    uint64_t seed;
    int64_t steps;                /* in all; 0: not yet known (--minutes, decided before the first step and kept in the checkpoint) */
    double minutes;               /* 0 unless --minutes */
    int64_t condition_embeddings; /* 1: embeddings relative to the fleet's mean and spread (hypernet/embedding.h); 0: as they are */
    int64_t paths;                /* a step and update */
    int64_t judged_paths;         /* beside each path of the hypernetwork's update this many more: the models judge them all (0: gates) */
    int64_t hypernet_rounds;      /* updates of the hypernetwork a step while the entropy falls; one before, and with gates */
    int64_t observed_paths;       /* a step, for the error model, each on all search images (0: gates) */
    int64_t groups;               /* of paths, for the fixed order of reduction: 8 */
    int64_t weight_images, search_images; /* images a step: shared among the paths, or seen by each (batch full) */
    double warmup_fraction;               /* of the steps, at the start: only the supernet is trained in them */
    double consolidate_fraction;          /* of the steps, at the end: only the supernet is trained, on what the hypernetwork draws */
    int64_t checkpoint_steps;
    double weight_fraction, search_fraction; /* of the training part; the rest validates */
    double consolidate_rate;                 /* takes the place of weight_rate when the supernet is consolidated */
    double weight_rate, weight_rate_end, weight_momentum, weight_decay, weight_clip;
    double hypernet_rate, hypernet_beta1, hypernet_beta2, hypernet_decay;
    double label_smoothing;
    int64_t augment; /* 1: random crops and flips; 0: images as they are, which short searches learn faster from */
    double temperature_start, temperature_end; /* GDAS; REINMAX uses 1 */
    /* Weight of the distributions' entropy against the scalarised loss: the first until the fraction entropy_hold of the steps, then
     * falling by the same factor each step to the second, which it reaches where the supernet is consolidated. */
    double entropy_start, entropy_end, entropy_hold;
    int64_t validation_images, recalibration_images; /* when architectures are scored */
    fnas_weights_kind shared_weights;
    char *start_weights; /* a checksum of the shared weights that the search began with; "" where they were drawn */
    /* Training from the largest network on, in the warm-up (supernet/sandwich.c). sandwiches: parts that a step's images are shared out in;
     * 0: the space is not trained so, and what follows says nothing. sandwich_paths: networks that see one part. distillation: the weight
     * of what the largest says of the images in what the others learn. phase_shares [phase_count]: how long the space's phases are, in
     * relation to each other; none: all choices are open from the first step. */
    int64_t sandwiches, sandwich_paths;
    double distillation;
    int64_t phase_count;
    double phase_shares[FNAS_SPACE_PHASES_MAX];
    /* Of networks that translate; vocabulary, its pieces, is 0 for those that look at images, and what follows says nothing then. What is
     * said of images above means pairs where validation_images is meant, and else nothing. The weights are trained by Adam at weight_rate,
     * which rises from 0 over rate_warmup of the steps first. */
    int64_t vocabulary, vocabulary_crc; /* pieces, and a CRC-32 of the model */
    int64_t weight_ids, search_ids;     /* of a side of one batch, padded; paths that are observed have one in common */
    int64_t largest_paths; /* of the paths that train: the largest network, whose weights are everybody's (the sandwich rule; Yu and Huang
                              2019). Each has a batch of its own, which path p has from path p % largest_paths, and `distillation` says how
                              much of its word. 0: every path has a batch of its own */
    double largest_first;  /* of the warm-up, the part at its start in which these paths alone train (progressive shrinking; Cai et al.
                              2020) */
    double dropout, attention_dropout;
    double weight_beta1, weight_beta2, rate_warmup;
} fnas_search_config;

const char *fnas_objective_name(fnas_objective_kind kind);
const char *fnas_objective_unit(fnas_objective_kind kind);
/* "supernet", "surrogate", "predicted", "closed-form" (a table of the whole space is the error itself, in closed form). */
const char *fnas_objective_source(fnas_objective_kind kind, fnas_error_kind error);
bool fnas_search_has_objective(const fnas_search_config *config, fnas_objective_kind kind);
bool fnas_search_has_supernet(const fnas_search_config *config);
bool fnas_search_translates(const fnas_search_config *config); /* its supernet's networks translate sentences */
/* Of networks that translate: batches of pairs that a step trains on, whether the largest network is some of the paths and not all, and
 * whether it teaches the others then. */
int64_t fnas_search_weight_batches(const fnas_search_config *config);
bool fnas_search_largest_has_others(const fnas_search_config *config);
bool fnas_search_largest_teaches(const fnas_search_config *config);
/* Whether the weights are ever trained on paths: where a space has phases, behind the warm-up, unless they are frozen then. */
bool fnas_search_trains_paths(const fnas_search_config *config);

/* From options (preset, then overrides), with everything checked. The caller fills what needs files: space, supernet, data, device names,
 * and steps where *epochs
 * (> 0) says the length. */
FNAS_NODISCARD fnas_status fnas_search_config_build(fnas_context *context, const fnas_search_options *options, fnas_search_config *config,
                                                    int64_t *epochs);
/* What the preset and the options say of training this space's shared weights: in phases where it has them, moving or frozen. Behind
 * fnas_search_config_build, whose outcome it changes (*epochs, too); the names of its options are refused where they mean nothing. */
FNAS_NODISCARD fnas_status fnas_search_config_fit_space(fnas_context *context, const fnas_search_options *options, const fnas_space *space,
                                                        fnas_search_config *config, int64_t *epochs);
/* The same where the space's networks translate: a preset of their own (sentences.c). */
FNAS_NODISCARD fnas_status fnas_search_config_fit_sentences(fnas_context *context, const fnas_search_options *options,
                                                            const fnas_space *space, fnas_search_config *config, int64_t *epochs);
/* How long the warm-up is, and that weights which are frozen have learnt something. */
FNAS_NODISCARD fnas_status fnas_search_config_choose_stages(fnas_context *context, const fnas_search_options *options, double preset_warmup,
                                                            fnas_search_config *config);
/* Batches, and images to score on, no more than the splits of a data set with this many training images have; fails when a path would get
 * fewer than two. */
FNAS_NODISCARD fnas_status fnas_search_config_fit_data(fnas_context *context, fnas_search_config *config, int64_t train_images);
FNAS_NODISCARD fnas_status fnas_search_config_write(fnas_context *context, const fnas_search_config *config, const char *path);
/* A CRC-32 of what the former writes, but for the length, which the state of a search knows (--minutes and --steps may come to the same),
 * and what changes no outcome. A version of fleetnas that writes other fields does not know it again. */
FNAS_NODISCARD fnas_status fnas_search_config_crc(fnas_context *context, const fnas_search_config *config, uint32_t *crc);
FNAS_NODISCARD fnas_status fnas_search_config_read(fnas_context *context, const char *path, fnas_search_config *config);
void fnas_search_config_free(fnas_search_config *config);

#endif
