/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets of the codec transform of several lanes; see huffman.h.
 */
#include "huffman.h"

void huffman_begin(huffman_output *to, bits_output *packet)
{
    packet->bits = 0U;
    to->packet = packet;
    to->next = 0U;
    units_begin(&to->units, to->lanes, HUFFMAN_LANES, packet);
}

bool huffman_put(huffman_output *to, unsigned symbol)
{
    units_writer *lane = &to->lanes[to->next];

    to->next = (to->next + 1U) % HUFFMAN_LANES;
    return (symbol < HUFFMAN_END) && units_put(&to->units, lane, huffman_codes[symbol], huffman_lengths[symbol]);
}

bool huffman_finish(huffman_output *to)
{
    bool fits = true;

    while (fits && (to->next != 0U)) {
        fits = huffman_put(to, 0U);
    }
    return fits && units_finish(&to->units, to->lanes, HUFFMAN_LANES, to->packet);
}

void huffman_open(huffman_input *from, bits_input packet)
{
    from->bits = packet.bits;
    from->next = 0U;
    from->failed = false;
    units_open(&from->units, from->lanes, HUFFMAN_LANES, packet, 0U);
}

unsigned huffman_get(huffman_input *from)
{
    units_reader *lane = &from->lanes[from->next];
    const uint32_t ahead = (uint32_t)(units_ahead(&from->units, lane) >> (64U - HUFFMAN_MOST_LENGTH));
    unsigned length;
    const unsigned symbol = huffman_find(ahead, &length);

    from->next = (from->next + 1U) % HUFFMAN_LANES;
    if ((!units_skip(&from->units, lane, length, false)) || (symbol == HUFFMAN_END)) {
        from->failed = true;
    }
    return symbol;
}

bool huffman_ended(huffman_input *from)
{
    bool right = !from->failed;

    while (right && (from->next != 0U)) {
        right = (huffman_get(from) == 0U) && (!from->failed);
    }
    for (unsigned i = 0U; right && (i < HUFFMAN_LANES); i++) {
        right = units_lane_ended(&from->units, &from->lanes[i]);
    }
    right = right && ((from->bits % (UNITS_OF_BUS * UNITS_BITS)) == 0U);
    return right && ((from->units.size - from->units.end) < UNITS_OF_BUS) && units_rest_is_zero(&from->units);
}
