/* HAT's transformer: its YAML both ways, counts against the published networks, which choices matter, cost features, rows of averages. */
#include "base/support.h"

#include <math.h>
#include <stdio.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "space/transformer/transformer.h"

#define DECISIONS 40
#define ONEHOT 101
#define FILES FNAS_TEST_FILES "/hat/"
#define SPEC                                                                                                                               \
    "transformer:encoder-embed=640+512,decoder-embed=640+512,encoder-layers=6,decoder-layers=6+5+4+3+2+1,encoder-ffn=3072+2048+1024,"      \
    "decoder-ffn=3072+2048+1024,encoder-heads=8+4,decoder-heads=8+4,ende-heads=8+4,ende-attn=-1+1+2,qkv=512,length=30"
#define ENCODER "encoder-embed: 512, decoder-embed: 640, encoder-ffn: [3072, 1024, 3072, 2048, 3072, 3072]"
#define ENCODER_HEADS "encoder-heads: [8, 4, 8, 8, 8, 4]"
#define TWO "{" ENCODER ", decoder-ffn: [1024, 3072], " ENCODER_HEADS ", decoder-heads: [4, 8], ende-heads: [8, 4], ende-attn: [2, -1]}"

static fnas_space *open_space(fnas_test_place *place, const char *spec) {
    fnas_space *space = NULL;
    assert_status(FNAS_OK, fnas_space_open(place->context, spec, &space));
    return space;
}

static void refuse_space(fnas_test_place *place, const char *spec, const char *message) {
    fnas_space *none;
    assert_status(FNAS_ERR_INPUT, fnas_space_open(place->context, spec, &none));
    assert_message(message);
}

/* ---- the space ---- */

static void test_parameters(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer"), *again = open_space(place, SPEC);
    assert_string_equal(fnas_space_spec(space), SPEC);
    assert_string_equal(fnas_space_spec(again), SPEC);
    assert_int_equal(fnas_space_decision_count(space), DECISIONS);
    assert_int_equal(fnas_space_onehot_size(space), ONEHOT);
    /* The order of HAT's one-hot code: widths, depths, then rows of six. */
    static const struct {
        int64_t decision, offset;
        const char *name;
    } order[] = {{0, 0, "encoder-embed"},  {1, 2, "decoder-embed"},   {2, 4, "encoder-layers"},    {3, 5, "decoder-layers"},
                 {4, 11, "encoder-ffn-0"}, {10, 29, "decoder-ffn-0"}, {16, 47, "encoder-heads-0"}, {22, 59, "decoder-heads-0"},
                 {28, 71, "ende-heads-0"}, {34, 83, "ende-attn-0"}};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        assert_string_equal(fnas_space_decision_name(space, order[i].decision), order[i].name);
        assert_int_equal(fnas_space_onehot_offset(space, order[i].decision), order[i].offset);
    }
    /* 2 2 6 (3 2)^6 (3 2 2 3)^6; each once: 2 2 (3 2)^6 times the sum of 36^L for L = 1 to 6. */
    double once = 0;
    for (int layers = 1; layers <= 6; layers++) once += pow(36, layers);
    assert_true(fnas_space_cardinality(space) == 24 * pow(6, 6) * pow(36, 6));
    assert_true(fnas_space_settled_count(space) == 4 * pow(6, 6) * once);
    assert_true(fnas_space_settled_count(space) == 417846678672384.0);
    assert_false(fnas_space_has_supernet(space));
    fnas_space_close(space);
    fnas_space_close(again);
}

static void test_wrong_parameters(void **state) {
    static const char *const wrong[][2] = {
        {"transformer:encoder-ffn=3072+x", "\"x\" is no choice"},
        {"transformer:encoder-ffn=3072+", "\"\" is no choice"},
        {"transformer:encoder-ffn=0", "whole numbers from 1 to 65536"},
        {"transformer:encoder-ffn=12345678901234567890", "is no choice"},
        {"transformer:decoder-layers=6+17", "\"17\" is no choice: write whole numbers from 1 to 16"},
        {"transformer:encoder-embed=640+640", "640 is there twice"},
        {"transformer:ende-attn=-1+0", "\"0\" is no choice"},
        {"transformer:encoder-layers=2", "ende-attn has 2, the last 3 encoder layers, and there may be only 2"},
        {"transformer:encoder-heads=7", "7, into which the attention's width of 512 (qkv) cannot be cut"},
        {"transformer:qkv=0", "qkv=0 must be a whole number from 1 to 65536"},
        {"transformer:length=4097", "length=4097 must be a whole number from 1 to 4096"},
        {"transformer:decoder-fnn=1", "did you mean \"decoder-ffn\"?"},
        {"transformer:encoder-ffn=1+2+3+4+5+6+7+8+9+10+11+12+13+14+15+16+17", "at most 16 may be chosen from"},
        {"transformr", "did you mean \"transformer\"?"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) refuse_space(*state, wrong[i][0], wrong[i][1]);
}

/* ---- HAT's YAML of super-transformers ---- */

static void test_super(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer:" FILES "space0.yml");
    assert_string_equal(fnas_space_spec(space), SPEC);
    fnas_space_close(space);
    space = open_space(place, "transformer:" FILES "space1.yml");
    assert_string_equal(fnas_space_spec(space),
                        "transformer:encoder-embed=640+512,decoder-embed=640+512,encoder-layers=6,decoder-layers=6+5+4+3+2+1,encoder-ffn="
                        "2048+1024+512,decoder-ffn=2048+1024+512,encoder-heads=4+2,decoder-heads=4+2,ende-heads=4+2,ende-attn=-1+1+2,qkv="
                        "512,length=23");
    fnas_space_close(space);
    space = open_space(place, "transformer:" FILES "latency_dataset.yml");
    assert_int_equal(fnas_space_choice_count(space, FNAS_TRANSFORMER_ENCODER_FFN), 4);
    fnas_space_close(space);
    /* What stands in a file is a spec: no path is opened for it. */
    assert_status(FNAS_ERR_INPUT, fnas_space_open_spec(place->context, "transformer:" FILES "space0.yml", &space));
}

/* space0.yml with `from` replaced by `to` (NULL: `to` added at the end) must be refused. */
static void refuse_super(fnas_test_place *place, const char *from, const char *to, const char *message) {
    unsigned char *data;
    size_t bytes;
    fnas_text changed = {0}, parameters = {0};
    assert_status(FNAS_OK, fnas_file_read(place->context, FILES "space0.yml", FNAS_YAML_LIMIT_BYTES, &data, &bytes));
    const char *text = (const char *)data, *found = from ? strstr(text, from) : text + bytes;
    assert_non_null(found);
    fnas_text_append_bytes(&changed, text, (size_t)(found - text));
    fnas_text_append(&changed, "%s%s", to, from ? found + strlen(from) : "");
    assert_status(FNAS_ERR_INPUT, fnas_transformer_parse_super(place->context, "S.yml", changed.data, changed.size, &parameters));
    assert_message(message);
    fnas_text_free(&changed);
    fnas_text_free(&parameters);
    fnas_free(data);
}

static void test_wrong_super(void **state) {
    fnas_test_place *place = *state;
    refuse_super(place, NULL, "dropuot: 0.1\n", "S.yml:45: unknown key \"dropuot\": did you mean \"dropout\"?");
    refuse_super(place, NULL, "quux: 1\n", "S.yml:45: unknown key \"quux\"");
    refuse_super(place, NULL, "fp16: true\n", "S.yml:45: \"fp16\" stands already in line 14: keep one");
    refuse_super(place, NULL, "a: &a [1]\n", "S.yml:45: an anchor (&name): refused");
    refuse_super(place, "[640, 512]", "*a", "an alias (*name): refused");
    refuse_super(place, "[640, 512]", "!!seq [640, 512]", "a tag (!name): refused");
    refuse_super(place, "[640, 512]", "[640, [512]]", "a list in a list, or a mapping in one: refused");
    refuse_super(place, "[640, 512]", "{a: 1}", "\"encoder-embed-choice\" has a mapping");
    refuse_super(place, "[640, 512]", "[]", "S.yml:35: \"encoder-embed-choice\" has 0 entries");
    refuse_super(place, "[640, 512]", "640", "S.yml:35: \"encoder-embed-choice\" is no list");
    refuse_super(place, "[640, 512]", "[640, 640]", "S.yml:35: \"encoder-embed-choice\" has 640 twice");
    refuse_super(place, "[640, 512]", "[640, 0x200]", "\"0x200\": a whole number from 1 to 65536 is wanted");
    refuse_super(place, "[640, 512]", "[640, '512']", "\"512\": a whole number from 1 to 65536 is wanted");
    refuse_super(place, "[640, 512]", "[640, 768]", "S.yml:35: \"encoder-embed-choice\" has 768, and \"encoder-embed-dim\" is only 640");
    refuse_super(place, "[640, 512]", "[640,\n  51x]", "S.yml:36: \"encoder-embed-choice\" has \"51x\"");
    refuse_super(place, "[6, 5, 4, 3, 2, 1]", "[7, 6]", "S.yml:40: \"decoder-layer-num-choice\" has 7, and \"decoder-layers\" is only 6");
    refuse_super(place, "encoder-layers: 6", "encoder-layers: 99", "\"encoder-layers\" has \"99\": a whole number from 1 to 16 is wanted");
    refuse_super(place, "-choice: [6]", "-choice: [2]", "has 2, the last 3 encoder layers, and \"encoder-layer-num-choice\" allows 2");
    refuse_super(place, "[-1, 1, 2]", "[-1, 0]", "\"decoder-arbitrary-ende-attn-choice\" has 0: -1 is the last encoder layer alone");
    refuse_super(place, "qkv-dim: 512", "qkv-dim: 500", "S.yml:41: \"encoder-self-attention-heads-choice\" has 8 heads, into which");
    refuse_super(place, "qkv-dim: 512\n", "", "S.yml: \"qkv-dim\" is missing");
    refuse_super(place, "encoder-ffn-embed-dim: 3072\n", "", "S.yml: \"encoder-ffn-embed-dim\" is missing");
    refuse_super(place, "transformersuper_wmt_en_de", "lstm", "S.yml:1: \"arch\" is \"lstm\"");
    refuse_super(place, NULL, "---\na: 1\n", "a second document");
    refuse_super(place, NULL, "\"a\\0b\": 1\n", "0 byte");
    refuse_super(place, NULL, "lr-x: [1\n", "S.yml:");
    fnas_text parameters = {0};
    assert_status(FNAS_ERR_INPUT, fnas_transformer_parse_super(place->context, "S.yml", "", 0, &parameters));
    assert_message("empty");
    assert_status(FNAS_ERR_INPUT, fnas_transformer_parse_super(place->context, "S.yml", "- 1\n", 4, &parameters));
    assert_message("no mapping");
    fnas_text_free(&parameters);
}

/* ---- architectures ---- */

static void test_strings(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer");
    int32_t choices[DECISIONS], again[DECISIONS];
    char text[FNAS_ARCH_TEXT_BYTES];
    assert_status(FNAS_OK, fnas_space_parse(place->context, space, TWO, choices));
    assert_int_equal(choices[FNAS_TRANSFORMER_ENCODER_EMBED], 1);
    assert_int_equal(choices[FNAS_TRANSFORMER_DECODER_LAYERS], 4);
    assert_int_equal(choices[10], 2);                                 /* decoder-ffn-0: 1024 */
    assert_int_equal(choices[34], 2);                                 /* ende-attn-0: 2 */
    for (int d = 0; d < 4; d++) assert_int_equal(choices[12 + d], 0); /* layers that there are not */
    assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
    assert_string_equal(text, TWO);
    for (int64_t i = 0; i < 500; i++) {
        fnas_space_random(space, 5, i, choices);
        assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
        assert_status(FNAS_OK, fnas_space_parse(place->context, space, text, again));
        assert_true(fnas_space_macs(space, choices) == fnas_space_macs(space, again));
        fnas_space_settle(space, choices);
        assert_memory_equal(choices, again, sizeof choices);
    }
    char small[100];
    assert_status(FNAS_ERR_INTERNAL, fnas_space_format(place->context, space, choices, small, sizeof small));
    fnas_space_close(space);
}

/* Of the largest space that there can be, too, every architecture has room in a text. */
static void test_longest(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer:encoder-embed=65536,decoder-embed=65536,encoder-layers=16,decoder-layers=16,"
                                          "encoder-ffn=65536,decoder-ffn=65536,encoder-heads=65536,decoder-heads=65536,ende-heads=65536,"
                                          "ende-attn=15,qkv=65536");
    int32_t choices[FNAS_TRANSFORMER_DECISIONS_MAX], again[FNAS_TRANSFORMER_DECISIONS_MAX];
    char text[FNAS_ARCH_TEXT_BYTES];
    fnas_space_random(space, 1, 0, choices);
    assert_status(FNAS_OK, fnas_space_format(place->context, space, choices, text, sizeof text));
    assert_status(FNAS_OK, fnas_space_parse(place->context, space, text, again));
    assert_int_equal(fnas_space_reference_count(space), 0); /* there is but one */
    assert_true(fnas_space_settled_count(space) == 1);
    fnas_space_close(space);
}

static void test_sub(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer");
    int32_t choices[DECISIONS], again[DECISIONS];
    fnas_text yaml = {0};
    assert_status(FNAS_OK, fnas_space_parse_given(place->context, space, FILES "titanxp_200ms.yml", choices));
    assert_int_equal(fnas_transformer_depth(fnas_transformer_of(space), choices, 1), 5);
    fnas_transformer_formats[0].write(space, choices, NULL, &yaml);
    assert_status(FNAS_OK, fnas_space_parse(place->context, space, yaml.data, again));
    assert_memory_equal(choices, again, sizeof choices);
    assert_non_null(strstr(yaml.data, "decoder-layer-num-subtransformer: 5\n"));
    assert_non_null(strstr(yaml.data, "decoder-arbitrary-ende-attn-all-subtransformer: [-1, 1, 1, 1, -1]\n"));
    fnas_text_free(&yaml);
    /* Lists of six where five layers are stated: the sixth means nothing. */
    static const char longer[] = "{" ENCODER ", decoder-layer-num-subtransformer: 2, decoder-ffn: [1024, 3072, 2048], " ENCODER_HEADS
                                 ", decoder-heads: [4, 8, 4, 8, 4, 8], ende-heads: [8, 4], ende-attn: [2, -1]}";
    assert_status(FNAS_OK, fnas_space_parse(place->context, space, longer, choices));
    assert_status(FNAS_OK, fnas_space_parse(place->context, space, TWO, again));
    assert_memory_equal(choices, again, sizeof choices);
    fnas_space_close(space);
}

static void test_wrong_strings(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer");
#define REST ", " ENCODER_HEADS ", decoder-heads: [4, 8], ende-heads: [8, 4], ende-attn: [2, -1]}"
    static const char *const cases[][2] = {
        {"{" ENCODER ", decoder-ffn: [1024, 3000]" REST, "architecture:1: \"decoder-ffn\" has 3000, this space has 3072, 2048, 1024"},
        {"{" ENCODER ",\ndecoder-ffn: [1024]" REST,
         "architecture:2: \"decoder-heads\" has 2 entries, one a layer: the decoder has 1 layers"},
        {"{" ENCODER ", decoder-ffn: []" REST, "\"decoder-ffn\" must be a list"},
        {"{" ENCODER ", decoder-ffn: 1024" REST, "\"decoder-ffn\" must be a list"},
        {"{" ENCODER REST, "\"decoder-ffn-embed-dim-all-subtransformer\" is missing (or \"decoder-ffn\")"},
        {"{" ENCODER ", decoder-ffn: [1024, 3072, 1024, 3072, 1024, 3072, 1024]" REST,
         "\"decoder-ffn\" has 7 layers, no decoder of this space has so many"},
        {"{" ENCODER ", decoder-ffn: [1024, 3072], decoder-layer-num-subtransformer: 7" REST,
         "\"decoder-layer-num-subtransformer\" has 7, this space has 6, 5, 4, 3, 2, 1"},
        {"{" ENCODER ", decoder-layer-num-subtransformer: 2, decoder-ffn: [1024, 3072, 1024, 3072, 1024, 3072, 1024]" REST,
         "\"decoder-ffn\" has 7 entries, one a layer: the decoder has at most 6 layers"},
        {"{" ENCODER ", decoder-ffn: [1024, 3072], decoder-ffn-embed-dim-all-subtransformer: [1024, 3072]" REST, "say the same: keep one"},
        {"{" ENCODER ", decoder-fnn: [1024, 3072]" REST, "unknown key \"decoder-fnn\": did you mean \"decoder-ffn\"?"},
        {"{" ENCODER ", decoder-ffn: &x [1024, 3072]" REST, "an anchor"},
        {"{encoder-embed: 512.0, decoder-embed: 640, encoder-ffn: [3072], decoder-ffn: [1024, 3072]" REST, "a whole number"},
        {"", "empty"},
        {"640", "no mapping"},
        {"{", "did not find expected node content"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t choices[DECISIONS] = {-7};
        assert_status(FNAS_ERR_INPUT, fnas_space_parse(place->context, space, cases[i][0], choices));
        assert_message(cases[i][1]);
        assert_int_equal(choices[0], -7);
    }
    fnas_space_close(space);
}

static void test_references_and_draws(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer");
    int32_t choices[DECISIONS], settled[DECISIONS];
    assert_int_equal(fnas_space_reference_count(space), 10);
    for (int64_t i = 0; i < 10; i++) {
        fnas_space_reference(space, i, choices);
        memcpy(settled, choices, sizeof choices);
        fnas_space_settle(space, settled);
        assert_memory_equal(choices, settled, sizeof choices);
    }
    /* Drawn evenly, nearly all have six decoder layers: 36^6 of the sum. */
    fnas_random random = fnas_random_begin(3, FNAS_STREAM_ARCH, 0, 0);
    int64_t six = 0;
    for (int64_t i = 0; i < 4000; i++) {
        space->type->settled_random(space, &random, choices);
        six += choices[FNAS_TRANSFORMER_DECODER_LAYERS] == 0;
    }
    double share = 35.0 / 36.0 / (1 - pow(36, -6)), deviation = sqrt(share * (1 - share) / 4000);
    assert_true(fabs((double)six / 4000 - share) < 5 * deviation);
    fnas_space_close(space);
}

/* ---- counts ---- */

/* Published by HAT (README): millions of parameters without embeddings, and FLOPs, which are two a MAC. */
static void test_published_sizes(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer"), *small = open_space(place, "transformer:" FILES "space1.yml");
#define SIX(n) "[" n ", " n ", " n ", " n ", " n ", " n "]"
    static const struct {
        const char *arch;
        bool iwslt;
        double params, flops;
    } nets[] = {
        /* Raspberry Pi 3.5 s, Titan Xp 146.7 ms and 208.1 ms, WMT'19 55.7 ms, IWSLT'14 45.6 ms */
        {"{encoder-embed: 512, decoder-embed: 512, encoder-ffn: [1024, 3072, 3072, 2048, 2048, 2048], decoder-ffn: [3072], encoder-heads: "
         "[4, 8, 4, 4, 4, 8], decoder-heads: [8], ende-heads: [8], ende-attn: [-1]}",
         false, 25.22, 1.53},
        {"{encoder-embed: 640, decoder-embed: 640, encoder-ffn: " SIX(
             "3072") ", decoder-ffn: [3072, 3072, 3072], encoder-heads: [4, 8, 8, "
                     "8, 4, 4], decoder-heads: [8, 8, 8], ende-heads: [4, 8, 8], ende-attn: [-1, 1, 1]}",
         false, 51.20, 3.17},
        {"{encoder-embed: 512, decoder-embed: 512, encoder-ffn: " SIX(
             "3072") ", decoder-ffn: [2048, 2048, 3072, 3072, 3072], "
                     "encoder-heads: [8, 4, 8, 8, 8, 4], decoder-heads: [8, 8, 8, 4, 8], ende-heads: [4, 8, 8, 8, 8], ende-attn: [-1, 1, "
                     "1, 1, -1]}",
         false, 49.38, 3.09},
        {"{encoder-embed: 640, decoder-embed: 512, encoder-ffn: " SIX("3072") ", decoder-ffn: [3072], encoder-heads: " SIX(
             "8") ", "
                  "decoder-heads: [8], ende-heads: [8], ende-attn: [1]}",
         false, 36.89, 2.27},
        {"{encoder-embed: 512, decoder-embed: 512, encoder-ffn: " SIX("1024") ", decoder-ffn: [2048], encoder-heads: [4, 4, 2, 4, 4, 4], "
                                                                              "decoder-heads: [4], ende-heads: [4], ende-attn: [-1]}",
         true, 16.82, 0.78}};
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        const fnas_space *of = nets[i].iwslt ? small : space;
        int32_t choices[DECISIONS];
        assert_status(FNAS_OK, fnas_space_parse(place->context, of, nets[i].arch, choices));
        assert_true(fabs((double)fnas_space_params(of, choices) / 1e6 - nets[i].params) <= 0.01);
        assert_true(fabs(2e-9 * (double)fnas_space_macs(of, choices) / nets[i].flops - 1) <= 0.03);
    }
    fnas_space_close(space);
    fnas_space_close(small);
}

/* A cell of numbers: "512" or "[3072, 1024]". */
static int64_t numbers_of(const char *cell, int64_t *values) {
    int64_t count = 0;
    for (const char *at = cell; *at && count < FNAS_TRANSFORMER_LAYERS_MAX;) {
        char *end;
        values[count] = strtoll(at, &end, 10);
        count += end != at;
        at = end != at ? end : at + 1;
    }
    return count;
}

/* Which column of published_nets.csv a kind has. */
static const char *const published_columns[FNAS_TRANSFORMER_KINDS] = {"encoder_embed_dim",
                                                                      "decoder_embed_dim",
                                                                      "encoder_layer_num",
                                                                      "decoder_layer_num",
                                                                      "encoder_ffn_embed_dim_all",
                                                                      "decoder_ffn_embed_dim_all",
                                                                      "encoder_self_attention_heads_all",
                                                                      "decoder_self_attention_heads_all",
                                                                      "decoder_ende_attention_heads_all",
                                                                      "decoder_arbitrary_ende_attn_all"};

static void read_published(const fnas_space *space, const fnas_csv *table, int64_t row, int32_t *choices) {
    const fnas_transformer *transformer = fnas_transformer_of(space);
    memset(choices, 0, DECISIONS * sizeof *choices);
    for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
        int64_t values[FNAS_TRANSFORMER_LAYERS_MAX], column = fnas_csv_find_column(table, published_columns[kind]);
        assert_true(column >= 0);
        int64_t count = numbers_of(fnas_csv_cell(table, row, column), values);
        for (int64_t layer = 0; layer < count; layer++) {
            int32_t choice = fnas_transformer_find(&transformer->lists[kind], values[layer]);
            assert_true(choice >= 0);
            choices[transformer->first_of[kind] + layer] = choice;
        }
    }
}

static void test_all_published(void **state) {
    fnas_test_place *place = *state;
    char path[4096];
    fnas_csv *table;
    const char *folder = getenv("FLEETNAS_TEST_DATA");
    snprintf(path, sizeof path, "%s/hat/published_nets.csv", folder ? folder : "");
    if (!folder || !fnas_file_exists(path)) {
        print_message("no FLEETNAS_TEST_DATA with hat/published_nets.csv: the sizes of all published networks are not compared\n");
        skip();
    }
    assert_status(FNAS_OK, fnas_csv_read(place->context, path, 1 << 20, &table));
    fnas_space *space = open_space(place, "transformer"), *small = open_space(place, "transformer:" FILES "space1.yml");
    assert_true(fnas_csv_rows(table) == 44);
    for (int64_t row = 0; row < fnas_csv_rows(table); row++) {
        const char *task = fnas_csv_cell(table, row, fnas_csv_find_column(table, "task"));
        const fnas_space *of = strncmp(task, "iwslt", 5) == 0 ? small : space;
        int32_t choices[DECISIONS];
        double params, flops;
        read_published(of, table, row, choices);
        assert_status(FNAS_OK, fnas_csv_number(place->context, table, row, fnas_csv_find_column(table, "params_M"), &params));
        assert_status(FNAS_OK, fnas_csv_number(place->context, table, row, fnas_csv_find_column(table, "flops_G"), &flops));
        if (fabs((double)fnas_space_params(of, choices) / 1e6 - params) > 0.01 ||
            fabs(2e-9 * (double)fnas_space_macs(of, choices) / flops - 1) > 0.03)
            fail_msg("row %d: %.3f M parameters of %.2f, %.3f GFLOPs of %.2f", (int)row, (double)fnas_space_params(of, choices) / 1e6,
                     params, 2e-9 * (double)fnas_space_macs(of, choices), flops);
    }
    fnas_csv_free(table);
    fnas_space_close(space);
    fnas_space_close(small);
}

/* ---- features ---- */

static void check_vjp(const fnas_space *space, int64_t count, void (*features)(const fnas_space *, const double *, double *),
                      void (*vjp)(const fnas_space *, const double *, const double *, double *)) {
    fnas_random random = fnas_random_begin(9, FNAS_STREAM_ARCH, 0, 0);
    double onehot[ONEHOT], diff[ONEHOT] = {0}, weights[128], plus[128], minus[128];
    for (int i = 0; i < ONEHOT; i++) onehot[i] = fnas_random_uniform(&random);
    assert_true(count <= (int64_t)(sizeof weights / sizeof *weights));
    for (int64_t j = 0; j < count; j++) weights[j] = fnas_random_normal(&random);
    vjp(space, onehot, weights, diff);
    for (int i = 0; i < ONEHOT; i++) {
        const double step = 1e-5;
        double slope = 0, kept = onehot[i];
        onehot[i] = kept + step;
        features(space, onehot, plus);
        onehot[i] = kept - step;
        features(space, onehot, minus);
        onehot[i] = kept;
        for (int64_t j = 0; j < count; j++) slope += weights[j] * (plus[j] - minus[j]) / (2 * step);
        assert_true(fabs(slope - diff[i]) <= 1e-6 * (1 + fabs(slope)));
    }
}

/* Counted by hand: a narrow encoder of two layers, a wide decoder of one of two. */
static void test_error_features(void **state) {
    fnas_space *space = open_space(
        *state, "transformer:encoder-embed=32+16,decoder-embed=32+16,encoder-layers=2,decoder-layers=2+1,encoder-ffn=64+32,"
                "decoder-ffn=64+32,encoder-heads=4+2,decoder-heads=4+2,ende-heads=4+2,ende-attn=-1+1,qkv=32,length=10");
    static const double expected[] = {0.5, 1,    0.5,               /* widths and their product */
                                      1,   0.5,  1,                 /* two encoder layers: so many, times each width */
                                      0,   0,    0,   1,    0.5, 1, /* two decoder layers, one */
                                      0.5, 0.25, 0.5, 0.25,         /* encoder-ffn 64, 32: shares, times the encoder's width */
                                      0,   0,    0.5, 0.5,          /* decoder-ffn, of two layers */
                                      0.5, 0.25, 0.5, 0.25,         /* encoder-heads */
                                      0,   0,    0.5, 0.5,          /* decoder-heads */
                                      0.5, 0.5,  0,   0,            /* ende-heads */
                                      0,   0,    0.5, 0.5};         /* ende-attn -1, 1 */
    enum { COUNT = sizeof expected / sizeof *expected };
    int32_t choices[DECISIONS];
    double onehot[ONEHOT], features[ONEHOT];
    fnas_test_place *place = *state;
    assert_status(
        FNAS_OK, fnas_space_parse(place->context, space,
                                  "{encoder-embed: 16, decoder-embed: 32, encoder-ffn: [64, 32], decoder-ffn: [32], encoder-heads: [4, 2], "
                                  "decoder-heads: [2], ende-heads: [4], ende-attn: [1]}",
                                  choices));
    fnas_space_to_onehot(space, choices, onehot);
    int64_t costs = fnas_space_cost_feature_count(space);
    assert_int_equal(fnas_space_error_feature_count(space), costs + COUNT);
    fnas_space_error_features(space, onehot, features);
    for (int i = 0; i < COUNT; i++) assert_true(features[costs + i] == expected[i]);
    double of_costs[ONEHOT];
    fnas_space_cost_features(space, onehot, of_costs);
    assert_memory_equal(features, of_costs, (size_t)costs * sizeof *features);
    fnas_space_close(space);
}

static void test_features(void **state) {
    fnas_space *space = open_space(*state, "transformer");
    const fnas_space_encoding *encoding = fnas_space_encoding_at(space, 0);
    check_vjp(space, fnas_space_cost_feature_count(space), fnas_space_cost_features, fnas_space_cost_features_vjp);
    check_vjp(space, fnas_space_error_feature_count(space), fnas_space_error_features, fnas_space_error_features_vjp);
    check_vjp(space, encoding->size(space), encoding->encode, encoding->encode_vjp);
    /* Layers that there are not mean nothing to any of them. */
    for (int64_t i = 0; i < 100; i++) {
        int32_t choices[DECISIONS];
        double onehot[2][ONEHOT], seen[2][ONEHOT];
        fnas_space_random(space, 6, i, choices);
        fnas_space_to_onehot(space, choices, onehot[0]);
        fnas_space_settle(space, choices);
        fnas_space_to_onehot(space, choices, onehot[1]);
        for (int k = 0; k < 2; k++) fnas_space_cost_features(space, onehot[k], seen[k]);
        assert_memory_equal(seen[0], seen[1], (size_t)fnas_space_cost_feature_count(space) * sizeof(double));
        for (int64_t j = 0; j < fnas_space_cost_feature_count(space); j++) assert_true(seen[0][j] > 0 && seen[0][j] <= 1);
        for (int k = 0; k < 2; k++) fnas_space_error_features(space, onehot[k], seen[k]);
        assert_memory_equal(seen[0], seen[1], (size_t)fnas_space_error_feature_count(space) * sizeof(double));
        for (int k = 0; k < 2; k++) encoding->encode(space, onehot[k], seen[k]);
        assert_memory_equal(seen[0], seen[1], sizeof seen[0]);
    }
    fnas_space_close(space);
}

/* ---- rows of averages ---- */

/* The averages of an architecture, in six digits as tables have them, have its cost features. */
static void test_averages(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer");
    const fnas_transformer *transformer = fnas_transformer_of(space);
    const char *const *names = fnas_transformer_average_names();
    for (int64_t i = 0; i < 200; i++) {
        int32_t choices[DECISIONS], row[DECISIONS], again[DECISIONS];
        double onehot[ONEHOT], features[16], of_row[16];
        char averages[1024], text[FNAS_ARCH_TEXT_BYTES];
        size_t used = 0;
        fnas_space_random(space, 8, i, choices);
        for (int kind = 0; kind < FNAS_TRANSFORMER_KINDS; kind++) {
            double sum = 0;
            int64_t slots = kind < FNAS_TRANSFORMER_SINGLE
                                ? 1
                                : fnas_transformer_depth(transformer, choices, fnas_transformer_is_decoder(kind));
            for (int64_t layer = 0; layer < slots; layer++) {
                int64_t value = fnas_transformer_value(transformer, choices, kind, layer);
                sum += (double)(kind == FNAS_TRANSFORMER_CROSS_SPAN ? fnas_transformer_span(value) : value);
            }
            used += (size_t)snprintf(averages + used, sizeof averages - used, "%s%s: %g", kind ? ", " : "{", names[kind],
                                     sum / (double)slots);
        }
        snprintf(averages + used, sizeof averages - used, "}");
        assert_status(FNAS_OK, fnas_space_parse_measured(place->context, space, averages, row));
        assert_true(fnas_space_is_average(row));
        assert_false(fnas_space_is_average(choices));
        fnas_space_measured_features(space, row, onehot, of_row);
        fnas_space_measured_features(space, choices, onehot, features);
        for (int64_t j = 0; j < fnas_space_cost_feature_count(space); j++) assert_true(fabs(features[j] - of_row[j]) <= 1e-12);
        assert_status(FNAS_OK, fnas_space_format(place->context, space, row, text, sizeof text));
        assert_status(FNAS_OK, fnas_space_parse_measured(place->context, space, text, again));
        assert_memory_equal(row, again, sizeof row);
        fnas_space_settle(space, again); /* leaves it alone */
        assert_memory_equal(row, again, sizeof row);
        /* No architecture for anybody else. */
        assert_status(FNAS_ERR_INPUT, fnas_space_parse(place->context, space, text, again));
    }
    fnas_space_close(space);
}

static void test_wrong_averages(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer");
    static const double good[FNAS_TRANSFORMER_KINDS] = {512, 640, 6, 3, 1877.33, 1706.67, 6, 6, 2.66667, 1.33333};
    static const struct {
        int kind;
        double value;
        const char *message;
    } cases[] = {{FNAS_TRANSFORMER_DECODER_LAYERS, 17, "T.csv:4: \"decoder_layer_num\" is 17, it must be from 1 to 16"},
                 {FNAS_TRANSFORMER_DECODER_LAYERS, 2.5, "\"decoder_layer_num\" is 2.5: it must be whole"},
                 {FNAS_TRANSFORMER_ENCODER_EMBED, (double)NAN, "\"encoder_embed_dim\" is nan"},
                 {FNAS_TRANSFORMER_ENCODER_EMBED, -512, "\"encoder_embed_dim\" is -512"},
                 {FNAS_TRANSFORMER_CROSS_SPAN, 1.4, "no average of whole numbers over so many layers"},
                 {FNAS_TRANSFORMER_ENCODER_FFN, 1e30, "must be from 1 to 65536"}};
    int32_t row[DECISIONS];
    assert_status(FNAS_OK, fnas_transformer_average_row(place->context, space, "T.csv:4", good, row));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double averages[FNAS_TRANSFORMER_KINDS];
        memcpy(averages, good, sizeof good);
        averages[cases[i].kind] = cases[i].value;
        assert_status(FNAS_ERR_INPUT, fnas_transformer_average_row(place->context, space, "T.csv:4", averages, row));
        assert_message(cases[i].message);
    }
    assert_status(FNAS_ERR_INPUT, fnas_space_parse_measured(place->context, space, "{encoder_embed_dim: 512}", row));
    assert_message("\"decoder_embed_dim\" is missing");
    fnas_space_close(space);
}

/* ---- networks ---- */

/* Weights of a network that is no larger than itself, without the embedding. */
static int64_t declared(fnas_test_place *place, const fnas_translator *shape) {
    fnas_parameters parameters = {0};
    int64_t count = 0;
    assert_status(FNAS_OK, fnas_translator_declare(place->context, shape, &parameters));
    for (int64_t i = 1; i < parameters.item_count; i++) count += parameters.items[i].count;
    fnas_parameters_free(&parameters);
    return count;
}

/* The networks have the parameters that are counted, and their gates are the entries that are chosen, each in use once. */
static void test_networks(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = open_space(place, "transformer");
    int32_t choices[DECISIONS];
    for (int64_t draw = 0; draw < 20; draw++) {
        fnas_translator shape;
        double onehot[ONEHOT];
        int64_t gates = 0;
        fnas_space_random(space, 3, draw, choices);
        fnas_space_settle(space, choices);
        fnas_transformer_shape(space, choices, 100, &shape);
        assert_status(FNAS_OK, fnas_translator_check(place->context, &shape));
        assert_int_equal(declared(place, &shape), fnas_transformer_params(space, choices));
        fnas_space_to_onehot(space, choices, onehot);
        const fnas_translator_side *sides[2] = {&shape.encoder, &shape.decoder};
        for (int s = 0; s < 2; s++) {
            int32_t of_side[2] = {sides[s]->width_gate, sides[s]->layers_gate};
            for (int g = 0; g < 2; g++) gates += of_side[g] >= 0 && onehot[of_side[g]] == 1;
            for (int64_t l = 0; l < sides[s]->layer_count; l++) {
                const fnas_translator_layer *layer = &sides[s]->layers[l];
                int32_t of_layer[4] = {layer->feed_forward_gate, layer->heads_gate, layer->cross_heads_gate, layer->cross_sources_gate};
                for (int g = 0; g < 4; g++) {
                    gates += of_layer[g] >= 0 && onehot[of_layer[g]] == 1;
                    if (of_layer[g] >= 0) onehot[of_layer[g]] = 2; /* a second layer with it would count no more */
                }
            }
        }
        assert_int_equal(gates, 4 + 2 * shape.encoder.layer_count + 4 * shape.decoder.layer_count);
    }
    fnas_translator largest;
    fnas_transformer_shape(space, NULL, 100, &largest);
    assert_int_equal(largest.encoder.width, 640);
    assert_int_equal(largest.decoder.layer_count, 6);
    assert_int_equal(largest.decoder.layers[5].feed_forward, 3072);
    assert_int_equal(largest.decoder.layers[5].cross_sources, 3);
    fnas_space_close(space);
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(test_networks),         fnas_test(test_parameters),
                                       fnas_test(test_wrong_parameters), fnas_test(test_super),
                                       fnas_test(test_wrong_super),      fnas_test(test_strings),
                                       fnas_test(test_longest),          fnas_test(test_sub),
                                       fnas_test(test_wrong_strings),    fnas_test(test_references_and_draws),
                                       fnas_test(test_published_sizes),  fnas_test(test_all_published),
                                       fnas_test(test_features),         fnas_test(test_error_features),
                                       fnas_test(test_averages),         fnas_test(test_wrong_averages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
