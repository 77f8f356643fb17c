/* Everything that the steps of one search work with. */
#ifndef FNAS_SEARCH_SEARCHER_H
#define FNAS_SEARCH_SEARCHER_H

#include "base/threads.h"
#include "data/text/batches.h"
#include "nn/path.h"
#include "search/gradients.h"
#include "search/objective.h"
#include "search/run/run.h"
#include "search/schedule.h"
#include "search/supernet/examples.h"
#include "search/supernet/path_jobs.h"
#include "search/supernet/sentences.h"

/* The paths of one update: rows of flat arrays. */
typedef struct fnas_paths {
    int64_t count;               /* drawn */
    int64_t *device;             /* [count] */
    int64_t *stream;             /* [count] its number in the random streams */
    double *preference;          /* [count][objectives] */
    double *embedding;           /* [count][embedding] */
    double *logits;              /* [count][onehot] */
    double *soft;                /* [count][onehot]: for the sampler's backward */
    double *onehot;              /* [count][onehot] */
    int32_t *choices;            /* [count][decisions] */
    double *cross_entropy;       /* [count], from the supernet */
    int64_t *correct, *examples; /* [count] images, or words that are to be said */
    int64_t *first_example;      /* [count] where they begin in what was loaded: paths with equal ones see the same */
    double *cost;                /* [count] of a run on the supernet: multiply-accumulates */
    double *gate_gradient;       /* [count][onehot] */
    float *workspace;            /* of the hypernetwork, whole batch */
    int64_t share_count;   /* parts that the images are shared out in, path p seeing part p % share_count; 0: as the batch option says */
    int64_t teacher_count; /* the first paths teach: path p learns from path p % teacher_count as well; 0: none does */
} fnas_paths;

/* A batch of images, shared by the paths of one update. */
typedef struct fnas_image_batch {
    int64_t count;
    int64_t *index;         /* [count] in the data set */
    fnas_value_shape shape; /* of an image: see fnas_run_image_shape */
    float *images;          /* [count][C * H * W] */
    int32_t *labels;
    float *teacher; /* [count][classes]: what the largest networks say of the images; NULL where none teaches */
} fnas_image_batch;

/* What paths are drawn for: to train the supernet, to train the hypernetwork, to observe errors for the error model. */
typedef enum fnas_purpose { FNAS_PURPOSE_WEIGHTS, FNAS_PURPOSE_HYPERNET, FNAS_PURPOSE_OBSERVE, FNAS_PURPOSE_COUNT } fnas_purpose;

typedef struct fnas_searcher fnas_searcher;

/* What paths run on: one table for images, one for sentences. */
typedef struct fnas_path_runner {
    fnas_status (*create)(fnas_context *context, fnas_searcher *searcher); /* before the first load */
    void (*free)(fnas_searcher *searcher);                                 /* also when create failed */
    /* What the paths of this step see. */
    fnas_status (*load)(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose);
    /* Which of it a path sees: paths.first_example, paths.examples. */
    void (*share)(fnas_searcher *searcher, fnas_purpose purpose, int64_t path);
    /* A job's losses and gradients; weights' gradients are those of all its copies at once. On the thread of the worker. */
    fnas_status (*run)(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose, const fnas_path_job *job, int64_t worker);
} fnas_path_runner;
extern const fnas_path_runner fnas_paths_on_images, fnas_paths_on_sentences;

struct fnas_searcher {
    fnas_run *run;
    const fnas_search_config *config;
    fnas_search_state *state;
    fnas_objectives objectives;
    const fnas_path_runner *runner; /* NULL without a supernet */
    const fnas_examples *examples;
    fnas_team *team;
    fnas_worker *workers; /* [workers] */
    int64_t worker_count;
    int64_t onehot, decisions, embedding, image_floats, classes;
    fnas_stage stage;    /* of the last step that was begun */
    bool trains_weights; /* in that step */
    int64_t round;       /* of the hypernetwork's updates in this step */
    fnas_paths paths;
    int64_t examples_run; /* through the supernet so far, counted for every path that saw them */
    /* Of images: */
    fnas_image_batch batch;
    fnas_split *split;
    fnas_epoch_order *weight_order, *search_order; /* of the images of the two splits */
    /* Of sentences: */
    fnas_translator largest;
    fnas_text_batches *weight_batches, *search_batches;
    fnas_sentences *sentences; /* [sentence_batches] */
    int64_t sentence_batches;
    float *sentence_teacher; /* [largest_paths][weight_ids][vocabulary]: what the largest network says; NULL where it teaches nobody */
    /* Of both: */
    int64_t scale_count;                 /* fixed architectures that set the scale of the error: random ones, and perhaps the largest */
    double *scale_onehot, *scale_losses; /* [scale_count][onehot], [scale_count] */
    fnas_path_jobs jobs;                 /* of the paths that are run */
    float **group_gradient;              /* [groups][weights.float_count]: one a chain of paths that train weights */
    fnas_gradients gradients;            /* of the hypernetwork, one a device */
    double *gradient_scratch;            /* [objectives + 2][onehot]: of one path */
    double *gram, *minnorm_weights, *minnorm_workspace;
    double step_cross_entropy, step_correct_pct; /* of the last weights' update, for progress */
    double step_objectives[FNAS_OBJECTIVES_MAX]; /* mean values in their own units of the last hypernetwork update */
    double step_norm;                            /* of the min-norm direction */
    double weight_gradient_norm;
};

FNAS_NODISCARD fnas_status fnas_searcher_create(fnas_context *context, fnas_run *run, const fnas_examples *examples,
                                                fnas_searcher *searcher);
void fnas_searcher_free(fnas_searcher *searcher);

/* One step: supernet weights on the training split, unless they are frozen, then, unless the stage is for the supernet alone, the
 * hypernetwork on the search split. state->step is counted up. */
FNAS_NODISCARD fnas_status fnas_search_step(fnas_context *context, fnas_searcher *searcher);

/* Its halves. */
FNAS_NODISCARD fnas_status fnas_update_weights(fnas_context *context, fnas_searcher *searcher);
FNAS_NODISCARD fnas_status fnas_update_hypernet(fnas_context *context, fnas_searcher *searcher);

/* Of these what follows on the drawing of the paths: examples, passes and SGD or Adam; passes where the supernet judges (on what is
 * loaded), gradients of the devices first_device ..., and one step of Adam. */
FNAS_NODISCARD fnas_status fnas_train_weights(fnas_context *context, fnas_searcher *searcher);
FNAS_NODISCARD fnas_status fnas_train_hypernet(fnas_context *context, fnas_searcher *searcher, int64_t first_device, int64_t device_count);
/* The last part alone: gradients that are settled (gradients.h) become one direction, and one step of Adam. FNAS_ERR_NUMERIC when it is not
 * finite. */
FNAS_NODISCARD fnas_status fnas_step_hypernet(fnas_context *context, fnas_searcher *searcher, int64_t first_device, int64_t device_count);

/* Draws count paths for devices first_device + i % device_count: preferences, hypernetwork, samples. Some for the supernet, and every
 * other one that is observed, are uniform architectures instead; of networks that translate the first ones for the supernet are the
 * largest. */
void fnas_paths_draw(fnas_searcher *searcher, fnas_purpose purpose, int64_t count, int64_t first_device, int64_t device_count);
/* Runs them on the supernet: cross entropy, and gate gradients or weight gradients (into searcher->group_gradient[0]). */
FNAS_NODISCARD fnas_status fnas_paths_run(fnas_context *context, fnas_searcher *searcher, fnas_purpose purpose);
/* In the place of the former, in the warm-up of a supernet that is trained in phases (fnas_schedule_shrinks): sandwiches, see
 * sandwich.c. */
void fnas_sandwich_draw(fnas_searcher *searcher);
/* The random streams of this step for a purpose. */
int64_t fnas_stream_step(const fnas_searcher *searcher, fnas_purpose purpose);

#endif
