/* The images of a folder in ImageNet's layout: which there are, of which class, in an order that no file system has a say in. */
#ifndef FNAS_DATA_IMAGE_LIST_H
#define FNAS_DATA_IMAGE_LIST_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

typedef enum fnas_part { FNAS_PART_TRAIN, FNAS_PART_TEST, FNAS_PART_COUNT } fnas_part;

typedef struct fnas_listed_image {
    size_t path; /* where its path below the root begins in `paths` */
    int64_t size_bytes, modified_ns;
    int64_t turn; /* its number among those of its class and part */
    int32_t label;
} fnas_listed_image;

typedef struct fnas_listed_part {
    fnas_listed_image *images;
    int64_t count;
    size_t capacity;
} fnas_listed_part;

/* What lay there and is no image of the list. */
typedef struct fnas_ignored {
    int64_t hidden, links, folders, others; /* names with a dot, symbolic links, folders in class folders, what is no image by its name */
    int64_t loose;                          /* images outside class folders */
    int64_t beside;                         /* folders that are neither train nor val, where there is train */
    int64_t empty;                          /* images without a byte, of which some are named */
    fnas_text empty_names;
} fnas_ignored;

typedef struct fnas_image_list {
    char *root;      /* absolute */
    fnas_text paths; /* "train/CLASS/NAME", each with its 0 */
    fnas_listed_part parts[FNAS_PART_COUNT];
    int64_t classes;
    fnas_ignored ignored;
    uint64_t identity;    /* of paths and sizes: which images these are, wherever they lie */
    uint64_t fingerprint; /* of paths, sizes and times of change: whether something was made of just these */
} fnas_image_list;

/* Lists root/train/CLASS and root/val/CLASS, where root/train is a folder of folders; root/CLASS otherwise, where every tenth image of a
 * class, in the order of names (of 2 to 9 the last one), is of the test part. Images are files named *.jpg, *.jpeg or *.png, in letters of
 * any case. Classes are numbered in the byte order of their names; images stand in the byte order of theirs, the classes taking turns: the
 * first of each, the second of each, ... so that any first images are of all classes. What is left out is counted, and said in the log.
 * list: released by the caller (fnas_image_list_free) also on failure. Errors: FNAS_ERR_INPUT for a folder that is not laid out so, one
 * class only, a class without images; FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_NODISCARD fnas_status fnas_image_list_open(fnas_context *context, const char *root, fnas_image_list *list);
void fnas_image_list_free(fnas_image_list *list);

/* One line of names, for messages that name the first few: appends ", name" as long as there are at most FNAS_NAMED of them. count: how
 * many there are with this one. */
#define FNAS_NAMED 5
void fnas_name_one(fnas_text *names, int64_t count, const char *name);

#endif
