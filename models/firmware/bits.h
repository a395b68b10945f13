/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of bits. They are bytes, the first bit the most significant of the first byte: for words of 8 bits the words
 * that the hardware sends and takes, for wider ones the same with the upper byte first.
 */
#ifndef BITS_H
#define BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stream to write: room for `size` bytes, of which `bits` bits are used. */
typedef struct {
    uint8_t *data;
    size_t size;
    size_t bits;
} bits_output;

/* A stream to read: `bits` bits, with or without the zero bits that fill up the last word. */
typedef struct {
    const uint8_t *data;
    size_t bits;
} bits_input;

/* How far a stream is read, and whether it was found to be malformed. */
typedef struct {
    bits_input stream;
    size_t position;
    bool failed;
} bits_reader;

/* Append the low `length` bits of a value, 0 to 32, most significant first; false if there is no room. */
bool bits_put(bits_output *stream, uint32_t value, unsigned length);

/* Take `length` bits, 0 to 32; zeros, and a mark that it failed, if there are not so many. */
uint32_t bits_get(bits_reader *from, unsigned length);

/* Whether nothing but the zero bits that fill up a word of `word_bits` bits is left. */
bool bits_ended(bits_reader *from, unsigned word_bits);

/* Write a run of zero words: a zero bit, and its length less one in `field` bits; nothing for a run of 0. */
bool bits_put_run(bits_output *stream, uint32_t run, unsigned field);

/* Read the length of a run, after its zero bit; 0, and a mark that it failed, if it is above `most`. */
size_t bits_get_run(bits_reader *from, unsigned field, size_t most);

#endif
