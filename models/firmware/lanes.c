/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec lanes, its decoder; see lanes.h.
 */
#include "lanes.h"

#include "lanes_code.h"

#define HELD_BITS (LANES_HELD * LANES_UNIT)
#define NO_UNIT SIZE_MAX

/* A lane: numbers of the units that it holds and bits read of the first one; zeros still to give, and the value after
 * them. */
typedef struct {
    size_t held[LANES_HELD];
    unsigned place;
    uint32_t zeros;
    uint32_t value;
} decoder_lane;

/* A packet: its units, which are bytes in pairs, and how many of them are taken. */
typedef struct {
    const uint8_t *data;
    size_t size;
    size_t used;
} unit_reader;

/* Return a unit; beyond the end of the packet they are zeros. */
static uint32_t unit_at(const unit_reader *units, size_t number)
{
    uint32_t unit = 0U;

    if (number < units->size) {
        unit = ((uint32_t)units->data[2U * number] << 8) | units->data[(2U * number) + 1U];
    }
    return unit;
}

/* Return the bits that a lane holds and has not read, HELD_BITS - place, in the lowest ones. */
static uint64_t bits_ahead(const unit_reader *units, const decoder_lane *lane)
{
    uint64_t bits = 0U;

    for (unsigned i = 0U; i < LANES_HELD; i++) {
        bits = (bits << LANES_UNIT) | unit_at(units, lane->held[i]);
    }
    return bits & ((UINT64_C(1) << (HELD_BITS - lane->place)) - 1U);
}

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
static bool get_symbol(unit_reader *units, const lanes_code *code, decoder_lane *lane, bool last_row)
{
    const uint64_t ahead = bits_ahead(units, lane);
    const unsigned left = HELD_BITS - lane->place;
    const lanes_symbol *symbol = find_symbol(code, (uint32_t)(ahead >> (left - LANES_MAX_LENGTH)));
    const unsigned extra = lanes_run_extra_bits[symbol->run_class] + symbol->width;
    const uint32_t tail =
        (uint32_t)(ahead >> (left - symbol->length - extra)) & ((UINT32_C(1) << extra) - 1U);

    lane->value = symbol->base | (tail & ((UINT32_C(1) << symbol->width) - 1U));
    lane->zeros = lanes_run_bases[symbol->run_class] + (tail >> symbol->width);
    lane->place += symbol->length + extra;
    while (lane->place >= LANES_UNIT) {
        if (lane->held[0] >= units->size) {
            return false;
        }
        lane->place -= LANES_UNIT;
        lane->held[0] = lane->held[1];
        lane->held[1] = lane->held[2];
        lane->held[2] = NO_UNIT;
        if (!last_row) {
            lane->held[2] = units->used;
            units->used++;
        }
    }
    return true;
}

/* Whether a lane has nothing left but zeros, and read no bit beyond the packet. */
static bool lane_ended(const unit_reader *units, const decoder_lane *lane)
{
    return ((lane->zeros == 0U) || (lane->value == 0U)) && ((lane->place == 0U) || (lane->held[0] < units->size)) &&
           (bits_ahead(units, lane) == 0U);
}

/* Whether there is no word of the bus of which nothing is taken, and only zeros fill up the last one. */
static bool packet_ended(const unit_reader *units)
{
    bool zeros = (units->used >= units->size) || ((units->size - units->used) < LANES_BUS_UNITS);

    for (size_t number = units->used; zeros && (number < units->size); number++) {
        zeros = (unit_at(units, number) == 0U);
    }
    return zeros;
}

bool lanes_decode(bits_input packet, lanes_word *words, size_t count)
{
    bits_reader from = {packet, 0U, false};
    unit_reader units = {packet.data, packet.bits / LANES_UNIT, 0U};
    const size_t rows = (count / LANES_LANES) + (((count % LANES_LANES) > 0U) ? 1U : 0U);
    decoder_lane lanes[LANES_LANES];
    lanes_code code;
    bool right;

    if (count == 0U) {
        return packet.bits == 0U;
    }
    right = ((packet.bits % (LANES_BUS_UNITS * LANES_UNIT)) == 0U) && lanes_get_code(&from, &code);
    units.used = from.position / LANES_UNIT;
    for (unsigned i = 0U; i < LANES_LANES; i++) {
        lanes[i].place = 0U;
        lanes[i].zeros = 0U;
        lanes[i].value = 0U;
        for (unsigned turn = 0U; turn < LANES_HELD; turn++) {
            lanes[i].held[turn] = units.used + ((size_t)turn * LANES_LANES) + i;
        }
    }
    units.used += (size_t)LANES_HELD * LANES_LANES;
    for (size_t row = 0U; right && (row < rows); row++) {
        for (unsigned i = 0U; right && (i < LANES_LANES); i++) {
            const size_t place = (row * LANES_LANES) + i;
            uint32_t word = 0U;

            if (lanes[i].zeros > 0U) {
                lanes[i].zeros--;
            } else {
                right = get_symbol(&units, &code, &lanes[i], row == (rows - 1U));
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
        right = lane_ended(&units, &lanes[i]);
    }
    return right && packet_ended(&units);
}
