/* SPDX-License-Identifier: Apache-2.0
 *
 * EBPC, extended bit-plane compression; see ebpc.h.
 */
#include "ebpc.h"

#define WORD_MASK ((UINT32_C(1) << BPC_WORD_BITS) - 1U)

bool ebpc_encode(const bpc_word *words, size_t count, bits_output *znz, bits_output *bpc)
{
    bpc_word block[BPC_BLOCK_SIZE];
    unsigned filled = 0U;
    uint32_t run = 0U;
    bool fits = true;

    znz->bits = 0U;
    bpc->bits = 0U;
    for (size_t i = 0U; fits && (i < count); i++) {
        if ((words[i] & WORD_MASK) == 0U) {
            run++;
            if (run == EBPC_MAX_ZERO_RUN) {
                fits = bits_put_run(znz, run, EBPC_ZERO_RUN_FIELD);
                run = 0U;
            }
            continue;
        }
        fits = bits_put_run(znz, run, EBPC_ZERO_RUN_FIELD) && bits_put(znz, 1U, 1U);
        run = 0U;
        block[filled] = (bpc_word)(words[i] & WORD_MASK);
        filled++;
        if (filled == BPC_BLOCK_SIZE) {
            fits = fits && bpc_put_block(bpc, block);
            filled = 0U;
        }
    }
    if (fits && (filled > 0U)) {
        while (filled < BPC_BLOCK_SIZE) {
            block[filled] = 0U;
            filled++;
        }
        fits = bpc_put_block(bpc, block);
    }
    return fits && bits_put_run(znz, run, EBPC_ZERO_RUN_FIELD);
}

bool ebpc_decode(bits_input znz, bits_input bpc, bpc_word *words, size_t count)
{
    bits_reader zeros = {znz, 0U, false};
    bits_reader planes = {bpc, 0U, false};
    bpc_word block[BPC_BLOCK_SIZE];
    unsigned used = BPC_BLOCK_SIZE;
    size_t i = 0U;

    while ((i < count) && (!zeros.failed) && (!planes.failed)) {
        if (bits_get(&zeros, 1U) == 1U) {
            if (used == BPC_BLOCK_SIZE) {
                bpc_get_block(&planes, block);
                used = 0U;
            }
            words[i] = block[used];
            used++;
            i++;
        } else {
            for (size_t run = bits_get_run(&zeros, EBPC_ZERO_RUN_FIELD, count - i); run > 0U; run--) {
                words[i] = 0U;
                i++;
            }
        }
    }
    return bits_ended(&zeros, EBPC_PORT_BITS) && bits_ended(&planes, EBPC_PORT_BITS);
}
