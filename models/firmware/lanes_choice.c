/* SPDX-License-Identifier: Apache-2.0
 *
 * The code that suits a packet of the codec lanes; see lanes_choice.h. A symbol is a class of runs with an aligned
 * range of 2^k values. For each class the ranges are leaves of a binary tree that is cut where splitting takes more
 * bits, a symbol's entry in the table included, than it saves.
 */
#include "lanes_choice.h"

#include <math.h>

#define DENSE_PARTITIONS 9U
/* Magnitude up to which values stay with the run before them where others are set apart. */
#define DENSE_LIMIT UINT32_C(0)
#define SPARSE_LIMIT UINT32_C(2)
#define ENTRY_PRICE ((LANES_WORD_BITS > 8U) ? 32.0 : 16.0)
/* Steps from twice the price at which there are few enough symbols towards the least one. */
#define CLOSER 4U

/* How often values come after runs of each class. */
typedef struct {
    size_t counts[LANES_RUN_CLASSES][LANES_LEAVES];
    bool used[LANES_RUN_CLASSES];
    size_t total;
    unsigned grain;
} statistics;

/* Aligned ranges of leaves with a symbol each, of which there may be more than are held; the bits they take without
 * those of runs. */
typedef struct {
    struct {
        unsigned run_class;
        unsigned level;
        unsigned start;
        size_t count;
        unsigned length;
    } ranges[LANES_SYMBOLS];
    unsigned size;
    double bits;
} cut_trees;

static unsigned room_of(unsigned run_class)
{
    return LANES_MOST_EXTRA_BITS - lanes_run_extra_bits[run_class];
}

static void count_events(const lanes_packet *packet, const lanes_division *by, const lanes_grid *grid, statistics *to)
{
    to->total = 0U;
    to->grain = grid->grain;
    for (unsigned i = 0U; i < LANES_RUN_CLASSES; i++) {
        to->used[i] = false;
        for (unsigned leaf = 0U; leaf < LANES_LEAVES; leaf++) {
            to->counts[i][leaf] = 0U;
        }
    }
    for (unsigned lane = 0U; lane < LANES_LANES; lane++) {
        lanes_walk walk = lanes_begin(packet, by, lane);
        size_t row = 0U;

        while (row < packet->rows) {
            const lanes_event event = lanes_next(packet, by, &walk);

            to->counts[event.run_class][lanes_leaf_of(event.word, grid)]++;
            to->used[event.run_class] = true;
            to->total++;
            row += event.run + 1U;
        }
    }
}

static size_t count_range(const statistics *of, unsigned run_class, unsigned start, unsigned level)
{
    size_t count = 0U;

    for (unsigned leaf = start; leaf < (start + (1U << level)); leaf++) {
        count += of->counts[run_class][leaf];
    }
    return count;
}

/* Whether there are few enough ranges where as many as can be are joined. */
static bool few_enough(const statistics *of)
{
    unsigned size = 0U;

    for (unsigned i = 0U; i < LANES_RUN_CLASSES; i++) {
        if (of->used[i]) {
            unsigned level;

            if (room_of(i) < of->grain) {
                return false;
            }
            level = room_of(i) - of->grain;
            level = (level < (LANES_TREE_BITS - 1U)) ? level : (LANES_TREE_BITS - 1U);
            for (unsigned start = 0U; start < LANES_LEAVES; start += 1U << level) {
                size += (count_range(of, i, start, level) > 0U) ? 1U : 0U;
            }
        }
    }
    return size <= LANES_SYMBOLS;
}

/* Cut the tree of a class where that takes the fewest bits, and add its ranges. */
static void cut_tree(const statistics *of, double price, unsigned run_class, cut_trees *to)
{
    bool whole[LANES_TREE_BITS][LANES_LEAVES];
    double cost[LANES_LEAVES];
    size_t counts[LANES_LEAVES];
    unsigned start = 0U;

    /* The root stays cut: its range is not aligned among two's complement numbers. */
    for (unsigned level = 0U; level < LANES_TREE_BITS; level++) {
        for (unsigned node = 0U; node < (LANES_LEAVES >> level); node++) {
            const double split = (level > 0U) ? (cost[2U * node] + cost[(2U * node) + 1U]) : HUGE_VAL;
            double as_one = 0.0;

            counts[node] = (level > 0U) ? (counts[2U * node] + counts[(2U * node) + 1U]) : of->counts[run_class][node];
            if ((counts[node] > 0U) && ((of->grain + level) > room_of(run_class))) {
                as_one = HUGE_VAL;
            } else if (counts[node] > 0U) {
                const double bits = log2((double)of->total / (double)counts[node]);

                as_one = (double)counts[node] * (((bits > 1.0) ? bits : 1.0) + (double)of->grain + (double)level);
                as_one += price;
            } else {
                /* a range without values takes no bits */
            }
            whole[level][node] = (as_one <= split);
            cost[node] = (as_one < split) ? as_one : split;
        }
    }
    to->bits += cost[0] + cost[1];
    while (start < LANES_LEAVES) {
        unsigned level = LANES_TREE_BITS - 1U;
        size_t count;

        while ((level > 0U) && (((start & ((1U << level) - 1U)) != 0U) || (!whole[level][start >> level]))) {
            level--;
        }
        count = count_range(of, run_class, start, level);
        if (count > 0U) {
            if (to->size < LANES_SYMBOLS) {
                to->ranges[to->size].run_class = run_class;
                to->ranges[to->size].level = level;
                to->ranges[to->size].start = start;
                to->ranges[to->size].count = count;
            }
            to->size++;
        }
        start += 1U << level;
    }
}

static void cut(const statistics *of, double price, cut_trees *to)
{
    to->size = 0U;
    to->bits = 0.0;
    for (unsigned i = 0U; i < LANES_RUN_CLASSES; i++) {
        if (of->used[i]) {
            cut_tree(of, price, i, to);
        }
    }
}

/* Cut trees at nearly the lowest price, from an entry's on, that leaves few enough symbols. */
static void cut_to_fit(const statistics *of, cut_trees *to)
{
    double low = ENTRY_PRICE;
    double high = ENTRY_PRICE;

    cut(of, high, to);
    if (to->size > LANES_SYMBOLS) {
        while (to->size > LANES_SYMBOLS) {
            low = high;
            high *= 2.0;
            cut(of, high, to);
        }
        for (unsigned i = 0U; i < CLOSER; i++) {
            const double between = sqrt(low * high);

            cut(of, between, to);
            if (to->size > LANES_SYMBOLS) {
                low = between;
            } else {
                high = between;
            }
        }
        cut(of, high, to);
    }
}

/* Sort numbers of ranges by a key, smallest first; those of equal keys keep their order. */
static void sort_ranges(const size_t *keys, unsigned size, unsigned *order)
{
    for (unsigned i = 0U; i < size; i++) {
        unsigned place = i;

        while ((place > 0U) && (keys[order[place - 1U]] > keys[i])) {
            order[place] = order[place - 1U];
            place--;
        }
        order[place] = i;
    }
}

/* Give ranges the lengths of the best code of up to LANES_MAX_LENGTH bits, by package-merge. */
static void find_lengths(cut_trees *of)
{
    bool is_single[LANES_MAX_LENGTH][2U * LANES_SYMBOLS];
    size_t items[2U * LANES_SYMBOLS];
    size_t packages[LANES_SYMBOLS];
    size_t keys[LANES_SYMBOLS];
    unsigned order[LANES_SYMBOLS];
    unsigned count = 0U;
    unsigned needed = (2U * of->size) - 2U;

    for (unsigned i = 0U; i < of->size; i++) {
        keys[i] = of->ranges[i].count;
        of->ranges[i].length = (of->size == 1U) ? 1U : 0U;
    }
    sort_ranges(keys, of->size, order);
    for (unsigned level = 0U; level < LANES_MAX_LENGTH; level++) {
        const unsigned pairs = count / 2U;
        unsigned i = 0U;
        unsigned j = 0U;

        /* Merge the symbols themselves with packages of two items of the level before. */
        for (unsigned pair = 0U; pair < pairs; pair++) {
            packages[pair] = items[2U * pair] + items[(2U * pair) + 1U];
        }
        count = of->size + pairs;
        for (unsigned place = 0U; place < count; place++) {
            const bool take = (j == pairs) || ((i < of->size) && (keys[order[i]] <= packages[j]));

            is_single[level][place] = take;
            if (take) {
                items[place] = keys[order[i]];
                i++;
            } else {
                items[place] = packages[j];
                j++;
            }
        }
    }
    for (unsigned level = LANES_MAX_LENGTH; level > 0U; level--) {
        unsigned singles = 0U;

        for (unsigned place = 0U; place < needed; place++) {
            if (is_single[level - 1U][place]) {
                of->ranges[order[singles]].length++;
                singles++;
            }
        }
        needed = 2U * (needed - singles);
    }
}

static double code_bits(const cut_trees *of, unsigned grain)
{
    size_t bits = 0U;

    for (unsigned i = 0U; i < of->size; i++) {
        const unsigned extra = lanes_run_extra_bits[of->ranges[i].run_class] + grain + of->ranges[i].level;

        bits += of->ranges[i].count * ((size_t)of->ranges[i].length + extra);
    }
    return (double)bits + (ENTRY_PRICE * (double)of->size);
}

/* The least that a division takes: all symbols that suit it, with code words of fractions of bits. */
static double bound_of(const statistics *of)
{
    cut_trees trees;
    size_t bits = 0U;

    cut(of, ENTRY_PRICE, &trees);
    for (unsigned i = 0U; i < LANES_RUN_CLASSES; i++) {
        bits += lanes_run_extra_bits[i] * count_range(of, i, 0U, LANES_TREE_BITS);
    }
    return trees.bits + (double)bits;
}

/* Give ranges code words, ordered by their lengths. */
static void make_code(const cut_trees *of, lanes_choice *choice)
{
    const lanes_grid *grid = &choice->grid;
    size_t keys[LANES_SYMBOLS];
    unsigned order[LANES_SYMBOLS];

    for (unsigned i = 0U; i < of->size; i++) {
        keys[i] = of->ranges[i].length;
    }
    sort_ranges(keys, of->size, order);
    choice->code.dropped = grid->dropped;
    choice->code.size = of->size;
    for (unsigned i = 0U; i < of->size; i++) {
        const unsigned from = order[i];
        const unsigned start = of->ranges[from].start;

        choice->code.symbols[i].length = of->ranges[from].length;
        choice->code.symbols[i].run_class = of->ranges[from].run_class;
        choice->code.symbols[i].width = of->ranges[from].level + grid->grain;
        choice->code.symbols[i].base =
            (((uint32_t)start << grid->grain) - grid->half) & (LANES_WORD_MASK >> grid->dropped);
        for (unsigned leaf = start; leaf < (start + (1U << of->ranges[from].level)); leaf++) {
            choice->symbol_of[of->ranges[from].run_class][leaf] = (uint8_t)i;
        }
    }
    if (of->size == 1U) { /* a code of one code word would not be complete */
        choice->code.symbols[1] = choice->code.symbols[0];
        choice->code.size = 2U;
    }
}

void lanes_choose(const lanes_packet *packet, lanes_choice *choice)
{
    statistics here;
    cut_trees trees;
    double bounds[LANES_DIVISIONS];
    double best = HUGE_VAL;
    bool sparse;
    bool left = true;
    uint32_t limit;

    choice->grid = lanes_make_grid(packet, &sparse);
    limit = (sparse ? SPARSE_LIMIT : DENSE_LIMIT) << choice->grid.dropped;
    for (unsigned number = 0U; number < LANES_DIVISIONS; number++) {
        bounds[number] = HUGE_VAL;
        if (sparse || ((number % LANES_PARTITIONS) < DENSE_PARTITIONS)) {
            const lanes_division division = lanes_divide(number, limit);

            count_events(packet, &division, &choice->grid, &here);
            if (few_enough(&here)) {
                bounds[number] = bound_of(&here);
            }
        }
    }
    while (left) { /* until neither a limit of symbols nor whole bits can make one smaller */
        unsigned number = 0U;

        for (unsigned i = 1U; i < LANES_DIVISIONS; i++) {
            number = (bounds[i] < bounds[number]) ? i : number;
        }
        left = (bounds[number] < best);
        if (left) {
            const lanes_division division = lanes_divide(number, limit);
            double bits;

            bounds[number] = HUGE_VAL;
            count_events(packet, &division, &choice->grid, &here);
            cut_to_fit(&here, &trees);
            find_lengths(&trees);
            bits = code_bits(&trees, here.grain);
            if (bits < best) {
                best = bits;
                choice->division = division;
                make_code(&trees, choice);
            }
        }
    }
}
