/* SPDX-License-Identifier: Apache-2.0
 *
 * ZVC, zero value compression; see zvc.h.
 */
#include "zvc.h"

#define WORD_MASK ((UINT32_C(1) << ZVC_WORD_BITS) - 1U)

bool zvc_encode(const zvc_word *words, size_t count, bits_output *mask, bits_output *nonzero)
{
    bool fits = true;

    mask->bits = 0U;
    nonzero->bits = 0U;
    for (size_t i = 0U; fits && (i < count); i++) {
        const uint32_t word = words[i] & WORD_MASK;

        if (word == 0U) {
            fits = bits_put(mask, 0U, 1U);
        } else {
            fits = bits_put(mask, 1U, 1U) && bits_put(nonzero, word, ZVC_WORD_BITS);
        }
    }
    return fits;
}

bool zvc_decode(bits_input mask, bits_input nonzero, zvc_word *words, size_t count)
{
    bits_reader flags = {mask, 0U, false};
    bits_reader from = {nonzero, 0U, false};

    for (size_t i = 0U; (i < count) && (!flags.failed) && (!from.failed); i++) {
        words[i] = 0U;
        if (bits_get(&flags, 1U) == 1U) {
            words[i] = (zvc_word)bits_get(&from, ZVC_WORD_BITS);
        }
    }
    return bits_ended(&flags, 8U) && bits_ended(&from, 8U);
}
