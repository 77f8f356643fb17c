/* Pickles and ZIP archives, written byte by byte. */
#ifndef FNAS_TESTS_EXPORT_SUPPORT_PT_H
#define FNAS_TESTS_EXPORT_SUPPORT_PT_H

#include <stddef.h>
#include <stdint.h>

/* Grows by hand; zero-initialise. Never freed by itself: bytes_free. */
typedef struct bytes_buffer {
    unsigned char *data;
    size_t size;
} bytes_buffer;

void bytes_add(bytes_buffer *buffer, const void *data, size_t size);
void bytes_add_byte(bytes_buffer *buffer, unsigned value);
void bytes_add_little(bytes_buffer *buffer, uint32_t value, int count);
void bytes_free(bytes_buffer *buffer);

/* Opcodes with their arguments. */
void pickle_begin(bytes_buffer *buffer, char container); /* PROTO 2, ']' or '}', BINPUT 0 */
void pickle_float(bytes_buffer *buffer, double value);
void pickle_integer(bytes_buffer *buffer, int32_t value); /* in the shortest of its three forms */
void pickle_text(bytes_buffer *buffer, const char *text);
/* A list as torch.save writes it: batches of 1,000; whole numbers as integers where `integers`. */
void pickle_list(bytes_buffer *buffer, const double *values, size_t count, int integers);

typedef struct zip_part {
    const char *name;
    const void *data;
    size_t size;
} zip_part;

/* Stored entries with data descriptors, as torch.save writes them (without its padding). */
void zip_archive(bytes_buffer *buffer, const zip_part *parts, int count);
/* archive/data.pkl and archive/version. */
void zip_pt(bytes_buffer *buffer, const bytes_buffer *pickle);

#endif
