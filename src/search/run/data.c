/* What a run's networks learn from and are judged on, found again and checked. */
#include <string.h>

#include "search/run/run.h"
#include "search/run/vocabulary.h"
#include "space/space.h"

void fnas_run_image_shape(const fnas_run *run, const fnas_dataset *dataset, int64_t shape[3]) {
    const fnas_space *supernet = run->supernet;
    fnas_dataset_info info = fnas_dataset_get(dataset);
    bool smaller = info.height > 0 && info.height <= supernet->image[1] && info.width <= supernet->image[2];
    memcpy(shape, supernet->image, sizeof supernet->image);
    if (!supernet->type->image_of || !smaller) return;
    shape[1] = info.height;
    shape[2] = info.width;
}

static fnas_status check_data_shape(fnas_context *context, const fnas_run *run, const fnas_dataset *dataset) {
    int64_t shape[3], classes = 0;
    FNAS_TRY(fnas_space_image(context, run->supernet, shape, &classes));
    fnas_dataset_info info = fnas_dataset_get(dataset);
    fnas_run_image_shape(run, dataset, shape);
    if (classes == info.classes) return fnas_dataset_fit(context, dataset, shape);
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "the space tells %lld classes apart, the data set %s has %lld: use --space %s:...,classes=%lld or other data",
                     (long long)classes, info.name, (long long)info.classes, fnas_space_name(run->space), (long long)info.classes);
}

static fnas_status check_examples(fnas_context *context, const fnas_run *run, const fnas_examples *examples) {
    const char *name = fnas_examples_name(examples);
    if (run->config.data && strcmp(name, run->config.data) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: the run was made on %s, --data gives %s", run->path, run->config.data, name);
    return examples->pairs ? fnas_run_check_pairs(context, run, examples->pairs) : check_data_shape(context, run, examples->images);
}

fnas_status fnas_run_open_data(fnas_context *context, const fnas_run *run, const char *data, fnas_examples *examples) {
    const char *spec = data ? data : run->data_spec;
    *examples = (fnas_examples){0};
    if (!spec)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: this run does not know where its data lie on this machine: say so with --data %s",
                         run->path, run->config.data);
    FNAS_TRY(fnas_examples_open(context, run->space, spec, examples));
    fnas_status status = check_examples(context, run, examples);
    if (status != FNAS_OK) fnas_examples_close(examples);
    return status;
}

fnas_status fnas_run_take_data(fnas_context *context, fnas_run *run, fnas_examples *examples) {
    *examples = run->opened;
    run->opened = (fnas_examples){0};
    return examples->images || examples->pairs ? FNAS_OK : fnas_run_open_data(context, run, NULL, examples);
}

int64_t fnas_run_class_count(const fnas_run *run) {
    return fnas_search_translates(&run->config) ? 0 : run->supernet->classes;
}
