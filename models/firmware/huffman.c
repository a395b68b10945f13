/* SPDX-License-Identifier: Apache-2.0
 *
 * Huffman code of the codec transform; see huffman.h.
 */
#include "huffman.h"

#define WORD_BITS 16U

bool huffman_put(bits_output *packet, unsigned symbol)
{
    return (symbol <= HUFFMAN_END) && bits_put(packet, huffman_codes[symbol], huffman_lengths[symbol]);
}

bool huffman_finish(bits_output *packet)
{
    const bool fits = huffman_put(packet, HUFFMAN_END);
    const unsigned used = (unsigned)(packet->bits % WORD_BITS);

    return fits && bits_put(packet, 0U, (used == 0U) ? 0U : (WORD_BITS - used));
}

unsigned huffman_get(bits_reader *packet)
{
    uint32_t code = 0U;
    uint32_t first = 0U; /* the first code word of a length */
    unsigned index = 0U; /* the number of its symbol, in the order of code words */

    for (unsigned length = 1U; length <= HUFFMAN_MOST_LENGTH; length++) {
        const uint32_t count = huffman_counts[length];

        code = (code << 1) | bits_get(packet, 1U);
        first <<= 1;
        if ((code - first) < count) {
            return huffman_symbols[index + (code - first)];
        }
        first += count;
        index += count;
    }
    packet->failed = true; /* which no bits of a complete code lead to */
    return HUFFMAN_END;
}

bool huffman_encode(const uint8_t *symbols, size_t count, bits_output *packet)
{
    bool fits = true;

    packet->bits = 0U;
    for (size_t i = 0U; fits && (i < count); i++) {
        const unsigned symbol = symbols[i];

        fits = (symbol < HUFFMAN_END) && huffman_put(packet, symbol);
    }
    return fits && huffman_finish(packet);
}

bool huffman_decode(bits_input packet, uint8_t *symbols, size_t count)
{
    bits_reader from = {packet, 0U, false};

    for (size_t i = 0U; (i < count) && (!from.failed); i++) {
        const unsigned symbol = huffman_get(&from);

        symbols[i] = (uint8_t)symbol;
        if (symbol == HUFFMAN_END) {
            from.failed = true;
        }
    }
    return (!from.failed) && (huffman_get(&from) == HUFFMAN_END) && bits_ended(&from, WORD_BITS);
}
