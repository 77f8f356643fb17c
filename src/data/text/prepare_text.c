/* Parallel text cut into pieces once, into one file: lines are counted, a vocabulary is read or trained, lines are cut, sorted out and
 * written. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/temporary.h"
#include "base/threads.h"
#include "data/image_list.h"
#include "data/text/pairs.h"
#include "data/text/parallel.h"
#include "data/text/utf8.h"
#include "data/text/vocabulary_train.h"

#define TRAINED_PAIRS_MAX 1000000 /* that a vocabulary is trained on */
#define REPORTED_LINES 4096
#define VOCABULARY_LEAST 300
#define VOCABULARY_MOST 65536
#define KEPT (-1)
#define CHUNK 512 /* pairs that are cut at a time, by all threads */

/* A pair of a chunk: where its lines lie in the chunk's texts, and what they became. */
typedef struct slot {
    int64_t number;
    size_t begins[FNAS_TEXT_SIDES], sizes[FNAS_TEXT_SIDES];
    int skip, side; /* why it is left out, or KEPT; which side is at fault */
    int64_t counts[FNAS_TEXT_SIDES];
    int32_t ids[FNAS_TEXT_SIDES][FNAS_PAIR_IDS_MAX]; /* as many of them as there is room for */
} slot;

typedef struct preparation {
    fnas_context *context;
    fnas_text_request request; /* all set */
    const char *path;
    fnas_parallel files;
    fnas_vocabulary *vocabulary;
    fnas_team *team;
    fnas_encoding *encodings; /* [threads] */
    slot *slots;              /* [CHUNK], slot_count in use */
    int64_t threads, slot_count;
    fnas_text texts; /* of the slots */
    fnas_pairs_writer *writer;
    fnas_seen seen;
    fnas_text lines; /* to train a vocabulary on */
    fnas_file_writer *lines_file;
    fnas_text_prepared *prepared;
    const char *stage;
    int64_t total, done; /* pairs of lines */
    double begin_ms;
} preparation;

const char *fnas_text_skip_name(fnas_text_skip skip) {
    static const char *const names[FNAS_TEXT_SKIPS] = {[FNAS_TEXT_ENORMOUS] = "a line of more than 65536 bytes",
                                                       [FNAS_TEXT_INVALID] = "not UTF-8, or a 0 in it",
                                                       [FNAS_TEXT_EMPTY] = "an empty line",
                                                       [FNAS_TEXT_LONG] = "too many pieces",
                                                       [FNAS_TEXT_UNEVEN] = "sides of too different lengths",
                                                       [FNAS_TEXT_REPEATED] = "the same pair again"};
    return names[skip];
}

/* ---- all pairs of lines ---- */

typedef fnas_status pair_function(preparation *work, const fnas_parallel_set *set, const fnas_line_pair *pair);

static fnas_status report(preparation *work) {
    fnas_progress progress = {
        .stage = work->stage, .done = work->done, .total = work->total, .elapsed_s = (fnas_wall_ms() - work->begin_ms) / 1000, .text = ""};
    fnas_report_progress(work->context, &progress);
    if (!fnas_context_stop_requested(work->context)) return FNAS_OK;
    return fnas_fail(work->context, FNAS_INTERRUPTED, "stopped: %s was not written", work->path);
}

static fnas_status read_set(preparation *work, const fnas_parallel_set *set, pair_function *take) {
    fnas_lines *lines;
    fnas_line_pair pair;
    bool more = true;
    FNAS_TRY(fnas_lines_open(work->context, (const char *const *)set->paths, &lines));
    fnas_status status = fnas_lines_next(work->context, lines, &pair, &more);
    while (status == FNAS_OK && more) {
        if (work->done++ % REPORTED_LINES == 0) status = report(work);
        if (status == FNAS_OK) status = take(work, set, &pair);
        if (status == FNAS_OK) status = fnas_lines_next(work->context, lines, &pair, &more);
    }
    fnas_lines_close(lines);
    return status;
}

static void begin_pass(preparation *work, const char *stage) {
    work->stage = stage;
    work->done = 0;
    work->begin_ms = fnas_wall_ms();
}

static fnas_status read_all(preparation *work, const char *stage, pair_function *take) {
    begin_pass(work, stage);
    for (int i = 0; i < work->files.count; i++) FNAS_TRY(read_set(work, &work->files.sets[i], take));
    return report(work);
}

static fnas_status count_pair(preparation *work, const fnas_parallel_set *set, const fnas_line_pair *pair) {
    (void)set, (void)pair;
    work->prepared->read++;
    return FNAS_OK;
}

/* ---- what is left out ---- */

static bool is_blank(const fnas_line *line) {
    for (size_t i = 0; i < line->size; i++)
        if (line->text[i] != ' ' && line->text[i] != '\t') return false;
    return true;
}

/* A reason that can be seen without cutting a line, or KEPT; *side is at fault. */
static int check_lines(const fnas_line_pair *pair, int *side) {
    for (*side = 0; *side < FNAS_TEXT_SIDES; ++*side)
        if (pair->sides[*side].is_enormous) return FNAS_TEXT_ENORMOUS;
    for (*side = 0; *side < FNAS_TEXT_SIDES; ++*side) {
        const fnas_line *line = &pair->sides[*side];
        if (memchr(line->text, 0, line->size) || !fnas_utf8_is_valid(line->text, line->size)) return FNAS_TEXT_INVALID;
    }
    for (*side = 0; *side < FNAS_TEXT_SIDES; ++*side)
        if (is_blank(&pair->sides[*side])) return FNAS_TEXT_EMPTY;
    *side = 0;
    return KEPT;
}

/* Files of validation and test are kept whole, as far as a network can take them: what is scored must not depend on what suits us. */
static int check_pieces(const preparation *work, const fnas_parallel_set *set, slot *pair) {
    int64_t longest = set->part == FNAS_TEXT_TRAIN ? work->request.longest : FNAS_PAIR_IDS_MAX;
    int64_t a = pair->counts[0], b = pair->counts[1];
    pair->side = b < a;
    if (!a || !b) return FNAS_TEXT_EMPTY;
    pair->side = b > a;
    if (a > longest || b > longest) return FNAS_TEXT_LONG;
    double ratio = a > b ? (double)a / (double)b : (double)b / (double)a;
    return set->part == FNAS_TEXT_TRAIN && ratio > work->request.ratio ? FNAS_TEXT_UNEVEN : KEPT;
}

/* Where parts are drawn from one set, a pair that is there many times would weigh as many times in the score. */
static fnas_status check_repeated(preparation *work, const fnas_parallel_set *set, const fnas_line lines[FNAS_TEXT_SIDES], int *skip) {
    bool again = false, whole = work->files.has_files[FNAS_TEXT_VALIDATION] && work->files.has_files[FNAS_TEXT_TEST];
    if (*skip != KEPT || set->part != FNAS_TEXT_TRAIN || whole) return FNAS_OK;
    uint64_t hash = fnas_line_hash(fnas_line_hash(0, &lines[0]), &lines[1]);
    FNAS_TRY(fnas_seen_add(work->context, &work->seen, hash, &again));
    if (again) *skip = FNAS_TEXT_REPEATED;
    return FNAS_OK;
}

static void leave_out(preparation *work, const fnas_parallel_set *set, const slot *pair) {
    bool damage = pair->skip <= FNAS_TEXT_EMPTY || set->part != FNAS_TEXT_TRAIN;
    if (++work->prepared->skipped[pair->skip] > FNAS_NAMED) return;
    fnas_log(work->context, damage ? FNAS_LOG_WARNING : FNAS_LOG_INFO, "%s:%lld: left out: %s", set->paths[pair->side],
             (long long)pair->number, fnas_text_skip_name((fnas_text_skip)pair->skip));
}

/* ---- the vocabulary ---- */

static fnas_text_part part_of(const preparation *work, const fnas_parallel_set *set, const fnas_line *source) {
    if (set->part != FNAS_TEXT_TRAIN) return set->part;
    return fnas_parallel_draw(&work->files, work->request.fractions, work->request.seed, source);
}

static fnas_status flush_lines(preparation *work) {
    size_t size = work->lines.size;
    if (work->lines.failed) return fnas_fail_memory(work->context, "lines");
    work->lines.size = 0;
    return size ? fnas_file_writer_append(work->context, work->lines_file, work->lines.data, size) : FNAS_OK;
}

/* Lines for training, of as many pairs as are wanted at most, spread over the files; none of validation or test. */
static fnas_status sample_pair(preparation *work, const fnas_parallel_set *set, const fnas_line_pair *pair) {
    int side;
    fnas_random random = fnas_random_begin(work->request.seed, FNAS_STREAM_SPLIT, pair->number, (1 << 16) + 1);
    bool wanted = work->prepared->read <= TRAINED_PAIRS_MAX ||
                  fnas_random_uniform(&random) * (double)work->prepared->read < TRAINED_PAIRS_MAX;
    if (!wanted || set->part != FNAS_TEXT_TRAIN || check_lines(pair, &side) != KEPT ||
        part_of(work, set, &pair->sides[FNAS_TEXT_SOURCE]) > FNAS_TEXT_SEARCH)
        return FNAS_OK;
    for (side = 0; side < FNAS_TEXT_SIDES; side++) {
        fnas_text_append_bytes(&work->lines, pair->sides[side].text, pair->sides[side].size);
        fnas_text_append_bytes(&work->lines, "\n", 1);
    }
    return work->lines.size < 1 << 20 ? FNAS_OK : flush_lines(work);
}

static fnas_status write_lines(preparation *work, const char *folder) {
    char *path = fnas_path_join(folder, "lines");
    fnas_status status = path ? fnas_file_writer_begin(work->context, path, &work->lines_file) : fnas_fail_memory(work->context, "a path");
    fnas_free(path);
    if (status != FNAS_OK) return status;
    status = read_all(work, "sample", sample_pair);
    if (status == FNAS_OK) status = flush_lines(work);
    if (status == FNAS_OK) return fnas_file_writer_commit(work->context, work->lines_file);
    fnas_file_writer_abort(work->lines_file);
    return status;
}

static fnas_status train_vocabulary(preparation *work) {
    fnas_temporary folder = {0};
    FNAS_TRY(fnas_temporary_create(work->context, &folder));
    fnas_status status = write_lines(work, folder.path);
    if (status == FNAS_OK) {
        fnas_log(work->context, FNAS_LOG_INFO, "spm_train makes a vocabulary of %lld pieces", (long long)work->request.vocabulary_size);
        status = fnas_vocabulary_train(work->context, folder.path, work->request.kind, work->request.vocabulary_size, work->request.seed,
                                       &work->vocabulary);
    }
    fnas_temporary_remove(&folder);
    return status;
}

static fnas_status get_vocabulary(preparation *work) {
    const char *path = work->request.vocabulary;
    if (!path) return train_vocabulary(work);
    FNAS_TRY(fnas_vocabulary_read(work->context, path, &work->vocabulary));
    fnas_vocabulary_marks marks = fnas_vocabulary_get(work->vocabulary);
    if (marks.begin >= 0 && marks.end >= 0) return FNAS_OK;
    return fnas_fail(work->context, FNAS_ERR_INPUT, "%s: it lacks %s, which a translation %s with: train it with both", path,
                     marks.begin < 0 ? "<s>" : "</s>", marks.begin < 0 ? "begins" : "ends");
}

/* ---- cutting and writing ---- */

static fnas_status cut_item(fnas_context *context, void *user, int64_t item, int64_t worker) {
    preparation *work = user;
    slot *pair = &work->slots[item];
    fnas_encoding *encoding = &work->encodings[worker];
    for (int side = 0; side < FNAS_TEXT_SIDES && pair->skip == KEPT; side++) {
        const char *text = work->texts.data + pair->begins[side];
        FNAS_TRY(fnas_vocabulary_encode(context, work->vocabulary, text, pair->sizes[side], encoding));
        int64_t fit = encoding->count < FNAS_PAIR_IDS_MAX ? encoding->count : FNAS_PAIR_IDS_MAX;
        if (fit) memcpy(pair->ids[side], encoding->ids, (size_t)fit * sizeof *encoding->ids);
        pair->counts[side] = encoding->count;
    }
    return FNAS_OK;
}

static fnas_status write_slot(preparation *work, const fnas_parallel_set *set, slot *pair) {
    const int32_t *ids[FNAS_TEXT_SIDES] = {pair->ids[0], pair->ids[1]};
    fnas_line lines[FNAS_TEXT_SIDES];
    if (pair->skip == KEPT) pair->skip = check_pieces(work, set, pair);
    for (int side = 0; side < FNAS_TEXT_SIDES; side++)
        lines[side] = (fnas_line){work->texts.data + pair->begins[side], pair->sizes[side], false};
    FNAS_TRY(check_repeated(work, set, lines, &pair->skip));
    if (pair->skip != KEPT) {
        leave_out(work, set, pair);
        return FNAS_OK;
    }
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) work->prepared->pieces += pair->counts[side];
    return fnas_pairs_writer_add(work->context, work->writer, part_of(work, set, &lines[0]), ids, pair->counts, lines);
}

/* Cuts what has gathered and writes it in its order. */
static fnas_status write_chunk(preparation *work, const fnas_parallel_set *set) {
    if (work->texts.failed) return fnas_fail_memory(work->context, "lines");
    FNAS_TRY(fnas_team_run(work->context, work->team, work->slot_count, cut_item, work));
    for (int64_t i = 0; i < work->slot_count; i++) FNAS_TRY(write_slot(work, set, &work->slots[i]));
    work->slot_count = 0;
    work->texts.size = 0;
    return FNAS_OK;
}

static fnas_status gather_pair(preparation *work, const fnas_parallel_set *set, const fnas_line_pair *pair) {
    slot *into = &work->slots[work->slot_count++];
    into->number = pair->number;
    into->skip = check_lines(pair, &into->side);
    for (int side = 0; side < FNAS_TEXT_SIDES; side++) {
        into->begins[side] = work->texts.size;
        into->sizes[side] = into->skip == KEPT ? pair->sides[side].size : 0;
        fnas_text_append_bytes(&work->texts, pair->sides[side].text, into->sizes[side]);
    }
    return work->slot_count < CHUNK ? FNAS_OK : write_chunk(work, set);
}

static fnas_status check_parts(preparation *work) {
    static const char *const names[FNAS_TEXT_PARTS] = {"train", "search", "validation", "test"};
    for (int part = 0; part < FNAS_TEXT_PARTS; part++) {
        work->prepared->counts[part] = fnas_pairs_writer_count(work->writer, (fnas_text_part)part);
        if (!work->prepared->counts[part])
            return fnas_fail(work->context, FNAS_ERR_INPUT, "%s: of %lld pairs of lines none is left for the %s part",
                             work->files.sets[0].paths[0], (long long)work->prepared->read, names[part]);
    }
    return FNAS_OK;
}

static fnas_status write_parts(preparation *work) {
    begin_pass(work, "prepare");
    for (int i = 0; i < work->files.count; i++) {
        FNAS_TRY(read_set(work, &work->files.sets[i], gather_pair));
        FNAS_TRY(write_chunk(work, &work->files.sets[i]));
    }
    FNAS_TRY(report(work));
    FNAS_TRY(check_parts(work));
    for (int part = 0; part < FNAS_TEXT_PARTS; part++)
        if (part == FNAS_TEXT_TRAIN || !work->files.has_files[part])
            FNAS_TRY(fnas_pairs_writer_mix(work->context, work->writer, (fnas_text_part)part, work->request.seed));
    return FNAS_OK;
}

static fnas_status write_pairs(preparation *work) {
    const char *languages[FNAS_TEXT_SIDES] = {work->files.languages[0], work->files.languages[1]};
    FNAS_TRY(fnas_pairs_writer_begin(work->context, work->path, work->vocabulary, &work->writer));
    fnas_status status = write_parts(work);
    if (status == FNAS_OK)
        return fnas_pairs_writer_end(work->context, work->writer, languages, work->request.seed, &work->prepared->size_bytes);
    fnas_pairs_writer_abort(work->writer);
    return status;
}

/* ---- the whole ---- */

static fnas_status allocate(preparation *work) {
    work->threads = fnas_context_threads(work->context);
    work->slots = fnas_allocate(CHUNK, sizeof *work->slots);
    work->encodings = fnas_allocate((size_t)work->threads, sizeof *work->encodings);
    if (!work->slots || !work->encodings) return fnas_fail_memory(work->context, "lines");
    return fnas_team_create(work->context, work->threads, NULL, &work->team);
}

static void release(preparation *work) {
    for (int64_t i = 0; work->encodings && i < work->threads; i++) fnas_encoding_free(&work->encodings[i]);
    fnas_free(work->encodings);
    fnas_free(work->slots);
    fnas_team_destroy(work->team);
    fnas_seen_free(&work->seen);
    fnas_text_free(&work->lines);
    fnas_text_free(&work->texts);
    fnas_vocabulary_free(work->vocabulary);
    fnas_parallel_free(&work->files);
}

static void remove_temporaries(const char *path) {
    char *folder = fnas_path_folder(path);
    if (folder) fnas_folder_remove_temporaries(folder);
    fnas_free(folder);
}

static fnas_status prepare(preparation *work, const char *spec) {
    FNAS_TRY(fnas_parallel_find(work->context, spec, &work->files));
    FNAS_TRY(fnas_parallel_check_output(work->context, &work->files, work->path));
    remove_temporaries(work->path);
    FNAS_TRY(read_all(work, "count", count_pair));
    work->total = work->prepared->read;
    FNAS_TRY(get_vocabulary(work));
    work->prepared->vocabulary = fnas_vocabulary_get(work->vocabulary).size;
    FNAS_TRY(allocate(work));
    return write_pairs(work);
}

static fnas_status complete_request(fnas_context *context, fnas_text_request *request) {
    static const double fractions[FNAS_TEXT_PARTS] = {0, 0.1, 0.05, 0.05};
    double sum = 0;
    if (!request->kind) request->kind = "bpe";
    if (!request->vocabulary_size) request->vocabulary_size = 8000;
    if (!request->longest) request->longest = 250;
    if (request->ratio == 0) request->ratio = 3;
    for (int part = FNAS_TEXT_SEARCH; part < FNAS_TEXT_PARTS; part++) {
        if (request->fractions[part] == 0) request->fractions[part] = fractions[part];
        sum += request->fractions[part] > 0 ? request->fractions[part] : 1;
    }
    if (strcmp(request->kind, "bpe") != 0 && strcmp(request->kind, "unigram") != 0)
        return fnas_fail(context, FNAS_ERR_USAGE, "a vocabulary of type \"%s\": bpe and unigram can be had", request->kind);
    if (request->vocabulary_size < VOCABULARY_LEAST || request->vocabulary_size > VOCABULARY_MOST)
        return fnas_fail(context, FNAS_ERR_USAGE, "a vocabulary of %lld pieces: it must have %d..%d", (long long)request->vocabulary_size,
                         VOCABULARY_LEAST, VOCABULARY_MOST);
    if (request->longest < 1 || request->longest > FNAS_PAIR_IDS_MAX)
        return fnas_fail(context, FNAS_ERR_USAGE, "at most %lld pieces a side: it must be 1..%d", (long long)request->longest,
                         FNAS_PAIR_IDS_MAX);
    if (!(request->ratio >= 1)) return fnas_fail(context, FNAS_ERR_USAGE, "a ratio of lengths of %g: it must be 1 or more", request->ratio);
    if (sum < 1) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_USAGE, "the parts for search, validation and test must be above 0, their sum below 1");
}

fnas_status fnas_text_prepare(fnas_context *context, const char *spec, const fnas_text_request *request, const char *path,
                              fnas_text_prepared *prepared) {
    preparation work = {.context = context, .request = *request, .path = path, .prepared = prepared};
    *prepared = (fnas_text_prepared){0};
    FNAS_TRY(complete_request(context, &work.request));
    fnas_status status = prepare(&work, spec);
    release(&work);
    return status;
}
