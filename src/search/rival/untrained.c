/* What the hypernetwork (search/hypernet/hypernet.h) offers before it has learnt anything: the baseline RHPN of MODNAS (Sukthanker et al.
 * 2025). */
#include <string.h>

#include "base/memory.h"
#include "search/hypernet/embedding.h"
#include "search/query/query.h"
#include "search/rival/rival.h"
#include "space/space.h"

#define FRUITLESS 100    /* networks in a row that offer nothing new end the search */
#define DEVICE_WIDTH 2.0 /* standard deviation of an embedding's entries, as the search conditions them (search/hypernet/embedding.c) */

typedef struct untrained {
    fnas_rival *rival;
    fnas_hypernet_shape shape;
    int64_t total;       /* preferences of a whole sweep */
    double *preferences; /* [total][objectives] */
    int64_t *chosen;     /* [total]: those that a network is asked */
    float *parameters, *workspace;
    double *logits;   /* [outputs] */
    int32_t *choices; /* [decisions] */
    double embedding[FNAS_EMBEDDING];
} untrained;

static void close_untrained(untrained *u) {
    fnas_free(u->preferences);
    fnas_free(u->chosen);
    fnas_free(u->parameters);
    fnas_free(u->workspace);
    fnas_free(u->logits);
    fnas_free(u->choices);
}

static fnas_status open_untrained(fnas_rival *rival, untrained *u) {
    *u = (untrained){.rival = rival,
                     .shape = {.kind = FNAS_HYPERNET_TABLE,
                               .objectives = rival->objectives,
                               .embedding = FNAS_EMBEDDING,
                               .outputs = fnas_space_onehot_size(rival->space)}};
    FNAS_TRY(fnas_query_preferences(rival->context, rival->objectives, &u->total, &u->preferences));
    u->chosen = fnas_allocate((size_t)u->total, sizeof *u->chosen);
    u->parameters = fnas_allocate((size_t)fnas_hypernet_parameter_count(&u->shape), sizeof *u->parameters);
    u->workspace = fnas_allocate((size_t)fnas_hypernet_workspace_floats(&u->shape, 1), sizeof *u->workspace);
    u->logits = fnas_allocate((size_t)u->shape.outputs, sizeof *u->logits);
    u->choices = fnas_allocate((size_t)rival->decisions, sizeof *u->choices);
    bool complete = u->chosen && u->parameters && u->workspace && u->logits && u->choices;
    return complete ? FNAS_OK : fnas_fail_memory(rival->context, "a rival");
}

/* A new network, asked for a device that is drawn too: a truth table's column has no embedding, and before training no device means
 * anything to a network. */
static void draw_network(untrained *u) {
    fnas_random *random = &u->rival->random;
    uint64_t high = fnas_random_u32(random), seed = high << 32 | fnas_random_u32(random);
    fnas_hypernet_randomise(&u->shape, seed, u->parameters);
    for (int64_t i = 0; i < FNAS_EMBEDDING; i++) u->embedding[i] = DEVICE_WIDTH * fnas_random_normal(random);
}

/* The most probable architectures of preferences that are spread evenly, as many as the budget has left. */
static fnas_status sweep_network(untrained *u) {
    fnas_rival *rival = u->rival;
    int64_t left = rival->budget - rival->archive.count, asked = left < u->total ? left : u->total;
    fnas_query_spread(u->total, asked, u->chosen);
    for (int64_t i = 0; i < asked; i++) {
        int64_t index;
        fnas_hypernet_forward(&u->shape, u->parameters, 1, u->preferences + u->chosen[i] * rival->objectives, u->embedding, u->workspace,
                              u->logits);
        fnas_space_decode(rival->space, u->logits, u->choices);
        fnas_space_canonical(rival->space, u->choices);
        FNAS_TRY(fnas_rival_evaluate(rival, u->choices, &index));
    }
    return FNAS_OK;
}

static fnas_status sweep_networks(untrained *u) {
    fnas_rival *rival = u->rival;
    for (int64_t fruitless = 0; !fnas_rival_is_spent(rival) && fruitless < FRUITLESS;) {
        int64_t before = rival->archive.count;
        draw_network(u);
        FNAS_TRY(sweep_network(u));
        fruitless = rival->archive.count > before ? 0 : fruitless + 1;
    }
    return fnas_rival_fill(rival, rival->budget); /* where nothing new was found, what is left of the budget */
}

fnas_status fnas_rival_untrained(fnas_rival *rival) {
    untrained u;
    fnas_status status = open_untrained(rival, &u);
    if (status == FNAS_OK) status = sweep_networks(&u);
    close_untrained(&u);
    return status;
}
