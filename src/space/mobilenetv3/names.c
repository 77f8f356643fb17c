/* What the tensors of Once-for-All's published supernets (ofa_mbv3_d234_e346_k357_w1.0 and w1.2) are called, and what ours are: one table,
 * read both ways. Their first block is our fixed unit, their blocks 1 to 20 are our slots 0 to 19. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "space/mobilenetv3/mobilenetv3.h"

typedef struct name_pair {
    const char *theirs, *ours;
} name_pair;

/* Outside of blocks. Theirs as OFA writes them today, without what older files repeat (`simplify`). */
static const name_pair outer[] = {
    {"first_conv.conv.weight", "stem.conv"},
    {"first_conv.bn.weight", "stem.conv.gamma"},
    {"first_conv.bn.bias", "stem.conv.beta"},
    {"final_expand_layer.conv.weight", "head.last"},
    {"final_expand_layer.bn.weight", "head.last.gamma"},
    {"final_expand_layer.bn.bias", "head.last.beta"},
    {"feature_mix_layer.conv.weight", "head.mix"},
    {"classifier.linear.weight", "head.classifier"},
    {"classifier.linear.bias", "head.classifier.bias"},
};

/* Behind "blocks.N.conv." and behind "stageS.unitU." or "first.". A kernel transform multiplies the centre of a kernel, flattened, from the
 * left: [taps, taps], to 5x5 and from there to 3x3. */
static const name_pair inner[] = {
    {"inverted_bottleneck.conv.weight", "expand"},
    {"inverted_bottleneck.bn.weight", "expand.gamma"},
    {"inverted_bottleneck.bn.bias", "expand.beta"},
    {"depth_conv.conv.weight", "depthwise"},
    {"depth_conv.bn.weight", "depthwise.gamma"},
    {"depth_conv.bn.bias", "depthwise.beta"},
    {"depth_conv.conv.7to5_matrix", "depthwise.transform5"},
    {"depth_conv.conv.5to3_matrix", "depthwise.transform3"},
    {"depth_conv.se.fc.reduce.weight", "reduce"},
    {"depth_conv.se.fc.reduce.bias", "reduce.bias"},
    {"depth_conv.se.fc.expand.weight", "excite"},
    {"depth_conv.se.fc.expand.bias", "excite.bias"},
    {"point_linear.conv.weight", "project"},
    {"point_linear.bn.weight", "project.gamma"},
    {"point_linear.bn.bias", "project.beta"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define NAME_BYTES 160
#define BLOCK "blocks."
#define IN_BLOCK ".conv."

/* ---- one spelling of theirs ---- */

static void replace(char *name, const char *part, const char *with) {
    char *at = strstr(name, part);
    size_t part_bytes = strlen(part), with_bytes = strlen(with);
    if (!at || with_bytes > part_bytes) return;
    memcpy(at, with, with_bytes);
    memmove(at + with_bytes, at + part_bytes, strlen(at + part_bytes) + 1);
}

/* OFA's loader takes files of all its releases: dynamic layers wrap a layer of the same name (".conv.conv.weight", ".bn.bn."), blocks were
 * called mobile_inverted_conv, and training on several devices puts "module." in front. False where a name is too long to be one. */
static bool simplify(const char *published, char name[NAME_BYTES]) {
    static const char module[] = "module.";
    if (strncmp(published, module, sizeof module - 1) == 0) published += sizeof module - 1;
    if (snprintf(name, NAME_BYTES, "%s", published) >= NAME_BYTES) return false;
    replace(name, ".mobile_inverted_conv.", IN_BLOCK);
    replace(name, ".conv.conv.weight", ".conv.weight");
    replace(name, ".bn.bn.", ".bn.");
    replace(name, ".linear.linear.", ".linear.");
    return true;
}

/* ---- theirs to ours ---- */

static const char *find_ours(const name_pair *pairs, size_t count, const char *theirs) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].theirs, theirs) == 0) return pairs[i].ours;
    return NULL;
}

/* "blocks.3.conv.": *slot is 2, *rest what stands behind it. */
static bool read_block(const char *name, int64_t *slot, const char **rest) {
    char *end;
    if (strncmp(name, BLOCK, sizeof BLOCK - 1) != 0) return false;
    const char *digits = name + sizeof BLOCK - 1;
    if (*digits < '0' || *digits > '9' || (*digits == '0' && digits[1] != '.')) return false;
    long block = strtol(digits, &end, 10);
    if (block > FNAS_MBV3_SLOTS || strncmp(end, IN_BLOCK, sizeof IN_BLOCK - 1) != 0) return false;
    *slot = block - 1;
    *rest = end + sizeof IN_BLOCK - 1;
    return true;
}

static bool to_ours(const char *theirs, char *name, size_t size_bytes) {
    int64_t slot;
    const char *rest, *ours = find_ours(outer, COUNT_OF(outer), theirs);
    if (ours) return snprintf(name, size_bytes, "%s", ours) < (int)size_bytes;
    if (!read_block(theirs, &slot, &rest) || !(ours = find_ours(inner, COUNT_OF(inner), rest))) return false;
    int length = slot < 0 ? snprintf(name, size_bytes, "first.%s", ours)
                          : snprintf(name, size_bytes, "stage%d.unit%d.%s", (int)(slot / FNAS_MBV3_STAGE_SLOTS),
                                     (int)(slot % FNAS_MBV3_STAGE_SLOTS), ours);
    return length < (int)size_bytes;
}

/* Whether the name is that of a norm's running statistic: of one whose weight is known. */
static bool is_statistic(char *theirs) {
    static const char *const statistics[] = {"running_mean", "running_var", "num_batches_tracked"};
    char name[NAME_BYTES], *last = strrchr(theirs, '.');
    for (size_t i = 0; last && i < COUNT_OF(statistics); i++) {
        if (strcmp(last + 1, statistics[i]) != 0) continue;
        strcpy(last + 1, "weight"); /* shorter than each of them */
        return last - theirs >= 3 && strncmp(last - 3, ".bn", 3) == 0 && to_ours(theirs, name, sizeof name);
    }
    return false;
}

static bool is_transform(const char *ours) {
    const char *last = strrchr(ours, '.');
    return last && (strcmp(last, ".transform5") == 0 || strcmp(last, ".transform3") == 0);
}

fnas_published fnas_mbv3_from_published(const char *published, char *name, size_t size_bytes) {
    char theirs[NAME_BYTES];
    if (!simplify(published, theirs)) return FNAS_PUBLISHED_OTHER;
    if (to_ours(theirs, name, size_bytes)) return is_transform(name) ? FNAS_PUBLISHED_TRANSFORM : FNAS_PUBLISHED_WEIGHT;
    return is_statistic(theirs) ? FNAS_PUBLISHED_STATISTIC : FNAS_PUBLISHED_OTHER;
}

/* ---- ours to theirs ---- */

static const char *find_theirs(const name_pair *pairs, size_t count, const char *ours) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].ours, ours) == 0) return pairs[i].theirs;
    return NULL;
}

/* "stage1.unit2.": *block is 7; "first.": 0. */
static bool read_unit(const char *name, int *block, const char **rest) {
    int stage, unit, length = 0;
    *block = 0;
    *rest = name + sizeof "first." - 1;
    if (strncmp(name, "first.", sizeof "first." - 1) == 0) return true;
    if (sscanf(name, "stage%1d.unit%1d.%n", &stage, &unit, &length) != 2 || !length) return false;
    *block = 1 + stage * FNAS_MBV3_STAGE_SLOTS + unit;
    *rest = name + length;
    return true;
}

bool fnas_mbv3_to_published(const char *name, char *published, size_t size_bytes) {
    int block;
    const char *rest, *theirs = find_theirs(outer, COUNT_OF(outer), name);
    if (theirs) return snprintf(published, size_bytes, "%s", theirs) < (int)size_bytes;
    if (!read_unit(name, &block, &rest) || !(theirs = find_theirs(inner, COUNT_OF(inner), rest))) return false;
    return snprintf(published, size_bytes, BLOCK "%d" IN_BLOCK "%s", block, theirs) < (int)size_bytes;
}
