/* SPDX-License-Identifier: Apache-2.0
 *
 * Huffman code of the codec transform: encoder and decoder in C99, without allocation or recursion.
 * The size of symbols is in huffman_config.h, the code in huffman_tables.c.
 */
#ifndef HUFFMAN_H
#define HUFFMAN_H

#include "bits.h"
#include "huffman_config.h"

/* The symbol that ends a packet. */
#define HUFFMAN_END (1U << HUFFMAN_SYMBOL_BITS)

/* Append a symbol, or the end of the packet; false if there is no room. */
bool huffman_put(bits_output *packet, unsigned symbol);

/* Append the end of the packet, and fill up the last word. */
bool huffman_finish(bits_output *packet);

/* Read a symbol, or the end of the packet; marks the packet as failed if it is malformed. */
unsigned huffman_get(bits_reader *packet);

/* Encode a packet of symbols. Sets its `bits`; false if it has too little room, or there is no such symbol. */
bool huffman_encode(const uint8_t *symbols, size_t count, bits_output *packet);

/* Decode a packet of `count` symbols; false if it is malformed, and then the symbols mean nothing. */
bool huffman_decode(bits_input packet, uint8_t *symbols, size_t count);

#endif
