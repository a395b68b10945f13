/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec lanes: decoder in C99, without allocation or recursion; the encoder is in lanes_encoder.h.
 * The size of words, the number of lanes and that of symbols are in lanes_config.h.
 */
#ifndef LANES_H
#define LANES_H

#include "bits.h"
#include "lanes_config.h"
#include "lanes_encoder.h"

/* Decode a packet of `count` words; false if it is malformed, and then the words mean nothing. */
bool lanes_decode(bits_input packet, lanes_word *words, size_t count);

#endif
