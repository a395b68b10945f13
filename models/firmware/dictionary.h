/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec dictionary: decoder in C99, without tables, allocation or recursion.
 * The sizes of words, entries, codes and slots are in dictionary_config.h.
 */
#ifndef DICTIONARY_H
#define DICTIONARY_H

#include "bits.h"
#include "dictionary_config.h"

/* Decode a packet of `count` words, at least one; false if it is malformed, and then the words mean nothing. */
bool dictionary_decode(bits_input layout, bits_input codes, bits_input literals, dictionary_word *words, size_t count);

#endif
