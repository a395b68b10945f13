/* SPDX-License-Identifier: Apache-2.0
 *
 * The code of a packet of the codec lanes: what its code words stand for, and how that is written.
 */
#ifndef LANES_CODE_H
#define LANES_CODE_H

#include "bits.h"
#include "lanes_config.h"

#define LANES_MAX_LENGTH 8U
#define LANES_RUN_CLASSES 16U
#define LANES_MOST_EXTRA_BITS ((LANES_WORD_BITS > 8U) ? LANES_WORD_BITS : 8U)
#define LANES_WORD_MASK ((UINT32_C(1) << LANES_WORD_BITS) - 1U)

/* The shortest run of zeros of each class, and the bits of what a run has above it. */
extern const uint8_t lanes_run_bases[LANES_RUN_CLASSES];
extern const uint8_t lanes_run_extra_bits[LANES_RUN_CLASSES];

/* What a code word stands for: a run of zeros, and a value whose low `width` bits follow the code word. */
typedef struct {
    unsigned length;
    unsigned run_class;
    unsigned width;
    uint32_t base;
} lanes_symbol;

/* A canonical code: symbols in the order of their code words, for words without their `dropped` low bits. */
typedef struct {
    unsigned dropped;
    unsigned size;
    lanes_symbol symbols[LANES_SYMBOLS];
} lanes_code;

/* Read the header and the table of a packet; false if they are malformed. */
bool lanes_get_code(bits_reader *from, lanes_code *code);

/* Write them; false if there is no room. */
bool lanes_put_code(bits_output *to, const lanes_code *code);

#endif
