/* SPDX-License-Identifier: Apache-2.0
 *
 * The code that suits a packet of the codec lanes: which runs of zeros and which ranges of values have symbols.
 */
#ifndef LANES_CHOICE_H
#define LANES_CHOICE_H

#include "lanes_events.h"

/* The code of a packet, its symbols by class of runs and leaf, and how runs are divided. */
typedef struct {
    lanes_code code;
    lanes_grid grid;
    lanes_division division;
    uint8_t symbol_of[LANES_RUN_CLASSES][LANES_LEAVES];
} lanes_choice;

/* Choose the code of a packet of at least one word. */
void lanes_choose(const lanes_packet *packet, lanes_choice *choice);

#endif
