/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec lanes, its encoder; see lanes_encoder.h.
 */
#include "lanes_encoder.h"

#include "lanes_choice.h"

/* A lane: its words, the row at which it needs a symbol, bits that are in no unit yet, and the units that it holds. */
typedef struct {
    lanes_walk walk;
    size_t due;
    uint64_t pending;
    unsigned pending_bits;
    size_t held[LANES_HELD];
} encoder_lane;

/* The units of a packet: room for them, how many are taken, and the end of those that have been written. */
typedef struct {
    uint8_t *data;
    size_t size;
    size_t used;
    size_t end;
} unit_writer;

/* Take a unit, which is zero if nothing is written to it. */
static size_t take_unit(unit_writer *units)
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
static bool put_unit(unit_writer *units, size_t number, uint32_t unit)
{
    const bool fits = (number < units->size);

    if (fits) {
        units->data[2U * number] = (uint8_t)(unit >> 8);
        units->data[(2U * number) + 1U] = (uint8_t)(unit & 0xFFU);
        units->end = (number < units->end) ? units->end : (number + 1U);
    }
    return fits;
}

/* Append a symbol to a lane, which takes another unit for each that is full. */
static bool put_symbol(unit_writer *units, encoder_lane *lane, const lanes_choice *by, const uint8_t *codes,
                       const lanes_event *event)
{
    const unsigned number = by->symbol_of[event->run_class][lanes_leaf_of(event->word, &by->grid)];
    const lanes_symbol *symbol = &by->code.symbols[number];
    const unsigned run_bits = lanes_run_extra_bits[event->run_class];
    const uint32_t run = (uint32_t)event->run - lanes_run_bases[event->run_class];
    const uint32_t value = (event->word >> by->grid.dropped) & ((UINT32_C(1) << symbol->width) - 1U);
    const uint32_t bits = (((((uint32_t)codes[number]) << run_bits) | run) << symbol->width) | value;
    const unsigned length = symbol->length + run_bits + symbol->width;
    bool fits = true;

    lane->pending = (lane->pending << length) | bits;
    lane->pending_bits += length;
    while (fits && (lane->pending_bits >= LANES_UNIT)) {
        lane->pending_bits -= LANES_UNIT;
        fits = put_unit(units, lane->held[0], (uint32_t)(lane->pending >> lane->pending_bits));
        lane->pending &= (UINT64_C(1) << lane->pending_bits) - 1U;
        lane->held[0] = lane->held[1];
        lane->held[1] = lane->held[2];
        lane->held[2] = take_unit(units);
    }
    return fits;
}

/* Write all lanes, from the units that are used on. */
static bool put_lanes(const lanes_packet *packet, const lanes_choice *by, unit_writer *units)
{
    encoder_lane lanes[LANES_LANES];
    uint8_t codes[LANES_SYMBOLS];
    uint32_t end = 0U;
    bool fits = true;

    for (unsigned i = 0U; i < by->code.size; i++) { /* left-aligned, each code word starts where the one before ends */
        codes[i] = (uint8_t)(end >> (LANES_MAX_LENGTH - by->code.symbols[i].length));
        end += UINT32_C(1) << (LANES_MAX_LENGTH - by->code.symbols[i].length);
    }
    for (unsigned turn = 0U; turn < LANES_HELD; turn++) {
        for (unsigned i = 0U; i < LANES_LANES; i++) {
            lanes[i].held[turn] = take_unit(units);
        }
    }
    for (unsigned i = 0U; i < LANES_LANES; i++) {
        lanes[i].walk = lanes_begin(packet, &by->division, i);
        lanes[i].due = 0U;
        lanes[i].pending = 0U;
        lanes[i].pending_bits = 0U;
    }
    for (size_t row = 0U; fits && (row < packet->rows); row++) {
        for (unsigned i = 0U; fits && (i < LANES_LANES); i++) {
            if (lanes[i].due == row) {
                const lanes_event event = lanes_next(packet, &by->division, &lanes[i].walk);

                lanes[i].due += event.run + 1U;
                fits = put_symbol(units, &lanes[i], by, codes, &event);
            }
        }
    }
    for (unsigned i = 0U; fits && (i < LANES_LANES); i++) {
        if (lanes[i].pending_bits > 0U) {
            const uint32_t unit = (uint32_t)(lanes[i].pending << (LANES_UNIT - lanes[i].pending_bits));

            fits = put_unit(units, lanes[i].held[0], unit);
        }
    }
    return fits;
}

bool lanes_encode(const lanes_word *words, size_t count, bits_output *packet)
{
    const size_t rows = (count / LANES_LANES) + (((count % LANES_LANES) > 0U) ? 1U : 0U);
    const lanes_packet from = {words, count, rows};
    lanes_choice choice;
    unit_writer units;
    bool fits;

    packet->bits = 0U;
    if (count == 0U) {
        return true;
    }
    lanes_choose(&from, &choice);
    fits = lanes_put_code(packet, &choice.code);
    units.data = packet->data;
    units.size = packet->size / 2U;
    units.used = packet->bits / LANES_UNIT;
    units.end = units.used;
    fits = fits && put_lanes(&from, &choice, &units);
    while (fits && ((units.end % LANES_BUS_UNITS) != 0U)) {
        fits = put_unit(&units, units.end, 0U);
    }
    packet->bits = units.end * LANES_UNIT;
    return fits;
}
