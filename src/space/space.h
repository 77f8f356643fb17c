/* The space interface: what a new space has to give. One folder a space; space.c holds the registry and what is common. */
#ifndef FNAS_SPACE_SPACE_H
#define FNAS_SPACE_SPACE_H

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"
#include "fleetnas/space.h"
#include "nn/net.h"
#include "nn/translator/translator.h"
#include "space/arch_set.h"

#define FNAS_SPACE_SPEC_BYTES 1024 /* of the longest spec, with its 0 */

typedef struct fnas_decision {
    const char *name;
    int64_t choice_count;
    const char *const *choice_names;
} fnas_decision;

/* What a tensor of a published network is here. */
typedef enum fnas_published {
    FNAS_PUBLISHED_WEIGHT,    /* a shared weight */
    FNAS_PUBLISHED_TRANSFORM, /* a kernel transform: a shared weight where the space declares it, else of no use */
    FNAS_PUBLISHED_STATISTIC, /* a norm's running statistics: norms are calibrated here */
    FNAS_PUBLISHED_OTHER
} fnas_published;

/* A form of the one-hot D that networks of a user's take to tell an architecture's error (docs/spaces.md, "Errors from a network").
 * Polynomial in D, exact where it is one-hot; rows of decisions that mean nothing are 0. */
typedef struct fnas_space_encoding {
    const char *name;
    const char *output; /* what such networks give by custom, a word of "Errors from a network"; NULL: there is no custom */
    /* Whether it can tell the space's architectures apart: FNAS_ERR_INPUT saying why not, of the file `where`. NULL: always. */
    fnas_status (*check)(fnas_context *context, const char *where, const fnas_space *space);
    int64_t (*size)(const fnas_space *space);
    void (*encode)(const fnas_space *space, const double *onehot, double *input); /* input [size], written */
    /* Adds (d input / d D)^T diff_input to diff_onehot. */
    void (*encode_vjp)(const fnas_space *space, const double *onehot, const double *diff_input, double *diff_onehot);
} fnas_space_encoding;

/* A file in which scripts of the space's origin read an architecture, without weights. */
typedef struct fnas_space_own_format {
    const char *name; /* of `export --format` */
    /* Appends the file's text of an architecture, given by its settled choices and their native string. text->failed is the caller's to
     * see. */
    void (*write)(const fnas_space *space, const int32_t *choices, const char *arch, fnas_text *text);
} fnas_space_own_format;

typedef struct fnas_space_type {
    const char *name;
    /* Reads "key=value,..." over the given previous parameters (NULL: defaults) and fills space->detail, spec, decisions. */
    fnas_status (*open)(fnas_context *context, const char *parameters, const fnas_space *previous, fnas_space *space);
    void (*close)(fnas_space *space);
    /* The parameters of a spec "key=value,..." from a file of the space's own kind (NAME:FILE.yml), appended. NULL: there is none. */
    fnas_status (*read_parameters)(fnas_context *context, const char *path, fnas_text *parameters);
    fnas_status (*parse)(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices);
    /* The same of a file's text, where messages call it `where` and name the line. NULL: architectures are in no files of their own. */
    fnas_status (*parse_at)(fnas_context *context, const fnas_space *space, const char *where, const char *text, int32_t *choices);
    fnas_status (*format)(fnas_context *context, const fnas_space *space, const int32_t *choices, char *text, size_t size_bytes);
    /* Replaces choices that cannot matter (an operation that data do not reach, or whose result goes nowhere) by the space's word for
     * nothing, so that architectures that compute the same are the same. NULL: every choice matters. */
    void (*canonical)(const fnas_space *space, int32_t *choices);
    /* Replaces choices by those that parsing the native string gives (not so much as canonical: what the string says is kept). All three
     * NULL: the strings keep every choice. settled_count is the number of architectures that stay different, settled_random draws one of
     * those uniformly. */
    void (*settle)(const fnas_space *space, int32_t *choices);
    double (*settled_count)(const fnas_space *space);
    void (*settled_random)(const fnas_space *space, fnas_random *random, int32_t *choices);
    /* Whether the output depends on the input. NULL: it always does. */
    bool (*connected)(const fnas_space *space, const int32_t *choices);
    /* Both NULL: the space does not know its networks' sizes. */
    int64_t (*macs)(const fnas_space *space, const int32_t *choices);
    int64_t (*params)(const fnas_space *space, const int32_t *choices);
    /* Supernet: declares the shared weights; records one architecture over them. Both may be NULL (a space without images). */
    fnas_status (*declare)(fnas_context *context, const fnas_space *space, fnas_parameters *parameters);
    fnas_status (*record)(fnas_context *context, const fnas_space *space, const int32_t *choices, fnas_net **net);
    /* In their place, of a space whose networks translate sentences: the network of an architecture for a vocabulary of so many pieces, its
     * weights the first rows and columns of the largest one's, which `largest` chooses. Both NULL: its networks look at images. */
    void (*translator)(const fnas_space *space, const int32_t *choices /* NULL: the largest */, int64_t vocabulary, fnas_translator *shape);
    void (*largest)(const fnas_space *space, int32_t *choices);
    /* The phases in which the shared weights are trained from the largest network on (progressive shrinking, Cai et al. 2020): their names
     * (NULL behind the last; at most FNAS_SPACE_PHASES_MAX), and which choices of a decision are open in one, the last phase having all.
     * From first to last they make the network larger. In phase 0 only such decisions are open as leave the network as large as it is, of
     * weights that are all the same (a resolution): the search gives each part of a step's images to one network then, which has no
     * teacher. From phase 1 on it gives them to sandwiches. All NULL: no phases. */
    const char *const *phase_names;
    /* How long each phase is in relation to the others, [phases]: in a training of hours, and as published. */
    const double *phase_shares, *phase_published;
    void (*phase_choices)(const fnas_space *space, int64_t phase, int64_t decision, int32_t *first, int32_t *last);
    /* What is done with the weights between the phase before this one and its first step: a change after which the largest network computes
     * the same, and smaller ones begin better. moment [weights->float_count], laid out as weights->values, goes with them. A function of
     * the weights alone, so that a search in parts has the same bits. NULL: nothing. */
    fnas_status (*begin_phase)(fnas_context *context, const fnas_space *space, int64_t phase, fnas_parameters *weights, float *moment);
    /* Between the names that tensors have in the files of a published network and those that `declare` gives them; both write
     * [size_bytes]. to_published is false for a name that has none. Both NULL: the names are the same. */
    fnas_published (*from_published)(const char *published, char *name, size_t size_bytes);
    bool (*to_published)(const char *name, char *published, size_t size_bytes);
    /* Rows of averages: what tables that do not tell every choice say of an architecture that was measured. All NULL: the space has none. A
     * row stands where an architecture's choices do, [decision_count], its first entry negative (fnas_space_is_average); `format` writes it
     * as well. names: columns of such tables, NULL behind the last. average_row: from the numbers of these columns; messages begin with
     * `where`. average_features: its cost features. */
    const char *const *(*average_names)(void);
    fnas_status (*average_row)(fnas_context *context, const fnas_space *space, const char *where, const double *averages, int32_t *row);
    fnas_status (*parse_averages)(fnas_context *context, const fnas_space *space, const char *text, int32_t *row);
    void (*average_features)(const fnas_space *space, const int32_t *row, double *features);
    /* The image that an architecture takes; NULL: the space's. */
    void (*image_of)(const fnas_space *space, const int32_t *choices, int64_t image[3]);
    /* What of an architecture costs: features of the one-hot D in which latency is nearly additive, for the latency predictor.
     * Differentiable in D; exact where D is one-hot. feature_count numbers; vjp adds (d features / d D)^T v to diff_onehot. NULL: the
     * features are D itself. */
    int64_t (*cost_feature_count)(const fnas_space *space);
    void (*cost_features)(const fnas_space *space, const double *onehot, double *features);
    void (*cost_features_vjp)(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);
    /* In the same way, what of an architecture its error depends on: for what is fitted to errors. NULL: the cost features. */
    int64_t (*error_feature_count)(const fnas_space *space);
    void (*error_features)(const fnas_space *space, const double *onehot, double *features);
    void (*error_features_vjp)(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);
    /* Those that say what a network computes, without those of how runtimes fuse it: for the search's model of the error. NULL: the error
     * features. */
    int64_t (*structure_feature_count)(const fnas_space *space);
    void (*structure_features)(const fnas_space *space, const double *onehot, double *features);
    void (*structure_features_vjp)(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);
    /* Up to one without a name; no two of equal size in a space. NULL: D itself, "onehot". */
    const fnas_space_encoding *encodings;
    /* Up to one without a name; NULL: none. */
    const fnas_space_own_format *formats;
    const char *const *reference_archs; /* native strings */
    int64_t reference_count;
} fnas_space_type;

struct fnas_space {
    const fnas_space_type *type;
    const char *name; /* NULL: the type's; else borrowed from detail */
    char *spec;
    fnas_decision *decisions;
    int64_t decision_count, onehot_size;
    int64_t image[3], classes; /* image[0] == 0: no images. Of a space whose networks take images of several sizes, the largest */
    const int32_t *references; /* [reference_count][decision_count], borrowed from detail; NULL: the type's */
    int64_t reference_count;
    void *detail; /* the space's own */
};

extern const fnas_space_type fnas_space_nb201, fnas_space_mobilenetv3, fnas_space_transformer;
extern const fnas_space_type fnas_space_file; /* described in a file: space/file/file.h */

/* Cuts the next "key=value" off *cursor (comma-separated): FNAS_ERR_INPUT on a missing '=' or an unknown key (with a suggestion among
 * `keys`, NULL-terminated) or one given twice (*seen has a bit a key). *key is its index; the value is copied to value[value_bytes]. *key
 * is -1 at the end. */
FNAS_NODISCARD fnas_status fnas_space_next_option(fnas_context *context, const char *space_name, const char *const *keys,
                                                  const char **cursor, uint32_t *seen, int *key, char *value, size_t value_bytes);

/* With the NULL defaults of the interface resolved. */
int64_t fnas_space_cost_feature_count(const fnas_space *space);
void fnas_space_cost_features(const fnas_space *space, const double *onehot, double *features);
void fnas_space_cost_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);
int64_t fnas_space_error_feature_count(const fnas_space *space);
void fnas_space_error_features(const fnas_space *space, const double *onehot, double *features);
void fnas_space_error_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);
int64_t fnas_space_structure_feature_count(const fnas_space *space);
void fnas_space_structure_features(const fnas_space *space, const double *onehot, double *features);
void fnas_space_structure_features_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);

/* Encodings 0, 1, ... of a space, at least one; NULL behind the last. */
const fnas_space_encoding *fnas_space_encoding_at(const fnas_space *space, int64_t index);

/* Formats 0, 1, ... of a space's own; NULL behind the last. */
const fnas_space_own_format *fnas_space_own_format_at(const fnas_space *space, int64_t index);

/* One-hot [onehot_size] of an architecture, and back by the largest entry of each row (the first among equals). */
void fnas_space_to_onehot(const fnas_space *space, const int32_t *choices, double *onehot);
void fnas_space_decode(const fnas_space *space, const double *logits, int32_t *choices);
void fnas_space_canonical(const fnas_space *space, int32_t *choices); /* see fnas_space_type; changes choices in place */

bool fnas_space_is_yaml(const char *path); /* by its ending, .yml or .yaml */

/* ---- what was measured: architectures, or rows of averages (fnas_space_type) ---- */
bool fnas_space_is_average(const int32_t *choices);
/* As fnas_space_parse, and rows of averages where the space has them. */
FNAS_NODISCARD fnas_status fnas_space_parse_measured(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices);
/* Cost features of either. onehot [onehot_size]: scratch. */
void fnas_space_measured_features(const fnas_space *space, const int32_t *choices, double *onehot, double *features);

/* What the native string of these choices says, in their place: parse of format, without the string. Two architectures are the same one
 * when their settled choices are equal. What parse gives is settled. Cannot fail; choices must be in range. */
void fnas_space_settle(const fnas_space *space, int32_t *choices);

/* Adds `count` architectures to the set of settled ones: the first among the uniformly random ones of a seed (fnas_space_random 0, 1, 2,
 * ..., settled) that are not yet in it, in that order. Where most choices mean nothing, so that those draws find no new one any more, it
 * goes on with draws in which every settled architecture is as likely as another. FNAS_ERR_INPUT when the space has not so many more. */
FNAS_NODISCARD fnas_status fnas_space_random_distinct(fnas_context *context, const fnas_space *space, uint64_t seed, int64_t count,
                                                      fnas_arch_set *set);

/* As fnas_space_open, for a spec that stands in a file (a card, a run, a predictor): never opens a path. */
FNAS_NODISCARD fnas_status fnas_space_open_spec(fnas_context *context, const char *spec, fnas_space **space);

/* A space that a file describes carries its description (docs/spaces.md), so that what is made of it, a run or a predictor, can open it
 * again: borrowed JSON text, NULL for a space that is code. read: opens it from such a text, which messages call `where`; from then on the
 * context knows its spec (fnas_space_open). */
const char *fnas_space_description(const fnas_space *space);
FNAS_NODISCARD fnas_status fnas_space_read(fnas_context *context, const char *where, const char *text, fnas_space **space);

/* Phases of the training of the shared weights: 0 where the space has none. choices: those of a decision that are open in a phase, all of
 * them where the space has none or `phase` is FNAS_SPACE_ALL_OPEN. */
#define FNAS_SPACE_PHASES_MAX 8
#define FNAS_SPACE_ALL_OPEN (-1)
int64_t fnas_space_phase_count(const fnas_space *space);
const char *fnas_space_phase_name(const fnas_space *space, int64_t phase); /* "kernel"; static */
void fnas_space_phase_choices(const fnas_space *space, int64_t phase, int64_t decision, int32_t *first, int32_t *last);
/* See fnas_space_type. Errors: FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_space_begin_phase(fnas_context *context, const fnas_space *space, int64_t phase, fnas_parameters *weights,
                                                  float *moment);

/* C, H, W of the image that an architecture takes. */
void fnas_space_image_of(const fnas_space *space, const int32_t *choices, int64_t image[3]);

/* Whether there are shared weights to train on images. */
bool fnas_space_has_supernet(const fnas_space *space);
/* Whether its networks translate sentences; then they have shared weights, which the type's `translator` tells of. */
bool fnas_space_translates(const fnas_space *space);

/* For what gives all networks the same images: FNAS_ERR_INPUT where architectures take images of their own sizes. */
FNAS_NODISCARD fnas_status fnas_space_check_one_image_size(fnas_context *context, const fnas_space *space);

FNAS_NODISCARD fnas_status fnas_space_declare(fnas_context *context, const fnas_space *space, fnas_parameters *parameters);
FNAS_NODISCARD fnas_status fnas_space_record(fnas_context *context, const fnas_space *space, const int32_t *choices, fnas_net **net);

#endif
