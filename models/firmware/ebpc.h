/* SPDX-License-Identifier: Apache-2.0
 *
 * EBPC, extended bit-plane compression: encoder and decoder in C99, without tables, allocation or recursion.
 * The sizes of words, blocks and runs are in ebpc_config.h.
 *
 * Streams are bytes, the first bit the most significant of the first byte: for words of 8 bits the words that the
 * hardware sends and takes, for words of 16 bits the same with the upper byte first.
 */
#ifndef EBPC_H
#define EBPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ebpc_config.h"

/* A stream to write: room for `size` bytes, of which `bits` bits are used. */
typedef struct {
    uint8_t *data;
    size_t size;
    size_t bits;
} ebpc_output;

/* A stream to read: `bits` bits, with or without the zero bits that fill up the last word. */
typedef struct {
    const uint8_t *data;
    size_t bits;
} ebpc_input;

/* Encode a packet. Sets `bits` of both streams; false if one has too little room. */
bool ebpc_encode(const ebpc_word *words, size_t count, ebpc_output *znz, ebpc_output *bpc);

/* Decode a packet of `count` words; false if a stream is malformed, and then the words mean nothing. */
bool ebpc_decode(ebpc_input znz, ebpc_input bpc, ebpc_word *words, size_t count);

#endif
