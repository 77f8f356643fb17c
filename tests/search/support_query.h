/* A run made in memory, never trained, and devices whose latency is a formula. */
#ifndef FNAS_TESTS_SEARCH_SUPPORT_QUERY_H
#define FNAS_TESTS_SEARCH_SUPPORT_QUERY_H

#include "base/support.h"
#include "search/run/run.h"

#define TEST_SPACE "nb201:channels=4,cells=1,classes=4,input=1x8x8"
#define TEST_DATA "synthetic:1x8x8,classes=4,images=400"
/* A space that is trained in phases, its networks' images 16, 24 or 32 pixels wide, and smaller images. */
#define TEST_PHASED_SPACE "mobilenetv3:width=0.1,classes=4,resolutions=16-32-8"
#define TEST_PHASED_DATA "synthetic:3x12x12,classes=4,images=400"

/* A device card of `space_spec`: latency = sum over decisions of op_ms[choice name's order]. op_ms [5]. The card is written into `place`
 * and read back. Owned. */
fnas_card *test_card(fnas_test_place *place, const char *space_spec, const char *name, const double *op_ms);

/* Two devices that rank differently: one where convolutions cost, one where pooling does. Owned by the caller. */
fnas_card *test_card_convolution(fnas_test_place *place);
fnas_card *test_card_pooling(fnas_test_place *place);

/* A run with those two as search devices: random hypernetwork, initialised weights, predictor fitted. objectives as in the option. Owned:
 * fnas_run_close. */
fnas_run *test_run(fnas_test_place *place, const char *objectives, uint64_t seed);

/* The same in a space whose decisions have at most five choices, on a data set of 400 images. */
fnas_run *test_run_in(fnas_test_place *place, const char *space, const char *data, const char *objectives, uint64_t seed);

/* Fails the test with the context's message. */
void test_check(fnas_test_place *place, fnas_status status);

#endif
