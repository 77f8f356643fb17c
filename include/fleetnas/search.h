/* The search: one run for every device and every trade-off; and what a run answers. */
#ifndef FLEETNAS_SEARCH_H
#define FLEETNAS_SEARCH_H

#include "fleetnas/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Names are those of the command's options. Zero or NULL means the preset's value. */
typedef struct fnas_search_options {
    const char *space; /* required: spec */
    const char *data;  /* data set spec; of a space whose networks translate the file that fnas_text_prepare wrote, "text:FILE" or FILE */
    const char *error; /* "supernet" | "table:FILE.csv:COLUMN" | "surrogate:FILE" | "surrogate:FILE.npz[:output=OUTPUT,input=INPUT]"
                          [supernet]: whence the error of an architecture; with all but the first no supernet is trained, and what is about
                          one (data, proxy, batch, precision, error_gradient, epochs, the preset "paper") is refused (docs/spaces.md) */
    const char *run;   /* folder of the run: must not hold another run */
    int64_t device_count;
    const char *const *devices; /* paths of device cards: the search devices */
    const char *preset;         /* "quick" | "standard" | "paper" [standard] */
    const char *proxy;          /* smaller macro for the supernet: "channels=16,cells=1" [preset's] */
    const char *objectives;     /* "error,latency_ms[,energy_mj][,macs][,params]" [error,latency_ms]; energy needs cards with energies */
    const char *predictor;      /* file of fnas_predictor_save [trained at the start, kept in the run] */
    const char *update;         /* "mgd" | "mean" | "sequential" | "sample" */
    const char *sampler;        /* "reinmax" | "gdas" */
    const char *hypernet;       /* "table" | "continuous" */
    const char *start;          /* "flat" | "random" [flat]: whether the hypernetwork is first trained to uniform distributions */
    const char *scalarise;      /* "linear" | "chebyshev" [linear; on sentences the presets quick and standard: chebyshev] */
    const char *batch;          /* "shared" | "full" */
    const char *precision;      /* "f32" | "bf16" [f32]: of the activations in training; weights, their updates and all scores are f32 */
    const char *error_gradient; /* "gates" | "model" [preset's]: of each path's own loss through its gates, or of a regression over the
                                   losses of architectures on common images */
    const char *supernet; /* "moving" | "frozen": whether the shared weights learn behind the warm-up [frozen where the space is trained
                             in phases, such as mobilenetv3, else moving] */
    const char *weights;  /* shared weights to begin with: a safetensors file with the supernet's names and shapes, or the folder of a run
                             [drawn]. They are kept in the run's checkpoint */
    const char *warmup;   /* of the steps, at the start, in which the shared weights alone are trained: "none" or a fraction under 1,
                             "0.5" [preset's; none with weights] */
    const char *phases;   /* how long the space's phases of the warm-up are in relation to each other, "4,2,2,2", or "none": all choices
                             are open from the first step [preset's] */
    const char *distillation; /* weight of what the largest network says in what the others learn, in the phases and where networks
                                 translate: "none" or a number up to 1 [preset's] */
    int64_t paths; /* paths a step [a multiple of the devices, about 16; about 8 where networks translate, 32 in the preset "paper"] */
    const char *largest_paths; /* of networks that translate: how many of the paths that train are the largest network, at most all of them,
                                  which then learns alone; each has pairs of its own, which the others learn from too. "none" or a number
                                  [half of the paths, at most 4; none in the preset "paper"] */
    const char *largest_first; /* of networks that translate: of the warm-up, the part at its start in which the largest network learns
                                  alone: "none" or a fraction up to 1 [0.25; none in the preset "paper", with weights, and where the largest
                                  network is none or all of the paths] */
    int64_t steps, epochs;     /* at most one of steps, epochs, minutes */
    double minutes;
    uint64_t seed;
    int64_t checkpoint_steps; /* between checkpoints [preset's] */
    bool dry_run;             /* check everything, time the parts of a step, say what the search would cost, write nothing */
} fnas_search_options;

/* Runs the search to its end. Progress stage "search". FNAS_INTERRUPTED after fnas_context_request_stop: a checkpoint is written and
 * fnas_search_resume goes on to the same bits. Errors: FNAS_ERR_USAGE, FNAS_ERR_INPUT, FNAS_ERR_IO, FNAS_ERR_NUMERIC (a loss that is not
 * finite: step and path are named). Not for one run from two threads or processes at once.
 * data: where the run's data set lies now, as in fnas_search_options; NULL: where the search found it. */
FNAS_API FNAS_NODISCARD fnas_status fnas_search_run(fnas_context *context, const fnas_search_options *options);
FNAS_API FNAS_NODISCARD fnas_status fnas_search_resume(fnas_context *context, const char *run, const char *data);

/* A finished (or interrupted) run, opened for questions. Immutable, but for RUN/scores.csv: errors that were asked for are kept there, so
 * that they are not scored again (where the folder cannot be written to, they are not kept). Owned: fnas_run_close. Errors: FNAS_ERR_INPUT
 * (no run there, no checkpoint yet, a file that is missing, damaged or does not fit), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
typedef struct fnas_run fnas_run;
FNAS_API FNAS_NODISCARD fnas_status fnas_run_open(fnas_context *context, const char *path, fnas_run **run);
FNAS_API void fnas_run_close(fnas_run *run);
/* Whether its errors come from shared weights, which need a data set to be scored: false where they are a table's or a surrogate's. */
FNAS_API bool fnas_run_has_supernet(const fnas_run *run);
FNAS_API const fnas_space *fnas_run_space(const fnas_run *run);
FNAS_API int64_t fnas_run_device_count(const fnas_run *run);
FNAS_API const fnas_card *fnas_run_device(const fnas_run *run, int64_t index); /* borrowed */

/* What a front is asked for. */
typedef struct fnas_front_options {
    int64_t points;     /* at most this many [24] */
    int64_t candidates; /* at most this many distinct architectures of the sweep are scored, spread evenly over it [48; 1000 where no
                           supernet scores them] */
    int64_t
        neighbours;   /* besides them, up to this many of the hypernetwork's next most probable architectures (one decision changed) [0] */
    bool score_error; /* score distinct architectures on the validation split with the supernet; false: error is left out (NaN) and the
                         query takes milliseconds */
    bool fill; /* where fewer than `points` are on the front, what is next best follows, layer after layer: predictions are not exact, and
                  one that seems a little worse may be better */
    bool predicted_only; /* predictions also for architectures that the card has measured; else its measurements take their place */
    bool as_offered;     /* where errors come from a table or a surrogate: only what the hypernetwork offers, not the rest of the space or
                            what lies near */
    const char *data;    /* where the data lie now [as the run knows] */
    /* [objectives], borrowed, or NULL: best first for this preference, in the place of the contribution to the hypervolume. By the
     * scalarisation that the run was searched with, on the search's scales; where errors come from shared weights, each objective on its
     * range over the front. Needs score_error. What the hypernetwork answers to this preference is among the architectures compared. */
    const double *prefer;
    /* [objectives], borrowed, or NULL: upper limits, infinite where there is none. Where errors come from a table or a surrogate and the
     * space is too large to look at whole, what is best for `prefer` is sought within them. Points beyond stay in the front. Needs prefer.
     */
    const double *limits;
    /* For studies only: ask as if the embedding were the mean of the search devices', or with this preference for every point, or with a
     * hypernetwork never trained. */
    bool mean_embedding, untrained_hypernet;
    const double *constant_preference; /* [objectives] or NULL */
    uint64_t seed;                     /* of the untrained hypernetwork */
} fnas_front_options;

typedef struct fnas_front_objective {
    const char *name, *unit, *source; /* static; source: "supernet", "surrogate", "predicted", "measured", "closed-form" */
} fnas_front_objective;

/* A front: architectures of one device of which none dominates another, best first by hypervolume contribution, or for a preference.
 * docs/hypervolume.md says how they are chosen. Where error is an objective and was not scored: all distinct architectures, fastest first.
 * Immutable; owned: fnas_front_free. */
typedef struct fnas_front fnas_front;
/* options may be NULL (defaults). Deterministic for any number of threads. Progress stage "score". Errors: FNAS_ERR_INPUT (card of another
 * space, a preference off the simplex, a limit that is no number, data missing or not the run's), FNAS_ERR_USAGE (negative counts,
 * as_offered of a run with a supernet, prefer without score_error, limits without prefer), FNAS_ERR_IO, FNAS_ERR_MEMORY, FNAS_INTERRUPTED
 * while scoring. */
FNAS_API FNAS_NODISCARD fnas_status fnas_run_front(fnas_context *context, const fnas_run *run, const fnas_card *card,
                                                   const fnas_front_options *options, fnas_front **front);
FNAS_API void fnas_front_free(fnas_front *front);
FNAS_API const char *fnas_front_device(const fnas_front *front);
FNAS_API int64_t fnas_front_objective_count(const fnas_front *front);
FNAS_API fnas_front_objective fnas_front_objective_at(const fnas_front *front, int64_t objective);
FNAS_API int64_t fnas_front_point_count(const fnas_front *front);
FNAS_API const int32_t *fnas_front_choices(const fnas_front *front, int64_t point);
FNAS_API const char *fnas_front_arch(const fnas_front *front, int64_t point);
FNAS_API const double *fnas_front_preference(const fnas_front *front, int64_t point); /* [objectives] */
FNAS_API const double *fnas_front_values(const fnas_front *front, int64_t point);     /* [objectives] */
/* Whether a point's latency (and energy) is the card's own measurement; the objective's source is "measured" where all are. Cannot fail. */
FNAS_API bool fnas_front_measured(const fnas_front *front, int64_t point);
/* Where one point's value of an objective comes from: "measured" where it is, whatever the others' is. Static. Cannot fail. */
FNAS_API const char *fnas_front_source(const fnas_front *front, int64_t objective, int64_t point);
/* The 90 % interval of a point's predicted latency (fnas_latency_model_predict_interval): 0 and infinity where the latency is measured, or
 * the predictor knows too little to say. Cannot fail. */
FNAS_API void fnas_front_latency_interval(const fnas_front *front, int64_t point, double *low_ms, double *high_ms);

/* The hypernetwork's own answer to one preference [objectives] on a device (one decode: milliseconds), with predicted latency; choices
 * [decisions]. Nothing is scored: fnas_space_connected says whether it can do more than guess. Where scores cost nothing, or may cost what
 * they do, fnas_run_front with `prefer` compares that answer with others.
 * Errors: FNAS_ERR_INPUT (card of another space, a preference with a negative weight or that does not sum to 1 within 1e-6),
 * FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_run_pick(fnas_context *context, const fnas_run *run, const fnas_card *card,
                                                  const double *preference, int32_t *choices, double *latency_ms);

/* Schemas in docs/hypervolume.md: an objective that was not scored is left out. Atomic. Errors: FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_front_write_json(fnas_context *context, const fnas_run *run, const fnas_front *front,
                                                          const char *path);
FNAS_API FNAS_NODISCARD fnas_status fnas_front_write_csv(fnas_context *context, const fnas_front *front, const char *path);

/* A table of the errors of all architectures by the run's shared weights, each with its batch statistics recalibrated, on the first
 * `images` of the validation split (0: as many as the run scores by): columns arch, error_pct and cross_entropy (nats; it tells more
 * architectures apart), which `error eval` compares with the truth. Of architectures that compute the same one is scored; those that can
 * only guess have the error of guessing. *scored: how many. data: as in fnas_front_options. Minutes; what is scored is kept in
 * RUN/scores.csv each 16 architectures a thread, so that an interrupted call goes on. Progress stage "score". Atomic. Errors:
 * FNAS_ERR_INPUT (a run without shared weights, a space of more than 20,000 architectures, data missing or not the run's), FNAS_ERR_IO,
 * FNAS_ERR_MEMORY, FNAS_INTERRUPTED. */
FNAS_API FNAS_NODISCARD fnas_status fnas_run_write_errors(fnas_context *context, const fnas_run *run, const char *data, int64_t images,
                                                          const char *path, int64_t *scored);

/* ---- networks of a run as files ---- */

typedef struct fnas_export_options {
    const char *arch;   /* required: the space's native string, or what else fnas_space_parse_given takes */
    const char *format; /* required: "onnx" (opset 13, images [batch, C, H, W] in the network's own size, normalised as the data set's; of
                           a network that translates its encoder, its decoder and its vocabulary: fnas_export_translator_file),
                           "safetensors" (the network's slices of the shared weights by their names, norms over images with .mean and
                           .variance beside .gamma and .beta) or a format of the space's own: "ofa" of mobilenetv3 (Once-for-All's JSON),
                           "hat" of transformer (HAT's YAML of a sub-transformer) */
    int64_t batch;      /* of an ONNX model of images [1]; those that translate take any */
    const char *data;   /* where the data lie now [as the run knows]: statistics of norms are taken on them, as for scores; networks that
                           translate have none, and data are refused */
} fnas_export_options;

/* Writes one architecture's network with its weights from the supernet, its norms' statistics recalibrated as they are for the run's
 * scores: the file's errors are those that `front` and `verify` say. The file appears whole or not at all. Errors: FNAS_ERR_USAGE (another
 * format, or one of another space, a run without a supernet), FNAS_ERR_INPUT (no architecture of the space, data missing or not the
 * run's), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_run_export(fnas_context *context, const fnas_run *run, const fnas_export_options *options,
                                                    const char *path);

/* Where an ONNX export to `path` of a network that translates puts its files, index 0 to 2, into file [size_bytes]: for DIR/NAME.onnx (or
 * DIR/NAME) DIR/NAME.encoder.onnx, DIR/NAME.decoder.onnx and DIR/NAME.vocabulary.model, a model of SentencePiece; what the two models take
 * and give is said in docs/transformer.md. Each appears whole or not at all, the encoder last. False for another index, and where there is
 * no room. Thread-safe. */
FNAS_API bool fnas_export_translator_file(const char *path, int64_t index, char *file, size_t size_bytes);

/* As there, without a run: the formats that have no weights, "ofa" and "hat". Errors: FNAS_ERR_USAGE (another format, one of another
 * space), FNAS_ERR_INPUT, FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_arch_export(fnas_context *context, const fnas_space *space, const fnas_export_options *options,
                                                     const char *path);

/* ---- verifying a run's promises on this machine ---- */
typedef struct fnas_verify_options {
    const char *data;
    int64_t random_count; /* architectures of each random rival, drawn from the scale's [24] */
    int64_t scale_count;  /* fixed random architectures that set the scale of the hypervolume [100] */
    int64_t test_images;  /* of the data set's test part, or pairs of sentences [1000] */
    int64_t rounds;       /* timed runs of each architecture [12] */
    int64_t candidates;   /* architectures scored to choose one front, as in fnas_front_options [48] */
    int64_t neighbours;   /* as in fnas_front_options, for every method alike [0] */
    bool ablate;          /* also fronts with mean embedding and with a constant preference */
    uint64_t seed;
} fnas_verify_options;

typedef struct fnas_verify_device {
    const char *name; /* borrowed from the card */
    bool searched;    /* the search saw it */
    int64_t front_points;
    double best_accuracy_pct; /* on the test part, shared weights */
    double median_ape_pct;    /* predicted against newly measured latency over the front */
    double spearman;          /* the same, rank */
    double slowdown;          /* the ten references' latency now over the card's (median): above 1, the machine is slower than it was */
    double hypervolume, hypervolume_untrained;
    double hypervolume_random, hypervolume_random_deviation; /* mean and standard deviation over 200 draws of random architectures */
    double hypervolume_mean_embedding, hypervolume_constant_preference; /* NaN unless ablate */
} fnas_verify_device;

typedef struct fnas_verification fnas_verification;
/* For each card: measures its front's architectures anew, scores them on the test part, and compares hypervolumes (docs/hypervolume.md). A
 * measurement that drifted is repeated, three times in all. A card that cannot be measured here (another machine's, or a machine too
 * unquiet) is left out, with a warning; only where that leaves no card is it an error. Errors as for fnas_run_front and
 * fnas_device_remeasure. */
FNAS_API FNAS_NODISCARD fnas_status fnas_run_verify(fnas_context *context, const fnas_run *run, int64_t card_count,
                                                    const fnas_card *const *cards, const fnas_verify_options *options,
                                                    fnas_verification **verification);
FNAS_API void fnas_verification_free(fnas_verification *verification);
FNAS_API int64_t fnas_verification_count(const fnas_verification *verification);
FNAS_API const fnas_verify_device *fnas_verification_device(const fnas_verification *verification, int64_t index);
/* Cards that were given and not verified. Texts are borrowed from the verification. */
typedef struct fnas_verify_left_out {
    const char *name, *reason;
    fnas_status
        status; /* FNAS_ERR_UNSUPPORTED: this machine is not the device; FNAS_ERR_NUMERIC: measuring failed each time, mostly for drift */
} fnas_verify_left_out;
FNAS_API int64_t fnas_verification_left_out_count(const fnas_verification *verification);
FNAS_API fnas_verify_left_out fnas_verification_left_out(const fnas_verification *verification, int64_t index);
/* Rows of the front of one device: predicted and measured latency, validation and test error. */
typedef struct fnas_verify_row {
    const char *arch;
    double predicted_ms, measured_ms, validation_error_pct, test_error_pct;
} fnas_verify_row;
FNAS_API int64_t fnas_verification_row_count(const fnas_verification *verification, int64_t device);
FNAS_API fnas_verify_row fnas_verification_row(const fnas_verification *verification, int64_t device, int64_t row);
/* Everything above as one JSON object (docs/hypervolume.md); numbers that are not known are left out. Atomic. Errors: FNAS_ERR_IO,
 * FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_verification_write_json(fnas_context *context, const fnas_verification *verification,
                                                                 const char *path);

#ifdef __cplusplus
}
#endif
#endif
