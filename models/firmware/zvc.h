/* SPDX-License-Identifier: Apache-2.0
 *
 * ZVC, zero value compression: encoder and decoder in C99, without tables, allocation or recursion.
 * The size of words is in zvc_config.h.
 */
#ifndef ZVC_H
#define ZVC_H

#include "bits.h"
#include "zvc_config.h"

/* Encode a packet. Sets `bits` of both streams; false if one has too little room. */
bool zvc_encode(const zvc_word *words, size_t count, bits_output *mask, bits_output *nonzero);

/* Decode a packet of `count` words; false if a stream is malformed, and then the words mean nothing. */
bool zvc_decode(bits_input mask, bits_input nonzero, zvc_word *words, size_t count);

#endif
