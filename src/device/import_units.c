#include "device/import_units.h"

#include <string.h>
#include <strings.h>

#define MICRO "\xc2\xb5" /* U+00B5 */
#define MU "\xce\xbc"    /* U+03BC, which looks the same */

static const struct {
    const char *ending, *unit;
} units[] = {
    {"ns", "nanoseconds"},
    {"nsec", "nanoseconds"},
    {"nanos", "nanoseconds"},
    {"nanosecond", "nanoseconds"},
    {"nanoseconds", "nanoseconds"},
    {"us", "microseconds"},
    {MICRO "s", "microseconds"},
    {MU "s", "microseconds"},
    {"usec", "microseconds"},
    {"micros", "microseconds"},
    {"microsecond", "microseconds"},
    {"microseconds", "microseconds"},
    {"ms", "milliseconds"},
    {"msec", "milliseconds"},
    {"millis", "milliseconds"},
    {"millisecond", "milliseconds"},
    {"milliseconds", "milliseconds"},
    {"s", "seconds"},
    {"sec", "seconds"},
    {"secs", "seconds"},
    {"second", "seconds"},
    {"seconds", "seconds"},
    {"min", "minutes"},
    {"mins", "minutes"},
    {"minute", "minutes"},
    {"minutes", "minutes"},
    {"h", "hours"},
    {"hr", "hours"},
    {"hrs", "hours"},
    {"hour", "hours"},
    {"hours", "hours"},
    {"fps", "images a second"},
    {"hz", "hertz"},
    {"nj", "nanojoules"},
    {"nanojoule", "nanojoules"},
    {"nanojoules", "nanojoules"},
    {"uj", "microjoules"},
    {MICRO "j", "microjoules"},
    {MU "j", "microjoules"},
    {"microjoule", "microjoules"},
    {"microjoules", "microjoules"},
    {"mj", "millijoules"},
    {"millijoule", "millijoules"},
    {"millijoules", "millijoules"},
    {"j", "joules"},
    {"joule", "joules"},
    {"joules", "joules"},
    {"kj", "kilojoules"},
    {"kilojoule", "kilojoules"},
    {"kilojoules", "kilojoules"},
    {"mwh", "milliwatt-hours"},
    {"wh", "watt-hours"},
    {"kwh", "kilowatt-hours"},
    {"mw", "milliwatts"},
    {"milliwatt", "milliwatts"},
    {"milliwatts", "milliwatts"},
    {"w", "watts"},
    {"watt", "watts"},
    {"watts", "watts"},
    {"kw", "kilowatts"},
    {"kilowatt", "kilowatts"},
    {"kilowatts", "kilowatts"},
    {"pct", "percent"},
    {"percent", "percent"},
    {"million", "millions"},
    {"millions", "millions"},
    {"bytes", "bytes"},
    {"kb", "kilobytes"},
    {"mb", "megabytes"},
    {"gb", "gigabytes"},
};

bool fnas_import_ends_in(const char *name, const char *word, size_t *length) {
    size_t size = strlen(name), wanted = strlen(word);
    if (size && strchr(")]", name[size - 1])) size--;
    if (size < wanted + 2 || strncasecmp(name + size - wanted, word, wanted) != 0 || !strchr("_ ([.-", name[size - wanted - 1]))
        return false;
    *length = size - wanted - 1;
    return true;
}

const char *fnas_import_unit(const char *name, const char **ending) {
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t ignored;
        if (!fnas_import_ends_in(name, units[i].ending, &ignored)) continue;
        *ending = units[i].ending;
        return units[i].unit;
    }
    return NULL;
}
