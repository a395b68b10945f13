/* SPDX-License-Identifier: Apache-2.0
 *
 * Zero run-length coding; see zero_rle.h.
 */
#include "zero_rle.h"

#define WORD_MASK ((UINT32_C(1) << ZERO_RLE_WORD_BITS) - 1U)
#define LONGEST_RUN (UINT32_C(1) << ZERO_RLE_RUN_BITS)

bool zero_rle_encode(const zero_rle_word *words, size_t count, bits_output *rle)
{
    uint32_t run = 0U;
    bool fits = true;

    rle->bits = 0U;
    for (size_t i = 0U; fits && (i < count); i++) {
        const uint32_t word = words[i] & WORD_MASK;

        if (word == 0U) {
            run++;
        }
        if ((word != 0U) || (run == LONGEST_RUN)) {
            fits = bits_put_run(rle, run, ZERO_RLE_RUN_BITS);
            run = 0U;
        }
        if (fits && (word != 0U)) {
            fits = bits_put(rle, 1U, 1U) && bits_put(rle, word, ZERO_RLE_WORD_BITS);
        }
    }
    return fits && bits_put_run(rle, run, ZERO_RLE_RUN_BITS);
}

bool zero_rle_decode(bits_input rle, zero_rle_word *words, size_t count)
{
    bits_reader from = {rle, 0U, false};
    size_t i = 0U;

    while ((i < count) && (!from.failed)) {
        if (bits_get(&from, 1U) == 1U) {
            words[i] = (zero_rle_word)bits_get(&from, ZERO_RLE_WORD_BITS);
            i++;
        } else {
            for (size_t run = bits_get_run(&from, ZERO_RLE_RUN_BITS, count - i); run > 0U; run--) {
                words[i] = 0U;
                i++;
            }
        }
    }
    return bits_ended(&from, 8U);
}
