/* SPDX-License-Identifier: Apache-2.0
 *
 * A packet of the codec transform of several lanes: see huffman.h.
 */
#ifndef HUFFMAN_LANES_H
#define HUFFMAN_LANES_H

#include "huffman_config.h"
#include "units.h"

/* A packet to write, and the lane of the next symbol. */
typedef struct {
    bits_output *packet;
    units_output units;
    units_writer lanes[HUFFMAN_LANES];
    unsigned next;
} huffman_output;

/* A packet to read, and whether it was found to be malformed; the lane of the next symbol. */
typedef struct {
    size_t bits;
    units_input units;
    units_reader lanes[HUFFMAN_LANES];
    unsigned next;
    bool failed;
} huffman_input;

#endif
