#include "device/command.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "base/words.h"
#include "device/translating.h"
#include "export/raw_f32.h"
#include "fleetnas/device.h"

#define OUTPUT_LIMIT_BYTES ((size_t)1 << 20) /* of one sample */
#define WHAT "--command"

typedef enum placeholder { ONNX, DECODER, IMAGES, SENTENCES, LOGITS, ARCH, BATCH, THREADS, VOCABULARY, PLACEHOLDERS } placeholder;
static const char *const placeholder_names[PLACEHOLDERS] = {"{onnx}", "{decoder}", "{images}",  "{sentences}", "{logits}",
                                                            "{arch}", "{batch}",   "{threads}", "{vocabulary}"};

struct fnas_command {
    const fnas_command_setting *setting;
    fnas_words words;
    char *logits; /* path */
    const char *folder;
    bool wants_files, checks_logits;
    float *ours, *theirs, *before; /* [batch][classes]; before: ours of the sample before, */
    bool has_before;               /* where there was one whose logits were compared */
    fnas_process *server;          /* of --serve, from the first sample on */
};

static const struct {
    const char *precision;
    double bound;
} logits_bounds[] = {{"f32", 1e-3}, {"f16", 0.1}, {"bf16", 0.4}, {"int8", 0.6}};

/* f32: sums in another order are off by some 1e-6, and transforms of convolutions by a hundred times that. The others: what rounding the
 * weights does to the logits of nb201's deepest cells, times sqrt(2), since activations are rounded as well, is up to 0.057, 0.27 and 0.47
 * for significands of 11 and 8 bits and for int8 with one scale a tensor (tests/device/test_runtime.c); half as much again is left for
 * coarser scales. What lies between two cells (0.43 and more between random ones, 0.075 and more between neighbours) is not always more:
 * hence the comparison with the network before, too. */
double fnas_command_logits_bound(const char *precision) {
    for (size_t i = 0; i < sizeof logits_bounds / sizeof *logits_bounds; i++)
        if (strcmp(logits_bounds[i].precision, precision) == 0) return logits_bounds[i].bound;
    return NAN;
}

void fnas_command_images_name(const fnas_space *space, const int64_t image[3], char name[FNAS_COMMAND_IMAGES_BYTES]) {
    if (fnas_translating_is_of(space))
        snprintf(name, FNAS_COMMAND_IMAGES_BYTES, "%s", FNAS_COMMAND_SENTENCES);
    else if (memcmp(image, space->image, sizeof space->image) == 0)
        snprintf(name, FNAS_COMMAND_IMAGES_BYTES, "%s", FNAS_COMMAND_IMAGES);
    else
        snprintf(name, FNAS_COMMAND_IMAGES_BYTES, "images-%lldx%lld.f32", (long long)image[1], (long long)image[2]);
}

bool fnas_command_wants_files(const fnas_command *command) {
    return command->wants_files;
}

bool fnas_command_checks_logits(const fnas_command *command) {
    return command->checks_logits;
}

/* ---- the command ---- */

bool fnas_device_command_word(fnas_context *context, const char *command, int64_t index, char *word, size_t size_bytes) {
    fnas_words words = {0};
    bool found = fnas_words_split(context, WHAT, command, &words) == FNAS_OK && index >= 0 && (size_t)index < words.count;
    if (found) snprintf(word, size_bytes, "%s", strlen(words.items[index]) < size_bytes ? words.items[index] : "");
    fnas_words_free(&words);
    return found;
}

static bool has_placeholder(const fnas_words *words, placeholder which) {
    for (size_t i = 0; i < words->count; i++)
        if (strstr(words->items[i], placeholder_names[which])) return true;
    return false;
}

/* What networks read, and how many a network is, goes by what they are for. */
static fnas_status check_kind(fnas_context *context, const fnas_command_setting *setting, const bool has[PLACEHOLDERS]) {
    bool translates = setting->vocabulary > 0;
    for (int i = 0; i < PLACEHOLDERS; i++) {
        bool is_of_sentences = i == DECODER || i == SENTENCES || i == VOCABULARY;
        if (has[i] && (translates ? i == IMAGES : is_of_sentences))
            return fnas_fail(context, FNAS_ERR_INPUT, WHAT " names %s, which is of networks %s: this space's %s", placeholder_names[i],
                             translates ? "of images" : "that translate", translates ? "read {sentences}" : "do not");
    }
    if (translates && has[ONNX] != has[DECODER])
        return fnas_fail(context, FNAS_ERR_INPUT,
                         WHAT " names one of {onnx} and {decoder}: a network that translates is both, its encoder and its decoder");
    return FNAS_OK;
}

static fnas_status check_placeholders(fnas_context *context, fnas_command *command) {
    bool has[PLACEHOLDERS];
    for (int i = 0; i < PLACEHOLDERS; i++) has[i] = has_placeholder(&command->words, (placeholder)i);
    bool serve = command->setting->serve, has_networks = command->setting->has_networks, names_input = has[IMAGES] || has[SENTENCES],
         names_files = has[ONNX] || has[DECODER] || names_input || has[LOGITS];
    FNAS_TRY(check_kind(context, command->setting, has));
    command->wants_files = names_files || (serve && has_networks);
    command->checks_logits = has[LOGITS] || (serve && has_networks);
    if (serve && (names_files || has[ARCH]))
        return fnas_fail(context, FNAS_ERR_INPUT,
                         WHAT " names {onnx}, {images}, {logits} or {arch}, which a program that serves is told with "
                              "each request: leave them out");
    if (names_files && !has_networks)
        return fnas_fail(context, FNAS_ERR_UNSUPPORTED,
                         WHAT " wants a network, which a space that a file describes has not: name {arch} alone");
    if (!serve && !has[ONNX] && !has[ARCH])
        return fnas_fail(context, FNAS_ERR_INPUT,
                         WHAT
                         " has no {onnx}: write it where the path of the network belongs, as in 'bench {onnx}' (or {arch}, for a program "
                         "that makes the network itself)");
    if (has[LOGITS] && !names_input) {
        const char *input = command->setting->vocabulary ? "sentences" : "images";
        return fnas_fail(context, FNAS_ERR_INPUT, WHAT " has {logits} without {%s}: the logits are those of the %s, give both", input,
                         input);
    }
    return FNAS_OK;
}

static fnas_status prepare(fnas_context *context, const char *folder, fnas_command *command) {
    const fnas_command_setting *setting = command->setting;
    size_t logits = (size_t)(setting->batch * setting->classes);
    FNAS_TRY(fnas_words_split(context, WHAT, setting->command, &command->words));
    FNAS_TRY(check_placeholders(context, command));
    command->folder = folder;
    command->logits = fnas_path_join(folder, "logits.f32");
    command->ours = fnas_allocate(logits, 3 * sizeof *command->ours);
    command->theirs = command->ours ? command->ours + logits : NULL;
    command->before = command->ours ? command->theirs + logits : NULL;
    return command->logits && command->ours ? FNAS_OK : fnas_fail_memory(context, WHAT);
}

fnas_status fnas_command_create(fnas_context *context, const fnas_command_setting *setting, const char *folder, fnas_command **command) {
    *command = NULL;
    fnas_command *made = fnas_allocate(1, sizeof *made);
    if (!made) return fnas_fail_memory(context, WHAT);
    made->setting = setting;
    fnas_status status = prepare(context, folder, made);
    if (status == FNAS_OK)
        *command = made;
    else
        fnas_command_destroy(made);
    return status;
}

void fnas_command_destroy(fnas_command *command) {
    if (!command) return;
    fnas_process_stop(command->server);
    fnas_words_free(&command->words);
    fnas_free(command->logits);
    fnas_free(command->ours);
    fnas_free(command);
}

/* A word with its placeholders filled in; owned, NULL when out of memory. Values are put in once: one with braces in it stays as it is. */
static char *fill_in(const char *word, const char *const values[PLACEHOLDERS]) {
    fnas_text filled = {0};
    fnas_text_append_bytes(&filled, "", 0);
    while (*word) {
        int which = 0;
        while (which < PLACEHOLDERS && strncmp(word, placeholder_names[which], strlen(placeholder_names[which])) != 0) which++;
        bool found = which < PLACEHOLDERS;
        fnas_text_append_bytes(&filled, found ? values[which] : word, found ? strlen(values[which]) : 1);
        word += found ? strlen(placeholder_names[which]) : 1;
    }
    if (filled.failed) fnas_text_free(&filled);
    return filled.data;
}

/* What a program is told of one architecture. */
typedef struct subject {
    const char *onnx, *decoder, *images, *arch; /* images: or sentences */
} subject;

static fnas_status fill_in_all(fnas_context *context, const fnas_command *command, const subject *told, fnas_words *filled) {
    char batch[24], threads[24], vocabulary[24];
    snprintf(batch, sizeof batch, "%lld", (long long)command->setting->batch);
    snprintf(threads, sizeof threads, "%lld", (long long)command->setting->threads);
    snprintf(vocabulary, sizeof vocabulary, "%lld", (long long)command->setting->vocabulary);
    const char *const values[PLACEHOLDERS] = {told->onnx, told->decoder, told->images, told->images, command->logits,
                                              told->arch, batch,         threads,      vocabulary};
    filled->count = 0;
    filled->items = fnas_allocate(command->words.count + 1, sizeof *filled->items);
    if (!filled->items) return fnas_fail_memory(context, WHAT);
    for (; filled->count < command->words.count; filled->count++) {
        filled->items[filled->count] = fill_in(command->words.items[filled->count], values);
        if (!filled->items[filled->count]) return fnas_fail_memory(context, WHAT);
    }
    return FNAS_OK;
}

static fnas_status start(fnas_context *context, const fnas_command *command, const subject *told, fnas_process **process) {
    fnas_words filled = {0};
    *process = NULL;
    fnas_status status = fill_in_all(context, command, told, &filled);
    if (status == FNAS_OK) status = fnas_process_start(context, filled.items, command->setting->serve, process);
    fnas_words_free(&filled);
    return status;
}

/* ---- a sample ---- */

static fnas_process_limits limits_of(const fnas_command *command) {
    return (fnas_process_limits){command->setting->timeout_s, OUTPUT_LIMIT_BYTES};
}

static fnas_status run_once(fnas_context *context, const fnas_command *command, const subject *told, fnas_text *output) {
    fnas_process *process;
    fnas_status status = start(context, command, told, &process);
    if (status == FNAS_OK) status = fnas_process_finish(context, process, limits_of(command), output);
    fnas_process_stop(process);
    return status;
}

static fnas_status ask_server(fnas_context *context, fnas_command *command, const subject *told, fnas_text *output) {
    fnas_text request = {0};
    if (!command->server) FNAS_TRY(start(context, command, told, &command->server));
    fnas_text_append(&request, "{\"arch\": ");
    fnas_text_append_json(&request, told->arch);
    if (command->wants_files) {
        bool translates = command->setting->vocabulary > 0;
        fnas_text_append(&request, ", \"onnx\": ");
        fnas_text_append_json(&request, told->onnx);
        if (translates) {
            fnas_text_append(&request, ", \"decoder\": ");
            fnas_text_append_json(&request, told->decoder);
        }
        fnas_text_append(&request, ", \"%s\": ", translates ? "sentences" : "images");
        fnas_text_append_json(&request, told->images);
        fnas_text_append(&request, ", \"logits\": ");
        fnas_text_append_json(&request, command->logits);
    }
    fnas_text_append(&request, "}");
    fnas_status status = request.failed ? fnas_fail_memory(context, "a request")
                                        : fnas_process_ask(context, command->server, request.data, limits_of(command), output);
    fnas_text_free(&request);
    return status;
}

static fnas_status run(fnas_context *context, fnas_command *command, const subject *told, fnas_answer *answer) {
    fnas_text output = {0};
    fnas_status status = command->setting->serve ? ask_server(context, command, told, &output) : run_once(context, command, told, &output);
    if (status == FNAS_OK)
        status = fnas_answer_parse(context, command->words.items[0], output.data ? output.data : "", command->setting->field,
                                   command->setting->with_energy, answer);
    fnas_text_free(&output);
    return status;
}

/* ---- logits ---- */

static double difference_of(const fnas_command *command, const float *expected) {
    double apart = 0, length = 0;
    for (int64_t i = 0; i < command->setting->batch * command->setting->classes; i++) {
        double theirs = (double)command->theirs[i];
        apart += (theirs - (double)expected[i]) * (theirs - (double)expected[i]);
        length += (double)command->ours[i] * (double)command->ours[i];
    }
    return sqrt(apart / fmax(length, 1e-30));
}

/* A program that keeps sessions may run the network of the sample before. Rounding goes in no direction, least of all towards the logits of
 * another network, however far it goes; but networks that compute the same are told apart by nothing, and f32's bound leaves them alone. */
static bool is_stale(const fnas_command *command, double difference) {
    return command->has_before && difference > fnas_command_logits_bound("f32") && difference_of(command, command->before) < difference;
}

static fnas_status check_logits(fnas_context *context, fnas_command *command, const char *expected, double *difference) {
    const fnas_command_setting *setting = command->setting;
    const char *who = command->words.items[0];
    int64_t count = setting->batch * setting->classes;
    if (!fnas_file_exists(command->logits))
        return fnas_fail(context, FNAS_ERR_INPUT, "%s wrote no logits: it must write those of the %s to the file that it is told", who,
                         setting->vocabulary ? "sentences" : "images");
    fnas_status status = fnas_raw_f32_read(context, command->logits, count, command->theirs);
    if (status != FNAS_OK) return fnas_fail_prefix(context, status, "%s: its logits", who);
    FNAS_TRY(fnas_raw_f32_read(context, expected, count, command->ours));
    double bound = fnas_command_logits_bound(setting->precision);
    *difference = difference_of(command, command->ours);
    bool stale = is_stale(command, *difference);
    memcpy(command->before, command->ours, (size_t)count * sizeof *command->before);
    command->has_before = true;
    if (stale)
        return fnas_fail(context, FNAS_ERR_INPUT,
                         "%s: its logits are nearer to those of the network before than to this one's (%.3g of their length off): it runs "
                         "another network than it is told",
                         who, *difference);
    if (*difference <= bound) return FNAS_OK; /* not so for NaN */
    return fnas_fail(context, FNAS_ERR_INPUT,
                     "%s: its logits differ from ours by %.3g of their length, more than %g, the bound of %s: it runs another network, or "
                     "in another precision",
                     who, *difference, bound, setting->precision);
}

fnas_status fnas_command_sample(fnas_context *context, fnas_command *command, const char *name, const char *images, const char *arch,
                                fnas_answer *answer, double *difference) {
    fnas_text onnx = {0}, decoder = {0}, expected = {0}, pictures = {0};
    *difference = NAN;
    fnas_text_append(&onnx, "%s/%s" FNAS_COMMAND_ENCODER, command->folder, name);
    fnas_text_append(&decoder, "%s/%s" FNAS_COMMAND_DECODER, command->folder, name);
    fnas_text_append(&expected, "%s/%s.logits", command->folder, name);
    fnas_text_append(&pictures, "%s/%s", command->folder, images);
    (void)unlink(command->logits); /* those of the sample before are none of this one's */
    subject told = {onnx.data, decoder.data, pictures.data, arch};
    bool failed = onnx.failed || decoder.failed || expected.failed || pictures.failed;
    fnas_status status = failed ? fnas_fail_memory(context, "a path") : run(context, command, &told, answer);
    if (status == FNAS_OK && command->checks_logits) status = check_logits(context, command, expected.data, difference);
    fnas_text_free(&onnx);
    fnas_text_free(&decoder);
    fnas_text_free(&expected);
    fnas_text_free(&pictures);
    return status;
}
