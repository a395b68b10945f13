/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec lanes, its encoder: in C99, without allocation or recursion, with log2 and sqrt of math.h.
 */
#ifndef LANES_ENCODER_H
#define LANES_ENCODER_H

#include "bits.h"
#include "lanes_config.h"

/* Encode a packet. Sets `bits` of the stream; false if it has too little room. */
bool lanes_encode(const lanes_word *words, size_t count, bits_output *packet);

#endif
