/* SPDX-License-Identifier: Apache-2.0
 *
 * Units of 16 bits, which the lanes of a packet take in turn: each holds three of them.
 */
#ifndef UNITS_H
#define UNITS_H

#include "bits.h"

#define UNITS_BITS 16U
#define UNITS_HELD 3U

/* Units of a word of the bus, which a packet is made of. */
#define UNITS_OF_BUS 4U

/* The units of a packet to write: room for them, how many are taken, and the end of those that have been written. */
typedef struct {
    uint8_t *data;
    size_t size;
    size_t used;
    size_t end;
} units_output;

/* A lane that writes: bits that are in no unit yet, and the numbers of the units that it holds. */
typedef struct {
    uint64_t pending;
    unsigned pending_bits;
    size_t held[UNITS_HELD];
} units_writer;

/* The units of a packet to read: how many they are, how many are taken, and the end of those that have been read. */
typedef struct {
    const uint8_t *data;
    size_t size;
    size_t used;
    size_t end;
} units_input;

/* A lane that reads: the numbers of the units that it holds, and the bits that it has read of the first one. */
typedef struct {
    size_t held[UNITS_HELD];
    unsigned place;
} units_reader;

/* Begin to write so many lanes, after what the packet has, which is whole units. */
void units_begin(units_output *units, units_writer *lanes, unsigned count, const bits_output *packet);

/* Append the low `length` bits of a value, 0 to 32, to a lane; false if there is no room. */
bool units_put(units_output *units, units_writer *lane, uint32_t value, unsigned length);

/* Write what lanes have left, and zeros up to a whole word of the bus; sets the bits of the packet. */
bool units_finish(units_output *units, const units_writer *lanes, unsigned count, bits_output *packet);

/* Begin to read so many lanes, from unit number `first` of a packet on. */
void units_open(units_input *units, units_reader *lanes, unsigned count, bits_input packet, size_t first);

/* Return the next bits of a lane, 33 of them or more, in the most significant bits; beyond the packet they are zeros. */
uint64_t units_ahead(const units_input *units, const units_reader *lane);

/* Move a lane on by so many bits; false if they lie beyond the packet. Takes no units if these are the `last` bits. */
bool units_skip(units_input *units, units_reader *lane, unsigned length, bool last);

/* Whether a lane has nothing left but zeros, and read no bit beyond the packet. */
bool units_lane_ended(units_input *units, const units_reader *lane);

/* Whether all units are zeros that no lane has taken. */
bool units_rest_is_zero(const units_input *units);

#endif
