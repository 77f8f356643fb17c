/* Multiply-accumulates stand in for the error, the more the better. */
#include "base/memory.h"
#include "search/rival/rival.h"

fnas_status fnas_rival_macs(fnas_rival *rival) {
    const fnas_arch_set *archs = &rival->truth->archs;
    FNAS_TRY(fnas_rival_require_table(rival));
    if (!fnas_space_has_counts(rival->space))
        return fnas_fail(rival->context, FNAS_ERR_INPUT, "the space %s does not know its networks' MACs: use another rival",
                         fnas_space_name(rival->space));
    double *values = fnas_allocate((size_t)archs->count, sizeof *values);
    if (!values) return fnas_fail_memory(rival->context, "a rival");
    for (int64_t i = 0; i < archs->count; i++) values[i] = -(double)fnas_space_macs(rival->space, fnas_arch_set_at(archs, i));
    fnas_status status = fnas_rival_stand_in(rival, values);
    fnas_free(values);
    return status;
}
