/* SPDX-License-Identifier: Apache-2.0
 *
 * Zero run-length coding: encoder and decoder in C99, without tables, allocation or recursion.
 * The sizes of words and runs are in zero_rle_config.h.
 */
#ifndef ZERO_RLE_H
#define ZERO_RLE_H

#include "bits.h"
#include "zero_rle_config.h"

/* Encode a packet. Sets the stream's `bits`; false if it has too little room. */
bool zero_rle_encode(const zero_rle_word *words, size_t count, bits_output *rle);

/* Decode a packet of `count` words; false if the stream is malformed, and then the words mean nothing. */
bool zero_rle_decode(bits_input rle, zero_rle_word *words, size_t count);

#endif
