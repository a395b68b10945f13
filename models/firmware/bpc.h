/* SPDX-License-Identifier: Apache-2.0
 *
 * BPC, bit-plane compression: encoder and decoder in C99, without tables, allocation or recursion.
 * The sizes of words and blocks are in bpc_config.h.
 */
#ifndef BPC_H
#define BPC_H

#include "bits.h"
#include "bpc_config.h"

/* Encode a packet. Sets the stream's `bits`; false if it has too little room. */
bool bpc_encode(const bpc_word *words, size_t count, bits_output *bpc);

/* Decode a packet of `count` words; false if the stream is malformed, and then the words mean nothing. */
bool bpc_decode(bits_input bpc, bpc_word *words, size_t count);

/* Append a block; false if there is no room. */
bool bpc_put_block(bits_output *bpc, const bpc_word block[BPC_BLOCK_SIZE]);

/* Read a block; marks the stream as failed if it is malformed. */
void bpc_get_block(bits_reader *bpc, bpc_word block[BPC_BLOCK_SIZE]);

#endif
