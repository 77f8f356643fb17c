/* Blocks of MobileNetV3 as Once-for-All's latency tables name them. */
#ifndef FNAS_DEVICE_OFA_H
#define FNAS_DEVICE_OFA_H

#include "export/ofa_table.h"
#include "space/mobilenetv3/mobilenetv3.h"

/* The space's MobileNetV3; FNAS_ERR_UNSUPPORTED for another space: its networks have no such blocks. */
FNAS_NODISCARD fnas_status fnas_ofa_space(fnas_context *context, const fnas_space *space, const fnas_mbv3 **mbv3);

/* OFA's key of a block (its MBv3LatencyTable). */
fnas_ofa_block fnas_ofa_block_of(const fnas_mbv3_block *block);

/* The distinct blocks of all architectures of a resolution, in the order in which they first come: at most FNAS_OFA_BLOCKS_MAX. */
#define FNAS_OFA_BLOCKS_MAX (FNAS_MBV3_BLOCKS_MAX * FNAS_MBV3_COVERING)
int64_t fnas_ofa_all_blocks(const fnas_mbv3 *mbv3, int32_t resolution, fnas_ofa_block blocks[FNAS_OFA_BLOCKS_MAX]);
/* Where a block stands in a list of them; -1: nowhere. */
int64_t fnas_ofa_find_block(int64_t count, const fnas_ofa_block *blocks, const fnas_ofa_block *block);

#endif
