/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec dictionary; see dictionary.h.
 */
#include "dictionary.h"

#define CLASSES 3U
#define SLOTS (1U << DICTIONARY_SLOT_BITS)
#define MOST_LITERAL_WIDTH 2U

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
    const uint32_t mask = (UINT32_C(1) << DICTIONARY_WORD_BITS) - 1U;
    entry result = NO_ENTRY;

    for (unsigned plane = 0U; plane < planes; plane++) {
        for (unsigned i = 0U; i < DICTIONARY_ENTRY_SIZE; i++) {
            const uint32_t bit = bits_get(literals, 1U);
            /* The bits above the last plane are all equal to it. */
            const uint32_t weight = (plane == (planes - 1U)) ? (mask << (dropped + plane)) : (bit << (dropped + plane));

            result.words[i] = (dictionary_word)(result.words[i] | ((bit * weight) & mask));
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
