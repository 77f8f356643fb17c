/* A run whose networks translate: a tiny space, a small text, a short search. */
#ifndef FNAS_TESTS_SEARCH_SUPPORT_TRANSLATING_H
#define FNAS_TESTS_SEARCH_SUPPORT_TRANSLATING_H

#include "search/support_query.h"

#define TEST_TRANSLATING_SPACE                                                                                                             \
    "transformer:encoder-embed=32+16,decoder-embed=32+16,encoder-layers=3,decoder-layers=2+1,encoder-ffn=64+32,decoder-ffn=64+32,"         \
    "encoder-heads=4+2,decoder-heads=4+2,ende-heads=4+2,ende-attn=-1+1+2,qkv=32,length=10"

/* Pairs of sentences prepared from lines made here, in FOLDER/text.pairs. */
void test_translating_pairs(fnas_test_place *place);

/* A run in FOLDER/run: so many steps on those pairs, for two made-up devices. Owned: fnas_run_close. */
fnas_run *test_translating_run(fnas_test_place *place, int64_t steps);

#endif
