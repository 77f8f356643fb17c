#include "estimate/swap.h"

#include <math.h>
#include <string.h>

#include "compute/vector.h"

/* One network while it runs. */
typedef struct collection {
    fnas_swap *swap;
    const fnas_net *net;
    int64_t n, distinct;
    uint64_t slot_count; /* a power of two, more than twice the units */
} collection;

void fnas_swap_free(fnas_swap *swap) {
    fnas_free(swap->slots);
    fnas_free(swap->patterns);
    *swap = (fnas_swap){0};
}

/* patterns [floats]: bit i is that of image i. Padded channels have none: they are as units that see nothing. */
FNAS_MULTIVERSION static void find_patterns(int64_t n, int64_t floats, const float *source, uint64_t *patterns) {
    memset(patterns, 0, (size_t)floats * sizeof *patterns);
    for (int64_t i = 0; i < n; i++)
        for (int64_t u = 0; u < floats; u++) patterns[u] |= (uint64_t)(source[i * floats + u] > 0) << i;
}

/* The finaliser of MurmurHash3 (Appleby 2011): every bit of the pattern moves every bit of the place. */
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

static void insert(collection *c, uint64_t pattern) {
    if (pattern == 0) return;
    uint64_t *slots = c->swap->slots, at = mix(pattern) & (c->slot_count - 1);
    while (slots[at] && slots[at] != pattern) at = (at + 1) & (c->slot_count - 1);
    c->distinct += slots[at] == 0;
    slots[at] = pattern;
}

static fnas_status see_source(fnas_context *context, void *user, int64_t node, int64_t floats, const float *source) {
    collection *c = user;
    if (c->net->nodes[node].kind != FNAS_NODE_RELU) return FNAS_OK;
    if (!fnas_grow((void **)&c->swap->patterns, &c->swap->pattern_capacity, (size_t)floats, sizeof *c->swap->patterns))
        return fnas_fail_memory(context, "patterns of units");
    find_patterns(c->n, floats, source, c->swap->patterns);
    for (int64_t u = 0; u < floats; u++) insert(c, c->swap->patterns[u]);
    return FNAS_OK;
}

/* Room for all units' patterns, empty. */
static fnas_status prepare(fnas_context *context, collection *c) {
    uint64_t units = 0;
    for (int64_t i = 0; i < c->net->node_count; i++) {
        fnas_value_shape shape = c->net->values[c->net->nodes[i].result];
        if (c->net->nodes[i].kind == FNAS_NODE_RELU) units += (uint64_t)(shape.c * shape.h * shape.w);
    }
    for (c->slot_count = 64; c->slot_count <= 2 * units;) c->slot_count *= 2;
    if (!fnas_grow((void **)&c->swap->slots, &c->swap->slot_capacity, c->slot_count, sizeof *c->swap->slots))
        return fnas_fail_memory(context, "patterns of units");
    memset(c->swap->slots, 0, c->slot_count * sizeof *c->swap->slots);
    return FNAS_OK;
}

fnas_status fnas_swap_score(fnas_context *context, fnas_worker *worker, fnas_swap *swap, const fnas_net *net,
                            const fnas_parameters *parameters, int64_t n, const float *images, double *score) {
    collection c = {.swap = swap, .net = net, .n = n};
    FNAS_TRY(prepare(context, &c));
    fnas_path_request request = {
        .net = net, .parameters = parameters, .n = n, .images = images, .observe_source = see_source, .observer = &c};
    fnas_path_result result;
    FNAS_TRY(fnas_path_run(context, worker, &request, &result));
    *score = log((double)c.distinct + 1);
    return FNAS_OK;
}
