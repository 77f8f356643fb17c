/* The encoder-decoder Transformer of machine translation (Vaswani et al. 2017) as the hardware-aware transformers shape it (Wang et al.
 * 2020, "HAT"): widths of encoder and decoder, layers, and for each layer feed-forward width, heads and how many of the encoder's last
 * layers a decoder layer sees. Sub-networks take the first rows and columns of every weight of the largest one.
 *
 * Sublayers are followed by dropout, the sum with their source, and layer normalisation ("post-norm"); the feed-forward part is ReLU;
 * positions are sinusoids. Source, target and output share one embedding, whose rows are scaled by the square root of the width.
 *
 * Sentences are not padded: those of a batch lie one after the other, every product goes over real tokens alone, and a sentence attends to
 * itself. What padding and its mask would compute is the same. */
#ifndef FNAS_NN_TRANSLATOR_TRANSLATOR_H
#define FNAS_NN_TRANSLATOR_TRANSLATOR_H

#include "nn/parameters.h"
#include "nn/path.h"

#define FNAS_TRANSLATOR_LAYERS_MAX 16
#define FNAS_TRANSLATOR_SOURCES_MAX 3
#define FNAS_TRANSLATOR_FIRST_POSITION 2 /* of a sentence: fairseq counts behind its padding symbol's index */

/* Gates: the index in the one-hot D of the selected entry, which multiplies what is named (numerically by 1; a "site", net.h); -1: none. */
typedef struct fnas_translator_layer {
    int64_t feed_forward, heads;
    int64_t cross_heads,
        cross_sources; /* of a decoder's layer: heads of its attention to the encoder, and the encoder's last layers it sees, 1 to 3 */
    int32_t feed_forward_gate;            /* both products of the feed-forward part */
    int32_t heads_gate, cross_heads_gate; /* what an attention gives */
    int32_t cross_sources_gate;           /* the encoder's layers, where this layer reads them */
} fnas_translator_layer;

typedef struct fnas_translator_side {
    int64_t width, layer_count;
    int32_t width_gate;  /* embeddings, all products of the side, its norms, the decoder's logits */
    int32_t layers_gate; /* what the side's last layer gives */
    fnas_translator_layer layers[FNAS_TRANSLATOR_LAYERS_MAX];
} fnas_translator_side;

typedef struct fnas_translator {
    int64_t vocabulary;
    int64_t attention_width; /* of queries, keys and values together, whatever the heads */
    fnas_translator_side encoder, decoder;
} fnas_translator;

/* Whether it can be built: FNAS_ERR_INPUT names the layer and what does not fit. */
FNAS_NODISCARD fnas_status fnas_translator_check(fnas_context *context, const fnas_translator *shape);

/* Declares the weights of the largest network into an empty set. Embedding rows are drawn with variance 1 / width, weights as Glorot and
 * Bengio (2010) do, biases are 0. Names follow fairseq's. */
FNAS_NODISCARD fnas_status fnas_translator_declare(fnas_context *context, const fnas_translator *largest, fnas_parameters *parameters);

/* Pairs of sentences, borrowed. Sentence i has tokens [start[i], start[i + 1]) of each list; none is empty. */
typedef struct fnas_translator_batch {
    int64_t n;
    const int32_t *source;        /* ids of the source */
    const int64_t *source_start;  /* [n + 1] */
    const int32_t *input, *label; /* of the target: what the decoder reads, and what it should say next */
    const int64_t *target_start;  /* [n + 1] */
} fnas_translator_batch;

/* Probabilities of dropping for a side of the largest width; a sub-network drops with p * width / largest width (HAT). */
typedef struct fnas_translator_dropout {
    float residual, attention;
    uint64_t seed;
    int64_t step, path; /* name the draws (base/random.h) */
} fnas_translator_dropout;

typedef struct fnas_translator_request {
    const fnas_translator *shape, *largest; /* shape fits in largest, whose weights parameters are */
    const fnas_parameters *parameters;
    const fnas_translator_batch *batch;
    const fnas_translator_dropout *dropout; /* NULL: none */
    float label_smoothing;                  /* spread over the whole vocabulary, the label included */
    /* What a teacher says of the target tokens, [target tokens][vocabulary] probabilities: a part soft_weight of the target, 0 to 1, in the
     * place of as much of the labels' (Hinton et al. 2015). NULL: the labels alone. No gradient goes to the teacher. */
    const float *soft_targets;
    float soft_weight;
    float scale;            /* gradients are those of scale * sum of the tokens' losses */
    float *weight_gradient; /* [parameters->float_count], added to; NULL: not wanted */
    double *gate_gradient;  /* [one-hot], added to; NULL: not wanted */
    float *logits;          /* [target tokens][vocabulary]; NULL: not wanted */
} fnas_translator_request;

typedef struct fnas_translator_result {
    double loss;     /* sum over target tokens, with label smoothing and the teacher */
    double log_loss; /* sum over target tokens of -log p(label): 2^(that / tokens / log 2) is the perplexity */
    int64_t correct, tokens;
} fnas_translator_result;

/* Forward, and backward where a gradient is wanted, on one thread, in memory of the worker's arena. FNAS_ERR_NUMERIC: a loss that is not
 * finite. FNAS_ERR_INPUT: an id that the vocabulary lacks, an empty sentence. */
FNAS_NODISCARD fnas_status fnas_translator_run(fnas_context *context, fnas_worker *worker, const fnas_translator_request *request,
                                               fnas_translator_result *result);

/* The same forward pass by naive loops in double precision, for tests. gates [one-hot] may be any numbers; NULL: all 1. logits
 * [target tokens][vocabulary] may be NULL. *loss is the sum over tokens. No dropout but the request's, which has the same draws. */
FNAS_NODISCARD fnas_status fnas_translator_run_reference(fnas_context *context, const fnas_translator_request *request,
                                                         const double *parameters, const double *gates, double *logits, double *loss);

#endif
