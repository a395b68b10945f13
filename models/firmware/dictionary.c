/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec dictionary; see dictionary.h.
 */
#include "dictionary.h"

#define CLASSES 3U
#define SLOTS (1U << DICTIONARY_SLOT_BITS)
#define MOST_LITERAL_WIDTH 2U
#define WORD_MASK ((UINT32_C(1) << DICTIONARY_WORD_BITS) - 1U)

/* The encoder's layout: what each class of codes stands for, and how far it looks for an entry to come again. */
#define SLOT_CLASS 0U
#define ZEROS_CLASS 1U
#define LITERAL_CLASS 2U
#define ZEROS_WIDTH ((DICTIONARY_CODE_BITS > 6U) ? 4U : (DICTIONARY_CODE_BITS - 2U))
#define LOOK_AHEAD ((size_t)4U * SLOTS)

typedef enum { UNUSED = 0, ZEROS = 1, SLOT = 2, LITERAL = 3 } code_kind;

/* How codes are to be read. */
typedef struct {
    code_kind kind[CLASSES];
    unsigned width[CLASSES];
    unsigned dropped;
    unsigned slot_bits;
    unsigned run_bits;
    bool has_literals;
} code_layout;

/* An entry, and what is in the slots. */
typedef struct {
    dictionary_word words[DICTIONARY_ENTRY_SIZE];
} entry;

typedef struct {
    entry entries[SLOTS];
    bool stored[SLOTS];
} dictionary;

/* What a code stands for: entries of zeros, and one more unless `zeros_only`. */
typedef struct {
    size_t zeros;
    bool zeros_only;
    entry last;
} meaning;

static const entry NO_ENTRY = {{0U}};

static unsigned widest(code_kind kind, unsigned prefix, const code_layout *of)
{
    /* Slots, runs and a prefix of three bits fit into a code, which is checked before. */
    const unsigned room = DICTIONARY_CODE_BITS - prefix - of->run_bits;
    unsigned limit = 0U;

    switch (kind) {
    case ZEROS:
        limit = room;
        break;
    case SLOT:
        limit = of->slot_bits;
        break;
    case LITERAL:
        limit = MOST_LITERAL_WIDTH;
        break;
    default:
        break;
    }
    return (limit < room) ? limit : room;
}

static code_layout get_layout(bits_reader *from)
{
    code_layout result;

    for (unsigned i = 0U; i < CLASSES; i++) {
        result.kind[i] = (code_kind)bits_get(from, 2U);
        result.width[i] = (unsigned)bits_get(from, 4U);
    }
    result.dropped = (unsigned)bits_get(from, 4U);
    result.slot_bits = (unsigned)bits_get(from, 4U);
    result.run_bits = (unsigned)bits_get(from, 4U);
    result.has_literals = (bits_get(from, 1U) == 1U);
    if ((bits_get(from, 1U) != 0U) || (result.dropped >= DICTIONARY_WORD_BITS) ||
        (result.slot_bits > DICTIONARY_SLOT_BITS) ||
        ((CLASSES + result.slot_bits + result.run_bits) > DICTIONARY_CODE_BITS)) {
        from->failed = true;
    }
    for (unsigned i = 0U; (i < CLASSES) && (!from->failed); i++) {
        if (result.width[i] > widest(result.kind[i], i + 1U, &result)) {
            from->failed = true;
        }
    }
    return result;
}

/* Whether the packet ends here: at zeros only, of as many bits as a code has at most or the stream has left. */
static bool at_end(const bits_reader *codes)
{
    bits_reader ahead = *codes;
    const size_t left = ahead.stream.bits - ahead.position;

    return bits_get(&ahead, (left < DICTIONARY_CODE_BITS) ? (unsigned)left : DICTIONARY_CODE_BITS) == 0U;
}

/* Read a literal of so many planes, the lowest one first. */
static entry get_literal(bits_reader *literals, unsigned dropped, unsigned planes)
{
    entry result = NO_ENTRY;

    for (unsigned plane = 0U; plane < planes; plane++) {
        for (unsigned i = 0U; i < DICTIONARY_ENTRY_SIZE; i++) {
            const uint32_t bit = bits_get(literals, 1U);
            /* The bits above the last plane are all equal to it. */
            const uint32_t weight = (plane == (planes - 1U)) ? (WORD_MASK << (dropped + plane)) : (bit << (dropped + plane));

            result.words[i] = (dictionary_word)(result.words[i] | ((bit * weight) & WORD_MASK));
        }
    }
    return result;
}

/* Read one code. */
static meaning get_code(bits_reader *codes, bits_reader *literals, const code_layout *by, dictionary *slots)
{
    meaning result = {0U, true, NO_ENTRY};
    unsigned i = 0U;
    uint32_t field;
    uint32_t slot;
    const unsigned all_planes = DICTIONARY_WORD_BITS - by->dropped;

    while ((i < CLASSES) && (bits_get(codes, 1U) == 0U)) {
        i++;
    }
    field = bits_get(codes, (i < CLASSES) ? by->width[i] : by->slot_bits);
    if ((i < CLASSES) && (by->kind[i] == ZEROS)) {
        result.zeros = ((size_t)field + 1U) << by->run_bits;
        return result;
    }
    result.zeros = bits_get(codes, by->run_bits);
    result.zeros_only = false;
    if (i == CLASSES) {
        if (field > 0U) {
            result.last = get_literal(literals, by->dropped, all_planes);
            slots->entries[field] = result.last;
            slots->stored[field] = true;
        }
    } else if (by->kind[i] == SLOT) {
        slot = ((UINT32_C(1) << by->width[i]) | field) & ((UINT32_C(1) << by->slot_bits) - 1U);
        result.last = slots->entries[slot];
        if (!slots->stored[slot]) {
            codes->failed = true;
        }
    } else if ((by->kind[i] == LITERAL) && (field < all_planes)) {
        result.last = get_literal(literals, by->dropped, all_planes - (unsigned)field);
    } else {
        codes->failed = true;
    }
    return result;
}

/* Write an entry, of which the last one may be cut off. */
static void put_entry(dictionary_word *words, size_t count, size_t number, const entry *written)
{
    const size_t start = number * DICTIONARY_ENTRY_SIZE;

    for (size_t i = 0U; (i < DICTIONARY_ENTRY_SIZE) && (i < (count - start)); i++) {
        words[start + i] = written->words[i];
    }
}

bool dictionary_decode(bits_input layout, bits_input codes, bits_input literals, dictionary_word *words, size_t count)
{
    bits_reader from_layout = {layout, 0U, false};
    bits_reader from_codes = {codes, 0U, false};
    bits_reader from_literals = {literals, 0U, false};
    const code_layout by = get_layout(&from_layout);
    const size_t entries = (count / DICTIONARY_ENTRY_SIZE) + (((count % DICTIONARY_ENTRY_SIZE) > 0U) ? 1U : 0U);
    dictionary slots;
    size_t done = 0U;

    for (size_t i = 0U; i < SLOTS; i++) {
        slots.entries[i] = NO_ENTRY;
        slots.stored[i] = false;
    }
    if ((!bits_ended(&from_layout, 1U)) || (by.has_literals != (literals.bits > 0U))) {
        return false;
    }
    while ((done < entries) && (!from_codes.failed) && (!from_literals.failed)) {
        const bool ended = at_end(&from_codes);
        const meaning here = get_code(&from_codes, &from_literals, &by, &slots);
        const size_t stands_for = here.zeros + (here.zeros_only ? 0U : 1U);

        if (ended || (stands_for > (entries - done))) {
            from_codes.failed = true;
        } else {
            for (size_t i = 0U; i < here.zeros; i++) {
                put_entry(words, count, done + i, &NO_ENTRY);
            }
            if (!here.zeros_only) {
                put_entry(words, count, done + here.zeros, &here.last);
            }
            done += stands_for;
        }
    }
    return (entries > 0U) && bits_ended(&from_codes, DICTIONARY_CODE_BITS) &&
           bits_ended(&from_literals, DICTIONARY_ENTRY_SIZE * DICTIONARY_WORD_BITS);
}

/* Read an entry of the words to encode, which zeros fill up. */
static entry entry_at(const dictionary_word *words, size_t count, size_t number)
{
    const size_t start = number * DICTIONARY_ENTRY_SIZE;
    entry result = NO_ENTRY;

    for (size_t i = 0U; (i < DICTIONARY_ENTRY_SIZE) && (i < (count - start)); i++) {
        result.words[i] = (dictionary_word)(words[start + i] & WORD_MASK);
    }
    return result;
}

static bool equal(const entry *one, const entry *other)
{
    bool same = true;

    for (unsigned i = 0U; i < DICTIONARY_ENTRY_SIZE; i++) {
        same = same && (one->words[i] == other->words[i]);
    }
    return same;
}

/* Return the slot that holds an entry; 0 if there is none. */
static uint32_t slot_of(const dictionary *slots, const entry *wanted)
{
    for (uint32_t slot = 1U; slot < SLOTS; slot++) {
        if (slots->stored[slot] && equal(&slots->entries[slot], wanted)) {
            return slot;
        }
    }
    return 0U;
}

/* Whether the entry of a number is among those that follow it soon. */
static bool comes_again(const dictionary_word *words, size_t count, size_t number, size_t entries)
{
    const entry wanted = entry_at(words, count, number);

    for (size_t i = 1U; (i <= LOOK_AHEAD) && (i < (entries - number)); i++) {
        const entry other = entry_at(words, count, number + i);

        if (equal(&other, &wanted)) {
            return true;
        }
    }
    return false;
}

/* Return how many planes of an entry a literal leaves out, since they are equal to the one below them. */
static unsigned spare_planes(const entry *of, unsigned all_planes)
{
    uint32_t magnitudes = 0U;
    unsigned spare = 0U;

    for (unsigned i = 0U; i < DICTIONARY_ENTRY_SIZE; i++) {
        const uint32_t word = of->words[i];

        magnitudes |= ((word >> (DICTIONARY_WORD_BITS - 1U)) != 0U) ? (WORD_MASK ^ word) : word;
    }
    while ((spare < ((1U << MOST_LITERAL_WIDTH) - 1U)) && ((spare + 1U) < all_planes) &&
           ((magnitudes >> (DICTIONARY_WORD_BITS - 2U - spare)) == 0U)) {
        spare++;
    }
    return spare;
}

static bool put_class(bits_output *codes, unsigned number, uint32_t field, unsigned width)
{
    return bits_put(codes, 1U, number + 1U) && bits_put(codes, field, width);
}

static bool put_zeros(bits_output *codes, size_t zeros)
{
    const size_t most = (size_t)1U << ZEROS_WIDTH;
    size_t left = zeros;
    bool fits = true;

    while (fits && (left > 0U)) {
        const size_t run = (left < most) ? left : most;

        fits = put_class(codes, ZEROS_CLASS, (uint32_t)(run - 1U), ZEROS_WIDTH);
        left -= run;
    }
    return fits;
}

static bool put_literal(bits_output *literals, const entry *written, unsigned dropped, unsigned planes)
{
    bool fits = true;

    for (unsigned plane = dropped; plane < (dropped + planes); plane++) {
        for (unsigned i = 0U; fits && (i < DICTIONARY_ENTRY_SIZE); i++) {
            fits = bits_put(literals, ((uint32_t)written->words[i] >> plane) & 1U, 1U);
        }
    }
    return fits;
}

static bool put_layout(bits_output *layout, unsigned dropped, bool has_literals)
{
    const code_kind kinds[CLASSES] = {SLOT, ZEROS, LITERAL};
    const unsigned widths[CLASSES] = {DICTIONARY_SLOT_BITS, ZEROS_WIDTH, MOST_LITERAL_WIDTH};
    bool fits = true;

    for (unsigned i = 0U; i < CLASSES; i++) {
        fits = fits && bits_put(layout, (uint32_t)kinds[i], 2U) && bits_put(layout, widths[i], 4U);
    }
    return fits && bits_put(layout, dropped, 4U) && bits_put(layout, DICTIONARY_SLOT_BITS, 4U) &&
           bits_put(layout, 0U, 4U) && bits_put(layout, has_literals ? 2U : 0U, 2U);
}

/* Return how many low-order bits are zero in every word; none if all are. */
static unsigned zero_bits(const dictionary_word *words, size_t count)
{
    uint32_t used = 0U;
    unsigned dropped = 0U;

    for (size_t i = 0U; i < count; i++) {
        used |= words[i] & WORD_MASK;
    }
    while ((used != 0U) && (((used >> dropped) & 1U) == 0U)) {
        dropped++;
    }
    return dropped;
}

bool dictionary_encode(const dictionary_word *words, size_t count, bits_output *layout, bits_output *codes,
                       bits_output *literals)
{
    const size_t entries = (count / DICTIONARY_ENTRY_SIZE) + (((count % DICTIONARY_ENTRY_SIZE) > 0U) ? 1U : 0U);
    const unsigned dropped = zero_bits(words, count);
    const unsigned all_planes = DICTIONARY_WORD_BITS - dropped;
    dictionary slots;
    uint32_t next = 1U;
    size_t zeros = 0U;
    bool fits = true;

    for (size_t i = 0U; i < SLOTS; i++) {
        slots.stored[i] = false;
    }
    layout->bits = 0U;
    codes->bits = 0U;
    literals->bits = 0U;
    for (size_t number = 0U; fits && (number < entries); number++) {
        const entry here = entry_at(words, count, number);
        uint32_t slot;

        if (equal(&here, &NO_ENTRY)) {
            zeros++;
            continue;
        }
        fits = put_zeros(codes, zeros);
        zeros = 0U;
        slot = slot_of(&slots, &here);
        if (slot > 0U) {
            fits = fits && put_class(codes, SLOT_CLASS, slot, DICTIONARY_SLOT_BITS);
        } else if (comes_again(words, count, number, entries)) {
            fits = fits && bits_put(codes, 0U, CLASSES) && bits_put(codes, next, DICTIONARY_SLOT_BITS) &&
                   put_literal(literals, &here, dropped, all_planes);
            slots.entries[next] = here;
            slots.stored[next] = true;
            next = (next == (SLOTS - 1U)) ? 1U : (next + 1U);
        } else {
            const unsigned spare = spare_planes(&here, all_planes);

            fits = fits && put_class(codes, LITERAL_CLASS, spare, MOST_LITERAL_WIDTH) &&
                   put_literal(literals, &here, dropped, all_planes - spare);
        }
    }
    fits = fits && put_zeros(codes, zeros);
    return (count == 0U) || (fits && put_layout(layout, dropped, literals->bits > 0U));
}
