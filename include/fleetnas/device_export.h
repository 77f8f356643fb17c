/* Exporting: what was measured on a device, in the form of other programs. */
#ifndef FLEETNAS_DEVICE_EXPORT_H
#define FLEETNAS_DEVICE_EXPORT_H

#include "fleetnas/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero or NULL means the default in brackets. */
typedef struct fnas_export_ofa {
    const int64_t *resolutions; /* [resolution_count] distinct ones of the space [all 25] */
    int64_t resolution_count;
    int64_t rounds; /* timed runs of each network, 12 to 1,000 [12] */
    uint64_t seed;  /* of the networks that check the tables [0] */
} fnas_export_ofa;

/* How well the sum of blocks agrees with networks as a whole: those are random ones, whose blocks were not measured. Errors are relative
 * to the whole. */
typedef struct fnas_ofa_agreement {
    int64_t blocks;   /* distinct ones that were written */
    int64_t networks; /* that were compared */
    double median_error_pct, largest_error_pct, bias_pct /* mean of the signed errors */, spearman;
} fnas_ofa_agreement;

/* Measures the blocks of Once-for-All's MobileNetV3 on the card's device, which must be this machine's (fnas_device_check_here), and writes
 * OFA's latency tables (Cai et al. 2020): one YAML file a resolution, with every block that an architecture of it can have.
 * Blocks are timed where they work: nine networks a resolution have each of them, and a run of a network is timed at each step, so that a
 * block's source lies where the block before it has left it, and no layout is changed that would not be in a whole network. Of a network's
 * rounds the faster half counts, by its whole time; `count`, `mean` and `std` are of all occurrences in these, processor time with
 * one thread and time that passed with more, milliseconds of the card's batch.
 * output: a file, where it ends in ".yaml" and one resolution is asked for, else a folder, made where absent, that gets
 * RESOLUTION_lookup_table.yaml for each. *agreement (may be NULL) is written on success. Reports progress "measure NAME". Not while other
 * threads of the process compute. Takes about a second a network: 1 to 5 minutes for all resolutions. Errors: as fnas_device_remeasure;
 * FNAS_ERR_UNSUPPORTED also for another space than mobilenetv3; FNAS_ERR_INPUT also for a resolution that is none, or given twice, and for
 * several resolutions and one file. Nothing is written after a failure to measure. */
FNAS_API FNAS_NODISCARD fnas_status fnas_device_export_ofa(fnas_context *context, const fnas_space *space, const fnas_card *card,
                                                           const fnas_export_ofa *options, const char *output,
                                                           fnas_ofa_agreement *agreement);

#ifdef __cplusplus
}
#endif
#endif
