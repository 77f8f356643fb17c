/* The trainings of an estimate, in an SQLite file as they end, so that one that dies goes on where it was. */
#ifndef FNAS_ESTIMATE_TRAININGS_H
#define FNAS_ESTIMATE_TRAININGS_H

#include "estimate/training.h"
#include "space/arch_set.h"

/* In the order in which they were asked for. */
typedef struct fnas_trainings {
    char *path;
    void *base; /* sqlite3 */
    fnas_arch_set archs;
    fnas_training_curve *curves; /* [archs.count] */
    size_t capacity;
    double spent_s; /* wall seconds of all calls so far, as they were kept */
    double round_s; /* of them those of the last round of trainings; 0: there was none */
} fnas_trainings;

/* Opens or makes the file and reads what it holds. setting: what the outcome depends on, as text; another than that which it was made with
 * is FNAS_ERR_INPUT (both are shown). Errors also: FNAS_ERR_INPUT (no such file, an architecture that is none), FNAS_ERR_IO (not writable,
 * in use), FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_trainings_open(fnas_context *context, const fnas_space *space, const char *path, const char *setting,
                                               fnas_trainings *trainings);
/* Adds trainings of new architectures [count][decisions], on the disk when it returns, with the seconds since the last were kept. count 0:
 * only these. */
FNAS_NODISCARD fnas_status fnas_trainings_add(fnas_context *context, const fnas_space *space, fnas_trainings *trainings, int64_t count,
                                              const int32_t *choices, const fnas_training_curve *curves, double seconds);
/* Scores [count] that were kept under a name; *found says whether there are so many. keep: on the disk when it returns. */
FNAS_NODISCARD fnas_status fnas_trainings_find_scores(fnas_context *context, const fnas_trainings *trainings, const char *name,
                                                      int64_t count, double *scores, bool *found);
FNAS_NODISCARD fnas_status fnas_trainings_keep_scores(fnas_context *context, const fnas_trainings *trainings, const char *name,
                                                      int64_t count, const double *scores);
void fnas_trainings_close(fnas_trainings *trainings); /* also when open failed, or zeroed */

#endif
