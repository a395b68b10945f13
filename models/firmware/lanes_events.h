/* SPDX-License-Identifier: Apache-2.0
 *
 * What the lanes of a packet hold: runs of zeros and the words after them.
 */
#ifndef LANES_EVENTS_H
#define LANES_EVENTS_H

#include "lanes_code.h"

#define LANES_SPLIT_RUN 127U
/* Ways to divide runs, of which those from 9 on are for sparse packets; and with runs set apart, too. */
#define LANES_PARTITIONS 24U
#define LANES_DIVISIONS (2U * LANES_PARTITIONS)

/* Levels of the tree of values; wider ones are ranges from its leaves on. */
#define LANES_TREE_BITS 8U
#define LANES_LEAVES (1U << LANES_TREE_BITS)

/* Words to encode, which zeros fill up to whole rows. */
typedef struct {
    const lanes_word *words;
    size_t count;
    size_t rows;
} lanes_packet;

/* A way to divide runs into classes: the class of each run below `longest`, and of what longer ones are split by.
 * A run before a word beyond +-`limit` has a symbol of its own, whose value is the run's last zero. */
typedef struct {
    uint8_t class_of_run[LANES_SPLIT_RUN + 1U];
    size_t longest;
    unsigned split_class;
    uint32_t limit;
} lanes_division;

/* How words are leaves of a tree: `dropped` low bits are zero in all of them, `grain` bits above them follow every
 * code word, and there is room for `half` values below zero. */
typedef struct {
    unsigned dropped;
    unsigned grain;
    uint32_t half;
} lanes_grid;

/* A run of zeros and the word after it, which may be zero. */
typedef struct {
    size_t run;
    unsigned run_class;
    uint32_t word;
} lanes_event;

/* How far a lane is read: its next word, and the zeros before `word`, which `later` may follow. */
typedef struct {
    size_t next;
    size_t zeros;
    uint32_t word;
    uint32_t later;
    bool ended;
} lanes_walk;

/* Make a division, of a number below LANES_DIVISIONS; those from LANES_PARTITIONS on set runs apart, by a limit. */
lanes_division lanes_divide(unsigned number, uint32_t limit);

/* Lay a tree over the values that there are; tell whether more words are zero than not. */
lanes_grid lanes_make_grid(const lanes_packet *packet, bool *sparse);

/* Return the leaf that a word belongs to. */
uint32_t lanes_leaf_of(uint32_t word, const lanes_grid *grid);

/* Begin a lane; go on to its next event. After its last word there are zeros without end. */
lanes_walk lanes_begin(const lanes_packet *packet, const lanes_division *by, unsigned lane);
lanes_event lanes_next(const lanes_packet *packet, const lanes_division *by, lanes_walk *walk);

#endif
