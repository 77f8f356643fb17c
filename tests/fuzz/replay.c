/* Usage: fuzz_NAME CORPUS_FOLDER MUTATIONS [SEED]. Hands every file of the corpus to the parser, then MUTATIONS spoilt copies of them: the
 * same ones for equal seeds. For builds without libFuzzer, so that every test run replays what was once found. */
#include <dirent.h>
#include <string.h>

#include "fuzz/fuzz.h"

#define FILES_MOST 1000
#define BYTES_MOST (1 << 16)

typedef struct sample {
    uint8_t *data;
    size_t size;
} sample;

static sample samples[FILES_MOST];
static int64_t sample_count;
static uint64_t state;

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t next_random(void) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(size_t limit) {
    return limit ? (size_t)(next_random() % limit) : 0;
}

static void read_sample(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    FUZZ_REQUIRE(file && sample_count < FILES_MOST);
    sample *read = &samples[sample_count++];
    read->data = malloc(BYTES_MOST);
    FUZZ_REQUIRE(read->data);
    read->size = fread(read->data, 1, BYTES_MOST, file);
    fclose(file);
}

static int is_file(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static void read_corpus(const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_file, alphasort); /* sorted: the same mutations everywhere */
    FUZZ_REQUIRE(count > 0);
    for (int i = 0; i < count; i++) {
        read_sample(folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* One change: a byte, a bit, a piece removed, repeated or taken from another sample, a number that breaks limits. */
static size_t spoil(uint8_t *data, size_t size) {
    static const char *const words[] = {"-1", "0", "nan", "1e999", "\"", ",",    "\n",         "{",      "[",
                                        "]",  "}", ":",   "&a ",   "*a", "\xff", "4294967295", "PK\1\2", "PK\3\4"};
    size_t at = below(size), length = 1 + below(16);
    const sample *other = &samples[below((size_t)sample_count)];
    if (size > at + length) switch (next_random() % 6) {
        case 0:
            data[at] = (uint8_t)next_random();
            return size;
        case 1:
            data[at] ^= (uint8_t)(1u << below(8));
            return size;
        case 2:
            memmove(data + at, data + at + length, size - at - length);
            return size - length;
        case 3:
            memmove(data + at + length, data + at, size - at - length); /* the end is pushed out */
            return size;
        case 4:
            if (other->size > length) memcpy(data + at, other->data + below(other->size - length), length);
            return size;
        default: {
            const char *word = words[below(sizeof words / sizeof *words)];
            if (strlen(word) <= size - at) memcpy(data + at, word, strlen(word));
            return size;
        }
        }
    return at; /* cut off */
}

static void run_once(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1); /* of its own size, so that sanitizers see a byte too far */
    FUZZ_REQUIRE(exact);
    if (size) memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

int main(int count, char **words) {
    static uint8_t buffer[BYTES_MOST];
    if (count < 3) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER MUTATIONS [SEED]\n", words[0]);
        return 1;
    }
    long mutations = strtol(words[2], NULL, 10);
    state = count > 3 ? strtoull(words[3], NULL, 10) : 0;
    read_corpus(words[1]);
    run_once(buffer, 0);
    for (int64_t i = 0; i < sample_count; i++) run_once(samples[i].data, samples[i].size);
    for (long i = 0; i < mutations; i++) {
        const sample *from = &samples[below((size_t)sample_count)];
        size_t size = from->size;
        memcpy(buffer, from->data, size);
        for (size_t changes = 1 + below(4); changes > 0; changes--) size = spoil(buffer, size);
        run_once(buffer, size);
    }
    printf("%lld inputs and %ld mutations of them\n", (long long)sample_count, mutations);
    for (int64_t i = 0; i < sample_count; i++) free(samples[i].data);
    return 0;
}
