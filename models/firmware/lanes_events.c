/* SPDX-License-Identifier: Apache-2.0
 *
 * What the lanes of a packet hold; see lanes_events.h.
 */
#include "lanes_events.h"

#define EXACT_RUNS 4U
#define LEAST_RUN_BITS 2U
#define FROM_POWER 4U
#define SPLIT_CLASS 9U
#define FROM_ONE 10U

/* The partitions after those of exact runs alone: a class from 1 to 2^k, or exact runs if k is 0, and then powers of
 * two from `first` to `last`. */
static const struct {
    uint8_t from_one;
    uint8_t first;
    uint8_t last;
} POWERS[LANES_PARTITIONS - EXACT_RUNS] = {{0U, 2U, 2U}, {0U, 2U, 3U}, {0U, 2U, 4U}, {0U, 2U, 5U}, {0U, 2U, 6U},
                                     {2U, 2U, 1U}, {2U, 2U, 2U}, {2U, 2U, 3U}, {3U, 3U, 2U}, {3U, 3U, 3U},
                                     {3U, 3U, 4U}, {4U, 4U, 3U}, {4U, 4U, 4U}, {4U, 4U, 5U}, {5U, 5U, 4U},
                                     {5U, 5U, 5U}, {5U, 5U, 6U}, {6U, 6U, 5U}, {6U, 6U, 6U}, {7U, 7U, 6U}};

/* Give the runs from the longest one on, and below an end, a class. */
static void extend(lanes_division *division, size_t end, unsigned run_class)
{
    while ((division->longest < end) && (division->longest <= LANES_SPLIT_RUN)) {
        division->class_of_run[division->longest] = (uint8_t)run_class;
        division->longest++;
    }
}

lanes_division lanes_divide(unsigned number, uint32_t limit)
{
    const unsigned partition = number % LANES_PARTITIONS;
    lanes_division result;

    result.longest = 0U;
    result.limit = (number < LANES_PARTITIONS) ? UINT32_MAX : limit;
    for (unsigned run = 0U; (run <= partition) && (run < EXACT_RUNS); run++) {
        extend(&result, (size_t)run + 1U, run);
    }
    if (partition >= EXACT_RUNS) {
        const unsigned from_one = POWERS[partition - EXACT_RUNS].from_one;

        if (from_one > 0U) {
            result.longest = 1U;
            extend(&result, ((size_t)1U << from_one) + 1U, (FROM_ONE + from_one) - LEAST_RUN_BITS);
        }
        for (unsigned k = POWERS[partition - EXACT_RUNS].first; k <= POWERS[partition - EXACT_RUNS].last; k++) {
            extend(&result, (size_t)2U << k, (FROM_POWER + k) - LEAST_RUN_BITS);
        }
    }
    result.split_class =
        (result.longest > LANES_SPLIT_RUN) ? SPLIT_CLASS : (unsigned)result.class_of_run[result.longest - 1U];
    return result;
}

static uint32_t word_at(const lanes_packet *packet, size_t place)
{
    return packet->words[place] & LANES_WORD_MASK;
}

static int32_t value_of(uint32_t word)
{
    const uint32_t sign = UINT32_C(1) << (LANES_WORD_BITS - 1U);

    return (int32_t)(word ^ sign) - (int32_t)sign;
}

static uint32_t magnitude_of(uint32_t word)
{
    const int32_t value = value_of(word);

    return (uint32_t)((value < 0) ? -value : value);
}

lanes_grid lanes_make_grid(const lanes_packet *packet, bool *sparse)
{
    lanes_grid grid = {0U, 0U, UINT32_C(1) << (LANES_TREE_BITS - 1U)};
    uint32_t used = 0U;
    int32_t low = 0;
    int32_t high = 0;
    size_t nonzero = 0U;

    for (size_t i = 0U; i < packet->count; i++) {
        const uint32_t word = word_at(packet, i);
        const int32_t value = value_of(word);

        used |= word;
        nonzero += (word != 0U) ? 1U : 0U;
        low = (value < low) ? value : low;
        high = (value > high) ? value : high;
    }
    while ((used != 0U) && (((used >> grid.dropped) & 1U) == 0U)) {
        grid.dropped++;
    }
    low /= (int32_t)1 << grid.dropped;
    high /= (int32_t)1 << grid.dropped;
    while ((low < -(int32_t)grid.half) || (high >= (int32_t)grid.half)) {
        grid.half <<= 1;
        grid.grain++;
    }
    *sparse = ((packet->rows * LANES_LANES) - nonzero) > nonzero;
    return grid;
}

uint32_t lanes_leaf_of(uint32_t word, const lanes_grid *grid)
{
    const int32_t value = value_of(word) / ((int32_t)1 << grid->dropped); /* exact: these bits are zero */

    return (uint32_t)(value + (int32_t)grid->half) >> grid->grain;
}

/* Go to the lane's next word that is not zero. */
static void find_next(const lanes_packet *packet, const lanes_division *by, lanes_walk *walk)
{
    walk->zeros = 0U;
    walk->word = 0U;
    walk->later = 0U;
    while ((walk->next < packet->count) && (word_at(packet, walk->next) == 0U)) {
        walk->zeros++;
        walk->next += LANES_LANES;
    }
    walk->ended = (walk->next >= packet->count);
    if (!walk->ended) {
        walk->word = word_at(packet, walk->next);
        walk->next += LANES_LANES;
        if ((walk->zeros > 0U) && (magnitude_of(walk->word) > by->limit)) {
            walk->zeros--;
            walk->later = walk->word;
            walk->word = 0U;
        }
    }
}

lanes_walk lanes_begin(const lanes_packet *packet, const lanes_division *by, unsigned lane)
{
    lanes_walk walk = {lane, 0U, 0U, 0U, false};

    find_next(packet, by, &walk);
    return walk;
}

lanes_event lanes_next(const lanes_packet *packet, const lanes_division *by, lanes_walk *walk)
{
    lanes_event event = {by->longest - 1U, by->split_class, 0U};

    if ((!walk->ended) && (walk->zeros < by->longest)) {
        event.run = walk->zeros;
        event.run_class = by->class_of_run[walk->zeros];
        event.word = walk->word;
        if (walk->later != 0U) {
            walk->zeros = 0U;
            walk->word = walk->later;
            walk->later = 0U;
        } else {
            find_next(packet, by, walk);
        }
    } else if (!walk->ended) {
        walk->zeros -= by->longest;
    } else {
        /* only zeros are left */
    }
    return event;
}
