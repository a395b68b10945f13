/* SPDX-License-Identifier: Apache-2.0
 *
 * Huffman code of the codec transform: encoder and decoder in C99, without allocation or recursion.
 * The size of symbols and the lanes are in huffman_config.h, the code in huffman_tables.c.
 */
#ifndef HUFFMAN_H
#define HUFFMAN_H

#include "bits.h"
#include "huffman_config.h"
#if HUFFMAN_LANES > 1U
#include "huffman_lanes.h"
#else
#include "huffman_stream.h"
#endif

/* The symbol that ends a packet, of one lane; packets of several lanes have none. */
#define HUFFMAN_END (1U << HUFFMAN_SYMBOL_BITS)

/* Return the symbol whose code word the next HUFFMAN_MOST_LENGTH bits begin with, and how long that is. */
unsigned huffman_find(uint32_t ahead, unsigned *length);

/* Begin a packet. */
void huffman_begin(huffman_output *to, bits_output *packet);

/* Append a symbol; false if there is no room, or no such symbol. */
bool huffman_put(huffman_output *to, unsigned symbol);

/* End the packet; sets its `bits`; false if there is no room. */
bool huffman_finish(huffman_output *to);

/* Begin to read a packet. */
void huffman_open(huffman_input *from, bits_input packet);

/* Read a symbol; if the packet has none, or is malformed, it is marked as failed, and the symbol means nothing. */
unsigned huffman_get(huffman_input *from);

/* Whether the packet ends, as it should, after what was read. */
bool huffman_ended(huffman_input *from);

/* Encode a packet of symbols. Sets its `bits`; false if it has too little room, or there is no such symbol. */
bool huffman_encode(const uint8_t *symbols, size_t count, bits_output *packet);

/* Decode a packet of `count` symbols; false if it is malformed, and then the symbols mean nothing. */
bool huffman_decode(bits_input packet, uint8_t *symbols, size_t count);

#endif
