/* Results: JSON to a stream, and files made by the library passed on to standard output. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

#include "fleetnas/fleetnas.h"

/* Writes indented JSON. Keys are NULL inside arrays. Numbers are the shortest that read back the same; what is not finite becomes null. */
typedef struct cli_json {
    FILE *file;
    int depth;
    bool filled[16]; /* by depth: something stands there already */
} cli_json;

void cli_json_object(cli_json *json, const char *key);
void cli_json_array(cli_json *json, const char *key);
void cli_json_end(cli_json *json, char bracket); /* '}' or ']'; a newline behind the outermost */
void cli_json_text(cli_json *json, const char *key, const char *value);
void cli_json_number(cli_json *json, const char *key, double value);
void cli_json_integer(cli_json *json, const char *key, int64_t value);
void cli_json_flag(cli_json *json, const char *key, bool value);

/* Hands what the library writes to a path (by `write`, in a temporary folder) on to standard output. */
typedef fnas_status cli_save_function(fnas_context *context, const void *user, const char *path);
FNAS_NODISCARD fnas_status cli_save_to_stdout(fnas_context *context, const char *verb, cli_save_function *save, const void *user);

/* Prints a number in at most `digits` significant digits, or "-" when it is not finite; right-aligned in `width`. */
void cli_print_cell(int width, int digits, double value);

/* The same with `decimals` digits behind the point, so that the points of a column stand one above the other. */
void cli_print_fixed(int width, int decimals, double value);
/* Decimals that give `digits` significant digits to the largest of a column's magnitudes; 0 to 6. */
int cli_decimals(double largest, int digits);

/* A card whose noise_spearman is less is noisy: between whole measurements on a loaded machine it is 0.99 and more. */
#define CLI_NOISE_POOR 0.95

bool cli_has_suffix(const char *path, const char *suffix);

#endif
