#include "nn/parameters.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

#define FNAS_PARAMETER_ALIGN 16 /* floats: each tensor starts on its own cache line */

static fnas_status fnas_parameter_size(fnas_context *context, const char *name, int rank, const int64_t *shape, int64_t *count) {
    if (rank < 1 || rank > 4) return fnas_fail(context, FNAS_ERR_INTERNAL, "parameter \"%s\": %d axes, there may be 1 to 4", name, rank);
    size_t product = 1;
    for (int axis = 0; axis < rank; axis++) {
        if (shape[axis] < 1 || !fnas_size_multiply(product, (size_t)shape[axis], &product) || product > (size_t)1 << 40)
            return fnas_fail(context, FNAS_ERR_INPUT, "parameter \"%s\": axis %d has %lld entries: the tensor would be empty or too large",
                             name, axis, (long long)shape[axis]);
    }
    *count = (int64_t)product;
    return FNAS_OK;
}

static int64_t fnas_parameter_fan_in(int rank, const int64_t *shape) {
    int64_t fan_in = 1;
    for (int axis = 1; axis < rank; axis++) fan_in *= shape[axis];
    return fan_in;
}

fnas_status fnas_parameters_add(fnas_context *context, fnas_parameters *parameters, const char *name, int rank, const int64_t *shape,
                                fnas_initialiser initialiser, int64_t fan_in, int32_t *index) {
    int64_t count = 0;
    FNAS_TRY(fnas_parameter_size(context, name, rank, shape, &count));
    if (initialiser == FNAS_INIT_IDENTITY && (rank != 2 || shape[0] != shape[1]))
        return fnas_fail(context, FNAS_ERR_INTERNAL, "parameter \"%s\": only a square matrix can be an identity", name);
    if (parameters->values) return fnas_fail(context, FNAS_ERR_INTERNAL, "parameter \"%s\": the set is allocated already", name);
    if (fnas_parameters_find(parameters, name) != FNAS_PARAMETER_NONE)
        return fnas_fail(context, FNAS_ERR_INTERNAL, "parameter \"%s\" is declared twice", name);
    if (!fnas_grow((void **)&parameters->items, &parameters->item_capacity, (size_t)parameters->item_count + 1, sizeof *parameters->items))
        return fnas_fail_memory(context, "parameters");
    fnas_parameter item = {.rank = rank,
                           .shape = {1, 1, 1, 1},
                           .count = count,
                           .offset = parameters->float_count,
                           .initialiser = initialiser,
                           .fan_in = fan_in > 0 ? fan_in : fnas_parameter_fan_in(rank, shape)};
    memcpy(item.shape, shape, (size_t)rank * sizeof *shape);
    item.name = fnas_strdup(name);
    if (!item.name) return fnas_fail_memory(context, "parameters");
    *index = (int32_t)parameters->item_count;
    parameters->items[parameters->item_count++] = item;
    parameters->float_count += (count + FNAS_PARAMETER_ALIGN - 1) / FNAS_PARAMETER_ALIGN * FNAS_PARAMETER_ALIGN;
    return FNAS_OK;
}

fnas_status fnas_parameters_allocate(fnas_context *context, fnas_parameters *parameters) {
    if (parameters->values) return FNAS_OK;
    parameters->values = fnas_allocate((size_t)parameters->float_count, sizeof(float));
    return parameters->values ? FNAS_OK : fnas_fail_memory(context, "parameters");
}

static void fnas_parameter_initialise(const fnas_parameter *item, uint64_t seed, int64_t number, float *values) {
    float constant = item->initialiser == FNAS_INIT_ONE ? 1.0f : 0.0f;
    if (item->initialiser != FNAS_INIT_FAN_IN_UNIFORM) {
        for (int64_t i = 0; i < item->count; i++) values[i] = constant;
        for (int64_t i = 0; item->initialiser == FNAS_INIT_IDENTITY && i < item->shape[0]; i++) values[i * item->shape[1] + i] = 1.0f;
        return;
    }
    fnas_random random = fnas_random_begin(seed, FNAS_STREAM_INIT, number, 0);
    double bound = 1.0 / sqrt((double)item->fan_in);
    for (int64_t i = 0; i < item->count; i++) values[i] = (float)(bound * (2.0 * fnas_random_uniform(&random) - 1.0));
}

void fnas_parameters_initialise(fnas_parameters *parameters, uint64_t seed) {
    for (int64_t i = 0; i < parameters->item_count; i++) {
        const fnas_parameter *item = &parameters->items[i];
        fnas_parameter_initialise(item, seed, i, parameters->values + item->offset);
    }
}

int32_t fnas_parameters_find(const fnas_parameters *parameters, const char *name) {
    for (int64_t i = 0; i < parameters->item_count; i++)
        if (strcmp(parameters->items[i].name, name) == 0) return (int32_t)i;
    return FNAS_PARAMETER_NONE;
}

void fnas_parameters_free(fnas_parameters *parameters) {
    for (int64_t i = 0; i < parameters->item_count; i++) fnas_free(parameters->items[i].name);
    fnas_free(parameters->items);
    fnas_free(parameters->values);
    *parameters = (fnas_parameters){0};
}
