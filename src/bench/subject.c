#include "bench/subject.h"

#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"

/* ---- weights and images ---- */

static void subject_fill(fnas_subject *subject, uint64_t seed) {
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_SYNTHETIC, 0, 0);
    fnas_parameters_initialise(&subject->parameters, seed);
    for (int64_t i = 0; i < subject->images * subject->image_floats; i++) subject->image_values[i] = (float)fnas_random_normal(&random);
    for (int64_t i = 0; i < subject->images; i++) subject->labels[i] = (int32_t)fnas_random_below(&random, subject->classes);
}

static fnas_status subject_make(fnas_context *context, const char *spec, fnas_subject *subject) {
    int64_t shape[3];
    FNAS_TRY(fnas_space_open(context, spec, &subject->space));
    FNAS_TRY(fnas_space_image(context, subject->space, shape, &subject->classes));
    FNAS_TRY(fnas_space_declare(context, subject->space, &subject->parameters));
    FNAS_TRY(fnas_parameters_allocate(context, &subject->parameters));
    subject->image_floats = shape[0] * shape[1] * shape[2];
    subject->image_values = fnas_allocate((size_t)(subject->images * subject->image_floats), sizeof(float));
    subject->labels = fnas_allocate((size_t)subject->images, sizeof(int32_t));
    return subject->image_values && subject->labels ? FNAS_OK : fnas_fail_memory(context, "the benchmark's images");
}

fnas_status fnas_subject_create(fnas_context *context, const char *spec, int64_t images, uint64_t seed, fnas_subject *subject) {
    *subject = (fnas_subject){.images = images};
    fnas_status status = subject_make(context, spec, subject);
    if (status == FNAS_OK)
        subject_fill(subject, seed);
    else
        fnas_subject_free(subject);
    return status;
}

void fnas_subject_free(fnas_subject *subject) {
    fnas_space_close(subject->space);
    fnas_parameters_free(&subject->parameters);
    fnas_free(subject->image_values);
    fnas_free(subject->labels);
    *subject = (fnas_subject){0};
}

/* ---- cells ---- */

typedef struct named_cell {
    const char *name, *arch;
} named_cell;

static const named_cell named_cells[] = {
    {"mixed", "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"},
    {"conv3", "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"},
    {"conv1", "|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_1x1~1|nor_conv_1x1~2|"},
    {"pool", "|avg_pool_3x3~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|avg_pool_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|"},
    {"skip", "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"},
};
#define NAMED_CELLS (sizeof named_cells / sizeof *named_cells)

fnas_status fnas_subject_cell(fnas_context *context, const fnas_space *space, const char *word, int32_t *choices) {
    const char *names[NAMED_CELLS + 1] = {NULL};
    for (size_t i = 0; i < NAMED_CELLS; i++) {
        names[i] = named_cells[i].name;
        if (strcmp(word, names[i]) == 0) return fnas_space_parse(context, space, named_cells[i].arch, choices);
    }
    if (word[0] == '|') return fnas_space_parse(context, space, word, choices);
    const char *near = fnas_suggest(word, names);
    if (near) return fnas_fail(context, FNAS_ERR_USAGE, "unknown cell \"%s\": did you mean \"%s\"?", word, near);
    return fnas_fail(context, FNAS_ERR_USAGE, "unknown cell \"%s\": it is mixed, conv3, conv1, pool, skip, or an architecture \"|...|\"",
                     word);
}

/* ---- work ---- */

/* wanted [value_count]: something before the value, or it itself, has a gradient that is asked for. Nodes are in order. */
static bool has_site(const fnas_net *net, int64_t node) {
    for (int64_t s = 0; s < net->site_count; s++)
        if (net->sites[s].node == node) return true;
    return false;
}

static void find_wanted(const fnas_net *net, bool weights, bool gates, bool *wanted) {
    for (int64_t i = 0; i < net->node_count; i++) {
        const fnas_node *node = &net->nodes[i];
        bool has_weights = node->kind == FNAS_NODE_CONV || node->kind == FNAS_NODE_LINEAR || node->norm.present;
        bool own = (weights && has_weights) || (gates && (node->gate.first >= 0 || has_site(net, i)));
        bool before = node->kind != FNAS_NODE_ZERO && (wanted[node->source] || (node->factors > 0 && wanted[node->factors]));
        if (own || before) wanted[node->result] = true;
    }
}

double fnas_net_flops(const fnas_net *net, bool weights, bool gates) {
    bool *wanted = fnas_allocate((size_t)net->value_count, sizeof *wanted);
    double flops = 0;
    if (!wanted) return 0; /* not counted: the row says so */
    find_wanted(net, weights, gates, wanted);
    for (int64_t i = 0; i < net->node_count; i++) {
        double products = fnas_net_products(net, i);
        if (products > 0) flops += 2 * products * (1 + weights + (wanted[net->nodes[i].source] ? 1 : 0));
    }
    fnas_free(wanted);
    return flops;
}
