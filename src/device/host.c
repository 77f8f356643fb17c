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

void fnas_host_processor(char *text, size_t size_bytes) {
    text[0] = '\0';
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[LINE_BYTES];
    while (file && !text[0] && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (colon && strncmp(line, "model name", 10) == 0) copy_clean(colon + 1, text, size_bytes);
    }
    if (file) fclose(file);
    struct utsname machine;
    if (!text[0]) copy_clean(uname(&machine) == 0 ? machine.machine : "unknown", text, size_bytes);
}

void fnas_host_governor(char *text, size_t size_bytes) {
    text[0] = '\0';
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "re");
    char line[LINE_BYTES];
    if (file && fgets(line, sizeof line, file)) copy_clean(line, text, size_bytes);
    if (file) fclose(file);
    if (!text[0]) snprintf(text, size_bytes, "unknown");
}

void fnas_host_date(char *text, size_t size_bytes) {
    time_t now = time(NULL);
    struct tm utc;
    if (!gmtime_r(&now, &utc) || !strftime(text, size_bytes, "%Y-%m-%dT%H:%M:%SZ", &utc)) snprintf(text, size_bytes, "unknown");
}
