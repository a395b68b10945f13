/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec transform: encoder and decoder of maps in C99, without allocation or recursion.
 * Sizes are in transform_config.h, matrices in transform_tables.c, the Huffman code in huffman_tables.c.
 */
#ifndef TRANSFORM_H
#define TRANSFORM_H

#include "huffman.h"
#include "samples.h"
#include "transform_config.h"

/* A map, channel by channel, row by row; `offset` tells that samples are unsigned, else they are signed. */
typedef struct {
    uint8_t *samples;
    size_t channels;
    size_t height;
    size_t width;
    bool offset;
} transform_map;

/* Encode a map to a packet. Sets its `bits`; false if it has too little room, the map has channels that do not fit the
 * matrix, or a sample is negative though the codec is for maps without negative ones.
 */
bool transform_encode(const transform_map *map, bits_output *packet);

/* Decode a map; false if the packet is malformed, and then the samples mean nothing, or the channels do not fit. */
bool transform_decode(bits_input packet, const transform_map *map);

#endif
