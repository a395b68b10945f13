/* SPDX-License-Identifier: Apache-2.0
 *
 * EBPC, extended bit-plane compression: encoder and decoder in C99, without tables, allocation or recursion.
 * The sizes of words and blocks are in bpc_config.h, that of runs in ebpc_config.h.
 */
#ifndef EBPC_H
#define EBPC_H

#include "bpc.h"
#include "ebpc_config.h"

/* Encode a packet. Sets `bits` of both streams; false if one has too little room. */
bool ebpc_encode(const bpc_word *words, size_t count, bits_output *znz, bits_output *bpc);

/* Decode a packet of `count` words; false if a stream is malformed, and then the words mean nothing. */
bool ebpc_decode(bits_input znz, bits_input bpc, bpc_word *words, size_t count);

#endif
