/* SPDX-License-Identifier: Apache-2.0
 *
 * EBPC in parallel blocks: encoder and decoder in C99, without tables, allocation or recursion.
 * The size of words is in ebpc_parallel_config.h.
 */
#ifndef EBPC_PARALLEL_H
#define EBPC_PARALLEL_H

#include "bits.h"
#include "ebpc_parallel_config.h"

/* Encode a packet. Sets `bits` of both streams; false if one has too little room. */
bool ebpc_parallel_encode(const ebpc_parallel_word *words, size_t count, bits_output *znz, bits_output *bpc);

/* Decode a packet of `count` words; false if a stream is malformed, and then the words mean nothing. */
bool ebpc_parallel_decode(bits_input znz, bits_input bpc, ebpc_parallel_word *words, size_t count);

#endif
