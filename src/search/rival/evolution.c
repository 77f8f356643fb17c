/* Rivals that vary what they have seen. */
#include <string.h>

#include "base/memory.h"
#include "search/rival/rival.h"

/* A search that finds nothing new any more ends: so many children in a row were known. */
#define FRUITLESS 10000

/* ---- local search ---- */

#define STARTS 10

/* All architectures that differ in one decision. */
static fnas_status visit_neighbours(fnas_rival *rival, int64_t place, int32_t *choices) {
    memcpy(choices, fnas_rival_arch(rival, place), (size_t)rival->decisions * sizeof *choices);
    for (int64_t d = 0; d < rival->decisions; d++) {
        int32_t own = choices[d];
        for (int64_t k = 0; k < fnas_space_choice_count(rival->space, d); k++) {
            int64_t index;
            choices[d] = (int32_t)k;
            FNAS_TRY(fnas_rival_evaluate(rival, choices, &index));
        }
        choices[d] = own;
    }
    return FNAS_OK;
}

/* A random member of the front whose neighbours nobody has looked at; -1: none. keep [archive] is scratch. */
static fnas_status choose_unvisited(fnas_rival *rival, const bool *visited, uint8_t *keep, int64_t *chosen) {
    int64_t count = rival->archive.count, seen = 0;
    *chosen = -1;
    FNAS_TRY(fnas_front_nondominated(rival->context, count, rival->objectives, rival->points, keep));
    for (int64_t i = 0; i < count; i++)
        if (keep[i] && !visited[i] && fnas_random_below(&rival->random, ++seen) == 0) *chosen = i;
    return FNAS_OK;
}

/* A front of which all neighbours are known begins anew with another random architecture. */
static fnas_status climb(fnas_rival *rival, bool *visited, uint8_t *keep, int32_t *choices) {
    FNAS_TRY(fnas_rival_fill(rival, STARTS));
    while (!fnas_rival_is_spent(rival)) {
        int64_t chosen;
        FNAS_TRY(choose_unvisited(rival, visited, keep, &chosen));
        if (chosen < 0) {
            FNAS_TRY(fnas_rival_fill(rival, rival->archive.count + 1));
            continue;
        }
        visited[chosen] = true;
        FNAS_TRY(visit_neighbours(rival, chosen, choices));
    }
    return FNAS_OK;
}

fnas_status fnas_rival_local_search(fnas_rival *rival) {
    bool *visited = fnas_allocate((size_t)rival->budget, sizeof *visited);
    uint8_t *keep = fnas_allocate((size_t)rival->budget, sizeof *keep);
    int32_t *choices = fnas_allocate((size_t)rival->decisions, sizeof *choices);
    fnas_status status = visited && keep && choices ? climb(rival, visited, keep, choices) : fnas_fail_memory(rival->context, "a rival");
    fnas_free(visited);
    fnas_free(keep);
    fnas_free(choices);
    return status;
}

/* ---- NSGA-II ---- */

#define POPULATION 20

/* The better of two random ones; places are sorted. */
static int64_t binary_tournament(fnas_rival *rival, int64_t count, const int64_t *places) {
    int64_t a = fnas_random_below(&rival->random, count), b = fnas_random_below(&rival->random, count);
    return places[a < b ? a : b];
}

static bool contains(int64_t count, const int64_t *places, int64_t place) {
    for (int64_t i = 0; i < count; i++)
        if (places[i] == place) return true;
    return false;
}

/* Appends children that are not among the population until it has doubled. */
static fnas_status breed_generation(fnas_rival *rival, int64_t *places, int64_t *count, int32_t *child) {
    for (int64_t tries = 0; *count < 2 * POPULATION && tries < FRUITLESS; tries++) {
        int64_t index;
        int64_t father = binary_tournament(rival, POPULATION, places), mother = binary_tournament(rival, POPULATION, places);
        fnas_rival_breed(rival, fnas_rival_arch(rival, mother), fnas_rival_arch(rival, father), child);
        FNAS_TRY(fnas_rival_evaluate(rival, child, &index));
        if (index < 0) return FNAS_OK;
        if (!contains(*count, places, index)) places[(*count)++] = index;
    }
    return FNAS_OK;
}

static fnas_status evolve(fnas_rival *rival, int32_t *child) {
    int64_t places[2 * POPULATION], fruitless = 0;
    FNAS_TRY(fnas_rival_fill(rival, POPULATION));
    if (rival->archive.count < POPULATION) return FNAS_OK;
    for (int64_t i = 0; i < POPULATION; i++) places[i] = i;
    FNAS_TRY(fnas_rival_sort(rival, POPULATION, places));
    while (!fnas_rival_is_spent(rival) && fruitless < FRUITLESS / POPULATION) {
        int64_t count = POPULATION, before = rival->archive.count;
        FNAS_TRY(breed_generation(rival, places, &count, child));
        FNAS_TRY(fnas_rival_sort(rival, count, places));
        fruitless = rival->archive.count > before ? 0 : fruitless + 1;
    }
    return fnas_rival_fill(rival, rival->budget); /* where nothing new was found, what is left of the budget */
}

fnas_status fnas_rival_nsga2(fnas_rival *rival) {
    int32_t *child = fnas_allocate((size_t)rival->decisions, sizeof *child);
    fnas_status status = child ? evolve(rival, child) : fnas_fail_memory(rival->context, "a rival");
    fnas_free(child);
    return status;
}

/* ---- regularised evolution ---- */

#define AGED_POPULATION 100
#define TOURNAMENT 10

/* The population is the last AGED_POPULATION that joined: the oldest leaves, however good it is. */
typedef struct ageing {
    int64_t members[AGED_POPULATION], count, next;
} ageing;

static void join(ageing *population, int64_t place) {
    population->members[population->next] = place;
    population->next = (population->next + 1) % AGED_POPULATION;
    if (population->count < AGED_POPULATION) population->count++;
}

static fnas_status age(fnas_rival *rival, int32_t *child) {
    ageing population = {.count = 0};
    FNAS_TRY(fnas_rival_fill(rival, AGED_POPULATION));
    for (int64_t i = 0; i < rival->archive.count; i++) join(&population, i);
    for (int64_t fruitless = 0; !fnas_rival_is_spent(rival) && fruitless < FRUITLESS;) {
        int64_t sample[TOURNAMENT], index, before = rival->archive.count;
        for (int64_t i = 0; i < TOURNAMENT; i++) sample[i] = population.members[fnas_random_below(&rival->random, population.count)];
        FNAS_TRY(fnas_rival_sort(rival, TOURNAMENT, sample));
        memcpy(child, fnas_rival_arch(rival, sample[0]), (size_t)rival->decisions * sizeof *child);
        fnas_rival_mutate(rival, child);
        FNAS_TRY(fnas_rival_evaluate(rival, child, &index));
        join(&population, index);
        fruitless = rival->archive.count > before ? 0 : fruitless + 1;
    }
    return fnas_rival_fill(rival, rival->budget);
}

fnas_status fnas_rival_regularised_evolution(fnas_rival *rival) {
    int32_t *child = fnas_allocate((size_t)rival->decisions, sizeof *child);
    fnas_status status = child ? age(rival, child) : fnas_fail_memory(rival->context, "a rival");
    fnas_free(child);
    return status;
}
