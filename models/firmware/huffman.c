/* SPDX-License-Identifier: Apache-2.0
 *
 * Huffman code of the codec transform; see huffman.h.
 */
#include "huffman.h"

unsigned huffman_find(uint32_t ahead, unsigned *length)
{
    uint32_t first = 0U; /* the first code word of a length */
    unsigned index = 0U; /* the number of its symbol, in the order of code words */

    for (*length = 1U; *length < HUFFMAN_MOST_LENGTH; (*length)++) {
        const uint32_t count = huffman_counts[*length];

        if (((ahead >> (HUFFMAN_MOST_LENGTH - *length)) - first) < count) {
            break;
        }
        first = (first + count) << 1;
        index += count;
    }
    return huffman_symbols[index + ((ahead >> (HUFFMAN_MOST_LENGTH - *length)) - first)];
}

bool huffman_encode(const uint8_t *symbols, size_t count, bits_output *packet)
{
    huffman_output to;
    bool fits = true;

    huffman_begin(&to, packet);
    for (size_t i = 0U; fits && (i < count); i++) {
        fits = huffman_put(&to, symbols[i]);
    }
    return fits && huffman_finish(&to);
}

bool huffman_decode(bits_input packet, uint8_t *symbols, size_t count)
{
    huffman_input from;

    huffman_open(&from, packet);
    for (size_t i = 0U; (i < count) && (!from.failed); i++) {
        symbols[i] = (uint8_t)huffman_get(&from);
    }
    return huffman_ended(&from);
}
