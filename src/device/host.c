#include "device/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define LINE_BYTES 512

/* Copies up to the end of the line, printable ASCII only, without blanks at the ends. */
static void copy_clean(const char *from, char *text, size_t size_bytes) {
    size_t used = 0;
    while (*from == ' ' || *from == '\t') from++;
    for (; *from && *from != '\n' && used + 1 < size_bytes; from++)
        if (*from >= ' ' && *from < 127) text[used++] = *from;
    while (used && text[used - 1] == ' ') used--;
    text[used] = '\0';
}

/* The value of the first line "key : value" of a file, or "". */
static void find_value(const char *path, const char *key, char *text, size_t size_bytes) {
    text[0] = '\0';
    FILE *file = fopen(path, "re");
    char line[LINE_BYTES];
    while (file && !text[0] && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (colon && strncmp(line, key, strlen(key)) == 0) copy_clean(colon + 1, text, size_bytes);
    }
    if (file) fclose(file);
}

static void read_first_line(const char *path, char *text, size_t size_bytes) {
    text[0] = '\0';
    FILE *file = fopen(path, "re");
    char line[LINE_BYTES];
    if (file && fgets(line, sizeof line, file)) copy_clean(line, text, size_bytes);
    if (file) fclose(file);
}

void fnas_host_processor_from(const char *cpuinfo, const char *board, char *text, size_t size_bytes) {
    static const char *const keys[] = {"model name", "Model", "Hardware"}; /* x86; boards: /proc/cpuinfo of Arm has no "model name" */
    text[0] = '\0';
    for (size_t i = 0; !text[0] && i < sizeof keys / sizeof *keys; i++) find_value(cpuinfo, keys[i], text, size_bytes);
    if (!text[0]) read_first_line(board, text, size_bytes);
    struct utsname machine;
    if (!text[0]) copy_clean(uname(&machine) == 0 ? machine.machine : "unknown", text, size_bytes);
}

void fnas_host_processor(char *text, size_t size_bytes) {
    fnas_host_processor_from("/proc/cpuinfo", "/proc/device-tree/model", text, size_bytes);
}

void fnas_host_governor(char *text, size_t size_bytes) {
    read_first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", text, size_bytes);
    if (!text[0]) snprintf(text, size_bytes, "unknown");
}

void fnas_host_date(char *text, size_t size_bytes) {
    time_t now = time(NULL);
    struct tm utc;
    if (!gmtime_r(&now, &utc) || !strftime(text, size_bytes, "%Y-%m-%dT%H:%M:%SZ", &utc)) snprintf(text, size_bytes, "unknown");
}
