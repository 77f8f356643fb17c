/* The YAML of HAT's super-transformers (configs/.../supertransformer/space0.yml and its like): the sizes that are trained, the choices, and
 * settings of the training, which are known by name and not looked at. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "space/transformer/transformer.h"

/* Of the training and of HAT's measuring. */
static const char *const passed_over[] = {"share-all-embeddings",
                                          "max-tokens",
                                          "data",
                                          "source-lang",
                                          "target-lang",
                                          "optimizer",
                                          "adam-betas",
                                          "clip-norm",
                                          "weight-decay",
                                          "dropout",
                                          "attention-dropout",
                                          "criterion",
                                          "label-smoothing",
                                          "ddp-backend",
                                          "distributed-world-size",
                                          "fp16",
                                          "update-freq",
                                          "max-update",
                                          "warmup-updates",
                                          "lr-scheduler",
                                          "warmup-init-lr",
                                          "max-lr",
                                          "lr",
                                          "lr-shrink",
                                          "keep-last-epochs",
                                          "save-interval",
                                          "validate-interval",
                                          "lat-dataset-path",
                                          "lat-dataset-size",
                                          "cpu",
                                          "latcpu",
                                          "latgpu",
                                          "latiter",
                                          "latsilent"};
#define PASSED_OVER (sizeof passed_over / sizeof *passed_over)

/* The size that is trained, which no choice exceeds; NULL: of cross spans there is none. Heads of cross attention are the decoder's. */
static const char *const size_keys[FNAS_TRANSFORMER_KINDS] = {
    "encoder-embed-dim",     "decoder-embed-dim",       "encoder-layers",          "decoder-layers",          "encoder-ffn-embed-dim",
    "decoder-ffn-embed-dim", "encoder-attention-heads", "decoder-attention-heads", "decoder-attention-heads", NULL};

/* HAT counts FLOPs for a sentence of 30 words, of 23 on IWSLT. */
static const struct {
    const char *arch;
    int64_t length;
} archs[] = {{"transformersuper_wmt_en_de", 30}, {"transformersuper_wmt_en_fr", 30}, {"transformersuper_iwslt_de_en", 23}};
#define ARCHS (sizeof archs / sizeof *archs)

/* ---- keys ---- */

static bool is_known(const char *key) {
    for (size_t i = 0; i < PASSED_OVER; i++)
        if (strcmp(passed_over[i], key) == 0) return true;
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++)
        if (strcmp(fnas_transformer_words_of[kind].choice_key, key) == 0 || (size_keys[kind] && strcmp(size_keys[kind], key) == 0))
            return true;
    return strcmp(key, "arch") == 0 || strcmp(key, "qkv-dim") == 0;
}

static const char *nearest_key(const char *key) {
    const char *known[PASSED_OVER + 2 * FNAS_TRANSFORMER_KINDS + 3];
    size_t count = 0;
    for (size_t i = 0; i < PASSED_OVER; i++) known[count++] = passed_over[i];
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        known[count++] = fnas_transformer_words_of[kind].choice_key;
        if (size_keys[kind]) known[count++] = size_keys[kind];
    }
    known[count++] = "arch";
    known[count++] = "qkv-dim";
    known[count] = NULL;
    return fnas_suggest(key, known);
}

static fnas_status check_keys(fnas_context *context, const fnas_yaml *yaml) {
    for (int64_t i = 0; i < yaml->entry_count; i++) {
        const fnas_yaml_entry *entry = &yaml->entries[i];
        if (is_known(entry->key)) continue;
        const char *nearest = nearest_key(entry->key);
        if (nearest)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: unknown key \"%.80s\": did you mean \"%s\"?", yaml->where,
                             (long long)entry->line, entry->key, nearest);
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s:%lld: unknown key \"%.80s\": neither a size, a choice nor a training setting of HAT's: remove it", yaml->where,
                         (long long)entry->line, entry->key);
    }
    return FNAS_OK;
}

static fnas_status find(fnas_context *context, const fnas_yaml *yaml, const char *key, const fnas_yaml_entry **entry) {
    *entry = fnas_yaml_find(yaml, key);
    if (*entry) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: \"%s\" is missing: the YAML of a super-transformer has it", yaml->where, key);
}

/* ---- values ---- */

typedef struct super_list {
    int64_t count, values[FNAS_TRANSFORMER_CHOICES_MAX];
} super_list;

static int64_t line_of_item(const fnas_yaml *yaml, const fnas_yaml_entry *entry, int64_t index) {
    return yaml->items[entry->first + index].line;
}

static fnas_status check_choice(fnas_context *context, const fnas_yaml *yaml, const fnas_yaml_entry *entry, const super_list *list,
                                int64_t index, int kind, int64_t size) {
    int64_t value = list->values[index];
    long long line = line_of_item(yaml, entry, index);
    for (int64_t k = 0; k < index; k++)
        if (list->values[k] == value)
            return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" has %lld twice: keep one", yaml->where, line, entry->key,
                             (long long)value);
    if (value == 0)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s:%lld: \"%s\" has 0: -1 is the last encoder layer alone, 1 the last two, 2 the last three", yaml->where, line,
                         entry->key);
    if (size_keys[kind] && value > size)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" has %lld, and \"%s\" is only %lld", yaml->where, line, entry->key,
                         (long long)value, size_keys[kind], (long long)size);
    return FNAS_OK;
}

static fnas_status read_choices(fnas_context *context, const fnas_yaml *yaml, int kind, super_list *list) {
    const char *size_key = size_keys[kind];
    bool is_layers = kind == FNAS_TRANSFORMER_ENCODER_LAYERS || kind == FNAS_TRANSFORMER_DECODER_LAYERS;
    int64_t most = is_layers ? FNAS_TRANSFORMER_LAYERS_MAX : FNAS_TRANSFORMER_WIDTH_MAX, size = 0;
    const fnas_yaml_entry *entry;
    if (size_key) {
        FNAS_TRY(find(context, yaml, size_key, &entry));
        FNAS_TRY(fnas_yaml_integer(context, yaml, entry, 1, most, &size));
    }
    FNAS_TRY(find(context, yaml, fnas_transformer_words_of[kind].choice_key, &entry));
    bool is_span = kind == FNAS_TRANSFORMER_CROSS_SPAN;
    FNAS_TRY(fnas_yaml_integers(context, yaml, entry, FNAS_TRANSFORMER_CHOICES_MAX, is_span ? -1 : 1,
                                is_span ? FNAS_TRANSFORMER_LAYERS_MAX - 1 : most, list->values, &list->count));
    for (int64_t k = 0; k < list->count; k++) FNAS_TRY(check_choice(context, yaml, entry, list, k, kind, size));
    return FNAS_OK;
}

static fnas_status read_length(fnas_context *context, const fnas_yaml *yaml, int64_t *length) {
    const fnas_yaml_entry *entry = fnas_yaml_find(yaml, "arch");
    *length = archs[0].length;
    if (!entry) return FNAS_OK;
    const char *arch = entry->is_list ? "[...]" : yaml->items[entry->first].text;
    for (size_t i = 0; i < ARCHS; i++)
        if (strcmp(archs[i].arch, arch) == 0) {
            *length = archs[i].length;
            return FNAS_OK;
        }
    return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"arch\" is \"%.80s\": known are %s, %s and %s", yaml->where,
                     (long long)entry->line, arch, archs[0].arch, archs[1].arch, archs[2].arch);
}

/* Heads cut the attention's inner width evenly, and a decoder layer attends to encoder layers that there are. */
static fnas_status check_together(fnas_context *context, const fnas_yaml *yaml, int64_t qkv, const super_list *lists) {
    const fnas_yaml_entry *entry;
    for (int kind = FNAS_TRANSFORMER_ENCODER_HEADS; kind <= FNAS_TRANSFORMER_CROSS_HEADS; kind++) {
        entry = fnas_yaml_find(yaml, fnas_transformer_words_of[kind].choice_key);
        for (int64_t k = 0; k < lists[kind].count; k++)
            if (qkv % lists[kind].values[k] != 0)
                return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" has %lld heads, into which \"qkv-dim\" %lld cannot be cut",
                                 yaml->where, (long long)line_of_item(yaml, entry, k), entry->key, (long long)lists[kind].values[k],
                                 (long long)qkv);
    }
    const super_list *spans = &lists[FNAS_TRANSFORMER_CROSS_SPAN], *layers = &lists[FNAS_TRANSFORMER_ENCODER_LAYERS];
    entry = fnas_yaml_find(yaml, fnas_transformer_words_of[FNAS_TRANSFORMER_CROSS_SPAN].choice_key);
    for (int64_t k = 0; k < spans->count; k++)
        for (int64_t i = 0; i < layers->count; i++)
            if (fnas_transformer_span(spans->values[k]) > layers->values[i])
                return fnas_fail(context, FNAS_ERR_INPUT, "%s:%lld: \"%s\" has %lld, the last %lld encoder layers, and \"%s\" allows %lld",
                                 yaml->where, (long long)line_of_item(yaml, entry, k), entry->key, (long long)spans->values[k],
                                 (long long)fnas_transformer_span(spans->values[k]),
                                 fnas_transformer_words_of[FNAS_TRANSFORMER_ENCODER_LAYERS].choice_key, (long long)layers->values[i]);
    return FNAS_OK;
}

/* ---- the whole ---- */

static void write_parameters(const super_list *lists, int64_t qkv, int64_t length, fnas_text *parameters) {
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        fnas_text_append(parameters, "%s%s=", kind ? "," : "", fnas_transformer_words_of[kind].key);
        for (int64_t k = 0; k < lists[kind].count; k++)
            fnas_text_append(parameters, "%s%lld", k ? "+" : "", (long long)lists[kind].values[k]);
    }
    fnas_text_append(parameters, ",qkv=%lld,length=%lld", (long long)qkv, (long long)length);
}

static fnas_status read_super(fnas_context *context, const fnas_yaml *yaml, fnas_text *parameters) {
    super_list lists[FNAS_TRANSFORMER_KINDS] = {{0}};
    const fnas_yaml_entry *entry;
    int64_t qkv, length;
    FNAS_TRY(check_keys(context, yaml));
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) FNAS_TRY(read_choices(context, yaml, kind, &lists[kind]));
    FNAS_TRY(find(context, yaml, "qkv-dim", &entry));
    FNAS_TRY(fnas_yaml_integer(context, yaml, entry, 1, FNAS_TRANSFORMER_WIDTH_MAX, &qkv));
    FNAS_TRY(check_together(context, yaml, qkv, lists));
    FNAS_TRY(read_length(context, yaml, &length));
    write_parameters(lists, qkv, length, parameters);
    return parameters->failed ? fnas_fail_memory(context, yaml->where) : FNAS_OK;
}

fnas_status fnas_transformer_parse_super(fnas_context *context, const char *where, const void *data, size_t size_bytes,
                                         fnas_text *parameters) {
    fnas_yaml yaml;
    fnas_status status = fnas_yaml_parse(context, where, data, size_bytes, &yaml);
    if (status == FNAS_OK) status = read_super(context, &yaml, parameters);
    fnas_yaml_free(&yaml);
    return status;
}

fnas_status fnas_transformer_read_super(fnas_context *context, const char *path, fnas_text *parameters) {
    unsigned char *data;
    size_t size_bytes;
    FNAS_TRY(fnas_file_read(context, path, FNAS_YAML_LIMIT_BYTES, &data, &size_bytes));
    fnas_status status = fnas_transformer_parse_super(context, path, data, size_bytes, parameters);
    fnas_free(data);
    return status;
}
