/* What the files of a command line owe each other, before any work. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "options.h"

/* Of the values of a parsed command line: no output is one of its inputs, whatever it is called, and no two outputs are one file
 * (FNAS_ERR_USAGE); a file can be made at each (FNAS_ERR_IO). Says what is wrong on standard error. */
FNAS_NODISCARD fnas_status cli_check_files(const void *values);

/* The first for a file whose name the command line does not tell. */
FNAS_NODISCARD fnas_status cli_check_overwrites(const void *values, const char *path);

/* Whether a file that is there, or would be, lies in the folder or below it; also where a link leads there. */
bool cli_is_inside(const char *path, const char *folder);

/* A folder or file that is made where there may be none yet: not inside the folder of a data set of the command line. label: how it is
 * called there. */
FNAS_NODISCARD fnas_status cli_check_against_data(const void *values, const char *label, const char *path);

/* FNAS_ERR_IO with a message unless a file can be made at the path, where no folder is. */
FNAS_NODISCARD fnas_status cli_check_output(const char *verb, const char *path);

/* A folder for several files; one that is there is fine. FNAS_ERR_IO with a message. */
FNAS_NODISCARD fnas_status cli_make_folder(const char *verb, const char *path);

#endif
