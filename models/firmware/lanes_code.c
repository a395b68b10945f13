/* SPDX-License-Identifier: Apache-2.0
 *
 * The code of a packet of the codec lanes; see lanes_code.h.
 */
#include "lanes_code.h"

#include "units.h"

#define COUNT_BITS 6U
#define RUN_CLASS_BITS 4U
#define WIDTH_BITS ((LANES_WORD_BITS > 8U) ? 12U : 4U)
#define BASE_BITS ((LANES_WORD_BITS > 8U) ? 16U : 8U)

const uint8_t lanes_run_bases[LANES_RUN_CLASSES] = {0U, 1U, 2U, 3U, 4U, 8U, 16U, 32U,
                                                    64U, 127U, 1U, 1U, 1U, 1U, 1U, 1U};
const uint8_t lanes_run_extra_bits[LANES_RUN_CLASSES] = {0U, 0U, 0U, 0U, 2U, 3U, 4U, 5U,
                                                         6U, 0U, 2U, 3U, 4U, 5U, 6U, 7U};

/* Read how many code words there are of each length: a complete prefix code of up to LANES_SYMBOLS. */
static bool get_lengths(bits_reader *from, lanes_code *code)
{
    uint32_t covered = 0U;
    bool fits = true;

    code->size = 0U;
    for (unsigned length = 1U; length <= LANES_MAX_LENGTH; length++) {
        const unsigned number = (unsigned)bits_get(from, COUNT_BITS);

        covered += (uint32_t)number << (LANES_MAX_LENGTH - length);
        fits = fits && (number <= (LANES_SYMBOLS - code->size));
        for (unsigned i = 0U; fits && (i < number); i++) {
            code->symbols[code->size].length = length;
            code->size++;
        }
    }
    return fits && (covered == (UINT32_C(1) << LANES_MAX_LENGTH));
}

bool lanes_get_code(bits_reader *from, lanes_code *code)
{
    bool right;

    code->dropped = (unsigned)bits_get(from, UNITS_BITS);
    right = get_lengths(from, code) && (code->dropped < LANES_WORD_BITS);
    for (unsigned i = 0U; right && (i < code->size); i++) {
        lanes_symbol *symbol = &code->symbols[i];

        symbol->run_class = (unsigned)bits_get(from, RUN_CLASS_BITS);
        symbol->width = (unsigned)bits_get(from, WIDTH_BITS);
        symbol->base = bits_get(from, BASE_BITS);
        right = ((lanes_run_extra_bits[symbol->run_class] + symbol->width) <= LANES_MOST_EXTRA_BITS);
    }
    return right && (!from->failed);
}

bool lanes_put_code(bits_output *to, const lanes_code *code)
{
    bool fits = bits_put(to, code->dropped, UNITS_BITS);

    for (unsigned length = 1U; length <= LANES_MAX_LENGTH; length++) {
        uint32_t number = 0U;

        for (unsigned i = 0U; i < code->size; i++) {
            number += (code->symbols[i].length == length) ? 1U : 0U;
        }
        fits = fits && bits_put(to, number, COUNT_BITS);
    }
    for (unsigned i = 0U; i < code->size; i++) {
        fits = fits && bits_put(to, code->symbols[i].run_class, RUN_CLASS_BITS) &&
               bits_put(to, code->symbols[i].width, WIDTH_BITS) && bits_put(to, code->symbols[i].base, BASE_BITS);
    }
    return fits;
}
