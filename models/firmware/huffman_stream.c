/* SPDX-License-Identifier: Apache-2.0
 *
 * Packets of the codec transform of one lane; see huffman.h.
 */
#include "huffman.h"

#define WORD_BITS 16U

void huffman_begin(huffman_output *to, bits_output *packet)
{
    packet->bits = 0U;
    to->packet = packet;
}

/* Append a symbol, or the end of the packet. */
static bool put_code(bits_output *packet, unsigned symbol)
{
    return bits_put(packet, huffman_codes[symbol], huffman_lengths[symbol]);
}

bool huffman_put(huffman_output *to, unsigned symbol)
{
    return (symbol < HUFFMAN_END) && put_code(to->packet, symbol);
}

bool huffman_finish(huffman_output *to)
{
    const bool fits = put_code(to->packet, HUFFMAN_END);
    const unsigned used = (unsigned)(to->packet->bits % WORD_BITS);

    return fits && bits_put(to->packet, 0U, (used == 0U) ? 0U : (WORD_BITS - used));
}

void huffman_open(huffman_input *from, bits_input packet)
{
    from->packet.stream = packet;
    from->packet.position = 0U;
    from->packet.failed = false;
    from->failed = false;
}

/* Read a symbol, or the end of the packet. */
static unsigned get_code(bits_reader *packet)
{
    const size_t left = packet->stream.bits - packet->position;
    const unsigned seen = (left < HUFFMAN_MOST_LENGTH) ? (unsigned)left : HUFFMAN_MOST_LENGTH;
    bits_reader ahead = *packet;
    unsigned length;
    const unsigned symbol = huffman_find(bits_get(&ahead, seen) << (HUFFMAN_MOST_LENGTH - seen), &length);

    (void)bits_get(packet, length);
    return symbol;
}

unsigned huffman_get(huffman_input *from)
{
    const unsigned symbol = get_code(&from->packet);

    from->failed = from->failed || from->packet.failed || (symbol == HUFFMAN_END);
    return symbol;
}

bool huffman_ended(huffman_input *from)
{
    return (!from->failed) && (get_code(&from->packet) == HUFFMAN_END) && bits_ended(&from->packet, WORD_BITS);
}
