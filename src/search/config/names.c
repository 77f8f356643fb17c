#include "search/config/names.h"

#include <string.h>

#include "base/text.h"

const char *const fnas_names_objective[] = {"error", "latency_ms", "macs", "params", "energy_mj", NULL};
const char *const fnas_names_error[] = {"supernet", "surrogate", "table", NULL};
const char *const fnas_names_update[] = {"mgd", "mean", "sequential", "sample", NULL};
const char *const fnas_names_sampler[] = {"reinmax", "gdas", NULL};
const char *const fnas_names_hypernet[] = {"table", "continuous", NULL};
const char *const fnas_names_start[] = {"flat", "random", NULL};
const char *const fnas_names_scalarise[] = {"linear", "chebyshev", NULL};
const char *const fnas_names_batch[] = {"shared", "full", NULL};
const char *const fnas_names_precision[] = {"f32", "bf16", NULL};
const char *const fnas_names_error_gradient[] = {"gates", "model", NULL};
const char *const fnas_names_shared_weights[] = {"moving", "frozen", NULL};
const char *const fnas_names_preset[] = {"quick", "standard", "paper", NULL};

fnas_status fnas_name_find(fnas_context *context, fnas_status status, const char *what, const char *word, const char *const *names,
                           int *index) {
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], word) == 0) {
            *index = i;
            return FNAS_OK;
        }
    }
    fnas_text known = {0};
    for (int i = 0; names[i]; i++) fnas_text_append(&known, "%s%s", i ? ", " : "", names[i]);
    const char *near = fnas_suggest(word, names);
    fnas_status failed = near ? fnas_fail(context, status, "unknown %s \"%s\": did you mean \"%s\"? (known: %s)", what, word, near,
                                          known.data ? known.data : "")
                              : fnas_fail(context, status, "unknown %s \"%s\": use one of %s", what, word, known.data ? known.data : "");
    fnas_text_free(&known);
    return failed;
}
