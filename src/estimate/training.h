/* Short trainings of single architectures from scratch, all alike: the same initial weights, the same images in the same order with the
 * same augmentation, so that the difference between two trainings is that of their architectures as far as it can be. */
#ifndef FNAS_ESTIMATE_TRAINING_H
#define FNAS_ESTIMATE_TRAINING_H

#include "fleetnas/data.h"
#include "nn/path.h"
#include "space/space.h"

#define FNAS_TRAINING_PARTS 10 /* of the steps, of which the losses are kept */
#define FNAS_ESTIMATE_DECISIONS_MAX 64

/* What all trainings have in common. Borrowed pointers; read by all threads. */
typedef struct fnas_training_plan {
    const fnas_space *space; /* the network that is trained: a small macro, whose image may be of another size than the data set's */
    const fnas_dataset *dataset;
    const int64_t *images; /* [image_count] of the train part */
    int64_t image_count;
    int64_t steps, batch;
    double rate;     /* learning rate: a linear warm-up over a tenth of the steps, then constant */
    double momentum; /* Nesterov's */
    double weight_decay, clip;
    uint64_t seed;
} fnas_training_plan;

/* Mean cross entropy of each part's batches, before the update that each gives: as in the sum of training losses by which Ru et al. 2021
 * ("Speedy performance estimation for neural architecture search") rank architectures. It averages over more images than any validation; in
 * the first epoch the network has seen none of them. */
typedef struct fnas_training_curve {
    double loss[FNAS_TRAINING_PARTS];
    double error_pct[FNAS_TRAINING_PARTS]; /* of the same images, likewise */
} fnas_training_curve;

/* What one thread trains with. Plain memory: may be zeroed. */
typedef struct fnas_trainer {
    fnas_worker worker;
    fnas_parameters parameters;
    float *gradient, *moment; /* [parameters.float_count] */
    float *images;            /* [batch] */
    int32_t *labels;
    int64_t *indices;
    fnas_epoch_order *order;
} fnas_trainer;

/* On the thread that will use it. The data set must fit the space (fnas_dataset_fit). */
FNAS_NODISCARD fnas_status fnas_trainer_create(fnas_context *context, const fnas_training_plan *plan, fnas_trainer *trainer);
void fnas_trainer_destroy(fnas_trainer *trainer);

/* Trains choices [decisions] from the plan's initial weights. The outcome depends on plan and choices alone. FNAS_INTERRUPTED on a stop
 * request, between steps. From a loss that is not finite on a network guesses: its remaining parts have the
 * loss and the error of that. */
FNAS_NODISCARD fnas_status fnas_trainer_run(fnas_context *context, const fnas_training_plan *plan, fnas_trainer *trainer,
                                            const int32_t *choices, fnas_training_curve *curve);

#endif
