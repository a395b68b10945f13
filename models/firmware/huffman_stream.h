/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet of the codec transform of one lane: see huffman.h.
 */
#ifndef HUFFMAN_STREAM_H
#define HUFFMAN_STREAM_H

#include "bits.h"

/* A packet to write. */
typedef struct {
    bits_output *packet;
} huffman_output;

/* A packet to read, and whether it was found to be malformed. */
typedef struct {
    bits_reader packet;
    bool failed;
} huffman_input;

#endif
