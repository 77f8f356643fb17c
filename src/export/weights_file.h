/* The metadata of a file of weights, which a search can begin with. */
#ifndef FNAS_EXPORT_WEIGHTS_FILE_H
#define FNAS_EXPORT_WEIGHTS_FILE_H

#define FNAS_WEIGHTS_FORMAT "fleetnas-weights/1" /* metadata "format" */
#define FNAS_WEIGHTS_SPACE "space"               /* metadata: the spec of the space whose shared weights they are */

#endif
