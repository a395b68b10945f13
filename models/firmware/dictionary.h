/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec dictionary: encoder and decoder in C99, without tables, allocation or recursion.
 * The sizes of words, entries, codes and slots are in dictionary_config.h.
 */
#ifndef DICTIONARY_H
#define DICTIONARY_H

#include "bits.h"
#include "dictionary_config.h"

/* Encode a packet, with one layout for all: a slot, a run of zeros or a literal a code, with no run before it. An entry
 * is stored if it comes again soon. Sets `bits` of all streams; false if one has too little room. */
bool dictionary_encode(const dictionary_word *words, size_t count, bits_output *layout, bits_output *codes,
                       bits_output *literals);

/* Decode a packet of `count` words, at least one; false if it is malformed, and then the words mean nothing. */
bool dictionary_decode(bits_input layout, bits_input codes, bits_input literals, dictionary_word *words, size_t count);

#endif
