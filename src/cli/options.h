/* One table of options a verb: it drives parsing, the help text and the suggestions. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>

#include "messages.h"
#include "suggest.h"

typedef enum cli_kind {
    CLI_FLAG,     /* bool */
    CLI_TEXT,     /* const char * */
    CLI_CHOICE,   /* const char *, one of `argument` "a|b|c" */
    CLI_COUNT,    /* int64_t, 1 and more */
    CLI_WHOLE,    /* int64_t, 0 and more */
    CLI_SEED,     /* uint64_t */
    CLI_REAL,     /* double, more than 0 */
    CLI_REPEATED, /* cli_texts: repeatable, one word each */
    /* Files; what they owe each other is checked before the verb runs (files.h). */
    CLI_INPUT,   /* const char *: one that is read, or a text that may be the name of one */
    CLI_DATA,    /* const char *: a data set, whose files are read */
    CLI_SPACE,   /* const char *: an input; a file that describes a space may name a table, which is read as well */
    CLI_COMMAND, /* const char *: a command, whose words may name files that its program reads */
    CLI_INPUTS,  /* cli_texts: repeatable, takes every word up to the next option */
    CLI_OUTPUT,  /* const char *: one that is written */
    CLI_OUTPUTS, /* cli_texts: repeatable, one word each */
    CLI_PLACE    /* const char *: one that is written, or a folder for several */
} cli_kind;

/* Words of the command line, in order. The array is owned (cli_texts_free), the words are not. */
typedef struct cli_texts {
    const char **items;
    int64_t count;
} cli_texts;
void cli_texts_free(cli_texts *texts);

typedef struct cli_option {
    const char *name; /* without its dashes */
    char letter;      /* also "-o"; 0 for none */
    cli_kind kind;
    size_t offset;        /* of its value in the verb's values */
    const char *argument; /* what its value is called, "FILE"; of a choice "a|b|c" */
    const char *help;
    bool required;
} cli_option;

/* Ends a verb's table. */
#define CLI_OPTIONS_END                                                                                                                    \
    { NULL, 0, CLI_FLAG, 0, NULL, NULL, false }

#define CLI_OPTIONS_MOST 64 /* of a verb, the common ones included */

/* Values that most verbs have. Every verb's values begin with them. */
typedef struct cli_common {
    const struct cli_verb *verb; /* whose values these are */
    bool help, quiet;
    bool seen[CLI_OPTIONS_MOST]; /* by index of option: cli_is_given */
    cli_texts operands;
} cli_common;

typedef struct cli_verb {
    const char *name;     /* "device measure" */
    const char *summary;  /* one line */
    const char *operands; /* "RUN", "CARD.json..."; "" for none */
    int64_t operands_least, operands_most;
    bool operands_are_read; /* they name files or folders */
    bool operands_are_data; /* they name data sets */
    /* Whether a file that lies so in the folder that the operand names, "config.json", "devices/a.json", is read; NULL: it names none. */
    bool (*reads_from_folder)(const char *inside);
    const char *details; /* paragraphs of the help text, a newline between them; their lines are broken where they are printed */
    /* What the operand may be, and a line about each, index 0 to the first NULL; both NULL: anything. */
    const char *(*operand_name)(int64_t index);
    const char *(*operand_summary)(int64_t index);
    const char *example;
    const cli_option *options;
    size_t values_size; /* of the struct that options fill in; begins with a cli_common */
    /* Does the work with the values filled in. Results go to standard output. */
    fnas_status (*run)(fnas_context *context, void *values);
} cli_verb;

/* Fills in `values` (zeroed by the caller) from words[count]. Required options and the number of operands are checked unless --help is
 * among them. FNAS_ERR_USAGE after saying on standard error what is wrong. */
FNAS_NODISCARD fnas_status cli_parse(const cli_verb *verb, int count, char **words, void *values);
void cli_values_free(const cli_verb *verb, void *values);

/* Whether the option (its name without dashes, of this verb) stands on the command line that filled in `values`, whatever its value. */
bool cli_is_given(const cli_verb *verb, const void *values, const char *name);

/* Option `index` of the verb and then of those that every verb has; NULL behind the last. */
const cli_option *cli_option_at(const cli_verb *verb, int64_t index);

/* The help text of a verb, on standard output, in lines of at most CLI_WIDTH characters. */
void cli_print_help(const cli_verb *verb);

/* The whole text as a finite number, or false. */
bool cli_parse_real(const char *text, double *value);

#endif
