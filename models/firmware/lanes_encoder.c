/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec lanes, its encoder; see lanes_encoder.h.
 */
#include "lanes_encoder.h"

#include "lanes_choice.h"
#include "units.h"

/* A lane: its words, and the row at which it needs a symbol. */
typedef struct {
    lanes_walk walk;
    size_t due;
} encoder_lane;

/* Append a symbol to a lane. */
static bool put_symbol(units_output *units, units_writer *lane, const lanes_choice *by, const uint8_t *codes,
                       const lanes_event *event)
{
    const unsigned number = by->symbol_of[event->run_class][lanes_leaf_of(event->word, &by->grid)];
    const lanes_symbol *symbol = &by->code.symbols[number];
    const unsigned run_bits = lanes_run_extra_bits[event->run_class];
    const uint32_t run = (uint32_t)event->run - lanes_run_bases[event->run_class];
    const uint32_t value = (event->word >> by->grid.dropped) & ((UINT32_C(1) << symbol->width) - 1U);
    const uint32_t bits = (((((uint32_t)codes[number]) << run_bits) | run) << symbol->width) | value;

    return units_put(units, lane, bits, symbol->length + run_bits + symbol->width);
}

/* Write all lanes, after the header and the table. */
static bool put_lanes(const lanes_packet *from, const lanes_choice *by, bits_output *packet)
{
    encoder_lane lanes[LANES_LANES];
    units_writer writers[LANES_LANES];
    units_output units;
    uint8_t codes[LANES_SYMBOLS];
    uint32_t end = 0U;
    bool fits = true;

    for (unsigned i = 0U; i < by->code.size; i++) { /* left-aligned, each code word starts where the one before ends */
        codes[i] = (uint8_t)(end >> (LANES_MAX_LENGTH - by->code.symbols[i].length));
        end += UINT32_C(1) << (LANES_MAX_LENGTH - by->code.symbols[i].length);
    }
    units_begin(&units, writers, LANES_LANES, packet);
    for (unsigned i = 0U; i < LANES_LANES; i++) {
        lanes[i].walk = lanes_begin(from, &by->division, i);
        lanes[i].due = 0U;
    }
    for (size_t row = 0U; fits && (row < from->rows); row++) {
        for (unsigned i = 0U; fits && (i < LANES_LANES); i++) {
            if (lanes[i].due == row) {
                const lanes_event event = lanes_next(from, &by->division, &lanes[i].walk);

                lanes[i].due += event.run + 1U;
                fits = put_symbol(&units, &writers[i], by, codes, &event);
            }
        }
    }
    return fits && units_finish(&units, writers, LANES_LANES, packet);
}

bool lanes_encode(const lanes_word *words, size_t count, bits_output *packet)
{
    const size_t rows = (count / LANES_LANES) + (((count % LANES_LANES) > 0U) ? 1U : 0U);
    const lanes_packet from = {words, count, rows};
    lanes_choice choice;

    packet->bits = 0U;
    if (count == 0U) {
        return true;
    }
    lanes_choose(&from, &choice);
    return lanes_put_code(packet, &choice.code) && put_lanes(&from, &choice, packet);
}
