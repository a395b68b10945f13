/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec lanes, its decoder; see lanes.h.
 */
#include "lanes.h"

#include "lanes_code.h"
#include "units.h"

/* A lane: zeros still to give, and the value after them. */
typedef struct {
    uint32_t zeros;
    uint32_t value;
} decoder_lane;

/* Return the symbol whose code word the next bits begin with; the code is complete. */
static const lanes_symbol *find_symbol(const lanes_code *code, uint32_t next_bits)
{
    const lanes_symbol *symbol = &code->symbols[0];
    uint32_t end = UINT32_C(1) << (LANES_MAX_LENGTH - symbol->length);

    for (unsigned i = 1U; (i < code->size) && (next_bits >= end); i++) {
        symbol = &code->symbols[i];
        end += UINT32_C(1) << (LANES_MAX_LENGTH - symbol->length);
    }
    return symbol;
}

/* Read a symbol; false if the lane reads bits beyond the packet. After the last row no unit is taken. */
static bool get_symbol(units_input *units, units_reader *reader, const lanes_code *code, decoder_lane *lane,
                       bool last_row)
{
    const uint64_t ahead = units_ahead(units, reader);
    const lanes_symbol *symbol = find_symbol(code, (uint32_t)(ahead >> (64U - LANES_MAX_LENGTH)));
    const unsigned extra = lanes_run_extra_bits[symbol->run_class] + symbol->width;
    const unsigned length = symbol->length + extra;
    const uint32_t tail = (uint32_t)(ahead >> (64U - length)) & ((UINT32_C(1) << extra) - 1U);

    lane->value = symbol->base | (tail & ((UINT32_C(1) << symbol->width) - 1U));
    lane->zeros = lanes_run_bases[symbol->run_class] + (tail >> symbol->width);
    return units_skip(units, reader, length, last_row);
}

/* Whether no word of the bus is left of which nothing is taken, and only zeros fill up the last one. */
static bool packet_ended(const units_input *units)
{
    return ((units->used >= units->size) || ((units->size - units->used) < UNITS_OF_BUS)) && units_rest_is_zero(units);
}

bool lanes_decode(bits_input packet, lanes_word *words, size_t count)
{
    bits_reader from = {packet, 0U, false};
    units_input units;
    const size_t rows = (count / LANES_LANES) + (((count % LANES_LANES) > 0U) ? 1U : 0U);
    decoder_lane lanes[LANES_LANES];
    units_reader readers[LANES_LANES];
    lanes_code code;
    bool right;

    if (count == 0U) {
        return packet.bits == 0U;
    }
    right = ((packet.bits % (UNITS_OF_BUS * UNITS_BITS)) == 0U) && lanes_get_code(&from, &code);
    units_open(&units, readers, LANES_LANES, packet, from.position / UNITS_BITS);
    for (unsigned i = 0U; i < LANES_LANES; i++) {
        lanes[i].zeros = 0U;
        lanes[i].value = 0U;
    }
    for (size_t row = 0U; right && (row < rows); row++) {
        for (unsigned i = 0U; right && (i < LANES_LANES); i++) {
            const size_t place = (row * LANES_LANES) + i;
            uint32_t word = 0U;

            if (lanes[i].zeros > 0U) {
                lanes[i].zeros--;
            } else {
                right = get_symbol(&units, &readers[i], &code, &lanes[i], row == (rows - 1U));
            }
            if (lanes[i].zeros == 0U) {
                word = (lanes[i].value << code.dropped) & LANES_WORD_MASK;
            }
            if (place < count) {
                words[place] = (lanes_word)word;
            } else {
                right = right && (word == 0U);
            }
        }
    }
    for (unsigned i = 0U; right && (i < LANES_LANES); i++) {
        right = ((lanes[i].zeros == 0U) || (lanes[i].value == 0U)) && units_lane_ended(&units, &readers[i]);
    }
    return right && packet_ended(&units);
}
