/* Devices: one runtime on one machine at one batch size, thread count and precision; and their cards. */
#ifndef FLEETNAS_DEVICE_H
#define FLEETNAS_DEVICE_H

#include "fleetnas/context.h"
#include "fleetnas/space.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A device card: what a device is and what was measured on it. Immutable; owned by the caller (fnas_card_free). */
typedef struct fnas_card fnas_card;

/* What of a card can be read. Pointers are borrowed from the card and live as long as it. */
typedef struct fnas_card_view {
    const char *name, *space, *runtime, *runtime_version, *processor, *governor, *precision, *isa, *statistic, *date;
    int64_t batch, threads;
    /* Of networks that translate: words they know, read, and say; 0: of others, or not told. */
    int64_t vocabulary, source_words, target_words;
    int64_t decision_count;               /* of its space */
    int64_t reference_count;              /* 10 */
    const int32_t *reference_choices;     /* [reference_count][decision_count] */
    const double *reference_latency_ms;   /* [reference_count] > 0 */
    const double *reference_energy_mj;    /* [reference_count] > 0, of one batch; NULL when the card has none */
    int64_t measurement_count;            /* 0: a reference-only card */
    const int32_t *measurement_choices;   /* [measurement_count][decision_count] */
    const double *measurement_latency_ms; /* [measurement_count] > 0 */
    const double *measurement_energy_mj;  /* [measurement_count] > 0, of one batch; NULL when the card has none */
    bool of_averages;      /* references and measurements are rows of averages over layers (docs/transformer.md), no architectures */
    double noise_spearman; /* rank correlation between two halves of the rounds; NaN when unknown */
} fnas_card_view;

/* Reads and checks a card (schema in docs/device-cards.md): every architecture parses in the card's space, latencies and
 * energies are finite and positive, ten references. Errors: FNAS_ERR_INPUT naming file and field, FNAS_ERR_IO. */
FNAS_API FNAS_NODISCARD fnas_status fnas_card_load(fnas_context *context, const char *path, fnas_card **card);
FNAS_API FNAS_NODISCARD fnas_status fnas_card_save(fnas_context *context, const fnas_card *card, const char *path); /* atomic */
FNAS_API void fnas_card_free(fnas_card *card);
FNAS_API fnas_card_view fnas_card_get(const fnas_card *card);

/* Fails with FNAS_ERR_INPUT, naming both, unless the card was measured on this very space. */
FNAS_API FNAS_NODISCARD fnas_status fnas_card_check_space(fnas_context *context, const fnas_card *card, const fnas_space *space);

/* The embedding: reference latencies min-max normalised to [0, 1] over themselves (Lee et al. 2021, HELP); all 0 when they are equal.
 * embedding [reference_count]. Of a card of averages, whose references are its own, first a small regression on these estimates the
 * latencies of the space's reference architectures, and the embedding is of them. */
FNAS_API void fnas_card_embedding(const fnas_card *card, double *embedding);

/* Spearman's rank correlation of two cards' latencies over the architectures that both have measured (references and measurements; of one
 * measured twice on a card the first counts). *common (may be NULL) says how many those are. NaN with fewer than three, for cards of
 * different spaces, for constant latencies, and when memory ran out. O(n log n). Deterministic, thread-safe, cannot fail otherwise. */
FNAS_API double fnas_card_spearman(const fnas_card *first, const fnas_card *second, int64_t *common);

/* How to measure. Zero or NULL means the default in brackets. */
typedef struct fnas_measure_options {
    const char *name;       /* required: at most 100 letters, digits, '.', '_' and '-', no '.' in front */
    const char *runtime;    /* "onednn" | "onednn-plain" | "blas" [onednn] */
    const char *precision;  /* "f32" | "bf16" | "int8" [f32]; onednn-plain and blas: f32 only */
    const char *isa;        /* "native" | "avx512" | "avx2" | "sse41" [native] */
    int64_t threads, batch; /* [1], [1] */
    int64_t arch_count; /* architectures beside the references [300], at most 15000, -1: none; distinct, random by seed, the same for all
                           devices of equal seed */
    const char *archs; /* JSON file as `references`, of at most 15000: these architectures instead of random ones [none]; arch_count is 0 */
    const fnas_card *add_to; /* card of the same device, borrowed: what is measured is added to its measurements. Its references are
                                measured once more, to see that it is; random architectures are ones that it has not [none] */
    const char *references;  /* JSON file: an array of native strings, or an object with reference_archs [the space's own] */
    const char *data;        /* data set whose images calibrate the weights' statistics and the int8 scales [synthetic images] */
    int64_t vocabulary_size; /* of a space whose networks translate: words of their vocabulary, 16 to 1000000 [8000] */
    const char *energy;      /* "rapl": energy of the processor's packages while a network runs, by Linux's counters [none] */
    int64_t rounds;          /* timed runs of each architecture [12], at least 12; by a command at least 3, [3] where it does not serve */
    uint64_t seed;           /* [0] */
    /* Instead of a runtime of this machine, any program measures: docs/devices.md says what it is told and what it owes. Then runtime and
     * isa are NULL, and precision ("f32" | "f16" | "bf16" | "int8") says how exactly the program computes. */
    const char *command;      /* its words, quoted as in POSIX: "bench {onnx} {images} {logits}"; no shell sees them [none] */
    const char *command_json; /* name of the number in a JSON answer that is the milliseconds ["ms"; or the last number of a text] */
    bool command_serve;       /* it is started once and asked line by line; otherwise it is started for each sample */
    bool command_energy;      /* it tells the millijoules of a run, too */
    double command_timeout_s; /* limit of a sample [60] */
    const char *samples;      /* required with command: SQLite file that samples go to as they come. Where it holds samples of the same
                                 measurement, that goes on from there. It stays: remove it once the card is saved */
    bool samples_anew;        /* samples that are there are thrown away */
    bool *samples_kept;       /* NULL, or told, whatever the outcome: the file has samples that the same call, without samples_anew, goes on
                                 from */
} fnas_measure_options;

/* Measures in a child process of its own, or by a command: builds every architecture's inference graph with initialised and calibrated
 * weights, or of networks that translate (the space transformer; onednn and blas, f32) encoder and decoder with initialised ones, warms up,
 * then times them in interleaved rounds (docs/devices.md). Per architecture: minimum CPU time (the latency where threads is 1) and median
 * wall time (otherwise). A reference architecture returns in every round: when the card's statistic of it changes by more than 15 % between
 * the first and the last third, the card is refused with FNAS_ERR_NUMERIC (measure again on a quiet machine). Reports progress "measure
 * NAME". Owned: fnas_card_free. Not while other threads of the process compute. Errors: FNAS_ERR_INPUT, FNAS_ERR_UNSUPPORTED (precision or
 * instruction set that this processor lacks; an instruction set other than native once this process has computed anything: measure first),
 * FNAS_ERR_IO, FNAS_ERR_MEMORY, FNAS_ERR_NUMERIC, FNAS_ERR_INTERNAL (the child died), FNAS_INTERRUPTED. A command that is not found, fails,
 * hangs, floods, prints no number or one that is no time, or computes other logits gives FNAS_ERR_INPUT that says so, with the
 * architecture; samples of another measurement or version in the file too; so does a card to add to that is of another device. When its
 * references took more than 15 % more or less time in the median than on the card, that is FNAS_ERR_NUMERIC. */
FNAS_API FNAS_NODISCARD fnas_status fnas_device_measure(fnas_context *context, const fnas_space *space, const fnas_measure_options *options,
                                                        fnas_card **card);

/* Word `index` of a command (fnas_measure_options), split as measuring splits it: word[size_bytes] is written, "" where it is longer. False
 * behind the last, and of what is no command. */
FNAS_API bool fnas_device_command_word(fnas_context *context, const char *command, int64_t index, char *word, size_t size_bytes);

/* The same device by other references: the ten architectures of a JSON file (as fnas_measure_options' references), each of which must be
 * among the card's measurements or its references. All it measured stays: references that are none any more become measurements (unless
 * the card's measurements have energies and those references none). Owned: fnas_card_free. Errors: FNAS_ERR_INPUT (file or card: names the
 * architecture that was not measured; energies of some of the ten only), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_card_rebase(fnas_context *context, const fnas_space *space, const fnas_card *card,
                                                     const char *references, fnas_card **rebased);

/* Whether this machine can measure the card's device anew: the card is of the space, was measured (not imported) on a processor of this
 * name, and its runtime and precision are known here. Cheap; thread-safe with a context each. Errors: FNAS_ERR_INPUT (another space, a
 * setting out of range), FNAS_ERR_UNSUPPORTED (another machine's card: the message names the card and both processors). */
FNAS_API FNAS_NODISCARD fnas_status fnas_device_check_here(fnas_context *context, const fnas_space *space, const fnas_card *card);

/* Measures given architectures [count][decisions] anew on this machine as the card's device was measured (runtime, precision, isa, batch,
 * threads) in rounds (0: 12) of timed runs; latency_ms [count] is written on success. Errors as for fnas_device_measure and,
 * before anything is measured, fnas_device_check_here. */
FNAS_API FNAS_NODISCARD fnas_status fnas_device_remeasure(fnas_context *context, const fnas_space *space, const fnas_card *card,
                                                          int64_t count, const int32_t *choices, int64_t rounds, double *latency_ms);

#ifdef __cplusplus
}
#endif
#endif
