/* What a run on pairs of sentences has besides: its vocabulary. */
#include "search/run/vocabulary.h"

#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/text/batches.h"

#define VOCABULARY_FILE "vocabulary.model"

static int64_t crc_of(const fnas_vocabulary *vocabulary) {
    size_t size;
    const unsigned char *model = fnas_vocabulary_bytes(vocabulary, &size);
    return (int64_t)crc32_z(0, model, size);
}

/* Another one of as many pieces would give other words to what the networks say, and nobody would see it. */
static bool is_own(const fnas_run *run, const fnas_vocabulary *vocabulary) {
    return fnas_vocabulary_get(vocabulary).size == run->config.vocabulary && crc_of(vocabulary) == run->config.vocabulary_crc;
}

fnas_status fnas_run_check_pairs(fnas_context *context, const fnas_run *run, const fnas_pairs *pairs) {
    fnas_pairs_info info = fnas_pairs_get(pairs);
    if (!fnas_search_translates(&run->config) || is_own(run, info.vocabulary)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: its vocabulary is not the one that the run's networks know", info.name);
}

fnas_status fnas_run_check_card_words(fnas_context *context, const fnas_run *run, const fnas_card *card) {
    fnas_card_view view = fnas_card_get(card);
    if (!fnas_search_translates(&run->config) || !view.vocabulary || view.vocabulary == run->config.vocabulary) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "device %s was measured with networks that know %lld words, the data have a vocabulary of %lld: measure it with "
                     "--vocabulary-size %lld",
                     view.name, (long long)view.vocabulary, (long long)run->config.vocabulary, (long long)run->config.vocabulary);
}

fnas_status fnas_run_fit_pairs(fnas_context *context, fnas_run *run, int64_t *batches_a_pass) {
    fnas_search_config *config = &run->config;
    fnas_pairs_info info = fnas_pairs_get(run->opened.pairs);
    fnas_text_batches *batches;
    size_t size;
    const unsigned char *model = fnas_vocabulary_bytes(info.vocabulary, &size);
    config->vocabulary = fnas_vocabulary_get(info.vocabulary).size;
    for (int64_t i = 0; i < config->device_count; i++) FNAS_TRY(fnas_run_check_card_words(context, run, run->cards[i]));
    if (config->validation_images > info.counts[FNAS_TEXT_VALIDATION]) config->validation_images = info.counts[FNAS_TEXT_VALIDATION];
    config->vocabulary_crc = crc_of(info.vocabulary);
    FNAS_TRY(fnas_vocabulary_parse(context, VOCABULARY_FILE, model, size, &run->vocabulary));
    FNAS_TRY(
        fnas_text_batches_create(context, run->opened.pairs, FNAS_TEXT_TRAIN, config->seed, FNAS_TEXT_TRAIN, config->weight_ids, &batches));
    *batches_a_pass = fnas_text_batches_count(batches);
    fnas_text_batches_free(batches);
    return FNAS_OK;
}

fnas_status fnas_run_write_vocabulary(fnas_context *context, const fnas_run *run) {
    size_t size;
    const unsigned char *model = fnas_vocabulary_bytes(run->vocabulary, &size);
    char *path = fnas_run_file(run, VOCABULARY_FILE);
    fnas_status status = path ? fnas_file_write_atomic(context, path, model, size) : fnas_fail_memory(context, "a path");
    fnas_free(path);
    return status;
}

fnas_status fnas_run_load_vocabulary(fnas_context *context, fnas_run *run) {
    bool translates = fnas_search_translates(&run->config);
    if (!translates && fnas_space_translates(run->space) && fnas_search_has_supernet(&run->config))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: config.json has no \"vocabulary\": put back what the search wrote", run->path);
    if (!translates) return FNAS_OK;
    if (!fnas_space_translates(run->space))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s: config.json has a \"vocabulary\", and the networks of %s look at images", run->path,
                         fnas_space_name(run->space));
    char *path = fnas_run_file(run, VOCABULARY_FILE);
    if (!path) return fnas_fail_memory(context, "a path");
    fnas_status status = fnas_vocabulary_read(context, path, &run->vocabulary);
    if (status == FNAS_OK && !is_own(run, run->vocabulary))
        status = fnas_fail(
            context, FNAS_ERR_INPUT,
            "%s: not the vocabulary that config.json speaks of (%lld pieces, checksum %lld): put back the file that the search "
            "wrote, or config.json as it was",
            path, (long long)run->config.vocabulary, (long long)run->config.vocabulary_crc);
    fnas_free(path);
    return status;
}
