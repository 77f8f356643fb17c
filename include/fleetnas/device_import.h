/* Importing: device cards from tables of latencies that others measured. */
#ifndef FLEETNAS_DEVICE_IMPORT_H
#define FLEETNAS_DEVICE_IMPORT_H

#include "fleetnas/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tables joined by architecture: rows are architectures of a space, columns what was measured, many devices at once. Owned by the caller
 * (fnas_import_free). One context may read from it at a time. */
typedef struct fnas_import fnas_import;

/* CSV tables (table_count >= 1 paths; RFC 4180, a header row; at most 1 GB and 2,000,000 rows each). In each table a row's architecture is
 * told by a column "arch" (the space's native string), else, where `archs` is given, by "arch_index" or "index" (a whole number),
 * translated by that CSV table or HELP index map, else by one column a decision of the space, named as it is, with the choices' names in
 * it. `archs` (NULL: none) has the columns "arch" and "arch_index" or "index". Of a decision a cell may be empty where its choice cannot
 * matter. The space is borrowed and must outlive the import. Errors: FNAS_ERR_INPUT "TABLE.csv:17: ..." (ragged rows, an architecture twice
 * in a table, an index that `archs` does not have, no column that tells the architecture), FNAS_ERR_USAGE (archs given and not needed, or
 * needed and not given), FNAS_ERR_IO, FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_import_open_csv(fnas_context *context, const fnas_space *space, int64_t table_count,
                                                         const char *const *tables, const char *archs, fnas_import **import);

/* HELP's published latencies (Lee et al. 2021): table_count files .pt, each one list of milliseconds, one column named as the file. Entry i
 * is the architecture of index i in `index_map`: HELP's map from string to index (str_arch2idx.pt), or a CSV table with "arch" and
 * "arch_index". The files are pickles, of which sixteen opcodes are read; any other is refused by name, nothing is run. The space is
 * borrowed. Errors: FNAS_ERR_INPUT (also another number of entries than the map has, two files of one name), FNAS_ERR_IO,
 * FNAS_ERR_MEMORY. */
FNAS_API FNAS_NODISCARD fnas_status fnas_import_open_help(fnas_context *context, const fnas_space *space, int64_t table_count,
                                                          const char *const *tables, const char *index_map, fnas_import **import);

/* HAT's tables of latencies (Wang et al. 2020, latency_dataset.py): CSV files, one row a sub-transformer, whose choices for each layer
 * appear as averages only. On the space transformer rows become measurements as what they are (docs/transformer.md); else such a row is an
 * architecture of a space that has these features as decisions (`space`: a column each, of its
 * name, whose numbers are the choices' names to within 1e-5 of them, relative). The latency is latency_mean_encoder + latency_mean_decoder,
 * milliseconds of one sentence. A column "device" makes a column of the import of each device; without it the file is one, named as it.
 * Errors: as fnas_import_open_csv; FNAS_ERR_INPUT also where a column of HAT's is missing, or a file has several tasks. */
FNAS_API FNAS_NODISCARD fnas_status fnas_import_open_hat(fnas_context *context, const fnas_space *space, int64_t table_count,
                                                         const char *const *tables, fnas_import **import);

/* Which architectures an import of latency tables is of: a table knows blocks, and so every architecture of its resolution. Zero or NULL
 * means the default in brackets. */
typedef struct fnas_import_ofa {
    const char *references;     /* JSON file, as fnas_measure_options.references [the space's own] */
    bool references_from_table; /* no references of their own: ten of the random ones are for the card to choose [false] */
    int64_t arch_count;         /* random architectures of the tables' resolutions beside the references, 1 to 100,000 [300] */
    uint64_t seed;              /* [0] */
} fnas_import_ofa;

/* Latency tables of Once-for-All (Cai et al. 2020; github.com/mit-han-lab/once-for-all, latency_lookup_table.py): table_count (>= 1) YAML
 * files, each of one resolution, with blocks of MobileNetV3 as keys and milliseconds as `mean`. The latency of an architecture is the sum
 * of its blocks', as OFA's estimator has it; the one column is "latency_ms". Blocks of a table that the space does not know are logged as a
 * warning. The space is borrowed and must outlive the import; table paths are not. Errors: FNAS_ERR_INPUT (what is no such table: file and
 * line; a block that is missing: its key; two tables of a resolution, a reference of a resolution without a table), FNAS_ERR_UNSUPPORTED
 * (another space than mobilenetv3), FNAS_ERR_IO, FNAS_ERR_MEMORY. Deterministic. */
FNAS_API FNAS_NODISCARD fnas_status fnas_import_open_ofa(fnas_context *context, const fnas_space *space, int64_t table_count,
                                                         const char *const *tables, const fnas_import_ofa *options, fnas_import **import);

/* Releases an import; cards made from it stay. NULL is allowed. Cannot fail. */
FNAS_API void fnas_import_free(fnas_import *import);

/* Number of architectures in all tables together, and of columns that are no keys; the name of one of those (borrowed), index in
 * 0..count-1, in the order of tables and columns. */
FNAS_API int64_t fnas_import_arch_count(const fnas_import *import);
FNAS_API int64_t fnas_import_column_count(const fnas_import *import);
FNAS_API const char *fnas_import_column(const fnas_import *import, int64_t index);

/* What the card says of the device, and which columns measured it. NULL or zero means the default in brackets: what nobody said is
 * "unknown" in the card, not guessed. */
typedef struct fnas_import_device {
    const char *name;           /* as fnas_measure_options.name [the latency column, without _latency_ms or _ms at its end] */
    const char *latency_column; /* required: milliseconds for one batch */
    const char *energy_column;  /* millijoules for one batch [none] */
    const char *runtime, *runtime_version, *processor, *precision, *isa; /* ["unknown"] */
    int64_t batch, threads;                                              /* [1], [1] */
    const char *references;     /* JSON file, as fnas_measure_options.references [the space's own] */
    bool references_from_table; /* ten rows of the latency's table at even distances, the first among them: as MODNAS chooses HAT's [false]
                                 */
    bool reference_only;        /* the ten references and no measurements [false] */
} fnas_import_device;

/* How many bytes at the front of a latency column's name name its device: "pi5_latency_ms" is the device pi5, 3. Cannot fail; thread-safe.
 */
FNAS_API size_t fnas_import_name_bytes(const char *latency_column);

/* Makes the card of one device: statistic "imported"; its protocol names table and column. Measurements are all rows of the latency
 * column's table, the references among them. Every value must be finite and above 0; a column whose name ends in another unit than
 * milliseconds (or millijoules) is refused, since a number does not tell its unit. Owned: fnas_card_free. O(rows log rows). Errors:
 * FNAS_ERR_INPUT naming file, line and column (a value, a reference or an energy that is missing, a column that is missing or in two
 * tables, fewer than ten rows), FNAS_ERR_USAGE (two ways to choose references), FNAS_ERR_MEMORY. Deterministic but for the date. */
FNAS_API FNAS_NODISCARD fnas_status fnas_import_card(fnas_context *context, const fnas_import *import, const fnas_import_device *device,
                                                     fnas_card **card);

#ifdef __cplusplus
}
#endif
#endif
