/* The hardware-aware transformer (HAT; Wang et al. 2020, "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing"): an
 * encoder and a decoder whose widths and numbers of layers are chosen, and of each layer the feed-forward width and the heads of its
 * attentions; each layer of the decoder attends to the last encoder layer, or to the last few of them at once. Layers beyond the chosen
 * number mean nothing. */
#ifndef FNAS_SPACE_TRANSFORMER_TRANSFORMER_H
#define FNAS_SPACE_TRANSFORMER_TRANSFORMER_H

#include "base/text.h"
#include "nn/translator/translator.h"
#include "space/space.h"
#include "space/transformer/yaml.h"

#define FNAS_TRANSFORMER_LAYERS_MAX FNAS_TRANSLATOR_LAYERS_MAX
#define FNAS_TRANSFORMER_CHOICES_MAX 16
#define FNAS_TRANSFORMER_WIDTH_MAX 65536
#define FNAS_TRANSFORMER_LENGTH_MAX 4096

/* What is chosen, in HAT's order; the first four once, the others once a layer. */
enum {
    FNAS_TRANSFORMER_ENCODER_EMBED,
    FNAS_TRANSFORMER_DECODER_EMBED,
    FNAS_TRANSFORMER_ENCODER_LAYERS,
    FNAS_TRANSFORMER_DECODER_LAYERS,
    FNAS_TRANSFORMER_ENCODER_FFN,
    FNAS_TRANSFORMER_DECODER_FFN,
    FNAS_TRANSFORMER_ENCODER_HEADS,
    FNAS_TRANSFORMER_DECODER_HEADS,
    FNAS_TRANSFORMER_CROSS_HEADS, /* attention from decoder to encoder */
    FNAS_TRANSFORMER_CROSS_SPAN,  /* -1: to the last encoder layer; n: to the last n + 1 */
    FNAS_TRANSFORMER_KINDS
};
#define FNAS_TRANSFORMER_SINGLE FNAS_TRANSFORMER_ENCODER_FFN /* kinds before it are chosen once */
#define FNAS_TRANSFORMER_DECISIONS_MAX (FNAS_TRANSFORMER_SINGLE + 6 * FNAS_TRANSFORMER_LAYERS_MAX)

/* How a kind is called in specs and native strings, and in HAT's files. */
typedef struct fnas_transformer_words {
    const char *key;        /* "encoder-ffn": of a spec, a decision (with the layer's number behind it), a native string */
    const char *choice_key; /* "encoder-ffn-embed-dim-choice", in the YAML of a super-transformer */
    const char *arch_key;   /* "encoder-ffn-embed-dim-all-subtransformer", in that of a sub-transformer */
} fnas_transformer_words;
extern const fnas_transformer_words fnas_transformer_words_of[FNAS_TRANSFORMER_KINDS];

typedef struct fnas_transformer_list {
    int64_t count, values[FNAS_TRANSFORMER_CHOICES_MAX];
    char text[FNAS_TRANSFORMER_CHOICES_MAX][8];
    const char *names[FNAS_TRANSFORMER_CHOICES_MAX];
} fnas_transformer_list;

typedef struct fnas_transformer {
    fnas_transformer_list lists[FNAS_TRANSFORMER_KINDS];
    int64_t qkv;                                    /* inner width of every attention, whatever its heads */
    int64_t length;                                 /* words of the sentence that MACs are counted for */
    int64_t layers[2];                              /* slots of encoder and decoder: the largest number to choose */
    int64_t first_of[FNAS_TRANSFORMER_KINDS];       /* first decision of a kind */
    int64_t row_of[FNAS_TRANSFORMER_DECISIONS_MAX]; /* where a decision's row begins in the one-hot */
    char names[FNAS_TRANSFORMER_DECISIONS_MAX][24];
    int32_t *references; /* [10][decisions], owned */
} fnas_transformer;

bool fnas_transformer_is_decoder(int kind);
int64_t fnas_transformer_slots(const fnas_transformer *transformer, int kind); /* decisions of a kind */
/* The value chosen for a kind in a layer (0 for kinds that are chosen once). */
int64_t fnas_transformer_value(const fnas_transformer *transformer, const int32_t *choices, int kind, int64_t layer);
/* Layers of the encoder (0) or the decoder (1). */
int64_t fnas_transformer_depth(const fnas_transformer *transformer, const int32_t *choices, int decoder);
int32_t fnas_transformer_find(const fnas_transformer_list *list, int64_t value); /* its choice, or -1 */
/* How many encoder layers a decoder layer attends to. */
int64_t fnas_transformer_span(int64_t value);

/* NULL for a space that is no transformer. */
const fnas_transformer *fnas_transformer_of(const fnas_space *space);

/* ---- super.c: the YAML of HAT's super-transformers ---- */

/* Reads a file as the parameters of a spec, "encoder-embed=640+512,...". Errors: FNAS_ERR_INPUT naming file, line and key; FNAS_ERR_IO,
 * FNAS_ERR_MEMORY. parameters: appended. */
FNAS_NODISCARD fnas_status fnas_transformer_read_super(fnas_context *context, const char *path, fnas_text *parameters);
FNAS_NODISCARD fnas_status fnas_transformer_parse_super(fnas_context *context, const char *where, const void *data, size_t size_bytes,
                                                        fnas_text *parameters);

/* ---- arch.c: native strings, and HAT's YAML of sub-transformers both ways ---- */
fnas_status fnas_transformer_parse(fnas_context *context, const fnas_space *space, const char *text, int32_t *choices);
fnas_status fnas_transformer_parse_at(fnas_context *context, const fnas_space *space, const char *where, const char *text,
                                      int32_t *choices);
fnas_status fnas_transformer_format(fnas_context *context, const fnas_space *space, const int32_t *choices, char *text, size_t size_bytes);
void fnas_transformer_settle(const fnas_space *space, int32_t *choices);
double fnas_transformer_settled_count(const fnas_space *space);
void fnas_transformer_settled_random(const fnas_space *space, fnas_random *random, int32_t *choices);
extern const fnas_space_own_format fnas_transformer_formats[]; /* "hat": as HAT writes what its search found */

/* ---- averages.c: rows of HAT's latency tables ---- */
const char *const *fnas_transformer_average_names(void);
fnas_status fnas_transformer_average_row(fnas_context *context, const fnas_space *space, const char *where, const double *averages,
                                         int32_t *row);
fnas_status fnas_transformer_parse_averages(fnas_context *context, const fnas_space *space, const char *text, int32_t *row);
fnas_status fnas_transformer_format_averages(fnas_context *context, const int32_t *row, char *text, size_t size_bytes);

/* ---- network.c ---- */
/* The network of an architecture over the shared weights of the largest, with its gates, for a vocabulary of so many pieces; choices NULL:
 * that largest one. */
void fnas_transformer_shape(const fnas_space *space, const int32_t *choices, int64_t vocabulary, fnas_translator *shape);
/* The largest of everything, whatever the order of the choices. */
void fnas_transformer_largest(const fnas_space *space, int32_t *choices);

/* ---- count.c ---- */
int64_t fnas_transformer_macs(const fnas_space *space, const int32_t *choices);
int64_t fnas_transformer_params(const fnas_space *space, const int32_t *choices);

/* ---- cost.c ---- */

/* What latency and parameters are sums of: widths, numbers of layers, and sums over the layers there are; of cross spans, the number of
 * encoder layers attended to. By kind, each relative to the largest of the space. */
typedef struct fnas_transformer_totals {
    double of[FNAS_TRANSFORMER_KINDS];
} fnas_transformer_totals;

void fnas_transformer_find_totals(const fnas_transformer *transformer, const double *onehot, fnas_transformer_totals *totals);
/* Adds (d totals / d D)^T diff to diff_onehot. */
void fnas_transformer_totals_vjp(const fnas_transformer *transformer, const double *onehot, const fnas_transformer_totals *diff,
                                 double *diff_onehot);
int64_t fnas_transformer_cost_count(const fnas_space *space);
void fnas_transformer_costs(const fnas_space *space, const double *onehot, double *features);
void fnas_transformer_costs_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);
void fnas_transformer_average_costs(const fnas_space *space, const int32_t *row, double *features);

/* How far D makes its side reach a layer: 0 or 1 for a one-hot. vjp: adds to diff_onehot. */
double fnas_transformer_activity(const fnas_transformer *transformer, const double *onehot, int decoder, int64_t layer);
void fnas_transformer_activity_vjp(const fnas_transformer *transformer, int decoder, int64_t layer, double diff_activity,
                                   double *diff_onehot);

/* ---- error.c ---- */
int64_t fnas_transformer_error_count(const fnas_space *space);
void fnas_transformer_errors(const fnas_space *space, const double *onehot, double *features);
void fnas_transformer_errors_vjp(const fnas_space *space, const double *onehot, const double *diff_features, double *diff_onehot);

/* ---- encode.c: "onehot", rows of layers beyond the depth 0 ---- */
extern const fnas_space_encoding fnas_transformer_encodings[];

#endif
