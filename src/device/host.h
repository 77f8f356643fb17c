/* What a card says of the machine. */
#ifndef FNAS_DEVICE_HOST_H
#define FNAS_DEVICE_HOST_H

#include <stddef.h>

/* "AMD EPYC 9B14", or the machine's architecture; printable ASCII. */
void fnas_host_processor(char *text, size_t size_bytes);
/* The same from other files, for tests: cpuinfo as in /proc/cpuinfo; board: the first line names the board. Where neither tells, the
 * architecture ("aarch64"). */
void fnas_host_processor_from(const char *cpuinfo, const char *board, char *text, size_t size_bytes);
/* Frequency governor of the first processor; "unknown" where the system does not tell. */
void fnas_host_governor(char *text, size_t size_bytes);
/* Now, in UTC: "2026-01-31T23:59:59Z". */
void fnas_host_date(char *text, size_t size_bytes);

#endif
