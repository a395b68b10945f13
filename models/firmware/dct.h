/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec dct: encoder and decoder of maps in C99, without allocation or recursion.
 * Step and sign are in dct_config.h, the constants of the transforms in dct_tables.c.
 */
#ifndef DCT_H
#define DCT_H

#include "bits.h"
#include "dct_config.h"
#include "samples.h"

/* `count` maps, one after the other, row by row; `offset` tells that samples are unsigned, else they are signed. */
typedef struct {
    uint8_t *samples;
    size_t count;
    size_t height;
    size_t width;
    bool offset;
} dct_maps;

/* Encode a packet. Sets the stream's `bits`; false if it has too little room, or a sample is negative though the codec
 * is for maps without negative ones.
 */
bool dct_encode(const dct_maps *maps, bits_output *tiles);

/* Decode a packet; false if the stream is malformed, and then the samples mean nothing. */
bool dct_decode(bits_input tiles, const dct_maps *maps);

#endif
