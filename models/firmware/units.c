/* SPDX-License-Identifier: Apache-2.0
 *
 * Units of 16 bits, which the lanes of a packet take; see units.h.
 */
#include "units.h"

#define HELD_BITS (UNITS_HELD * UNITS_BITS)
#define NO_UNIT SIZE_MAX

/* Take a unit, which is zero if nothing is written to it. */
static size_t take_unit(units_output *units)
{
    const size_t number = units->used;

    if (number < units->size) {
        units->data[2U * number] = 0U;
        units->data[(2U * number) + 1U] = 0U;
    }
    units->used++;
    return number;
}

/* Write a unit; false if there is no room. */
static bool put_unit(units_output *units, size_t number, uint32_t unit)
{
    const bool fits = (number < units->size);

    if (fits) {
        units->data[2U * number] = (uint8_t)(unit >> 8);
        units->data[(2U * number) + 1U] = (uint8_t)(unit & 0xFFU);
        units->end = (number < units->end) ? units->end : (number + 1U);
    }
    return fits;
}

void units_begin(units_output *units, units_writer *lanes, unsigned count, const bits_output *packet)
{
    units->data = packet->data;
    units->size = packet->size / 2U;
    units->used = packet->bits / UNITS_BITS;
    units->end = units->used;
    for (unsigned turn = 0U; turn < UNITS_HELD; turn++) {
        for (unsigned i = 0U; i < count; i++) {
            lanes[i].held[turn] = take_unit(units);
        }
    }
    for (unsigned i = 0U; i < count; i++) {
        lanes[i].pending = 0U;
        lanes[i].pending_bits = 0U;
    }
}

bool units_put(units_output *units, units_writer *lane, uint32_t value, unsigned length)
{
    bool fits = true;

    lane->pending = (lane->pending << length) | value;
    lane->pending_bits += length;
    while (fits && (lane->pending_bits >= UNITS_BITS)) {
        lane->pending_bits -= UNITS_BITS;
        fits = put_unit(units, lane->held[0], (uint32_t)(lane->pending >> lane->pending_bits));
        lane->pending &= (UINT64_C(1) << lane->pending_bits) - 1U;
        lane->held[0] = lane->held[1];
        lane->held[1] = lane->held[2];
        lane->held[2] = take_unit(units);
    }
    return fits;
}

bool units_finish(units_output *units, const units_writer *lanes, unsigned count, bits_output *packet)
{
    bool fits = true;

    for (unsigned i = 0U; fits && (i < count); i++) {
        if (lanes[i].pending_bits > 0U) {
            const uint32_t unit = (uint32_t)(lanes[i].pending << (UNITS_BITS - lanes[i].pending_bits));

            fits = put_unit(units, lanes[i].held[0], unit);
        }
    }
    while (fits && ((units->end % UNITS_OF_BUS) != 0U)) {
        fits = put_unit(units, units->end, 0U);
    }
    packet->bits = units->end * UNITS_BITS;
    return fits;
}

/* Return a unit; beyond the end of the packet they are zeros. */
static uint32_t unit_at(const units_input *units, size_t number)
{
    uint32_t unit = 0U;

    if (number < units->size) {
        unit = ((uint32_t)units->data[2U * number] << 8) | units->data[(2U * number) + 1U];
    }
    return unit;
}

void units_open(units_input *units, units_reader *lanes, unsigned count, bits_input packet, size_t first)
{
    units->data = packet.data;
    units->size = packet.bits / UNITS_BITS;
    units->used = first + ((size_t)UNITS_HELD * count);
    units->end = first;
    for (unsigned i = 0U; i < count; i++) {
        lanes[i].place = 0U;
        for (unsigned turn = 0U; turn < UNITS_HELD; turn++) {
            lanes[i].held[turn] = first + ((size_t)turn * count) + i;
        }
    }
}

uint64_t units_ahead(const units_input *units, const units_reader *lane)
{
    uint64_t bits = 0U;

    for (unsigned i = 0U; i < UNITS_HELD; i++) {
        bits = (bits << UNITS_BITS) | unit_at(units, lane->held[i]);
    }
    return bits << (64U - HELD_BITS + lane->place);
}

/* Note that bits of a lane's first unit are read; false if it lies beyond the packet. */
static bool read_first(units_input *units, const units_reader *lane)
{
    const bool there = (lane->held[0] < units->size);

    if (there) {
        units->end = (lane->held[0] < units->end) ? units->end : (lane->held[0] + 1U);
    }
    return there;
}

bool units_skip(units_input *units, units_reader *lane, unsigned length, bool last)
{
    bool there = true;

    lane->place += length;
    while (there && (lane->place >= UNITS_BITS)) {
        there = read_first(units, lane);
        lane->place -= UNITS_BITS;
        lane->held[0] = lane->held[1];
        lane->held[1] = lane->held[2];
        lane->held[2] = NO_UNIT;
        if (!last) {
            lane->held[2] = units->used;
            units->used++;
        }
    }
    return there;
}

bool units_lane_ended(units_input *units, const units_reader *lane)
{
    return ((lane->place == 0U) || read_first(units, lane)) && (units_ahead(units, lane) == 0U);
}

bool units_rest_is_zero(const units_input *units)
{
    bool zeros = true;

    for (size_t number = units->used; zeros && (number < units->size); number++) {
        zeros = (unit_at(units, number) == 0U);
    }
    return zeros;
}
